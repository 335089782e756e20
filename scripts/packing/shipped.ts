import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { z } from 'zod';

/** A package of which something is in the packed server. */
export interface ShippedPackage {
  readonly name: string;
  readonly version: string;
  /** As its package.json states it; null when it does not. */
  readonly licence: string | null;
  /** The texts of its licence and its notices; none where it has none. */
  readonly texts: readonly string[];
  readonly dependencies: readonly string[];
}

const manifestShape = z.object({
  name: z.string(),
  version: z.string(),
  license: z.unknown().optional(),
  licenses: z.unknown().optional(),
  dependencies: z.record(z.string(), z.string()).default({}),
});

const TEXT = /^(?:licen[cs]e|copying|notice)/i;

/** The folder of the package that a file belongs to; null for our own files. */
export const packageFolderOf = (file: string): string | null =>
  /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file.replaceAll('\\', '/'))?.[0] ?? null;

/** Old packages state a licence as an object or as a list of them. */
const licenceIn = (stated: unknown): string | null => {
  if (typeof stated === 'string') return stated.trim() === '' || /^(?:UNLICENSED|SEE LICEN[CS]E)/i.test(stated) ? null : stated;
  if (Array.isArray(stated)) return stated.length === 0 ? null : stated.map((each) => licenceIn(each) ?? 'UNKNOWN').join(' AND ');
  return typeof stated === 'object' && stated !== null && 'type' in stated ? licenceIn(stated.type) : null;
};

const readPackage = async (folder: string): Promise<ShippedPackage> => {
  const { name, version, license, licenses, dependencies } = manifestShape.parse(
    JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')),
  );
  const files = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isFile() && TEXT.test(entry.name));
  const texts = await Promise.all(files.map(async (file) => (await readFile(join(folder, file.name), 'utf8')).trim()));
  return { name, version, licence: licenceIn(license) ?? licenceIn(licenses), texts, dependencies: Object.keys(dependencies) };
};

/** The packages of these files, in the order of their names, each version once. */
export const packagesOf = async (files: Iterable<string>): Promise<readonly ShippedPackage[]> => {
  const folders = new Set([...files].map(packageFolderOf).filter((folder) => folder !== null));
  const packages = await Promise.all([...folders].map(readPackage));
  const byId = new Map(packages.map((each) => [`${each.name}@${each.version}`, each]));
  return [...byId].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, each]) => each);
};

/** Every file below a folder, as paths from it; links are none. */
export const filesBelow = async (folder: string): Promise<readonly string[]> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)).replaceAll('\\', '/'))
    .sort();
};
