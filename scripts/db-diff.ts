/**
 * `npm run db:diff -- --name add_x` writes `prisma/migrations/<time>_add_x/migration.sql`, which leads from the
 * migrations to `prisma/schema`; nothing when they agree. Read what it wrote: it drops what the schema no longer has,
 * with its data.
 *
 * What Prisma cannot express is written into a migration by hand. This was tried for each kind (Prisma 7.10, PostgreSQL
 * 18):
 *
 * - Invisible, so left alone: indexes with an expression (also beside columns) or a WHERE, CHECK and EXCLUDE
 *   constraints, functions, triggers, views, materialized views, sequences, domains, extensions, row security,
 *   collations, storage parameters, statistics, comments, other PostgreSQL schemas. An index with a WHERE counts as the
 *   plain one of the same name and columns, when the schema has that.
 * - Dropped unless the schema has them too: tables (partitioned ones as well), enums, columns, indexes on plain
 *   columns, foreign keys. What is special about them may stay a matter of the migration: declare
 *   - an index with an operator class by `ops: raw("gin_trgm_ops")`,
 *   - one with INCLUDE as an index on all its columns, the included ones last, one with NULLS LAST without that, and
 *     UNIQUE NULLS NOT DISTINCT as `@@unique`, each by its name with `map:`,
 *   - a deferrable foreign key as a relation with `map:`,
 *   - a generated column with `@default(dbgenerated())` (without it the diff wants to DROP its DEFAULT), and a
 *     `tsvector` as `Unsupported("tsvector")?`.
 *
 * The expression in a `dbgenerated("…")` has to be as PostgreSQL prints it (`pg_get_expr`, with all its parentheses and
 * casts), or the same difference is found again and again.
 */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { createLog } from '../src/observability/log.js';
import { runScript } from './run-script.js';
import { diffSchema, LOCK_FILE, LOCK_TEXT, MIGRATIONS_FOLDER, SCHEMA_FOLDER } from './schema-engine.js';

const nameFromArguments = (): string => {
  const { values } = parseArgs({ options: { name: { type: 'string' } } });
  // Prisma's table holds 255 characters, and a name is that of a folder.
  if (values.name !== undefined && /^[a-z0-9_]{1,200}$/.test(values.name)) return values.name;
  throw new Error('Give the migration a name in lower case: npm run db:diff -- --name add_x');
};

/**
 * The present second as Prisma writes it (`yyyymmddhhmmss`, UTC), or the one after the newest migration when that is
 * later.
 */
const nextTimestamp = (entries: readonly string[]): string => {
  const newest =
    entries
      .filter((entry) => STAMP.test(entry))
      .sort()
      .at(-1) ?? '';
  const [year = 0, month = 1, day, hour, minute, second = 0] = STAMP.exec(newest)?.slice(1).map(Number) ?? [];
  const next = newest === '' ? 0 : Date.UTC(year, month - 1, day, hour, minute, second + 1);
  return new Date(Math.max(Date.now(), next)).toISOString().replaceAll(/\D/g, '').slice(0, 14);
};
const STAMP = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})_/;

await runScript(async () => {
  const name = nameFromArguments();
  const sql = await diffSchema(SCHEMA_FOLDER, MIGRATIONS_FOLDER, createLog('warn'));
  if (sql === null) {
    console.log('no difference');
    return;
  }
  await mkdir(MIGRATIONS_FOLDER, { recursive: true });
  await writeFile(join(MIGRATIONS_FOLDER, LOCK_FILE), LOCK_TEXT);
  const folder = join(MIGRATIONS_FOLDER, `${nextTimestamp(await readdir(MIGRATIONS_FOLDER))}_${name}`);
  await mkdir(folder);
  await writeFile(join(folder, 'migration.sql'), sql);
  console.log(`${sql}\nwritten to ${relative(process.cwd(), join(folder, 'migration.sql'))}`);
});
