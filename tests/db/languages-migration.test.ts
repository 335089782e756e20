import { randomBytes } from 'node:crypto';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, inject, it, onTestFinished } from 'vitest';
import { loadConfig } from '../../src/config.js';
import { applyMigrations, MIGRATIONS } from '../../src/db/migrate.js';
import { createLog } from '../../src/observability/log.js';
import { closeAll, openMigrated, type Closers } from '../../src/process/services.js';
import { nameKey } from '../../src/texts/names.js';
import { queryAt, urlOf } from '../kit/postgres-address.js';

/*
 * What the migration to texts of all languages makes of a database of the release before: nothing is lost.
 */

const MIGRATION = /_languages$/;
const log = createLog('silent');
const address = { ...inject('postgres'), database: `languages_${randomBytes(6).toString('hex')}` };
const query = <Row extends object>(sql: string, values?: unknown[]) => queryAt<Row>(address, sql, values);

const server = (sql: string): Promise<object[]> => queryAt({ ...inject('postgres'), database: 'postgres' }, sql);

/** Names in every form that SQL and our own code must fold alike. */
const NAMES = [
  ...[
    'straße',
    'ﬁne',
    'ｗｉｄｅ ｶﾞ',
    'cafe\u0301',
    'i\u0307stanbul',
    'σίσυφος',
    'ısparta',
    'c#',
    'a\u00a0 b',
    'soft\u00adware',
    'ẞ',
    'ŉ',
    'ǰ',
  ],
  ...['ᾳ', 'ΐ', 'և', '\u212a', '\u212b', 'ſ', 'µ', '한', '❤\ufe0f', 'x²'],
];

let before: string;

beforeAll(async () => {
  await server(`CREATE DATABASE ${address.database} TEMPLATE template0`);
  before = await mkdtemp(join(tmpdir(), 'lyceum-before-'));
  await cp(fileURLToPath(MIGRATIONS), before, { recursive: true });
  const all = await readdir(before);
  const from = all.find((name) => MIGRATION.test(name)) ?? '';
  for (const name of all.filter((each) => each >= from && each !== 'migration_lock.toml'))
    await rm(join(before, name), { recursive: true });
  await applyMigrations(address, { directory: before, log });
  await fill();
  await applyMigrations(address, { directory: MIGRATIONS, log });
});

afterAll(async () => {
  await rm(before, { recursive: true, force: true });
  await server(`DROP DATABASE IF EXISTS ${address.database} WITH (FORCE)`);
});

const fill = async (): Promise<void> => {
  await query(`INSERT INTO "user" (id, username, username_key, display_name, bio) VALUES (gen_random_uuid(), 'ada', 'ada', $1, $1)`, [
    'Zoe\u0308',
  ]);
  for (const [n, name] of ['Straße', 'STRASSE', 'strasse (2)', 'Cafe\u0301', 'Zebra', 'Äpfel'].entries())
    await query(
      `INSERT INTO category (id, name, name_key, slug, color, created_at) VALUES (gen_random_uuid(), $1::text, lower($1::text), 'slug-' || $2::int, '#000000', now() + $2::int * interval '1 s')`,
      [name, n],
    );
  await query(
    `INSERT INTO entry (id, title, slug, content, tags, author_id, category_id)
     SELECT gen_random_uuid(), $1, 'entry-' || name, $2, $3, "user".id, category.id FROM "user", category`,
    ['Re\u0301sume\u0301', 'Mu\u0308ller', ['strasse', 'stra\u00dfe', 'cafe\u0301', ...NAMES]],
  );
};

/** A database that is there for the test alone. */
const aDatabase = async (name: string, options: string): Promise<string> => {
  const database = `${name}_${randomBytes(6).toString('hex')}`;
  await server(`CREATE DATABASE ${database} TEMPLATE template0 ${options}`);
  onTestFinished(() => server(`DROP DATABASE ${database} WITH (FORCE)`).then(() => undefined));
  return urlOf({ ...inject('postgres'), database });
};

/** Starts as far as the migrations, and gives what is said in the log. */
const saidAtStart = async (url: string): Promise<string> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'lyceum-languages-'));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  const lines: string[] = [];
  const config = loadConfig({ NODE_ENV: 'test', DATA_DIR: dataDir, DATABASE_URL: url });
  const closers: Closers = [];
  await openMigrated(config, closers, { log: pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) }) });
  await closeAll(closers);
  return lines.join('');
};

it('takes a database of the own that sees no letters but those of ASCII, and each start says so', async () => {
  const url = await aDatabase('blind', `LC_CTYPE 'C'`);
  for (let start = 1; start <= 2; start += 1) expect(await saidAtStart(url)).toContain('see no letters but those of ASCII');
});

it('says nothing of one that is as the README makes it', async () => {
  expect(await saidAtStart(await aDatabase('seeing', `ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'`))).toBe('');
});

it('keeps categories apart whose names have become one: the later are numbered', async () => {
  const rows = await query<{ name: string; name_key: string; slug: string; entries: number }>(
    `SELECT name, name_key, slug, (SELECT count(*)::int FROM entry WHERE category_id = category.id) AS entries FROM category ORDER BY created_at`,
  );
  expect(rows.map(({ name }) => name)).toEqual(['Straße', 'STRASSE (2)', 'strasse (2) (2)', 'Café', 'Zebra', 'Äpfel']);
  for (const { name, name_key: key, slug, entries } of rows) {
    expect(key).toBe(nameKey(name));
    expect(slug).toMatch(/^slug-\d$/);
    expect(entries).toBe(1);
  }
  const ordered = await query<{ name: string }>(`SELECT name FROM category ORDER BY name`);
  expect(ordered.map(({ name }) => name)).toEqual(['Äpfel', 'Café', 'Straße', 'STRASSE (2)', 'strasse (2) (2)', 'Zebra']);
});

it('gives texts the form that is written from now on', async () => {
  expect(await query(`SELECT display_name, bio FROM "user"`)).toEqual([{ display_name: 'Zoë', bio: 'Zoë' }]);
  const entries = await query<{ title: string; content: string; content_key: string }>(
    `SELECT title, content, content_key FROM entry LIMIT 1`,
  );
  expect(entries).toEqual([{ title: 'Résumé', content: 'Müller', content_key: 'muller' }]);
});

it('makes tags one that are, by the keys that are made from now on, and counts them', async () => {
  const [entry] = await query<{ tags: string[]; tag_keys: string[] }>(`SELECT tags, tag_keys FROM entry LIMIT 1`);
  const { tags = [], tag_keys: keys = [] } = entry ?? {};
  expect(tags.slice(0, 3)).toEqual(['strasse', 'café', 'ﬁne']);
  expect(keys).toEqual(tags.map(nameKey));
  expect(new Set(keys)).toEqual(new Set(['strasse', 'cafe\u0301', ...NAMES].map(nameKey)));
  expect(keys).toHaveLength(new Set(keys).size);
  const counted = await query<{ key: string; entry_count: number }>(`SELECT key, entry_count FROM tag`);
  expect(new Set(counted.map(({ key }) => key))).toEqual(new Set(keys));
  expect(counted.every(({ entry_count: count }) => count === 6)).toBe(true);
});

it('counts tags by their keys afterwards', async () => {
  await query(
    `INSERT INTO entry (id, title, slug, content, tags, tag_keys, author_id) SELECT gen_random_uuid(), 'New', 'new', '', '{Straße,new}', '{strasse,new}', id FROM "user"`,
  );
  const count = async () => await query(`SELECT key, tag, entry_count AS n FROM tag WHERE key IN ('strasse', 'new') ORDER BY key`);
  expect(await count()).toEqual([
    { key: 'new', tag: 'new', n: 1 },
    { key: 'strasse', tag: 'strasse', n: 7 },
  ]);
  await query(`UPDATE entry SET tags = '{other}', tag_keys = '{other}' WHERE slug = 'new'`);
  expect(await count()).toEqual([{ key: 'strasse', tag: 'strasse', n: 6 }]);
  await query(`UPDATE entry SET is_public = false`);
  expect(await count()).toEqual([]);
  expect(await query(`SELECT count(*)::int AS n FROM tag`)).toEqual([{ n: 0 }]);
});
