import { describe, expect, it } from 'vitest';
import { createStatementNames } from '../../src/db/statements.js';

const MAX = 500;

const begin = () => {
  let renewed = 0;
  const names = createStatementNames(() => {
    renewed += 1;
  });
  const nameOf = (sql: string): string => names.nameOf({ sql, args: [1] });
  return { names, nameOf, renewed: () => renewed };
};

describe('the name of a statement', () => {
  it('stays the same as long as the statement is sent, however many others come and go', () => {
    const { nameOf } = begin();
    const name = nameOf('hot');
    for (let n = 0; n < MAX * 3; n += 1) {
      nameOf(`cold ${n}`);
      expect(nameOf('hot')).toBe(name);
    }
  });

  it('is given to a new statement, also when many had one before, and is never that of another', () => {
    const { nameOf } = begin();
    const given = Array.from({ length: MAX * 2 }, (_, n) => nameOf(`SELECT ${n}`));
    expect(given).not.toContain('');
    expect(new Set(given).size).toBe(given.length);
    expect(given).not.toContain(nameOf('SELECT 0'));
  });

  it('has connections replaced before they hold twice as many as may have one', () => {
    const { nameOf, renewed } = begin();
    for (let n = 0; n < MAX * 2 - 1; n += 1) nameOf(`SELECT ${n}`);
    expect(renewed()).toBe(0);
    nameOf('one more');
    expect(renewed()).toBe(1);
    for (let n = 0; n < MAX; n += 1) nameOf(`SELECT again ${n}`);
    expect(renewed()).toBe(2);
  });

  it('is none for a statement without parameters, nor for a very long one', () => {
    const { names, nameOf } = begin();
    expect(names.nameOf({ sql: 'COMMIT', args: [] })).toBe('');
    expect(nameOf('x'.repeat(8_001))).toBe('');
  });

  it('is another for every statement once all are forgotten', () => {
    const { names, nameOf } = begin();
    const before = nameOf('SELECT 1');
    names.forget(names.generation);
    expect(nameOf('SELECT 1')).not.toBe(before);
  });
});
