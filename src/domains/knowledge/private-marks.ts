/*
 * By what authors keep a page back, in the habits of Obsidian, Hugo, Jekyll, Docusaurus, Astro, Hexo, Zola and WordPress's exports. Whoever imports a folder is
 * never to publish what stood there as a draft: where it is unclear, a page is private.
 */

/** Kept back when they are true, or anything that is not plainly false. */
const WHEN_TRUE = [
  'draft',
  'private',
  'hidden',
  'unlisted',
  'unpublished',
  'exclude',
  'excluded',
  'nopublish',
  'isdraft',
  'is_draft',
  'isprivate',
  'is_private',
  'secret',
];
/** Kept back when they are false. */
const WHEN_FALSE = [
  'publish',
  'published',
  'public',
  'ispublic',
  'is_public',
  'ispublished',
  'is_published',
  'dg-publish',
  'share',
  'visible',
  'listed',
];
/** Kept back by words. */
const BY_WORD = ['status', 'state', 'access', 'stage', 'post_status', 'publish_status'];
const WORDS: ReadonlySet<string> = new Set([
  'draft',
  'drafts',
  'private',
  'hidden',
  'unpublished',
  'unlisted',
  'internal',
  'wip',
  'pending',
  'review',
  'in review',
  'trash',
  'secret',
  'confidential',
  'restricted',
]);
/** Tags that say the same. */
const TAGS: ReadonlySet<string> = new Set(['draft', 'private', 'unpublished', 'nopublish', 'secret']);
/** Folders of the path that say the same. */
const FOLDERS: ReadonlySet<string> = new Set(['_drafts', 'drafts', '_private', 'private', '_unpublished']);

const FALSE: ReadonlySet<string> = new Set(['false', 'no', 'off', '0', 'n', '']);
const textOf = (value: unknown): string => {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? 'set' : `${value as string | number | boolean}`.trim().toLowerCase();
};

/** A time that is said; null for none. */
const timeOf = (value: unknown): number | null => {
  const time = value instanceof Date ? value.getTime() : typeof value === 'string' ? Date.parse(value) : NaN;
  return Number.isNaN(time) ? null : time;
};

/**
 * The marks in front matter by which its author keeps a page back, as they are to be told.
 * @param values by their names in lower case
 * @param tags in lower case
 * @param now in milliseconds since 1970
 */
export const privateMarks = (values: ReadonlyMap<string, unknown>, tags: readonly string[], now: number): readonly string[] => {
  const marks: string[] = [];
  const said = (name: string): string => textOf(values.get(name));
  const note = (name: string): void => void marks.push(`${name}: ${said(name).slice(0, 40)}`);
  for (const name of WHEN_TRUE) if (values.has(name) && !FALSE.has(said(name))) note(name);
  for (const name of WHEN_FALSE) if (values.has(name) && said(name) !== '' && FALSE.has(said(name))) note(name);
  for (const name of BY_WORD) if (WORDS.has(said(name))) note(name);
  if (!['', 'public'].includes(said('visibility'))) note('visibility');
  if (said('password') !== '') marks.push('password');
  for (const name of ['publishdate', 'publish_date']) if ((timeOf(values.get(name)) ?? now) > now) note(name);
  for (const name of ['expirydate', 'expiry_date']) if ((timeOf(values.get(name)) ?? Infinity) <= now) note(name);
  for (const tag of tags) if (TAGS.has(tag)) marks.push(`tag ${tag}`);
  return marks;
};

/** The names of values that may be marks, in lower case. */
export const MARK_NAMES: ReadonlySet<string> = new Set([
  ...[...WHEN_TRUE, ...WHEN_FALSE, ...BY_WORD],
  ...['visibility', 'password', 'publishdate', 'publish_date', 'expirydate', 'expiry_date'],
]);

/** The mark in the path of a file: a folder of drafts, `name.draft.md`, or a name that begins with `_`; null for none. */
export const markOfPath = (path: string): string | null => {
  const names = path.split('/');
  const file = names.pop() ?? '';
  const folder = names.find((name) => FOLDERS.has(name.toLowerCase()));
  if (folder !== undefined) return `the folder ${folder}`;
  if (/\.(?:draft|private)\.[^.]+$/i.test(file)) return `its name ${file}`;
  return /^_(?!index\.)/i.test(file) ? `its name ${file}` : null;
};

/** Folders that hold no pages of an author; with what they are. */
const OF_TOOLS: ReadonlyMap<string, string> = new Map([
  ['node_modules', 'installed packages'],
  ['bower_components', 'installed packages'],
  ['__pycache__', 'a cache'],
]);

/** Why a folder is not looked into; null for one that is. */
export const whyLeftOut = (folder: string): string | null => {
  if (folder === '.trash') return 'was thrown away';
  if (folder.startsWith('.')) return 'is hidden: it belongs to a program';
  const what = OF_TOOLS.get(folder);
  return what === undefined ? null : `holds ${what}`;
};
