import type { Database } from './database.js';
import { readTables, tableOf, type Tables } from './datamodel.js';
import type { PrismaClient } from './generated/prisma/client.js';
import { statementOf, type RawStatement } from './raw-statements.js';

/** A view of the database that remembers which tables are read through it, until it is given back. */
export interface Recording {
  readonly db: Database;
  /** The tables read so far; null when something was done that a list of tables does not describe, such as a write. */
  readonly tables: () => ReadonlySet<string> | null;
  /** Gives the view back. A statement that is sent through it later is counted to whoever has it then, which does no harm. */
  readonly end: () => void;
}

/** What is recorded; another object for each recording. */
interface Noted {
  readonly tables: Set<string>;
  isComplete: boolean;
}

interface View {
  readonly db: Database;
  noted: Noted;
}

/** How many views wait to be used again. */
const MAX_IDLE = 100;

const READS = /^(find|count$|aggregate$|groupBy$)/;

/**
 * Creates recordings. What is read is found in the statements themselves, on the way that all of them take, so that no reader need declare
 * anything; whatever is not recognised makes the recording incomplete.
 * @param tablesRead the tables that a text of SQL names; null when its result depends on more than tables
 */
export const createRecordings = (db: Database, tablesRead: (sql: string) => readonly string[] | null): (() => Recording) => {
  const idle: View[] = [];
  const tablesOf = createTableNames(readTables(db.prisma));

  const createView = (): View => {
    const spoil = (): void => void (view.noted.isComplete = false);
    const note = (tables: Iterable<string> | null): void => {
      if (tables === null) return spoil();
      for (const table of tables) view.noted.tables.add(table);
    };
    const recorded = (client: PrismaClient): PrismaClient =>
      client.$extends({
        query: {
          $allOperations: ({ model, operation, args, query }) => {
            if (model !== undefined) note(READS.test(operation) ? tablesOf(model, args) : null);
            else note(operation === '$queryRaw' ? tablesRead((args as { readonly sql: string }).sql) : null);
            return query(args);
          },
        },
        client: {
          // It does not go through the operations: see `raw-statements.ts`.
          $queryRaw: (...given: RawStatement) => {
            note(tablesRead(statementOf(given).text));
            return client.$queryRaw(...(given as Parameters<PrismaClient['$queryRaw']>));
          },
        },
      }) as unknown as PrismaClient;
    const view: View = {
      noted: { tables: new Set(), isComplete: true },
      db: {
        ...db,
        prisma: recorded(db.prisma),
        lists: db.listsSeenBy((sql) => note(tablesRead(sql))),
        transact: (...args) => {
          spoil();
          return db.transact(...args);
        },
        beginWrite: spoil,
      },
    };
    return view;
  };

  return () => {
    const view = idle.pop() ?? createView();
    const noted: Noted = { tables: new Set(), isComplete: true };
    view.noted = noted;
    return {
      db: view.db,
      tables: () => (noted.isComplete ? noted.tables : null),
      end: () => {
        if (idle.length < MAX_IDLE) idle.push(view);
      },
    };
  };
};

/**
 * Finds the tables that a call of Prisma's client reads: the model's own and those of all relations that its arguments name, at any depth.
 * A name that is a relation of any model counts, so that rather too many tables are found than too few.
 */
const createTableNames = (tables: Tables): ((model: string, args: unknown) => ReadonlySet<string>) => {
  const dbNameOf = (model: string): string => tableOf(tables, model).dbName;
  const byRelation = new Map<string, Set<string>>();
  for (const { relations } of tables.values())
    for (const { name, target } of relations.values()) byRelation.set(name, (byRelation.get(name) ?? new Set()).add(dbNameOf(target)));
  return (model, args) => {
    const found = new Set([dbNameOf(model)]);
    const walk = (value: unknown): void => {
      if (Array.isArray(value)) return value.forEach(walk);
      if (typeof value !== 'object' || value === null || value instanceof Date) return;
      for (const [name, inner] of Object.entries(value)) {
        for (const table of byRelation.get(name) ?? []) found.add(table);
        // Every relation of the model is counted.
        if (name === '_count' && inner === true) for (const tables of byRelation.values()) for (const table of tables) found.add(table);
        walk(inner);
      }
    };
    walk(args);
    return found;
  };
};
