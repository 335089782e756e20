import type { PrismaClient } from '../db/generated/prisma/client.js';
import { coded } from '../errors.js';
import type { Log } from '../log.js';
import { PAGE_SIZE, readEvents, type AnyEvent } from './event-log.js';
import type { StateTopic, StateValue } from './topic.js';

/** One (topic, key) with a local audience. One read is in flight at a time, whatever the number of subscribers. */
export interface Stream<Item> {
  readonly topic: string;
  readonly key: string;
  /** The seq up to which everything has been handed to the subscribers; -1 until {@link settle}. */
  readonly position: number;
  readonly subscribers: Set<Subscriber<Item>>;
  /** An event's seq, a value's version. */
  readonly placeOf: (item: Item) => number;
  /** Fixes where a new stream begins, and reads what came since that was looked up. Later calls change nothing. */
  settle(position: number): void;
  /** The stream has grown to `seq`, or by an unknown amount when it is left out. */
  readonly wake: (seq?: number) => void;
  /** Begins no further read. */
  readonly close: () => void;
}

export interface Subscriber<Item> {
  /** The next items, in order. The stream reads on when all its subscribers have fulfilled what they return. Never rejects. */
  deliver(items: readonly Item[]): Promise<void>;
  /** The stream cannot go on. Synchronous; must not throw. */
  fail(error: unknown): void;
}

/** What a topic's kind decides: how what is newer than `position` is read. */
export interface Reader<Item> {
  read(position: number): Promise<{ readonly items: readonly Item[]; readonly position: number; readonly more: boolean }>;
  /** An event's seq, a value's version. */
  placeOf(item: Item): number;
  /** The shortest time between the starts of two reads, in milliseconds. */
  readonly minIntervalMs: number;
}

export const logReader = (prisma: PrismaClient, topic: string, key: string): Reader<AnyEvent> => ({
  minIntervalMs: 0,
  placeOf: ({ seq }) => seq,
  read: async (position) => {
    const items = await readEvents(prisma, topic, key, position);
    assertWithoutHole(items, position);
    return { items, position: items.at(-1)?.seq ?? position, more: items.length === PAGE_SIZE };
  },
});

export const stateReader = <Value extends StateValue>(
  prisma: PrismaClient,
  topic: StateTopic<Value>,
  key: string,
  minIntervalMs: number,
): Reader<Value> => ({
  minIntervalMs,
  placeOf: ({ version }) => version,
  read: async (position) => {
    const value = (await topic.load(prisma, [key])).get(key);
    if (value === undefined || value.version <= position) return { items: [], position, more: false };
    return { items: [value], position: value.version, more: false };
  },
});

/** Retention has removed what a reader who was away for long has not seen; it must not go on as if nothing had been there. */
export const holeInLog = (): Error =>
  coded('CURSOR_EXPIRED', 'What follows this cursor is no longer kept. Fetch the present state and subscribe from its cursor.');

/** @throws CURSOR_EXPIRED when `rows` do not begin right after `position` */
export const assertWithoutHole = (rows: readonly AnyEvent[], position: number): void => {
  const first = rows[0];
  if (first !== undefined && first.seq !== position + 1) throw holeInLog();
};

export const createStream = <Item>(topic: string, key: string, reader: Reader<Item>, log: Log): Stream<Item> => {
  const subscribers = new Set<Subscriber<Item>>();
  let position = -1;
  let wanted = -1;
  /** Grown by an unknown amount: a read is due whatever `wanted` says. */
  let unknown = false;
  let reading = false;
  let closed = false;
  let lastRead = Number.NEGATIVE_INFINITY;

  const schedule = (): void => {
    if (closed || reading || position < 0 || !(unknown || wanted > position)) return;
    reading = true;
    const wait = lastRead + reader.minIntervalMs - performance.now();
    if (wait > 0) setTimeout(() => void read(), wait).unref();
    else void read();
  };

  const read = async (): Promise<void> => {
    // The last reader may have left while this read was waited for.
    if (closed) return;
    const target = wanted;
    unknown = false;
    lastRead = performance.now();
    try {
      const { items, position: reached, more } = await reader.read(position);
      position = Math.max(position, reached);
      unknown ||= more;
      // All that was asked for before this read has been looked for. What was not there (the row of a state is gone)
      // must not be asked for again and again; should it be a mistake, the next reconcile finds it.
      if (wanted === target && !more) wanted = position;
      if (items.length > 0) await Promise.all([...subscribers].map((subscriber) => subscriber.deliver(items)));
    } catch (error) {
      // A database that is away is asked again by the next reconcile, not in a tight loop.
      wanted = position;
      if (error instanceof Error && 'extensions' in error) for (const subscriber of [...subscribers]) subscriber.fail(error);
      else log.warn({ topic, err: String(error) }, 'a stream could not be read; trying again');
    } finally {
      reading = false;
      schedule();
    }
  };

  return {
    topic,
    key,
    subscribers,
    placeOf: (item) => reader.placeOf(item),
    get position() {
      return position;
    },
    settle: (start) => {
      if (position >= 0) return;
      position = start;
      unknown = true;
      schedule();
    },
    wake: (seq) => {
      if (seq === undefined) unknown = true;
      else wanted = Math.max(wanted, seq);
      schedule();
    },
    close: () => {
      closed = true;
    },
  };
};
