/** The names of the prepared statements of a pool. */
export interface StatementNames {
  /** How often all names were replaced. */
  readonly generation: number;
  /** The name of a statement; empty for a statement that is not prepared. */
  readonly nameOf: (statement: { readonly sql: string; readonly args: readonly unknown[] }) => string;
  /**
   * Replaces all names of this generation, so that every connection prepares every statement again. A call for an older generation does
   * nothing: statements that fail together have one reason.
   */
  readonly forget: (generation: number) => void;
}

/** The most statements that have a name. A connection keeps at most twice as many: see `renew`. */
const MAX_NAMES = 500;
const MAX_NAMED_LENGTH = 8_000;

/**
 * Names prepared statements by their text, so that each connection plans each statement once. The name that was used longest ago gives way to
 * a new one, so statements that are no longer sent, or were sent once, keep no others from being prepared. Connections still hold what has
 * lost its name: when as many have gone as there may be, the connections are replaced. Very long texts (multi-row inserts) are not prepared. Neither are texts without parameters: BEGIN and COMMIT need no plan, and
 * must work even when a connection has lost its statements.
 * @param renew replaces the connections, each as soon as it is free
 */
export const createStatementNames = (renew: () => void): StatementNames => {
  /** In the order of their last use. */
  const names = new Map<string, string>();
  let generation = 0;
  let given = 0;
  let gone = 0;

  const giveWay = (): void => {
    const [oldest] = names.keys();
    if (oldest === undefined || names.size < MAX_NAMES) return;
    names.delete(oldest);
    gone += 1;
    if (gone < MAX_NAMES) return;
    gone = 0;
    renew();
  };

  return {
    get generation() {
      return generation;
    },
    nameOf: ({ sql, args }) => {
      const known = names.get(sql);
      if (known !== undefined) {
        names.delete(sql);
        names.set(sql, known);
        return known;
      }
      if (args.length === 0 || sql.length > MAX_NAMED_LENGTH) return '';
      giveWay();
      given += 1;
      const name = `s${generation}_${given}`;
      names.set(sql, name);
      return name;
    },
    forget: (seen) => {
      if (seen !== generation) return;
      generation += 1;
      names.clear();
    },
  };
};
