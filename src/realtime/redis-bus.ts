import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { RedisPubSub } from 'graphql-redis-subscriptions';
import type { Redis } from 'ioredis';
import { createCondition, type Condition } from '../observability/condition.js';
import { isRedisReply } from '../observability/failures.js';
import type { Log } from '../observability/log.js';
import type { Bus, Stream } from './bus.js';
import { callSafely, createBusListeners, streamName } from './bus-listeners.js';
import { connectRedis, createRedisAway } from '../redis/connection.js';

/** How many channels one SUBSCRIBE names after a reconnect: few round trips, no giant command. */
const CHANNELS_PER_SUBSCRIBE = 1_000;
/** How many streams' wakes are kept while they cannot be published; those beyond it are left to the reconcile. */
const MAX_UNSENT = 10_000;
/** How long a close waits until what was to be published has been, in milliseconds. */
const MAX_PARTING_MS = 500;

export interface RedisBusOptions {
  /** redis:// or rediss:// */
  url: string;
  /** Begins every channel's name, so that several systems can share one Redis. */
  prefix: string;
  log: Log;
  /** Where it is told that Redis is away; by itself when left out. */
  away?: Condition;
  /**
   * For how many milliseconds Redis may owe an answer before the connection counts as lost; also how often an idle
   * connection is tested and a refused subscription is asked for again. 5,000 by default.
   */
  patienceMs?: number;
}

/** One channel that this process wants from Redis; a new object each time it is wanted anew. */
interface Subscription {
  readonly channel: string;
  refused: boolean;
}

/** What travels: the seq, which bus it came from, for that one has woken its own listeners already, and what a signal says. */
const isMessage = (message: unknown): message is [seq: number, origin: string, value?: unknown] =>
  Array.isArray(message) &&
  (message.length === 2 || message.length === 3) &&
  Number.isSafeInteger(message[0]) &&
  typeof message[1] === 'string';

/** Whether a command failed because Redis said so, and not because the connection was lost. */

/**
 * The bus over Redis pub/sub: one channel for each stream listened to in this process. Nothing here waits for Redis or
 * fails with it: while it is away `state` is DOWN, local listeners are woken all the same, and once it is back all
 * streams are subscribed and `onGap(null)` follows.
 */
export const createRedisBus = ({ url, prefix, log, patienceMs = 5_000, away = createRedisAway(log) }: RedisBusOptions): Bus => {
  const origin = randomBytes(6).toString('base64url');
  const gapListeners = new Set<{ readonly call: (stream: Stream | null) => void }>();
  /** What Redis should be subscribed to, by channel. */
  const wanted = new Map<string, Subscription>();
  /** RedisPubSub's ids, by stream name. */
  const ids = new Map<string, Promise<number>>();
  /** The highest seq that could not be published, by channel. */
  const unsent = new Map<string, number>();
  const refusing = createCondition({
    log,
    name: 'redis-bus',
    began: 'Redis refuses to publish or to subscribe; processes wake late',
    over: 'Redis publishes and subscribes again',
  });
  /** Called when a connection for publishing is there, and what was unsent is on its way. */
  let onPublisher: () => void = () => undefined;
  let closing: Promise<void> | undefined;

  const gap = (stream: Stream | null): void => {
    for (const listener of [...gapListeners]) callSafely(log, () => listener.call(stream));
  };

  /** Asks Redis for these channels, and says what came of it. */
  const ask = async (subscriptions: readonly Subscription[]): Promise<'CONFIRMED' | 'REFUSED' | 'LOST'> => {
    try {
      await subscriber.client.subscribe(...subscriptions.map(({ channel }) => channel));
    } catch (error) {
      // Of a lost connection nothing is left to mend: the next one asks for everything.
      if (!isRedisReply(error)) return 'LOST';
      for (const subscription of subscriptions) subscription.refused = true;
      refusing.hold(error.message);
      return 'REFUSED';
    }
    for (const subscription of subscriptions) subscription.refused = false;
    refusing.clear(patienceMs);
    return 'CONFIRMED';
  };

  /** Asks for channels on a connection that is up; each one confirmed, and wanted still, had a gap until now. */
  const askAndTell = async (subscriptions: readonly Subscription[]): Promise<void> => {
    if ((await ask(subscriptions)) !== 'CONFIRMED') return;
    for (const subscription of subscriptions) {
      const stream = listeners.get(subscription.channel.slice(prefix.length));
      if (stream && wanted.get(subscription.channel) === subscription) gap(stream);
    }
  };

  /** Asks for everything on a new connection, then tells the gap. */
  const askForAll = async (): Promise<void> => {
    const outcomes = await Promise.all(chunks([...wanted.values()]).map(ask));
    if (!outcomes.includes('LOST')) gap(null);
  };

  const publish = (channel: string, seq: number, value?: unknown): void => {
    const keep = (): void => {
      // A signal is for its moment.
      if (value !== undefined) return;
      const kept = unsent.get(channel);
      if (kept !== undefined || unsent.size < MAX_UNSENT) unsent.set(channel, Math.max(seq, kept ?? seq));
    };
    if (!publisher.ready) return keep();
    pubsub.publish(channel, value === undefined ? [seq, origin] : [seq, origin, value]).then(
      () => refusing.clear(patienceMs),
      (error: unknown) => (isRedisReply(error) ? refusing.hold(error.message) : keep()),
    );
  };

  const connection = { url, patienceMs, log, away };
  const subscriber = connectRedis({
    ...connection,
    name: `${prefix}subscriber`,
    onReady: () => void askForAll(),
  });
  const publisher = connectRedis({
    ...connection,
    name: `${prefix}publisher`,
    onReady: () => {
      const kept = [...unsent];
      unsent.clear();
      for (const [channel, seq] of kept) publish(channel, seq);
      onPublisher();
    },
  });

  /** Resolves when Redis has everything that was to be published, however often the connection is lost meanwhile. */
  const published = async (): Promise<void> => {
    while (publisher.ready || unsent.size > 0) {
      // Answers come in order: once Redis has answered this, it has what was sent before.
      if (publisher.ready && (await publisher.client.ping().then(() => true, isRedisReply))) return;
      await new Promise<void>((resolve) => (onPublisher = resolve));
    }
  };

  /**
   * What RedisPubSub takes for its subscribing connection. The library keeps who wants what; Redis is made to follow
   * here, since the library, given the connection itself, leaves a rejected promise behind for every SUBSCRIBE and
   * UNSUBSCRIBE that fails, which ends the process, keeps a channel for ever that was left before it was confirmed, and
   * knows of no reconnect. Here wanting succeeds at once, and Redis is asked when it is there: commands of one
   * connection are carried out in order, so the last one holds and none needs to be waited for.
   */
  const followed = {
    on: (event: string, listener: (...args: unknown[]) => void) => subscriber.client.on(event, listener),
    subscribe: (channel: string, done: (error: Error | null) => void) => {
      const subscription = { channel, refused: false };
      wanted.set(channel, subscription);
      done(null);
      if (subscriber.ready) void askAndTell([subscription]);
    },
    unsubscribe: (channel: string) => {
      wanted.delete(channel);
      if (subscriber.ready) subscriber.client.unsubscribe(channel).catch(() => undefined);
    },
    /** The library sends both for every channel; no patterns are used here. */
    punsubscribe: () => undefined,
  };
  const pubsub = new RedisPubSub({ publisher: publisher.client, subscriber: followed as unknown as Redis });

  const receive = (name: string, message: unknown): void => {
    if (!isMessage(message)) log.debug({ stream: name }, 'Ignored a malformed message from Redis');
    // In a microtask: no listener may leave and come back while the library walks over its subscribers.
    else if (message[1] !== origin) listeners.wake(name, message[0], message[2]);
  };

  const listeners = createBusListeners(log, {
    onFirst: (name) =>
      ids.set(
        name,
        pubsub.subscribe(prefix + name, (message: unknown) => receive(name, message)),
      ),
    onLast: (name) => {
      void ids.get(name)?.then((id) => pubsub.unsubscribe(id));
      ids.delete(name);
    },
  });

  const askAgain = setInterval(() => {
    if (!subscriber.ready) return;
    const refused = [...wanted.values()].filter((subscription) => subscription.refused);
    for (const chunk of chunks(refused)) void askAndTell(chunk);
  }, patienceMs).unref();

  return {
    wake: (wake) => {
      if (closing) return;
      const name = streamName(wake);
      listeners.wake(name, wake.seq, wake.value);
      publish(prefix + name, wake.seq, wake.value);
    },
    listen: (topic, key, listener) => (closing ? () => undefined : listeners.add({ topic, key }, listener)),
    onGap: (call) => {
      const listener = { call };
      if (!closing) gapListeners.add(listener);
      return () => void gapListeners.delete(listener);
    },
    get state() {
      return subscriber.ready && publisher.ready ? 'UP' : 'DOWN';
    },
    stats: () => ({ channels: listeners.size }),
    close: () => {
      closing ??= (async () => {
        clearInterval(askAgain);
        listeners.clear();
        gapListeners.clear();
        const impatience = new AbortController();
        // Not unref'd: a command that has nothing else to do must not end before.
        const patience = delay(MAX_PARTING_MS, undefined, { signal: impatience.signal }).catch(() => undefined);
        await Promise.all([subscriber.close(), Promise.race([published(), patience])]);
        impatience.abort();
        unsent.clear();
        await publisher.close();
      })();
      return closing;
    },
  };
};

const chunks = <T>(items: readonly T[]): T[][] =>
  Array.from({ length: Math.ceil(items.length / CHANNELS_PER_SUBSCRIBE) }, (_, index) =>
    items.slice(index * CHANNELS_PER_SUBSCRIBE, (index + 1) * CHANNELS_PER_SUBSCRIBE),
  );
