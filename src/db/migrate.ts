/**
 * Applies `prisma/migrations` at start without Prisma's engine, but compatibly: it takes the same advisory lock and writes the same table,
 * so `prisma migrate` can be used on the database too.
 */
import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { isForbidden, isLockTimeout } from '../observability/failures.js';
import type { Log } from '../observability/log.js';
import { fromRoot } from '../root.js';

/** The migrations cannot be applied; the message says which one and why. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

export interface MigrateOptions {
  /** The folder of the migrations: each is a folder with a `migration.sql`. */
  readonly directory: string | URL;
  readonly log: Log;
  /** The longest wait for another process that migrates, in milliseconds; 60,000 by default. */
  readonly lockTimeoutMs?: number;
  /** Runs after the migrations, still under the lock. @param client the connection that has migrated */
  readonly afterMigrations?: (client: pg.Client) => Promise<void>;
}

/** The project's migrations. */
export const MIGRATIONS = fromRoot('prisma/migrations');

/** The key of the advisory lock that Prisma's engine takes: `prisma migrate deploy` and this code exclude each other. */
const LOCK_KEY = 72_707_369;
const LOCK_TIMEOUT_MS = 60_000;
const CONNECTION_TIMEOUT_MS = 10_000;

/**
 * Brings a database to the newest migration and returns the names of the migrations that it has applied, in order. Each migration is one
 * script in one transaction, in the order of the names: when one fails, it leaves nothing behind and the earlier ones remain. A migration
 * may contain any statement except those that cannot run in a transaction or that end it.
 *
 * Processes that start at the same time take turns by an advisory lock: the first applies the migrations, the others find nothing to do.
 *
 * @param connection an address or the options of a client; its statement timeouts are not applied here
 * @throws {MigrationError} when a migration fails, was edited after it was applied, is recorded as failed or is unknown to this version of
 *   the software, or when another process holds the lock for too long
 */
export const applyMigrations = async (connection: pg.ClientConfig, options: MigrateOptions): Promise<string[]> => {
  const migrations = await readMigrations(options.directory);
  const client = new pg.Client({
    keepAlive: true,
    connectionTimeoutMillis: CONNECTION_TIMEOUT_MS,
    ...connection,
    // A migration of a large table may take any time.
    statement_timeout: 0,
    query_timeout: 0,
    idle_in_transaction_session_timeout: 0,
  });
  // A lost connection rejects the running query and emits `error` too; without a listener that would end the process.
  client.on('error', (error) => options.log.debug({ err: error.message }, 'the connection of the migrations broke'));
  try {
    await client.connect();
    await lock(client, options.lockTimeoutMs ?? LOCK_TIMEOUT_MS);
    const table = await openTable(client);
    const pending = await findPending(client, table, migrations);
    for (const migration of pending) {
      const start = performance.now();
      await apply(client, table, migration);
      options.log.info({ migration: migration.name, ms: Math.round(performance.now() - start) }, 'migration applied');
    }
    await options.afterMigrations?.(client);
    return pending.map(({ name }) => name);
  } finally {
    // Ending the session releases the advisory lock.
    await client.end();
  }
};

/**
 * The names of the migrations that a database lacks, in order; nothing is changed.
 * @throws {MigrationError} when what was applied does not fit this version of the software
 */
export const pendingMigrations = async (client: pg.Client, directory: string | URL = MIGRATIONS): Promise<string[]> => {
  const migrations = await readMigrations(directory);
  const { rows } = await client.query<{ known: boolean }>(`SELECT to_regclass('_prisma_migrations') IS NOT NULL AS known`);
  const pending = rows[0]?.known === true ? await findPending(client, '_prisma_migrations', migrations) : migrations;
  return pending.map(({ name }) => name);
};

interface Migration {
  readonly name: string;
  readonly sql: string;
}

const readMigrations = async (directory: string | URL): Promise<Migration[]> => {
  const folder = directory instanceof URL ? fileURLToPath(directory) : directory;
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const read = async (name: string) => ({ name, sql: await readFile(join(folder, name, FILE), 'utf8') });
  return Promise.all(names.sort().map(read));
};
const FILE = 'migration.sql';

const lock = async (client: pg.Client, timeoutMs: number): Promise<void> => {
  try {
    await client.query(`SELECT set_config('lock_timeout', $1, false)`, [String(timeoutMs)]);
    await client.query('SELECT pg_advisory_lock($1)', [LOCK_KEY]);
  } catch (error) {
    if (!isLockTimeout(error)) throw error;
    const message = `Another process has been migrating this database for more than ${timeoutMs / 1000} seconds.`;
    throw new MigrationError(message, { cause: error });
  }
  await client.query('RESET lock_timeout');
};

/**
 * Creates the table of migrations and returns its name, quoted and with its schema, so that it is found even if a migration changes the
 * search path.
 */
const openTable = async (client: pg.Client): Promise<string> => {
  const { rows } = await client.query<{ schema: string | null }>('SELECT current_schema() AS schema');
  const schema = rows[0]?.schema ?? null;
  if (schema === null) throw new MigrationError('There is no schema to migrate: none on the search path exists.');
  const table = `${pg.escapeIdentifier(schema)}._prisma_migrations`;
  // A role that only serves may not create it, and finds it.
  const { rows: found } = await client.query<{ found: boolean }>('SELECT to_regclass($1) IS NOT NULL AS found', [table]);
  if (found[0]?.found === true) return table;
  // The columns are exactly those that Prisma creates.
  // eslint-disable-next-line no-restricted-syntax -- a name that is escaped above
  await client.query(`
    CREATE TABLE IF NOT EXISTS ${table} (
      id                  VARCHAR(36) PRIMARY KEY NOT NULL,
      checksum            VARCHAR(64) NOT NULL,
      finished_at         TIMESTAMPTZ,
      migration_name      VARCHAR(255) NOT NULL,
      logs                TEXT,
      rolled_back_at      TIMESTAMPTZ,
      started_at          TIMESTAMPTZ NOT NULL DEFAULT now(),
      applied_steps_count INTEGER NOT NULL DEFAULT 0
    )`);
  return table;
};

interface MigrationRecord {
  readonly migration_name: string;
  readonly checksum: string;
  readonly finished: boolean;
}

/** Compares the recorded migrations with the files, before anything is changed. */
const findPending = async (client: pg.Client, table: string, migrations: readonly Migration[]): Promise<Migration[]> => {
  const { rows: records } = await client.query<MigrationRecord>(
    // eslint-disable-next-line no-restricted-syntax -- a name that `openTable` has escaped
    `SELECT migration_name, checksum, finished_at IS NOT NULL AS finished FROM ${table}
     WHERE rolled_back_at IS NULL ORDER BY migration_name, started_at`,
  );
  const known = new Map(migrations.map((migration) => [migration.name, migration]));
  for (const record of records) {
    const name = record.migration_name;
    const migration = known.get(name);
    if (migration === undefined) {
      throw new MigrationError(
        `The database has the migration ${name}, which this version of the software does not know: ` + 'a newer version ran here.',
      );
    }
    if (!record.finished) {
      throw new MigrationError(`The migration ${name} is recorded as failed. Repair it, then mark it by "prisma migrate resolve".`);
    }
    if (!checksums(migration.sql).includes(record.checksum)) {
      throw new MigrationError(`The migration ${name} was edited after it was applied: ${name}/${FILE} is not what ran here.`);
    }
  }
  const done = new Set(records.map((record) => record.migration_name));
  return migrations.filter(({ name }) => !done.has(name));
};

/** The checksum of a file, followed by those with other line ends: like Prisma's engine, this code treats them as equal. */
const checksums = (sql: string): [string, ...string[]] => {
  const unix = sql.replaceAll('\r\n', '\n');
  return [sha256(sql), sha256(unix), sha256(unix.replaceAll('\n', '\r\n'))];
};

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const apply = async (client: pg.Client, table: string, { name, sql }: Migration): Promise<void> => {
  await client.query('BEGIN');
  const transaction = await transactionOf(client);
  try {
    // Without parameters the script is sent as one text, and the server splits it into statements.
    await client.query(sql);
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    if (!(error instanceof pg.DatabaseError)) throw error;
    throw new MigrationError(`${name}/${FILE}${lineOf(sql, error)}: ${error.message}${isForbidden(error) ? NOT_ITS_OWNER : ''}`, {
      cause: error,
    });
  }
  if ((await transactionOf(client)) !== transaction) {
    throw new MigrationError(
      `The migration ${name} ends its own transaction: take COMMIT and ROLLBACK out of ${name}/${FILE}. ` +
        'Some of it may have been applied.',
    );
  }
  await client.query(
    // eslint-disable-next-line no-restricted-syntax -- a name that `openTable` has escaped
    `INSERT INTO ${table} (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
     VALUES ($1, $2, $3, now(), clock_timestamp(), 1)`,
    [randomUUID(), checksums(sql)[0], name],
  );
  await client.query('COMMIT');
  // A SET of one migration must not apply to the next.
  await client.query('RESET ALL');
};

const NOT_ITS_OWNER = `. This role does not own the tables: set DATABASE_MIGRATION_URL, or let "lyceum db migrate" run with it before.`;

/** The id of the current transaction; asking assigns one. */
const transactionOf = async (client: pg.Client): Promise<string | undefined> =>
  (await client.query<{ id: string }>('SELECT pg_current_xact_id()::text AS id')).rows[0]?.id;

/** The line of an error in a script, as `:12`; empty when PostgreSQL does not tell. */
const lineOf = (sql: string, error: pg.DatabaseError): string => {
  if (error.position === undefined) return '';
  // PostgreSQL counts characters from 1, not UTF-16 units.
  const before = Array.from(sql).slice(0, Number(error.position) - 1);
  return `:${before.filter((character) => character === '\n').length + 1}`;
};
