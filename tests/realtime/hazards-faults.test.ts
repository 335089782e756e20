import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startEmbeddedPostgres } from '../../src/db/embedded/embedded.js';
import { applyMigrations, MIGRATIONS } from '../../src/db/migrate.js';
import { createLog } from '../../src/observability/log.js';
import type { TestApp } from '../kit/app.js';
import { createTestDatabase, type TestDatabase } from '../kit/database.js';
import { urlOf } from '../kit/postgres-address.js';
import { startServerProcess } from '../kit/process.js';
import { startProxy } from '../kit/proxy.js';
import { redisKind } from '../kit/redis.js';
import { createReader, createWorld, startOwnRedis, trySend, type OwnRedis, type Reader, type World } from './hazard-world.js';

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo();
});

let redis: OwnRedis;
beforeAll(async () => {
  redis = await startOwnRedis();
});
afterAll(() => redis.stop());

const worldOf = async (options: Parameters<typeof createWorld>[0]): Promise<World> => {
  const world = await createWorld(options);
  cleanup.push(() => world.stop());
  return world;
};

/** One reader for each app, from the beginning. */
const readersOf = (world: World, apps: readonly { readonly url: string }[] = world.apps): Reader[] =>
  apps.map((app, n) => {
    const reader = createReader(n % 2 === 0 ? world.ada : world.ben, world.room, world.start);
    cleanup.push(() => reader.drop());
    reader.connect(app);
    return reader;
  });

/** What a process needs to serve the same as the apps of a world. */
const environmentOf = (world: World, env: Readonly<Record<string, string>>): Readonly<Record<string, string>> => ({
  ...redis.env,
  DATABASE_URL: world.database.url,
  DATA_DIR: world.apps[0].services.config.dataDir,
  LOG_LEVEL: 'silent',
  DEMO_DATA: 'false',
  ...env,
});

/** Writes to each app, as fast as it takes it, until told to stop. Every write must be acknowledged. */
const writeSteadily = (world: World, apps: readonly TestApp[] = world.apps) => {
  let stopped = false;
  let written = 0;
  const writing = Promise.all(
    apps.map(async (app, writer) => {
      for (let n = 0; !stopped; n += 1) {
        await world.send(app, `${writer}:${n}`);
        written += 1;
      }
    }),
  );
  // Told when it is waited for.
  writing.catch(() => undefined);
  const stop = async (): Promise<void> => {
    stopped = true;
    await writing;
  };
  cleanup.push(() => (stopped = true));
  return { written: () => written, stop };
};

/** Every reader ends with exactly what the database has. */
const expectAll = async (world: World, readers: readonly Reader[]): Promise<void> => {
  const history = await world.history();
  // What was under way when a connection broke is tried for again for ten seconds and more.
  await expect.poll(() => readers.map(({ bodies }) => bodies.length)).toEqual(readers.map(() => history.length));
  for (const { bodies } of readers) expect(bodies).toEqual(history);
};

const canBeHarmed = redisKind() !== 'TEST_REDIS_URL';

describe.skipIf(!canBeHarmed)('H31: Redis away', () => {
  /** Enough for each reader to see that it goes on. */
  const MORE = 40;

  for (const [fault, away, back] of [
    ['killed and started again', () => redis.kill(), () => redis.restart()],
    ['silent for a while', () => redis.pause(), () => redis.resume()],
  ] as const) {
    it(`H13: with Redis ${fault} under load, every write commits, and every event arrives once and in order, also meanwhile`, async () => {
      const world = await worldOf({ apps: 3, env: { ...redis.env, RECONCILE_MS: '200' } });
      const readers = readersOf(world);
      // Nothing is written on the third: what those there have, they have from elsewhere.
      const writes = writeSteadily(world, world.apps.slice(0, 2));
      const goesOn = async (): Promise<void> => {
        const target = writes.written() + MORE;
        await expect.poll(() => Math.min(...readers.map(({ bodies }) => bodies.length))).toBeGreaterThan(target);
      };
      await goesOn();
      await away();
      try {
        await goesOn();
        await goesOn();
        // Who comes now is served as well.
        readers.push(...readersOf(world));
        await goesOn();
      } finally {
        await back();
      }
      await goesOn();
      await writes.stop();
      await expectAll(world, readers);
      expect(readers.flatMap(({ ends }) => ends)).toEqual([]);
    });
  }

  it('H13: once Redis is back, events come by it again', async () => {
    // No comparison with the heads during this test but that of the bus coming back.
    const world = await worldOf({ apps: 2, env: { ...redis.env, RECONCILE_MS: '600000' } });
    const readers = readersOf(world);
    await world.send(world.apps[0], 'before');
    await expectAll(world, readers);
    await redis.kill();
    await world.send(world.apps[0], 'without a bus, one');
    await world.send(world.apps[0], 'without a bus, two');
    // Of which nobody will ever say a word.
    await world.insert(0, 2);
    await redis.restart();
    await expectAll(world, readers);
    await world.send(world.apps[0], 'after');
    await expectAll(world, readers);
  });
});

describe('several processes', () => {
  it('H14: of three servers on one Redis each gives each event once to each subscriber, also when the heads are compared all the time', async () => {
    const world = await worldOf({ apps: 3, env: { ...redis.env, RECONCILE_MS: '50' } });
    const readers = [...readersOf(world), ...readersOf(world)];
    const writes = writeSteadily(world);
    await expect.poll(() => Math.min(...readers.map(({ bodies }) => bodies.length))).toBeGreaterThan(100);
    await writes.stop();
    await world.send(world.apps[2] ?? world.apps[0], 'last');
    await expectAll(world, readers);
    expect(readers.flatMap(({ ends }) => ends)).toEqual([]);
  });

  it('H14: of three processes that write at the same time each gives each event once to each of its subscribers', async () => {
    const world = await worldOf({ apps: 1, env: redis.env });
    const env = environmentOf(world, { RECONCILE_MS: '50' });
    const processes = await Promise.all([startServerProcess(env), startServerProcess(env), startServerProcess(env)]);
    cleanup.push(...processes.map((each) => () => each.end('SIGKILL')));
    const readers = [...readersOf(world, processes), ...readersOf(world, processes)];
    await Promise.all(
      processes.map(async ({ url }, writer) => {
        for (let n = 0; n < 30; n += 1) expect(await trySend(url, world.ben, world.room, `${writer}:${n}`)).toBe(true);
      }),
    );
    await expectAll(world, readers);
    // What came twice would be before this.
    await world.send(world.apps[0], 'last');
    await expectAll(world, readers);
    expect(readers.flatMap(({ ends }) => ends)).toEqual([]);
  });

  for (const [bus, env] of [
    ['memory bus', () => ({ RECONCILE_MS: '50' })],
    ['Redis', () => redis.env],
  ] as const) {
    it(`H18: a resume works with no event seen, on another server, and after a restart of the one it was on, ${bus}`, async () => {
      const world = await worldOf({ apps: 2, env: env() });
      const [there, here = there] = world.apps;
      const [reader, stays] = readersOf(world, [here, there]) as [Reader, Reader];
      await expect.poll(() => here.services.hub.stats().subscribers).toBe(2);
      reader.drop();
      await expect.poll(() => here.services.hub.stats().subscribers).toBe(0);
      expect(reader.cursor()).toBe(world.start);
      await world.send(there, 'while away');
      // Nothing seen yet, and elsewhere.
      reader.connect(there);
      await expectAll(world, [reader, stays]);
      reader.drop();
      await here.stop();
      await world.send(there, 'while it was stopped');
      const again = await world.addApp();
      reader.connect(again);
      await expectAll(world, [reader, stays]);
      await world.send(again, 'and on');
      await expectAll(world, [reader, stays]);
      expect(stays.ends).toEqual([]);
    });

    it(`what a process commits that dies before it wakes anyone is late, not lost, ${bus}`, async () => {
      const world = await worldOf({ apps: 2, env: { ...env(), RECONCILE_MS: '200' } });
      const readers = readersOf(world);
      await world.send(world.apps[0], 'seen');
      await expectAll(world, readers);
      await world.insert(0, 3);
      await expectAll(world, readers);
      // More than one read gives.
      await world.insert(3, 1_200);
      await expectAll(world, readers);
      expect(readers.flatMap(({ ends }) => ends)).toEqual([]);
    });
  }

  it('a server that is killed under load loses nothing of what it has committed, for those on another server and for those who move there', async () => {
    const world = await worldOf({ apps: 1, env: redis.env });
    const env = environmentOf(world, { RECONCILE_MS: '200' });
    const [doomed, other] = await Promise.all([startServerProcess(env), startServerProcess(env)]);
    cleanup.push(
      () => doomed.end('SIGKILL'),
      () => other.end('SIGKILL'),
    );
    const [mover, stays] = readersOf(world, [doomed, other]) as [Reader, Reader];
    const acknowledged: string[] = [];
    const writing = Promise.all(
      [0, 1, 2, 3].map(async (writer) => {
        for (let n = 0; ; n += 1) {
          if (!(await trySend(doomed.url, world.ben, world.room, `${writer}:${n}`))) return;
          acknowledged.push(`${writer}:${n}`);
        }
      }),
    );
    await expect.poll(() => Math.min(mover.bodies.length, stays.bodies.length)).toBeGreaterThan(40);
    await doomed.end('SIGKILL');
    await writing;
    mover.connect(other);
    await expectAll(world, [mover, stays]);
    const history = new Set(await world.history());
    expect(acknowledged.filter((body) => !history.has(body))).toEqual([]);
    await trySend(other.url, world.ben, world.room, 'after');
    await expectAll(world, [mover, stays]);
    expect(stays.ends).toEqual([]);
  });
});

describe('the database', () => {
  it('crashes and recovers under load: subscriptions live through it, and nothing that was acknowledged is lost or comes twice', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'lyceum-hazards-'));
    cleanup.push(() => rm(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
    const log = createLog('silent');
    // A durable one: what it has acknowledged it must still have.
    const postgres = await startEmbeddedPostgres({ dataDir, log });
    cleanup.push(() => postgres.stop());
    await applyMigrations(postgres.address, { directory: MIGRATIONS, log });
    const url = urlOf(postgres.address);
    const pool = new pg.Pool({ ...postgres.address, max: 2 });
    pool.on('error', () => undefined);
    const database: TestDatabase = {
      url,
      adminUrl: url,
      query: async <Row extends object>(sql: string, values: unknown[] = []) => (await pool.query<Row>(sql, values)).rows,
      drop: () => pool.end(),
    };
    const world = await worldOf({ apps: 2, database, env: { ...redis.env, RECONCILE_MS: '200' } });
    await outlive(world, async () => {
      // As when one of its processes is killed: PostgreSQL ends all others, recovers and goes on at the same place.
      const [backend] = await database.query<{ pid: number }>(
        `SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() LIMIT 1`,
      );
      if (!backend) throw new Error('The servers are connected.');
      process.kill(backend.pid, 'SIGKILL');
    });
  });

  it('cuts every connection and refuses new ones for a while: the same', async () => {
    const database = await createTestDatabase();
    const proxy = await startProxy(database.url);
    cleanup.push(() => proxy.stop());
    const world = await worldOf({ apps: 2, database: { ...database, url: proxy.url }, env: { ...redis.env, RECONCILE_MS: '200' } });
    await outlive(world, async () => {
      await proxy.refuse();
      await expect.poll(() => trySend(world.apps[0].url, world.ben, world.room, 'refused')).toBe(false);
      await proxy.resume();
    });
  });

  /** Writes and reads on while the database goes away three times. */
  const outlive = async (world: World, away: () => Promise<void>): Promise<void> => {
    const readers = [...readersOf(world), ...readersOf(world)];
    const acknowledged: string[] = [];
    let stopped = false;
    cleanup.push(() => (stopped = true));
    const writing = Promise.all(
      world.apps.map(async ({ url }, writer) => {
        for (let n = 0; !stopped; n += 1)
          if (await trySend(url, world.ben, world.room, `${writer}:${n}`)) acknowledged.push(`${writer}:${n}`);
      }),
    );
    const goesOn = async (): Promise<void> => {
      const target = acknowledged.length + 40;
      await expect.poll(() => acknowledged.length).toBeGreaterThan(target);
    };
    await goesOn();
    for (let time = 0; time < 3; time += 1) {
      await away();
      await goesOn();
    }
    stopped = true;
    await writing;
    await expectAll(world, readers);
    const history = new Set(await world.history());
    expect(acknowledged.filter((body) => !history.has(body))).toEqual([]);
    // Nobody had to come back.
    expect(readers.flatMap(({ ends }) => ends)).toEqual([]);
  };
});
