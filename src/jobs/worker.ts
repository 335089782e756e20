import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { parseCronItems, run, type Job, type ParsedCronItem, type Runner, type TaskList, type WorkerEvents } from 'graphile-worker';
import { codeOf } from '../errors.js';
import { createCondition } from '../observability/condition.js';
import type { Services } from '../context.js';
import type { ConnectionTarget } from '../db/connection.js';
import { isUnavailable, reasonOf } from '../observability/failures.js';
import type { Log } from '../observability/log.js';
import { openQueue, type Queue } from './queue.js';
import type { AnyTask } from './task.js';

/** The part of a process that works on jobs. */
export interface Worker {
  /**
   * Takes no further job and waits at most `graceMs` milliseconds for the running ones; those that take longer are released, to be run again
   * by another process. Never rejects, and may be called again.
   */
  readonly stop: (graceMs: number) => Promise<void>;
}

export interface WorkerOptions {
  readonly target: ConnectionTarget;
  readonly services: Services;
  readonly tasks: readonly AnyTask[];
  /** Jobs that run at a time. */
  readonly concurrency: number;
}

/** The most connections that a worker uses: one that listens, and one for each job that is being taken or completed. */
export const connectionsOf = (concurrency: number): number => (concurrency === 0 ? 0 : concurrency + 1);

/** How often the worker polls for jobs that no NOTIFY tells of: those scheduled for later, and all while the listening connection is away. */
const POLL_MS = 1_000;
/** The pause before a runner is started again after a failure, in milliseconds. */
const RESTART_MS = 1_000;
/** How long a runner must have run without a failure before the queue counts as back, in milliseconds: it starts before it asks for a job. */
const SETTLE_MS = 5_000;
/** How often the locks of the running jobs are renewed, and after how long without a renewal a lock counts as that of a dead process. */
const BEAT_MS = 15_000;
const LEASE_SECONDS = 60;
/** A scheduled task that was due while no server ran is made up for, if that is not longer ago than this. */
const BACKFILL_MS = 24 * 60 * 60 * 1_000;

/**
 * Starts to run the jobs of these tasks. LISTEN tells of new ones within milliseconds of their commit. While the database is away it tries
 * again until it is back.
 */
export const startWorker = ({ target, services, tasks, concurrency }: WorkerOptions): Worker => {
  const { config, log } = services;
  const queue = openQueue({ target, timeoutMs: config.database.timeoutMs, maxConnections: connectionsOf(concurrency), log });
  const running = new Set<string>();
  const lookUps = createLookUps(running);
  const taskList = taskListOf(tasks, services, running);
  const parsedCronItems = scheduleOf(tasks);
  const stopping = new AbortController();
  const isStopping = (): boolean => stopping.signal.aborted;
  const stopAsked = new Promise<void>((resolve) => stopping.signal.addEventListener('abort', () => resolve()));
  const retired = new Set<Promise<void>>();
  const away = createCondition({
    log,
    name: 'jobs',
    began: 'the job queue is unavailable; trying again until it is back',
    over: 'the job queue is back',
  });

  const retire = (runner: Runner): void => {
    // It may have stopped by itself.
    const done: Promise<void> = runner
      .stop()
      .catch(() => undefined)
      .finally(() => retired.delete(done));
    retired.add(done);
  };

  /** Runs the library until it fails or a stop is asked for. @returns why it failed */
  const runOnce = async (): Promise<unknown> => {
    const events: WorkerEvents = new EventEmitter();
    const failure = firstFailure(events);
    lookUps.watch(events);
    events.on('job:error', ({ job, error }) => logFailure(log, job, error));
    const runner = await run({
      ...queue,
      events,
      taskList,
      parsedCronItems,
      concurrency,
      pollInterval: POLL_MS,
      noHandleSignals: true,
      preset: PRESET,
    });
    away.clear(SETTLE_MS);
    try {
      return await Promise.race([runner.promise, failure, stopAsked]);
    } finally {
      retire(runner);
    }
  };

  // A runner of graphile-worker survives some failures and not others: it keeps a failed look-up of its tasks for ever, and ends when it cannot
  // mark a job as done. So the first failure of any kind ends the runner, whose jobs go on, and a new one is started once the database answers.
  const work = async (): Promise<void> => {
    while (!isStopping()) {
      const failure = await runOnce().catch((error: unknown) => error);
      if (isStopping()) return;
      away.hold(failure === undefined ? 'it ended by itself' : reasonOf(failure));
      await Promise.race([delay(RESTART_MS, undefined, { ref: false }), stopAsked]);
    }
  };
  const working = work();

  const beat = (): void =>
    void keepLeases(queue, running).catch((error: unknown) => log.debug({ err: String(error) }, 'the leases of jobs could not be renewed'));
  beat();
  const beats = setInterval(beat, BEAT_MS).unref();

  const stop = async (graceMs: number): Promise<void> => {
    stopping.abort();
    const finished = working.then(() => Promise.all(retired));
    if (!(await within(finished, graceMs))) {
      // A runner may be asking for a job when the stop comes, and be given it after the running ones were released: without this, no other
      // process would run that job for a minute.
      await within(lookUps.settled(), config.database.timeoutMs);
      log.warn({ jobs: running.size }, 'jobs that run for too long are given back');
      await release(queue, running).catch((error: unknown) =>
        log.warn({ err: String(error) }, 'no longer reached the job queue: others take them over in a minute'),
      );
    }
    clearInterval(beats);
    await within(queue.pgPool.end(), config.database.timeoutMs);
  };
  let stopped: Promise<void> | null = null;
  return { stop: (graceMs) => (stopped ??= stop(graceMs)) };
};

/**
 * Settings of graphile-worker. No named statements: they would become invalid when a newer process migrates the queue. A batch without delay,
 * because only in batches does the library wait until a job is marked as done, and notices when that fails.
 */
const PRESET = { worker: { completeJobBatchDelay: 0, failJobBatchDelay: 0, preparedStatements: false } };

const taskListOf = (tasks: readonly AnyTask[], services: Services, running: Set<string>): TaskList =>
  Object.fromEntries(
    tasks.map((task) => [
      task.name,
      async (payload, { job: { id } }) => {
        try {
          await task.run(services, payload as never);
        } finally {
          running.delete(id);
        }
      },
    ]),
  );

interface LookUps {
  /** Follows the runner of these events. */
  readonly watch: (events: WorkerEvents) => void;
  /** Resolves when no job is being asked for. */
  readonly settled: () => Promise<void>;
}

/** @param running where a job is noted as soon as it is given */
const createLookUps = (running: Set<string>): LookUps => {
  const asking = new Set<unknown>();
  let onSettled: () => void = () => undefined;
  const answered = ({ worker }: { readonly worker: unknown }): void => {
    asking.delete(worker);
    if (asking.size === 0) onSettled();
  };
  return {
    watch: (events) => {
      events.on('worker:getJob:start', ({ worker }) => asking.add(worker));
      events.on('job:start', ({ job }) => running.add(job.id));
      for (const event of ['job:start', 'worker:getJob:empty', 'worker:getJob:error'] as const) events.on(event, answered);
    },
    settled: async () => {
      if (asking.size > 0) await new Promise<void>((resolve) => (onSettled = resolve));
    },
  };
};

const scheduleOf = (tasks: readonly AnyTask[]): ParsedCronItem[] =>
  parseCronItems(
    tasks.flatMap(({ name, cron }) => {
      if (cron === null) return [];
      // One key for all its times, so that however many were missed, one waits.
      return [
        {
          task: name,
          identifier: name,
          match: cron,
          options: { backfillPeriod: BACKFILL_MS, jobKey: name, jobKeyMode: 'preserve_run_at' },
        },
      ];
    }),
  );

const firstFailure = (events: WorkerEvents): Promise<unknown> =>
  new Promise((resolve) => {
    for (const event of ['pool:listen:error', 'pool:fatalError', 'worker:getJob:error', 'worker:fatalError'] as const)
      events.on(event, ({ error }) => resolve(error));
  });

const logFailure = (log: Log, job: Job, error: unknown): void => {
  const { id, task_identifier: task, attempts: attempt, max_attempts: attempts } = job;
  // That the database, or a mail server, is away is told already.
  if ((isUnavailable(error) || codeOf(error) === 'UNAVAILABLE') && attempt < attempts)
    return log.debug({ job: id, task, attempt, reason: reasonOf(error) }, 'a job could not be run; it will be tried again');
  const line = { job: id, task, attempt, attempts, err: error };
  if (attempt < attempts) log.warn(line, 'a job failed; it will be tried again');
  else log.error(line, 'a job failed for the last time');
};

/**
 * Renews the locks of the jobs that run here, then releases locks that were not renewed for a minute: their processes are dead.
 * graphile-worker itself would wait for four hours.
 */
const keepLeases = async ({ pgPool, schema }: Queue, running: ReadonlySet<string>): Promise<void> => {
  if (running.size > 0) {
    // eslint-disable-next-line no-restricted-syntax -- the name of a schema, from the configuration
    await pgPool.query(`UPDATE "${schema}"._private_jobs SET locked_at = now() WHERE id = ANY ($1::bigint[]) AND locked_at IS NOT NULL`, [
      [...running],
    ]);
  }
  await pgPool.query(
    // eslint-disable-next-line no-restricted-syntax -- the name of a schema, from the configuration
    `UPDATE "${schema}"._private_jobs SET locked_at = NULL, locked_by = NULL, run_at = greatest(run_at, now()) WHERE locked_at < now() - make_interval(secs => $1)`,
    [LEASE_SECONDS],
  );
};

/** Releases jobs that run here and will not be finished, so that others run them at once. */
const release = async ({ pgPool, schema }: Queue, running: ReadonlySet<string>): Promise<void> => {
  // eslint-disable-next-line no-restricted-syntax -- the name of a schema, from the configuration
  await pgPool.query(`UPDATE "${schema}"._private_jobs SET locked_at = NULL, locked_by = NULL WHERE id = ANY ($1::bigint[])`, [
    [...running],
  ]);
};

/** Whether some work was done within so many milliseconds. */
const within = async (work: Promise<unknown>, ms: number): Promise<boolean> => {
  const timer = new AbortController();
  try {
    return await Promise.race([work.then(() => true), delay(ms, false, { signal: timer.signal })]);
  } finally {
    timer.abort();
  }
};
