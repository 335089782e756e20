import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock, type Clock } from './clock.js';
import type { Config } from './config.js';
import type { Services } from './context.js';
import type { ConnectionTarget } from './db/connection.js';
import { openDatabase } from './db/database.js';
import { startEmbeddedPostgres } from './db/embedded.js';
import { isUnavailable } from './db/failures.js';
import { applyMigrations, MIGRATIONS } from './db/migrate.js';
import { createTokens } from './domains/account/tokens.js';
import { authenticate } from './domains/account/viewer.js';
import { createPresence } from './domains/presence/leases.js';
import { createLog, type Log } from './log.js';
import { renewEpochsAfterRestore } from './realtime/event-log.js';
import { createHub } from './realtime/hub.js';
import { createMemoryBus } from './realtime/memory-bus.js';
import { createRedisBus } from './realtime/redis-bus.js';
import { schema } from './schema.js';
import { createGraphQLServer, type Authenticate } from './server/graphql.js';
import { close, createHttpServer, listen, type Readiness } from './server/http.js';
import { createSocketServer } from './server/websocket.js';

export interface App {
  /** Where GraphQL is, without a trailing slash: `http://127.0.0.1:4000/graphql`. */
  readonly url: string;
  readonly services: Services;
  /** Ends in order: no new work, sockets closed, running requests finished, then the parts they used. Safe to call again. */
  readonly stop: () => Promise<void>;
}

export interface AppOptions {
  readonly clock?: Clock;
  readonly log?: Log;
  /** Called with every SQL statement, for tests that count them. */
  readonly onStatement?: (sql: string) => void;
  /** Called when the embedded database ends by itself: the process can only follow. */
  readonly onFatal?: (reason: string) => void;
  /** Fills an empty database; called before anything is served. */
  readonly seed?: (services: Services) => Promise<void>;
}

/** How long running requests have to finish at a stop, in milliseconds. */
const STOP_GRACE_MS = 10_000;

/**
 * The composition root: builds every part from the configuration and starts to serve. Several apps may run in one process.
 * What has been started is stopped again when a later part fails.
 */
export const startApp = async (config: Config, options: AppOptions = {}): Promise<App> => {
  const clock = options.clock ?? systemClock;
  const log = options.log ?? createLog(config.logLevel);
  const started: (() => Promise<unknown>)[] = [];
  const stopAll = async (): Promise<void> => {
    for (let stop = started.pop(); stop !== undefined; stop = started.pop()) await stop();
  };
  try {
    const target = await openTarget(config, log, started, options.onFatal);
    await untilReachable(() => applyMigrations(target, { directory: MIGRATIONS, log }), log);

    const bus = config.redis.url === null ? createMemoryBus({ log }) : createRedisBus({ ...config.redis, url: config.redis.url, log });
    started.push(() => bus.close());

    const db = openDatabase({
      target,
      poolSize: config.database.poolSize,
      timeoutMs: config.database.timeoutMs,
      log,
      onCommit: (wakes) => wakes.forEach((wake) => bus.wake(wake)),
      onStatement: options.onStatement,
    });
    started.push(() => db.close());
    if (await renewEpochsAfterRestore(db.prisma)) log.warn('this database was restored or copied: earlier cursors have expired');

    const hub = createHub({ prisma: db.prisma, bus, log, ...config.realtime });
    started.push(async () => hub.stop());

    const tokens = await createTokens({ config, clock, log });
    const services: Services = { config, clock, log, db, hub, tokens };
    await options.seed?.(services);

    const presence = await createPresence({ db, log, processId: randomUUID(), ...config.presence });
    started.push(() => presence.stop());

    const identify: Authenticate = (token) => authenticate({ db, clock, tokens }, token);
    const graphql = createGraphQLServer(schema, services, identify);
    const readiness = async (): Promise<Readiness> => {
      const database = await db.ping().then(() => 'UP' as const, () => 'DOWN' as const);
      // Without its bus a process still serves, only later: that is no reason to send it no traffic.
      return { ready: database === 'UP', components: { database, bus: bus.state } };
    };
    const http = createHttpServer({ graphql, jwks: tokens.jwks, readiness, log });
    const port = await listen(http, config.port, config.host);
    started.push(() => close(http, STOP_GRACE_MS));
    const sockets = createSocketServer({ http, graphql, services, authenticate: identify, onPresent: presence.enter });
    started.push(() => sockets.stop());

    const host = config.host === '0.0.0.0' || config.host === '::' ? 'localhost' : config.host;
    return { url: `http://${host.includes(':') ? `[${host}]` : host}:${port}/graphql`, services, stop: stopAll };
  } catch (error) {
    await stopAll();
    throw error;
  }
};

/** The database to use: the one of DATABASE_URL, or the embedded one, started here. */
const openTarget = async (
  config: Config,
  log: Log,
  started: (() => Promise<unknown>)[],
  onFatal: AppOptions['onFatal'],
): Promise<ConnectionTarget> => {
  await mkdir(config.dataDir, { recursive: true });
  if (config.database.url !== null) return { url: config.database.url };
  const embedded = await startEmbeddedPostgres({
    dataDir: config.dataDir,
    log,
    durable: config.database.durable,
    ...(onFatal ? { onExit: onFatal } : {}),
  });
  started.push(() => embedded.stop());
  return embedded.address;
};

/** A database that starts together with this process may need a moment. */
const untilReachable = async (attempt: () => Promise<unknown>, log: Log): Promise<void> => {
  for (let failures = 0; ; failures += 1) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (!isUnavailable(error) || failures >= REACH_ATTEMPTS) throw error;
      log.warn({ err: String(error) }, 'the database is not reachable yet; trying again');
      await delay(REACH_INTERVAL_MS);
    }
  }
};
const REACH_ATTEMPTS = 30;
const REACH_INTERVAL_MS = 1_000;
