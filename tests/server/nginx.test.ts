import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { createResumingClient } from '../../src/client/resuming-client.js';
import { freePort } from '../../src/db/embedded/free-port.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { createTestDatabase, type TestDatabase } from '../kit/database.js';
import { aMessage, aRoom } from '../kit/factories.js';
import type { ResultOf } from '../kit/graphql.js';
import { MessageAdded } from '../kit/subscriptions.js';

const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin`;
const isThere = spawnSync('nginx', ['-v'], { env: { PATH } }).error === undefined;

/** nginx with the lines of the README, in front of these servers. */
const startNginx = async (ports: readonly string[]): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> => {
  const directory = await mkdtemp(join(tmpdir(), 'lyceum-nginx-'));
  await mkdir(join(directory, 'logs'));
  const port = await freePort('127.0.0.1');
  const [, lines = ''] = /```nginx\n([\s\S]*?)```/.exec(await readFile('README.md', 'utf8')) ?? [];
  const http = lines
    .replace('127.0.0.1:4001', `127.0.0.1:${ports[0]}`)
    .replace('127.0.0.1:4002', `127.0.0.1:${ports[1]}`)
    .replace('listen 80;', `listen 127.0.0.1:${port};`);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${directory}/${name};`)
    .join('\n');
  await writeFile(
    join(directory, 'nginx.conf'),
    `daemon off;\nworker_processes 1;\npid ${directory}/nginx.pid;\nerror_log ${directory}/logs/error.log;\nevents { worker_connections 256; }\nhttp {\naccess_log off;\n${temporary}\n${http}\n}\n`,
  );
  const nginx: ChildProcess = spawn(
    'nginx',
    ['-p', directory, '-c', join(directory, 'nginx.conf'), '-e', join(directory, 'logs/error.log')],
    { env: { PATH }, stdio: 'ignore' },
  );
  const url = `http://127.0.0.1:${port}/graphql`;
  await vi.waitFor(async () => expect((await fetch(new URL('/healthz', url))).status).toBe(200), { timeout: 20_000 });
  return {
    url,
    stop: async () => {
      const ended = once(nginx, 'exit');
      nginx.kill('SIGTERM');
      await ended;
      await rm(directory, { recursive: true, force: true });
    },
  };
};

describe.skipIf(!isThere)('behind nginx, with the lines of the README', () => {
  let database: TestDatabase;
  let stopping: TestApp;
  let other: TestApp;
  let ada: TestUser;
  let room: { id: string; cursor: string };
  let nginx: Awaited<ReturnType<typeof startNginx>>;
  beforeAll(async () => {
    database = await createTestDatabase();
    other = await startTestApp({ database, env: { RECONCILE_MS: '50', TRUST_PROXY: 'true' } });
    // So long that the sockets which are still open hold the drain while those that were closed come back.
    stopping = await startTestApp({
      database,
      env: { RECONCILE_MS: '50', TRUST_PROXY: 'true', DRAIN_MS: '2000', DATA_DIR: other.services.config.dataDir },
    });
    ada = await other.user('ada');
    room = await aRoom(other, ada);
    nginx = await startNginx([new URL(stopping.url).port, new URL(other.url).port]);
  });
  afterAll(async () => {
    await nginx.stop();
    await stopping.stop();
    await other.stop();
    await database.drop();
  });
  const send = (body: string): Promise<unknown> => aMessage(other, ada, room.id, body);

  it('H17: sockets of a server that stops come back on the other one, and miss nothing', async () => {
    const SOCKETS = 8;
    const bodies: string[][] = [];
    const clients = Array.from({ length: SOCKETS }, (_, index) => {
      const seen: string[] = (bodies[index] = []);
      const client = createResumingClient({
        url: nginx.url.replace(/^http/, 'ws'),
        webSocketImpl: WebSocket,
        getAccessToken: () => ada.token,
      });
      client.subscribe<ResultOf<typeof MessageAdded>>(
        { query: MessageAdded.toString(), variables: { id: room.id, after: room.cursor } },
        {
          next: ({ data }) => void seen.push(data?.messageAdded.message.body ?? ''),
          error: (error) => void seen.push(JSON.stringify(error)),
          complete: () => void seen.push('complete'),
        },
      );
      return client;
    });
    await send('before');
    await expect.poll(() => bodies, { timeout: 30_000 }).toEqual(Array.from({ length: SOCKETS }, () => ['before']));
    const stopped = stopping.stop();
    await send('during');
    await stopped;
    await send('after');
    await expect.poll(() => bodies, { timeout: 30_000 }).toEqual(Array.from({ length: SOCKETS }, () => ['before', 'during', 'after']));
    for (const client of clients) await client.dispose();
  });
});
