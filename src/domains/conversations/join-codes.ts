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

/** Normalises a typed code, which may have any case and spaces; null when it is malformed. */
export const parseJoinCode = (typed: string): string | null => {
  const code = typed.replaceAll(/\s/g, '').toUpperCase();
  return JOIN_CODE.test(code) ? code : null;
};
