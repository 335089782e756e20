import { randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';

/*
 * The secret of an API key: `lyc_`, 43 random characters, which have 256 bits, and their checksum. The prefix is what scanners for secrets look for, the
 * checksum tells them, and us, a key from what only looks like one. All of it is letters and digits, so that a double click selects it whole.
 */

const PREFIX = 'lyc_';
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const RANDOM_LENGTH = 43;
const CHECKSUM_LENGTH = 6;
/** So much of it is kept to be shown, by which its owner knows it again. */
const SHOWN_LENGTH = PREFIX.length + 4;

const PATTERN = new RegExp(`^${PREFIX}[0-9A-Za-z]{${RANDOM_LENGTH + CHECKSUM_LENGTH}}$`);

/** CRC-32 in the alphabet, as GitHub's tokens have it. */
const checksumOf = (text: string): string => {
  let rest = crc32(text);
  let digits = '';
  while (digits.length < CHECKSUM_LENGTH) {
    digits = (ALPHABET[rest % ALPHABET.length] ?? '') + digits;
    rest = Math.floor(rest / ALPHABET.length);
  }
  return digits;
};

export const newApiKeySecret = (): string => {
  const random = Array.from({ length: RANDOM_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
  return `${PREFIX}${random}${checksumOf(random)}`;
};

/** Whether a credential is meant as an API key. */
export const looksLikeApiKey = (text: string): boolean => text.startsWith(PREFIX);

/** Whether it can be one: what is mistyped or made up mostly cannot, and nobody has to look it up. */
export const isApiKey = (text: string): boolean =>
  PATTERN.test(text) && text.endsWith(checksumOf(text.slice(PREFIX.length, PREFIX.length + RANDOM_LENGTH)));

export const startOf = (secret: string): string => secret.slice(0, SHOWN_LENGTH);
