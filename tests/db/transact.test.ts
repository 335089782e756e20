import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, type Database } from '../../src/db/database.js';
import type { Grown } from '../../src/db/transact.js';
import { createLog } from '../../src/observability/log.js';
import { logTopic, stateTopic } from '../../src/realtime/topic.js';
import { createTestDatabase, type TestDatabase } from '../kit/database.js';

let test: TestDatabase;
let db: Database;
const wakes: Grown[] = [];

const things = logTopic<{ Added: { readonly n: number } }>('things', { kinds: { Added: 'goes on' } });
const total = stateTopic<{ version: number }>('total', async () => new Map());

beforeAll(async () => {
  test = await createTestDatabase();
  db = openDatabase({
    target: { url: test.url },
    poolSize: 10,
    timeoutMs: 5_000,
    log: createLog('silent'),
    onCommit: (grown) => wakes.push(...grown),
  });
});
afterAll(async () => {
  await db.close();
  await test.drop();
});

const events = (key: string): Promise<{ seq: number; n: number }[]> =>
  test.query(`SELECT seq, (ref->>'n')::int AS n FROM event WHERE topic = 'things' AND key = $1 ORDER BY seq`, [key]);
const lastSeq = async (topic: string, key: string): Promise<number | undefined> =>
  (await test.query<{ last_seq: number }>('SELECT last_seq FROM head WHERE topic = $1 AND key = $2', [topic, key]))[0]?.last_seq;

describe('transact', () => {
  it('numbers the events of a transaction in the order of their emission, and wakes each stream once', async () => {
    wakes.length = 0;
    const emitted = await db.transact(async (tx) => [
      tx.emit(things, 'a', 'Added', { n: 1 }),
      tx.emit(things, 'b', 'Added', { n: 2 }),
      tx.emit(things, 'a', 'Added', { n: 3 }),
      tx.emit(total, 'a'),
    ]);
    expect(await events('a')).toEqual([
      { seq: 1, n: 1 },
      { seq: 2, n: 3 },
    ]);
    expect(emitted.map(({ seq }) => seq)).toEqual([1, 1, 2, 1]);
    expect(wakes).toHaveLength(3);
    expect(wakes).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ topic: 'things', key: 'a', seq: 2 }),
        expect.objectContaining({ topic: 'things', key: 'b', seq: 1 }),
        expect.objectContaining({ topic: 'total', key: 'a', seq: 1 }),
      ]),
    );
  });

  it('gives concurrent transactions their own emissions, gapless, each once, and never a deadlock over heads', async () => {
    const keys = ['x', 'y', 'z'];
    await Promise.all(
      Array.from({ length: 60 }, (_, n) =>
        db.transact(async (tx) => {
          // Every order of the keys: only the numbering may decide in which order heads are locked.
          const order = [...keys.slice(n % 3), ...keys.slice(0, n % 3)];
          for (const key of n % 2 === 0 ? order : order.reverse()) tx.emit(things, key, 'Added', { n });
          await tx.$queryRaw`SELECT 1`;
        }),
      ),
    );
    for (const key of keys) {
      const rows = await events(key);
      expect(rows.map(({ seq }) => seq)).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
      expect(new Set(rows.map(({ n }) => n)).size).toBe(60);
    }
  });

  it('H24: a transaction that fails emits nothing and wakes nobody', async () => {
    wakes.length = 0;
    const failing = db.transact(async (tx) => {
      tx.emit(things, 'failed', 'Added', { n: 1 });
      await tx.$executeRaw`INSERT INTO category (id, name, name_key, slug, color) VALUES (gen_random_uuid(), 'n', 'n', 'n', '#000000')`;
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await lastSeq('things', 'failed')).toBeUndefined();
    expect(await test.query('SELECT 1 FROM category')).toEqual([]);
    expect(wakes).toEqual([]);
  });

  it('H07: what commits later has the higher seq, whenever it began', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    let begun: () => void = () => undefined;
    const started = new Promise<void>((resolve) => (begun = resolve));
    const slow = db.transact(async (tx) => {
      tx.emit(things, 'overlap', 'Added', { n: 1 });
      await tx.$queryRaw`SELECT 1`;
      begun();
      await held;
    });
    await started;
    await db.transact(async (tx) => void tx.emit(things, 'overlap', 'Added', { n: 2 }));
    expect(await events('overlap')).toEqual([{ seq: 1, n: 2 }]);
    release();
    await slow;
    expect(await events('overlap')).toEqual([
      { seq: 1, n: 2 },
      { seq: 2, n: 1 },
    ]);
  });

  it('runs again what lost a race over rows, and the events of the lost attempt are not there', async () => {
    await test.query(
      `INSERT INTO category (id, name, name_key, slug, color) SELECT gen_random_uuid(), v, v, v, '#000000' FROM unnest(ARRAY['p','q']) v`,
    );
    let arrived = 0;
    let open: () => void = () => undefined;
    const bothHoldOne = new Promise<void>((resolve) => (open = resolve));
    let attempts = 0;
    const swap = (first: string, second: string): Promise<void> =>
      db.transact(async (tx) => {
        attempts += 1;
        await tx.$executeRaw`UPDATE category SET description = ${first} WHERE slug = ${first}`;
        tx.emit(things, 'race', 'Added', { n: 1 });
        arrived += 1;
        if (arrived === 2) open();
        await bothHoldOne;
        await tx.$executeRaw`UPDATE category SET description = ${first} WHERE slug = ${second}`;
      });
    await Promise.all([swap('p', 'q'), swap('q', 'p')]);
    expect(attempts).toBe(3);
    expect((await events('race')).map(({ seq }) => seq)).toEqual([1, 2]);
  });
});
