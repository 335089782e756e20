import type pg from 'pg';
import type { Attempt } from './attempts.js';
import type { Wrote } from './health.js';
import type { StatementNames } from './statements.js';

export interface PooledStatementsOptions {
  readonly pool: Pick<pg.Pool, 'query'>;
  readonly names: StatementNames;
  readonly attempt: Attempt;
  readonly onStatement?: ((sql: string, params: string) => void) | undefined;
}

/** A statement, and how its rows are wanted. */
export interface PooledStatement {
  readonly text: string;
  readonly values: readonly unknown[];
  readonly types: pg.CustomTypesConfig;
  /** Rows as arrays of values, not as objects. */
  readonly rowMode?: 'array';
  /** Whether it is prepared under a name, which is so where one plan serves all values. */
  readonly isGeneral: boolean;
  readonly wrote: Wrote;
}

/** Sends a statement and gives its rows. */
export type SendPooled = <Row extends object>(statement: PooledStatement) => Promise<Row[]>;

/**
 * Sends statements over the pool without Prisma, with the names, the retries and the counting that Prisma's have: Prisma takes several times as
 * long to build a call and to map its rows as the database takes to answer it.
 */
export const createPooledStatements =
  ({ pool, names, attempt, onStatement }: PooledStatementsOptions): SendPooled =>
  <Row extends object>({ text, values, isGeneral, wrote, ...form }: PooledStatement) =>
    attempt(
      async () => {
        onStatement?.(text, JSON.stringify(values));
        const name = isGeneral ? names.nameOf({ sql: text, args: values }) : '';
        return (await pool.query<Row>({ text, values: [...values], ...form, ...(name === '' ? {} : { name }) })).rows;
      },
      () => wrote,
    );
