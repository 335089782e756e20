import { z } from 'zod';
import type { FieldError } from '../errors.js';

/** Characters that no text of ours holds: C0 and C1 controls but tab and line feed, and what turns the direction of writing around. */
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/u;

/** Joiners, fillers and the blank of Braille take room at the most: a text of nothing else would be none. */
const VISIBLE = /(?![\p{Default_Ignorable_Code_Point}\u2800])[\p{L}\p{N}\p{P}\p{S}]/u;

/** How a text is counted: in code points. */
export const lengthOf = (value: string): number => [...value].length;

/** What is wrong with one field, but for where it is. */
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

/** A mistake as zod carries it; {@link mistakesOf} gives it back. */
export const issueOf = ({ message, ...params }: Mistake) => ({ code: 'custom' as const, message, params });

/**
 * A text of `min` to `max` characters, counted as code points after trimming. CRLF becomes LF. One that is not empty shows something.
 * @param options.singleLine neither line feed nor tab either
 */
export const text = (min: number, max: number, options: { readonly singleLine?: boolean } = {}) =>
  z
    .string()
    .transform((value) => value.replaceAll('\r\n', '\n').trim())
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

/** The items of a list, which are not looked at when there are too many of them: one mistake instead of a hundred thousand. */
export const list = <Item extends z.ZodType>(item: Item, max: number, message: string, min = 0) =>
  z.array(z.unknown()).min(min, 'Must name at least one.').max(max, message).pipe(z.array(item));

/** The id under which a client may send the same request again. */
export const clientIdText = z.string().regex(/^[\x21-\x7e]{1,100}$/, 'Must be 1 to 100 printable ASCII characters.');

/** What zod says of a value, as it matters here: of its issues and of those of the standard that it follows. */
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
 * The mistakes that zod has found.
 * @param at where the value stands that was looked at, as the beginning of each path
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
