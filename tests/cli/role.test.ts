import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
// Before the app.
import '../kit/extra-fields.js';
import { startTestApp, type TestApp } from '../kit/app.js';
import { startOwnRedis, type OwnRedis } from '../realtime/hazard-world.js';

let redis: OwnRedis;
let app: TestApp;
let dataDir: string;
beforeAll(async () => {
  redis = await startOwnRedis();
  dataDir = await mkdtemp(join(tmpdir(), 'lyceum-cli-'));
  app = await startTestApp({ env: redis.env });
});
afterAll(async () => {
  await app.stop();
  await redis.stop();
  await rm(dataDir, { recursive: true, force: true });
});

/** Runs the command line as a process of its own, beside the server. */
const lyceum = async (...args: string[]): Promise<string> => {
  const env = { PATH: process.env['PATH'] ?? '', NODE_ENV: 'test', DATABASE_URL: app.database.url, DATA_DIR: dataDir, ...redis.env };
  return (await promisify(execFile)(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', ...args], { env, timeout: 180_000 })).stdout;
};

test('another role counts at once for what its user has open, though the command that gave it has ended', async () => {
  const ada = await app.user('ada');
  const socket = app.connect(ada);
  const code = async (): Promise<unknown> =>
    (await socket.execute('{ users(first: 1) { edges { node { forModerators } } } }')).errors?.[0]?.extensions?.['code'];
  expect(await code()).toBe('FORBIDDEN');
  // Nothing but the command's wake tells the server: its reconcile comes in ten minutes.
  expect(await lyceum('user', 'role', 'ADA', 'moderator')).toBe('ADA has the role MODERATOR now.\n');
  await expect.poll(code).toBeUndefined();
  expect(await lyceum('user', 'role', 'ada', 'member')).toBe('ada has the role MEMBER now.\n');
  await expect.poll(code).toBe('FORBIDDEN');
  await socket.close();
});
