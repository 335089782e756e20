import type { AuditVia, Prisma } from './generated/prisma/client.js';
import type { Lists } from './lists.js';

/** A stream that has grown: topic, key and its new last seq. */
export interface Grown {
  readonly topic: string;
  readonly key: string;
  readonly seq: number;
  /** When the event before these was numbered; null when there was none or the time is unknown. */
  readonly priorAt: Date | null;
  /** The new events in seq order; empty for a state topic. */
  readonly events: readonly {
    readonly seq: number;
    readonly kind: string;
    readonly ref: unknown;
    readonly at: Date;
    readonly epoch: number;
    /** Rows that the event is about, if its transaction had them in memory. */
    readonly carried: object | null;
  }[];
}

/** What the numbering of events writes elsewhere. */
export interface Projection<Kind extends string = string> {
  readonly of: readonly Kind[];
  readonly sql: Prisma.Sql;
}

/** The part of a log topic that `emit` uses. */
export interface EmittableLog<Events extends object> {
  readonly kind: 'log';
  readonly name: string;
  /**
   * Data-modifying CTEs that run in the numbering statement and read its CTE `numbered` (topic, key, seq, kind, ref, at), when an event of
   * their kinds is numbered. They write the seq and time of an event into the rows it is about, without a further round trip. PostgreSQL
   * does not define the order of such CTEs, so no two may write the same row. A time that is compared with the order of events must be
   * `numbered.at`, which is taken under the lock of the head. Example: A takes its time, B takes its time, B is numbered first; with times
   * from before the lock, `createdAt` and `seq` would disagree.
   */
  readonly projections?: readonly Projection[] | undefined;
  /** For the type checker only: what each kind of event carries in `ref`. */
  readonly events?: Events;
}

/** The part of a state topic that `emit` uses: an emission only says that the row has changed. */
export interface EmittableState {
  readonly kind: 'state';
  readonly name: string;
}

/** The position of an event in its stream. The values are 0 until it is numbered: read them after `transact` has resolved. */
export interface Emitted {
  readonly seq: number;
  readonly epoch: number;
  /** When the event was numbered. */
  readonly at: Date;
}

export interface Emit {
  /**
   * @param carried rows that the event is about, as this transaction leaves them. They are passed to the hub of this process without a copy
   */
  <Events extends object, Kind extends keyof Events & string>(
    topic: EmittableLog<Events>,
    key: string,
    kind: Kind,
    ref: Events[Kind],
    carried?: object,
  ): Emitted;
  (topic: EmittableState, key: string): Emitted;
}

export interface EmitEach {
  /**
   * Emits one event to each stream of a topic whose key a query finds, in the numbering statement itself, so that nothing is read for it
   * before.
   * @param keys a SELECT with the column `key`, each once
   * @param behind a stream, whose topic sorts before this one: the keys are read once its head is locked, so they are those at the place of
   */
  <Events extends object, Kind extends keyof Events & string>(
    topic: EmittableLog<Events>,
    keys: Prisma.Sql,
    kind: Kind,
    ref: Events[Kind],
    behind: { readonly topic: string; readonly key: string } | null,
  ): void;
}

/** The part of a task that `enqueue` uses. */
export interface EnqueuableTask<Payload extends object> {
  readonly name: string;
  readonly payload?: Payload;
}

export interface EnqueueOptions {
  /**
   * Waiting jobs with the same task and key are merged into one, with the earliest time and the latest payload. A job that is already
   * running is not merged with: a new one is added, which sees what this transaction writes.
   */
  readonly key?: string;
  /** The earliest time of the run. Left out: as soon as possible. */
  readonly runAt?: Date;
}

/** Enqueues a job in this transaction: it exists only if the transaction commits. Nothing is to be awaited. */
export type Enqueue = <Payload extends object>(task: EnqueuableTask<Payload>, payload: NoInfer<Payload>, options?: EnqueueOptions) => void;

/** From where somebody acts. */
export interface Origin {
  readonly ip: string | null;
  readonly userAgent: string | null;
}

/** Who acts, and from where, as the audit keeps it. */
export interface Actor extends Origin {
  /** Null for somebody who is not signed in, as is {@link via}. */
  readonly actorId: string | null;
  /** How they have shown who they are: the session, the key or the identity. */
  readonly via: { readonly kind: AuditVia; readonly id: string } | null;
}

/** An act that matters for security. */
export interface Audited {
  /** The name of the mutation where it is one. */
  readonly action: string;
  /** What was acted upon, a node; null where there is none. */
  readonly subject: { readonly type: string; readonly id: string } | null;
  /** What is to be known of it later: short, and without secrets or anything personal. */
  readonly detail: Readonly<Record<string, string | number | boolean | null>>;
  /** Whose act it is, where that is not whoever asks: someone who is just signing in. */
  readonly actorId?: string | undefined;
}

/**
 * Records an act in the audit, as a part of this transaction. Nothing is to be awaited.
 * @param actorId see {@link Audited}
 */
export type Audit = (action: string, subject: Audited['subject'], detail?: Audited['detail'], actorId?: string) => void;

/**
 * A transaction with `emit`, `enqueue` and `audit`. They only collect: what is audited, the jobs and then the events are written just
 * before COMMIT, the events in one round trip with it. Raw statements go to the database without Prisma, and typed operations through it.
 */
export type Tx = Prisma.TransactionClient & {
  readonly emit: Emit;
  readonly emitEach: EmitEach;
  readonly enqueue: Enqueue;
  readonly audit: Audit;
  readonly lists: Lists;
};

/**
 * Runs `work` in one transaction and, after the commit, reports the streams that have grown.
 *
 * Ordering: within a stream, commit order is seq order and the seqs have no gaps, because all heads concerned are locked, in (topic, key)
 * order, and numbered by the one statement before COMMIT. A transaction that fails emits nothing. After a serialisation failure, a deadlock
 * or an invalid prepared statement `work` runs again from its start, up to five times, so it must have no effect outside the database.
 */
export type Transact = <Result>(
  work: (tx: Tx) => Promise<Result>,
  options?: {
    /** The longest duration of the transaction, in milliseconds; by default twice the statement timeout. */
    readonly timeout?: number;
    /** Who acts, for the audit; left out for the system itself. */
    readonly actor?: Actor;
  },
) => Promise<Result>;
