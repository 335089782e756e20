import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, type Database } from '../../src/db/database.js';
import { createLimiter } from '../../src/db/limiter.js';
import { codeOf } from '../../src/errors.js';
import { createLog } from '../../src/observability/log.js';
import { createTestDatabase, type TestDatabase } from '../kit/database.js';
import { deferred, type Deferred } from '../kit/deferred.js';

/** Longer than any test takes: nobody gives up. */
const FOREVER_MS = 60_000;

/** Work that ends when it is told to, and who has begun it, in that order. */
const createYard = (inTurn: ReturnType<typeof createLimiter>) => {
  const begun: string[] = [];
  const ends = new Map<string, Deferred<string>>();
  return {
    begun,
    come: (name: string): Promise<string> => {
      const end = deferred<string>();
      ends.set(name, end);
      return inTurn(() => {
        begun.push(name);
        return end.promise;
      });
    },
    end: (name: string): void => ends.get(name)?.resolve(name),
    fail: (name: string): void => ends.get(name)?.reject(new Error(name)),
  };
};

/** Everything that can go on by itself has gone on. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('turns', () => {
  it('let so many work at a time and no more, the others in the order in which they came', async () => {
    const { begun, come, end } = createYard(createLimiter(2, FOREVER_MS));
    const all = ['a', 'b', 'c', 'd', 'e'].map(come);
    await settled();
    expect(begun).toEqual(['a', 'b']);
    end('b');
    await settled();
    expect(begun).toEqual(['a', 'b', 'c']);
    end('a');
    end('c');
    await settled();
    expect(begun).toEqual(['a', 'b', 'c', 'd', 'e']);
    // Who comes now waits, and is the next.
    const late = come('late');
    end('d');
    await settled();
    expect(begun.at(-1)).toBe('late');
    end('e');
    end('late');
    expect(await Promise.all([...all, late])).toEqual(['a', 'b', 'c', 'd', 'e', 'late']);
    // Whose turn nobody has taken is free again, all of them.
    const again = [come('f'), come('g'), come('h')];
    await settled();
    expect(begun.slice(-2)).toEqual(['f', 'g']);
    for (const name of ['f', 'g', 'h']) end(name);
    await Promise.all(again);
  });

  it('are handed on by work that fails, whether it throws or rejects', async () => {
    const inTurn = createLimiter(1, FOREVER_MS);
    const { begun, come, end, fail } = createYard(inTurn);
    const first = come('first');
    const thrown = inTurn(() => {
      throw new Error('thrown');
    });
    const last = come('last');
    fail('first');
    await expect(first).rejects.toThrow('first');
    await expect(thrown).rejects.toThrow('thrown');
    await settled();
    expect(begun).toEqual(['first', 'last']);
    end('last');
    expect(await last).toBe('last');
  });

  it('are UNAVAILABLE to whoever has waited too long, and pass them over', async () => {
    const { begun, come, end } = createYard(createLimiter(1, 1));
    const first = come('first');
    expect(codeOf(await come('impatient').catch((error: unknown) => error))).toBe('UNAVAILABLE');
    end('first');
    expect(await first).toBe('first');
    const next = come('next');
    end('next');
    expect(await next).toBe('next');
    expect(begun).toEqual(['first', 'next']);
  });
});

describe('the transactions of a database', () => {
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

  it('leave connections for those who read, however many wait', async () => {
    const gate = deferred<undefined>();
    const full = deferred<undefined>();
    let under = 0;
    const crowd = Array.from({ length: 100 }, (_, n) =>
      db.transact(async (tx) => {
        await tx.$queryRaw`SELECT 1`;
        under += 1;
        if (under === POOL - 2) full.resolve(undefined);
        await gate.promise;
        return n;
      }),
    );
    await full.promise;
    expect(await db.prisma.$queryRaw`SELECT 1 AS answer`).toEqual([{ answer: 1 }]);
    expect(under).toBe(POOL - 2);
    gate.resolve(undefined);
    expect(await Promise.all(crowd)).toEqual(crowd.map((_, n) => n));
  });
});
