import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ExecutionArgs, ExecutionResult, GraphQLError } from 'graphql';
import { handleProtocols, makeServer, type Context as Connection, type SubscribePayload } from 'graphql-ws';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Bans, Sender } from '../../access/bans.js';
import type { CostBudgets } from '../../access/cost-budgets.js';
import type { HoldBack } from '../../access/holding.js';
import type { OperationBudgets } from '../../access/buckets.js';
import { contextFor, type Context, type Services, type Via } from '../../context.js';
import type { Authenticator } from '../../domains/account/authenticate.js';
import { credentialOf, tokenCredential, type Credential } from '../../domains/account/credentials.js';
import { TokenError } from '../../domains/account/tokens.js';
import { aVisit, type AccessLog, type Visitor } from '../../observability/access-log.js';
import { isUnavailable, reasonOf } from '../../observability/failures.js';
import { coded, codeOf, type ErrorCode } from '../../errors.js';
import { encodeId } from '../../graphql/ids.js';
import { clientAddress } from '../http/address.js';
import { clientOf } from '../http/request-context.js';
import type { AccessWatch, Carrier } from '../rights/access-watch.js';
import type { AccessWatcher } from '../rights/access-watcher.js';
import type { Connections } from '../http/connections.js';
import { createCors } from '../http/cors.js';
import type { Gate } from '../http/gate.js';
import type { Engine, Prepared } from '../execution/engine.js';
import { commitOf } from '../execution/commit.js';
import { createHangUp } from '../execution/hang-up.js';
import type { Arrivals } from './arrivals.js';
import type { ListenedTime } from './listened-time.js';
import { REQUEST_ID, requestIdOf } from '../http/request-id.js';
import { publicError, publicResult } from '../execution/public-result.js';
import { refusalOf } from '../execution/refusal.js';
import type { PersistedDocuments } from '../execution/persisted-documents.js';
import type { OperationRequest } from '../execution/request.js';
import { nextHead } from './send-queue.js';
import type { SendQueues } from './send-queues.js';
import { refuse } from '../http/send.js';
import { toOriginForm } from '../http/target.js';
import { bytesOf, isFound } from '../execution/subscribe.js';
import { createDelivery, Delivered } from './delivery.js';
import { WEBSOCKET_FRAMING } from './framing.js';
import { operationOf } from './message.js';
import { CLOSE } from './close-codes.js';
import { createSubscribeLimit, type AddressLimit } from './limits.js';
import { bind, close, type Patience, type Peer } from './transport.js';
import { routeUpgrades } from '../http/upgrades.js';

export interface SocketOptions {
  readonly http: Server;
  /** Where sockets are registered. At a stop each is closed with 1012 (service restart), and new ones are refused. */
  readonly connections: Connections;
  /** Counts sockets and event streams together by address. */
  readonly addresses: AddressLimit;
  readonly engine: Engine;
  readonly persisted: PersistedDocuments;
  readonly services: Services;
  readonly authenticator: Authenticator;
  readonly watcher: AccessWatcher;
  readonly budgets: OperationBudgets;
  readonly costs: Pick<CostBudgets, 'enter' | 'waitMs' | 'chargeReading'>;
  readonly holdBack: HoldBack;
  readonly bans: Pick<Bans, 'waitMs'>;
  readonly gate: Gate;
  /** Shared with the event streams. */
  readonly sendQueues: SendQueues;
  readonly arrivals: Arrivals;
  /** The clock of timeouts for peers. */
  readonly time: ListenedTime;
  /** Null where it is off. */
  readonly accessLog: AccessLog | null;
  /** Called when a socket of a user's device is open; the function it returns is called when the socket is closed. */
  readonly onPresent: (userId: string, deviceId: string) => () => void;
}

interface Extra extends Peer, Carrier {
  readonly sendQueue: Peer['sendQueue'];
  readonly limit: ReturnType<typeof createSubscribeLimit>;
  /** The access watch of the client, set by the handshake; null without a token. */
  watch?: AccessWatch | null;
  /** When the handshake was over, by `performance.now()`. */
  acknowledgedAt: number;
  leave?: () => void;
}

/** An operation that the library will have begun. */
interface Begun {
  readonly id: string;
  readonly extra: Extra;
  readonly prepared: Prepared;
}

const PATH = '/graphql';

/** The timeout of `connection_init`, in milliseconds, as in graphql-ws. */
const INIT_TIMEOUT_MS = 3_000;
/** A message with more bytes takes a notable time to read. */
const LONG_MESSAGE = 16_384;
/** Serves graphql-transport-ws on the path of the HTTP endpoint. */
export const createSocketServer = ({
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
  arrivals,
  time,
  accessLog,
  onPresent,
}: SocketOptions): void => {
  const { config, clock, log } = services;
  const { mask } = engine;
  const delivery = createDelivery(mask, bytesOf);
  /** By the arguments that stand for them towards the library. */
  const begun = new WeakMap<object, Begun>();
  const run = async (given: ExecutionArgs): Promise<ExecutionResult | Delivered> => {
    const operation = begun.get(given);
    begun.delete(given);
    const visit = accessLog && aVisit();
    const over = (code: ErrorCode | null): void => {
      if (visit !== null && operation !== undefined) accessLog?.operation(Object.assign(visit, { code }), visitorOf(operation.extra));
    };
    try {
      if (operation === undefined) throw new Error('The operation was not prepared.');
      const { id, extra, prepared } = operation;
      const { client, watch = null } = extra;
      const hangUp = createHangUp();
      extra.running.set(id, hangUp);
      try {
        const context = contextFor(services, {
          principal: watch?.principal ?? null,
          client,
          commit: commitOf(prepared.extensions),
          hangUp,
          visit,
        });
        const result = await engine.run(prepared, Object.assign(context, { watch }));
        if (!isFound(result)) {
          over(codeOf(result.errors?.[0]));
          await hold(extra, refusalOf(result));
          return result;
        }
        const onEnd = visit && ((error: unknown): void => over(error === null ? null : (codeOf(error) ?? 'INTERNAL')));
        return new Delivered({ head: nextHead(id), sendQueue: extra.sendQueue, delivery, onEnd }, result);
      } finally {
        // The client may have used the id again.
        if (extra.running.get(id) === hangUp) extra.running.delete(id);
      }
    } catch (error) {
      const told = mask(error);
      over(codeOf(told));
      return { errors: [told] };
    }
  };

  /** Waits until a refusal may be told. Meanwhile the socket is not read: else what its client goes on to send would be held in memory, too. */
  const hold = async (extra: Extra, refusal: ErrorCode | null): Promise<void> => {
    const { socket } = extra;
    const told = refusal === null || extra.isDismissed ? null : holdBack(senderOf(extra), refusal);
    if (told === null) return;
    extra.held += 1;
    socket.pause();
    await told;
    extra.held -= 1;
    if (extra.held === 0) socket.resume();
  };

  /** Closes the socket of a client who is banned. */
  const isBanned = (extra: Extra): boolean => {
    if (bans.waitMs(senderOf(extra)) === 0) return false;
    dismiss(extra, CLOSE.tryAgainLater, 'Try again later');
    return true;
  };

  /** Closes a socket for what its client has done: a refusal, after which the client has to connect again. */
  const dismiss = (extra: Extra, code: number, reason: string): void => {
    if (extra.isDismissed || extra.socket.readyState !== extra.socket.OPEN) return;
    const held = hold(extra, code === CLOSE.tryAgainLater ? 'RATE_LIMITED' : 'BAD_REQUEST');
    extra.isDismissed = true;
    void held.then(() => close(extra, code, reason));
  };

  /** Closes the socket of a client whose access has ended. */
  const reject = (extra: Extra, error: unknown): void => {
    if (codeOf(error) === 'LOCKED') close(extra, CLOSE.unauthorized, 'Account suspended');
    else if (!(error instanceof TokenError)) {
      if (isUnavailable(error)) services.db.health.refused(error);
      else log.warn({ reason: reasonOf(error) }, 'a socket could not be authenticated');
      close(extra, CLOSE.tryAgainLater, 'Try again later');
    } else if (error.reason === 'expired') dismiss(extra, CLOSE.tokenExpired, 'Token expired');
    else dismiss(extra, CLOSE.unauthorized, 'Invalid token');
  };

  /** Answers a ping. A ping with a token renews the session of the socket; the token must belong to the same user. */
  const pong = async (extra: Extra, payload: unknown): Promise<unknown> => {
    if (typeof payload !== 'object' || payload === null || !('accessToken' in payload) || payload.accessToken === null) return payload;
    const { watch } = extra;
    try {
      if (typeof payload.accessToken !== 'string' || !watch) throw new TokenError('invalid');
      await watch.renew(authenticator.authenticate(tokenCredential(payload.accessToken)));
      return { accessTokenExpiresAt: watch.principal.expiresAt.toISOString() };
    } catch (error) {
      reject(extra, error);
      return undefined;
    }
  };

  const protocol = makeServer<Record<string, unknown>, Extra>({
    // The library's timer is off; ours excludes time in which the event loop was blocked.
    connectionInitWaitTimeout: 0,
    onConnect: async (connection) => {
      const { connectionParams = {}, extra } = connection;
      const { socket } = extra;
      // The library would keep the parameters, with the token, for as long as the socket is open.
      Object.assign(connection, { connectionParams: undefined });
      const deviceId = connectionParams['deviceId'] ?? null;
      if (!isDeviceId(deviceId)) {
        dismiss(extra, CLOSE.badRequest, 'Invalid deviceId');
        return false;
      }
      try {
        const credential = credentialOf(connectionParams);
        const enter = async (given: Credential): Promise<AccessWatch> =>
          watcher.watch(await authenticator.authenticate(given), (error) => reject(extra, error));
        extra.watch = credential && (await arrivals.handshake(() => enter(credential)));
      } catch (error) {
        reject(extra, error);
        return false;
      }
      if (isBanned(extra)) return false;
      const { watch } = extra;
      const principal = watch?.principal ?? null;
      // The client may have disconnected during the look-up of its token; then nothing would end its presence.
      if (principal && socket.readyState === socket.OPEN)
        extra.leave = onPresent(principal.viewer.id, deviceId === null ? meansOf(principal.via) : `device:${deviceId}`);
      else watch?.leave();
      extra.acknowledgedAt = performance.now();
      watch?.carry(extra);
      return {
        connectionId: randomUUID(),
        serverTime: new Date(clock.now()).toISOString(),
        viewer: principal && { id: encodeId('User', principal.viewer.id), username: principal.viewer.username },
        accessTokenExpiresAt: principal && principal.expiresAt.toISOString(),
      };
    },
    onClose: ({ extra }) => {
      extra.watch?.leave();
      extra.leave?.();
    },
    // An error thrown here would close the whole socket because of one operation.
    onSubscribe: async (connection, id, params) => {
      const given = await admit(connection, id, params);
      if ('length' in given) {
        accessLog?.operation({ ...aVisit(), code: codeOf(given[0]) }, visitorOf(connection.extra));
        await hold(connection.extra, refusalOf({ errors: given }));
      }
      return given;
    },
    execute: (args) => run(args) as Promise<ExecutionResult>,
    subscribe: run,
    onError: (_context, _id, _payload, errors) => errors.map(publicError),
    onNext: (_context, _id, _payload, _args, result) => publicResult(result),
  });

  /** The operation of a `subscribe`, or why it is refused. */
  const admit = async (
    connection: Pick<Connection<Record<string, unknown>, Extra>, 'extra' | 'subscriptions'>,
    id: string,
    params: SubscribePayload,
  ): Promise<readonly GraphQLError[] | ExecutionArgs> => {
    const { extra } = connection;
    const verdict = extra.limit(Object.keys(connection.subscriptions).length);
    if (verdict === 'flood') dismiss(extra, CLOSE.tooManyRequests, 'Too many requests');
    if (isBanned(extra)) return [coded('RATE_LIMITED', 'Try again later.')];
    if (verdict !== 'allow') return [tooMany(config.sockets.maxSubscriptions)];
    const turn = arrivals.turnOf(extra.acknowledgedAt);
    if (turn) {
      await turn;
      // The library drops the answer to an operation that was completed meanwhile, or whose socket is closed.
      if (!(id in connection.subscriptions)) return [coded('UNAVAILABLE', 'Nobody waits for this operation any more.')];
    }
    try {
      // The same checks as the admission of an HTTP request; the credential was checked in the handshake.
      budgets.ofAddress(extra.client.ip);
      costs.enter(extra.client.ip);
      if (extra.watch) budgets.ofViewer(extra.watch.principal.viewer.id);
      return prepare(extra, id, await persisted.resolve(operationOf(params), extra.client.ip));
    } catch (error) {
      return [mask(error)];
    }
  };

  const prepare = (extra: Extra, id: string, request: OperationRequest): readonly GraphQLError[] | ExecutionArgs => {
    const prepared = engine.prepare(request);
    if ('length' in prepared) return prepared;
    const { document, operationName } = prepared;
    // The library keeps these arguments for as long as the operation runs, so they contain only what it reads.
    const given: ExecutionArgs = { schema: engine.schema, document, operationName };
    begun.set(given, { id, extra, prepared });
    return given;
  };

  /**
   * Each message is paid for by its bytes, whatever is in it. An address in debt gets an answer to a short one, which says so; a long one is not
   * read, since reading is what it costs.
   */
  const mayRead = (extra: Extra, bytes: number): boolean => {
    const { ip } = extra.client;
    if (bytes > LONG_MESSAGE && costs.waitMs(ip) > 0) {
      dismiss(extra, CLOSE.tryAgainLater, 'Try again later');
      return false;
    }
    costs.chargeReading(ip, bytes);
    return true;
  };

  const patience: Patience = { init: time.waits(INIT_TIMEOUT_MS), ping: time.waits(config.delivery.pingMs) };
  const cors = createCors(config.corsOrigins);
  const sockets = new WebSocketServer({ noServer: true, maxPayload: config.limits.requestBytes, handleProtocols });
  sockets.on('wsClientError', (error, stream, request) =>
    refuse(stream, 400, 'BAD_REQUEST', `This is no handshake of a WebSocket: ${error.message}.`, idOf(request)),
  );
  sockets.on('headers', (headers, request) => headers.push(`${REQUEST_ID}: ${requestIdOf(request)}`));
  // These two functions must not reference the request, which would otherwise stay in memory for as long as the socket.
  const onBroken = (error: Error): void => log.debug({ err: error.message }, 'a socket broke while it was opened');
  const begin = (socket: WebSocket, stream: Duplex, client: Context['client']): void => {
    const sendQueue = sendQueues({ stream, framing: WEBSOCKET_FRAMING, address: client.ip ?? '', onStall: () => socket.terminate() });
    const extra: Extra = {
      socket,
      transport: 'SOCKET',
      sendQueue,
      client,
      since: clock.now(),
      limit: createSubscribeLimit(config.sockets),
      acknowledgedAt: 0,
      running: new Map(),
      held: 0,
      isDismissed: false,
    };
    socket.once(
      'close',
      connections.add(() => close(extra, CLOSE.serviceRestart, 'Service restart')),
    );
    const opened = performance.now();
    if (accessLog !== null)
      socket.once('close', (closedWith) => accessLog.socket(visitorOf(extra), { status: 101, closedWith, ms: performance.now() - opened }));
    bind(protocol, extra, mayRead, pong, dismiss, patience, log);
  };
  const onHandshake = (request: IncomingMessage, stream: Duplex, head: Buffer): void => {
    stream.on('error', onBroken);
    toOriginForm(request);
    const [path] = (request.url ?? '/').split('?', 1);
    const ip = clientAddress(request, config.trustProxy);
    const id = idOf(request);
    const turnAway = (...refusal: Parameters<typeof refuse>): void => {
      accessLog?.socket({ userId: null, ip, requestId: requestIdOf(request) }, { status: refusal[1], ms: 0 });
      refuse(...refusal);
    };
    const deny = (...refusal: Parameters<typeof refuse>): void => {
      const held = holdBack({ ip, viewerId: null }, refusal[2]);
      if (held === null) turnAway(...refusal);
      else void held.then(() => turnAway(...refusal));
    };
    if (connections.stopping())
      return turnAway(stream, 503, 'UNAVAILABLE', 'The server is stopping. Connect elsewhere, or again soon.', {
        ...id,
        'retry-after': '1',
      });
    if (path !== PATH) return deny(stream, 404, 'NOT_FOUND', 'There is nothing here. GraphQL is at /graphql.', id);
    // Who has spent what their operations may cost would be refused each of them, after it was received.
    const waitMs = Math.max(budgets.ofHandshake(ip), costs.waitMs(ip));
    if (waitMs > 0) {
      return deny(stream, 429, 'RATE_LIMITED', 'Too many operations and sockets from your address. Try again later.', {
        ...id,
        'retry-after': String(Math.ceil(waitMs / 1_000)),
      });
    }
    const turned = gate.turn(request, path);
    if (turned !== null) return deny(stream, turned.status, turned.code, turned.message, id);
    if (!cors.admits(request)) return deny(stream, 403, 'FORBIDDEN', 'Pages of this origin may not connect.', id);
    const { 'sec-websocket-version': version = VERSION } = request.headers;
    if (version !== VERSION) {
      return deny(stream, 426, 'BAD_REQUEST', `Only version ${VERSION} of the WebSocket protocol is spoken here.`, {
        ...id,
        upgrade: 'websocket',
        'sec-websocket-version': VERSION,
      });
    }
    const leaveAddress = addresses.enter(ip ?? '');
    if (leaveAddress === null) {
      return deny(stream, 429, 'RATE_LIMITED', 'Your address has as many sockets and event streams open as it may. Close one first.', {
        ...id,
        'retry-after': '1',
      });
    }
    stream.once('close', leaveAddress);
    sockets.handleUpgrade(request, stream, head, (socket) => begin(socket, stream, clientOf(request, config.trustProxy)));
  };
  routeUpgrades(http, onHandshake);
};

/** A device id of a client: a UUID or another short text. */
const DEVICE_ID = /^[\w.:-]{1,64}$/;

/** What counts as the device of who names none. */
const meansOf = (via: Via): string => {
  if (via.kind === 'session') return `session:${via.sessionId}`;
  return via.kind === 'apiKey' ? `key:${via.apiKeyId}` : `issuer:${via.identityId}`;
};

const isDeviceId = (value: unknown): value is string | null => value === null || (typeof value === 'string' && DEVICE_ID.test(value));

const senderOf = ({ client, watch }: Extra): Sender => ({ ip: client.ip, viewerId: watch?.principal.viewer.id ?? null });

const tooMany = (max: number): GraphQLError =>
  coded('RATE_LIMITED', `A socket may have ${max} operations running at a time. Complete one, or open another socket.`, { limit: max });

const visitorOf = ({ client: { ip, requestId }, watch }: Extra): Visitor => ({ userId: watch?.principal.viewer.id ?? null, ip, requestId });

const idOf = (request: IncomingMessage): Readonly<Record<string, string>> => ({ [REQUEST_ID]: requestIdOf(request) });

/** The version of the WebSocket protocol (RFC 6455, 4.1). */
const VERSION = '13';
