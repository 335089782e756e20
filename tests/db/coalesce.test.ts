import { describe, expect, it } from 'vitest';
import { createCoalescer } from '../../src/db/coalesce.js';
import { deferred, type Deferred } from '../kit/deferred.js';

interface Round {
  readonly key: string;
  readonly items: readonly number[];
  readonly end: Deferred<string>;
}

/** Work whose rounds end when they are told to. */
const createWorkshop = (limit = 100) => {
  const begun: Round[] = [];
  const want = createCoalescer<number, string>((key, items) => {
    const end = deferred<string>();
    begun.push({ key, items: [...items], end });
    return end.promise;
  }, limit);
  return { begun, want, items: () => begun.map(({ items }) => items) };
};

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('what is wanted together', () => {
  it('is done at once when it comes alone, and else as one when the round before is over, in the order in which it came', async () => {
    const { begun, want, items } = createWorkshop();
    const first = want('a', 1);
    await settled();
    expect(items()).toEqual([[1]]);
    const more = [want('a', 2), want('a', 3), want('a', 4)];
    await settled();
    expect(items()).toEqual([[1]]);
    begun[0]?.end.resolve('one');
    expect(await first).toBe('one');
    await settled();
    expect(items()).toEqual([[1], [2, 3, 4]]);
    // It has begun: nobody joins it any more.
    const last = want('a', 5);
    begun[1]?.end.resolve('three');
    expect(await Promise.all(more)).toEqual(['three', 'three', 'three']);
    await settled();
    begun[2]?.end.resolve('last');
    expect(await last).toBe('last');
    expect(items()).toEqual([[1], [2, 3, 4], [5]]);
  });

  it('waits for nothing of another key', async () => {
    const { begun, want } = createWorkshop();
    const all = [want('a', 1), want('b', 2), want('a', 3)];
    await settled();
    expect(begun.map(({ key, items }) => [key, items])).toEqual([
      ['a', [1, 3]],
      ['b', [2]],
    ]);
    for (const { end } of begun) end.resolve('done');
    await Promise.all(all);
  });

  it('is no more at a time than the limit', async () => {
    const { begun, want, items } = createWorkshop(2);
    const all = [1, 2, 3, 4, 5].map((item) => want('a', item));
    for (let round = 0; round < 3; round += 1) {
      await settled();
      expect(items()).toHaveLength(round + 1);
      begun[round]?.end.resolve(`round ${round}`);
    }
    expect(await Promise.all(all)).toEqual(['round 0', 'round 0', 'round 1', 'round 1', 'round 2']);
    expect(items()).toEqual([[1, 2], [3, 4], [5]]);
  });

  it('fails for those of its round and for nobody else', async () => {
    const { begun, want } = createWorkshop(1);
    const [first, second] = [want('a', 1), want('a', 2)];
    await settled();
    begun[0]?.end.reject(new Error('no'));
    await expect(first).rejects.toThrow('no');
    await settled();
    begun[1]?.end.resolve('yes');
    expect(await second).toBe('yes');
  });
});
