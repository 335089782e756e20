import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';

interface Chunk {
  readonly file: string;
  /** Chunks that it needs at once, by their keys. */
  readonly imports?: readonly string[];
}

const BUILT = resolve(import.meta.dirname, '../../dist/web');
const manifest = JSON.parse(readFileSync(resolve(BUILT, '.vite/manifest.json'), 'utf8')) as Readonly<Record<string, Chunk>>;

/** The scripts that a page needs before it can show anything. */
const scriptsOf = (...entries: readonly string[]): Set<string> => {
  const needed = new Set<string>();
  const add = (key: string): void => {
    const chunk = manifest[key];
    if (!chunk) throw new Error(`There is no chunk ${key}.`);
    if (needed.has(chunk.file)) return;
    needed.add(chunk.file);
    chunk.imports?.forEach(add);
  };
  entries.forEach(add);
  return needed;
};

const compressed = (file: string): number =>
  (statSync(resolve(BUILT, `${file}.br`), { throwIfNoEntry: false }) ?? statSync(resolve(BUILT, file))).size;

it('needs less than 150 kB of script, by brotli, to show a visitor an entry', () => {
  const bytes = [...scriptsOf('index.html', 'src/pages/entry/entry-page.tsx')].reduce((sum, file) => sum + compressed(file), 0);
  expect(bytes).toBeLessThan(150_000);
});
