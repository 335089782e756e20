import { setTimeout as delay } from 'node:timers/promises';
import { createCondition } from '../observability/condition.js';
import type { Log } from '../observability/log.js';
import { isNoRoom, isReadOnly, isUnavailable, reasonOf } from './failures.js';

/** UP: it can be read and written. READ_ONLY: it can be read. */
export type DatabaseState = 'UP' | 'READ_ONLY' | 'DOWN';

/** What a statement or a transaction has written: rows changed or removed, or new ones among them. */
export type Wrote = 'nothing' | 'changes' | 'rows';

/** How the database is, as those who use it find it; each change of it is told once. */
export interface DatabaseHealth {
  /** How it is now. Answers within {@link PATIENCE_MS}. */
  readonly state: () => Promise<DatabaseState>;
  /** A request was refused because of it. */
  readonly refused: () => void;
  /** A statement or a transaction has failed. */
  readonly failed: (error: unknown) => void;
  /** One has worked. What it wrote is asked only while there is trouble with writing. */
  readonly worked: (wrote: () => Wrote) => void;
}

/** How long an answer is waited for, in milliseconds: less than the second that whoever asks may wait. */
export const PATIENCE_MS = 700;
/** How long nothing more may fail for a condition to be over, in milliseconds, once something has worked that it keeps from working. */
const SETTLE_MS = 1_000;
const WRITE_SETTLE_MS = 3_000;
/** The same for a full disk once a row was changed, which may find room where a new one does not. */
const CHANGE_SETTLE_MS = 60_000;

/** @param isReadOnlyNow asks the database whether it takes no writes; rejects when it does not answer */
export const createHealth = (log: Log, isReadOnlyNow: () => Promise<boolean>): DatabaseHealth => {
  const away = createCondition({ log, name: 'database', began: 'the database is unavailable', over: 'the database is available again' });
  const readOnly = createCondition({
    log,
    name: 'database-writes',
    began: 'the database takes no writes',
    over: 'the database takes writes again',
  });
  const noRoom = createCondition({
    log,
    name: 'database-room',
    began: 'the database has no room to write',
    over: 'the database has room to write again',
  });
  let workedAt = -Infinity;
  let asking: Promise<DatabaseState> | null = null;

  const readable = (): DatabaseState => (readOnly.holds || noRoom.holds ? 'READ_ONLY' : 'UP');

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
      // One question at a time: those that hang would take all connections.
      const answer = await Promise.race([(asking ??= ask()), delay(PATIENCE_MS, null, { signal: patience.signal })]);
      patience.abort();
      if (answer !== null) return answer;
      // The question may have waited for a connection while others were served: busy is not away.
      return workedAt > askedAt ? readable() : 'DOWN';
    },
    refused: () => {
      for (const condition of [away, readOnly, noRoom]) condition.refuse();
    },
    failed: (error) => {
      if (isNoRoom(error)) noRoom.hold(reasonOf(error));
      else if (isReadOnly(error)) readOnly.hold(reasonOf(error));
      else if (isUnavailable(error)) away.hold(reasonOf(error));
    },
    worked: (wrote) => {
      workedAt = performance.now();
      away.clear(SETTLE_MS);
      if (!readOnly.holds && !noRoom.holds) return;
      const written = wrote();
      if (written === 'nothing') return;
      readOnly.clear(WRITE_SETTLE_MS);
      noRoom.clear(written === 'rows' ? WRITE_SETTLE_MS : CHANGE_SETTLE_MS);
    },
  };
};
