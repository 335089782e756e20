import type { PrismaClient } from '../db/generated/prisma/client.js';
import { coded } from '../errors.js';
import { PAGE_SIZE, readContinuation, type AnyEvent, type Continuation, type KnownHead } from './event-log.js';
import type { Signal, StateTopic, StateValue } from './topic.js';

/** Consecutive items of a stream after a position. */
export interface Batch<Item> {
  readonly items: readonly Item[];
  /** The position up to which the stream was read. */
  readonly head: KnownHead;
  /** Whether there is more to read at once. */
  readonly more: boolean;
  /** The row of a state topic is gone. */
  readonly gone?: boolean;
}

/** The items of one commit of this process, and when the item before them was numbered. */
export interface Heard<Item> {
  readonly items: readonly Item[];
  readonly priorAt: Date | null;
}

/** How the items of a stream are found; it depends on the kind of topic. */
export interface Reader<Item> {
  readonly kind: 'log' | 'state' | 'signal';
  /** The position of an item: an event's seq, a value's version. */
  readonly placeOf: (item: Item) => number;
  /**
   * Reads the items after a position. @throws CURSOR_EXPIRED when they are no longer kept, or when the history is not the one that was read
   * before
   */
  readonly read: (key: string, known: KnownHead) => Promise<Batch<Item>>;
  /**
   * Uses items that this process has committed instead of a read; null when they do not follow the position without a gap, or that cannot
   * be known.
   */
  readonly hear: (heard: readonly Heard<Item>[], known: KnownHead) => Batch<Item> | null;
  /** Whether committed items contradict what is known of the stream: then the database is read. */
  readonly contradicts: (heard: Heard<Item>, known: KnownHead) => boolean;
  /** The shortest interval between the starts of two reads, in milliseconds. */
  readonly minIntervalMs: number;
}

const nothing = (known: KnownHead) => ({ items: [], head: known, more: false });

export const logReader = (prisma: PrismaClient, topic: string): Reader<AnyEvent> => ({
  kind: 'log',
  minIntervalMs: 0,
  placeOf: ({ seq }) => seq,
  contradicts: ({ items }, { seq, epoch, at }) => {
    const last = items.at(-1);
    if (last === undefined) return false;
    // Times grow with the seqs. Example: a primary that lost events 4 and 5 gives their seqs to later events; then an event with a seq that
    // was already read has a later time.
    return (epoch !== null && last.epoch !== epoch) || (last.seq <= seq && at !== null && last.at.getTime() > at);
  },
  hear: (heard, known) => {
    // Only as far as they are consecutive: another process may have committed between two commits of this one.
    const items: AnyEvent[] = [];
    let { seq, epoch, at } = known;
    for (const { items: events, priorAt } of heard) {
      const first = events.find((event) => event.seq === seq + 1);
      if (first === undefined) continue;
      // A page of the log may have ended in the middle of a commit.
      const before = first === events[0] ? priorAt : first.at;
      const follows =
        seq === 0 ? epoch === null || epoch === first.epoch : epoch === first.epoch && at !== null && before?.getTime() === at;
      if (!follows) return items.length === 0 ? null : { items, head: { seq, epoch, at }, more: true };
      for (const event of events) if (event.seq > seq) items.push(event);
      const last = items.at(-1) ?? first;
      ({ seq, epoch } = last);
      at = last.at.getTime();
    }
    return items.length === 0 ? null : { items, head: { seq, epoch, at }, more: false };
  },
  read: async (key, known) => {
    const found = await readContinuation(prisma, topic, key, known.seq);
    assertSameHistory(found, known);
    if (found === null) return nothing(known);
    const { head, events } = found;
    const before = events[0]?.seq === known.seq ? events[0] : null;
    const items = before === null ? events : events.slice(1);
    assertWithoutHole(items, known.seq);
    const last = items.at(-1) ?? before;
    return {
      items,
      head: { seq: items.at(-1)?.seq ?? known.seq, epoch: head.epoch, at: last === null ? known.at : last.at.getTime() },
      more: items.length >= PAGE_SIZE,
    };
  },
});

export const stateReader = <Value extends StateValue>(
  prisma: PrismaClient,
  topic: StateTopic<Value>,
  minIntervalMs: number,
): Reader<Value> => ({
  kind: 'state',
  minIntervalMs,
  placeOf: ({ version }) => version,
  hear: () => null,
  contradicts: () => false,
  read: async (key, known) => {
    const value = (await topic.load(prisma, [key])).get(key);
    if (value === undefined) return { ...nothing(known), gone: true };
    // A version goes back only if the whole database did.
    if (value.version < known.seq) throw otherHistory();
    return value.version === known.seq ? nothing(known) : { items: [value], head: { ...known, seq: value.version }, more: false };
  },
});

/** Signals cannot be read; a process that misses one never gets it. */
export const signalReader: Reader<Signal<unknown>> = {
  kind: 'signal',
  minIntervalMs: 0,
  placeOf: ({ seq }) => seq,
  contradicts: () => false,
  hear: (heard, known) => {
    const items = heard.flatMap((each) => each.items);
    return { items, head: { ...known, seq: items.at(-1)?.seq ?? known.seq }, more: false };
  },
  read: (_key, known) => Promise.resolve(nothing(known)),
};

/** The error for a reader whose next events were removed by retention: it must not continue as if there had been none. */
export const holeInLog = (): Error =>
  coded('CURSOR_EXPIRED', 'What follows this cursor is no longer kept. Fetch the present state and subscribe from its cursor.');

/** The error for a database that went back behind what was delivered, or is another one. */
export const otherHistory = (): Error =>
  coded('CURSOR_EXPIRED', 'The database went back behind what you have seen. Fetch the present state and subscribe from its cursor.');

/** Checks that `rows` begin right after `position`. @throws CURSOR_EXPIRED */
export const assertWithoutHole = (rows: readonly AnyEvent[], position: number): void => {
  const first = rows[0];
  if (first !== undefined && first.seq !== position + 1) throw holeInLog();
};

/**
 * Checks that the event that was read last is still the same, as long as it is kept. Example: a primary that lost events 4 and 5 has given
 * their seqs to others; event 6 would seem to follow what was read.
 * @throws CURSOR_EXPIRED
 */
const assertSameHistory = (found: Continuation | null, { seq, epoch, at }: KnownHead): void => {
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
