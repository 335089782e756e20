import { setTimeout as delay } from 'node:timers/promises';
import { isRaceLost, isReadOnly, isStaleStatement } from '../observability/failures.js';
import type { DatabaseHealth, Wrote } from './health.js';
import type { ConnectionPool } from './pool.js';
import type { StatementNames } from './statements.js';

/**
 * Runs a statement or a whole transaction, and retries it when it failed for a reason that a retry may not meet and left nothing behind.
 * @param wrote what a successful run has written
 */
export type Attempt = <Result>(work: () => Promise<Result>, wrote: (result: Result) => Wrote) => Promise<Result>;

export interface AttemptOptions {
  readonly names: StatementNames;
  readonly pool: Pick<ConnectionPool, 'renew'>;
  readonly health: DatabaseHealth;
}

const ATTEMPTS = 5;

/**
 * Wraps every transaction and every statement outside of one. A failure that leaves nothing behind is retried up to five times:
 *
 * - a prepared statement that is no longer valid, because a migration has changed its table or the connection was reset: at once, under a
 *   new name;
 * - a transaction that lost a race (serialisation failure, deadlock): after a short random pause.
 *
 * When a write is refused because the connection is read-only, the connections are replaced: a failover may have moved the primary, and a
 * client that retries after UNAVAILABLE must reach the new one.
 */
export const createAttempt =
  ({ names, pool, health }: AttemptOptions): Attempt =>
  async (work, wrote) => {
    for (let attempt = 1; ; attempt += 1) {
      const { generation } = names;
      const beganAt = performance.now();
      try {
        const result = await work();
        health.worked(wrote(result), beganAt);
        return result;
      } catch (error) {
        const mayTryAgain = attempt < ATTEMPTS;
        if (isStaleStatement(error)) {
          names.forget(generation);
          // The statement names and the connections that prepared them are abandoned: each statement is prepared anew.
          pool.renew();
          if (mayTryAgain) continue;
        } else if (isRaceLost(error) && mayTryAgain) {
          // The random pause keeps two transactions that collided from colliding again.
          await delay(Math.random() * 10 * 2 ** attempt);
          continue;
        }
        if (isReadOnly(error)) pool.renew();
        health.failed(error, beganAt);
        throw error;
      }
    }
  };
