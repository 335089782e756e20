import { Redis } from 'ioredis';
import { createCondition, type Condition } from '../observability/condition.js';
import type { Log } from '../observability/log.js';

/** The longest pause between two attempts to connect, in milliseconds. */
const MAX_DELAY_MS = 1_000;

/** How long every connection must have lasted for Redis to be back, in milliseconds: longer than the longest pause. */
const SETTLE_MS = 2_000;

/** That Redis is away, for all connections to it: it is one thing, told once. */
export const createRedisAway = (log: Log): Condition =>
  createCondition({ log, name: 'redis', began: 'Redis is away; trying again until it is back', over: 'Redis is back' });

/** A connection to Redis that comes back by itself, for ever. Commands fail at once while it is away. */
export interface RedisConnection {
  readonly client: Redis;
  /** Whether commands may be sent; true from just before `onReady`. */
  readonly ready: boolean;
  /** Ends it for good, within a quarter of a second whatever state it is in. What is under way fails. */
  close(): Promise<void>;
}

/**
 * Connects to `url` (redis:// or rediss://), now and after every loss, after 25 to 50 ms at first and 0.5 to 1 s at
 * last. Nothing is subscribed or sent again by itself: `onReady` does what a new connection needs. A Redis that owes an
 * answer and stays silent for `patienceMs` counts as lost. `name` tells connections apart, in the log and in CLIENT
 * LIST.
 */
export const connectRedis = (options: {
  url: string;
  name: string;
  patienceMs: number;
  log: Log;
  /** Where it is told that Redis is away, with the reason. */
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
    // INFO is for those who need the data set: publish and subscribe work while Redis still loads it.
    enableReadyCheck: false,
    // ioredis would subscribe again with a promise that nobody handles: a refusal would end the process. And a command
    // sent again may subscribe to a channel that nobody wants any more.
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    // ioredis' own reconnect leaves commands that were under way without an answer, gives up after some failures, and
    // cannot be stopped without a timer staying behind. Without it every loss ends in `end`, which is handled below.
    retryStrategy: () => null,
  });

  let ready = false;
  let closed = false;
  let attempts = 0;
  let reason = 'connection closed';
  let refused = false;
  let retry: NodeJS.Timeout | undefined;
  // A link that has silently died is found only by asking; `socketTimeout` then ends it. Timers are unref'd: none may
  // hold up a process that ends.
  const beat = setInterval(() => {
    if (!ready) return;
    // Only a connection that lasts counts as mended: if each one is cut as soon as it is made, the pauses still grow.
    client.ping().then(
      () => {
        attempts = 0;
        away.clear(SETTLE_MS);
      },
      (error: unknown) => {
        // A server that asks for another password now lets nobody do anything, but keeps the connection.
        if (error instanceof Error && error.name === 'ReplyError') away.hold(error.message);
      },
    );
  }, options.patienceMs).unref();

  // Also at a failed attempt: without a listener ioredis writes the error to the console.
  client.on('error', (error: Error) => {
    // Two attempts may fail at once, by an empty error that holds them; what the server itself has said is worth more than that it hung up.
    if (!refused) reason = reasonOf(error);
    refused ||= error.name === 'ReplyError';
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
    // One that was lost says little; the attempt that follows at once brings it back, or tells the reason.
    if (!ready || attempts > 0) away.hold(reason);
    ready = false;
    attempts += 1;
    const ceiling = Math.min(MAX_DELAY_MS, 25 * 2 ** Math.min(attempts, 10));
    // The random half keeps many processes from coming back in step.
    retry = setTimeout(connect, ceiling * (0.5 + Math.random() / 2)).unref();
  });

  const connect = (): void => {
    reason = 'connection closed';
    refused = false;
    // The failure arrives as `error` and `end`.
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

const reasonOf = (error: Error): string =>
  error instanceof AggregateError && error.message === '' ? String(error.errors[0]) : error.message;
