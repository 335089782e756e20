import { describe, expect, it } from 'vitest';
import fc from '../../kit/cases.js';
import { differenceOf, MAX_PARTS, merge } from '../../../src/domains/knowledge/differences.js';

const text = (lines: readonly string[]): string => lines.join('\n');
/** Few different lines, so that texts have much in common. */
const anyText = fc.array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 12 }).map(text);

describe('a difference', () => {
  it('holds both texts, whatever they are', () => {
    fc.assert(
      fc.property(anyText, anyText, (before, after) => {
        const parts = differenceOf(before, after);
        const without = (kind: string) => parts.flatMap((part) => (part.kind === kind ? [] : [part.text])).join('\n');
        expect(without('ADDED')).toBe(before);
        expect(without('REMOVED')).toBe(after);
      }),
    );
  });

  it('names the lines that differ', () => {
    expect(differenceOf('a\nb\nc', 'a\nB\nc\nd\n')).toEqual([
      { kind: 'SAME', text: 'a' },
      { kind: 'REMOVED', text: 'b' },
      { kind: 'ADDED', text: 'B' },
      { kind: 'SAME', text: 'c' },
      { kind: 'ADDED', text: 'd\n' },
    ]);
    expect(differenceOf('same', 'same')).toEqual([{ kind: 'SAME', text: 'same' }]);
    expect(differenceOf('', '')).toEqual([{ kind: 'SAME', text: '' }]);
  });

  it('is all of both where they have hardly a line in common, and has a limit', () => {
    const [before, after] = ['a', 'b'].map((name) => text(Array.from({ length: 50_000 }, (_, n) => `${name}${n}`)));
    expect(differenceOf(before ?? '', after ?? '')).toEqual([
      { kind: 'REMOVED', text: before },
      { kind: 'ADDED', text: after },
    ]);
    const many = Array.from({ length: 150 }, (_, n) => `line ${n}`);
    const parts = differenceOf(text(many), text(many.map((line, n) => (n % 2 === 0 ? `${line}!` : line))));
    expect(parts.length).toBeGreaterThan(150);
    expect(parts.length).toBeLessThanOrEqual(MAX_PARTS);
  });
});

describe('two edits of one text', () => {
  it('come together where they are of different places', () => {
    expect(merge('a\nb\nc\nd\n', 'A\nb\nc\nd\n', 'a\nb\nc\nD\n')).toBe('A\nb\nc\nD\n');
    expect(merge('a\nb\nc\n', 'a\nb\nc\nd\n', 'z\na\nb\nc\n')).toBe('z\na\nb\nc\nd\n');
    expect(merge('a\nb\nc\nd\n', 'a\nd\n', 'a\nb\nc\nd\ne\n')).toBe('a\nd\ne\n');
    expect(merge('a\nb\nc\n', 'a\nX\nc\n', 'a\nX\nc\nd\n')).toBe('a\nX\nc\nd\n');
  });

  it('do not where they are of the same lines, or of lines side by side', () => {
    expect(merge('a\nb\nc\n', 'a\nX\nc\n', 'a\nY\nc\n')).toBeNull();
    expect(merge('a\nb\n', 'a\nb\nX\n', 'a\nb\nY\n')).toBeNull();
    expect(merge('a\nb\nc\n', 'X\nb\nc\n', 'a\nY\nc\n')).toBeNull();
    expect(merge('a\nb\nc\n', 'a\nc\n', 'a\nB\nc\n')).toBeNull();
  });

  it('are one edit where they are alike, and the other where one has changed nothing', () => {
    fc.assert(
      fc.property(anyText, anyText, (base, changed) => {
        expect(merge(base, changed, base)).toBe(changed);
        expect(merge(base, base, changed)).toBe(changed);
        expect(merge(base, changed, changed)).toBe(changed);
      }),
    );
  });

  it('come to the same whoever was first', () => {
    fc.assert(
      fc.property(anyText, anyText, anyText, (base, one, other) => {
        expect(merge(base, one, other)).toBe(merge(base, other, one));
      }),
    );
  });

  it('are kept both: each line that is added is there, and none that is removed', () => {
    const lines = Array.from({ length: 30 }, (_, n) => `line ${n}`);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 16, max: 29 }), fc.constantFrom('mine', ''), (early, late, word) => {
        const edit = (at: number, by: string) => text(lines.flatMap((line, n) => (n === at ? (by === '' ? [] : [by]) : [line])));
        const merged = merge(text(lines), edit(early, word), edit(late, 'theirs'));
        const wanted = lines.flatMap((line, n) => (n === early ? (word === '' ? [] : [word]) : n === late ? ['theirs'] : [line]));
        expect(merged).toBe(text(wanted));
      }),
    );
  });
});
