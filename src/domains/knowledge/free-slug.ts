import { randomBytes } from 'node:crypto';
import { isUniqueViolation } from '../../db/failures.js';

/** `base-2` to `base-9` before a random ending. */
const NUMBERED = 9;
const ATTEMPTS = 6;
/** From here others take the same numbers at the same time. */
const RANDOM_FROM = 3;

/** A slug that nobody else comes upon. */
export const randomSlug = (base: string): string => `${base}-${randomBytes(4).toString('hex')}`;

/**
 * Writes a row under a slug that is free: `base`, else `base-2`, `base-3` and so on. The unique index decides; a slug that
 * somebody else takes at the same moment is given up for the next one.
 * @param taken which of the candidates are in use
 * @param write writes the row, under a unique index whose name contains `slug`
 */
export const withFreeSlug = async <Row>(
  base: string,
  taken: (candidates: string[]) => Promise<readonly string[]>,
  write: (slug: string) => Promise<Row>,
): Promise<Row> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await write(attempt < RANDOM_FROM ? await nextSlug(base, taken) : randomSlug(base));
    } catch (error) {
      if (attempt >= ATTEMPTS || !isUniqueViolation(error, 'slug')) throw error;
    }
  }
};

const nextSlug = async (base: string, taken: (candidates: string[]) => Promise<readonly string[]>): Promise<string> => {
  const candidates = Array.from({ length: NUMBERED }, (_, index) => (index === 0 ? base : `${base}-${index + 1}`));
  const used = new Set(await taken(candidates));
  return candidates.find((candidate) => !used.has(candidate)) ?? randomSlug(base);
};
