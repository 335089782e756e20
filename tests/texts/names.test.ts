import { describe, expect, inject, it } from 'vitest';
import { lowerCase, nameKey } from '../../src/texts/names.js';
import { queryAt } from '../kit/postgres-address.js';

describe('two names', () => {
  it.each([
    ['café', 'cafe\u0301'],
    ['Café', 'CAFÉ'],
    ['STRASSE', 'straße'],
    ['STRAẞE', 'Straße'],
    ['ΣΊΣΥΦΟΣ', 'σίσυφος'],
    ['İstanbul', 'istanbul'],
    ['I\u0307stanbul', 'ISTANBUL'],
    ['ﬁle', 'FILE'],
    ['ＣＡＦＥ', 'cafe'],
    ['ｶﾞｯｺｳ', 'ガッコウ'],
    ['한국어', '\u1112\u1161\u11ab\u1100\u116e\u11a8\u110b\u1165'],
    ['a b', ' a\u00a0\u3000 B '],
    ['soft\u00adware', 'software'],
    ['❤', '❤\ufe0f'],
  ])('%j and %j are one', (one, other) => {
    expect(nameKey(one)).toBe(nameKey(other));
  });

  it.each([
    ['C#', 'C'],
    ['C++', 'C'],
    ['.NET', 'NET'],
    ['résumé', 'resume'],
    ['x²', 'x2'],
    ['kıl', 'kil'],
    ['👨‍👩‍👧', '👨👩👧'],
  ])('%j and %j are two', (one, other) => {
    expect(nameKey(one)).not.toBe(nameKey(other));
  });
});

describe('the key of a name', () => {
  it('folds what Unicode folds, and is its own key', async () => {
    const folded = await queryAt<{ letter: string; folded: string }>(
      inject('postgres'),
      `SELECT letter, folded FROM (
         SELECT chr(i) AS letter, casefold(chr(i) COLLATE pg_unicode_fast) AS folded FROM generate_series(1, 1114111) i WHERE i NOT BETWEEN 55296 AND 57343
       ) every WHERE letter <> folded`,
    );
    expect(folded.length).toBeGreaterThan(1_400);
    // This Node may know fewer letters than PostgreSQL does.
    const known = folded.filter(({ letter }) => /\p{Assigned}/u.test(letter));
    expect(known.filter((each) => nameKey(each.letter) !== nameKey(each.folded))).toEqual([]);
    expect(known.filter(({ letter }) => nameKey(nameKey(letter)) !== nameKey(letter))).toEqual([]);
  });
});

describe('lower case', () => {
  it.each([
    ['ΣΊΣΥΦΟΣ', 'σίσυφος'],
    ['Straße', 'straße'],
    ['İSTANBUL', 'istanbul'],
    ['CAFE\u0301', 'café'],
  ])('of %j is %j', (text, lower) => {
    expect(lowerCase(text)).toBe(lower);
  });
});
