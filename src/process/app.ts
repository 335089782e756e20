import { createOperationBudgets } from '../access/buckets.js';
import { createBans, type Sender } from '../access/bans.js';
import { createHoldBack } from '../access/holding.js';
import { createCostBudgets } from '../access/cost-budgets.js';
import type { Config } from '../config.js';
import type { Services } from '../context.js';
import { createAuthenticator } from '../domains/account/authenticate.js';
import { alertAdministrators } from '../domains/audit/topics.js';
import { createPresence } from '../domains/presence/leases.js';
import { startWorker } from '../jobs/worker.js';
import { createAccessLog, type VisitOf } from '../observability/access-log.js';
import { createCondition } from '../observability/condition.js';
import { reasonOf } from '../observability/failures.js';
import { schema } from './schema.js';
import { createAccessWatcher } from '../server/rights/access-watcher.js';
import { createEventStreams } from '../server/http/event-stream.js';
import { createConnections } from '../server/http/connections.js';
import { createGate } from '../server/http/gate.js';
import { createAdmission } from '../server/execution/admission.js';
import { createEngine } from '../server/execution/engine.js';
import { createPersistedDocuments } from '../server/execution/persisted-documents.js';
import { readTrustedDocuments } from '../server/execution/trusted-documents.js';
import { createExecutor } from '../server/execution/executor/executor.js';
import { createExecute } from '../server/execution/execute.js';
import { createSendQueues } from '../server/websocket/send-queues.js';
import { limitResults } from '../server/execution/result-size.js';
import { createSharedQueries } from '../server/execution/shared-queries.js';
import { createGraphQLServer } from '../server/execution/graphql.js';
import { createDirect } from '../server/http/direct.js';
import { createFindFile } from '../server/http/files.js';
import { requestIdOf } from '../server/http/request-id.js';
import { close, createHttpServer, listen, type Readiness } from '../server/http/http.js';
import { loadWebClient } from '../server/http/web-client.js';
import { createListenedTime } from '../server/websocket/listened-time.js';
import { createAddressLimit } from '../server/websocket/limits.js';
import { createArrivals } from '../server/websocket/arrivals.js';
import { createSocketServer } from '../server/websocket/websocket.js';
import { closeAll, openServices, type Closers, type ServicesOptions } from './services.js';
import { tasks } from './tasks.js';

export interface App {
  /** Where GraphQL is: `http://127.0.0.1:4000/graphql`. */
  readonly url: string;
  readonly services: Services;
  /**
   * Stops in order: first jobs, sockets and event streams, spread over the configuration's `drainMs`, while `/readyz` answers 503 and requests are
   * still served; then running requests; then the parts that they used. May be called again.
   */
  readonly stop: () => Promise<void>;
}

export interface AppOptions extends Omit<ServicesOptions, 'attachToRunning'> {
  /** Fills an empty database, before anything is served. */
  readonly seed?: (services: Services) => Promise<void>;
}

/** How long running jobs, and then running requests, have to finish at a stop, in milliseconds. */
const STOP_GRACE_MS = 10_000;

/**
 * The composition root: builds every part from the configuration and starts to serve. Several apps may run in one process.
 * What has been started is stopped again when a later part fails.
 */
export const startApp = async (config: Config, options: AppOptions = {}): Promise<App> => {
  const closers: Closers = [];
  try {
    const services = await openServices(config, closers, options);
    const { clock, log, db, tokens, bus, target, writes } = services;
    await options.seed?.(services);

    const presence = await createPresence({ db, log, processId: services.processId, ...config.presence });
    closers.push(() => presence.stop());

    const authenticator = createAuthenticator(services);
    const watcher = createAccessWatcher(services, authenticator);
    services.connections.serve(watcher.connectionsOf);
    const budgets = createOperationBudgets(config.rateLimits);
    const costs = createCostBudgets({ ...config.rateLimits, ...config.costs }, services.limits);
    closers.push(async () => costs.stop());
    const onBan = ({ ip, viewerId }: Sender, forMs: number): void => {
      const about =
        viewerId === null ? { detail: { ip: ip ?? '', forMs } } : { subject: { type: 'User', id: viewerId }, detail: { forMs } };
      // The ban holds without it, and the log has it.
      db.transact(async (tx) => alertAdministrators(tx, 'SENDER_BANNED', about)).catch((error: unknown) =>
        log.warn({ reason: reasonOf(error) }, 'administrators could not be told of a ban'),
      );
    };
    const bans = createBans({ ...config.rateLimits, log, onBan });
    const holdBack = createHoldBack({ ...config.rateLimits, costs, bans });
    const executor = createExecutor(schema);
    const execute = limitResults(executor, config.limits.resultLength);
    const { maxBytes } = config.queryCache;
    const share =
      maxBytes === 0
        ? null
        : createSharedQueries(execute, services, writes, { ...config.queryCache, maxAgeMs: config.realtime.reconcileMs });
    const engine = createEngine(schema, services, watcher, executor, createExecute(execute, share, writes), costs);
    const { ttlMs, trusted, trustedOnly } = config.documents;
    const persisted = createPersistedDocuments({
      engine,
      clock,
      limits: services.limits,
      costs,
      shared: services.sharedDocuments,
      ttlMs,
      trusted: trusted === null ? null : await readTrustedDocuments(trusted, engine.documents),
      trustedOnly,
    });
    const admission = createAdmission({
      engine,
      persisted,
      budgets,
      costs,
      bans,
      authenticate: authenticator.authenticate,
      trustProxy: config.trustProxy,
    });
    const accessLog = config.accessLog
      ? createAccessLog(log, (request) => {
          const { ip, viewerId } = admission.senderOf(request);
          return { userId: viewerId, ip, requestId: requestIdOf(request) };
        })
      : null;
    const visitOf: VisitOf = (request) => accessLog?.visitOf(request) ?? null;
    const ways = {
      direct: createDirect(engine, admission, services, visitOf),
      yoga: createGraphQLServer(engine, admission, services, visitOf),
    };
    const connections = createConnections();
    const readiness = async (): Promise<Readiness> => {
      const database = await db.health.state();
      // A process without its bus, or with a read-only database, still serves, the former later than usual: it should go on getting traffic.
      const components = { database, bus: bus.state };
      return connections.stopping() ? { ready: false, state: 'stopping', components } : { ready: database !== 'DOWN', components };
    };
    const addresses = createAddressLimit(
      config.sockets.maxPerAddress,
      createCondition({
        log,
        name: 'sockets-per-address',
        began: 'an address has as many sockets and event streams as MAX_SOCKETS_PER_ADDRESS allows; further ones are refused',
        over: 'no address is refused a socket or an event stream any more',
      }),
    );
    const time = createListenedTime();
    closers.push(async () => time.stop());
    const gate = createGate(config);
    const sendQueues = createSendQueues(config.delivery);
    const events = createEventStreams(sendQueues, engine.mask, clock, config.delivery.pingMs);
    const web = config.webClient ? await loadWebClient() : null;
    const http = createHttpServer({
      config,
      ways,
      gate,
      jwks: tokens.jwks,
      web,
      findFile: createFindFile(services),
      readiness,
      connections,
      addresses,
      hold: (request, refusal, signal) => holdBack(admission.senderOf(request), refusal, signal),
      events,
      time,
      log,
      accessLog,
    });
    // Before it listens: a handshake that came between would be answered as a request.
    createSocketServer({
      http,
      connections,
      addresses,
      engine,
      persisted,
      services,
      authenticator,
      watcher,
      budgets,
      costs,
      holdBack,
      bans,
      gate,
      sendQueues,
      arrivals: createArrivals(http.reception.waiting),
      time,
      accessLog,
      onPresent: presence.enter,
    });
    const port = await listen(http, config.port, config.host);
    closers.push(() => close(http, STOP_GRACE_MS));
    const { concurrency } = config.jobs;
    const worker = concurrency === 0 ? null : startWorker({ target, services, tasks, concurrency });
    closers.push(() => Promise.all([connections.drain(config.drainMs), worker?.stop(STOP_GRACE_MS)]));

    const host = config.host === '0.0.0.0' || config.host === '::' ? 'localhost' : config.host;
    return {
      url: `http://${host.includes(':') ? `[${host}]` : host}:${port}/graphql`,
      services,
      stop: () => closeAll(closers),
    };
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
};
