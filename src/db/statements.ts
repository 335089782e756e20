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

const MAX_NAMES = 500;
const MAX_NAMED_LENGTH = 8_000;

/**
 * Names prepared statements by their text, so that each connection plans each statement once. Prisma's texts are parameterised, so there
 * are few. Very long texts (multi-row inserts) are not prepared. Neither are texts without parameters: BEGIN and COMMIT need no plan, and
 * must work even when a connection has lost its statements.
 */
export const createStatementNames = (): StatementNames => {
  const names = new Map<string, string>();
  let generation = 0;
  return {
    get generation() {
      return generation;
    },
    nameOf: ({ sql, args }) => {
      const known = names.get(sql);
      if (known !== undefined) return known;
      if (args.length === 0 || names.size >= MAX_NAMES || sql.length > MAX_NAMED_LENGTH) return '';
      const name = `s${generation}_${names.size}`;
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
