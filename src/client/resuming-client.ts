import { createClient, MessageType, type Client, type ClientOptions } from 'graphql-ws';
import { DEFAULT_BACKOFF, delayOf, soonDelayOf, wait, type Backoff } from './backoff.js';
import { createCommits, type Commits } from './commits.js';
import { iterate } from './iterate.js';
import { createSession, type GetAccessToken } from './session.js';
import { CONNECTING, observedSockets, retire, type Socket } from './sockets.js';
import { createSubscriptions } from './subscription.js';

export interface ResumingClientOptions extends ClientOptions {
  /** Where tokens come from. The present one is renewed in the open socket before it expires. */
  readonly getAccessToken?: GetAccessToken;
  /** An id of this device, kept by the application: sockets that share it are one device of their user. Without it, their session counts. */
  readonly deviceId?: string;
  /** The variable that an operation declares for where to begin: `after`, unless said otherwise. */
  readonly cursorVariable?: string;
  /** How long to wait between tries that fail: 250 ms, doubling up to 30 s, unless said otherwise. */
  readonly backoff?: Backoff;
  /** How long a connection may take until it is acknowledged, in milliseconds; 10,000 unless said otherwise. */
  readonly connectTimeoutMs?: number;
  /** How long the server may be silent after a ping before the connection counts as lost, in milliseconds; 5,000 unless said otherwise. */
  readonly pongTimeoutMs?: number;
  /** How long a connection must have lasted so that its loss is tried to be mended at once, in milliseconds; 60,000 unless said otherwise. */
  readonly ofUseMs?: number;
  /** The writes that this person's clients know of; pass the same to the client over HTTP. Without it, the socket has its own. */
  readonly commits?: Commits;
}

const TOKEN_EXPIRED = 4403;
const SERVICE_RESTART = 1012;
/** A connection that has lasted this long was no failure, in milliseconds. */
const STABLE_MS = 5_000;

/**
 * A graphql-ws client that loses nothing: what takes the one takes the other (Apollo's `GraphQLWsLink`, urql's `subscriptionExchange`).
 *
 * A subscription to a log whose operation declares the variable `after` goes on after the last event it has seen, through lost
 * connections, servers that restart and SLOW_CONSUMER: each event once, in order. It comes back for ever, and ends
 * with what cannot be mended: CURSOR_EXPIRED (fetch the list again), ACCESS_REVOKED, a token that can never be valid (4401).
 *
 * Everything else of graphql-ws' options and ways holds. Its server pings are on (`keepAlive`, every 12 s), and whoever does not answer
 * them has gone.
 */
export const createResumingClient = (options: ResumingClientOptions): Client => {
  const {
    getAccessToken,
    deviceId,
    cursorVariable,
    backoff = DEFAULT_BACKOFF,
    connectTimeoutMs = 10_000,
    pongTimeoutMs = 5_000,
    ofUseMs = 60_000,
    commits = createCommits(),
    ...stock
  } = options;
  const { url, connectionParams } = stock;
  const ending = new AbortController();
  const session = getAccessToken && createSession(getAccessToken, backoff, ending.signal);
  const isTokenFixed = session === undefined && typeof connectionParams !== 'function';

  let token: string | null = null;
  let newest: Socket | null = null;
  let phase: 'none' | 'opening' | 'acknowledged' = 'none';
  let deadline: ReturnType<typeof setTimeout> | undefined;
  /** Connections in a row that have failed, or ended before they were of use. */
  let failures = 0;
  let connectedAt = Infinity;
  let tokenExpired = false;
  /** Whether the last connection that was there had been of use, or its server restarts. */
  let comesBackSoon = false;

  /** Gives the present connection up. One that has not opened yet says so itself; the others may never hear that they are closed. */
  const abandon = (): void => {
    if (newest === null || phase === 'none') return;
    if (newest.readyState === CONNECTING) return newest.close();
    newest.onmessage = null;
    client.terminate();
  };

  const client = createClient({
    keepAlive: 12_000,
    retryAttempts: Infinity,
    // An `Error` means a message outside the protocol; a lost connection gives a close event.
    shouldRetry: (problem) => (isCloseEvent(problem) ? !(problem.code === TOKEN_EXPIRED && isTokenFixed) : !(problem instanceof Error)),
    retryWait: async () => {
      if (performance.now() - connectedAt > STABLE_MS) failures = 0;
      connectedAt = Infinity;
      const delay = tokenExpired && failures === 0 ? 0 : (comesBackSoon ? soonDelayOf : delayOf)(backoff, failures);
      failures += 1;
      await wait(delay, ending.signal);
    },
    ...stock,
    // The token is there before the socket is, which the server would not keep for long without it.
    url: async () => {
      if (session) token = await session.token();
      return typeof url === 'function' ? await url() : url;
    },
    connectionParams: async () => {
      const params = typeof connectionParams === 'function' ? await connectionParams() : connectionParams;
      return { ...params, ...(deviceId === undefined ? {} : { deviceId }), ...(token === null ? {} : { accessToken: token }) };
    },
    webSocketImpl: observedSockets(stock.webSocketImpl, (socket) => {
      newest = socket;
      phase = 'opening';
      deadline = setTimeout(abandon, connectTimeoutMs);
      if (ending.signal.aborted) queueMicrotask(abandon);
    }),
  });

  let silence: ReturnType<typeof setTimeout> | undefined;
  const expectSign = (): void => {
    clearTimeout(silence);
    silence = setTimeout(abandon, pongTimeoutMs);
  };
  const disconnected = (problem: unknown): void => {
    if (phase === 'acknowledged') {
      const restarts = isCloseEvent(problem) && problem.code === SERVICE_RESTART;
      if (restarts) failures = 0;
      comesBackSoon = restarts || performance.now() - connectedAt > ofUseMs;
    }
    phase = 'none';
    clearTimeout(deadline);
    clearTimeout(silence);
    silence = undefined;
    tokenExpired = isCloseEvent(problem) && problem.code === TOKEN_EXPIRED;
    session?.disconnected(tokenExpired);
  };
  client.on('connected', (socket, ack = {}) => {
    clearTimeout(deadline);
    phase = 'acknowledged';
    connectedAt = performance.now();
    session?.connected(socket as Socket, ack);
  });
  client.on('ping', (received) => {
    if (!received) expectSign();
  });
  client.on('message', ({ type }) => {
    if (type === MessageType.Next) failures = 0;
    // A pong may be queued behind much else, so any message counts as a sign of life.
    if (silence !== undefined) expectSign();
  });
  client.on('pong', (received, payload = {}) => {
    if (!received) return;
    clearTimeout(silence);
    silence = undefined;
    session?.answered(payload);
  });
  client.on('closed', disconnected);
  client.on('error', (problem) => {
    const socket = newest;
    if (socket) retire(socket, () => socket === newest);
    disconnected(problem);
  });

  const subscriptions = createSubscriptions(client, cursorVariable ?? 'after', backoff);
  const subscribe = commits.subscribe(subscriptions.subscribe);
  return {
    on: (event, listener) => client.on(event, listener),
    subscribe,
    iterate: (payload) => iterate(subscribe, payload),
    dispose: async () => {
      ending.abort();
      subscriptions.end();
      if (phase === 'opening') abandon();
      // A socket that is still opening is abandoned: it may never open.
      const disposed = Promise.resolve(client.dispose()).catch(() => undefined);
      if (phase === 'acknowledged') await disposed;
    },
    terminate: abandon,
  };
};

const isCloseEvent = (problem: unknown): problem is { readonly code: unknown; readonly reason: unknown } =>
  typeof problem === 'object' && problem !== null && 'code' in problem && 'reason' in problem;
