import { randomInt } from 'node:crypto';

/**
 * No two of these look alike (0 O, 1 I L, 2 Z, 5 S, 6 G, 8 B, U V), and there is no vowel, so that no code is a word.
 * Four of them make 194,481 codes.
 */
export const JOIN_CODE_ALPHABET = 'CDFGHJKMNPQRTVWXY3479';

const LENGTH = 4;
const JOIN_CODE = new RegExp(`^[${JOIN_CODE_ALPHABET}]{${LENGTH}}$`);

export const newJoinCode = (): string =>
  Array.from({ length: LENGTH }, () => JOIN_CODE_ALPHABET.charAt(randomInt(JOIN_CODE_ALPHABET.length))).join('');

/** A code as somebody may type it, in any case and with spaces; null for what cannot be one. */
export const parseJoinCode = (typed: string): string | null => {
  const code = typed.replaceAll(/\s/g, '').toUpperCase();
  return JOIN_CODE.test(code) ? code : null;
};
