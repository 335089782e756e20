import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Prisma } from '../../src/db/generated/prisma/client.js';
import { openDatabase, type Database } from '../../src/db/database.js';
import { createLog } from '../../src/observability/log.js';
import { createTestDatabase, type TestDatabase } from '../kit/database.js';

const statements: string[] = [];
let database: TestDatabase;
let db: Database;
beforeAll(async () => {
  database = await createTestDatabase();
  db = openDatabase({
    target: { url: database.url },
    poolSize: 4,
    timeoutMs: 5_000,
    log: createLog('silent'),
    onCommit: () => undefined,
    onStatement: (sql) => statements.push(sql),
  });
});
afterAll(async () => {
  await db.close();
  await database.drop();
});

/** Expressions of SQL, by what is read. */
const VALUES: Readonly<Record<string, Prisma.Sql>> = {
  int: Prisma.sql`${7}::int`,
  bigint: Prisma.sql`9007199254740993`,
  numeric: Prisma.sql`1.50::numeric`,
  float: Prisma.sql`${1.5}::float8`,
  boolean: Prisma.sql`${true}::boolean`,
  null: Prisma.sql`NULL::int`,
  text: Prisma.sql`${'zwölf "Boxkämpfer"'}::text`,
  uuid: Prisma.sql`'00000000-0000-7000-8000-000000000001'::uuid`,
  json: Prisma.sql`${{ a: [1, 'b', null] }}::jsonb`,
  'a time that was given': Prisma.sql`${new Date(1_764_000_000_123)}::timestamptz`,
  'a time without a zone': Prisma.sql`'2026-03-29 02:30:00.123'::timestamp`,
  date: Prisma.sql`'2026-03-29'::date`,
  texts: Prisma.sql`${['a', 'b,"c"']}::text[]`,
  numbers: Prisma.sql`${[1, 2]}::int[]`,
  times: Prisma.sql`${[new Date(1_764_000_000_123)]}::timestamptz[]`,
};

describe('$queryRaw', () => {
  it.each(Object.entries(VALUES))('gives what Prisma gives: %s', async (_what, value) => {
    const byPrisma = await db.prisma.$transaction((tx) => tx.$queryRaw`SELECT ${value} AS value`);
    expect(await db.transact((tx) => tx.$queryRaw`SELECT ${value} AS value`)).toEqual(byPrisma);
    expect(await db.prisma.$queryRaw`SELECT ${value} AS value`).toEqual(byPrisma);
    expect(await db.bulk.prisma.$queryRaw(Prisma.sql`SELECT ${value} AS value`)).toEqual(byPrisma);
  });

  it('is counted among the statements', async () => {
    statements.length = 0;
    await db.prisma.$queryRaw`SELECT ${1}::int AS counted`;
    expect(statements).toEqual(['SELECT $1::int AS counted']);
  });

  it('fails with what the database says', async () => {
    await expect(db.prisma.$queryRaw`SELECT ${1}::int / 0`).rejects.toMatchObject({ code: '22012' });
  });
});
