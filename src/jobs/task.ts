import type { Services } from '../context.js';

/**
 * A kind of job: work that is done after the transaction that enqueues it. `tx.enqueue` writes the job, and once it is committed any process
 * that runs jobs takes it. A job runs at least once, so it must be idempotent: a failed one is retried with growing pauses, and one whose
 * process has died is run again within about a minute.
 */
export interface Task<Payload extends object = object> {
  /** `<domain>.<verb>`. It must not change while jobs of this name may still wait in a database. */
  readonly name: string;
  /** For the type checker only: the payload of a job, as JSON. It holds ids, not contents: a job reads the rows as they are when it runs. */
  readonly payload?: Payload;
  /** When a scheduled task runs, as the five fields of cron in UTC; null for a task that is enqueued. */
  readonly cron: string | null;
  /** @throws when the job is to be retried */
  readonly run: (services: Services, payload: Payload) => Promise<void>;
}

/** A task of any payload, for lists of tasks. */
export type AnyTask = Pick<Task<never>, 'name' | 'cron' | 'run'>;

/** Defines a task that is enqueued by `tx.enqueue`. */
export const defineTask = <Payload extends object>(name: string, run: Task<Payload>['run']): Task<Payload> => ({ name, cron: null, run });

/**
 * Defines a task that runs on a schedule, once for all processes of the cluster.
 * @param cron minute, hour, day of the month, month and day of the week, in UTC: `0 4 * * *`
 */
export const scheduledTask = (name: string, cron: string, run: (services: Services) => Promise<void>): Task => ({ name, cron, run });
