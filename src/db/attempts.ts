import { setTimeout as delay } from 'node:timers/promises';
import { isRaceLost, isReadOnly, isStale } from './failures.js';
import type { DatabaseHealth, Wrote } from './health.js';
import type { ConnectionPool } from './pool.js';
import type { StatementNames } from './statements.js';

/**
 * Runs a statement, or a whole transaction, again when the database has undone it for a reason that a further attempt does not meet.
 * @param wrote what has been written when it has worked; asked only while there is trouble with writing
 */
export type Attempt = <Result>(work: () => Promise<Result>, wrote: (result: Result) => Wrote) => Promise<Result>;

export interface AttemptOptions {
  readonly names: StatementNames;
  readonly pool: Pick<ConnectionPool, 'renew'>;
  readonly health: DatabaseHealth;
}

const ATTEMPTS = 5;

/**
 * Every statement outside of a transaction and every transaction passes here. What leaves nothing behind is tried again, up to five times:
 *
 * - a statement that was prepared before a table changed, or that the server no longer knows (a migration during a rolling change, a
 *   connection that was reset on the way): at once, under new names;
 * - a transaction that lost a race: after a short random wait.
 *
 * Connections that can only read are given up: a failover may have moved the primary away from them, and whoever was told UNAVAILABLE and
 * tries again must find the new one.
 */
export const createAttempt =
  ({ names, pool, health }: AttemptOptions): Attempt =>
  async (work, wrote) => {
    for (let attempt = 1; ; attempt += 1) {
      const { generation } = names;
      try {
        const result = await work();
        health.worked(() => wrote(result));
        return result;
      } catch (error) {
        const mayTryAgain = attempt < ATTEMPTS;
        if (isStale(error)) {
          names.forget(generation);
          // The statements of the old names are of no use to anyone.
          pool.renew();
          if (mayTryAgain) continue;
        } else if (isRaceLost(error) && mayTryAgain) {
          // Two transactions that met once should not meet again in step.
          await delay(Math.random() * 10 * 2 ** attempt);
          continue;
        }
        if (isReadOnly(error)) pool.renew();
        health.failed(error);
        throw error;
      }
    }
  };
