import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { systemClock, type Clock } from '../clock.js';
import { createCondition } from '../observability/condition.js';
import type { Config } from '../config.js';
import type { Services } from '../context.js';
import { connectionOptions, type ConnectionTarget } from '../db/connection.js';
import { openDatabase } from '../db/database.js';
import { findRunningPostgres, startEmbeddedPostgres } from '../db/embedded/embedded.js';
import { prepareRoles } from '../db/embedded/roles.js';
import { letServe } from '../db/grants.js';
import { isAccessDenied, isUnavailable, reasonOf } from '../observability/failures.js';
import { BLIND_REMEDY, findLanguageFaults, ORDER_REMEDY } from '../db/languages.js';
import { applyMigrations, MIGRATIONS } from '../db/migrate.js';
import { assertSessions, NoSessionsError } from '../db/sessions.js';
import { createTokens, type Tokens } from '../domains/account/tokens.js';
import { createTermsConsent } from '../domains/account/terms.js';
import { createMembershipLookup } from '../domains/conversations/membership-lookup.js';
import { createTypingMemory } from '../domains/conversations/typing.js';
import { createLikeQueue } from '../domains/posts/likes.js';
import { createConnectedClients } from '../domains/presence/connected-clients.js';
import { createFileStore } from '../integrations/file-store.js';
import { createMailer } from '../integrations/mail.js';
import { createIssuers } from '../integrations/openid.js';
import { migrateQueue } from '../jobs/queue.js';
import { connectionsOf } from '../jobs/worker.js';
import { createMarkdown } from '../markdown/html.js';
import { createLog, type Log } from '../observability/log.js';
import { createPasswordStrength } from '../access/password-strength/password-strength.js';
import { openDerivedKeys } from '../access/derived-keys.js';
import { openMasterKey } from '../access/master-key.js';
import { openSigningKeys } from '../access/signing-keys.js';
import { createRateLimits } from '../access/rate-limits.js';
import { createSecretDigest } from '../access/secret-digest.js';
import type { Bus } from '../realtime/bus.js';
import { recogniseDatabase, renewEpochsAfterRestore } from '../realtime/event-log.js';
import { createHub } from '../realtime/hub.js';
import { createMemoryBus } from '../realtime/memory-bus.js';
import { createRedisBus } from '../realtime/redis-bus.js';
import { createTableWrites, readSchema, type TableWrites } from '../realtime/table-writes.js';
import { createRedisAway } from '../redis/connection.js';
import { createSharedTexts, type SharedTexts } from '../redis/shared-texts.js';

/** Everything below the transports, for the server and for the command line. */
export interface OpenServices extends Services {
  readonly tokens: Tokens;
  readonly bus: Bus;
  /** Names this process among those on the database. */
  readonly processId: string;
  /** Where processes find the persisted documents of others. */
  readonly sharedDocuments: SharedTexts | null;
  readonly writes: TableWrites;
  readonly target: ConnectionTarget;
}

export interface ServicesOptions {
  readonly clock?: Clock | undefined;
  readonly log?: Log | undefined;
  /** Called with every SQL statement, for tests that count them. */
  readonly onStatement?: ((sql: string, params: string) => void) | undefined;
  /** Called when the embedded database ends by itself. */
  readonly onFatal?: ((reason: string) => void) | undefined;
  /** Whether to use the embedded database of a server that already runs under DATA_DIR; without it that is an error. */
  readonly attachToRunning?: boolean | undefined;
  /** An open and migrated database to use instead of the configured one. */
  readonly target?: ConnectionTarget | undefined;
}

/** Things to close, in the reverse order of their opening. */
export type Closers = (() => Promise<unknown>)[];

export const closeAll = async (closers: Closers): Promise<void> => {
  for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close();
};

/**
 * Opens the database, migrated, and what is built on it. Each part that was opened is added to `closers`, also when a later one
 * fails.
 */
export const openServices = async (config: Config, closers: Closers, options: ServicesOptions = {}): Promise<OpenServices> => {
  const clock = options.clock ?? systemClock;
  const log = options.log ?? createLog(config.logLevel);
  const { timeoutMs, poolSize } = config.database;

  const processId = randomUUID();
  const target = options.target ?? (await openMigrated(config, closers, options));
  const away = createRedisAway(log);
  const bus =
    config.redis.url === null
      ? createMemoryBus({ log })
      : createRedisBus({ url: config.redis.url, prefix: config.redis.prefix, log, away });
  closers.push(() => bus.close());

  const onCommit: Parameters<typeof openDatabase>[0]['onCommit'] = (grown) => {
    for (const { topic, key, seq, priorAt, events } of grown) {
      hub.committed(topic, key, events, priorAt);
      bus.wake({ topic, key, seq });
    }
  };
  const onConnect: Parameters<typeof openDatabase>[0]['onConnect'] = async (client) => {
    if (!(await recogniseDatabase({ query: (sql, values) => client.query(sql, values) }))) return;
    log.warn('the database went back or is another one: cursors from before have expired');
    // Not from here: it needs a connection of its own.
    setImmediate(() => void hub.reconcile());
  };
  const writes = createTableWrites(bus);
  closers.push(async () => writes.stop());
  const onWritten = writes.wrote;
  const db = openDatabase({ target, poolSize, timeoutMs, log, onCommit, onConnect, onWritten, onStatement: options.onStatement });
  closers.push(() => db.close());
  if (await renewEpochsAfterRestore(db)) log.warn('this database was restored or copied: cursors from before have expired');

  writes.know(await readSchema(db.prisma));
  const hub = createHub({ prisma: db.prisma, bus, log, ...config.realtime });
  closers.push(async () => hub.stop());

  const limits = createRateLimits(config, log, away);
  closers.push(() => limits.close());

  const sharedDocuments = createSharedTexts(config.redis, { name: 'document', log, away });
  closers.push(async () => sharedDocuments?.close());

  const masterKey = await openMasterKey({ db, config });
  const keys = await openSigningKeys({ config, db, masterKey, clock, log, processId });
  closers.push(() => keys.stop());
  const deriveKey = await openDerivedKeys(db, masterKey, keys);
  const tokens = createTokens({ config, keys, clock });
  const secretDigest = createSecretDigest(deriveKey('lyceum secrets of repeated calls'));
  const linkSecret = createSecretDigest(deriveKey('lyceum secrets of mailed links'));
  const fileSignature = createSecretDigest(deriveKey('lyceum links to files'));
  const mailer = await createMailer(config, log);
  const fileStore = createFileStore(config);
  const passwordStrength = createPasswordStrength();
  closers.push(() => passwordStrength.stop());
  const markdown = createMarkdown({ log });
  closers.push(() => markdown.stop());
  const memories = {
    typing: createTypingMemory({ hub, clock, bus }),
    likes: createLikeQueue(db),
    memberships: createMembershipLookup(db),
    connections: createConnectedClients({ bus, db, processId }),
    markdown,
    terms: createTermsConsent({ db, config }),
  };
  return {
    config,
    clock,
    log,
    db,
    hub,
    limits,
    tokens,
    secretDigest,
    masterKey,
    linkSecret,
    fileSignature,
    mailer,
    issuers: createIssuers(config, clock, log),
    fileStore,
    passwordStrength,
    ...memories,
    bus,
    processId,
    sharedDocuments,
    writes,
    target,
  };
};

/** Opens the database alone, and brings it to the newest migration. An embedded one is added to `closers`. */
export const openMigrated = async (config: Config, closers: Closers, options: ServicesOptions): Promise<ConnectionTarget> => {
  const log = options.log ?? createLog(config.logLevel);
  const { timeoutMs } = config.database;
  const { server, owner } = await openTargets(config, log, closers, options);
  const afterMigrations = async (client: pg.Client): Promise<void> => {
    await migrateQueue(owner ?? server, log);
    if (owner !== null) await letServe(client, server, timeoutMs);
    const { isBlind, isOrderedOtherwise } = await findLanguageFaults(client);
    if (isBlind) log.warn({ remedy: BLIND_REMEDY }, 'the indexes of the database see no letters but those of ASCII: searching is slow');
    if (isOrderedOtherwise) log.warn({ remedy: ORDER_REMEDY }, 'the database orders names otherwise than its indexes: lists may lack some');
  };
  const migrate = async (): Promise<void> => {
    // Before the migrations: behind a pooler, their advisory lock would stay with a session that is handed to others, and the next process
    // would wait for it for ever.
    for (const target of owner === null ? [server] : [owner, server]) await assertSessions(target, timeoutMs);
    await applyMigrations(connectionOptions(owner ?? server, timeoutMs), { directory: MIGRATIONS, log, afterMigrations });
  };
  await untilReachable(migrate, log);
  return server;
};

/** Connections that a database needs beside those of its servers' pools: for the command line, or for a person with psql. */
const SPARE_CONNECTIONS = 20;

/** The same database as those who use it. */
interface Targets {
  readonly server: ConnectionTarget;
  /** Who migrates; null where that is the server, too. */
  readonly owner: ConnectionTarget | null;
}

/** The database to use: the one of DATABASE_URL, or the embedded one under DATA_DIR. */
const openTargets = async (config: Config, log: Log, closers: Closers, options: ServicesOptions): Promise<Targets> => {
  await mkdir(config.dataDir, { recursive: true });
  const { url, migrationUrl, poolSize } = config.database;
  if (url !== null) return { server: { url }, owner: migrationUrl === null ? null : { url: migrationUrl } };
  const running = options.attachToRunning === true ? await findRunningPostgres(config.dataDir) : null;
  if (running !== null) return await prepareRoles(running);
  const maxConnections = Math.max(100, config.workers * (poolSize + connectionsOf(config.jobs.concurrency)) + SPARE_CONNECTIONS);
  const embedded = await startEmbeddedPostgres({
    dataDir: config.dataDir,
    log,
    // Only tests do without flushing every commit to disk.
    durable: config.env !== 'test',
    maxConnections,
    ...(options.onFatal ? { onExit: options.onFatal } : {}),
  });
  closers.push(() => embedded.stop());
  return await prepareRoles(embedded.address);
};

const REACH_ATTEMPTS = 30;
const REACH_INTERVAL_MS = 1_000;

/** A database that is started together with this process may need a moment. */
const untilReachable = async (attempt: () => Promise<unknown>, log: Log): Promise<void> => {
  const away = createCondition({
    log,
    name: 'database',
    began: 'the database is unavailable; trying again',
    over: 'the database is available',
  });
  for (let failures = 0; ; failures += 1) {
    try {
      await attempt();
      away.clear(0);
      return;
    } catch (error) {
      // Waiting does not help against a wrong password.
      if (error instanceof NoSessionsError || !isUnavailable(error) || isAccessDenied(error) || failures >= REACH_ATTEMPTS) throw error;
      away.hold(reasonOf(error));
      await delay(REACH_INTERVAL_MS);
    }
  }
};
