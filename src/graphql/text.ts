import { z } from 'zod';
import type { FieldError } from '../errors.js';

/**
 * Characters that are refused in every text: C0 and C1 controls except tab and line feed, and the controls that change the direction of
 * writing.
 */
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/u;

/**
 * Matches a character that shows something. Joiners, fillers and the Braille blank are at most a gap: a text of nothing else would look
 * empty.
 */
const VISIBLE = /(?![\p{Default_Ignorable_Code_Point}\u2800])[\p{L}\p{N}\p{P}\p{S}]/u;

/** The length of a text in code points. */
export const lengthOf = (value: string): number => [...value].length;

/** Validates a text that a machine has made, such as a token: nothing but its length. @param max in UTF-16 units */
export const upTo = (max: number) => z.string().max(max, `Must have at most ${max} characters.`);

/** A field error without its path. */
type Mistake = Omit<FieldError, 'path'>;

export const tooLong = (max: number, length: number): Mistake => ({
  code: 'TOO_LONG',
  message: `Must have at most ${max} characters; has ${length}.`,
  params: { max, length },
});

const tooShort = (min: number, length: number): Mistake => ({
  code: 'TOO_SHORT',
  message: min === 1 ? 'Must not be empty.' : `Must have at least ${min} characters.`,
  params: { min, length },
});

/** Wraps a field error as a zod issue; {@link mistakesOf} unwraps it. */
export const issueOf = ({ message, ...params }: Mistake) => ({ code: 'custom' as const, message, params });

interface TextOptions {
  readonly singleLine?: boolean;
  /** What of its ends goes. */
  readonly trim?: (value: string) => string;
}

/**
 * Validates a text of `min` to `max` code points. It is trimmed, CRLF becomes LF and what has several forms in Unicode takes that of NFC before counting. A
 * text that is not empty must contain a visible character.
 * @param options.singleLine refuses line feeds and tabs as well
 */
export const text = (min: number, max: number, options: TextOptions = {}) =>
  z
    .string()
    .transform((value) => (options.trim ?? trimmed)(value.normalize('NFC').replaceAll('\r\n', '\n')))
    .superRefine((value, issue) => {
      const length = lengthOf(value);
      if (length < min) issue.addIssue(issueOf(tooShort(min, length)));
      if (length > max) issue.addIssue(issueOf(tooLong(max, length)));
      if (CONTROLS.test(value) || (options.singleLine === true && /[\n\t]/.test(value)) || !value.isWellFormed()) {
        issue.addIssue(issueOf({ code: 'INVALID_CHARACTERS', message: 'Must not contain control characters.' }));
      } else if (min > 0 && length > 0 && !VISIBLE.test(value)) {
        issue.addIssue(issueOf({ code: 'INVALID_CHARACTERS', message: 'Must have a visible character.' }));
      }
    });

const trimmed = (value: string): string => value.trim();

/** Without the blank lines at its ends: blanks in front of a line of Markdown make it code, or part of a list. */
const withoutBlankLines = (value: string): string => {
  const end = value.trimEnd().length;
  const begin = value.length - value.trimStart().length;
  if (begin >= end) return '';
  const newline = value.indexOf('\n', end);
  return value.slice(value.lastIndexOf('\n', begin) + 1, newline === -1 ? value.length : newline);
};

/** Validates a text of Markdown, of which only blank lines at the ends go. */
export const markdownText = (min: number, max: number) => text(min, max, { trim: withoutBlankLines });

/** Validates a list. Its items are validated only if their number is allowed, so that a list of 100,000 invalid items gives one error. */
export const list = <Item extends z.ZodType>(item: Item, max: number, message: string, min = 0) =>
  z.array(z.unknown()).min(min, 'Must name at least one.').max(max, message).pipe(z.array(item));

/** A `clientId`, under which a client may repeat a call. */
export const clientIdText = z.string().regex(/^[\x21-\x7e]{1,100}$/, 'Must be 1 to 100 printable ASCII characters.');

/** The part of a zod issue that is used here; issues of the Standard Schema interface have the same form. */
export interface Issue {
  readonly message: string;
  readonly path?: readonly unknown[] | undefined;
  readonly code?: unknown;
  readonly origin?: unknown;
  readonly minimum?: unknown;
  readonly maximum?: unknown;
  readonly params?: unknown;
}

/**
 * Converts zod issues to field errors.
 * @param at the path of the validated value, put before the path of each issue
 */
export const mistakesOf = (issues: readonly Issue[], ...at: readonly string[]): FieldError[] =>
  issues.map((issue) => {
    const path = [
      ...at,
      ...(issue.path ?? []).map((part) => String(typeof part === 'object' && part !== null && 'key' in part ? part.key : part)),
    ];
    return { path: path.join('.'), message: issue.message, ...kindOf(issue) };
  });

const kindOf = ({ code, origin, minimum, maximum, params }: Issue): Omit<Mistake, 'message'> => {
  const isList = origin === 'array';
  const isText = origin === 'string';
  if (code === 'custom') {
    const { code: given, params: details } = (params ?? {}) as Partial<Mistake>;
    return { code: given ?? 'INVALID_FORMAT', ...(details === undefined ? {} : { params: details }) };
  }
  if (code === 'too_small') return { code: isList ? 'TOO_FEW' : isText ? 'TOO_SHORT' : 'TOO_SMALL', params: { min: Number(minimum) } };
  if (code === 'too_big') return { code: isList ? 'TOO_MANY' : isText ? 'TOO_LONG' : 'TOO_LARGE', params: { max: Number(maximum) } };
  return { code: code === 'invalid_type' ? 'INVALID_TYPE' : 'INVALID_FORMAT' };
};
