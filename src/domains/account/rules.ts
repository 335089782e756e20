import { z } from 'zod';
import { text } from '../../text.js';

/** ASCII only: names that look alike are alike, and lower case is the same in every language. */
const USERNAME = /^[A-Za-z][A-Za-z0-9_-]{2,29}$/;

export const isUsername = (value: string): boolean => USERNAME.test(value);

/** What makes a username unique whatever its case. */
export const usernameKey = (username: string): string => username.toLowerCase();

/** What makes an address unique whatever its case. */
export const emailKey = (email: string): string => email.toLowerCase();

export const usernameText = z
  .string()
  .regex(USERNAME, 'Must be 3 to 30 letters, digits, hyphens and underscores, and begin with a letter.');

/** RFC 5321 leaves 254 characters for an address. */
export const emailText = z
  .string()
  .trim()
  .max(254, 'Must have at most 254 characters.')
  .pipe(z.email('Must be an email address.'))
  .transform(emailKey);

export const passwordText = z.string().superRefine((value, issue) => {
  const length = [...value].length;
  if (length < 8 || length > 200) issue.addIssue({ code: 'custom', message: 'Must have 8 to 200 characters.' });
});

/** A name that consists of nothing but joiners and other invisible characters would be no name. */
const VISIBLE = /[\p{L}\p{N}\p{P}\p{S}]/u;

export const displayNameText = text(1, 100, { singleLine: true }).refine(
  (value) => value === '' || VISIBLE.test(value),
  'Must have a visible character.',
);

export const bioText = text(0, 1_000);
