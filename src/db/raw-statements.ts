import pg from 'pg';
import { Prisma } from './generated/prisma/client.js';
import type { Wanted } from './pooled-statements.js';

/** What `$queryRaw` of Prisma takes: a template, or a statement that was made of one before. */
export type RawStatement = readonly [text: TemplateStringsArray | Prisma.Sql, ...values: unknown[]];

/** A statement as it is sent, with `$1` and so on for its values. */
export const statementOf = ([text, ...values]: RawStatement): Prisma.Sql =>
  // eslint-disable-next-line no-restricted-syntax -- of a template, as its type says
  text instanceof Prisma.Sql ? text : Prisma.sql(text, ...values);

const { INT8, NUMERIC, DATE, TIMESTAMP } = pg.types.builtins;

type Parser = (text: string) => unknown;

/** Where pg reads a value otherwise than Prisma does. */
const PARSERS = new Map<number, Parser>([
  [INT8, BigInt],
  [NUMERIC, (text) => new Prisma.Decimal(text)],
  // Times without a zone are those of UTC, not of this machine.
  [DATE, (text) => new Date(`${text}T00:00:00Z`)],
  [TIMESTAMP, (text) => new Date(`${text.replace(' ', 'T')}Z`)],
]);
const parserOf = pg.types.getTypeParser as (oid: number, format?: string) => Parser;
const TYPES: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: string): Parser => (format === 'binary' ? undefined : PARSERS.get(oid)) ?? parserOf(oid, format),
};

/** A raw statement, whose values are read as Prisma reads them. */
export const rawStatement = (given: RawStatement): Wanted => {
  const { text, values } = statementOf(given);
  return { text, values, types: TYPES, isGeneral: true };
};
