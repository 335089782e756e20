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
