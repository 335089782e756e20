import type pg from 'pg';
import { isFromServer, transactionAborted, transactionTimedOut } from '../observability/failures.js';
import { sendTogether, type Statement } from './flight.js';

/** A transaction on a connection of the pool. Statements that are sent at the same time are executed in the order in which they were sent. */
export interface Transaction {
  /** Sends a statement. The first one takes a connection and brings BEGIN with it, in the same round trip. */
  readonly send: (statement: Statement) => Promise<pg.QueryResult>;
  /** Sends the last statements together with COMMIT. Without any statement at all nothing is sent. */
  readonly commit: (last: readonly Statement[]) => Promise<readonly pg.QueryResult[]>;
  /** Undoes what was sent. It never rejects, and does nothing after {@link commit}. */
  readonly rollback: () => Promise<void>;
}

const BEGIN: Statement = { text: 'BEGIN', values: [] };
const COMMIT: Statement = { text: 'COMMIT', values: [] };
const ROLLBACK: Statement = { text: 'ROLLBACK', values: [] };

/**
 * Begins a transaction, which sends nothing yet. One of {@link Transaction.commit} and {@link Transaction.rollback} must end it.
 * @param timeout its longest duration, in milliseconds, from its first statement on
 */
export const beginTransaction = (pool: Pick<pg.Pool, 'connect'>, timeout: number): Transaction => {
  let client: pg.PoolClient | null = null;
  let deadline = Infinity;
  /** Whether a statement has failed: PostgreSQL refuses all further ones, and so does this. */
  let isAborted = false;
  let isOver = false;
  /** Settles when what was sent before is answered. */
  let before: Promise<unknown> = Promise.resolve();

  const release = (broken?: Error): void => {
    client?.release(broken);
    client = null;
  };

  const fly = async (statements: readonly Statement[]): Promise<readonly pg.QueryResult[]> => {
    if (isAborted) throw transactionAborted();
    if (performance.now() > deadline) {
      isAborted = true;
      throw transactionTimedOut();
    }
    try {
      if (client !== null) return await sendTogether(client, statements);
      client = await pool.connect();
      deadline = performance.now() + timeout;
      const [, ...results] = await sendTogether(client, [BEGIN, ...statements]);
      return results;
    } catch (error) {
      isAborted = true;
      // Nobody knows what a connection does that has not answered, and whoever gets it next would wait for that.
      if (!isFromServer(error)) release(error as Error);
      throw error;
    }
  };

  /** After what was sent before: it may have been BEGIN, and may have failed. */
  const inTurn = (statements: readonly Statement[]): Promise<readonly pg.QueryResult[]> => {
    if (isOver) return Promise.reject(new Error('The transaction is over.'));
    const turn = before.then(() => fly(statements));
    before = turn.catch(() => undefined);
    return turn;
  };

  return {
    send: async (statement) => {
      const [result] = await inTurn([statement]);
      if (result === undefined) throw new Error('A statement has a result.');
      return result;
    },
    commit: async (last) => {
      await before;
      if (isAborted) throw transactionAborted();
      if (client === null && last.length === 0) {
        isOver = true;
        return [];
      }
      const turn = inTurn([...last, COMMIT]);
      isOver = true;
      const results = await turn;
      // A transaction that cannot be committed answers COMMIT by undoing it.
      if (results.at(-1)?.command !== 'COMMIT') {
        isAborted = true;
        throw transactionAborted();
      }
      release();
      return results.slice(0, -1);
    },
    rollback: async () => {
      isOver = true;
      await before;
      if (client === null) return;
      try {
        await sendTogether(client, [ROLLBACK]);
        release();
      } catch (error) {
        release(error as Error);
      }
    },
  };
};
