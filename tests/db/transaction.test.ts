import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase, type Database } from '../../src/db/database.js';
import { sendTogether } from '../../src/db/flight.js';
import { createLog } from '../../src/observability/log.js';
import { logTopic } from '../../src/realtime/topic.js';
import { createTestDatabase, type TestDatabase } from '../kit/database.js';

let test: TestDatabase;
let db: Database;
/** What was sent, one array for each round trip. */
const trips: string[][] = [];
let connection: pg.ClientBase;

const things = logTopic<{ Added: { readonly n: number } }>('things', { kinds: { Added: 'goes on' } });

/** The first word of each statement of each round trip. */
const words = (): string[][] => trips.map((texts) => texts.map((sql) => sql.trim().split(/\s/)[0] ?? ''));

beforeAll(async () => {
  test = await createTestDatabase();
  db = openDatabase({
    target: { url: test.url },
    poolSize: 6,
    timeoutMs: 5_000,
    log: createLog('silent'),
    onCommit: () => undefined,
    onConnect: async (client) => {
      connection = client;
      const query = client.query.bind(client) as (...args: readonly unknown[]) => unknown;
      client.query = ((...args: readonly unknown[]) => {
        const [sent] = args as [{ readonly text: string; readonly texts?: readonly string[] }];
        trips.push([...(sent.texts ?? [sent.text])]);
        return query(...args);
      }) as typeof client.query;
    },
  });
});
afterAll(async () => {
  await db.close();
  await test.drop();
});
beforeEach(async () => {
  await test.query('TRUNCATE category CASCADE');
  trips.length = 0;
});

const category = (slug: string) => ({ slug, name: slug, nameKey: slug, color: '#000000' });
const slugs = async (): Promise<string[]> =>
  (await test.query<{ slug: string }>('SELECT slug FROM category ORDER BY slug')).map(({ slug }) => slug);

describe('a transaction', () => {
  it('takes two round trips for one statement and an event: BEGIN goes with the first, COMMIT with the numbering', async () => {
    await db.transact(async (tx) => {
      await tx.$executeRaw`UPDATE category SET description = ${'x'}`;
      tx.emit(things, 'trips', 'Added', { n: 1 });
    });
    expect(words()).toEqual([
      ['BEGIN', 'UPDATE'],
      ['WITH', 'COMMIT'],
    ]);
  });

  it('takes one round trip for nothing but events, and none for nothing', async () => {
    await db.transact(async (tx) => void tx.emit(things, 'trips', 'Added', { n: 1 }));
    expect(words()).toEqual([['BEGIN', 'WITH', 'COMMIT']]);
    trips.length = 0;
    expect(await db.transact(async () => 7)).toBe(7);
    expect(trips).toEqual([]);
  });

  it('has raw statements, typed operations and lists of one and the same transaction', async () => {
    await db.transact(async (tx) => {
      await tx.$executeRaw`INSERT INTO category (id, name, name_key, slug, color) VALUES (gen_random_uuid(), 'raw', 'raw', 'raw', '#000000')`;
      expect(await tx.category.count()).toBe(1);
      await tx.category.create({ data: category('typed') });
      const seen = await tx.$queryRaw<{ slug: string }[]>`SELECT slug FROM category ORDER BY slug`;
      expect(seen.map(({ slug }) => slug)).toEqual(['raw', 'typed']);
      expect(await slugs()).toEqual([]);
    });
    expect(await slugs()).toEqual(['raw', 'typed']);
    expect(words().filter(([first]) => first === 'BEGIN')).toHaveLength(1);
    expect(
      words()
        .flat()
        .filter((word) => word === 'COMMIT'),
    ).toHaveLength(1);
  });

  it('never has the typed operations of another that begins at the same time', async () => {
    const ids = await Promise.all(
      Array.from({ length: 12 }, (_, n) =>
        db.transact(async (tx) => {
          // Half of them begin raw, the others typed.
          if (n % 2 === 0) await tx.$queryRaw`SELECT 1`;
          await tx.category.create({ data: category(`c${n}`) });
          const [row] = await tx.$queryRaw<{ same: boolean }[]>`
            SELECT xmin::text = (pg_current_xact_id()::text::int8 % 4294967296)::text AS same FROM category WHERE slug = ${`c${n}`}`;
          return row?.same;
        }),
      ),
    );
    expect(ids).toEqual(ids.map(() => true));
  });

  it('writes nothing when its events cannot be numbered', async () => {
    const failing = db.transact(async (tx) => {
      await tx.category.create({ data: category('one') });
      tx.emit(things, 'no text of PostgreSQL: \0', 'Added', { n: 1 });
    });
    await expect(failing).rejects.toMatchObject({ code: '22021' });
    expect(await slugs()).toEqual([]);
    expect(words().at(-1)).toEqual(['ROLLBACK']);
  });

  it('is not committed when a statement has failed, though its work went on', async () => {
    const went = db.transact(async (tx) => {
      await tx.category.create({ data: category('one') });
      await tx.$queryRaw`SELECT 1 / ${0}::int`.catch(() => undefined);
    });
    await expect(went).rejects.toMatchObject({ code: '25P02' });
    expect(await slugs()).toEqual([]);
  });

  it('is undone when it takes longer than it may', async () => {
    const slow = db.transact(
      async (tx) => {
        await tx.category.create({ data: category('one') });
        await tx.$queryRaw`SELECT pg_sleep(0.15)::text`;
        await tx.$queryRaw`SELECT 1`;
      },
      { timeout: 100 },
    );
    await expect(slow).rejects.toMatchObject({ code: '25P04' });
    expect(await slugs()).toEqual([]);
  });

  it('cannot be used when it is over', async () => {
    let late: () => Promise<unknown> = async () => undefined;
    await db.transact(async (tx) => {
      await tx.category.count();
      late = () => tx.$queryRaw`SELECT 1`;
    });
    await expect(late()).rejects.toThrow('The transaction is over.');
  });

  it('sends statements that are asked for at the same time one after the other', async () => {
    await db.transact((tx) => Promise.all(['a', 'b', 'c'].map((slug) => tx.category.create({ data: category(slug) }))));
    expect(await slugs()).toEqual(['a', 'b', 'c']);
  });
});

describe('statements that are sent together', () => {
  const insert = {
    text: 'INSERT INTO category (id, name, name_key, slug, color) VALUES (gen_random_uuid(), $1, $1, $1, $2)',
    values: ['x', '#000000'],
    name: 'insert',
  };

  it('are not executed behind one that fails, and can be prepared afterwards', async () => {
    await db.prisma.$queryRaw`SELECT 1`;
    await expect(sendTogether(connection, [{ text: 'SELECT 1 / $1::int', values: [0], name: 'fails' }, insert])).rejects.toMatchObject({
      code: '22012',
    });
    expect(await slugs()).toEqual([]);
    const results = await sendTogether(connection, [insert, { text: 'SELECT slug FROM category', values: [] }]);
    expect(results.map(({ rows }) => rows as unknown[])).toEqual([[], [{ slug: 'x' }]]);
  });
});
