import type { PrismaClient } from '../db/generated/prisma/client.js';
import { coded } from '../errors.js';
import type { Log } from '../log.js';
import { PAGE_SIZE, readContinuation, type AnyEvent, type Continuation, type Standing } from './event-log.js';
import { insist, mayPass } from './patience.js';
import type { Group } from './share.js';
import type { Signal, StateTopic, StateValue } from './topic.js';

/** Items of a stream that belong together: those after a position, in order. */
export interface Batch<Item> {
  readonly items: readonly Item[];
  /** Up to where the stream has been looked at. */
  readonly standing: Standing;
  /** Whether there is more to read at once. */
  readonly more: boolean;
  /** What the stream is about is no longer there. */
  readonly gone?: boolean;
}

/** What was told of in this process at once: the items of one commit, and when the one before them was numbered. */
export interface Heard<Item> {
  readonly items: readonly Item[];
  readonly priorAt: Date | null;
}

/** What a topic's kind decides: how what is newer than a position is found. */
export interface Reader<Item> {
  readonly kind: 'log' | 'state' | 'signal';
  /** An event's seq, a value's version. */
  readonly placeOf: (item: Item) => number;
  /** @throws CURSOR_EXPIRED when what follows cannot be given, or is not what follows on what was read before */
  readonly read: (key: string, standing: Standing) => Promise<Batch<Item>>;
  /** What has been heard of in this process may stand for a read; null when it does not follow on, or nobody can tell. */
  readonly hear: (heard: readonly Heard<Item>[], standing: Standing) => Batch<Item> | null;
  /** Whether what is heard cannot be, as far as is known: then the database is asked. */
  readonly contradicts: (heard: Heard<Item>, standing: Standing) => boolean;
  /** The shortest time between the starts of two reads, in milliseconds. */
  readonly minIntervalMs: number;
}

const nothing = (standing: Standing) => ({ items: [], standing, more: false });

export const logReader = (prisma: PrismaClient, topic: string): Reader<AnyEvent> => ({
  kind: 'log',
  minIntervalMs: 0,
  placeOf: ({ seq }) => seq,
  contradicts: ({ items }, { seq, epoch, at }) => {
    const last = items.at(-1);
    if (last === undefined) return false;
    // Times follow the order of the seqs: what is later cannot stand before. A primary that lost events 4 and 5 numbers others so.
    return (epoch !== null && last.epoch !== epoch) || (last.seq <= seq && at !== null && last.at.getTime() > at);
  },
  hear: (heard, standing) => {
    // As far as they go on without a hole: between two commits of this process there may be one of another.
    const items: AnyEvent[] = [];
    let { seq, epoch, at } = standing;
    for (const { items: events, priorAt } of heard) {
      const first = events.find((event) => event.seq === seq + 1);
      if (first === undefined) continue;
      // Of one commit a page may have ended in the middle.
      const before = first === events[0] ? priorAt : first.at;
      const follows = seq === 0 ? epoch === null || epoch === first.epoch : epoch === first.epoch && at !== null && before?.getTime() === at;
      if (!follows) return items.length === 0 ? null : { items, standing: { seq, epoch, at }, more: true };
      for (const event of events) if (event.seq > seq) items.push(event);
      const last = items.at(-1) ?? first;
      ({ seq, epoch } = last);
      at = last.at.getTime();
    }
    return items.length === 0 ? null : { items, standing: { seq, epoch, at }, more: false };
  },
  read: async (key, standing) => {
    const found = await readContinuation(prisma, topic, key, standing.seq);
    assertSameHistory(found, standing);
    if (found === null) return nothing(standing);
    const { head, events } = found;
    const before = events[0]?.seq === standing.seq ? events[0] : null;
    const items = before === null ? events : events.slice(1);
    assertWithoutHole(items, standing.seq);
    const last = items.at(-1) ?? before;
    return {
      items,
      standing: { seq: items.at(-1)?.seq ?? standing.seq, epoch: head.epoch, at: last === null ? standing.at : last.at.getTime() },
      more: items.length >= PAGE_SIZE,
    };
  },
});

export const stateReader = <Value extends StateValue>(prisma: PrismaClient, topic: StateTopic<Value>, minIntervalMs: number): Reader<Value> => ({
  kind: 'state',
  minIntervalMs,
  placeOf: ({ version }) => version,
  hear: () => null,
  contradicts: () => false,
  read: async (key, standing) => {
    const value = (await topic.load(prisma, [key])).get(key);
    if (value === undefined) return { ...nothing(standing), gone: true };
    // A version never goes back, but with the whole database.
    if (value.version < standing.seq) throw otherHistory();
    return value.version === standing.seq ? nothing(standing) : { items: [value], standing: { ...standing, seq: value.version }, more: false };
  },
});

/** There is nothing to read: a signal is heard or missed. */
export const signalReader: Reader<Signal<unknown>> = {
  kind: 'signal',
  minIntervalMs: 0,
  placeOf: ({ seq }) => seq,
  contradicts: () => false,
  hear: (heard, standing) => {
    const items = heard.flatMap((each) => each.items);
    return { items, standing: { ...standing, seq: items.at(-1)?.seq ?? standing.seq }, more: false };
  },
  read: (_key, standing) => Promise.resolve(nothing(standing)),
};

/** Retention has removed what a reader who was away for long has not seen; it must not go on as if nothing had been there. */
export const holeInLog = (): Error =>
  coded('CURSOR_EXPIRED', 'What follows this cursor is no longer kept. Fetch the present state and subscribe from its cursor.');

/** The database has gone back behind what was delivered, or is another one. */
export const otherHistory = (): Error =>
  coded('CURSOR_EXPIRED', 'The database went back behind what you have seen. Fetch the present state and subscribe from its cursor.');

/** @throws CURSOR_EXPIRED when `rows` do not begin right after `position` */
export const assertWithoutHole = (rows: readonly AnyEvent[], position: number): void => {
  const first = rows[0];
  if (first !== undefined && first.seq !== position + 1) throw holeInLog();
};

/**
 * The event that was read last must still be where it was, as far as it is kept: a primary that lost 4 and 5 has numbered others so, and
 * the next one would seem to follow.
 * @throws CURSOR_EXPIRED
 */
const assertSameHistory = (found: Continuation | null, { seq, epoch, at }: Standing): void => {
  if (found === null) {
    if (seq > 0) throw otherHistory();
    return;
  }
  const { head, events } = found;
  const [first] = events;
  const isSame =
    (epoch === null || head.epoch === epoch) && head.lastSeq >= seq && (first?.seq !== seq || at === null || first.at.getTime() === at);
  if (!isSame) throw otherHistory();
};

/** What is heard while a read is under way is kept up to this many items; beyond it, it is read. */
const MAX_HEARD = PAGE_SIZE;

/**
 * One (topic, key) with a local audience. One read is in flight at a time, whatever the number of subscribers; what becomes known
 * meanwhile falls into the next. It hands what it has found to its groups and waits for none of them.
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
  #standing: Standing = { seq: -1, epoch: null, at: null };
  #wanted = -1;
  /** Grown by an unknown amount: a read is due whatever is wanted. */
  #unknown = false;
  #heard: Heard<Item>[] = [];
  #heardItems = 0;
  #reading = false;
  #closed = false;
  #lastRead = Number.NEGATIVE_INFINITY;
  /** The place that could not be shown last, of which the log has been told. */
  #failed = -1;

  constructor(topic: string, key: string, reader: Reader<Item>, log: Log) {
    this.topic = topic;
    this.key = key;
    this.reader = reader;
    this.#log = log;
  }

  /** The seq up to which everything has been handed to the groups; -1 until {@link settle}. */
  get position(): number {
    return this.#standing.seq;
  }

  get standing(): Standing {
    return this.#standing;
  }

  /** Fixes where a new stream begins, and reads what came since that was looked up. Later calls change nothing. */
  settle(seq: number, epoch: number | null = null): void {
    if (this.position >= 0) return;
    this.#standing = { seq, epoch, at: null };
    this.#unknown = true;
    this.#schedule();
  }

  /** The stream has grown to `seq`, or changed in an unknown way when it is left out. */
  wake(seq?: number): void {
    if (seq === undefined) this.#unknown = true;
    else this.#wanted = Math.max(this.#wanted, seq);
    this.#schedule();
  }

  /**
   * What this process itself has committed or been told: what need not be read again. What does not follow on is read.
   * @param priorAt when the event before these was numbered, as far as is known
   */
  hear(items: readonly Item[], priorAt: Date | null = null): void {
    const last = items.at(-1);
    if (this.position < 0 || last === undefined) return;
    const heard = { items, priorAt };
    if (this.reader.contradicts(heard, this.#standing)) return this.wake();
    if (this.#heardItems + items.length > MAX_HEARD) this.#forgetHeard();
    else {
      this.#heard.push(heard);
      this.#heardItems += items.length;
    }
    this.wake(this.reader.placeOf(last));
  }

  /** Tells the log of what cannot be shown; once, however many wait for it. */
  failed(place: number, error: unknown): void {
    if (this.#failed === place) return;
    this.#failed = place;
    const cause: unknown = error instanceof Error && 'originalError' in error ? (error.originalError ?? error) : error;
    this.#log.error({ topic: this.topic, key: this.key, seq: place, err: cause }, 'what follows here cannot be shown: subscriptions ended with UNAVAILABLE');
  }

  /** Begins no further read. */
  close(): void {
    this.#closed = true;
  }

  #forgetHeard(): void {
    this.#heard = [];
    this.#heardItems = 0;
  }

  #schedule(): void {
    if (this.#closed || this.#reading || this.position < 0 || !(this.#unknown || this.#wanted > this.position)) return;
    this.#reading = true;
    const wait = this.#lastRead + this.reader.minIntervalMs - performance.now();
    if (wait > 0) setTimeout(() => void this.#read(), wait).unref();
    else void this.#read();
  }

  async #read(): Promise<void> {
    // The last reader may have left while this read was waited for.
    if (this.#closed) return;
    const target = this.#wanted;
    const grown = target > this.position;
    this.#lastRead = performance.now();
    try {
      const { items, standing, more, gone = false } = this.#takeHeard() ?? (await this.#readOn());
      this.#standing = standing;
      this.#unknown ||= more;
      // All that was asked for before this read has been looked for. What was not there must not be asked for again and again;
      // should it be a mistake, the next reconcile finds it.
      if (this.#wanted === target && !more) this.#wanted = this.position;
      if (items.length > 0) for (const group of this.groups.values()) group.push(items);
      // Before there is a value nothing has happened to it.
      if (gone && grown) this.#end(null);
    } catch (error) {
      // What has been tried for long is tried again by the next reconcile, for those who are here then.
      this.#wanted = this.position;
      if (mayPass(error)) this.failed(this.position + 1, error);
      this.#end(error);
    } finally {
      this.#reading = false;
      this.#schedule();
    }
  }

  #takeHeard(): Batch<Item> | null {
    if (this.#heard.length === 0) return null;
    const batch = this.reader.hear(this.#heard, this.#standing);
    this.#forgetHeard();
    // What others have committed meanwhile is still to be read.
    return batch && { ...batch, more: batch.more || this.#wanted > batch.standing.seq };
  }

  async #readOn(): Promise<Batch<Item>> {
    return await insist(
      async () => {
        // Before the read: what becomes known while it is under way may not be in it.
        this.#unknown = false;
        return await this.reader.read(this.key, this.#standing);
      },
      () => this.#closed,
    );
  }

  #end(error: unknown): void {
    for (const group of [...this.groups.values()]) group.finish(error);
  }
}
