import { z } from 'zod';
import { issueOf, lengthOf, text } from '../../graphql/text.js';

/** ASCII only, so that names that look the same are the same, and lower case does not depend on the language. */
const USERNAME = /^[A-Za-z][A-Za-z0-9_-]{2,29}$/;

export const isUsername = (value: string): boolean => USERNAME.test(value);

/** The normalised username, which is unique. */
export const usernameKey = (username: string): string => username.toLowerCase();

/** The normalised email address, which is unique. */
export const emailKey = (email: string): string => email.toLowerCase();

/** The prefix of the generated usernames of guests; no other username may begin with it. */
export const GUEST_PREFIX = 'guest-';

export const usernameText = z
  .string()
  .regex(USERNAME, 'Must be 3 to 30 letters, digits, hyphens and underscores, and begin with a letter.')
  .superRefine((value, issue) => {
    if (!usernameKey(value).startsWith(GUEST_PREFIX)) return;
    const message = `Must not begin with "${GUEST_PREFIX}": such names are made for guests.`;
    issue.addIssue(issueOf({ code: 'RESERVED', message, params: { prefix: GUEST_PREFIX } }));
  });

/** RFC 5321 allows 254 characters for an address. */
export const emailText = z
  .string()
  .trim()
  .max(254, 'Must have at most 254 characters.')
  .pipe(z.email('Must be an email address.'))
  .transform(emailKey);

const PASSWORD = { min: 8, max: 200 };

export const passwordText = z.string().superRefine((value, issue) => {
  const length = lengthOf(value);
  if (length >= PASSWORD.min && length <= PASSWORD.max) return;
  const code = length < PASSWORD.min ? 'TOO_SHORT' : 'TOO_LONG';
  issue.addIssue(issueOf({ code, message: `Must have ${PASSWORD.min} to ${PASSWORD.max} characters.`, params: PASSWORD }));
});

export const displayNameText = text(1, 100, { singleLine: true });

export const bioText = text(0, 1_000);
