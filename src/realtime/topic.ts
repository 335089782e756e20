import type { Prisma, PrismaClient } from '../db/generated/prisma/client.js';
import type { EmittableLog, EmittableState } from '../db/transact.js';

/**
 * Every live thing is a topic of one of these kinds.
 *
 * - `log`: events kept in the `event` table, each delivered once and in order, resumable from a cursor.
 * - `state`: one value that changes; subscribers get the present value at once and always the last one.
 * - `signal`: what is worth telling only at that moment; nothing keeps it, and who is not there misses it.
 */
export type Topic = LogTopic<never> | StateTopic<StateValue> | SignalTopic<unknown>;

/** @typeParam Events what each kind of event carries in `ref`, by the kind's name */
export interface LogTopic<Events extends object> extends EmittableLog<Events> {
  readonly kind: 'log';
  /** Every kind of event it has. */
  readonly kinds: readonly (keyof Events & string)[];
  /** For whom the stream is over after an event, whether or not that is shown to them; null for nobody. */
  readonly endsFor: (event: LogEvent<Events>) => End | null;
}

/** For whom a stream is over: for everyone, because nothing can follow, or for one user, who has lost the right to follow it. */
export type End = 'everyone' | { readonly userId: string };

/**
 * Each kind of event, with what it ends: nothing, or the stream of those named. Whatever takes a right away goes through the rights log as
 * well; this makes its place among the events exact. The compiler finds a kind that is forgotten.
 */
export type Kinds<Events extends object> = {
  readonly [Kind in keyof Events & string]: 'goes on' | 'ends for everyone' | ((event: LogEvent<Events, Kind>) => End);
};

/** The value of a state topic. `version` is its head's last seq: it grows with every change, not always by one. */
export interface StateValue {
  readonly version: number;
}

export interface StateTopic<Value extends StateValue> extends EmittableState {
  readonly kind: 'state';
  /**
   * The present values of `keys`, each read together with its head in one statement, so that value and version belong together.
   * A key without a value (its row is gone) is absent.
   */
  readonly load: (prisma: PrismaClient, keys: readonly string[]) => Promise<ReadonlyMap<string, Value>>;
}

/** @typeParam Value what a signal says. It travels through the bus, so it holds ids and flags, never what somebody wrote. */
export interface SignalTopic<Value> {
  readonly kind: 'signal';
  readonly name: string;
  /** Only a type. */
  readonly value?: Value;
}

/** One signal as its readers get it. */
export interface Signal<Value> {
  readonly topic: string;
  readonly key: string;
  /** Counts within the process, and means nothing elsewhere. */
  readonly seq: number;
  readonly value: Value;
}

/** One event of a log as its readers get it. */
export interface LogEvent<Events extends object, Kind extends keyof Events & string = keyof Events & string> {
  readonly topic: string;
  readonly key: string;
  readonly seq: number;
  /** Opaque; where a reader who has seen this event goes on. */
  readonly cursor: string;
  readonly kind: Kind;
  readonly ref: Events[Kind];
  readonly at: Date;
  /**
   * The rows that it is about, as the transaction of this process has left them that has emitted it just now; null where they are to be read,
   * and from the end of that turn of the event loop on: nothing can have been heard of by then that came after it.
   */
  readonly carried: object | null;
}

export const logTopic = <Events extends object>(
  name: string,
  { kinds, projections }: { readonly kinds: Kinds<Events>; readonly projections?: readonly Prisma.Sql[] },
): LogTopic<Events> => ({
  kind: 'log',
  name,
  projections,
  kinds: Object.keys(kinds) as (keyof Events & string)[],
  endsFor: (event) => {
    const end = kinds[event.kind];
    if (end === 'goes on') return null;
    return end === 'ends for everyone' ? 'everyone' : end(event);
  },
});

export const stateTopic = <Value extends StateValue>(name: string, load: StateTopic<Value>['load']): StateTopic<Value> => ({
  kind: 'state',
  name,
  load,
});

export const signalTopic = <Value>(name: string): SignalTopic<Value> => ({ kind: 'signal', name });
