import { randomBytes } from 'node:crypto';
import { isUniqueViolation } from '../../observability/failures.js';

/** The last number that is tried, as in `base-9`, before a random suffix. */
const NUMBERED = 9;
const ATTEMPTS = 6;
/** After this many attempts a concurrent writer is evidently trying the same numbers, so random suffixes follow. */
const RANDOM_FROM = 3;

/** A slug with a random suffix, which no concurrent writer chooses. */
export const randomSlug = (base: string): string => `${base}-${randomBytes(4).toString('hex')}`;

/**
 * Inserts a row with a free slug: `base`, or else `base-2`, `base-3` and so on. The unique index decides: when a concurrent writer takes
 * the slug, the next one is tried.
 * @param taken returns the candidates that are in use
 * @param write inserts the row; a unique index whose name contains `slug` covers its slug
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
