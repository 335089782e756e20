import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findRunningPostgres } from '../../src/db/embedded/embedded.js';
import { startTestApp, type TestApp } from '../kit/app.js';
import { startServerProcess } from '../kit/process.js';

const CLI = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const SWEEP = 'account.sweepSessions';

/** A server that leaves its jobs to others. */
let app: TestApp;
let dataDir: string;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'lyceum-jobs-'));
  app = await startTestApp({ env: { JOB_CONCURRENCY: '0' } });
});
afterAll(async () => {
  await app.stop();
  await rm(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

test('`lyceum jobs` works on the jobs of others until it is told to stop', async () => {
  const worker = spawn(process.execPath, [CLI, 'jobs'], {
    env: { PATH: process.env['PATH'] ?? '', DATA_DIR: dataDir, DATABASE_URL: app.database.url, JOB_CONCURRENCY: '0' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const exited = once(worker, 'exit');
  try {
    await app.runTask(SWEEP);
    worker.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  } finally {
    worker.kill('SIGKILL');
  }
});

test('a server runs jobs on its embedded database, too', async () => {
  const server = await startServerProcess({ DATA_DIR: dataDir, DEMO_DATA: 'false' });
  try {
    const database = new pg.Client((await findRunningPostgres(dataDir)) ?? {});
    await database.connect();
    await database.query('SELECT FROM graphile_worker.add_job($1)', [SWEEP]);
    await expect.poll(async () => (await database.query('SELECT FROM graphile_worker.jobs')).rowCount).toBe(0);
    await database.end();
    expect(await server.end('SIGTERM')).toBe(0);
  } finally {
    await server.end('SIGKILL');
  }
});

test.each([
  ['a setting is wrong', { DATABASE_TIMEOUT_MS: 'soon' }, {}, 78],
  ['the database lets nobody in', {}, { username: 'nobody', pathname: '/postgres' }, 1],
] as const)('`lyceum jobs` in production says in JSON that %s, on one line', async (_what, env, changes, code) => {
  const { href: url } = Object.assign(new URL(app.database.url), changes);
  const worker = spawn(process.execPath, [CLI, 'jobs'], {
    env: { PATH: process.env['PATH'] ?? '', NODE_ENV: 'production', DATA_DIR: dataDir, ...env, DATABASE_URL: url },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err, [exit]] = await Promise.all([text(worker.stdout), text(worker.stderr), once(worker, 'exit')]);
  expect({ exit, err }).toEqual({ exit: code, err: '' });
  expect(out.trim().split('\n')).toHaveLength(1);
  expect(JSON.parse(out)).toMatchObject({ level: 'fatal' });
});
