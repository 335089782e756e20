import { parseDocument } from 'yaml';

export const TITLE_MAX = 200;
export const CATEGORY_MAX = 80;
const TAG_MAX = 40;
const TAGS_MAX = 20;

/** The longest front matter in characters. YAML of this length is parsed in less than a tenth of a second, however deep its nesting. */
const FRONT_MATTER_MAX = 20_000;

/** The fields of the front matter; null where a field is absent. */
export interface FrontMatter {
  readonly title: string | null;
  readonly category: string | null;
  readonly tags: string[];
  readonly isPublic: boolean;
}

/** Invalid front matter; the message says what is wrong. */
export class FrontMatterError extends Error {
  override readonly name = 'FrontMatterError';
}

/** PostgreSQL cannot store NUL and lone surrogates; other control characters do not belong in a name. */
const UNPRINTABLE = /\p{Cc}|\p{Surrogate}/u;

const textOf = (value: unknown, name: string, max: number): string | null => {
  if (value === null || value === undefined) return null;
  if (typeof value !== 'string') throw new FrontMatterError(`${name} in the front matter is not a text`);
  const text = value.replace(/\s+/g, ' ').trim();
  if (text.length > max) throw new FrontMatterError(`${name} in the front matter is longer than ${max} characters`);
  if (UNPRINTABLE.test(text)) throw new FrontMatterError(`${name} in the front matter has control characters`);
  return text === '' ? null : text;
};

const tagsOf = (value: unknown): string[] => {
  if (value === null || value === undefined) return [];
  if (typeof value !== 'string' && !Array.isArray(value)) {
    throw new FrontMatterError('tags in the front matter are neither a list nor a text');
  }
  const parts: unknown[] = typeof value === 'string' ? value.split(',').filter((part) => part.trim() !== '') : value;
  const tags = new Set<string>();
  for (const part of parts) {
    const tag = textOf(part, 'a tag', TAG_MAX)?.toLowerCase();
    if (tag === undefined) throw new FrontMatterError('a tag in the front matter is empty');
    // Lower case may be longer: `İ` becomes two characters.
    if (tag.length > TAG_MAX) {
      throw new FrontMatterError(`a tag in the front matter is longer than ${TAG_MAX} characters`);
    }
    tags.add(tag);
  }
  if (tags.size > TAGS_MAX) throw new FrontMatterError(`there are more than ${TAGS_MAX} tags in the front matter`);
  return [...tags];
};

/** The visibility must be one of the two words, so that a typing error never makes an entry public. */
const isPublicOf = (value: unknown): boolean => {
  const visibility = textOf(value, 'visibility', TITLE_MAX)?.toLowerCase() ?? 'public';
  if (visibility !== 'public' && visibility !== 'private') {
    throw new FrontMatterError('visibility in the front matter is neither public nor private');
  }
  return visibility === 'public';
};

const parse = (source: string): unknown => {
  try {
    // In this schema values such as `1.10`, `2026-01-01` and `yes` remain texts; only null and true/false are converted.
    const document = parseDocument(source, { schema: 'failsafe', customTags: ['null', 'bool'], logLevel: 'silent' });
    const [error] = document.errors;
    if (error !== undefined) throw error;
    return document.toJS({ mapAsMap: true, maxAliasCount: 20 });
  } catch (error) {
    const message = error instanceof Error ? (error.message.split('\n', 1)[0] ?? '').slice(0, 200) : String(error);
    throw new FrontMatterError(`the front matter is not valid YAML: ${message}`);
  }
};

/**
 * Splits a text into front matter (YAML between a first line `---` and the next line `---` or `...`) and body. Without front matter, or
 * when the first `---` is not closed (a thematic break), the front matter is null and the body is the whole text. Keys are
 * case-insensitive; keys other than title, category, tags and visibility are ignored.
 *
 * @throws FrontMatterError when it is not a YAML mapping or a value is invalid
 */
export const splitFrontMatter = (text: string): { frontMatter: FrontMatter | null; body: string } => {
  const opening = /^---[ \t]*\r?\n/.exec(text);
  if (opening === null) return { frontMatter: null, body: text };
  const afterOpening = text.slice(opening[0].length);
  const closing = /^(?:---|\.\.\.)[ \t]*(?:\r?\n|$)/m.exec(afterOpening);
  if (closing === null) return { frontMatter: null, body: text };

  const source = afterOpening.slice(0, closing.index);
  if (source.length > FRONT_MATTER_MAX) {
    throw new FrontMatterError(`the front matter is longer than ${FRONT_MATTER_MAX} characters`);
  }
  const parsed = parse(source) ?? new Map<unknown, unknown>();
  if (!(parsed instanceof Map)) throw new FrontMatterError('the front matter is not a mapping of names to values');
  const values = new Map<string, unknown>();
  for (const [key, value] of parsed) if (typeof key === 'string') values.set(key.toLowerCase(), value);
  return {
    frontMatter: {
      title: textOf(values.get('title'), 'title', TITLE_MAX),
      category: textOf(values.get('category'), 'category', CATEGORY_MAX),
      tags: tagsOf(values.get('tags')),
      isPublic: isPublicOf(values.get('visibility')),
    },
    body: afterOpening.slice(closing.index + closing[0].length),
  };
};
