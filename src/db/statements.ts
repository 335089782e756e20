/** The names under which a pool's connections prepare their statements. */
export interface StatementNames {
  /** How often the names have been thrown away. */
  readonly generation: number;
  /** The name of a statement; empty for one that is sent without. */
  readonly nameOf: (statement: { readonly sql: string; readonly args: readonly unknown[] }) => string;
  /**
   * Throws away all names that were given in this generation, so that every statement is prepared anew, on every connection. Does nothing
   * when they have been thrown away already: many that fail together have one reason.
   */
  readonly forget: (generation: number) => void;
}

const MAX_NAMES = 500;
const MAX_NAMED_LENGTH = 8_000;

/**
 * Names prepared statements by their text, so that each connection plans a statement once. Prisma's texts are parameterised, hence few;
 * the longest (a full multi-row insert) are left alone, and so is what has no parameters: BEGIN and COMMIT have nothing to plan, and
 * must work whatever has become of a connection's statements.
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
