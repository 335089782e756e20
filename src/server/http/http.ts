import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { JSONWebKeySet } from 'jose';
import type { Config } from '../../config.js';
import { DEMO_PASSWORD, DEMO_USERS } from '../../demo/users.js';
import { createCondition } from '../../observability/condition.js';
import type { AccessLog, VisitOf } from '../../observability/access-log.js';
import type { Log } from '../../observability/log.js';
import type { Connections } from './connections.js';
import { createCors } from './cors.js';
import type { Gate } from './gate.js';
import type { EventStreams } from './event-stream.js';
import { isFilePath, sendFile, type FindFile } from './files.js';
import { createGraphiQLPage } from '../graphiql/page.js';
import { createGraphQLHandler, type Hold, type Refuse, type Ways } from './graphql-http.js';
import { watchConnections } from './http-connections.js';
import { answerProtocolErrors } from './protocol-errors.js';
import { receive, type Reception } from './reception.js';
import { clientOf } from './request-context.js';
import { REQUEST_ID, requestIdOf } from './request-id.js';
import { sendError, sendJson } from './send.js';
import { toOriginForm } from './target.js';
import type { WebClient } from './web-client.js';
import { createAddressLimit, type AddressLimit } from '../websocket/limits.js';
import type { ListenedTime } from '../websocket/listened-time.js';

/** The body of `/readyz`: whether this process should get traffic, and the state of its dependencies. */
export interface Readiness {
  readonly ready: boolean;
  /** Absent while the process serves. */
  readonly state?: 'stopping';
  readonly components: Readonly<Record<string, 'UP' | 'READ_ONLY' | 'DOWN'>>;
}

export interface HttpOptions {
  readonly config: Pick<Config, 'corsOrigins' | 'demoData' | 'graphiql' | 'trustProxy' | 'http'>;
  readonly ways: Ways;
  readonly gate: Gate;
  readonly jwks: () => JSONWebKeySet;
  /** What is served at `/`; null where `/` leads to GraphiQL. */
  readonly web: WebClient | null;
  /** Finds what the links to files lead to. */
  readonly findFile: FindFile;
  readonly readiness: () => Promise<Readiness>;
  /** Where event streams are registered. At a stop they are cut without `complete`, so their readers reconnect to another process. */
  readonly connections: Connections;
  /** Counts event streams and sockets together by address. */
  readonly addresses: AddressLimit;
  /** Asked before a refusal is told. */
  readonly hold: Hold;
  readonly events: EventStreams;
  /** The clock of timeouts for peers. */
  readonly time: ListenedTime;
  readonly log: Log;
  /** Null where it is off. */
  readonly accessLog: AccessLog | null;
}

export type HttpServer = Server & {
  /** Connections without a request so far. */
  readonly unused: ReadonlySet<Socket>;
  /** Connections that wait to be served. */
  readonly reception: Reception;
};

/** Creates the HTTP server: the web client at /, GraphQL and GraphiQL at /graphql, files at /files/, health at /healthz and /readyz, public keys at /.well-known/jwks.json. */
export const createHttpServer = ({
  config,
  ways,
  gate,
  jwks,
  web,
  findFile,
  readiness,
  connections,
  addresses,
  hold,
  events,
  time,
  log,
  accessLog,
}: HttpOptions): HttpServer => {
  const cors = createCors(config.corsOrigins);
  const visitOf: VisitOf = (request) => accessLog?.visitOf(request) ?? null;
  const refuse: Refuse = async (request, response, status, code, message, headers) => {
    const visit = visitOf(request);
    if (visit !== null) visit.code = code;
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    await hold(request, code, gone.signal);
    if (!response.destroyed) sendError(response, status, code, message, headers);
  };
  const handleGraphQL = createGraphQLHandler(
    ways,
    config.graphiql ? createGraphiQLPage(config.demoData ? { users: DEMO_USERS, password: DEMO_PASSWORD } : null) : null,
    {
      connections,
      events,
      enter: (request) => {
        const client = clientOf(request, config.trustProxy);
        const leave = addresses.enter(client.ip ?? '');
        return leave && { client, leave };
      },
    },
    hold,
    refuse,
    visitOf,
  );
  const routes: Readonly<Record<string, (response: ServerResponse) => Promise<void> | void>> = {
    ...(web === null && config.graphiql
      ? { '/': (response: ServerResponse): void => void response.writeHead(302, { location: '/graphql' }).end() }
      : {}),
    '/healthz': (response) => sendJson(response, 200, { status: 'ok' }),
    '/readyz': async (response) => {
      const state = await readiness();
      sendJson(response, state.ready ? 200 : 503, state);
    },
    '/.well-known/jwks.json': (response) => sendJson(response, 200, jwks(), { 'cache-control': 'public, max-age=300' }),
  };
  const { headersTimeoutMs, requestTimeoutMs, checkIntervalMs, keepAliveMs, maxConnectionsPerAddress } = config.http;
  const keepAlive = `timeout=${Math.floor(keepAliveMs / 1_000)}`;
  /** Sets the headers of every response. */
  const begin = (request: IncomingMessage, response: ServerResponse): void => {
    response.setHeader('x-content-type-options', 'nosniff');
    response.setHeader('referrer-policy', 'no-referrer');
    response.setHeader(REQUEST_ID, requestIdOf(request));
    if (gate.isSecure(request)) response.setHeader('strict-transport-security', TLS_ONLY);
    // Without it a connection would be kept alive after its last answer, only for its next request to be refused.
    if (connections.stopping()) response.setHeader('connection', 'close');
    else if (response.shouldKeepAlive) response.setHeader('keep-alive', keepAlive);
    cors.allow(request, response);
  };
  /** Refuses a request and closes its connection. */
  const refuseLast = (response: ServerResponse, status: number, message: string): void => {
    response.removeHeader('keep-alive');
    sendError(response, status, 'BAD_REQUEST', message, { connection: 'close' });
  };
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    begin(request, response);
    toOriginForm(request);
    const [path = '/'] = (request.url ?? '/').split('?', 1);
    const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
    const answer = path === '/graphql' || route !== undefined || isFilePath(path) ? null : (web?.find(request, path) ?? null);
    const isReading = request.method === 'GET' || request.method === 'HEAD';
    const turned = gate.turn(request, path);
    if (!hasOneHost(request)) refuseLast(response, 400, 'There must be one Host header.');
    else if (turned !== null) await refuse(request, response, turned.status, turned.code, turned.message, turned.headers);
    else if (isFilePath(path) && isReading) {
      const file = await findFile(request, path);
      if (file === null) await refuse(request, response, 404, 'NOT_FOUND', 'This link leads to nothing, or no longer does.');
      else await sendFile(request, response, file);
    } else if (answer !== null && isReading) answer.send(request, response);
    else if (path !== '/graphql' && route === undefined && answer?.status !== 200)
      await refuse(request, response, 404, 'NOT_FOUND', 'There is nothing here. GraphQL is at /graphql.');
    else if (request.method === 'OPTIONS')
      response.writeHead(204, { allow: path === '/graphql' ? 'GET, HEAD, POST, OPTIONS' : 'GET, HEAD, OPTIONS' }).end();
    else if (path === '/graphql') await handleGraphQL(request, response);
    else if (route !== undefined && isReading) await route(response);
    else await refuse(request, response, 405, 'BAD_REQUEST', 'Use GET.', { allow: 'GET, HEAD, OPTIONS' });
  };
  const server = createServer({
    connectionsCheckingInterval: checkIntervalMs,
    keepAliveTimeout: keepAliveMs + KEEP_ALIVE_MARGIN_MS,
    // Node's own answer to a missing Host header has no body.
    requireHostHeader: false,
  });
  // The timeouts are getters, since Node reads them at every check and compares them with the clock. They must grow by the time in which
  // the event loop was blocked: what a peer sent meanwhile has not been read yet.
  Object.defineProperties(server, {
    headersTimeout: { get: () => time.spanOf(headersTimeoutMs) },
    requestTimeout: { get: () => time.spanOf(requestTimeoutMs) },
  });
  const reception = receive(server);
  answerProtocolErrors(server);
  const full = createCondition({
    log,
    name: 'connections-per-address',
    began: 'an address has as many connections as MAX_CONNECTIONS_PER_ADDRESS allows; further ones are refused',
    over: 'no address is refused a connection any more',
  });
  const { unused, isRefused } = watchConnections(server, config.trustProxy ? null : createAddressLimit(maxConnectionsPerAddress, full));
  server.on('request', (request, response) => {
    if (isRefused(request.socket)) return;
    accessLog?.request(request, response);
    handle(request, response).catch((error: unknown) => {
      // A failure is not reported for a peer that has disconnected, or was cut because its request took too long.
      if (response.destroyed || request.socket.destroyed) return;
      log.error({ err: error instanceof Error ? error : String(error) }, 'a request failed');
      if (response.headersSent) response.destroy();
      else sendError(response, 500, 'INTERNAL', 'Something went wrong on our side.');
    });
  });
  server.on('checkExpectation', (request, response) => {
    begin(request, response);
    refuseLast(response, 417, 'The only expectation that is met is 100-continue.');
  });
  return Object.assign(server, { unused, reception });
};

/** Browsers ask for nothing without TLS for a year. */
const TLS_ONLY = 'max-age=31536000';

/**
 * How much longer a connection is kept alive than the client was told, in milliseconds. Without the margin: a client sends its next request
 * just before the time is over, the event loop is blocked for a moment, and Node's timer, which runs before the request is read, closes the
 * connection. The client sees a reset and cannot know whether its mutation was executed. The one second that Node 20 adds is not enough
 * under load.
 */
const KEEP_ALIVE_MARGIN_MS = 10_000;

/** HTTP/1.1 requires exactly one Host header (RFC 9112, 3.2). */
const hasOneHost = ({ httpVersion, headersDistinct: { host = [] } }: IncomingMessage): boolean =>
  host.length === 1 || (host.length === 0 && httpVersion === '1.0');

/**
 * The backlog of connections to be accepted. The kernel lowers it to its own limit (`net.core.somaxconn`). After a restart all clients
 * reconnect within seconds; a connection beyond the backlog is reset or waits for a minute.
 */
const BACKLOG = 65_535;

/** Starts listening. @returns the port, which the system chooses when `port` is 0 */
export const listen = (server: Server, port: number, host: string): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host, backlog: BACKLOG }, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });

/** Stops accepting connections, lets running requests finish for `graceMs` milliseconds, then closes the remaining connections. */
export const close = async (server: HttpServer, graceMs: number): Promise<void> => {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.reception.clear();
  for (const socket of server.unused) socket.destroy();
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_INTERVAL_MS);
  server.closeIdleConnections();
  const impatience = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(impatience);
};

const SWEEP_INTERVAL_MS = 50;
