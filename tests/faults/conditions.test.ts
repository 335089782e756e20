import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../kit/database.js';
import { codeOf, repeat, startProductionServer, type ProductionServer } from '../kit/production.js';
import { startProxy, type Proxy } from '../kit/proxy.js';

let database: TestDatabase;
let proxy: Proxy;
let production: ProductionServer;
beforeAll(async () => {
  database = await createTestDatabase();
  proxy = await startProxy(database.url);
  production = await startProductionServer({
    DATABASE_URL: proxy.url,
    DATABASE_TIMEOUT_MS: '2000',
    RECONCILE_MS: '500',
    RATE_LIMIT_FACTOR: '0',
  });
});
afterAll(async () => {
  await production.stop();
  await proxy.stop();
  await database.drop();
});

const until = (check: () => unknown): Promise<unknown> => vi.waitFor(check, { timeout: 25_000, interval: 50 });

/** Does something to the database from outside of it. */
const asOperator = async (work: (query: (sql: string) => Promise<unknown>, name: string) => Promise<unknown>): Promise<void> => {
  const { hostname: host, port, username: user, password, pathname } = new URL(database.adminUrl);
  const admin = new pg.Client({ host, port: Number(port), user, password, database: 'postgres' });
  await admin.connect();
  try {
    await work((sql) => admin.query(sql), pathname.slice(1));
  } finally {
    await admin.end();
  }
};

describe('a server in production', () => {
  it('prints nothing but lines of JSON, that it is ready among them', () => {
    expect(production.lines()).toContainEqual(expect.objectContaining({ msg: 'Lyceum is ready', url: production.server.url }));
  });

  it(
    'tells once that its database is away and once that it is back, with how long it took and how many requests were refused',
    { timeout: 90_000 },
    async () => {
      await proxy.refuse();
      const answers = [...(await repeat(20, production.read)), ...(await repeat(20, production.write))];
      expect(answers.map(codeOf)).toEqual(answers.map(() => 'UNAVAILABLE'));
      expect(await production.readiness()).toEqual({ status: 503, soon: true, ready: false, components: { database: 'DOWN', bus: 'UP' } });
      await until(() => expect(production.told('jobs')).toHaveLength(1));
      await proxy.resume();
      await until(() =>
        expect(production.told('database').map(({ msg }) => msg)).toEqual([
          'the database is unavailable',
          'the database is available again',
        ]),
      );
      await until(() =>
        expect(production.told('jobs').map(({ msg }) => msg)).toEqual([
          'the job queue is unavailable; trying again until it is back',
          'the job queue is back',
        ]),
      );
      expect(production.told('database')).toEqual([
        expect.objectContaining({ reason: expect.any(String) }),
        expect.objectContaining({ forMs: expect.any(Number), refused: 40 }),
      ]);
      // Nothing else is said of it, by us; what a library says is one line.
      const others = production
        .lines()
        .filter((line) => line.level !== 'info' && line.condition === undefined && line.msg !== 'a library said on the console');
      expect(others).toEqual([]);
    },
  );

  it('says within a second that its database hangs', { timeout: 60_000 }, async () => {
    proxy.blackHole();
    try {
      expect(await repeat(3, production.readiness)).toEqual(
        Array.from({ length: 3 }, () => ({ status: 503, soon: true, ready: false, components: { database: 'DOWN', bus: 'UP' } })),
      );
    } finally {
      await proxy.resume();
    }
    await until(async () => expect(await production.readiness()).toMatchObject({ status: 200, components: { database: 'UP' } }));
  });

  describe('whose database is read-only', () => {
    it('serves what can be read, and says so with 200', async () => {
      await asOperator(async (query, name) => {
        await query(`ALTER DATABASE ${name} SET default_transaction_read_only = on`);
        await query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}' AND application_name = 'lyceum'`);
      });
      const readOnly = { status: 200, soon: true, ready: true, components: { database: 'READ_ONLY', bus: 'UP' } };
      await until(async () => expect(await production.readiness()).toEqual(readOnly));
      expect(new Set((await repeat(5, production.write)).map(codeOf))).toEqual(new Set(['UNAVAILABLE']));
      expect(new Set((await repeat(5, production.read)).map(codeOf))).toEqual(new Set([undefined]));
    });

    it('writes again as soon as it can, on connections that were made meanwhile too', async () => {
      // No connection is cut.
      await asOperator((query, name) => query(`ALTER DATABASE ${name} SET default_transaction_read_only = off`));
      await until(async () => expect(new Set((await repeat(5, production.write)).map(codeOf))).toEqual(new Set([undefined])));
      const told = ['the database takes no writes', 'the database takes writes again'];
      await until(() => expect(production.told('database-writes').map(({ msg }) => msg)).toEqual(told));
      await until(async () => expect(await production.readiness()).toMatchObject({ status: 200, components: { database: 'UP' } }));
    });
  });

  it('answers UNAVAILABLE while the disk is full, says READ_ONLY, and tells it once', { timeout: 60_000 }, async () => {
    await database.query(
      `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$`,
    );
    await database.query('CREATE TRIGGER full_disk BEFORE INSERT ON post FOR EACH ROW EXECUTE FUNCTION full_disk()');
    expect((await repeat(10, production.write)).map(codeOf)).toEqual(Array.from({ length: 10 }, () => 'UNAVAILABLE'));
    expect(await production.readiness()).toMatchObject({ status: 200, ready: true, components: { database: 'READ_ONLY' } });
    await database.query('DROP TRIGGER full_disk ON post');
    expect(codeOf(await production.write())).toBeUndefined();
    await until(() =>
      expect(production.told('database-room')).toEqual([
        expect.objectContaining({ reason: expect.stringContaining('No space left on device') as unknown }),
        expect.objectContaining({ refused: 10 }),
      ]),
    );
    expect(await production.readiness()).toMatchObject({ components: { database: 'UP' } });
  });
});
