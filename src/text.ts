import { z } from 'zod';

/** Characters that no text of ours holds: C0 and C1 controls but tab and line feed, and what turns the direction of writing around. */
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/u;

/** Joiners, fillers and the blank of Braille take room at the most: a text of nothing else would be none. */
const VISIBLE = /(?![\p{Default_Ignorable_Code_Point}\u2800])[\p{L}\p{N}\p{P}\p{S}]/u;

/** How a text is counted: in code points. */
export const lengthOf = (value: string): number => [...value].length;

export const tooLong = (max: number, length: number): string => `Must have at most ${max} characters; has ${length}.`;

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
      if (length < min) issue.addIssue({ code: 'custom', message: min === 1 ? 'Must not be empty.' : `Must have at least ${min} characters.` });
      if (length > max) issue.addIssue({ code: 'custom', message: tooLong(max, length) });
      if (CONTROLS.test(value) || (options.singleLine === true && /[\n\t]/.test(value)) || !value.isWellFormed()) {
        issue.addIssue({ code: 'custom', message: 'Must not contain control characters.' });
      } else if (min > 0 && length > 0 && !VISIBLE.test(value)) issue.addIssue({ code: 'custom', message: 'Must have a visible character.' });
    });

/** The id under which a client may send the same request again. */
export const clientIdText = z.string().regex(/^[\x21-\x7e]{1,100}$/, 'Must be 1 to 100 printable ASCII characters.');
