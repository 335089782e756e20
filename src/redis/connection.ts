import { Redis } from 'ioredis';
import { createCondition, type Condition } from '../observability/condition.js';
import { isRedisReply, reasonOf } from '../observability/failures.js';
import type { Log } from '../observability/log.js';

/** The longest pause between two attempts to connect, in milliseconds. */
const MAX_DELAY_MS = 1_000;

/**
 * How long the connections must have lasted before the log says that Redis is back, in milliseconds: longer than the longest pause between
 * attempts.
 */
const SETTLE_MS = 2_000;

/** The condition "Redis is away", shared by all connections so that it is logged once. */
export const createRedisAway = (log: Log): Condition =>
  createCondition({ log, name: 'redis', began: 'Redis is away; trying again until it is back', over: 'Redis is back' });

/** A connection to Redis that reconnects for ever. While it is down, commands fail at once. */
export interface RedisConnection {
  readonly client: Redis;
  /** Whether commands may be sent; true from just before `onReady`. */
  readonly ready: boolean;
  /** Closes the connection for good, within a quarter of a second whatever its state. Commands under way fail. */
  close(): Promise<void>;
}

/**
 * Connects to `url` (redis:// or rediss://), and reconnects after every loss, with pauses that grow from 25–50 ms to 0.5–1 s. After a
 * reconnect nothing is subscribed or sent again automatically: `onReady` does what a new connection needs. A server that leaves a command
 * unanswered for `patienceMs` counts as lost. `name` tells the connections apart in the log and in CLIENT LIST.
 */
export const connectRedis = (options: {
  url: string;
  name: string;
  patienceMs: number;
  log: Log;
  /** The condition that is told of losses, with the reason. */
  away: Condition;
  onReady: () => void;
}): RedisConnection => {
  const { name, log, away } = options;
  const client = new Redis(options.url, {
    lazyConnect: true,
    connectionName: name,
    connectTimeout: options.patienceMs,
    socketTimeout: options.patienceMs,
    disconnectTimeout: 200,
    enableOfflineQueue: false,
    // The ready check would wait until Redis has loaded its data set; publish and subscribe work before that.
    enableReadyCheck: false,
    // When ioredis resubscribes, nobody handles the promise: a refusal would end the process. And a SUBSCRIBE that is sent again may be for
    // a channel that is no longer wanted.
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    // The reconnect of ioredis leaves commands under way without an answer, gives up after some failures, and keeps a timer after it is
    // stopped. Without it every loss emits `end`, which is handled below.
    retryStrategy: () => null,
  });

  let ready = false;
  let closed = false;
  let attempts = 0;
  let reason = 'connection closed';
  let refused = false;
  let retry: NodeJS.Timeout | undefined;
  // A dead TCP link is noticed only when a PING gets no answer: `socketTimeout` then closes it. The timers are unref'd so that they do not
  // keep the process alive.
  const beat = setInterval(() => {
    if (!ready) return;
    // The pauses are reset only when a connection has answered a PING: if every new connection is cut at once, they go on growing.
    client.ping().then(
      () => {
        attempts = 0;
        away.clear(SETTLE_MS);
      },
      (error: unknown) => {
        // When the password was changed on the server, the connection stays open but every command is refused.
        if (isRedisReply(error)) away.hold(reasonOf(error));
      },
    );
  }, options.patienceMs).unref();

  // It is emitted for failed attempts as well; without a listener ioredis would write the error to the console.
  client.on('error', (error: Error) => {
    // One attempt may emit two errors: the server's own reply (such as a wrong password), and then that the connection was closed. The
    // reply is the reason worth logging. Parallel attempts over IPv4 and IPv6 fail with one AggregateError, whose own message is empty.
    if (!refused) reason = reasonOf(error);
    refused ||= isRedisReply(error);
    log.debug({ connection: name, reason }, 'Redis connection failed');
  });

  client.on('ready', () => {
    if (closed) return;
    ready = true;
    if (!refused) away.clear(SETTLE_MS);
    log.debug({ connection: name }, 'Redis is connected');
    options.onReady();
  });

  client.on('end', () => {
    if (closed) return;
    // The loss of an established connection is not logged yet: the attempt that follows at once either succeeds or tells the reason.
    if (!ready || attempts > 0) away.hold(reason);
    ready = false;
    attempts += 1;
    const ceiling = Math.min(MAX_DELAY_MS, 25 * 2 ** Math.min(attempts, 10));
    // The random half keeps many processes from reconnecting at the same moment.
    retry = setTimeout(connect, ceiling * (0.5 + Math.random() / 2)).unref();
  });

  const connect = (): void => {
    reason = 'connection closed';
    refused = false;
    // A failure is reported by the events `error` and `end`.
    client.connect().catch(() => undefined);
  };
  connect();

  return {
    client,
    get ready() {
      return ready;
    },
    close: () => {
      closed = true;
      ready = false;
      clearInterval(beat);
      clearTimeout(retry);
      if (client.status === 'end') return Promise.resolve();
      return new Promise((resolve) => {
        client.once('end', () => resolve());
        client.disconnect();
      });
    },
  };
};
