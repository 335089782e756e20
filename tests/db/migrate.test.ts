import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { NO_FILTERS, openSchemaEngine, readMigrations } from '../../scripts/schema-engine.js';
import { startEmbeddedPostgres, type EmbeddedPostgres, type PostgresAddress } from '../../src/db/embedded/embedded.js';
import { applyMigrations, MigrationError } from '../../src/db/migrate.js';
import { createLog } from '../../src/observability/log.js';

const log = createLog('silent');
/** What Prisma's engine locks while it migrates. */
const LOCK_KEY = 72_707_369;

let root: string;
let postgres: EmbeddedPostgres;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lyceum-migrate-'));
  postgres = await startEmbeddedPostgres({ dataDir: join(root, 'data'), log, durable: false });
});

afterAll(async () => {
  await postgres.stop();
  await rm(root, { recursive: true, force: true });
});

const connect = async (address: PostgresAddress): Promise<pg.Client> => {
  const client = new pg.Client({ ...address });
  await client.connect();
  onTestFinished(() => client.end());
  return client;
};

/** An empty database of the test's own and a connection to it. */
const createDatabase = async (): Promise<{ address: PostgresAddress; client: pg.Client }> => {
  const address = { ...postgres.address, database: `test_${randomUUID()}` };
  const admin = await connect(postgres.address);
  await admin.query(`CREATE DATABASE ${pg.escapeIdentifier(address.database)} TEMPLATE template0`);
  return { address, client: await connect(address) };
};

const writeMigrations = async (directory: string, migrations: Readonly<Record<string, string>>): Promise<string> => {
  for (const [name, sql] of Object.entries(migrations)) {
    await mkdir(join(directory, name), { recursive: true });
    await writeFile(join(directory, name, 'migration.sql'), sql);
  }
  return directory;
};

const createMigrations = async (migrations: Readonly<Record<string, string>>): Promise<string> =>
  writeMigrations(await mkdtemp(join(root, 'migrations-')), migrations);

const recorded = async (client: pg.Client): Promise<string[]> => {
  const { rows } = await client.query<{ name: string }>(
    'SELECT migration_name AS name FROM _prisma_migrations WHERE finished_at IS NOT NULL ORDER BY started_at',
  );
  return rows.map(({ name }) => name);
};

const exists = async (client: pg.Client, relation: string): Promise<boolean> =>
  (await client.query<{ oid: string | null }>('SELECT to_regclass($1) AS oid', [relation])).rows[0]?.oid !== null;

const CREATE_A = 'CREATE TABLE a (id int PRIMARY KEY, n int NOT NULL DEFAULT 0);\n';
/** The owl is one character to PostgreSQL, two to JavaScript and four bytes. */
const HALF = '-- 🦉\nCREATE TABLE half (id int);\n';
const TWO = { '20260101000000_init': CREATE_A, '20260102000000_add_b': 'ALTER TABLE a ADD COLUMN b text;\n' };
const NAMES = Object.keys(TWO);

describe('applyMigrations', () => {
  it('applies what is pending in the order of the names, and nothing the second time', async () => {
    const { address, client } = await createDatabase();
    const directory = await createMigrations(TWO);
    await writeFile(join(directory, 'migration_lock.toml'), 'provider = "postgresql"\n');
    expect(await applyMigrations(address, { directory, log })).toEqual(NAMES);
    expect(await applyMigrations(address, { directory: pathToFileURL(directory), log })).toEqual([]);
    await writeMigrations(directory, { '20260103000000_seed': 'INSERT INTO a (id, b) VALUES (1, $$x;y$$);' });
    const { host, port, user, password, database } = address;
    const connectionString = `postgresql://${user}:${encodeURIComponent(password)}@${host}:${port}/${database}`;
    expect(await applyMigrations({ connectionString }, { directory, log })).toEqual(['20260103000000_seed']);
    expect((await client.query('SELECT * FROM a')).rows).toEqual([{ id: 1, n: 0, b: 'x;y' }]);
    expect(await recorded(client)).toEqual([...NAMES, '20260103000000_seed']);
  });

  it('lets processes that start at once take turns: each migration is applied once', async () => {
    const { address, client } = await createDatabase();
    const directory = await createMigrations({ ...TWO, '20260103000000_seed': 'INSERT INTO a (id) VALUES (1);' });
    const applied = await Promise.all(Array.from({ length: 5 }, () => applyMigrations(address, { directory, log })));
    expect(applied.flat()).toEqual([...NAMES, '20260103000000_seed']);
    expect(await recorded(client)).toEqual([...NAMES, '20260103000000_seed']);
    expect((await client.query('SELECT id FROM a')).rows).toEqual([{ id: 1 }]);
  });

  it('gives up waiting for another process after a while, saying so', async () => {
    const { address, client } = await createDatabase();
    const directory = await createMigrations(TWO);
    await client.query('SELECT pg_advisory_lock($1)', [LOCK_KEY]);
    const attempt = applyMigrations(address, { directory, log, lockTimeoutMs: 50 });
    await expect(attempt).rejects.toThrow('Another process has been migrating this database for more than 0.05 s');
    await client.query('SELECT pg_advisory_unlock($1)', [LOCK_KEY]);
    expect(await applyMigrations(address, { directory, log })).toEqual(NAMES);
  });

  it('sends a script whole: function bodies with semicolons, comments, quotes', async () => {
    const { address, client } = await createDatabase();
    const directory = await createMigrations({
      '20260101000000_functions': `${CREATE_A}
        -- it's; a comment
        CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF NEW.n < 0 THEN RAISE EXCEPTION 'n; < 0'; END IF;
          NEW.n := NEW.n + 1;
          RETURN NEW;
        END;
        $$;
        CREATE TRIGGER touch BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION touch();
        DO $body$ BEGIN INSERT INTO a VALUES (1, 41); END $body$;`,
    });
    await applyMigrations(address, { directory, log });
    expect((await client.query('SELECT * FROM a')).rows).toEqual([{ id: 1, n: 42 }]);
  });

  it('leaves nothing of a migration that fails, names its file and line, and goes on once it is repaired', async () => {
    const { address, client } = await createDatabase();
    const bad = '20260102000000_bad';
    const directory = await createMigrations({
      '20260101000000_init': CREATE_A,
      [bad]: `${HALF}ALTER TABLE missing ADD COLUMN x int;\n`,
      '20260103000000_late': 'CREATE TABLE late (id int);',
    });
    const attempt = applyMigrations(address, { directory, log });
    const missing = `${bad}/migration.sql: relation "missing" does not exist`;
    await expect(attempt).rejects.toThrow(new MigrationError(missing));
    expect(await exists(client, 'half')).toBe(false);
    expect(await recorded(client)).toEqual(['20260101000000_init']);
    const others = 'SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()';
    await vi.waitFor(async () => expect((await client.query(others)).rows).toEqual([]));

    await writeMigrations(directory, { [bad]: `${HALF}SELECT nonsense;\n` });
    await expect(applyMigrations(address, { directory, log })).rejects.toThrow(
      new MigrationError(`${bad}/migration.sql:3: column "nonsense" does not exist`),
    );
    await writeMigrations(directory, { [bad]: HALF });
    expect(await applyMigrations(address, { directory, log })).toEqual([bad, '20260103000000_late']);
  });

  it('refuses an edited migration before it applies another', async () => {
    const { address, client } = await createDatabase();
    const directory = await createMigrations(TWO);
    await applyMigrations(address, { directory, log });
    await writeMigrations(directory, {
      '20260101000000_init': `${CREATE_A}-- x`,
      '20260103000000_late': 'CREATE TABLE late (id int);',
    });
    const attempt = applyMigrations(address, { directory, log });
    await expect(attempt).rejects.toThrow(/^The migration 20260101000000_init was edited after it was applied/);
    expect(await exists(client, 'late')).toBe(false);
  });

  it('takes other line ends for no edit', async () => {
    const { address } = await createDatabase();
    const directory = await createMigrations(TWO);
    await applyMigrations(address, { directory, log });
    await writeMigrations(directory, { '20260101000000_init': CREATE_A.replaceAll('\n', '\r\n') });
    expect(await applyMigrations(address, { directory, log })).toEqual([]);
  });

  it('refuses a database that a newer version has migrated', async () => {
    const { address } = await createDatabase();
    await applyMigrations(address, { directory: await createMigrations(TWO), log });
    const older = await createMigrations({ '20260101000000_init': CREATE_A });
    await expect(applyMigrations(address, { directory: older, log })).rejects.toThrow(
      /^The database has the migration 20260102000000_add_b, which .* not know: a newer version ran here\.$/,
    );
  });

  it('refuses a migration that is recorded as failed, and applies one that is recorded as rolled back', async () => {
    const { address, client } = await createDatabase();
    const directory = await createMigrations(TWO);
    await applyMigrations(address, { directory: await createMigrations({ '20260101000000_init': CREATE_A }), log });
    await client.query(`INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ('x', 'y', '20260102000000_add_b')`);
    const attempt = applyMigrations(address, { directory, log });
    await expect(attempt).rejects.toThrow(/^The migration 20260102000000_add_b is recorded as failed/);
    await client.query(`UPDATE _prisma_migrations SET rolled_back_at = now() WHERE id = 'x'`);
    expect(await applyMigrations(address, { directory, log })).toEqual(['20260102000000_add_b']);
  });

  it('refuses a migration that ends its own transaction', async () => {
    const { address, client } = await createDatabase();
    const directory = await createMigrations({ '20260101000000_init': `BEGIN;\n${CREATE_A}COMMIT;\n` });
    const attempt = applyMigrations(address, { directory, log });
    await expect(attempt).rejects.toThrow(/^The migration 20260101000000_init ends its own transaction/);
    expect(await recorded(client)).toEqual([]);
  });

  it('keeps what one migration sets away from the next and from the record', async () => {
    const { address, client } = await createDatabase();
    const directory = await createMigrations({
      '20260101000000_elsewhere': 'CREATE SCHEMA elsewhere; SET search_path = elsewhere; CREATE TABLE there (id int);',
      '20260102000000_here': 'CREATE TABLE here (id int);',
    });
    expect(await applyMigrations(address, { directory, log })).toHaveLength(2);
    expect(await recorded(client)).toHaveLength(2);
    expect(await exists(client, 'elsewhere.there')).toBe(true);
    expect(await exists(client, 'public.here')).toBe(true);
  });

  it('survives losing its connection in the midst', async () => {
    const { address, client } = await createDatabase();
    const init = '20260101000000_init';
    const directory = await createMigrations({ [init]: `${CREATE_A}SELECT pg_terminate_backend(pg_backend_pid());` });
    await expect(applyMigrations(address, { directory, log })).rejects.toThrow(/terminat/);
    expect(await exists(client, 'a')).toBe(false);
    await writeMigrations(directory, { [init]: CREATE_A });
    expect(await applyMigrations(address, { directory, log })).toEqual([init]);
  });

  it('says which folder is missing, and which address refuses or does not answer', async () => {
    const { address } = await createDatabase();
    await expect(applyMigrations(address, { directory: join(root, 'nowhere'), log })).rejects.toThrow('nowhere');
    const directory = await createMigrations(TWO);
    // Port 1 on the loopback address refuses at once.
    await expect(applyMigrations({ ...address, port: 1 }, { directory, log })).rejects.toThrow('127.0.0.1:1');

    const silent = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void silent.close());
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const attempt = applyMigrations({ ...address, port, connectionTimeoutMillis: 50 }, { directory, log });
    await expect(attempt).rejects.toThrow(/timeout/);
  });
});

describe("Prisma's own engine", () => {
  const schema = { files: [{ path: 'main.prisma', content: 'datasource db {\n  provider = "postgresql"\n}\n' }] };
  const openEngine = async (address: PostgresAddress) => {
    const { engine, close } = await openSchemaEngine(address, schema);
    onTestFinished(close);
    return engine;
  };
  /** Everything about the table but the values that differ each time. */
  const describeTable = async (client: pg.Client): Promise<unknown> => {
    const columns = await client.query(
      `SELECT attname, format_type(atttypid, atttypmod) AS type, attnotnull, pg_get_expr(adbin, adrelid) AS default
       FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
       WHERE attrelid = '_prisma_migrations'::regclass AND attnum > 0 ORDER BY attnum`,
    );
    const constraints = await client.query(
      `SELECT conname, pg_get_constraintdef(oid) AS definition FROM pg_constraint
       WHERE conrelid = '_prisma_migrations'::regclass ORDER BY conname`,
    );
    const rows = await client.query(
      `SELECT checksum, migration_name, logs, rolled_back_at, applied_steps_count, id ~ '^[0-9a-f-]{36}$' AS uuid,
              finished_at >= started_at AS finished, started_at > now() - interval '1 hour' AS started
       FROM _prisma_migrations ORDER BY migration_name`,
    );
    return { columns: columns.rows, constraints: constraints.rows, rows: rows.rows };
  };

  it('finds nothing to do after ours, and ours nothing after it; both leave the same table', async () => {
    const directory = await createMigrations({
      ...TWO,
      '20260103000000_function': 'CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$;\n',
    });
    const migrationsList = await readMigrations(directory);
    const ours = await createDatabase();
    await applyMigrations(ours.address, { directory, log });
    const engine = await openEngine(ours.address);
    const input = { migrationsList, filters: NO_FILTERS, optInToShadowDatabase: true };
    expect(await engine.diagnoseMigrationHistory(input)).toEqual({
      editedMigrationNames: [],
      failedMigrationNames: [],
      hasMigrationsTable: true,
      history: null,
    });
    const { appliedMigrationNames } = await engine.applyMigrations({ migrationsList, filters: NO_FILTERS });
    expect(appliedMigrationNames).toEqual([]);

    const theirs = await createDatabase();
    const other = await openSchemaEngine(theirs.address, schema);
    try {
      await other.engine.applyMigrations({ migrationsList, filters: NO_FILTERS });
    } finally {
      // The engine keeps its lock as long as its connections.
      await other.close();
    }
    expect(await applyMigrations(theirs.address, { directory, log })).toEqual([]);
    expect(await describeTable(ours.client)).toEqual(await describeTable(theirs.client));
  });
});
