import { describe, expect, it } from 'vitest';
import { createRounds } from '../../src/server/execution/rounds.js';
import { deferred } from '../kit/deferred.js';

describe('rounds', () => {
  it('give whoever comes while one runs the result of the next, which they share', async () => {
    const rounds = createRounds<number>();
    const first = deferred<number>();
    let begun = 0;
    const work = (): Promise<number> => {
      begun += 1;
      return begun === 1 ? first.promise : Promise.resolve(begun);
    };
    const early = rounds('a', work);
    const late = [rounds('a', work), rounds('a', work)];
    expect(begun).toBe(1);
    first.resolve(1);
    expect([await early, ...(await Promise.all(late)), begun]).toEqual([1, 2, 2, 2]);
  });

  it('begin anew when nobody waits', async () => {
    const rounds = createRounds<number>();
    let begun = 0;
    const work = async (): Promise<number> => (begun += 1);
    expect([await rounds('a', work), await rounds('a', work)]).toEqual([1, 2]);
  });

  it('of other keys run beside each other', async () => {
    const rounds = createRounds<string>();
    const slow = deferred<string>();
    const waiting = rounds('slow', () => slow.promise);
    expect(await rounds('fast', async () => 'fast')).toBe('fast');
    slow.resolve('slow');
    expect(await waiting).toBe('slow');
  });

  it('tell a failure to its own round alone', async () => {
    const rounds = createRounds<string>();
    const failing = deferred<string>();
    const first = rounds('a', () => failing.promise);
    const second = rounds('a', async () => 'well');
    failing.reject(new Error('no'));
    await expect(first).rejects.toThrow('no');
    expect(await second).toBe('well');
  });
});
