import { isUnavailable, reasonOf } from '../observability/failures.js';
import type { PrismaClient } from '../db/generated/prisma/client.js';
import { assertReadable, decodeCursor } from './cursor.js';
import { createHeadLookup, readMoved, toEvent, type AnyEvent, type Committed } from './event-log.js';
import { Following, replay, type ReplayOptions } from './log-subscription.js';
import { WHOLE, type Sharing, type View } from './share.js';
import { sourceOf, type Source, type StateSource } from './source.js';
import { StateFollowing } from './state-subscription.js';
import { logReader, signalReader, stateReader, type Reader } from './readers.js';
import type { Stream } from './stream.js';
import { Streams, type StreamsOptions } from './streams.js';
import type { End, LogEvent, LogTopic, Signal, SignalTopic, StateTopic, StateValue } from './topic.js';

/**
 * The process's readers of streams: per (topic, key) one listener on the bus and one read in flight, shared by all who
 * subscribe here. A stream is opened when its first reader begins and closed when the last one leaves.
 */
export interface Hub {
  /**
   * The events of a log after `after` (left out: from now), in seq order, each once, then each new one as it commits.
   * Only events of `kinds` are given. Once the promise is fulfilled, nothing that commits later is missed.
   * What has happened and cannot be shown is tried for ten seconds; then those who wait for it alone end with UNAVAILABLE, before it.
   * @throws BAD_USER_INPUT for a cursor of another stream, CURSOR_EXPIRED for one that cannot be served
   */
  readonly log: <Events extends object, Kind extends keyof Events & string>(
    topic: LogTopic<Events>,
    key: string,
    options?: LogOptions<Events, Kind>,
  ) => Promise<Source<LogEvent<Events, Kind>>>;
  /**
   * The present value of each key at once, then each newer one. A value that is overtaken before it is taken is left out,
   * the last one never. It is over when the values of all its keys are gone.
   */
  readonly state: <Value extends StateValue>(topic: StateTopic<Value>, keys: readonly string[]) => StateSource<Value>;
  /** What is said from now on. */
  readonly signal: <Value>(topic: SignalTopic<Value>, key: string) => Source<Signal<Value>>;
  /** Says something to everyone who listens now, on whatever process. Best effort. */
  readonly publish: <Value>(topic: SignalTopic<Value>, key: string, value: Value) => void;
  /** Says something to those alone who listen in this process. */
  readonly publishLocally: <Value>(topic: SignalTopic<Value>, key: string, value: Value) => void;
  /** Calls `listener` with every signal of a topic that this process hears because somebody here follows it, for as long as there is the hub. */
  readonly overhear: <Value>(topic: SignalTopic<Value>, listener: (key: string, value: Value) => void) => void;
  /**
   * What a transaction of this process has committed to a log, in seq order, so that nobody here need read it again.
   * @param priorAt when the event before these was numbered, as far as is known
   */
  readonly committed: (topic: string, key: string, events: readonly Committed[], priorAt?: Date | null) => void;
  /**
   * Compares all local streams with their heads, in one statement, and reads those that are elsewhere. Who stands behind the head of a
   * database that went back, or in another epoch, ends with CURSOR_EXPIRED. Never rejects.
   */
  readonly reconcile: () => Promise<void>;
  readonly stats: () => { readonly streams: number; readonly groups: number; readonly subscribers: number };
  /** Ends every subscription and stops the timer. */
  readonly stop: () => void;
}

export interface LogOptions<Events extends object, Kind extends keyof Events & string> {
  readonly after?: string | null | undefined;
  /** Those that are shown: all of the topic's when left out. The same array each time, for those who share. */
  readonly kinds?: readonly Kind[] | undefined;
  /** For whom it is over after an event of any kind, instead of what the topic says. It goes with `kinds`. */
  readonly endsFor?: ((event: LogEvent<Events>) => End | null) | undefined;
}

export interface HubOptions extends StreamsOptions {
  readonly prisma: PrismaClient;
  /** How often streams are compared with their heads, in milliseconds: the delay of an event whose wake was lost. */
  readonly reconcileMs: number;
  /** The shortest time between two values of one state stream, in milliseconds. */
  readonly stateMinIntervalMs: number;
  /** Items an iterating reader may have waiting. */
  readonly queueLimit: number;
}

export const createHub = (options: HubOptions): Hub => {
  const { prisma, log, bus } = options;
  const streams = new Streams(options);
  const headOf = createHeadLookup(prisma);
  const eavesdroppers = new Map<string, ((key: string, value: unknown) => void)[]>();
  let said = 0;

  const hearSignal = (topic: string, key: string, value: unknown): void => {
    said += 1;
    streams.get(topic, key)?.hear([{ topic, key, seq: said, value }]);
    for (const listener of eavesdroppers.get(topic) ?? []) listener(key, value);
  };

  const reconcile = async (): Promise<void> => {
    try {
      for (const { topic, key, seq } of await readMoved(prisma, streams.heads())) {
        const stream = streams.get(topic, key);
        // One that has not grown is looked at all the more: its reader finds out what has become of it.
        if (stream) stream.wake(seq > stream.position ? seq : undefined);
      }
    } catch (error) {
      if (!streams.stopped)
        log[isUnavailable(error) ? 'debug' : 'warn']({ reason: reasonOf(error) }, 'the heads could not be read; trying again');
    }
  };

  let reconciling = false;
  const timer = setInterval(() => {
    if (reconciling || streams.isEmpty()) return;
    reconciling = true;
    void reconcile().finally(() => (reconciling = false));
  }, options.reconcileMs);
  timer.unref();

  const stopListeningToGaps = bus.onGap((gap) => {
    if (gap === null) void reconcile();
    else streams.get(gap.topic, gap.key)?.wake();
  });

  const readers = new Map<string, Reader<never>>();
  /** One for each topic, whose name decides what its streams carry. */
  const readerOf = <Item>(topic: string, make: () => Reader<Item>): Reader<Item> => {
    let reader = readers.get(topic) as unknown as Reader<Item> | undefined;
    if (!reader) readers.set(topic, (reader = make()) as unknown as Reader<never>);
    return reader;
  };

  const goOn = (following: Following<AnyEvent>, from: ReplayOptions): void => {
    replay(prisma, following, from).catch((error: unknown) => following.end(error));
  };
  const goOnAfter = (following: Following<AnyEvent>, start: number): void => goOn(following, { start, epoch: following.stream.head.epoch });

  const views = new WeakMap<readonly string[], View<AnyEvent>>();
  const viewOf = (kinds: readonly string[], endsFor: View<AnyEvent>['endsFor']): View<AnyEvent> => {
    let view = views.get(kinds);
    if (!view) {
      const shown = new Set(kinds);
      views.set(kinds, (view = { wanted: ({ kind }) => shown.has(kind), endsFor }));
    }
    return view;
  };

  return {
    log: async <Events extends object, Kind extends keyof Events & string>(
      topic: LogTopic<Events>,
      key: string,
      { after, kinds = topic.kinds as readonly Kind[], endsFor = topic.endsFor }: LogOptions<Events, Kind> = {},
    ): Promise<Source<LogEvent<Events, Kind>>> => {
      const head = await headOf(topic.name, key);
      const headSeq = head?.lastSeq ?? 0;
      let start = headSeq;
      if (after !== null && after !== undefined) {
        const from = decodeCursor(topic.name, key, after);
        assertReadable(topic.name, key, from, head);
        start = from.seq;
      }
      const view = viewOf(kinds, endsFor as unknown as View<AnyEvent>['endsFor']);
      return sourceOf('log', options, (sharing, memberOf) => {
        const stream = streams.acquire(
          topic.name,
          key,
          readerOf(topic.name, () => logReader(prisma, topic.name)),
        );
        // Only wanted kinds are rendered, so this sharing's items are all it ever sees.
        const group = streams.group(stream, sharing as unknown as Sharing<AnyEvent, unknown, unknown>, kinds.join(), view);
        const following = new Following(streams, stream, group, memberOf(key), headSeq, goOnAfter);
        if (following.left) return following;
        const epoch = head?.epoch ?? null;
        stream.settle(headSeq, epoch);
        goOn(following, { start, epoch });
        return following;
      });
    },

    state: <Value extends StateValue>(topic: StateTopic<Value>, keys: readonly string[]): StateSource<Value> => {
      const reader = readerOf(topic.name, () => stateReader(prisma, topic, options.stateMinIntervalMs));
      const attached = new Set<StateFollowing<Value>>();
      let followed = keys;
      const source = sourceOf<Value>('state', options, (sharing, memberOf) => {
        const following = new StateFollowing<Value>({
          open: (key) => {
            const stream = streams.acquire(topic.name, key, reader);
            const group = streams.group(stream, sharing as Sharing<Value, unknown, unknown>, '', WHOLE);
            return { stream, group, member: memberOf(key) };
          },
          load: (missing) => topic.load(prisma, missing),
          streams,
          onLeave: () => attached.delete(following),
        });
        attached.add(following);
        streams.enter(following);
        following.follow(followed);
        return following;
      });
      return Object.assign(source, {
        follow: (next: readonly string[]): void => {
          followed = next;
          for (const following of [...attached]) following.follow(next);
        },
      });
    },

    signal: <Value>(topic: SignalTopic<Value>, key: string): Source<Signal<Value>> =>
      sourceOf('signal', options, (sharing, memberOf) => {
        const stream = streams.acquire<Signal<unknown>>(topic.name, key, signalReader, (value) => hearSignal(topic.name, key, value));
        stream.settle(0);
        const group = streams.group(stream, sharing as unknown as Sharing<Signal<unknown>, unknown, unknown>, '', WHOLE);
        const following = new Following(streams, stream, group, memberOf(key));
        if (!following.left) following.catchUp(stream.position);
        return following;
      }),

    publish: (topic, key, value) => bus.wake({ topic: topic.name, key, seq: 0, value }),
    publishLocally: (topic, key, value) => hearSignal(topic.name, key, value),
    overhear: (topic, listener) => {
      eavesdroppers.set(topic.name, [...(eavesdroppers.get(topic.name) ?? []), listener as (key: string, value: unknown) => void]);
    },

    committed: (topic, key, events, priorAt) => {
      const stream = streams.get(topic, key) as Stream<AnyEvent> | undefined;
      if (!stream) return;
      const items = events.map((event) => toEvent(topic, key, event));
      // Whatever is made of them later reads: A's message waits for a slow group, and meanwhile B, on another process, deletes it.
      const carrying = items.filter(({ carried }) => carried !== null);
      if (carrying.length > 0) process.nextTick(() => carrying.forEach((item) => (item.carried = null)));
      stream.hear(items, priorAt);
    },

    reconcile,
    stats: () => streams.stats(),
    stop: () => {
      clearInterval(timer);
      stopListeningToGaps();
      streams.stop();
    },
  };
};
