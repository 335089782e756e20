import { describe, expect, it } from 'vitest';
import { slugify } from '../../../src/domains/knowledge/slug.js';

describe('slugify', () => {
  it.each([
    ['Getting Started', 'getting-started'],
    ['GraphQL & you', 'graphql-and-you'],
    ["Conway's Law", 'conways-law'],
    ['Ünïcödé  –  Straße', 'uenicoede-strasse'],
    ['Привет, мир', 'privet-mir'],
    ['  --a--  ', 'a'],
    ['@types/node', 'types-node'],
    ['日本語', 'entry'],
    ['ﬁle oﬀer', 'file-offer'],
    ['ＡＢＣ', 'abc'],
    ['Cafe\u0301 Mu\u0308ller', 'cafe-mueller'],
    ['C#', 'c-sharp'],
    ['C++', 'c-plus-plus'],
    ['C++17 and F#', 'c-plus-plus-17-and-f-sharp'],
    ['.NET', 'dot-net'],
    ['a+b: #1 of Node.js', 'a-b-1-of-node-js'],
    ['', 'entry'],
  ])('makes %j %j', (text, slug) => {
    expect(slugify(text)).toBe(slug);
  });

  it('is at most 80 characters and never ends in a hyphen', () => {
    expect(slugify(`${'a'.repeat(79)} ${'b'.repeat(79)}`)).toBe('a'.repeat(79));
    expect(slugify('word '.repeat(100_000)).length).toBeLessThanOrEqual(80);
  });

  it('takes another word for what has no letters', () => {
    expect(slugify('…', 'category')).toBe('category');
  });
});
