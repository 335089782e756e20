import type { GraphQLError } from 'graphql';
import type pg from 'pg';
import { isCancelled } from '../observability/failures.js';
import { requestCancel } from './cancel-request.js';

/** Why nobody wants the result of a statement any more; null while somebody does. */
export type Unwanted = () => GraphQLError | null;

/** Sends a statement on a connection of the pool. @throws the reason of `unwanted` when it was cancelled, or was not sent at all */
export type SendUnlessUnwanted = (statement: pg.QueryConfig, unwanted: Unwanted | null) => Promise<pg.QueryResult>;

/** A statement that is running and may be cancelled. */
interface Running {
  readonly client: pg.PoolClient;
  readonly unwanted: Unwanted;
  /** Why it is being cancelled. */
  reason: GraphQLError | null;
  /** What has come of all requests to cancel it: see {@link requestCancel}. */
  cancelling: Promise<boolean> | null;
  /** Whether one is under way. */
  isAsked: boolean;
}

/** How often it is looked whether somebody still wants what is running, in milliseconds: a listener for each statement would cost all of them. */
const SWEEP_MS = 250;
/** The longest wait for the server to do with a request to cancel, in milliseconds. */
const CANCEL_MS = 1_000;

/**
 * Sends statements that are cancelled when nobody wants their results any more. It must be a statement that only reads.
 *
 * The connection of a cancelled statement goes back to the pool when the server has done with the request, and not before. Example: a statement ends
 * by itself at the moment at which its cancelling is asked for; the next one on its connection would be hit. When nobody knows
 * whether a request is still under way, the connection is closed.
 */
export const createRunningStatements = (pool: pg.Pool): SendUnlessUnwanted => {
  const running = new Set<Running>();
  let sweeping: NodeJS.Timeout | null = null;

  const cancel = (statement: Running, reason: GraphQLError): void => {
    statement.reason = reason;
    statement.isAsked = true;
    statement.cancelling = Promise.all([statement.cancelling, requestCancel(statement.client, CANCEL_MS)]).then(([before, isOver]) => {
      statement.isAsked = false;
      return before !== false && isOver;
    });
  };

  const sweep = (): void => {
    if (running.size === 0 && sweeping !== null) {
      clearInterval(sweeping);
      sweeping = null;
    }
    for (const statement of running) {
      // A request that came before its statement had no effect, and is repeated.
      const reason = statement.isAsked ? null : statement.unwanted();
      if (reason !== null) cancel(statement, reason);
    }
  };

  const giveBack = async ({ client, cancelling }: Running, failure: Error | null): Promise<void> => {
    if (cancelling === null) return void client.release(failure ?? undefined);
    const isOver = await cancelling;
    client.release(isOver && (failure === null || isCancelled(failure)) ? undefined : (failure ?? true));
  };

  return (statement, unwanted) =>
    unwanted === null
      ? pool.query(statement)
      : new Promise((resolve, reject) => {
          pool.connect((error, client) => {
            if (client === undefined) return reject(error ?? new Error('There is no connection.'));
            // It may have waited for long.
            const reason = unwanted();
            if (reason !== null) {
              client.release();
              return reject(reason);
            }
            const entry: Running = { client, unwanted, reason: null, cancelling: null, isAsked: false };
            running.add(entry);
            sweeping ??= setInterval(sweep, SWEEP_MS).unref();
            client.query(statement, (failure: Error | null, result) => {
              running.delete(entry);
              void giveBack(entry, failure);
              if (failure === null) resolve(result);
              else reject(entry.reason !== null && isCancelled(failure) ? entry.reason : failure);
            });
          });
        });
};
