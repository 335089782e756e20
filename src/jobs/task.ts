import type { Services } from '../context.js';

/**
 * A kind of job: what is done later, outside of the transaction that asks for it. `tx.enqueue` asks, and after the commit some process
 * that works on jobs runs it. It runs at least once, so it must bear to run again: one that failed is tried again, later and later, and
 * one whose process died within about a minute.
 */
export interface Task<Payload extends object = object> {
  /** `<domain>.<verb>`. It stays what it is for as long as jobs of this name may wait in a database. */
  readonly name: string;
  /** Only a type: what a job carries, as JSON. Ids, not contents: when it runs, the rows say what holds. */
  readonly payload?: Payload;
  /** When a task runs by itself, as the five fields of cron in UTC; null for one that is asked for. */
  readonly cron: string | null;
  /** @throws when it is to be tried again */
  readonly run: (services: Services, payload: Payload) => Promise<void>;
}

/** A task in a list of those that can be run, whatever its jobs carry. */
export type AnyTask = Pick<Task<never>, 'name' | 'cron' | 'run'>;

/** A task that `tx.enqueue` asks for. */
export const defineTask = <Payload extends object>(name: string, run: Task<Payload>['run']): Task<Payload> => ({ name, cron: null, run });

/**
 * A task that runs by itself, once for all processes of the cluster.
 * @param cron minute, hour, day of the month, month and day of the week, in UTC: `0 4 * * *`
 */
export const scheduledTask = (name: string, cron: string, run: (services: Services) => Promise<void>): Task => ({ name, cron, run });
