import pg from 'pg';
import type { Attempt } from './attempts.js';
import type { Prisma } from './generated/prisma/client.js';
import type { SendList } from './lists.js';
import type { StatementNames } from './statements.js';

const { TIMESTAMPTZ } = pg.types.builtins;
/** How PostgreSQL writes a time of the years 1 to 9999 in a session in UTC; with a fraction of at most three digits, as the columns have. */
const UTC_TIME = /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,3}))?\+00$/;
const parseTime = pg.types.getTypeParser(TIMESTAMPTZ) as (text: string) => unknown;

const timeOf = (text: string): unknown => {
  const [, year, month, day, hour, minute, second, fraction = ''] = UTC_TIME.exec(text) ?? [];
  // `Date.UTC` takes the years below 100 for those of the last century.
  if (year === undefined || year < '0100') return parseTime(text);
  return new Date(
    Date.UTC(+year, Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second), Number(fraction.padEnd(3, '0'))),
  );
};

/** The types of values, as pg reads them, but times by a shorter way. */
const TYPES: pg.CustomTypesConfig = {
  getTypeParser: (oid: typeof TIMESTAMPTZ, format?: 'text' | 'binary'): ((value: string) => unknown) =>
    oid === TIMESTAMPTZ && format !== 'binary' ? timeOf : (pg.types.getTypeParser(oid, format) as (value: string) => unknown),
};

interface OverPool {
  readonly pool: Pick<pg.Pool, 'query'>;
  readonly names: StatementNames;
  readonly attempt: Attempt;
  readonly onStatement?: ((sql: string, params: string) => void) | undefined;
}

/** Sends the statements of lists over the pool, with the retries and the names that Prisma's have. */
export const overPool =
  ({ pool, names, attempt, onStatement }: OverPool): SendList =>
  ({ sql, values, isGeneral }) =>
    attempt(
      async () => {
        onStatement?.(sql, JSON.stringify(values));
        const name = isGeneral ? names.nameOf({ sql, args: values }) : '';
        const query = { text: sql, values: [...values], rowMode: 'array' as const, types: TYPES };
        return (await pool.query<unknown[]>(name === '' ? query : { ...query, name })).rows;
      },
      () => 'nothing',
    );

/** Sends them within a transaction of Prisma's. */
export const withinTransaction =
  (tx: Pick<Prisma.TransactionClient, '$queryRawUnsafe'>): SendList =>
  async ({ sql, values }) =>
    (await tx.$queryRawUnsafe<Readonly<Record<string, unknown>>[]>(sql, ...values)).map((row) => Object.values(row));
