import { parse as parseToml } from 'smol-toml';
import { parseDocument } from 'yaml';
import { lowerCase, withoutTwins } from '../../texts/names.js';
import { MARK_NAMES, privateMarks } from './private-marks.js';

export const TITLE_MAX = 200;
export const CATEGORY_MAX = 80;
const TAG_MAX = 40;
const TAGS_MAX = 20;
const ALIASES_MAX = 50;

/** The longest front matter in characters. YAML of this length is parsed in less than a tenth of a second, however deep its nesting. */
const FRONT_MATTER_MAX = 20_000;

/** What is used of front matter; null where it says nothing. */
export interface FrontMatter {
  readonly title: string | null;
  readonly category: string | null;
  readonly tags: string[];
  /** Other names, by which links may call the page. */
  readonly aliases: readonly string[];
  /** By what its author has kept it back, such as `draft: true`; empty where nothing says so. */
  readonly marks: readonly string[];
}

export interface SplitText {
  readonly frontMatter: FrontMatter;
  readonly body: string;
  /** What of the front matter was left out, and why. */
  readonly notes: readonly string[];
}

/** The values of front matter, by their names in lower case. */
type Values = Map<string, unknown>;
type Note = (note: string) => void;

/** PostgreSQL cannot store NUL and lone surrogates; other control characters do not belong in a name. */
const UNPRINTABLE = /\p{Cc}|\p{Surrogate}/u;

// ---------------------------------------------------------------- values

const isPlain = (value: unknown): value is string | number | boolean | bigint =>
  ['string', 'number', 'boolean', 'bigint'].includes(typeof value);

/** A value on one line; null for nothing, and for what is no text. */
const lineOf = (value: unknown, name: string, note: Note): string | null => {
  if (value === null || value === undefined) return null;
  const plain = value instanceof Date ? value.toISOString() : value;
  if (!isPlain(plain)) {
    note(`${name} is not a text`);
    return null;
  }
  const text = String(plain).normalize('NFC').replace(/\s+/g, ' ').trim();
  if (UNPRINTABLE.test(text)) {
    note(`${name} has control characters`);
    return null;
  }
  return text === '' ? null : text;
};

const textOf = (value: unknown, name: string, max: number, note: Note): string | null => {
  const text = lineOf(value, name, note);
  if (text === null || text.length <= max) return text;
  note(`${name} is longer than ${max} characters`);
  return null;
};

/** A title is cut rather than left out: the page would be called by the name of its file. */
const titleOf = (value: unknown, note: Note): string | null => {
  const text = lineOf(value, 'title', note);
  if (text === null || text.length <= TITLE_MAX) return text;
  note(`title is cut to ${TITLE_MAX} characters`);
  return text
    .slice(0, TITLE_MAX)
    .replace(/[\ud800-\udbff]$/, '')
    .trim();
};

/** The items of a list, or of a text that stands for one. */
const itemsOf = (value: unknown, separator: (text: string) => RegExp): readonly unknown[] => {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value as readonly unknown[];
  return typeof value === 'string' ? value.split(separator(value)).filter((part) => part.trim() !== '') : [value];
};

/** Some write `a, b`, some `a b`. */
const ofTags = (text: string): RegExp => (text.includes(',') ? /,/ : /\s+/);
const ofNames = (): RegExp => /,/;

const tagsOf = (given: readonly unknown[], note: Note): string[] => {
  const tags: string[] = [];
  for (const each of given) {
    const line = lineOf(each, 'a tag', note)?.replace(/^#+/, '').trim();
    const tag = line === undefined ? undefined : lowerCase(line);
    if (tag === undefined || tag === '') {
      if (each === null || each === '' || tag === '') note('a tag is empty');
    } else if (tag.length > TAG_MAX) note(`a tag is longer than ${TAG_MAX} characters: ${tag.slice(0, TAG_MAX)}…`);
    else tags.push(tag);
  }
  const different = withoutTwins(tags);
  if (different.length > TAGS_MAX) note(`there are more than ${TAGS_MAX} tags: the rest is left out`);
  return different.slice(0, TAGS_MAX);
};

/** What the rest of the import uses of the values. */
const read = (values: Values, now: number, note: Note): FrontMatter => {
  const [category = null, ...further] = ['category', 'categories']
    .flatMap((name) => itemsOf(values.get(name), ofNames))
    .map((each) => textOf(each, 'a category', CATEGORY_MAX, note))
    .filter((each) => each !== null);
  const named = ['tags', 'tag'].flatMap((name) => itemsOf(values.get(name), ofTags));
  const aliases = ['aliases', 'alias']
    .flatMap((name) => itemsOf(values.get(name), ofNames))
    .map((each) => textOf(each, 'an alias', TITLE_MAX, note))
    .filter((each) => each !== null);
  const tags = tagsOf([...named, ...further], note);
  return {
    title: titleOf(values.get('title'), note),
    category,
    tags,
    aliases: aliases.slice(0, ALIASES_MAX),
    marks: privateMarks(values, tags, now),
  };
};

// ---------------------------------------------------------------- YAML and TOML

/** How front matter is written. */
interface Language {
  readonly name: string;
  readonly opening: RegExp;
  readonly closing: RegExp;
  /** A line that begins a value: its name and what follows. */
  readonly line: RegExp;
  /** @returns what is written; anything but a mapping is no front matter. @throws when it is not valid */
  readonly parse: (source: string) => unknown;
}

const YAML: Language = {
  name: 'YAML',
  opening: /^---[ \t]*\r?\n/,
  closing: /^(?:---|\.\.\.)[ \t]*(?:\r?\n|$)/m,
  line: /^(["']?)([\p{L}_][\p{L}\p{N}_. -]*)\1[ \t]*:(?:[ \t]+(.*))?$/u,
  parse: (source) => {
    // In this schema values such as `1.10`, `2026-01-01` and `yes` remain texts; only null and true/false are converted.
    const document = parseDocument(source, { schema: 'failsafe', customTags: ['null', 'bool'], logLevel: 'silent', uniqueKeys: false });
    const [error] = document.errors;
    if (error !== undefined) throw error;
    return document.toJS({ mapAsMap: true, maxAliasCount: 20 }) as unknown;
  },
};

const TOML: Language = {
  name: 'TOML',
  opening: /^\+\+\+[ \t]*\r?\n/,
  closing: /^\+\+\+[ \t]*(?:\r?\n|$)/m,
  line: /^(["']?)([\p{L}_][\p{L}\p{N}_.-]*)\1[ \t]*=[ \t]*(.*)$/u,
  parse: (source) => {
    const { taxonomies, ...values } = parseToml(source);
    // Zola has tags and categories in a table of their own.
    const { tags, categories } = (typeof taxonomies === 'object' ? taxonomies : {}) as {
      readonly tags?: unknown;
      readonly categories?: unknown;
    };
    return new Map<string, unknown>(Object.entries({ tags, categories, ...values }));
  },
};

/** Those by whose name a value is used, or keeps a page back; the rest of front matter that is not valid is not looked at. */
const isUsed = (name: string): boolean =>
  /^(?:title|categor(?:y|ies)|tags?|alias(?:es)?)$/i.test(name) || MARK_NAMES.has(name.toLowerCase());

/** Reads front matter that is not valid as a whole value by value. */
const salvage = (source: string, { line, parse, name: language }: Language, note: Note): Values => {
  const values: Values = new Map();
  const lines = source.split(/\r?\n/);
  for (let at = 0; at < lines.length; at += 1) {
    const [, , name, rest = ''] = line.exec(lines[at] ?? '') ?? [];
    if (name === undefined || !isUsed(name)) continue;
    let end = at + 1;
    // What belongs to it is indented, or a list below it.
    while (end < lines.length && /^(?:[ \t]+\S|- |\])/.test(lines[end] ?? '')) end += 1;
    try {
      const parsed = parse(lines.slice(at, end).join('\n'));
      for (const [key, value] of parsed instanceof Map ? (parsed as ReadonlyMap<unknown, unknown>) : [])
        if (typeof key === 'string') values.set(key.toLowerCase(), value);
    } catch {
      // `title: Notes: part one` is no YAML, and what its author has meant is plain. Nor is a mark ignored because it is written badly.
      values.set(name.toLowerCase(), /^title$/i.test(name) || MARK_NAMES.has(name.toLowerCase()) ? rest.trim() : null);
      if (!/^title$/i.test(name)) note(`${name} is not valid ${language}`);
    }
  }
  return values;
};

/** The values of front matter; null for what is none, such as a text between two thematic breaks. */
const valuesOf = (source: string, language: Language, note: Note): Values | null => {
  if (source.length > FRONT_MATTER_MAX) {
    note(`it is longer than ${FRONT_MATTER_MAX} characters: only what is needed is read`);
    return salvage(source, language, () => undefined);
  }
  // A heading between two breaks looks like a comment.
  if (/^\s*\n\s*#/.test(source)) return null;
  let parsed: unknown;
  try {
    parsed = language.parse(source) ?? new Map<unknown, unknown>();
  } catch (error) {
    const [reason = ''] = (error instanceof Error ? error.message : String(error)).split('\n', 1);
    note(`it is not valid ${language.name}, and what can be read of it is used: ${reason.slice(0, 200)}`);
    return salvage(source, language, note);
  }
  if (!(parsed instanceof Map)) return null;
  const values: Values = new Map();
  for (const [key, value] of parsed as ReadonlyMap<unknown, unknown>) if (typeof key === 'string') values.set(key.toLowerCase(), value);
  // A sentence with a colon between two breaks is no front matter.
  return parsed.size > 0 && [...values.keys()].every((key) => /\s/.test(key)) ? null : values;
};

const NOTHING: FrontMatter = { title: null, category: null, tags: [], aliases: [], marks: [] };

/**
 * Splits a text into front matter and body: YAML between a first line `---` and the next line `---` or `...`, TOML between `+++`. Without, or when the
 * first line is not closed or what follows is no mapping (a thematic break), the body is the whole text. Names are read in any case. What is not valid
 * is left out and noted; what its author has marked as kept back is so however badly it is written.
 * @param now in milliseconds since 1970, for pages that are to be published later
 */
export const splitFrontMatter = (text: string, now: number): SplitText => {
  for (const language of [YAML, TOML]) {
    const opening = language.opening.exec(text);
    if (opening === null) continue;
    const rest = text.slice(opening[0].length);
    const closing = language.closing.exec(rest);
    if (closing === null) break;
    const notes = new Set<string>();
    const note = (what: string): void => void notes.add(`in the front matter, ${what}`);
    const values = valuesOf(rest.slice(0, closing.index), language, note);
    if (values === null) break;
    return { frontMatter: read(values, now, note), body: rest.slice(closing.index + closing[0].length), notes: [...notes] };
  }
  return { frontMatter: NOTHING, body: text, notes: [] };
};
