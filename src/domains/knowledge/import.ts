import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import type { Services } from '../../context.js';
import type { Tx } from '../../db/transact.js';
import { isUnavailable, isUniqueViolation } from '../../observability/failures.js';
import { nameKey } from '../../texts/names.js';
import { uuid7 } from '../../db/uuid.js';
import { findOrCreateCategory } from './categories.js';
import { LISTED, tellAdded, tellChanged, type Listed } from './entry-events.js';
import { renderMissingTask } from './entry-html.js';
import { randomSlug } from './free-slug.js';
import { MarkdownFileError, readMarkdownFile, rewriteLinks, scanMarkdown, type MarkdownDocument } from './markdown-files.js';
import { adoptMovedFolder, adoptOtherForms, adoptRenamedFiles, goneFrom, printOf } from './moved-files.js';
import { indexPages, type PageIndex } from './page-index.js';
import { MAX_CONTENT, tagColumns } from './rules.js';
import { slugify } from './slug.js';

/** What an import works with. */
type Importing = Pick<Services, 'db' | 'clock' | 'markdown'>;

export interface ImportOptions {
  readonly folder: string;
  /** The author of new entries; existing entries keep their author. */
  readonly authorId: string;
  readonly onProgress?: ((progress: ImportProgress) => void) | undefined;
}

/** The progress of an import. It has two stages: all files are read, so that the targets of links are known, and then written. */
export interface ImportProgress {
  readonly stage: 'reading' | 'writing';
  /** Files of this stage that are done, including failed ones. */
  readonly done: number;
  readonly total: number;
}

/** A file, or a folder, and what is to be said of it. */
export interface FileRemark {
  /** Relative to the folder, with forward slashes. */
  readonly path: string;
  readonly reason: string;
}

export interface ImportReport {
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly failed: readonly FileRemark[];
  /** What of the files was left out, and why some are private. */
  readonly notes: readonly FileRemark[];
  /** Folders and files that are not imported at all. */
  readonly leftOut: readonly FileRemark[];
  /** Where the folder was at the last import; null when it was not moved since. */
  readonly movedFrom: string | null;
  /** What the files were called that were renamed since, by their paths. */
  readonly renamed: ReadonlyMap<string, string>;
}

/** How many files are read at the same time. */
const READ_AT_ONCE = 50;
/** The most rows and characters of one INSERT: enough to make the round trip cheap, few enough to stay well below the statement timeout. */
const BATCH_ROWS = 200;
const BATCH_CHARACTERS = 2_000_000;
/** The most keys of one look-up. */
const LOOKUP_KEYS = 2_000;
const SLUG_ATTEMPTS = 3;

const LINKS_TAKE_TOO_LONG = 'keeps its links as they are: finding them takes too long';

/** A file that will be imported. */
interface Planned {
  readonly path: string;
  readonly title: string;
  readonly aliases: readonly string[];
  readonly slug: string;
  /** The digest of the previous import; null for a new entry. */
  readonly digest: string | null;
}

/** The row of a file. */
interface Row {
  readonly path: string;
  readonly source: string;
  readonly digest: string;
  readonly slug: string;
  readonly title: string;
  readonly content: string;
  readonly tags: readonly string[];
  readonly category: string | null;
  readonly isPublic: boolean;
}

/**
 * Imports the Markdown files below a folder as knowledge entries. An entry is identified by the real path of the folder and the path of the
 * file in it; a folder that was moved and files that were renamed are recognised. Importing again updates the entries of changed files; entries of unchanged files keep the edits made here. Entries whose
 * files are gone remain.
 *
 * Relative links between the files become `/entries/<slug>`. A file that cannot be imported is reported and does not stop the others. An
 * interrupted import is completed by running it again.
 * @throws MarkdownFileError when the folder itself cannot be read; UNAVAILABLE failures of the database
 */
export const importFolder = async (services: Importing, options: ImportOptions): Promise<ImportReport> => {
  const { folder, authorId, onProgress = () => undefined } = options;
  const failed: FileRemark[] = [];
  const fail = (path: string, reason: string): void => {
    failed.push({ path, reason });
  };
  const leftOut: FileRemark[] = [];
  const notes: FileRemark[] = [];
  const files: Files = { folder, places: new Map<string, string>() };
  for await (const place of scanMarkdown(folder, fail, (each, reason) => leftOut.push({ path: each, reason }))) {
    const path = place.normalize('NFC');
    if (files.places.has(path)) fail(place, 'has the name of another file, in another form of Unicode');
    else files.places.set(path, place);
  }
  const paths = [...files.places.keys()];
  const root = await realpath(folder);
  const sourceOf = (path: string): string => `${root}:${path}`;
  await adoptOtherForms(services, root, files.places);
  const movedFrom = await adoptMovedFolder(services, root, paths, (some) => readAll(services, files, some, () => undefined));

  const planning = { files, paths, sourceOf, fail, onProgress };
  let plan = await planAll(services, planning);
  const renamed = await adoptRenamed(services, { files, root, plan });
  if (renamed.size > 0) plan = await planAll(services, { ...planning, fail: () => undefined, onProgress: () => undefined });
  const write = createWriter(services, authorId, fail);
  const pages = pagesOf(plan);

  const counts = { created: 0, updated: 0, unchanged: 0 };
  let done = 0;
  let pending: Row[] = [];
  let pendingCharacters = 0;
  const flush = async (): Promise<void> => {
    add(counts, await write(pending));
    done += pending.length;
    pending = [];
    pendingCharacters = 0;
  };

  for (const some of chunks([...plan.values()], READ_AT_ONCE)) {
    const documents = await readAll(
      services,
      files,
      some.map(({ path }) => path),
      fail,
    );
    const contents = await Promise.all(documents.map(({ content, path }) => rewriteLinks(services.markdown, content, path, pages)));
    done += some.length;
    for (const [index, document] of documents.entries()) {
      const planned = plan.get(document.path);
      if (planned === undefined) continue;
      for (const reason of document.notes) notes.push({ path: document.path, reason });
      const content = contents[index] ?? null;
      if (content === null) notes.push({ path: document.path, reason: LINKS_TAKE_TOO_LONG });
      const row = rowOf({ ...document, content: content ?? document.content }, planned.slug, sourceOf(document.path));
      if (row.digest === planned.digest) {
        counts.unchanged += 1;
      } else if (row.content.length > MAX_CONTENT) {
        fail(row.path, `is longer than ${MAX_CONTENT} characters with its links rewritten`);
      } else {
        done -= 1;
        pending.push(row);
        pendingCharacters += row.content.length;
        if (pending.length >= BATCH_ROWS || pendingCharacters >= BATCH_CHARACTERS) await flush();
      }
    }
    onProgress({ stage: 'writing', done, total: plan.size });
  }
  await flush();
  onProgress({ stage: 'writing', done, total: plan.size });
  return { ...counts, failed, notes, leftOut, movedFrom, renamed };
};

function* chunks<Item>(items: readonly Item[], size: number): Generator<readonly Item[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}

/** The files of an import. Systems write their names in different forms of Unicode, so their paths here are those of NFC. */
interface Files {
  readonly folder: string;
  /** Where each is, as the disk has it, by its path. */
  readonly places: Map<string, string>;
}

/** Reads all files and returns the valid ones. */
const readAll = async (
  { markdown, clock }: Importing,
  { folder, places }: Files,
  paths: readonly string[],
  fail: (path: string, reason: string) => void,
): Promise<MarkdownDocument[]> => {
  const documents = await Promise.all(
    paths.map(async (path) => {
      try {
        return { ...(await readMarkdownFile(markdown, folder, places.get(path) ?? path, clock.now())), path };
      } catch (error) {
        if (!(error instanceof MarkdownFileError)) throw error;
        fail(path, error.reason);
        return null;
      }
    }),
  );
  return documents.filter((document) => document !== null);
};

const pagesOf = (plan: ReadonlyMap<string, Planned>): PageIndex =>
  indexPages([...plan.values()].map(({ slug, ...page }) => ({ ...page, address: `/entries/${slug}` })));

/** Recognises the files that were renamed since the last import. */
const adoptRenamed = async (
  services: Importing,
  { files, root, plan }: { readonly files: Files; readonly root: string; readonly plan: ReadonlyMap<string, Planned> },
): Promise<ReadonlyMap<string, string>> => {
  const gone = await goneFrom(services, root, plan.keys());
  if (gone.size === 0) return new Map();
  const pages = pagesOf(plan);
  const fresh = [...plan.values()].filter(({ digest }) => digest === null).map(({ path }) => path);
  const prints = new Map<string, string>();
  for (const some of chunks(fresh, READ_AT_ONCE)) {
    for (const { path, content } of await readAll(services, files, some, () => undefined)) {
      const print = printOf((await rewriteLinks(services.markdown, content, path, pages)) ?? content);
      if (print !== null) prints.set(path, print);
    }
  }
  return await adoptRenamedFiles(services, root, gone, prints);
};

/** Reads every file once and assigns its slug: the one of its existing entry, or else a free one. */
const planAll = async (
  services: Importing,
  options: {
    readonly files: Files;
    readonly paths: readonly string[];
    readonly sourceOf: (path: string) => string;
    readonly fail: (path: string, reason: string) => void;
    readonly onProgress: (progress: ImportProgress) => void;
  },
): Promise<ReadonlyMap<string, Planned>> => {
  const { files, paths, sourceOf, fail, onProgress } = options;
  const found = new Map<string, Pick<MarkdownDocument, 'title' | 'aliases'>>();
  let done = 0;
  onProgress({ stage: 'reading', done, total: paths.length });
  for (const some of chunks(paths, READ_AT_ONCE)) {
    for (const { path, title, aliases } of await readAll(services, files, some, fail)) found.set(path, { title, aliases });
    done += some.length;
    onProgress({ stage: 'reading', done, total: paths.length });
  }

  const known = await findImported(services, [...found.keys()].map(sourceOf));
  const fresh = [...found].filter(([path]) => !known.has(sourceOf(path))).map(([, { title }]) => slugify(title));
  const nextSlug = await freeSlugs(services, new Set(fresh));
  return new Map(
    [...found].map(([path, page]) => {
      const entry = known.get(sourceOf(path)) ?? { slug: nextSlug(slugify(page.title)), digest: null };
      return [path, { path, ...page, ...entry }];
    }),
  );
};

const findImported = async (
  { db }: Pick<Services, 'db'>,
  sources: readonly string[],
): Promise<ReadonlyMap<string, { readonly slug: string; readonly digest: string | null }>> => {
  const found = new Map<string, { slug: string; digest: string | null }>();
  for (const some of chunks(sources, LOOKUP_KEYS)) {
    const rows = await db.prisma.$queryRaw<{ source: string; slug: string; digest: string | null }[]>`
      SELECT source, slug, source_digest AS digest FROM entry WHERE source = ANY (${some}::text[])`;
    for (const { source, slug, digest } of rows) found.set(source, { slug, digest });
  }
  return found;
};

/**
 * Assigns slugs that neither an entry nor another file of this import has: `base`, then `base-2` and so on. The slugs in use are loaded
 * together, so a thousand files of the same name do not cost a statement each.
 */
const freeSlugs = async ({ db }: Pick<Services, 'db'>, bases: ReadonlySet<string>): Promise<(base: string) => string> => {
  const rows = await db.prisma.$queryRaw<{ slug: string }[]>`
    SELECT slug FROM entry WHERE slug = ANY (${[...bases]}::text[]) OR regexp_replace(slug, '-[0-9]+$', '') = ANY (${[...bases]}::text[])`;
  const taken = new Set(rows.map(({ slug }) => slug));
  const next = new Map<string, number>();
  return (base) => {
    for (let number = next.get(base) ?? 1; ; number += 1) {
      const slug = number === 1 ? base : `${base}-${number}`;
      // The numbered slug may be the base of another file, such as `guide-2.md`.
      if (taken.has(slug) || (number > 1 && bases.has(slug))) continue;
      taken.add(slug);
      next.set(base, number + 1);
      return slug;
    }
  };
};

const rowOf = ({ path, title, content, tags, category, isPublic }: MarkdownDocument, slug: string, source: string): Row => {
  const digest = createHash('sha256')
    .update(JSON.stringify([title, content, tags, category, isPublic]))
    .digest('hex');
  return { path, source, digest, slug, title, content, tags, category, isPublic };
};

interface Written {
  created: number;
  updated: number;
  /** Rows that a concurrent import has already written. */
  unchanged: number;
}

const add = (total: Written, more: Readonly<Written>): void => {
  total.created += more.created;
  total.updated += more.updated;
  total.unchanged += more.unchanged;
};

/** Writes rows in one statement; when that fails, one by one, so that only the invalid rows fail. */
const createWriter = (
  services: Importing,
  authorId: string,
  fail: (path: string, reason: string) => void,
): ((rows: readonly Row[]) => Promise<Written>) => {
  const { db, clock } = services;
  const categoryIds = new Map<string, string>();
  const categoryIdOf = async (name: string): Promise<string> => {
    const key = nameKey(name);
    const id = categoryIds.get(key) ?? (await findOrCreateCategory(services, name)).id;
    categoryIds.set(key, id);
    return id;
  };

  const upsert = async (rows: readonly Row[]): Promise<Written> => {
    const records: (Omit<Row, 'path' | 'category'> & {
      readonly id: string;
      readonly tagKeys: string[];
      readonly categoryId: string | null;
    })[] = [];
    for (const { path: _path, category, ...row } of rows) {
      records.push({
        ...row,
        ...tagColumns(row.tags),
        id: uuid7(clock.now()),
        categoryId: category === null ? null : await categoryIdOf(category),
      });
    }
    const written = await db.transact(async (tx) => {
      const before = await tx.$queryRaw<(Listed & { readonly source: string })[]>`
        SELECT source, ${LISTED} FROM entry WHERE source = ANY (${records.map(({ source }) => source)}::text[]) ORDER BY id FOR NO KEY UPDATE`;
      const after = await write(tx, records);
      tx.enqueue(renderMissingTask, {}, { key: renderMissingTask.name });
      const known = new Map(before.map((entry) => [entry.id, entry]));
      for (const entry of after) {
        if (entry.version === 1) tellAdded(tx, entry);
        else tellChanged(tx, known.get(entry.id) ?? entry, entry);
      }
      return after;
    });
    const created = written.filter(({ version }) => version === 1).length;
    return { created, updated: written.length - created, unchanged: rows.length - written.length };
  };

  const write = (tx: Tx, records: readonly object[]): Promise<(Listed & { readonly version: number })[]> => {
    const now = new Date(clock.now());
    // json is used because jsonb is limited to 256 MB. An existing entry keeps its slug and author.
    return tx.$queryRaw`
      INSERT INTO entry (
        id, title, slug, content, tags, tag_keys, is_public, author_id, editor_id, category_id, source, source_digest, created_at, updated_at
      )
      SELECT id, title, slug, content, tags, "tagKeys", "isPublic", ${authorId}::uuid, ${authorId}::uuid, "categoryId", source, digest, ${now}, ${now}
      FROM json_to_recordset(${JSON.stringify(records)}::json) AS record(
        id uuid, title text, slug text, content text, tags text[], "tagKeys" text[], "isPublic" boolean, "categoryId" uuid, source text, digest text
      )
      ON CONFLICT (source) DO UPDATE SET
        title = excluded.title, content = excluded.content, tags = excluded.tags, tag_keys = excluded.tag_keys, is_public = excluded.is_public,
        category_id = excluded.category_id, editor_id = excluded.editor_id, source_digest = excluded.source_digest,
        version = entry.version + 1, updated_at = excluded.updated_at
      WHERE entry.source_digest IS DISTINCT FROM excluded.source_digest
      RETURNING version, ${LISTED}`;
  };

  const writeOne = async (row: Row): Promise<Written> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await upsert([attempt === 1 ? row : { ...row, slug: randomSlug(row.slug) }]);
      } catch (error) {
        if (isUnavailable(error)) throw error;
        // The slug was taken after the plan was made. Links to it are corrected by the next import.
        if (attempt < SLUG_ATTEMPTS && isUniqueViolation(error, 'slug')) continue;
        fail(row.path, `the database refuses it: ${lastLine(error)}`);
        return { created: 0, updated: 0, unchanged: 0 };
      }
    }
  };

  return async (rows) => {
    if (rows.length === 0) return { created: 0, updated: 0, unchanged: 0 };
    try {
      return await upsert(rows);
    } catch (error) {
      if (isUnavailable(error)) throw error;
      // A cached category may have been deleted.
      categoryIds.clear();
    }
    const total = { created: 0, updated: 0, unchanged: 0 };
    for (const row of rows) add(total, await writeOne(row));
    return total;
  };
};

/** The last line of a Prisma error is the database's own message. */
const lastLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).trim().split('\n').at(-1)?.slice(0, 300) ?? '';
