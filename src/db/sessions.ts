import pg from 'pg';
import { isPoolersRefusal } from './failures.js';
import { connectionOptions, type ConnectionTarget } from './connection.js';

/** The database is reached through something that does not keep a session for a connection; the message says what to do. */
export class NoSessionsError extends Error {
  override readonly name = 'NoSessionsError';
}

const REMEDY =
  'LISTEN, locks and settings need a session of their own. Set DATABASE_URL to the database itself, or to a pooler in session mode ' +
  '(PgBouncer: pool_mode=session and ignore_startup_parameters=options,statement_timeout,idle_in_transaction_session_timeout).';

/** How often it is looked whether two connections share a session. A pooler gives the one that was used last, or each in turn. */
const ROUNDS = 4;

/**
 * Finds out, by its behaviour, whether a connection keeps its session: a pooler in transaction mode gives one that is free to whoever begins
 * a transaction. While one connection is inside of a transaction and another is not, the two of a real database have two sessions, each
 * always the same. Nothing is locked or written, so nothing is left behind where it is another's.
 * @param timeoutMs the longest wait for a connection and for one statement, in milliseconds
 * @throws {NoSessionsError} when it does not, or when the pooler does not take the settings of a connection
 */
export const assertSessions = async (target: ConnectionTarget, timeoutMs: number): Promise<void> => {
  const clients = [open(target, timeoutMs), open(target, timeoutMs)] as const;
  try {
    for (const client of clients) await client.connect();
    const [one, other] = clients;
    const first = await sessionOf(one);
    for (let round = 0; round < ROUNDS; round += 1) {
      await other.query('BEGIN');
      // In this order: where there is but one session, whoever is outside would wait for it.
      if ((await sessionOf(other)) === first || (await sessionOf(one)) !== first)
        throw new NoSessionsError(`DATABASE_URL leads to a connection pooler in transaction mode. ${REMEDY}`);
      await other.query('ROLLBACK');
    }
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || !isPoolersRefusal(error)) throw error;
    throw new NoSessionsError(`DATABASE_URL leads to a connection pooler that refuses what is needed (${error.message}). ${REMEDY}`, {
      cause: error,
    });
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
};

const open = (target: ConnectionTarget, timeoutMs: number): pg.Client => {
  const client = new pg.Client(connectionOptions(target, timeoutMs));
  // What runs rejects as well; without a listener a lost connection would end the process.
  client.on('error', () => undefined);
  return client;
};

/** The process that serves this connection just now. */
const sessionOf = async (client: pg.Client): Promise<number | undefined> =>
  (await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]?.pid;
