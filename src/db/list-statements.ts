import pg from 'pg';
import type { ListStatement } from './lists.js';
import type { Wanted } from './pooled-statements.js';

const { TIMESTAMPTZ } = pg.types.builtins;
const parseTime = pg.types.getTypeParser(TIMESTAMPTZ) as (text: string) => unknown;

const digits = (text: string, from: number, to: number): number => {
  let number = 0;
  for (let at = from; at < to; at += 1) number = number * 10 + text.charCodeAt(at) - 48;
  return number;
};

/**
 * Reads a time as PostgreSQL writes it in a session in UTC, for the years 100 to 9999: `2026-01-31 12:00:00.12+00`, with a fraction of at most three
 * digits, as the columns have.
 */
const timeOf = (text: string): unknown => {
  const end = text.length - 3;
  // `Date.UTC` takes the years below 100 for those of the last century; longer ones, and those before Christ, are written otherwise.
  if (end < 19 || end > 23 || text.charCodeAt(4) !== DASH || !text.endsWith('+00') || text < '0100') return parseTime(text);
  const ms = end === 19 ? 0 : digits(text, 20, end) * (TENS[end - 20] ?? 0);
  return new Date(
    Date.UTC(
      digits(text, 0, 4),
      digits(text, 5, 7) - 1,
      digits(text, 8, 10),
      digits(text, 11, 13),
      digits(text, 14, 16),
      digits(text, 17, 19),
      ms,
    ),
  );
};

const DASH = '-'.charCodeAt(0);
/** By the number of digits of a fraction, what one of its last is worth in milliseconds. */
const TENS = [0, 100, 10, 1];

/** The types of values, as pg reads them, but times by a shorter way. */
const TYPES: pg.CustomTypesConfig = {
  getTypeParser: (oid: typeof TIMESTAMPTZ, format?: 'text' | 'binary'): ((value: string) => unknown) =>
    oid === TIMESTAMPTZ && format !== 'binary' ? timeOf : (pg.types.getTypeParser(oid, format) as (value: string) => unknown),
};

/** The statement of a list, whose values are read as Prisma reads them. */
export const listStatement = ({ sql, values, isGeneral }: ListStatement): Wanted => ({
  text: sql,
  values,
  isGeneral,
  types: TYPES,
  rowMode: 'array',
});
