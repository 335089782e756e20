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

/** How many channels one SUBSCRIBE names after a reconnect: it takes few round trips and no huge command. */
const CHANNELS_PER_SUBSCRIBE = 1_000;
/** For how many streams the latest wake is kept while Redis is down; further ones are left to the reconcile. */
const MAX_UNSENT = 10_000;
/** How long `close` waits for pending wakes to be published, in milliseconds. */
const MAX_PARTING_MS = 500;

export interface RedisBusOptions {
  /** redis:// or rediss:// */
  url: string;
  /** The prefix of all channel names, so that several systems can share a Redis. */
  prefix: string;
  log: Log;
  /** The condition that is told when Redis is down; left out: one of its own. */
  away?: Condition;
  /**
   * How long Redis may leave a command unanswered before the connection counts as lost, in milliseconds; 5,000 by default. It is also the
   * interval in which an idle connection is tested and a refused subscription is requested again.
   */
  patienceMs?: number;
}

/** A channel that this process wants to subscribe to; a new object each time. */
interface Subscription {
  readonly channel: string;
  refused: boolean;
}

/** The message: the seq, the id of the sending bus (which has already called its own listeners), and the value of a signal. */
const isMessage = (message: unknown): message is [seq: number, origin: string, value?: unknown] =>
  Array.isArray(message) &&
  (message.length === 2 || message.length === 3) &&
  Number.isSafeInteger(message[0]) &&
  typeof message[1] === 'string';

/** Whether a command failed by an error reply of Redis, and not because the connection was lost. */

/**
 * The bus over Redis pub/sub, with one channel for each stream that has a listener in this process. Nothing waits for Redis or fails with
 * it. While it is down, `state` is DOWN and local listeners are still called; when it is back, all channels are subscribed again and
 * `onGap(null)` follows.
 */
export const createRedisBus = ({ url, prefix, log, patienceMs = 5_000, away = createRedisAway(log) }: RedisBusOptions): Bus => {
  const origin = randomBytes(6).toString('base64url');
  const gapListeners = new Set<{ readonly call: (stream: Stream | null) => void }>();
  /** The wanted subscriptions by channel. */
  const wanted = new Map<string, Subscription>();
  /** RedisPubSub's subscription ids by stream name. */
  const ids = new Map<string, Promise<number>>();
  /** The highest unpublished seq by channel. */
  const unsent = new Map<string, number>();
  const refusing = createCondition({
    log,
    name: 'redis-bus',
    began: 'Redis refuses to publish or to subscribe; processes wake late',
    over: 'Redis publishes and subscribes again',
  });
  /** Called when the publishing connection is up and the unsent wakes have been sent. */
  let onPublisher: () => void = () => undefined;
  let closing: Promise<void> | undefined;

  const gap = (stream: Stream | null): void => {
    for (const listener of [...gapListeners]) callSafely(log, () => listener.call(stream));
  };

  /** Subscribes to these channels and returns the outcome. */
  const ask = async (subscriptions: readonly Subscription[]): Promise<'CONFIRMED' | 'REFUSED' | 'LOST'> => {
    try {
      await subscriber.client.subscribe(...subscriptions.map(({ channel }) => channel));
    } catch (error) {
      // After a lost connection nothing need be repaired: the next one subscribes to everything.
      if (!isRedisReply(error)) return 'LOST';
      for (const subscription of subscriptions) subscription.refused = true;
      refusing.hold(error.message);
      return 'REFUSED';
    }
    for (const subscription of subscriptions) subscription.refused = false;
    refusing.clear(patienceMs);
    return 'CONFIRMED';
  };

  /** Subscribes to channels on an open connection, and reports a gap for each that is confirmed and still wanted. */
  const askAndTell = async (subscriptions: readonly Subscription[]): Promise<void> => {
    if ((await ask(subscriptions)) !== 'CONFIRMED') return;
    for (const subscription of subscriptions) {
      const stream = listeners.get(subscription.channel.slice(prefix.length));
      if (stream && wanted.get(subscription.channel) === subscription) gap(stream);
    }
  };

  /** Subscribes to all channels on a new connection, and then reports the gap. */
  const askForAll = async (): Promise<void> => {
    const outcomes = await Promise.all(chunks([...wanted.values()]).map(ask));
    if (!outcomes.includes('LOST')) gap(null);
  };

  const publish = (channel: string, seq: number, value?: unknown): void => {
    const keep = (): void => {
      // A signal is not sent later.
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

  /** Resolves when Redis has received all wakes, even if the connection is lost meanwhile. */
  const published = async (): Promise<void> => {
    while (publisher.ready || unsent.size > 0) {
      // Replies come in order: after the reply to this PING, Redis has all earlier commands.
      if (publisher.ready && (await publisher.client.ping().then(() => true, isRedisReply))) return;
      await new Promise<void>((resolve) => (onPublisher = resolve));
    }
  };

  /**
   * Stands for the subscribing connection of RedisPubSub. The library only keeps the listeners, and the subscriptions are managed here.
   * With the real connection the library would leave a rejected promise unhandled for every failed SUBSCRIBE and UNSUBSCRIBE, which ends
   * the process; it would keep a channel for ever that was left before its confirmation; and it does not handle reconnects. Here
   * subscribing succeeds at once, and Redis is told when it is connected. Commands of a connection are executed in order, so the last one
   * holds and none need be awaited.
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
    /** The library calls both for every channel; patterns are not used here. */
    punsubscribe: () => undefined,
  };
  const pubsub = new RedisPubSub({ publisher: publisher.client, subscriber: followed as unknown as Redis });

  const receive = (name: string, message: unknown): void => {
    if (!isMessage(message)) log.debug({ stream: name }, 'Ignored a malformed message from Redis');
    // In a microtask, so that no listener is added or removed while the library iterates over its subscribers.
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
        // The timer is not unref'd, because a command-line process must not exit before.
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
