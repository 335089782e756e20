import pg from 'pg';
import type { Attempt } from './attempts.js';
import { Prisma } from './generated/prisma/client.js';
import type { Wrote } from './health.js';
import type { StatementNames } from './statements.js';

export interface RawStatementsOptions {
  readonly pool: Pick<pg.Pool, 'query'>;
  readonly names: StatementNames;
  readonly attempt: Attempt;
  readonly onStatement?: ((sql: string, params: string) => void) | undefined;
}

/** What `$queryRaw` of Prisma takes: a template, or a statement that was made of one before. */
export type RawStatement = readonly [text: TemplateStringsArray | Prisma.Sql, ...values: unknown[]];

/** A statement as it is sent, with `$1` and so on for its values. */
export const statementOf = ([text, ...values]: RawStatement): Prisma.Sql =>
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

/**
 * Creates what takes the place of Prisma's `$queryRaw` outside of transactions: it sends a statement over the pool, under its name and with the
 * same retries. Prisma takes several times as long to build such a call and to map its rows as the database takes to answer it.
 */
export const createRawStatements =
  ({ pool, names, attempt, onStatement }: RawStatementsOptions) =>
  (given: RawStatement, wrote: Wrote): Promise<unknown[]> => {
    const { text, values } = statementOf(given);
    return attempt(
      async () => {
        onStatement?.(text, JSON.stringify(values));
        const name = names.nameOf({ sql: text, args: values });
        return (await pool.query<object>({ text, values, types: TYPES, ...(name === '' ? {} : { name }) })).rows;
      },
      () => wrote,
    );
  };
