import { createHash } from 'node:crypto';
import { access } from 'node:fs/promises';
import type { Services } from '../../context.js';

/*
 * An entry is of a file by the folder of its import and the path in it (`entry.source`). A folder that was moved, and a file that was renamed in it, are
 * recognised, so that importing again does not make everything twice.
 */

type Db = Pick<Services, 'db'>;

/**
 * Has the entries of files whose names were in another form of Unicode be those of their names in NFC.
 * @param places where each file is, as the disk has it, by its path in NFC
 */
export const adoptOtherForms = async ({ db }: Db, root: string, places: ReadonlyMap<string, string>): Promise<void> => {
  const others = [...places].filter(([path, place]) => path !== place);
  if (others.length === 0) return;
  await db.prisma.$executeRaw`
    UPDATE entry SET source = form.path
    FROM unnest(${others.map(([path]) => `${root}:${path}`)}::text[], ${others.map(([, place]) => `${root}:${place}`)}::text[]) AS form (path, place)
    WHERE entry.source = form.place AND NOT EXISTS (SELECT FROM entry other WHERE other.source = form.path)`;
};

/** The part of the files of a folder that must be known of another one to be taken for it, and of those the part that must say the same: many have a README. */
const MOST = 0.5;
const SAME = 0.25;
/** How many files are compared. */
const COMPARED = 50;
/** The most paths that are looked for. */
const MAX_PATHS = 2_000;

const isThere = async (path: string): Promise<boolean> =>
  await access(path).then(
    () => true,
    () => false,
  );

/** A file and what stands in it. */
interface ReadFile {
  readonly path: string;
  readonly content: string;
}

/**
 * Has the entries of a folder that was moved be those of where it is now: of one that is there no more, of whose files this one has at least half, and of which
 * enough say the same, the one with the most. Nothing changes for a folder from which something was imported already.
 * @param root where the folder is, as a real path
 * @param paths of its files, relative to it
 * @param read reads some of them
 * @returns where it was; null when it was not moved
 */
export const adoptMovedFolder = async (
  { db }: Db,
  root: string,
  paths: readonly string[],
  read: (paths: readonly string[]) => Promise<readonly ReadFile[]>,
): Promise<string | null> => {
  if (paths.length === 0) return null;
  const known = await db.prisma.$queryRaw<unknown[]>`SELECT 1 FROM entry WHERE starts_with(source, ${`${root}:`}) LIMIT 1`;
  if (known.length > 0) return null;
  const some = paths.slice(0, MAX_PATHS);
  const folders = await db.prisma.$queryRaw<{ folder: string; files: number }[]>`
    SELECT left(source, -length(path) - 1) AS folder, count(*)::int AS files
    FROM entry JOIN unnest(${some}::text[]) AS path ON right(source, length(path) + 1) = ':' || path
    GROUP BY 1 HAVING count(*) >= ${Math.ceil(some.length * MOST)} ORDER BY 2 DESC, 1 LIMIT 20`;
  for (const { folder } of folders) {
    if ((await isThere(folder)) || !(await saysTheSame(db, folder, await read(some.slice(0, COMPARED))))) continue;
    await db.prisma.$executeRaw`
      UPDATE entry SET source = ${`${root}:`} || substr(source, length(${folder}::text) + 2) WHERE starts_with(source, ${`${folder}:`})`;
    return folder;
  }
  return null;
};

/** Whether enough of some files say what the entries of a folder do. */
const saysTheSame = async (db: Services['db'], folder: string, files: readonly ReadFile[]): Promise<boolean> => {
  const [found] = await db.prisma.$queryRaw<{ same: number; all: number }[]>`
    SELECT count(*)::int AS all, count(*) FILTER (WHERE md5(content) = file.print)::int AS same
    FROM entry JOIN unnest(${files.map(({ path }) => `${folder}:${path}`)}::text[], ${files.map(({ content }) => md5(content))}::text[]) AS file (source, print)
      USING (source)`;
  return found !== undefined && found.same > 0 && found.same >= found.all * SAME;
};

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

/** The shortest content by which a file is recognised, in characters. */
const SHORTEST = 40;

/** What tells a content; null for one that is too short to. */
export const printOf = (content: string): string | null => (content.trim().length < SHORTEST ? null : md5(content));

/** The entries of a folder whose files are there no more: the prints of their content, by their paths. @param paths of all files that are there */
export const goneFrom = async ({ db }: Db, root: string, paths: Iterable<string>): Promise<ReadonlyMap<string, string>> => {
  const prefix = `${root}:`;
  const rows = await db.prisma.$queryRaw<{ source: string; print: string }[]>`
    SELECT source, md5(content) AS print
    FROM entry LEFT JOIN unnest(${[...paths].map((path) => prefix + path)}::text[]) AS here (file) ON here.file = source
    WHERE starts_with(source, ${prefix}) AND here.file IS NULL`;
  return new Map(rows.map(({ source, print }) => [source.slice(prefix.length), print]));
};

/**
 * Has the entries of files that are gone be those of new files with the same content. What several have is nobody's.
 * @param gone the prints of files that are gone, by their paths
 * @param fresh the same of files that no entry is of yet
 * @returns the former path of each renamed file, by its path
 */
export const adoptRenamedFiles = async (
  { db }: Db,
  root: string,
  gone: ReadonlyMap<string, string>,
  fresh: ReadonlyMap<string, string>,
): Promise<ReadonlyMap<string, string>> => {
  const [before, after] = [onlyOnes(gone), onlyOnes(fresh)];
  const renamed = new Map<string, string>();
  for (const [print, path] of after) {
    const former = before.get(print);
    if (former !== undefined) renamed.set(path, former);
  }
  if (renamed.size > 0)
    await db.prisma.$executeRaw`
      UPDATE entry SET source = ${`${root}:`} || moved.after
      FROM unnest(${[...renamed.values()]}::text[], ${[...renamed.keys()]}::text[]) AS moved (before, after)
      WHERE entry.source = ${`${root}:`} || moved.before`;
  return renamed;
};

/** The paths of prints that no other path has. */
const onlyOnes = (prints: ReadonlyMap<string, string>): ReadonlyMap<string, string> => {
  const paths = new Map<string, string | null>();
  for (const [path, print] of prints) paths.set(print, paths.has(print) ? null : path);
  return new Map([...paths].filter((each): each is [string, string] => each[1] !== null));
};
