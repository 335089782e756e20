import { z } from 'zod';

/** Characters that no text of ours holds: C0 and C1 controls but tab and line feed, and what turns the direction of writing around. */
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/u;

/**
 * A text of `min` to `max` characters, counted as code points after trimming. CRLF becomes LF.
 * @param options.singleLine neither line feed nor tab either
 */
export const text = (min: number, max: number, options: { readonly singleLine?: boolean } = {}) =>
  z
    .string()
    .transform((value) => value.replaceAll('\r\n', '\n').trim())
    .superRefine((value, issue) => {
      const length = [...value].length;
      if (length < min) issue.addIssue({ code: 'custom', message: min === 1 ? 'Must not be empty.' : `Must have at least ${min} characters.` });
      if (length > max) issue.addIssue({ code: 'custom', message: `Must have at most ${max} characters; has ${length}.` });
      if (CONTROLS.test(value) || (options.singleLine === true && /[\n\t]/.test(value)) || !value.isWellFormed()) {
        issue.addIssue({ code: 'custom', message: 'Must not contain control characters.' });
      }
    });

/** The id under which a client may send the same request again. */
export const clientIdText = z.string().regex(/^[\x21-\x7e]{1,100}$/, 'Must be 1 to 100 printable ASCII characters.');
