import type pg from 'pg';
import type { Asking } from './asking.js';
import type { Attempt } from './attempts.js';
import type { Statement } from './flight.js';
import type { Wrote } from './health.js';
import type { SendUnlessUnwanted } from './running-statements.js';
import type { StatementNames } from './statements.js';

/** A statement, and how its rows are wanted. */
export interface Wanted extends Omit<Statement, 'name'> {
  readonly types: pg.CustomTypesConfig;
  /** Whether it is prepared under a name, which is so where one plan serves all values. */
  readonly isGeneral: boolean;
}

/** Makes of what is wanted what is sent. It is told of then. */
export type Prepare = (wanted: Wanted) => Statement;

export const createPrepare =
  (names: StatementNames, onStatement: ((sql: string, params: string) => void) | undefined): Prepare =>
  ({ isGeneral, ...statement }) => {
    const { text, values } = statement;
    onStatement?.(text, JSON.stringify(values));
    const name = isGeneral ? names.nameOf({ sql: text, args: values }) : '';
    return name === '' ? statement : { ...statement, name };
  };

/** Sends a statement and gives its rows. */
export type SendPooled = <Row extends object>(wanted: Wanted, wrote: Wrote) => Promise<Row[]>;

/**
 * Sends statements over the pool without Prisma, with the names, the retries and the counting that Prisma's have: Prisma takes several times as
 * long to build a call and to map its rows as the database takes to answer it. One that only reads is cancelled when whoever asks for it no longer wants it.
 */
export const createPooledStatements =
  (sendUnlessUnwanted: SendUnlessUnwanted, asking: Pick<Asking, 'unwanted'>, prepare: Prepare, attempt: Attempt): SendPooled =>
  <Row extends object>(wanted: Wanted, wrote: Wrote) => {
    const unwanted = wrote === 'nothing' ? asking.unwanted() : null;
    return attempt(
      async () => {
        const { values, ...statement } = prepare(wanted);
        return (await sendUnlessUnwanted({ ...statement, values: [...values] }, unwanted)).rows as Row[];
      },
      () => wrote,
    );
  };
