import { describe, expect, it } from 'vitest';
import { findWords } from '../../web/src/design/found.js';

const marked = (text: string, words: string): string | null => {
  const found = findWords(text, words);
  return found === null ? null : text.slice(found.start, found.end);
};

describe('what was looked for', () => {
  it.each([
    ['Ein Café hier', 'cafe', 'Café'],
    ['Ein Cafe\u0301 hier', 'CAFÉ', 'Cafe\u0301'],
    ['Die Straße', 'strasse', 'Straße'],
    ['Die Straße', 'tras', 'traß'],
    ['ΣΊΣΥΦΟΣ', 'σισυφος', 'ΣΊΣΥΦΟΣ'],
    ['ﬁnal', 'fin', 'ﬁn'],
    ['Łódź', 'lodz', 'Łódź'],
    ['a 😀 b', 'B', 'b'],
    ['nothing', 'else', null],
    ['anything', '', null],
  ])('in %j for %j is %j', (text, words, expected) => {
    expect(marked(text, words)).toBe(expected);
  });
});
