import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, type Database } from '../../src/db/database.js';
import { createLog } from '../../src/observability/log.js';
import { logTopic } from '../../src/realtime/topic.js';
import { createTestDatabase, type TestDatabase } from '../kit/database.js';

const things = logTopic<{ Added: { readonly n: number } }>('things', { kinds: { Added: 'goes on' } });
const POOL = 4;

let test: TestDatabase;
let db: Database;
beforeAll(async () => {
  test = await createTestDatabase();
  db = openDatabase({ target: { url: test.url }, poolSize: POOL, timeoutMs: 5_000, log: createLog('silent'), onCommit: () => undefined });
});
afterAll(async () => {
  await db.close();
  await test.drop();
});

/** More at once than the pool has connections, so that each of them takes part. */
const crowd = <Result>(work: (n: number) => Promise<Result>): Promise<Result[]> =>
  Promise.all(Array.from({ length: 3 * POOL }, (_, n) => work(n)));

let names = 0;
const category = () => {
  names += 1;
  const name = `c${names}`;
  return { name, nameKey: name, slug: name, color: '#000000', description: name };
};

/** Each way by which statements are sent: what it gives is what it wrote or read of `description`. */
const ways: Readonly<Record<string, () => Promise<string | null>>> = {
  'a read of a model': async () => (await db.prisma.category.findFirstOrThrow()).description,
  'a read in SQL': async () =>
    (await db.prisma.$queryRaw<{ description: string }[]>`SELECT * FROM category WHERE color = ${'#000000'} LIMIT 1`)[0]?.description ??
    null,
  'a write': async () => (await db.prisma.category.create({ data: category() })).description,
  'a write that Prisma makes a transaction of': async () => {
    const { description, entries } = await db.prisma.category.create({
      data: { ...category(), entries: { create: [] } },
      include: { entries: true },
    });
    return entries.length === 0 ? description : null;
  },
  'a transaction, in its middle': () =>
    db.transact(async (tx) => {
      tx.emit(things, 'a', 'Added', { n: 1 });
      await tx.category.count();
      const { description } = await tx.category.create({ data: category() });
      return description;
    }),
};

describe('a table that is changed while it is used', () => {
  for (const [name, way] of Object.entries(ways)) {
    it(`is no failure to ${name}, on any connection`, async () => {
      await db.prisma.category.create({ data: category() });
      await crowd(way);
      await test.query(`ALTER TABLE category ALTER COLUMN description TYPE varchar(${1_000 + names})`);
      expect(await crowd(way)).toEqual(Array.from({ length: 3 * POOL }, (): unknown => expect.any(String)));
    });
  }

  it('leaves the events of a transaction that was tried again there once', async () => {
    const emit = (n: number): Promise<void> =>
      db.transact(async (tx) => {
        await tx.category.findFirst();
        tx.emit(things, 'once', 'Added', { n });
      });
    await crowd(emit);
    await test.query(`ALTER TABLE category ALTER COLUMN description TYPE varchar(5000)`);
    await crowd(emit);
    const rows = await test.query<{ seq: number }>(`SELECT seq FROM event WHERE topic = 'things' AND key = 'once' ORDER BY seq`);
    expect(rows.map(({ seq }) => seq)).toEqual(Array.from({ length: 6 * POOL }, (_, index) => index + 1));
  });
});

describe('a connection that has forgotten its statements', () => {
  it('prepares them anew, inside of a transaction and outside', async () => {
    const single = openDatabase({
      target: { url: test.url },
      poolSize: 1,
      timeoutMs: 5_000,
      log: createLog('silent'),
      onCommit: () => undefined,
    });
    const read = () => single.prisma.category.findMany({ where: { color: '#000000' }, take: 1 });
    const transact = () => single.transact((tx) => tx.category.findMany({ where: { color: '#000000' }, take: 1 }));
    try {
      for (const way of [read, transact, read]) {
        expect(await way()).toHaveLength(1);
        await single.prisma.$executeRawUnsafe('DEALLOCATE ALL');
        expect(await way()).toHaveLength(1);
      }
    } finally {
      await single.close();
    }
  });
});
