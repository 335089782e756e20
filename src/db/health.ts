import { setTimeout as delay } from 'node:timers/promises';
import { createCondition } from '../observability/condition.js';
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
  /** Counts a request that was refused because of it. */
  readonly refused: () => void;
  /** Reports a failed statement or transaction. */
  readonly failed: (error: unknown) => void;
  /** Reports a successful one. `wrote` is called only while writes are failing. */
  readonly worked: (wrote: () => Wrote) => void;
}

/** The longest wait for an answer of the database, in milliseconds: `/readyz` has to answer within a second. */
export const ANSWER_TIMEOUT_MS = 700;
/** How long a condition must be free of failures, after a success, before it counts as over, in milliseconds. */
const SETTLE_MS = 1_000;
const WRITE_SETTLE_MS = 3_000;
/** The same for a full disk when the success was only a change of a row: it may find room on a page where a new row does not. */
const CHANGE_SETTLE_MS = 60_000;

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

  const readable = (): DatabaseState => (readOnly.holds || diskFull.holds ? 'READ_ONLY' : 'UP');

  const ask = async (): Promise<DatabaseState> => {
    try {
      if (await isReadOnlyNow()) readOnly.hold('it is read-only, as a standby is');
      else readOnly.clear(WRITE_SETTLE_MS);
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
    refused: () => {
      for (const condition of [away, readOnly, diskFull]) condition.refuse();
    },
    failed: (error) => {
      if (isDiskFull(error)) diskFull.hold(reasonOf(error));
      else if (isReadOnly(error)) readOnly.hold(reasonOf(error));
      else if (isUnavailable(error)) away.hold(reasonOf(error));
    },
    worked: (wrote) => {
      workedAt = performance.now();
      away.clear(SETTLE_MS);
      if (!readOnly.holds && !diskFull.holds) return;
      const written = wrote();
      if (written === 'nothing') return;
      readOnly.clear(WRITE_SETTLE_MS);
      diskFull.clear(written === 'rows' ? WRITE_SETTLE_MS : CHANGE_SETTLE_MS);
    },
  };
};
