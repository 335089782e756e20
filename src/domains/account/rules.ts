import { z } from 'zod';
import { ADMINISTRATOR, MEMBER, MODERATOR, rulesOf } from '../../access/rules.js';
import { hasRole } from '../../access/viewer.js';
import type { Config } from '../../config.js';
import { issueOf, lengthOf, text, upTo } from '../../graphql/text.js';
import { MAX_DEVICE_TOKEN } from './device-tokens.js';
import { readEmailAddress } from './email-address.js';

export const can = rulesOf({
  invite: {
    may: (viewer, { registration, invitationsBy }: Config['accounts']) => registration !== 'closed' && hasRole(viewer, invitationsBy),
  },
  /** Invitations for many, and those of others. */
  manageInvitations: ADMINISTRATOR,
  /** Where the list of users is for members only. */
  seeDirectory: MEMBER,
  seeSuspension: MODERATOR,
  /** Keys that act with a role above a member's. */
  createAdminKey: MODERATOR,
});

/** ASCII only, so that names that look the same are the same, and lower case does not depend on the language. */
const USERNAME = /^[A-Za-z][A-Za-z0-9_-]{2,29}$/;

export const isUsername = (value: string): boolean => USERNAME.test(value);

/** The normalised username, which is unique. */
export const usernameKey = (username: string): string => username.toLowerCase();

/** Names of those who speak for a server, or for nobody. */
const RESERVED = new Set(
  (
    'abuse admin administrator administration all anonymous api contact deleted everybody everyone help here hostmaster info lyceum mail mailerdaemon ' +
    'moderation moderator news nobody noreply notifications null official operator postmaster root security service somebody staff support sysadmin ' +
    'sysop system team undefined webmaster'
  ).split(' '),
);

/** Whether a username is a reserved word, or is written so that it looks like one. */
export const isReserved = (username: string): boolean => {
  const bare = usernameKey(username).replaceAll(/[-_]/g, '').replaceAll('0', 'o').replaceAll('rn', 'm').replaceAll('vv', 'w');
  return [bare.replaceAll('1', 'i'), bare.replaceAll('1', 'l')].some((word) => RESERVED.has(word));
};

/** The prefix of the generated usernames of guests; no other username may begin with it. */
export const GUEST_PREFIX = 'guest-';

/** The same of the names of accounts that were deleted. */
export const DELETED_PREFIX = 'deleted-';

export const usernameText = z
  .string()
  .regex(USERNAME, 'Must be 3 to 30 letters, digits, hyphens and underscores, and begin with a letter.')
  .superRefine((value, issue) => {
    const prefix = [GUEST_PREFIX, DELETED_PREFIX].find((each) => usernameKey(value).startsWith(each));
    if (prefix === undefined) return;
    const message = `Must not begin with "${prefix}": such names are made for guests and for accounts that were deleted.`;
    issue.addIssue(issueOf({ code: 'RESERVED', message, params: { prefix } }));
  });

/** A mail address, as it was written; {@link emailAddressOf} reads it. */
export const emailText = z.string().transform((value, issue): string => {
  const address = readEmailAddress(value);
  if (address !== null) return address.written;
  issue.addIssue(issueOf({ code: 'INVALID_FORMAT', message: 'Must be an email address.' }));
  return z.NEVER;
});

const PASSWORD = { min: 8, max: 200 };

export const passwordText = z.string().superRefine((value, issue) => {
  const length = lengthOf(value);
  if (length >= PASSWORD.min && length <= PASSWORD.max) return;
  const code = length < PASSWORD.min ? 'TOO_SHORT' : 'TOO_LONG';
  issue.addIssue(issueOf({ code, message: `Must have ${PASSWORD.min} to ${PASSWORD.max} characters.`, params: PASSWORD }));
});

/** A password that is only looked at. */
export const anyPasswordText = upTo(PASSWORD.max);

/** The longest text that is taken for a name or an address where it is not checked further. */
export const MAX_GIVEN_NAME = 254;

/** Whether the domain of a mail address, or one above it, is among these. */
export const isOfDomain = (domain: string, domains: readonly string[]): boolean =>
  domains.some((each) => domain === each || domain.endsWith(`.${each}`));

/** What a name may hold although it has parts that cannot be seen: emoji, and the joiners within words of scripts that write with them. */
const EMOJI = new RegExp('\\p{RGI_Emoji}', 'gv');
const JOINED =
  /(?<=[\p{Script=Arabic}\p{Script=Bengali}\p{Script=Devanagari}\p{Script=Gujarati}\p{Script=Gurmukhi}\p{Script=Kannada}\p{Script=Malayalam}\p{Script=Oriya}\p{Script=Sinhala}\p{Script=Tamil}\p{Script=Telugu}]\p{M}?)[\u200c\u200d](?=[\p{Script=Arabic}\p{Script=Bengali}\p{Script=Devanagari}\p{Script=Gujarati}\p{Script=Gurmukhi}\p{Script=Kannada}\p{Script=Malayalam}\p{Script=Oriya}\p{Script=Sinhala}\p{Script=Tamil}\p{Script=Telugu}])/gu;

/** Controls, what changes the direction of writing, line separators, and what shows nothing or nothing that is agreed upon. */
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/u;

/** More marks on a letter than any language writes: they would cover the lines above and below. */
const PILED = /\p{M}{4}/u;

/** A name to show, composed (NFC), with single spaces. */
export const displayNameText = z
  .string()
  .transform((value) => value.normalize('NFC').replaceAll(/\p{Zs}+/gu, ' '))
  .pipe(text(1, 100, { singleLine: true }))
  .superRefine((value, issue) => {
    if (issue.issues.length > 0) return;
    const letters = value.replaceAll(EMOJI, '').replaceAll(JOINED, '');
    if (INVISIBLE.test(letters))
      issue.addIssue(issueOf({ code: 'INVALID_CHARACTERS', message: 'Must not contain characters that cannot be seen.' }));
    else if (PILED.test(letters))
      issue.addIssue(issueOf({ code: 'INVALID_CHARACTERS', message: 'Must have at most three marks on a letter.' }));
  });

export const bioText = text(0, 1_000);

export const statusText = text(0, 100, { singleLine: true });

/** A language tag of BCP 47, in its canonical form. */
export const localeText = z
  .string()
  .max(35, 'Must have at most 35 characters.')
  .transform((value, issue) => {
    try {
      const [locale] = Intl.getCanonicalLocales(value);
      if (locale !== undefined) return locale;
    } catch {
      // Told below.
    }
    issue.addIssue(issueOf({ code: 'INVALID_FORMAT', message: 'Must be a language tag, such as de-AT.' }));
    return z.NEVER;
  });

/** The name of a time zone, in its canonical form. */
export const timeZoneText = z
  .string()
  .max(64, 'Must have at most 64 characters.')
  .transform((value, issue) => {
    try {
      // An offset such as +01:00 is known there, too, and does not follow summer time.
      if (/^[A-Za-z]/.test(value)) return new Intl.DateTimeFormat('en', { timeZone: value }).resolvedOptions().timeZone;
    } catch {
      // Told below.
    }
    issue.addIssue(issueOf({ code: 'INVALID_FORMAT', message: 'Must be the name of a time zone, such as Europe/Vienna.' }));
    return z.NEVER;
  });

/** The secret of a mailed link. */
export const linkTokenText = z.string().regex(/^[0-9a-f]{64}$/, 'Must be what stands behind the # of the link.');

/** A code of an app or a recovery code, as it was typed. */
export const codeText = upTo(40);

/** A token for the second step of a sign-in. */
export const stepTokenText = upTo(1_000);

/** What tells a device again; one that is not known is as good as none. */
export const deviceTokenText = upTo(MAX_DEVICE_TOKEN);

/** The code of an invitation. */
export const invitationText = z.string().regex(/^[A-Za-z0-9_-]{22}$/, 'Must be the code of an invitation.');
