import { describe, expect, it } from 'vitest';
import { Owners } from '../../src/realtime/owners.js';

describe('the owners of a group', () => {
  it('are those who have a member of it, in whatever order members come and leave', () => {
    const owners = new Owners();
    const counts = new Map<string, number>();
    const names = ['a', 'b', 'c'];
    // A walk through many orders: each step adds or takes away by a number that looks random but is the same in each run.
    let state = 1;
    for (let step = 0; step < 5_000; step += 1) {
      state = (state * 48_271) % 2_147_483_647;
      const name = names[state % 3] as string;
      const count = counts.get(name) ?? 0;
      if (count > 0 && (state >> 4) % 2 === 0) {
        owners.delete(name);
        counts.set(name, count - 1);
      } else if (count < 4) {
        owners.add(name);
        counts.set(name, count + 1);
      }
      const present = names.filter((each) => (counts.get(each) ?? 0) > 0);
      expect(names.filter((each) => owners.has(each))).toEqual(present);
      expect(owners.isOne()).toBe(present.length === 1);
    }
  });
});
