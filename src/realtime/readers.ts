import type { PrismaClient } from '../db/generated/prisma/client.js';
import { coded } from '../errors.js';
import { PAGE_SIZE, readContinuation, type AnyEvent, type Continuation, type KnownHead } from './event-log.js';
import type { Signal, StateTopic, StateValue } from './topic.js';

/** Items of a stream that belong together: those after a position, in order. */
export interface Batch<Item> {
  readonly items: readonly Item[];
  /** Up to where the stream has been looked at. */
  readonly head: KnownHead;
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
  readonly read: (key: string, known: KnownHead) => Promise<Batch<Item>>;
  /** What has been heard of in this process may stand for a read; null when it does not follow on, or nobody can tell. */
  readonly hear: (heard: readonly Heard<Item>[], known: KnownHead) => Batch<Item> | null;
  /** Whether what is heard cannot be, as far as is known: then the database is asked. */
  readonly contradicts: (heard: Heard<Item>, known: KnownHead) => boolean;
  /** The shortest time between the starts of two reads, in milliseconds. */
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
    // Times follow the order of the seqs: what is later cannot stand before. A primary that lost events 4 and 5 numbers others so.
    return (epoch !== null && last.epoch !== epoch) || (last.seq <= seq && at !== null && last.at.getTime() > at);
  },
  hear: (heard, known) => {
    // As far as they go on without a hole: between two commits of this process there may be one of another.
    const items: AnyEvent[] = [];
    let { seq, epoch, at } = known;
    for (const { items: events, priorAt } of heard) {
      const first = events.find((event) => event.seq === seq + 1);
      if (first === undefined) continue;
      // Of one commit a page may have ended in the middle.
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
    // A version never goes back, but with the whole database.
    if (value.version < known.seq) throw otherHistory();
    return value.version === known.seq ? nothing(known) : { items: [value], head: { ...known, seq: value.version }, more: false };
  },
});

/** There is nothing to read: a signal is heard or missed. */
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
