import type { PrismaClient } from '../db/generated/prisma/client.js';
import { coded } from '../errors.js';
import type { Log } from '../log.js';
import type { Bus } from './bus.js';
import { assertReadable, decodeCursor, encodeCursor } from './cursor.js';
import { readEvents, readGrown, readHead, type EventRow } from './event-log.js';
import { Queue } from './queue.js';
import { assertWithoutHole, createStream, holeInLog, logReader, stateReader, type Reader, type Stream, type Subscriber } from './stream.js';
import type { LogEvent, LogTopic, StateTopic, StateValue } from './topic.js';

/**
 * The process's readers of streams: per (topic, key) one listener on the bus and one read in flight, shared by all who
 * subscribe here. A stream is opened when its first reader asks for the first value and closed when the last one leaves.
 */
export interface Hub {
  /**
   * The events of a log after `after` (left out: from now), in seq order, each once, then each new one as it commits.
   * Only events of `kinds` are given. Once the promise is fulfilled, nothing that commits later is missed.
   * @throws BAD_USER_INPUT for a cursor of another stream, CURSOR_EXPIRED for one that cannot be served; while reading,
   *   SLOW_CONSUMER when the reader falls more than the queue limit behind what is live
   */
  readonly log: <Events extends object, Kind extends keyof Events & string>(
    topic: LogTopic<Events>,
    key: string,
    options: { readonly after?: string | null | undefined; readonly kinds: readonly Kind[] },
  ) => Promise<AsyncIterableIterator<LogEvent<Events, Kind>>>;
  /**
   * The present value of each key at once, then each newer one. A value that is overtaken before it is taken is left out,
   * the last one never.
   */
  readonly state: <Value extends StateValue>(topic: StateTopic<Value>, keys: readonly string[]) => AsyncIterableIterator<Value>;
  /** Asks for the heads of all local streams in one statement and reads what has grown. Never rejects. */
  readonly reconcile: () => Promise<void>;
  readonly stats: () => { readonly streams: number; readonly subscribers: number };
  /** Ends every subscription and stops the timer. */
  readonly stop: () => void;
}

export interface HubOptions {
  readonly prisma: PrismaClient;
  readonly bus: Bus;
  readonly log: Log;
  /** How often streams are compared with their heads, in milliseconds: the delay of an event whose wake was lost. */
  readonly reconcileMs: number;
  /** The shortest time between two values of one state stream, in milliseconds. */
  readonly stateMinIntervalMs: number;
  /** Live events a reader may have waiting. */
  readonly queueLimit: number;
}

interface Held<Item> {
  readonly stream: Stream<Item>;
  /** Idempotent. */
  readonly release: () => void;
}

export const createHub = (options: HubOptions): Hub => {
  const { prisma, bus, log } = options;
  const streams = new Map<string, { readonly stream: Stream<unknown>; readonly unlisten: () => void; holders: number }>();
  const subscriptions = new Set<() => void>();
  let stopped = false;

  const idOf = (topic: string, key: string): string => `${topic}\0${key}`;

  /** Opens the stream, or shares the one that is open. */
  const hold = <Item>(topic: string, key: string, reader: Reader<Item>): Held<Item> => {
    const id = idOf(topic, key);
    let entry = streams.get(id);
    if (!entry) {
      const stream = createStream(topic, key, reader, log);
      entry = { stream, unlisten: bus.listen(topic, key, stream.wake), holders: 0 };
      streams.set(id, entry);
    }
    const held = entry;
    held.holders += 1;
    let released = false;
    return {
      // A topic's name decides what its streams carry.
      stream: held.stream,
      release: () => {
        if (released) return;
        released = true;
        held.holders -= 1;
        if (held.holders > 0) return;
        streams.delete(id);
        held.unlisten();
      },
    };
  };

  const reconcile = async (): Promise<void> => {
    const known = [...streams.values()].map(({ stream }) => stream).filter(({ position }) => position >= 0);
    try {
      const grown = await readGrown(prisma, known.map(({ topic, key, position }) => ({ topic, key, seq: position })));
      for (const { topic, key, seq } of grown) streams.get(idOf(topic, key))?.stream.wake(seq);
    } catch (error) {
      if (!stopped) log.warn({ err: String(error) }, 'the heads could not be read; trying again');
    }
  };

  let reconciling = false;
  const timer = setInterval(() => {
    if (reconciling || streams.size === 0) return;
    reconciling = true;
    void reconcile().finally(() => (reconciling = false));
  }, options.reconcileMs);
  timer.unref();

  const stopListeningToGaps = bus.onGap((gap) => {
    if (gap === null) void reconcile();
    else streams.get(idOf(gap.topic, gap.key))?.stream.wake();
  });

  /**
   * What a subscriber reads: `source`, until it ends or its reader leaves. `leave` runs once, at once, whatever is pending:
   * a bare async generator would keep its resources until its next value.
   */
  const subscription = <Item>(source: AsyncIterator<Item>, leave: () => void): AsyncIterableIterator<Item> => {
    const finish = (): void => {
      if (subscriptions.delete(finish)) leave();
    };
    subscriptions.add(finish);
    if (stopped) finish();
    return {
      next: async () => {
        try {
          const result = await source.next();
          if (result.done === true) finish();
          return result;
        } catch (error) {
          finish();
          throw error;
        }
      },
      return: async () => {
        finish();
        return await Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  };

  const subscribeToLog = async <Events extends object, Kind extends keyof Events & string>(
    topic: LogTopic<Events>,
    key: string,
    { after, kinds }: { readonly after?: string | null | undefined; readonly kinds: readonly Kind[] },
  ): Promise<AsyncIterableIterator<LogEvent<Events, Kind>>> => {
    const head = await readHead(prisma, topic.name, key);
    let position = head?.lastSeq ?? 0;
    if (after !== null && after !== undefined) {
      const from = decodeCursor(topic.name, key, after);
      assertReadable(topic.name, key, from, head);
      position = from.seq;
    }

    const wanted = new Set<string>(kinds);
    const live = new Queue<EventRow>();
    let held: Held<EventRow> | null = null;
    let left = false;
    const subscriber: Subscriber<EventRow> = {
      deliver: (row) => {
        if (row.seq <= position || !wanted.has(row.kind)) return;
        if (live.size < options.queueLimit) live.push(row);
        else live.end(coded('SLOW_CONSUMER', 'This subscription fell too far behind. Subscribe again after the last cursor.'));
      },
      fail: (error) => live.end(error),
    };
    const leave = (): void => {
      left = true;
      held?.stream.subscribers.delete(subscriber);
      held?.release();
      void live.return();
    };

    // A stream without a head gets its epoch with its first event.
    let epoch = head?.epoch ?? null;
    const present = async (row: EventRow): Promise<LogEvent<Events, Kind>> => {
      epoch ??= (await readHead(prisma, topic.name, key))?.epoch ?? null;
      const cursor = encodeCursor(topic.name, key, { epoch, seq: row.seq });
      return { topic: topic.name, key, seq: row.seq, cursor, kind: row.kind as Kind, ref: row.ref as Events[Kind], at: row.at };
    };
    const source = async function* (): AsyncGenerator<LogEvent<Events, Kind>> {
      if (left) return;
      held = hold(topic.name, key, logReader(prisma, topic.name, key));
      const { stream } = held;
      stream.settle(head?.lastSeq ?? 0);
      // It replays by itself, and joins the others once it stands where they stand: nothing is awaited between the look and
      // the step.
      while (position < stream.position) {
        const rows = await readEvents(prisma, topic.name, key, position);
        if (rows.length === 0) throw holeInLog();
        assertWithoutHole(rows, position);
        for (const row of rows) {
          if (wanted.has(row.kind)) yield await present(row);
          // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- it may have been left while it yielded
          if (left) return;
          position = row.seq;
        }
      }
      stream.subscribers.add(subscriber);
      for await (const row of live) yield await present(row);
    };
    return subscription(source(), leave);
  };

  const subscribeToState = <Value extends StateValue>(topic: StateTopic<Value>, keys: readonly string[]): AsyncIterableIterator<Value> => {
    // The newest value of each key that has not been taken yet; `ready` holds the keys in the order in which they came.
    const newest = new Map<string, Value>();
    const versions = new Map<string, number>();
    const ready = new Queue<string>();
    const offer = (key: string, value: Value): void => {
      if (value.version <= (versions.get(key) ?? -1)) return;
      versions.set(key, value.version);
      if (!newest.has(key)) ready.push(key);
      newest.set(key, value);
    };
    let members: { readonly key: string; readonly held: Held<Value>; readonly subscriber: Subscriber<Value> }[] | null = null;
    const join = async (): Promise<void> => {
      members = [...new Set(keys)].map((key) => {
        const held = hold(topic.name, key, stateReader(prisma, topic, key, options.stateMinIntervalMs));
        const subscriber: Subscriber<Value> = { deliver: (value) => offer(key, value), fail: (error) => ready.end(error) };
        held.stream.subscribers.add(subscriber);
        return { key, held, subscriber };
      });
      const values = await topic.load(prisma, keys);
      for (const { key, held } of members) {
        const value = values.get(key);
        if (value) offer(key, value);
        held.stream.settle(value?.version ?? 0);
      }
    };
    const leave = (): void => {
      for (const { held, subscriber } of members ?? []) {
        held.stream.subscribers.delete(subscriber);
        held.release();
      }
      void ready.return();
    };
    const source: AsyncIterator<Value> = {
      next: async () => {
        if (members === null) await join();
        const { done, value: key } = await ready.next();
        if (done === true) return { done, value: undefined };
        const value = newest.get(key);
        if (value === undefined) return { done: true, value: undefined };
        newest.delete(key);
        return { done: false, value };
      },
    };
    return subscription(source, leave);
  };

  return {
    log: subscribeToLog,
    state: subscribeToState,
    reconcile,
    stats: () => ({ streams: streams.size, subscribers: subscriptions.size }),
    stop: () => {
      stopped = true;
      clearInterval(timer);
      stopListeningToGaps();
      for (const finish of [...subscriptions]) finish();
    },
  };
};
