import { randomInt } from 'node:crypto';
import { GUESSES_A_DAY } from './code-guesses.js';

/**
 * The alphabet of join codes. It has no characters that look alike (0 O, 1 I L, 2 Z, 5 S, 6 G, 8 B, U V), and no vowels, so that no code is
 * a word.
 */
export const JOIN_CODE_ALPHABET = 'CDFGHJKMNPQRTVWXY3479';

/**
 * How long a code is, while at most so many rooms are open. An address can try 400 codes a day ({@link GUESSES_A_DAY}), each of which finds one of `n` rooms
 * with a chance of n / 21^length. It finds any in a day with less than one in a thousand among 214 rooms of six characters (85.8 million codes, 400 × 214
 * / 85.8 million), and among 94,557 of eight. Codes of four are easy to say: they are for a few rooms, of which it finds one in a hundred days (400 × 5 /
 * 194,481), by making 300 guests each day; a room that this is too much for has a passcode.
 */
const LENGTHS = [
  { length: 4, upTo: 5 },
  { length: 6, upTo: Math.floor(21 ** 6 / (1_000 * GUESSES_A_DAY)) },
  { length: 8, upTo: Math.floor(21 ** 8 / (1_000 * GUESSES_A_DAY)) },
] as const;
/** Beyond all of these. */
const LONGEST = 10;

/** So many rooms are counted, where they are, to choose the length of a code. */
export const ROOMS_COUNTED = LENGTHS[2].upTo;

const JOIN_CODE = new RegExp(`^(?:[${JOIN_CODE_ALPHABET}]{2}){2,${LONGEST / 2}}$`);

/** @param open how many rooms are open, the new one among them */
export const newJoinCode = (open: number): string => {
  const length = LENGTHS.find(({ upTo }) => open <= upTo)?.length ?? LONGEST;
  return Array.from({ length }, () => JOIN_CODE_ALPHABET.charAt(randomInt(JOIN_CODE_ALPHABET.length))).join('');
};

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
