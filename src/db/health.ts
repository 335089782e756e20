import { setTimeout as delay } from 'node:timers/promises';
import { createCondition, type Condition } from '../observability/condition.js';
import type { Log } from '../observability/log.js';
import { isDiskFull, isReadOnly, isUnavailable, reasonOf } from '../observability/failures.js';

/** UP: reads and writes work. READ_ONLY: reads work. */
export type DatabaseState = 'UP' | 'READ_ONLY' | 'DOWN';

/** What a statement or transaction has written: only changes and deletions of rows, or also new rows. */
export type Wrote = 'nothing' | 'changes' | 'rows';

/** The state of the database, judged by the statements that fail and succeed. Each change of it is logged once. */
export interface DatabaseHealth {
  /** The present state. Resolves within {@link ANSWER_TIMEOUT_MS}. */
  readonly state: () => Promise<DatabaseState>;
  /** Counts a request that was refused because of this error of the database, for the condition that it belongs to. */
  readonly refused: (error: unknown) => void;
  /** Reports a failed statement or transaction, and when it began, by `performance.now()`. */
  readonly failed: (error: unknown, beganAt: number) => void;
  /** Reports a successful one. */
  readonly worked: (wrote: Wrote, beganAt: number) => void;
}

/** The longest wait for an answer of the database, in milliseconds: `/readyz` has to answer within a second. */
export const ANSWER_TIMEOUT_MS = 700;
/** How long a condition must be free of failures, after a success, before it counts as over, in milliseconds. */
const SETTLE_MS = 1_000;
const WRITE_SETTLE_MS = 3_000;
/** The same for a full disk when the success was only a change of a row: it may find room on a page where a new row does not. */
const CHANGE_SETTLE_MS = 60_000;

/** Why writes fail: what the log is told of it, and whether they fail now, which is known at once. */
interface WriteFailure {
  readonly holds: () => boolean;
  readonly failed: (reason: string, beganAt: number) => void;
  readonly worked: (beganAt: number, settleMs: number) => void;
}

/**
 * Puts what is found out about writes in the order in which it began. Example: a check begins, a write begins and succeeds, and then the
 * check answers that the database was read-only: the write is the newer knowledge, so writes work.
 */
const inOrder = (condition: Condition): WriteFailure => {
  let failedAt = -Infinity;
  let workedAt = -Infinity;
  return {
    holds: () => condition.holds && failedAt > workedAt,
    failed: (reason, beganAt) => {
      if (beganAt <= workedAt) return;
      failedAt = Math.max(failedAt, beganAt);
      condition.hold(reason);
    },
    worked: (beganAt, settleMs) => {
      workedAt = Math.max(workedAt, beganAt);
      if (beganAt > failedAt) condition.clear(settleMs);
    },
  };
};

/** Creates the health of one database. @param isReadOnlyNow asks the database whether it refuses writes; rejects when there is no answer */
export const createHealth = (log: Log, isReadOnlyNow: () => Promise<boolean>): DatabaseHealth => {
  const away = createCondition({ log, name: 'database', began: 'the database is unavailable', over: 'the database is available again' });
  const readOnly = createCondition({
    log,
    name: 'database-writes',
    began: 'the database takes no writes',
    over: 'the database takes writes again',
  });
  const diskFull = createCondition({
    log,
    name: 'database-room',
    began: 'the database has no room to write',
    over: 'the database has room to write again',
  });
  let workedAt = -Infinity;
  let asking: Promise<DatabaseState> | null = null;

  const writesRefused = inOrder(readOnly);
  const noRoom = inOrder(diskFull);
  const readable = (): DatabaseState => (writesRefused.holds() || noRoom.holds() ? 'READ_ONLY' : 'UP');

  const conditionOf = (error: unknown): Condition | null => {
    if (isDiskFull(error)) return diskFull;
    if (isReadOnly(error)) return readOnly;
    return isUnavailable(error) ? away : null;
  };

  const ask = async (): Promise<DatabaseState> => {
    const beganAt = performance.now();
    try {
      if (await isReadOnlyNow()) writesRefused.failed('it is read-only, as a standby is', beganAt);
      else writesRefused.worked(beganAt, WRITE_SETTLE_MS);
      return readable();
    } catch {
      return 'DOWN';
    } finally {
      asking = null;
    }
  };

  return {
    state: async () => {
      const askedAt = performance.now();
      const patience = new AbortController();
      // One check at a time: checks that hang would take all connections.
      const answer = await Promise.race([(asking ??= ask()), delay(ANSWER_TIMEOUT_MS, null, { signal: patience.signal })]);
      patience.abort();
      if (answer !== null) return answer;
      // The check may have waited for a connection while other statements succeeded: then the database is busy, not down.
      return workedAt > askedAt ? readable() : 'DOWN';
    },
    refused: (error) => conditionOf(error)?.refuse(),
    failed: (error, beganAt) => {
      const condition = conditionOf(error);
      if (condition === diskFull) noRoom.failed(reasonOf(error), beganAt);
      else if (condition === readOnly) writesRefused.failed(reasonOf(error), beganAt);
      else condition?.hold(reasonOf(error));
    },
    worked: (wrote, beganAt) => {
      workedAt = performance.now();
      away.clear(SETTLE_MS);
      if (wrote === 'nothing') return;
      writesRefused.worked(beganAt, WRITE_SETTLE_MS);
      if (wrote === 'rows') noRoom.worked(beganAt, WRITE_SETTLE_MS);
      else diskFull.clear(CHANGE_SETTLE_MS);
    },
  };
};
