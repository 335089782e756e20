import { parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { createByteCache } from '../../src/memory/byte-cache.js';
import { bytesOfDocument } from '../../src/server/execution/document.js';

describe('a cache that is bounded in bytes', () => {
  const sizeOf = (value: number): number => value;

  it('lets those go first that were not asked for longest', () => {
    const cache = createByteCache(40_000, sizeOf);
    for (const text of ['a', 'b', 'c', 'd']) cache.set(text, 9_000);
    expect(cache.get('a')).toBe(9_000);
    cache.set('e', 9_000);
    expect(['a', 'b', 'c', 'd', 'e'].map((text) => cache.get(text) !== undefined)).toEqual([true, false, true, true, true]);
  });

  it('keeps nothing that would take more than a quarter of it', () => {
    const cache = createByteCache(40_000, sizeOf);
    cache.set('small', 100);
    cache.set('large', 10_000);
    cache.set('x'.repeat(5_000), 0);
    expect([cache.get('small'), cache.get('large'), cache.get('x'.repeat(5_000))]).toEqual([100, undefined, undefined]);
  });

  it('counts a document by its tokens, not by its text alone', () => {
    const document = (fields: number) => parse(`{ ${'a '.repeat(fields)} }`);
    const cache = createByteCache(8_000_000, bytesOfDocument);
    const texts = Array.from({ length: 100 }, (_, n) => `# ${n}`);
    for (const text of texts) cache.set(text, document(1_000));
    const kept = texts.filter((text) => cache.get(text) !== undefined);
    // A thousand tokens are half a megabyte.
    expect(kept.length).toBeGreaterThan(10);
    expect(kept.length).toBeLessThan(20);
    expect(kept).toEqual(texts.slice(-kept.length));
  });
});
