import pg from 'pg';
import { isPoolersRefusal } from '../observability/failures.js';
import { connectionOptions, type ConnectionTarget } from './connection.js';

/** Connections to the database have no session of their own. The message says what to do. */
export class NoSessionsError extends Error {
  override readonly name = 'NoSessionsError';
}

const REMEDY =
  'LISTEN, locks and settings need a session of their own. Set DATABASE_URL to the database itself, or to a pooler in session mode ' +
  '(PgBouncer: pool_mode=session and ignore_startup_parameters=options,statement_timeout,idle_in_transaction_session_timeout).';

/** How many times the sessions are compared: a pooler hands out the session that was used last, or each in turn. */
const ROUNDS = 4;

/**
 * Detects a pooler in transaction mode, which lends any free server session to a connection for one transaction. With two connections, one
 * of them inside a transaction, a real database shows two sessions that never change. The check locks and writes nothing, so it leaves
 * nothing behind in a session that belongs to others.
 * @param timeoutMs the longest wait for a connection and for one statement, in milliseconds
 * @throws {NoSessionsError} when connections have no session of their own, or when a pooler refuses the settings of a connection
 */
export const assertSessions = async (target: ConnectionTarget, timeoutMs: number): Promise<void> => {
  const clients = [openClient(target, timeoutMs), openClient(target, timeoutMs)] as const;
  try {
    for (const client of clients) await client.connect();
    const [one, other] = clients;
    const first = await sessionOf(one);
    for (let round = 0; round < ROUNDS; round += 1) {
      await other.query('BEGIN');
      // `other` is asked first, because it is inside the transaction: when the pooler has only one server session, `one` would wait for it
      // for ever.
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

/** A connection to ask a few things over, not yet connected. */
export const openClient = (target: ConnectionTarget, timeoutMs: number): pg.Client => {
  const client = new pg.Client(connectionOptions(target, timeoutMs));
  // A lost connection rejects the running query and emits `error` too; without a listener that would end the process.
  client.on('error', () => undefined);
  return client;
};

/** The id of the server process behind a connection at the moment. */
const sessionOf = async (client: pg.Client): Promise<number | undefined> =>
  (await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]?.pid;
