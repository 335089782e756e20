import pg from 'pg';
import type { Prisma } from './generated/prisma/client.js';
import type { SendList } from './lists.js';
import type { SendPooled } from './pooled-statements.js';

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

/** Sends the statements of lists over the pool. */
export const overPool =
  (send: SendPooled): SendList =>
  ({ sql, values, isGeneral }) =>
    send<unknown[]>({ text: sql, values, isGeneral, types: TYPES, rowMode: 'array', wrote: 'nothing' });

/** Sends them within a transaction of Prisma's. */
export const withinTransaction =
  (tx: Pick<Prisma.TransactionClient, '$queryRawUnsafe'>): SendList =>
  async ({ sql, values }) =>
    (await tx.$queryRawUnsafe<Readonly<Record<string, unknown>>[]>(sql, ...values)).map((row) => Object.values(row));
