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
 * the slug, the next one is tried. A transaction in which `write` throws is lost, so one that may be part of it returns null instead.
 * @param taken returns the candidates that are in use
 * @param write inserts the row; returns null when the slug is taken, or throws the violation of a unique index whose name contains `slug`
 */
export const withFreeSlug = async <Row>(
  base: string,
  taken: (candidates: string[]) => Promise<readonly string[]>,
  write: (slug: string) => Promise<Row | null>,
): Promise<Row> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const row = await write(attempt < RANDOM_FROM ? await nextSlug(base, taken) : randomSlug(base));
      if (row !== null) return row;
      if (attempt >= ATTEMPTS) throw new Error('No free slug was found.');
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
