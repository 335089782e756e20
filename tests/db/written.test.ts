import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase, type Database } from '../../src/db/database.js';
import { writtenTables } from '../../src/db/written.js';
import { createLog } from '../../src/observability/log.js';
import { createTestDatabase, type TestDatabase } from '../kit/database.js';

let test: TestDatabase;
let db: Database;
const told: string[][] = [];

/** The tables of each write that was told. */
const tables = (): string[][] => told.map((statements) => statements.flatMap((sql) => writtenTables(sql).map(({ name }) => name)));

beforeAll(async () => {
  test = await createTestDatabase();
  db = openDatabase({
    target: { url: test.url },
    poolSize: 4,
    timeoutMs: 5_000,
    log: createLog('silent'),
    onCommit: () => undefined,
    onWritten: (statements) => void told.push([...statements]),
  });
});
afterAll(async () => {
  await db.close();
  await test.drop();
});
beforeEach(() => void told.splice(0));

const category = (slug: string) => ({ slug, name: slug, nameKey: slug, color: '#000000' });

describe('what is told of writes', () => {
  it('is a single statement when it is over', async () => {
    await db.prisma.category.create({ data: category('one') });
    expect(tables()).toEqual([['category']]);
  });

  it('is nothing for reads, nor for rows that are only locked', async () => {
    await db.prisma.category.findMany();
    await db.prisma.$queryRaw`SELECT id FROM category FOR UPDATE`;
    await db.prisma.$queryRaw`SELECT id FROM category FOR NO KEY UPDATE SKIP LOCKED`;
    expect(told).toEqual([]);
  });

  it('is a whole transaction at its commit, and not before', async () => {
    await db.transact(async (tx) => {
      await tx.category.create({ data: category('two') });
      await tx.$executeRaw`DELETE FROM entry WHERE false`;
      expect(told).toEqual([]);
    });
    expect(tables()).toEqual([['category', 'entry']]);
  });

  it('is nothing of a transaction that was rolled back', async () => {
    await expect(
      db.transact(async (tx) => {
        await tx.category.create({ data: category('three') });
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(told).toEqual([]);
  });

  it('comes before whoever wrote is told of their success', async () => {
    const seen = await db.prisma.category.create({ data: category('four') }).then(() => told.length);
    expect(seen).toBe(1);
  });
});

describe('the tables that a statement writes', () => {
  it.each([
    ['WITH gone AS (DELETE FROM post_like WHERE true RETURNING *) UPDATE "public"."post" SET like_count = 0', ['post_like', 'post']],
    ['INSERT INTO head (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 2', ['head']],
    ['SELECT * FROM post WHERE id = 1 FOR UPDATE OF post', []],
    ['update only "entry" set a = 1', ['entry']],
    ['TRUNCATE TABLE comment', ['comment']],
  ])('of %s', (sql, names) => {
    expect(writtenTables(sql).map(({ name }) => name)).toEqual(names);
  });
});
