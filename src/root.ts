import { existsSync } from 'node:fs';

/** The nearest folder above with a package.json. */
const rootOf = (file: URL): URL => {
  const folder = new URL('./', file);
  for (let at = folder; ; at = new URL('../', at)) {
    if (existsSync(new URL('package.json', at))) return at;
    if (at.pathname === '/') throw new Error(`There is no package.json above ${folder.pathname}.`);
  }
};

const ROOT = rootOf(new URL(import.meta.url));

/**
 * A file or folder of the package, such as `prisma/migrations`: the same for the sources, the build and the packed server, whose files are not where
 * their modules were.
 */
export const fromRoot = (path: string): URL => new URL(path, ROOT);
