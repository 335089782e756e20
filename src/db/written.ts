import type pg from 'pg';

/** Called with the texts of the writing statements of a transaction once its COMMIT is over, or of one statement outside of any. */
export type OnWritten = (statements: readonly string[]) => void;

type Kind = 'BEGIN' | 'COMMIT' | 'ROLLBACK' | 'WRITE' | 'OTHER';

/** How many texts are remembered with their kind. Texts are parameterised, so there are few. */
const MAX_TEXTS = 2_000;

/** `FOR UPDATE` locks, and `DO UPDATE` belongs to an INSERT. */
const withoutOtherUpdates = (sql: string): string => sql.replace(/\b(?:DO|FOR|FOR\s+NO\s+KEY)\s+UPDATE\b/gi, '');

const WRITE = /\b(INSERT\s+INTO|UPDATE|DELETE\s+FROM|MERGE\s+INTO|TRUNCATE(?:\s+TABLE)?)\s+(?:ONLY\s+)?(?:"?\w+"?\.)?"?(\w+)"?/gi;

/** A table that a statement writes, and whether it may delete rows of it. */
export interface WrittenTable {
  readonly name: string;
  readonly deletes: boolean;
}

/** The tables that a statement writes, in its CTEs too. */
export const writtenTables = (sql: string): readonly WrittenTable[] =>
  [...withoutOtherUpdates(sql).matchAll(WRITE)].map(([, verb = '', name = '']) => ({ name, deletes: !/^(INSERT|UPDATE)/i.test(verb) }));

const kindOf = (sql: string): Kind => {
  if (/^\s*(?:BEGIN|START\s+TRANSACTION)\b/i.test(sql)) return 'BEGIN';
  if (/(?:^|;)\s*(?:COMMIT|END)\s*;?\s*$/i.test(sql)) return 'COMMIT';
  if (/^\s*ROLLBACK\s*;?\s*$/i.test(sql)) return 'ROLLBACK';
  return writtenTables(sql).length > 0 ? 'WRITE' : 'OTHER';
};

/** The texts of what is sent: of one statement, or of those that go together. */
const textsOf = (sent: unknown): readonly string[] => {
  if (typeof sent === 'string') return [sent];
  const { text = '', texts = [text] } = sent as { readonly text?: string; readonly texts?: readonly string[] };
  return texts;
};

/**
 * Makes an observer of the connections of a pool: it tells what they have written, whoever sent the statements. A write is told when its
 * outcome is known or will never be known, since a connection that breaks during COMMIT may have committed; and before the sender hears of
 * it, so that nobody acts upon a write that has not been told.
 */
export const createWriteObserver = (onWritten: OnWritten): ((client: pg.ClientBase) => void) => {
  const kinds = new Map<string, Kind>();
  const rememberedKindOf = (sql: string): Kind => {
    const known = kinds.get(sql);
    if (known !== undefined) return known;
    if (kinds.size >= MAX_TEXTS) kinds.clear();
    const kind = kindOf(sql);
    kinds.set(sql, kind);
    return kind;
  };

  return (client) => {
    /** What the open transaction has written; null outside of one. */
    let open: string[] | null = null;
    /** Notes a statement that is about to be sent. @returns what it and those before it have written once it is over */
    const note = (sql: string): readonly string[] | null => {
      const kind = rememberedKindOf(sql);
      if (kind === 'OTHER') return null;
      if (kind === 'BEGIN') open = [];
      else if (kind === 'ROLLBACK') open = null;
      else if (kind === 'WRITE') {
        if (open === null) return [sql];
        open.push(sql);
      } else {
        const written = open ?? [];
        open = null;
        // A COMMIT that comes in one text with the last statement.
        if (writtenTables(sql).length > 0) written.push(sql);
        return written.length > 0 ? written : null;
      }
      return null;
    };
    const send = client.query.bind(client) as (...args: readonly unknown[]) => unknown;
    const observed = (...args: readonly unknown[]): unknown => {
      const written = textsOf(args[0]).flatMap((sql) => note(sql) ?? []);
      if (written.length === 0) return send(...args);
      const callback = args.at(-1);
      if (typeof callback !== 'function') return (send(...args) as Promise<unknown>).finally(() => onWritten(written));
      return send(...args.slice(0, -1), (...results: readonly unknown[]) => {
        onWritten(written);
        (callback as (...results: readonly unknown[]) => void)(...results);
      });
    };
    client.query = observed as typeof client.query;
  };
};
