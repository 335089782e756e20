import { randomInt } from 'node:crypto';

/**
 * The alphabet of join codes. It has no characters that look alike (0 O, 1 I L, 2 Z, 5 S, 6 G, 8 B, U V), and no vowels, so that no code is
 * a word. Codes of four characters give 194,481 combinations.
 */
export const JOIN_CODE_ALPHABET = 'CDFGHJKMNPQRTVWXY3479';

const LENGTH = 4;
const JOIN_CODE = new RegExp(`^[${JOIN_CODE_ALPHABET}]{${LENGTH}}$`);

export const newJoinCode = (): string =>
  Array.from({ length: LENGTH }, () => JOIN_CODE_ALPHABET.charAt(randomInt(JOIN_CODE_ALPHABET.length))).join('');

/** The longest text that is read as a code: people paste them with blanks and dashes. */
const MAX_TYPED = 64;
/** What people and programs put between the characters of a code: blanks, dashes, characters that are not seen. */
const BETWEEN = /[\s\p{Cf}\p{Pd}\u2212]/gu;

/** The code in a text that somebody has typed or pasted, in any case and width, with blanks or dashes; null when there is none. */
export const parseJoinCode = (typed: string): string | null => {
  if (typed.length > MAX_TYPED) return null;
  const code = typed.normalize('NFKC').replaceAll(BETWEEN, '').toUpperCase();
  return JOIN_CODE.test(code) ? code : null;
};
