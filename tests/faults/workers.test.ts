import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { apiAt } from '../kit/api.js';
import type { TestUser } from '../kit/app.js';
import { connect, type TestSocket } from '../kit/client.js';
import { createTestDatabase, type TestDatabase } from '../kit/database.js';
import { SendMessage, aGuest, aRoom } from '../kit/factories.js';
import { startServerProcess, type ServerProcess } from '../kit/process.js';
import { startRedis, type TestRedis } from '../kit/redis.js';
import { MessageAdded } from '../kit/subscriptions.js';

// Several processes start in each of these, on a machine that may have much else to do.
vi.setConfig({ testTimeout: 120_000 });

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

const cleanup: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo();
});

const folder = async (): Promise<string> => {
  const path = await mkdtemp(join(tmpdir(), 'lyceum-workers-'));
  cleanup.push(() => rm(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
  return path;
};
const start = async (env: Readonly<Record<string, string>>): Promise<ServerProcess> => {
  const server = await startServerProcess({
    WORKERS: '2',
    REDIS_URL: redis.url,
    // Every database has its own, as every installation has.
    REDIS_PREFIX: `${Math.random().toString(36).slice(2)}:`,
    DATA_DIR: await folder(),
    LOG_LEVEL: 'info',
    PRESENCE_GRACE_MS: '100',
    ...env,
  });
  cleanup.push(() => server.end('SIGKILL'));
  return server;
};
const onDatabase = async (env: Readonly<Record<string, string>>): Promise<{ server: ServerProcess; database: TestDatabase }> => {
  const database = await createTestDatabase();
  cleanup.push(() => database.drop());
  return { server: await start({ DATABASE_URL: database.url, ...env }), database };
};

/** The workers that have begun to serve, the dead too, in the order of their starts. */
const workersOf = (server: ServerProcess): number[] =>
  [...server.output().matchAll(/"pid":(\d+),"msg":"a worker serves"/g)].map(([, pid]) => Number(pid));
const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** Sends as a good client does: again, when the connection that it had kept was to a process that died, or the answer is to try later. */
const send = async (url: string, author: TestUser, conversationId: string, body: string): Promise<void> => {
  const once = () => apiAt(url).execute(SendMessage, { input: { conversationId, body, clientId: body } }, author);
  await expect.poll(() => once().catch(() => null)).toMatchObject({ data: { sendMessage: { message: {} } } });
};
interface Follower {
  readonly socket: TestSocket;
  readonly next: () => Promise<string>;
  readonly cursor: () => string;
}
const follow = async (url: string, { token }: TestUser, id: string, after: string): Promise<Follower> => {
  const socket = connect(url, token);
  cleanup.push(() => socket.close());
  await socket.opened;
  const messages = socket.subscribe(MessageAdded, { id, after });
  let cursor = after;
  const next = async (): Promise<string> => {
    const { messageAdded } = await messages.data();
    ({ cursor } = messageAdded);
    return messageAdded.message.body;
  };
  return { socket, next, cursor: () => cursor };
};

test('more than one worker is refused without Redis', async () => {
  await expect(startServerProcess({ WORKERS: '2' })).rejects.toThrow(/ended with 78[\s\S]*WORKERS[\s\S]*REDIS_URL/);
});

/** Six who follow one room of two workers, which are given connections in turn: some are at each. */
const followTogether = async () => {
  const { server, database } = await onDatabase({ DRAIN_MS: '200' });
  const ada = await aGuest(apiAt(server.url));
  const { id, cursor } = await aRoom(apiAt(server.url), ada);
  const followers = await Promise.all(Array.from({ length: 6 }, () => follow(server.url, ada, id, cursor)));
  await expect.poll(async () => (await database.query<{ n: number }>('SELECT count(*)::int AS n FROM presence_device'))[0]?.n).toBe(2);
  await expect.poll(() => workersOf(server)).toHaveLength(2);
  return { server, database, ada, id, followers };
};

test('two workers share one port and exchange events', async () => {
  const { id, followers } = await followTogether();
  await followers[0]?.socket.execute(SendMessage, { input: { conversationId: id, body: 'one' } });
  for (const { next } of followers) expect(await next()).toBe('one');
});

test('a worker that is killed is replaced; the sockets of the other one stay, and who comes back gets what was missed', async () => {
  const { server, ada, id, followers } = await followTogether();
  const [victim = 0, survivor = 0] = workersOf(server);
  process.kill(victim, 'SIGKILL');
  await Promise.race(followers.map(({ socket }) => socket.closed));
  await send(server.url, ada, id, 'two');
  const bodies = await Promise.all(followers.map(({ next }) => next().catch(() => null)));
  const kept = followers.filter((_, index) => bodies[index] === 'two');
  const broken = followers.filter((_, index) => bodies[index] === null);
  expect([kept.length > 0, broken.length > 0, kept.length + broken.length]).toEqual([true, true, followers.length]);
  await expect.poll(() => workersOf(server).length).toBe(3);
  expect(isAlive(survivor)).toBe(true);

  const resumed = await Promise.all(broken.map((follower) => follow(server.url, ada, id, follower.cursor())));
  for (const { next } of resumed) expect(await next()).toBe('two');
  await send(server.url, ada, id, 'three');
  for (const { next } of [...kept, ...resumed]) expect(await next()).toBe('three');
});

test('a connection that a worker was given as it was killed is cut, and waits for nobody', async () => {
  const { server } = await onDatabase({});
  for (let killed = 1; killed <= 3; killed += 1) {
    await expect.poll(() => workersOf(server).filter(isAlive)).toHaveLength(2);
    process.kill(workersOf(server).find(isAlive) ?? 0, 'SIGKILL');
    const asked = Array.from({ length: 40 }, () => connect(server.url));
    const settled = await Promise.allSettled(asked.map(({ opened }) => opened));
    expect(settled).toHaveLength(40);
    await Promise.all(asked.map((socket) => socket.close()));
  }
});

test('a stop closes the sockets of all workers with 1012, and leaves nothing behind', async () => {
  const { server, database, followers } = await followTogether();
  const codes = Promise.all(followers.map(({ socket }) => socket.closed));
  expect(await server.end('SIGTERM')).toBe(0);
  expect(await codes).toEqual(followers.map(() => 1012));
  expect(workersOf(server).filter(isAlive)).toEqual([]);
  expect(await database.query('SELECT count(*)::int AS n FROM presence_lease')).toEqual([{ n: 0 }]);
});

test('the embedded database belongs to the parent: filled once, told of once, there for all, and ended with it', async () => {
  const dataDir = await folder();
  const first = await start({ DATA_DIR: dataDir });
  expect(first.output().match(/Lyceum is ready/g)).toHaveLength(1);
  expect(first.output().match(/the database was empty and has demo data now/g)).toHaveLength(1);
  await expect.poll(() => workersOf(first)).toHaveLength(2);
  const ada = await aGuest(apiAt(first.url));
  const { id, cursor } = await aRoom(apiAt(first.url), ada);
  const followers = [await follow(first.url, ada, id, cursor), await follow(first.url, ada, id, cursor)];
  await send(first.url, ada, id, 'kept');
  for (const { next } of followers) expect(await next()).toBe('kept');
  expect(await first.end('SIGTERM')).toBe(0);

  const again = await start({ DATA_DIR: dataDir });
  expect(await (await follow(again.url, ada, id, cursor)).next()).toBe('kept');
  expect(again.output()).not.toContain('has demo data now');
  expect(await again.end('SIGINT')).toBe(0);
});

test.each([['1'], ['2']])('WORKERS=%s: a second signal ends a stop at once, and leaves nothing behind', async (workers) => {
  const { server, database } = await onDatabase({ WORKERS: workers, DRAIN_MS: '600000' });
  const ada = await aGuest(apiAt(server.url));
  const sockets = Array.from({ length: 4 }, () => connect(server.url, ada.token));
  cleanup.push(() => Promise.all(sockets.map((socket) => socket.close())));
  await Promise.all(sockets.map(({ opened }) => opened));
  server.child.kill('SIGTERM');
  // Each process closes its first one at once and takes its time with the others.
  expect(await Promise.race(sockets.map(({ closed }) => closed))).toBe(1012);
  expect(await server.end('SIGTERM')).toBe(130);
  const codes = await Promise.all(sockets.map(({ closed }) => closed));
  expect(codes.filter((code) => code === 1006).length).toBeGreaterThan(0);
  const connections = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'lyceum'`;
  await expect.poll(() => database.query(connections)).toEqual([{ n: 0 }]);
});
