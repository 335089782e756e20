import pg from 'pg';

/** A statement as pg sends it. */
export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
  /** Of the prepared statement; left out for one that is not prepared. */
  readonly name?: string;
  readonly types?: pg.CustomTypesConfig;
  /** Rows as arrays of values, not as objects. */
  readonly rowMode?: 'array';
}

/** What is used here of pg's connection: the same messages that pg-cursor sends. */
interface Wire {
  readonly stream: { cork(): void; uncork(): void };
  readonly parsedStatements: Record<string, string | undefined>;
  readonly submittedNamedStatements: Record<string, string | undefined>;
  parse(message: { readonly name: string; readonly text: string }): void;
  bind(message: { readonly statement: string; readonly values: readonly unknown[] }): void;
  describe(message: { readonly type: 'P' }): void;
  execute(message: object): void;
  sync(): void;
}

/** What is used here of pg's `Result`, which its types do not name. */
interface Collected extends pg.QueryResult<never> {
  addFields(fields: readonly unknown[]): void;
  addRow(row: unknown): void;
  addCommandComplete(message: unknown): void;
  parseRow(fields: readonly unknown[]): unknown;
}

const { Result, utils } = pg as unknown as {
  readonly Result: new (rowMode?: 'array', types?: pg.CustomTypesConfig) => Collected;
  readonly utils: { readonly prepareValue: (value: unknown) => unknown };
};

type Callback = (error: Error | null, results?: readonly pg.QueryResult[]) => void;

/**
 * Several statements that go to the database in one write and are answered in one. They have one `Sync`, at their end: after one that fails
 * the database skips the rest. So a statement behind a BEGIN that fails is not executed outside of a transaction, and a COMMIT behind a
 * statement that fails is not executed at all.
 *
 * It is a query of pg's own kind (`submit` and the `handle…` methods), so the client's queue, its timeout and its errors are as for any other.
 */
class Flight {
  /** The client sets it, and replaces it when it has waited too long. */
  callback: Callback | undefined;
  /** Called by the observer of writes. */
  readonly texts: readonly string[];
  readonly #statements: readonly Statement[];
  readonly #values: readonly (readonly unknown[])[];
  readonly #results: readonly Collected[];
  /** The statement that is answered. */
  #index = 0;
  #unreadable: Error | null = null;

  constructor(statements: readonly Statement[]) {
    this.#statements = statements;
    this.texts = statements.map(({ text }) => text);
    // Before anything is sent, because a value may not be expressible.
    this.#values = statements.map(({ values }) => values.map((value) => utils.prepareValue(value)));
    this.#results = statements.map(({ rowMode, types }) => new Result(rowMode, types));
  }

  /** The client notes under this name that the statement which is answered has been prepared. */
  get name(): string {
    return this.#statements[this.#index]?.name ?? '';
  }

  get text(): string {
    return this.#statements[this.#index]?.text ?? '';
  }

  submit(connection: pg.Connection): null {
    const wire = connection as unknown as Wire;
    wire.stream.cork();
    try {
      this.#statements.forEach(({ text, name = '' }, index) => {
        if (name === '' || (wire.parsedStatements[name] ?? wire.submittedNamedStatements[name]) === undefined) {
          wire.parse({ name, text });
          if (name !== '') wire.submittedNamedStatements[name] = text;
        }
        wire.bind({ statement: name, values: this.#values[index] ?? [] });
        wire.describe({ type: 'P' });
        wire.execute({});
      });
      wire.sync();
    } finally {
      wire.stream.uncork();
    }
    return null;
  }

  handleRowDescription({ fields }: { readonly fields: readonly unknown[] }): void {
    this.#results[this.#index]?.addFields(fields);
  }

  handleDataRow({ fields }: { readonly fields: readonly unknown[] }): void {
    const result = this.#results[this.#index];
    if (result === undefined || this.#unreadable !== null) return;
    try {
      result.addRow(result.parseRow(fields));
    } catch (error) {
      this.#unreadable = error as Error;
    }
  }

  handleCommandComplete(message: unknown): void {
    this.#results[this.#index]?.addCommandComplete(message);
    this.#index += 1;
  }

  handleEmptyQuery(): void {
    this.#index += 1;
  }

  handleReadyForQuery(): void {
    if (this.#unreadable === null) this.callback?.(null, this.#results);
    else this.callback?.(this.#unreadable);
  }

  handleError(error: Error, connection: pg.Connection): void {
    // What was skipped has not been prepared.
    const { submittedNamedStatements } = connection as unknown as Wire;
    for (const { name = '' } of this.#statements.slice(this.#index)) Reflect.deleteProperty(submittedNamedStatements, name);
    this.callback?.(error);
  }
}

/** Sends statements to a connection in one round trip. @returns their results, in the same order. @throws the error of the first that fails */
export const sendTogether = (client: pg.ClientBase, statements: readonly Statement[]): Promise<readonly pg.QueryResult[]> =>
  new Promise((resolve, reject) => {
    const callback: Callback = (error, results = []) => (error === null ? resolve(results) : reject(error));
    (client.query as (flight: Flight, callback: Callback) => void).call(client, new Flight(statements), callback);
  });
