import type { Dirent } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, posix, relative, sep } from 'node:path';
import type { Markdown } from '../../context.js';
import { decodeText, type DecodedText } from './decode-text.js';
import { CATEGORY_MAX, splitFrontMatter, TITLE_MAX } from './front-matter.js';
import { hasCode } from '../../observability/failures.js';
import { MARKDOWN_MAX } from '../../markdown/limits.js';
import { MARKDOWN_NAME } from './page-index.js';
import { markOfPath, whyLeftOut } from './private-marks.js';

export { rewriteLinks } from './markdown-links.js';

/** A valid Markdown file. */
export interface MarkdownDocument {
  /** Relative to the folder of the import, with forward slashes. */
  readonly path: string;
  /** One line of 1 to 200 characters. */
  readonly title: string;
  /** The Markdown without byte order mark and front matter: up to 200,000 characters, with the line ends of the file; empty where there is nothing but front matter. */
  readonly content: string;
  /** Lower case, without duplicates, in the order of the file: at most 20 of 1 to 40 characters. */
  readonly tags: string[];
  /** Other names, by which links may call the page. */
  readonly aliases: readonly string[];
  /** The name of a category, at most 80 characters; null for a file in the root folder that names none. */
  readonly category: string | null;
  readonly isPublic: boolean;
  /** What was left out of the file, and by what it was kept private. */
  readonly notes: readonly string[];
}

/** A file (for {@link scanMarkdown} also the folder itself) that cannot be imported, with the reason. */
export class MarkdownFileError extends Error {
  override readonly name = 'MarkdownFileError';
  readonly path: string;
  readonly reason: string;

  constructor(path: string, reason: string, cause?: unknown) {
    super(`${path}: ${reason}`, { cause });
    this.path = path;
    this.reason = reason;
  }
}

/** The largest file: a UTF-16 unit takes at most three bytes of UTF-8, and the rest is for the front matter. */
const FILE_MAX_BYTES = 3 * MARKDOWN_MAX + 65_536;

const unreadable = (error: unknown): string => {
  if (hasCode(error, 'ENOENT')) return 'does not exist';
  return `cannot be read (${error instanceof Error && 'code' in error ? String(error.code) : String(error)})`;
};

/** The real path of `path`; null when it lies outside the folder. */
const insideOf = async (root: string, path: string): Promise<string | null> => {
  const real = await realpath(join(root, path));
  const fromRoot = relative(root, real);
  return fromRoot === '..' || fromRoot.startsWith(`..${sep}`) || isAbsolute(fromRoot) ? null : real;
};

const isLinkedFile = async (root: string, path: string): Promise<boolean> => {
  const real = await insideOf(root, path);
  return real !== null && (await stat(real)).isFile();
};

/** Texts that are like Markdown, and have what is not. */
const OTHER_DIALECT = /\.(?:mdx|rmd|qmd|mdoc|markdoc|adoc|rst|org)$/i;

/** Orders by code units, independent of the locale. */
const byName = (a: Dirent, b: Dirent): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

/**
 * Yields the Markdown files (`.md` and `.markdown`, in any case) below a folder, relative to it with forward slashes, depth first and
 * ordered by name. Folders of programs and what was thrown away are left out, and what is written in another dialect; that is told to `onLeftOut`. Links to folders are not followed, which prevents cycles: their targets are found by themselves or
 * lie outside. Links to files are followed when the target lies inside the folder. Unreadable subfolders and broken links are skipped and
 * reported to `onProblem`.
 *
 * @throws MarkdownFileError when the folder itself cannot be read
 */
export async function* scanMarkdown(
  folder: string,
  onProblem: (path: string, reason: string) => void = () => {},
  onLeftOut: (path: string, reason: string) => void = () => {},
): AsyncGenerator<string, void, undefined> {
  const open = async (path: string): Promise<Dirent[]> =>
    (await readdir(join(folder, path), { withFileTypes: true })).sort(byName).reverse();

  let root: string;
  // A stack: each folder pushes its entries in reverse order.
  const stack: { path: string; entry: Dirent }[] = [];
  try {
    root = await realpath(folder);
    for (const entry of await open('')) stack.push({ path: entry.name, entry });
  } catch (error) {
    throw new MarkdownFileError(folder, unreadable(error), error);
  }

  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { path, entry } = next;
    try {
      if (entry.isDirectory()) {
        const why = whyLeftOut(entry.name);
        if (why !== null) {
          onLeftOut(`${path}/`, why);
          continue;
        }
        for (const child of await open(path)) stack.push({ path: `${path}/${child.name}`, entry: child });
      } else if (MARKDOWN_NAME.test(entry.name)) {
        if (entry.isFile() || (entry.isSymbolicLink() && (await isLinkedFile(root, path)))) yield path;
      } else if (OTHER_DIALECT.test(entry.name)) {
        onLeftOut(path, 'is not Markdown alone');
      }
    } catch (error) {
      onProblem(path, unreadable(error));
    }
  }
}

const oneLine = (text: string, max: number): string => {
  const line = text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
  // The cut must not split a surrogate pair, since PostgreSQL cannot store half of one.
  return line
    .slice(0, max)
    .replace(/[\ud800-\udbff]$/, '')
    .trim();
};

/** Turns a file name into a title: `getting-started` becomes `Getting started`; a name of punctuation only is unchanged. */
const humanise = (name: string, max: number): string => {
  const words = oneLine(name.replace(/[-_]+/g, ' ').replace(/^[\s.]+/, ''), max);
  return words === '' ? oneLine(name, max) : words.replace(/^\p{Ll}/u, (first) => first.toUpperCase());
};

const folderCategory = (path: string): string | null => {
  const slash = path.indexOf('/');
  return slash === -1 ? null : humanise(path.slice(0, slash).normalize('NFC'), CATEGORY_MAX) || null;
};

/** The files that stand for their folder. */
const FOLDER_PAGE = /^(?:_?index|readme)$/i;

const fileTitle = (path: string): string => {
  const name = posix.basename(path);
  const bare = name.replace(MARKDOWN_NAME, '');
  const folder = posix.basename(posix.dirname(path));
  return (
    humanise((FOLDER_PAGE.test(bare) && folder !== '.' ? folder : bare).normalize('NFC'), TITLE_MAX) ||
    oneLine(name, TITLE_MAX) ||
    'Untitled'
  );
};

const readText = async (folder: string, path: string): Promise<DecodedText> => {
  let bytes: Buffer;
  try {
    const real = await insideOf(await realpath(folder), path);
    if (real === null) throw new MarkdownFileError(path, 'lies outside the folder');
    // The check comes before opening, because opening a named pipe would block for ever.
    const stats = await stat(real);
    if (!stats.isFile()) throw new MarkdownFileError(path, 'is not a file');
    if (stats.size > FILE_MAX_BYTES) throw new MarkdownFileError(path, `is longer than ${MARKDOWN_MAX} characters`);
    bytes = await readFile(real);
  } catch (error) {
    throw error instanceof MarkdownFileError ? error : new MarkdownFileError(path, unreadable(error), error);
  }
  const decoded = decodeText(bytes);
  if (decoded === null) throw new MarkdownFileError(path, 'is not a text in any encoding that is known');
  // A file with NUL is not a text, and PostgreSQL could not store it.
  if (decoded.text.includes('\0')) throw new MarkdownFileError(path, 'is not a text: it has NUL characters');
  return decoded;
};

/** What is to be said of the encoding of a file; null for UTF-8. */
const noteOf = ({ encoding, isGuessed }: DecodedText): string | null => {
  if (encoding === 'utf-8') return isGuessed ? 'has bytes that are not UTF-8, which are shown as \ufffd' : null;
  return isGuessed ? `is read as ${encoding}, which is a guess: it is not UTF-8` : `is read as ${encoding}`;
};

/**
 * Reads a Markdown file for import. The title comes from the front matter, or else from the first heading of the first level, or else from the file's name.
 * The category comes from the front matter, or else from the first folder of the path. It is public unless its author has kept it back.
 * @param now in milliseconds since 1970
 * @throws MarkdownFileError when the file cannot be read, is no text, is empty or longer than an entry may be; nothing of such a file may be imported
 */
export const readMarkdownFile = async (
  { firstHeading }: Pick<Markdown, 'firstHeading'>,
  folder: string,
  path: string,
  now: number,
): Promise<MarkdownDocument> => {
  const decoded = await readText(folder, path);
  const { text } = decoded;
  if (text.trim() === '') throw new MarkdownFileError(path, 'is empty');
  const { frontMatter, body, notes } = splitFrontMatter(text, now);
  if (body.length > MARKDOWN_MAX) throw new MarkdownFileError(path, `is longer than ${MARKDOWN_MAX} characters`);
  const ofPath = markOfPath(path);
  const marks = ofPath === null ? frontMatter.marks : [...frontMatter.marks, ofPath];
  return {
    path,
    title: frontMatter.title ?? (oneLine((await firstHeading(body)) ?? '', TITLE_MAX) || fileTitle(path)),
    content: body.trim() === '' ? '' : body,
    tags: frontMatter.tags,
    aliases: frontMatter.aliases,
    category: frontMatter.category ?? folderCategory(path),
    isPublic: marks.length === 0,
    notes: [
      ...[noteOf(decoded)].filter((note) => note !== null),
      ...(marks.length === 0 ? [] : [`is private: its author has kept it back (${marks.join(', ')})`]),
      ...notes,
    ],
  };
};
