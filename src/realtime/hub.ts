import { isUnavailable, reasonOf } from '../observability/failures.js';
import type { PrismaClient } from '../db/generated/prisma/client.js';
import { assertReadable, decodeCursor, type Head, type Position } from './cursor.js';
import {
  createHeadLookup,
  createReadOn,
  eventsBehind,
  readMoved,
  toEvent,
  type AnyEvent,
  type Committed,
  type Continuation,
} from './event-log.js';
import { Following, replay, type ReplayOptions } from './log-subscription.js';
import { WHOLE, type Sharing, type View } from './share.js';
import { sourceOf, type Source, type StateSource } from './source.js';
import { StateFollowing } from './state-subscription.js';
import { logReader, signalReader, stateReader, type Reader } from './readers.js';
import type { Stream } from './stream.js';
import { Streams, type StreamsOptions } from './streams.js';
import type { End, LogEvent, LogTopic, Signal, SignalTopic, StateTopic, StateValue } from './topic.js';

/**
 * Reads the streams that are followed in this process: for each (topic, key) it has one listener on the bus and one read in flight, shared
 * by all subscribers. A stream is opened for its first reader and closed after the last.
 */
export interface Hub {
  /**
   * The events of a log after the cursor `after` (left out: from now), in seq order, each once, and then each new event as it commits. Only
   * events of `kinds` are delivered. Once the promise is fulfilled, no later commit is missed. An event that cannot be rendered is retried
   * for ten seconds; then only the subscriptions that wait for it end with UNAVAILABLE, before it.
   * @throws BAD_USER_INPUT for a cursor of another stream, CURSOR_EXPIRED for one that can no longer be served
   */
  readonly log: <Events extends object, Kind extends keyof Events & string>(
    topic: LogTopic<Events>,
    key: string,
    options?: LogOptions<Events, Kind>,
  ) => Promise<Source<LogEvent<Events, Kind>>>;
  /**
   * The present value of each key at once, then each newer one. When a value is replaced before it is delivered, it is skipped; the last
   * one never is. The subscription completes when the rows of all its keys are gone.
   */
  readonly state: <Value extends StateValue>(topic: StateTopic<Value>, keys: readonly string[]) => StateSource<Value>;
  /** The signals from now on. */
  readonly signal: <Value>(topic: SignalTopic<Value>, key: string) => Source<Signal<Value>>;
  /** Publishes a signal to the subscribers of all processes. Best effort. */
  readonly publish: <Value>(topic: SignalTopic<Value>, key: string, value: Value) => void;
  /** Publishes a signal to the subscribers of this process only. */
  readonly publishLocally: <Value>(topic: SignalTopic<Value>, key: string, value: Value) => void;
  /** Calls `listener` with every signal of a topic that reaches this process, that is on streams followed here, for the life of the hub. */
  readonly overhear: <Value>(topic: SignalTopic<Value>, listener: (key: string, value: Value) => void) => void;
  /**
   * Passes on the events that a transaction of this process has committed, in seq order, so that they need not be read here.
   * @param priorAt when the event before these was numbered; null when it is not known
   */
  readonly committed: (topic: string, key: string, events: readonly Committed[], priorAt?: Date | null) => void;
  /**
   * Compares all local streams with their heads in one statement, and reads those that differ. Subscriptions beyond the head of a database
   * that went back, or of another epoch, end with CURSOR_EXPIRED. Never rejects.
   */
  readonly reconcile: () => Promise<void>;
  readonly stats: () => { readonly streams: number; readonly groups: number; readonly subscribers: number };
  /** Ends every subscription and stops the timer. */
  readonly stop: () => void;
}

export interface LogOptions<Events extends object, Kind extends keyof Events & string> {
  readonly after?: string | null | undefined;
  /** The kinds to deliver; left out: all of the topic. Subscriptions that share must pass the same array. */
  readonly kinds?: readonly Kind[] | undefined;
  /**
   * For whom an event of any kind ends the stream; it replaces the rule of the topic. Subscriptions with the same `kinds` must pass the
   * same function.
   */
  readonly endsFor?: ((event: LogEvent<Events>) => End | null) | undefined;
}

export interface HubOptions extends StreamsOptions {
  readonly prisma: PrismaClient;
  /** How often streams are compared with their heads, in milliseconds: the longest delay of an event whose wake was lost. */
  readonly reconcileMs: number;
  /** The shortest interval between two values of a state stream, in milliseconds. */
  readonly stateMinIntervalMs: number;
}

/**
 * How many subscriptions at a time read what they have missed in the statement that reads their head. Of thousands that begin at once, most have
 * missed nothing, and one statement reads the heads of all.
 */
const READ_WITH_HEAD = 4;

export const createHub = (options: HubOptions): Hub => {
  const { prisma, log, bus } = options;
  const streams = new Streams(options);
  const headOf = createHeadLookup(prisma);
  const readOn = createReadOn(prisma);
  let opening = 0;
  /** The head of a stream, and the events behind a position together with it unless many ask. */
  const openingAt = async (
    topic: string,
    key: string,
    from: Position | null,
  ): Promise<{ head: Head | null; missed: Continuation | null }> => {
    if (from === null || opening >= READ_WITH_HEAD) return { head: await headOf(topic, key), missed: null };
    opening += 1;
    try {
      const missed = await readOn(topic, key, from.seq);
      return { head: missed?.head ?? null, missed };
    } finally {
      opening -= 1;
    }
  };
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
        // A stream that differs without having grown must be read too: its reader finds out what has happened to it.
        streams.wake(topic, key, ({ position }) => (seq > position ? seq : undefined));
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
    else streams.wake(gap.topic, gap.key);
  });

  const readers = new Map<string, Reader<never>>();
  /** One reader for each topic. */
  const readerOf = <Item>({ kind, name }: { readonly kind: string; readonly name: string }, make: () => Reader<Item>): Reader<Item> => {
    const id = `${kind} ${name}`;
    let reader = readers.get(id) as unknown as Reader<Item> | undefined;
    if (!reader) readers.set(id, (reader = make()) as unknown as Reader<never>);
    return reader;
  };

  const goOn = (following: Following<AnyEvent>, from: ReplayOptions): void => {
    replay(readOn, following, from).catch((error: unknown) => following.end(error));
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
      const from = after === null || after === undefined ? null : decodeCursor(topic.name, key, after);
      const { head, missed } = await openingAt(topic.name, key, from);
      if (from !== null) assertReadable(topic.name, key, from, head);
      const headSeq = head?.lastSeq ?? 0;
      const start = from?.seq ?? headSeq;
      const first = eventsBehind(start, missed);
      const view = viewOf(kinds, endsFor as unknown as View<AnyEvent>['endsFor']);
      return sourceOf('log', (sharing, memberOf) => {
        const stream = streams.acquire(
          topic.name,
          key,
          readerOf(topic, () => logReader(prisma, topic.name)),
        );
        // The group renders only events of these kinds, so the sharing never sees others.
        const group = streams.group(stream, sharing as unknown as Sharing<AnyEvent, unknown, unknown>, kinds.join(), view);
        const following = new Following(streams, stream, group, memberOf(key), headSeq, goOnAfter);
        if (following.left) return following;
        const epoch = head?.epoch ?? null;
        stream.settle(headSeq, epoch);
        goOn(following, { start, epoch, first });
        return following;
      });
    },

    state: <Value extends StateValue>(topic: StateTopic<Value>, keys: readonly string[]): StateSource<Value> => {
      const reader = readerOf(topic, () => stateReader(prisma, topic, options.stateMinIntervalMs));
      const attached = new Set<StateFollowing<Value>>();
      let followed = keys;
      const source = sourceOf<Value>('state', (sharing, memberOf) => {
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
      sourceOf('signal', (sharing, memberOf) => {
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
      // Results that are made after this turn of the event loop must read the database. Example: A's message waits for a slow group, and
      // meanwhile B deletes it in another process.
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
