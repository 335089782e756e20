import { posix } from 'node:path';
import { nameKey } from '../../texts/names.js';

/** The names of Markdown files. */
export const MARKDOWN_NAME = /\.(?:md|markdown)$/i;

/** A page of an import. */
export interface IndexedPage {
  /** Relative to the folder of the import, with forward slashes. */
  readonly path: string;
  readonly title: string;
  readonly aliases: readonly string[];
  /** Where it is read here. */
  readonly address: string;
}

/** The pages of an import, for links that lead to them. What `nameKey` makes one is the same. */
export interface PageIndex {
  /** The address of the page at a path; null for none. */
  readonly at: (path: string) => string | null;
  /**
   * The address of the page that goes by a name, as wiki links have it: a path or its end, with or without the ending, else a name of a file, an alias, a title.
   * Of several the one whose path is the shortest; null for none.
   */
  readonly named: (name: string) => string | null;
}

const withoutEnding = (path: string): string => path.replace(MARKDOWN_NAME, '');

export const indexPages = (pages: Iterable<IndexedPage>): PageIndex => {
  const exact = new Map<string, string>();
  const paths = new Map<string, string>();
  const ends = new Map<string, string>();
  const aliases = new Map<string, string>();
  const titles = new Map<string, string>();
  const add = (to: Map<string, string>, key: string, address: string): void => void (to.has(key) || to.set(key, address));
  const byLength = [...pages].sort((a, b) => a.path.length - b.path.length || (a.path < b.path ? -1 : 1));
  for (const { path, title, aliases: others, address } of byLength) {
    exact.set(path, address);
    add(paths, nameKey(path), address);
    // Every end of the path: `c`, `b/c`, `a/b/c`.
    const names = nameKey(withoutEnding(path)).split('/');
    names.forEach((_name, from) => add(ends, names.slice(from).join('/'), address));
    for (const alias of others) add(aliases, nameKey(alias), address);
    add(titles, nameKey(title), address);
  }
  return {
    at: (path) => exact.get(path) ?? paths.get(nameKey(path)) ?? null,
    named: (name) => {
      const key = nameKey(withoutEnding(posix.normalize(name.trim()).replace(/^\//, '')));
      return ends.get(key) ?? aliases.get(nameKey(name.trim())) ?? titles.get(nameKey(name.trim())) ?? null;
    },
  };
};
