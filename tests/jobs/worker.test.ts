import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Services } from '../../src/context.js';
import { defineTask, scheduledTask, type AnyTask, type Task } from '../../src/jobs/task.js';
import { startWorker, type Worker } from '../../src/jobs/worker.js';
import { startTestApp, type TestApp } from '../kit/app.js';
import { deferred } from '../kit/deferred.js';
import { startProxy, type Proxy } from '../kit/proxy.js';

const LONG_MS = 30_000;

let app: TestApp;
let proxy: Proxy;
const workers: Worker[] = [];
beforeAll(async () => {
  app = await startTestApp({ env: { JOB_CONCURRENCY: '0' } });
  proxy = await startProxy(app.database.url);
});
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.stop(LONG_MS)));
});
afterAll(async () => {
  await proxy.stop();
  await app.stop();
});

interface WorkerSetup {
  readonly url?: string;
  readonly services?: Partial<Services>;
  readonly concurrency?: number;
}
const work = (tasks: readonly AnyTask[], { url = app.database.url, services = {}, concurrency = 2 }: WorkerSetup = {}): Worker => {
  const worker = startWorker({ target: { url }, services: { ...app.services, ...services }, tasks, concurrency });
  workers.push(worker);
  return worker;
};
/** A task of a name of its own, so that no test meets the jobs of another. */
const task = (run: Task<{ n: number }>['run']): Task<{ n: number }> => defineTask(`test.${randomUUID()}`, run);
const ask = (asked: Task<{ n: number }>, n = 0, key?: string): Promise<void> =>
  app.services.db.transact(async (tx) => tx.enqueue(asked, { n }, key === undefined ? {} : { key }));

interface JobRow {
  readonly id: string;
  readonly attempts: number;
  readonly last_error: string | null;
  readonly locked_at: Date | null;
}
const jobsOf = ({ name }: AnyTask): Promise<JobRow[]> =>
  app.database.query<JobRow>('SELECT id, attempts, last_error, locked_at FROM graphile_worker.jobs WHERE task_identifier = $1', [name]);

/** How many ask for a job and wait for a lock. */
const lookUpsThatWait = async (): Promise<number> =>
  (
    await app.database.query(
      `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query ILIKE '%skip locked%'`,
    )
  ).length;

test('runs what was asked for before it came and while it is there, each once, and then forgets it', async () => {
  const seen: number[] = [];
  const note = task(async (_services, { n }) => void seen.push(n));
  await ask(note, 1);
  work([note]);
  await expect.poll(() => seen).toEqual([1]);
  await app.services.db.transact(async (tx) => {
    for (let n = 2; n <= 50; n += 1) tx.enqueue(note, { n });
  });
  await expect.poll(() => seen.length).toBe(50);
  expect(new Set(seen).size).toBe(50);
  await expect.poll(() => jobsOf(note)).toEqual([]);
});

test('leaves alone what it does not know', async () => {
  const [known, unknown] = [task(async () => undefined), task(async () => undefined)];
  await ask(unknown);
  await ask(known);
  work([known]);
  await expect.poll(() => jobsOf(known)).toEqual([]);
  expect(await jobsOf(unknown)).toMatchObject([{ attempts: 0 }]);
});

test('tries a job that failed again, later; its row and the log say why, and the log does not say what it carried', async () => {
  const lines: string[] = [];
  const log = pino({ level: 'trace' }, { write: (line) => void lines.push(line) });
  let runs = 0;
  const flaky = task(async () => {
    runs += 1;
    if (runs === 1) throw new Error('not today');
  });
  work([flaky], { services: { log } });
  await ask(flaky, 987_654_321);
  await expect.poll(() => jobsOf(flaky)).toMatchObject([{ attempts: 1, last_error: 'not today', locked_at: null }]);
  expect(
    lines.filter(
      (line) => line.includes('a job failed; it will be tried again') && line.includes(flaky.name) && line.includes('not today'),
    ),
  ).toHaveLength(1);

  // Its time would come by itself, after seconds at first and hours at last.
  await app.database.query(
    'SELECT graphile_worker.reschedule_jobs(array_agg(id), now()) FROM graphile_worker.jobs WHERE task_identifier = $1',
    [flaky.name],
  );
  await expect.poll(() => jobsOf(flaky)).toEqual([]);
  expect(runs).toBe(2);
  expect(lines.join('')).not.toContain('987654321');
});

test('a key asked for while its job runs makes another job, after it', async () => {
  const [begun, goOn] = [deferred<undefined>(), deferred<undefined>()];
  const seen: number[] = [];
  const slow = task(async (_services, { n }) => {
    seen.push(n);
    begun.resolve(undefined);
    await goOn.promise;
  });
  work([slow]);
  await ask(slow, 1, 'k');
  await begun.promise;
  await ask(slow, 2, 'k');
  goOn.resolve(undefined);
  await expect.poll(() => jobsOf(slow)).toEqual([]);
  expect(seen).toEqual([1, 2]);
});

describe('a scheduled task', () => {
  /** As if servers had known it for two days, and all been away when it was due an hour ago. */
  const missed = async (run: () => Promise<void>): Promise<Task> => {
    const due = new Date(Date.now() - 60 * 60_000);
    const scheduled = scheduledTask(`test.${randomUUID()}`, `${due.getUTCMinutes()} ${due.getUTCHours()} * * *`, run);
    await app.database.query(
      `INSERT INTO graphile_worker._private_known_crontabs VALUES ($1, now() - interval '2 days', now() - interval '20 hours')`,
      [scheduled.name],
    );
    return scheduled;
  };

  test('runs once, however many processes see that it is due', async () => {
    let runs = 0;
    const daily = await missed(async () => {
      runs += 1;
    });
    for (let n = 0; n < 3; n += 1) work([daily]);
    await expect.poll(() => runs).toBe(1);
    // A stop awaits what each had still to decide.
    await Promise.all(workers.map((worker) => worker.stop(LONG_MS)));
    expect(await jobsOf(daily)).toEqual([]);
    expect(runs).toBe(1);
  });
});

describe('when the database goes away', () => {
  test('it works on when it is back', async () => {
    const seen: number[] = [];
    const note = task(async (_services, { n }) => void seen.push(n));
    work([note], { url: proxy.url });
    await ask(note, 1);
    await expect.poll(() => seen).toEqual([1]);
    await expect.poll(() => jobsOf(note)).toEqual([]);

    await proxy.refuse();
    await ask(note, 2);
    await proxy.resume();
    await expect.poll(() => seen).toEqual([1, 2]);
    await expect.poll(() => jobsOf(note)).toEqual([]);
  });

  test('and its connections are ended by the server, it works on', async () => {
    const seen: number[] = [];
    const note = task(async (_services, { n }) => void seen.push(n));
    work([note]);
    await ask(note, 1);
    await expect.poll(() => seen).toEqual([1]);
    await app.database
      .query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()')
      .catch(() => undefined);
    await expect
      .poll(() =>
        ask(note, 2).then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
    await expect.poll(() => seen).toContain(2);
  });

  test('a stop is not held up by it', async () => {
    const worker = work([task(async () => undefined)], { url: proxy.url });
    await proxy.refuse();
    await worker.stop(LONG_MS);
    await proxy.resume();
  });
});

test('a job whose process has died is run by another one', async () => {
  const seen: number[] = [];
  const note = task(async (_services, { n }) => void seen.push(n));
  await ask(note, 1);
  await app.database.query(
    `UPDATE graphile_worker._private_jobs SET locked_at = now() - interval '61 seconds', locked_by = 'dead', attempts = 1 WHERE id IN (SELECT id FROM graphile_worker.jobs WHERE task_identifier = $1)`,
    [note.name],
  );
  work([note]);
  await expect.poll(() => seen).toEqual([1]);
});

describe('a stop', () => {
  test('waits for the job that runs, and takes no other', async () => {
    const [begun, goOn] = [deferred<undefined>(), deferred<undefined>()];
    const seen: string[] = [];
    const slow = task(async () => {
      begun.resolve(undefined);
      await goOn.promise;
      seen.push('done');
    });
    const worker = work([slow], { concurrency: 1 });
    await ask(slow);
    await begun.promise;
    await ask(slow);
    const stopped = worker.stop(LONG_MS).then(() => seen.push('stopped'));
    goOn.resolve(undefined);
    await stopped;
    expect(seen).toEqual(['done', 'stopped']);
    expect(await jobsOf(slow)).toMatchObject([{ attempts: 0, locked_at: null }]);
  });

  test('gives back a job that runs too long, and another process runs it', async () => {
    const [begun, never] = [deferred<undefined>(), deferred<undefined>()];
    let runs = 0;
    const slow = task(async () => {
      runs += 1;
      if (runs > 1) return;
      begun.resolve(undefined);
      await never.promise;
    });
    const worker = work([slow]);
    await ask(slow);
    await begun.promise;
    await worker.stop(0);
    work([slow]);
    await expect.poll(() => runs).toBe(2);
    await expect.poll(() => jobsOf(slow)).toEqual([]);
    never.resolve(undefined);
  });

  test('gives back what it is given while it stops, too', async () => {
    const [begun, never] = [deferred<undefined>(), deferred<undefined>()];
    const slow = task(async () => {
      begun.resolve(undefined);
      await never.promise;
    });
    const worker = work([slow]);
    await ask(slow);
    await begun.promise;
    const client = new pg.Client(app.database.url);
    await client.connect();
    // Whoever asks for a job waits, and will be given one that comes meanwhile.
    await client.query('BEGIN; LOCK TABLE graphile_worker._private_jobs IN ACCESS EXCLUSIVE MODE');
    await client.query('SELECT graphile_worker.add_job($1, $2)', [slow.name, { n: 1 }]);
    await expect.poll(lookUpsThatWait).toBe(1);
    const stopped = worker.stop(0);
    await client.query('COMMIT');
    await client.end();
    await stopped;
    expect(await jobsOf(slow)).toMatchObject([
      { attempts: 1, locked_at: null },
      { attempts: 1, locked_at: null },
    ]);
    never.resolve(undefined);
  });
});
