import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import pg from 'pg';
import { defineTask } from '../../src/jobs/task.js';
import { startTestApp, type TestApp, type TestAppOptions } from '../kit/app.js';
import { ownerUrlOf } from '../kit/database.js';

/** What waits in the queue: this server asks for jobs and runs none. */
let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ env: { JOB_CONCURRENCY: '0' } });
});
afterAll(() => app.stop());
beforeEach(() => app.database.query('DELETE FROM graphile_worker._private_jobs'));

const greet = defineTask<{ name: string }>('test.greet', async () => undefined);

interface WaitingJob {
  readonly key: string | null;
  readonly payload: unknown;
  readonly run_at: Date;
}
const waiting = () =>
  app.database.query<WaitingJob>(
    'SELECT j.key, j.payload, j.run_at FROM graphile_worker._private_jobs j WHERE j.is_available ORDER BY j.id',
  );
const transact: TestApp['services']['db']['transact'] = (work) => app.services.db.transact(work);

test('a job is there once its transaction has committed, not before', async () => {
  await transact(async (tx) => {
    tx.enqueue(greet, { name: 'Ada' });
    expect(await waiting()).toEqual([]);
  });
  expect(await waiting()).toMatchObject([{ key: null, payload: { name: 'Ada' } }]);
});

test('a transaction that fails has asked for nothing', async () => {
  const failing = transact(async (tx) => {
    tx.enqueue(greet, { name: 'Ada' });
    throw new Error('on second thoughts');
  });
  await expect(failing).rejects.toThrow('on second thoughts');
  expect(await waiting()).toEqual([]);
});

describe('a key', () => {
  const at = (hour: number): Date => new Date(Date.UTC(2100, 0, 1, hour));

  test('makes one job of several, at the time of the first and with the payload of the last', async () => {
    await transact(async (tx) => {
      tx.enqueue(greet, { name: 'Ada' }, { key: 'k', runAt: at(1) });
      tx.enqueue(greet, { name: 'Ben' }, { key: 'k', runAt: at(2) });
    });
    await transact(async (tx) => tx.enqueue(greet, { name: 'Cid' }, { key: 'k', runAt: at(3) }));
    expect(await waiting()).toEqual([{ key: 'test.greet:k', payload: { name: 'Cid' }, run_at: at(1) }]);
  });

  test('is the key of one task, and without one every job counts', async () => {
    const part = defineTask<{ name: string }>('test.part', async () => undefined);
    await transact(async (tx) => {
      tx.enqueue(part, { name: 'Ada' }, { key: 'k' });
      tx.enqueue(greet, { name: 'Ada' }, { key: 'k' });
      tx.enqueue(greet, { name: 'Ada' });
      tx.enqueue(greet, { name: 'Ada' });
    });
    expect((await waiting()).map(({ key }) => key)).toEqual([null, null, 'test.greet:k', 'test.part:k']);
  });

  test('asked for by many at once is one job, and nobody is in deadlock', async () => {
    const keys = Array.from({ length: 10 }, (_, n) => `k${n}`);
    await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        transact(async (tx) => {
          for (const key of n % 2 === 0 ? keys : keys.toReversed()) tx.enqueue(greet, { name: String(n) }, { key });
        }),
      ),
    );
    expect(new Set((await waiting()).map(({ key }) => key))).toEqual(new Set(keys.map((key) => `test.greet:${key}`)));
    expect(await waiting()).toHaveLength(keys.length);
  });

  test('of a job that begins at this very moment makes another one, which sees what was written', async () => {
    await transact(async (tx) => tx.enqueue(greet, { name: 'Ada' }, { key: 'k' }));
    const worker = new pg.Client(app.database.url);
    await worker.connect();
    await worker.query(`BEGIN; UPDATE graphile_worker._private_jobs SET locked_at = now(), locked_by = 'another'`);
    const asking = transact(async (tx) => tx.enqueue(greet, { name: 'Ben' }, { key: 'k' }));
    const waits = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    await expect.poll(() => app.database.query(waits)).toHaveLength(1);
    await worker.query('COMMIT');
    await worker.end();
    await asking;
    expect(await waiting()).toMatchObject([{ key: 'test.greet:k', payload: { name: 'Ben' } }]);
  });
});

/** A server that finds an empty schema. */
const inSchema = async (schema: string, env: Readonly<Record<string, string>> = {}): Promise<TestAppOptions> => {
  await app.database.query(`CREATE SCHEMA ${schema} AUTHORIZATION ${new URL(ownerUrlOf(app.database)).username}`);
  const [url, owner] = [app.database.url, ownerUrlOf(app.database)].map((each) => `${each}?schema=${schema}`);
  return { database: { ...app.database, url: url ?? '' }, env: { ...env, DATABASE_MIGRATION_URL: owner ?? '' } };
};

test('servers that share a database by ?schema= share no jobs', async () => {
  const tenant = await startTestApp(await inSchema('tenant', { JOB_CONCURRENCY: '0' }));
  await tenant.services.db.transact(async (tx) => tx.enqueue(greet, { name: 'Ada' }));
  expect(await waiting()).toEqual([]);
  expect(await app.database.query('SELECT payload FROM tenant_graphile_worker._private_jobs')).toEqual([{ payload: { name: 'Ada' } }]);
  await tenant.stop();
});

test('servers that start on an empty database at once make the queue together', async () => {
  const options = await inSchema('fresh');
  const servers = await Promise.all(Array.from({ length: 3 }, () => startTestApp(options)));
  await Promise.all(servers.map((server) => server.services.db.transact(async (tx) => tx.enqueue(greet, { name: 'Ada' }))));
  expect(await app.database.query('SELECT 1 FROM fresh_graphile_worker._private_jobs')).toHaveLength(3);
  await Promise.all(servers.map((server) => server.stop()));
});
