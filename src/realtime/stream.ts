import type { PrismaClient } from '../db/generated/prisma/client.js';
import { coded } from '../errors.js';
import type { Log } from '../log.js';
import { PAGE_SIZE, readEvents, type AnyEvent } from './event-log.js';
import type { Group } from './share.js';
import type { Signal, StateTopic, StateValue } from './topic.js';

/** Items of a stream that belong together: those after a position, in order. */
export interface Batch<Item> {
  readonly items: readonly Item[];
  /** Up to where the stream has been looked at. */
  readonly position: number;
  /** Whether there is more to read at once. */
  readonly more: boolean;
  /** What the stream is about is no longer there. */
  readonly gone?: boolean;
}

/** What a topic's kind decides: how what is newer than a position is found. */
export interface Reader<Item> {
  /** An event's seq, a value's version. */
  readonly placeOf: (item: Item) => number;
  readonly read: (key: string, position: number) => Promise<Batch<Item>>;
  /** What has been heard of in this process may stand for a read; null when there is a hole between the two. */
  readonly hear: (heard: readonly Item[], position: number) => Batch<Item> | null;
  /** The shortest time between the starts of two reads, in milliseconds. */
  readonly minIntervalMs: number;
}

const NOTHING = (position: number) => ({ items: [], position, more: false });

export const logReader = (prisma: PrismaClient, topic: string): Reader<AnyEvent> => ({
  minIntervalMs: 0,
  placeOf: ({ seq }) => seq,
  hear: (heard, position) => {
    // As far as they go on without a hole: between two commits of this process there may be one of another.
    const items: AnyEvent[] = [];
    for (const event of heard) if (event.seq === position + items.length + 1) items.push(event);
    return items.length === 0 ? null : { items, position: position + items.length, more: false };
  },
  read: async (key, position) => {
    const items = await readEvents(prisma, topic, key, position);
    assertWithoutHole(items, position);
    return { items, position: items.at(-1)?.seq ?? position, more: items.length === PAGE_SIZE };
  },
});

export const stateReader = <Value extends StateValue>(prisma: PrismaClient, topic: StateTopic<Value>, minIntervalMs: number): Reader<Value> => ({
  minIntervalMs,
  placeOf: ({ version }) => version,
  hear: () => null,
  read: async (key, position) => {
    const value = (await topic.load(prisma, [key])).get(key);
    if (value === undefined) return { ...NOTHING(position), gone: true };
    return value.version <= position ? NOTHING(position) : { items: [value], position: value.version, more: false };
  },
});

/** There is nothing to read: a signal is heard or missed. */
export const signalReader: Reader<Signal<unknown>> = {
  minIntervalMs: 0,
  placeOf: ({ seq }) => seq,
  hear: (items, position) => ({ items, position: items.at(-1)?.seq ?? position, more: false }),
  read: (_key, position) => Promise.resolve(NOTHING(position)),
};

/** Retention has removed what a reader who was away for long has not seen; it must not go on as if nothing had been there. */
export const holeInLog = (): Error =>
  coded('CURSOR_EXPIRED', 'What follows this cursor is no longer kept. Fetch the present state and subscribe from its cursor.');

/** @throws CURSOR_EXPIRED when `rows` do not begin right after `position` */
export const assertWithoutHole = (rows: readonly AnyEvent[], position: number): void => {
  const first = rows[0];
  if (first !== undefined && first.seq !== position + 1) throw holeInLog();
};

/** What is heard while a read is under way is kept up to this many items; beyond it, it is read. */
const MAX_HEARD = PAGE_SIZE;

/**
 * One (topic, key) with a local audience. One read is in flight at a time, whatever the number of subscribers; what becomes known
 * meanwhile falls into the next.
 */
export class Stream<Item> {
  readonly topic: string;
  readonly key: string;
  readonly reader: Reader<Item>;
  /** Those who follow it here, by what they share. */
  readonly groups = new Map<string, Group<Item, unknown, unknown>>();
  /** Those who have it open. */
  holders = 0;
  readonly #log: Log;
  #position = -1;
  #wanted = -1;
  /** Grown by an unknown amount: a read is due whatever is wanted. */
  #unknown = false;
  #heard: Item[] = [];
  #reading = false;
  #closed = false;
  #lastRead = Number.NEGATIVE_INFINITY;

  constructor(topic: string, key: string, reader: Reader<Item>, log: Log) {
    this.topic = topic;
    this.key = key;
    this.reader = reader;
    this.#log = log;
  }

  /** The seq up to which everything has been handed to the groups; -1 until {@link settle}. */
  get position(): number {
    return this.#position;
  }

  /** Fixes where a new stream begins, and reads what came since that was looked up. Later calls change nothing. */
  settle(position: number): void {
    if (this.#position >= 0) return;
    this.#position = position;
    this.#unknown = true;
    this.#schedule();
  }

  /** The stream has grown to `seq`, or by an unknown amount when it is left out. */
  wake(seq?: number): void {
    if (seq === undefined) this.#unknown = true;
    else this.#wanted = Math.max(this.#wanted, seq);
    this.#schedule();
  }

  /** What this process itself has committed or been told: what need not be read again. What does not follow on is read. */
  hear(items: readonly Item[]): void {
    if (this.#position < 0) return;
    if (this.#heard.length + items.length > MAX_HEARD) this.#heard = [];
    else this.#heard.push(...items);
    const last = items.at(-1);
    if (last !== undefined) this.wake(this.reader.placeOf(last));
  }

  /** Begins no further read. */
  close(): void {
    this.#closed = true;
  }

  #schedule(): void {
    if (this.#closed || this.#reading || this.#position < 0 || !(this.#unknown || this.#wanted > this.#position)) return;
    this.#reading = true;
    const wait = this.#lastRead + this.reader.minIntervalMs - performance.now();
    if (wait > 0) setTimeout(() => void this.#read(), wait).unref();
    else void this.#read();
  }

  async #read(): Promise<void> {
    // The last reader may have left while this read was waited for.
    if (this.#closed) return;
    const target = this.#wanted;
    const grown = target > this.#position;
    this.#lastRead = performance.now();
    try {
      const { items, position, more, gone = false } = await this.#next();
      this.#position = Math.max(this.#position, position);
      this.#unknown ||= more;
      // All that was asked for before this read has been looked for. What was not there must not be asked for again and again;
      // should it be a mistake, the next reconcile finds it.
      if (this.#wanted === target && !more) this.#wanted = this.#position;
      if (items.length > 0) await Promise.all([...this.groups.values()].map((group) => group.deliver(items)));
      // Before there is a value nothing has happened to it.
      if (gone && grown) this.#end(null);
    } catch (error) {
      // A database that is away is asked again by the next reconcile, not in a tight loop.
      this.#wanted = this.#position;
      if (error instanceof Error && 'extensions' in error) this.#end(error);
      else this.#log.warn({ topic: this.topic, err: String(error) }, 'a stream could not be read; trying again');
    } finally {
      this.#reading = false;
      this.#schedule();
    }
  }

  async #next(): Promise<Batch<Item>> {
    if (this.#heard.length > 0) {
      const heard = this.reader.hear(this.#heard, this.#position);
      this.#heard = [];
      // What others have committed meanwhile is still to be read.
      if (heard !== null) return { ...heard, more: this.#wanted > heard.position };
    }
    this.#unknown = false;
    return await this.reader.read(this.key, this.#position);
  }

  #end(error: unknown): void {
    for (const group of [...this.groups.values()]) group.end(error);
  }
}
