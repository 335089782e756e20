import type { PrismaClient } from '../db/generated/prisma/client.js';
import type { EmittableLog, EmittableState, Projection } from '../db/transact.js';

/**
 * Every subscription follows topics of one of these kinds.
 *
 * - `log`: events kept in the table `event`, each delivered once and in order, resumable from a cursor.
 * - `state`: a value that changes; subscribers get the present value at once, and always the last one.
 * - `signal`: of use only at that moment; it is not stored, and a client that is not connected misses it.
 */
export type Topic = LogTopic<never> | StateTopic<StateValue> | SignalTopic<unknown>;

/** @typeParam Events what each kind of event carries in `ref`, by the kind's name */
export interface LogTopic<Events extends object> extends EmittableLog<Events> {
  readonly kind: 'log';
  /** All kinds of event. */
  readonly kinds: readonly (keyof Events & string)[];
  /** For whom an event ends the stream, whether or not they see it; null for nobody. */
  readonly endsFor: (event: LogEvent<Events>) => End | null;
}

/** For whom a stream ends: for everyone, because nothing can follow, or for one user, who may no longer follow it. */
export type End = 'everyone' | { readonly userId: string };

/**
 * Each kind of event, and for whom it ends the stream. An event that withdraws a right also goes to the rights log; this rule makes the end
 * exact in the order of events. The compiler reports a missing kind.
 */
export type Kinds<Events extends object> = {
  readonly [Kind in keyof Events & string]: 'goes on' | 'ends for everyone' | ((event: LogEvent<Events, Kind>) => End);
};

/** The value of a state topic. `version` is the last seq of its head: it grows with every change, not always by one. */
export interface StateValue {
  readonly version: number;
}

export interface StateTopic<Value extends StateValue> extends EmittableState {
  readonly kind: 'state';
  /**
   * Loads the present values of `keys`, each together with its head in one statement, so that value and version are consistent. A key
   * without a row is absent.
   */
  readonly load: (prisma: PrismaClient, keys: readonly string[]) => Promise<ReadonlyMap<string, Value>>;
}

/** @typeParam Value what a signal says. It travels through the bus, so it holds ids and flags, never what somebody wrote. */
export interface SignalTopic<Value> {
  readonly kind: 'signal';
  readonly name: string;
  /** For the type checker only. */
  readonly value?: Value;
}

/** A signal, as subscribers get it. */
export interface Signal<Value> {
  readonly topic: string;
  readonly key: string;
  /** A counter of this process. */
  readonly seq: number;
  readonly value: Value;
}

/** An event of a log, as subscribers get it. */
export interface LogEvent<Events extends object, Kind extends keyof Events & string = keyof Events & string> {
  readonly topic: string;
  readonly key: string;
  readonly seq: number;
  /** The opaque cursor at which a client that has this event resumes. */
  readonly cursor: string;
  readonly kind: Kind;
  readonly ref: Events[Kind];
  readonly at: Date;
  /**
   * The rows that the event is about, as the transaction of this process has just left them. Null when they must be read: in other
   * processes, and after this turn of the event loop, since later events may have changed them.
   */
  readonly carried: object | null;
}

export const logTopic = <Events extends object>(
  name: string,
  { kinds, projections }: { readonly kinds: Kinds<Events>; readonly projections?: readonly Projection<keyof Events & string>[] },
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
