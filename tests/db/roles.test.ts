import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { loadConfig } from '../../src/config.js';
import { startEmbeddedPostgres, findRunningPostgres, type PostgresAddress } from '../../src/db/embedded/embedded.js';
import { applyMigrations, MIGRATIONS } from '../../src/db/migrate.js';
import { AUDIT_REMEDY, auditProtection } from '../../src/domains/audit/protection.js';
import { sealAudit, verifyAudit } from '../../src/domains/audit/seals.js';
import { migrateQueue } from '../../src/jobs/queue.js';
import { createLog } from '../../src/observability/log.js';
import { closeAll, openMigrated, openServices, type Closers, type OpenServices } from '../../src/process/services.js';
import { startTestApp, type TestApp } from '../kit/app.js';
import { createTestDatabase, ownerUrlOf, type TestDatabase } from '../kit/database.js';
import { aPost } from '../kit/factories.js';
import { present } from '../kit/graphql.js';
import { queryAt } from '../kit/postgres-address.js';
import { startServerProcess } from '../kit/process.js';

const log = createLog('silent');

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.stop());

const folder = async (): Promise<string> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'lyceum-roles-'));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
  return dataDir;
};

const aDatabase = async (): Promise<TestDatabase> => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  return database;
};

/** Starts as far as the migrations. */
const open = async (env: Readonly<Record<string, string>>): Promise<unknown> => {
  const closers: Closers = [];
  const config = loadConfig({ NODE_ENV: 'test', DATA_DIR: await folder(), ...env });
  return await openMigrated(config, closers, { log }).finally(() => closeAll(closers));
};

const roleOf = (database: TestDatabase): string => new URL(database.url).username;

describe('the role that serves', () => {
  it.each([
    'UPDATE audit_event SET action = action',
    'DELETE FROM audit_event',
    'TRUNCATE audit_event',
    "INSERT INTO audit_event (id, action) VALUES (gen_random_uuid(), 'x') ON CONFLICT (id) DO UPDATE SET action = 'x'",
    "INSERT INTO audit_event (id, action, seq) VALUES (gen_random_uuid(), 'x', 1)",
    "INSERT INTO audit_event (id, action, at) VALUES (gen_random_uuid(), 'x', now())",
    "SELECT setval('audit_event_seq_seq', 1)",
    'ALTER TABLE audit_event DISABLE TRIGGER ALL',
    'DROP TRIGGER audit_event_append_only ON audit_event',
    'DROP TABLE audit_event',
    'UPDATE audit_seal SET count = 0',
    'DELETE FROM audit_seal',
    "UPDATE audit_key SET key = ''",
    'DELETE FROM _prisma_migrations',
    'TRUNCATE "user" CASCADE',
    'CREATE TABLE mine (id int)',
    'CREATE SCHEMA mine',
    'ALTER TABLE "user" ADD COLUMN mine int',
    'DROP FUNCTION audit_is_append_only CASCADE',
    'SET ROLE lyceum_owner',
    "SELECT pg_read_file('PG_VERSION')",
  ])('is refused: %s', async (sql) => {
    const client = new pg.Client(app.database.url);
    await client.connect();
    onTestFinished(() => client.end());
    await expect(client.query(sql)).rejects.toMatchObject({ code: '42501' });
  });

  it('lets people come and write, runs jobs, and seals what it has audited', async () => {
    const ada = await app.user('ada');
    await aPost(app, ada);
    await app.runTask('audit.seal');
    expect(await verifyAudit(app.services)).toMatchObject({ unsealed: 0, faults: [] });
    expect(await auditProtection(app.services.db)).toEqual({ by: 'ROLE', reason: null });
  });

  it('may read and write the rows of every other table, and do nothing else with it', async () => {
    const rights = ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER'];
    const rows = await app.database.query<{ name: string; held: string[] }>(
      `SELECT oid::regclass::text AS name, ARRAY(SELECT r FROM unnest($2::text[]) r WHERE has_table_privilege($1, oid, r)) AS held FROM pg_class
       WHERE relkind = 'r' AND relnamespace IN ('public'::regnamespace, 'graphile_worker'::regnamespace)`,
      [roleOf(app.database), rights],
    );
    const less = Object.fromEntries(
      rows.filter(({ held }) => held.join() !== 'SELECT,INSERT,UPDATE,DELETE').map(({ name, held }) => [name, held]),
    );
    expect(less).toEqual({
      audit_event: ['SELECT'],
      audit_seal: ['SELECT', 'INSERT'],
      audit_key: ['SELECT', 'INSERT', 'DELETE'],
      _prisma_migrations: ['SELECT'],
      'graphile_worker.migrations': ['SELECT'],
    });
  });
});

describe('a start with DATABASE_MIGRATION_URL', () => {
  it('grants what is missing and takes what is too much, also when many start at once', async () => {
    const database = await aDatabase();
    const role = roleOf(database);
    await database.query(
      `GRANT ALL ON audit_event TO PUBLIC, ${role}; GRANT UPDATE (hash) ON audit_seal TO ${role}; REVOKE ALL ON "user" FROM ${role}`,
    );
    await run(ownerUrlOf(database), 'CREATE TABLE later (id serial)');
    const env = { DATABASE_URL: database.url, DATABASE_MIGRATION_URL: ownerUrlOf(database) };
    await Promise.all(Array.from({ length: 4 }, () => open(env)));
    for (const allowed of ['INSERT INTO later DEFAULT VALUES', 'SELECT id FROM "user"']) await run(database.url, allowed);
    for (const refused of ['DELETE FROM audit_event', 'UPDATE audit_seal SET hash = hash'])
      await expect(run(database.url, refused)).rejects.toMatchObject({ code: '42501' });
  });

  it('is refused where the two lead to different databases, or to different schemas', async () => {
    const [one, other] = [await aDatabase(), await aDatabase()];
    await expect(open({ DATABASE_URL: one.url, DATABASE_MIGRATION_URL: ownerUrlOf(other) })).rejects.toThrow(/different databases/);
    await one.query('CREATE SCHEMA apart AUTHORIZATION lyceum_owner');
    const apart = `${ownerUrlOf(one)}?schema=apart`;
    await expect(open({ DATABASE_URL: one.url, DATABASE_MIGRATION_URL: apart })).rejects.toThrow(/the same \?schema=/);
  });

  it('needs DATABASE_URL beside it', () => {
    expect(() => loadConfig({ DATABASE_MIGRATION_URL: 'postgresql://owner@localhost/x' })).toThrow(
      /DATABASE_MIGRATION_URL: needs DATABASE_URL/,
    );
  });
});

it('a start as the role that serves needs no owner, until there is something to migrate; then it says what to do', async () => {
  const database = await aDatabase();
  await open({ DATABASE_URL: database.url });
  await database.query(`DELETE FROM _prisma_migrations WHERE migration_name = (SELECT max(migration_name) FROM _prisma_migrations)`);
  await expect(open({ DATABASE_URL: database.url })).rejects.toThrow(
    // By what the latest migration happens to do.
    /(?:permission denied|must be owner).*set DATABASE_MIGRATION_URL/,
  );
});

describe('what protects the audit', () => {
  const protectionAs = async (database: TestDatabase, url: string): Promise<unknown> => {
    const other = await startTestApp({ database: { ...database, url } });
    return await auditProtection(other.services.db).finally(() => other.stop());
  };

  it('is a trigger alone where the server owns the tables, and nothing once that is disabled', async () => {
    const database = await aDatabase();
    expect(await protectionAs(database, ownerUrlOf(database))).toEqual({ by: 'TRIGGER', reason: expect.stringMatching(/owns/) as string });
    expect(await protectionAs(database, database.adminUrl)).toMatchObject({
      by: 'TRIGGER',
      reason: expect.stringMatching(/superuser/) as string,
    });
    await database.query('ALTER TABLE audit_seal DISABLE TRIGGER audit_seal_append_only');
    expect(await protectionAs(database, database.adminUrl)).toMatchObject({ by: 'NOTHING' });
  });

  it('is a trigger alone where the server was granted more than it needs', async () => {
    const database = await aDatabase();
    await database.query(`GRANT UPDATE (hash) ON audit_seal TO ${roleOf(database)}`);
    expect(await protectionAs(database, database.url)).toMatchObject({
      by: 'TRIGGER',
      reason: expect.stringMatching(/may change/) as string,
    });
  });

  it('is told at the start of a server where it is not a role', async () => {
    const outputOf = async (url: string): Promise<string> => {
      const server = await startServerProcess({ NODE_ENV: 'production', DATABASE_URL: url, DATA_DIR: await folder(), DRAIN_MS: '0' });
      await server.end('SIGTERM');
      return server.output();
    };
    const database = await aDatabase();
    expect(await outputOf(database.adminUrl)).toContain(`the audit is protected by a trigger alone; ${AUDIT_REMEDY}`);
    expect(await outputOf(database.url)).not.toContain('the audit is');
  });
});

describe('the embedded database', () => {
  const asServer = async <Result>(dataDir: string, work: (services: OpenServices) => Promise<Result>): Promise<Result> => {
    const closers: Closers = [];
    const config = loadConfig({ NODE_ENV: 'test', DATA_DIR: dataDir });
    return await openServices(config, closers, { log })
      .then(work)
      .finally(() => closeAll(closers));
  };

  const superuserOf = async (dataDir: string): Promise<PostgresAddress> => present(await findRunningPostgres(dataDir));

  /** What the superuser owns beside extensions. */
  const owned = (address: PostgresAddress): Promise<object[]> =>
    queryAt(
      address,
      `SELECT refobjid FROM (
         SELECT 'pg_class'::regclass AS class, oid, relowner AS owner, relnamespace AS space FROM pg_class
         UNION ALL SELECT 'pg_proc'::regclass, oid, proowner, pronamespace FROM pg_proc
         UNION ALL SELECT 'pg_type'::regclass, oid, typowner, typnamespace FROM pg_type
         UNION ALL SELECT 'pg_namespace'::regclass, oid, nspowner, oid FROM pg_namespace
       ) things JOIN pg_roles ON pg_roles.oid = owner JOIN pg_namespace ON pg_namespace.oid = space
       LEFT JOIN pg_depend ON classid = class AND objid = things.oid AND deptype = 'e'
       WHERE rolsuper AND refobjid IS NULL AND nspname !~ '^pg_' AND nspname <> 'information_schema'`,
    );

  /** Makes a folder as earlier releases did: its superuser migrates, owns and serves. */
  const olderFolder = async (): Promise<string> => {
    const dataDir = await folder();
    const postgres = await startEmbeddedPostgres({ dataDir, log, durable: false });
    const { address } = postgres;
    await applyMigrations(address, { directory: MIGRATIONS, log, afterMigrations: () => migrateQueue(address, log) });
    await queryAt(address, `INSERT INTO audit_event (id, action) SELECT gen_random_uuid(), 'act' FROM generate_series(1, 5)`);
    await queryAt(address, `SELECT FROM graphile_worker.add_job('unknown', json_build_object('kept', true))`);
    expect(await owned(address)).not.toEqual([]);
    await postgres.stop();
    return dataDir;
  };

  it('of an earlier release is given to the owner and keeps its data', async () => {
    const dataDir = await olderFolder();
    const look = async ({ db }: OpenServices): Promise<unknown> => [
      await auditProtection(db),
      await db.prisma.auditEvent.count(),
      await db.prisma.$queryRaw`SELECT payload FROM graphile_worker._private_jobs`,
      await owned(await superuserOf(dataDir)),
    ];
    const expected = [{ by: 'ROLE', reason: null }, 5, [{ payload: { kept: true } }], []];
    expect(await asServer(dataDir, look)).toEqual(expected);
    expect(await asServer(dataDir, look)).toEqual(expected);
  });

  it('seals and verifies what was audited before', async () => {
    await asServer(await olderFolder(), async (services) => {
      await sealAudit(services);
      expect(await verifyAudit(services)).toMatchObject({ sealed: 5, unsealed: 0, faults: [] });
      await expect(services.db.prisma.$executeRaw`DELETE FROM audit_event`).rejects.toThrow(/permission denied/);
    });
  });

  it('is used by its superuser to start alone; a second start of the server finds everything', async () => {
    const env = { DATA_DIR: await folder(), DEMO_DATA: 'true', DRAIN_MS: '0' };
    const counts: unknown[] = [];
    while (counts.length < 2) {
      const server = await startServerProcess(env);
      const address = await superuserOf(env.DATA_DIR);
      const [users] = await queryAt<{ count: string }>(address, 'SELECT count(*) FROM "user"');
      counts.push(users?.count);
      // One that is just being opened has no name yet.
      const sessions = `SELECT DISTINCT usename FROM pg_stat_activity WHERE backend_type = 'client backend' AND usename IS NOT NULL AND pid <> pg_backend_pid()`;
      expect(await queryAt(address, sessions)).toEqual([{ usename: 'lyceum_server' }]);
      expect(await server.end('SIGTERM')).toBe(0);
    }
    expect(counts[0]).not.toBe('0');
    expect(counts[1]).toBe(counts[0]);
  });
});

const run = async (url: string, sql: string): Promise<void> => {
  const client = new pg.Client(url);
  await client.connect();
  await client.query(sql).finally(() => client.end());
};
