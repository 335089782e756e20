import pg from 'pg';

/** What has been asked of the database. */
export interface DatabaseWork {
  /** Statements, but those that begin and end transactions. */
  readonly statements: number;
  /** The rows that they have returned. */
  readonly rows: number;
}

interface Counted {
  statements: number;
  rows: number;
}

/** Counts for all connections of this process, whoever sends the statements. */
let counted: Counted | null = null;

const CONTROL = /^\s*(BEGIN|COMMIT|ROLLBACK|SET|DEALLOCATE)\b/i;

const note = (statement: unknown, result: unknown): void => {
  const text = typeof statement === 'string' ? statement : (statement as { readonly text?: string } | null)?.text;
  if (counted === null || text === undefined || CONTROL.test(text)) return;
  counted.statements += 1;
  counted.rows += (result as { readonly rows?: readonly unknown[] } | undefined)?.rows?.length ?? 0;
};

type Query = (...args: readonly unknown[]) => unknown;

// eslint-disable-next-line @typescript-eslint/unbound-method -- It is called with its client below.
const query = pg.Client.prototype.query as Query;
const observed = function (this: pg.Client, ...args: readonly unknown[]): unknown {
  const callback = args.at(-1);
  if (typeof callback === 'function')
    return Reflect.apply(query, this, [
      ...args.slice(0, -1),
      (...results: readonly unknown[]) => {
        note(args[0], results[1]);
        (callback as Query)(...results);
      },
    ]);
  const answer = Reflect.apply(query, this, args);
  void Promise.resolve(answer).then(
    (result) => note(args[0], result),
    () => undefined,
  );
  return answer;
};
pg.Client.prototype.query = observed as typeof pg.Client.prototype.query;

/** What `work` asks of the database in this process; nothing else may be going on. */
export const observeDatabase = async (work: () => Promise<unknown>): Promise<DatabaseWork> => {
  const own = { statements: 0, rows: 0 };
  counted = own;
  try {
    await work();
    return own;
  } finally {
    counted = null;
  }
};
