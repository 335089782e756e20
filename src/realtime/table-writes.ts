import { randomBytes } from 'node:crypto';
import type { PrismaClient } from '../db/generated/prisma/client.js';
import { writtenTables, type OnWritten } from '../db/written.js';
import type { Bus } from './bus.js';

/**
 * What has been written to which table, as far as this process has heard, and in which order. A result that was made from tables to which
 * nobody has written since is still right.
 *
 * Own writes are known before anybody is told that they succeeded; those of other processes as soon as the bus brings them. A wake that is
 * lost is noticed with the next one, since each process numbers its own; until then a kept result is older than the database.
 */
export interface TableWrites {
  /** Grows with every write that this process hears of. */
  readonly now: number;
  /** Whether none of these tables has been written since `now` had this value. */
  readonly isUnchanged: (tables: Iterable<string>, since: number) => boolean;
  /** The tables that a reading statement names; null when what it reads depends on more than tables, such as the time. */
  readonly tablesRead: (sql: string) => readonly string[] | null;
  /** Begins to listen to what others write; before that, nothing is known of it. */
  readonly listen: () => void;
  /** Says which tables there are. Before that, no statement is known to read none but them. */
  readonly know: (schema: Schema) => void;
  /** To be called with what has been written here. */
  readonly wrote: OnWritten;
  /**
   * Names the writes of this process so far, and those of `other` that it has not heard of. Whoever shows it to another process is not given
   * anything from before them.
   */
  readonly tokenAfter: (other: string | null) => string;
  /** Whether this process knows of all writes that a token names. */
  readonly hasHeard: (token: string) => boolean;
  readonly stop: () => void;
}

const TOPIC = 'tableWrites';

/** The processes of which it is remembered how many of their writes were heard. One that is forgotten counts as never heard of. */
const MAX_ORIGINS = 1_000;
const MAX_TEXTS = 2_000;

/** How many processes a token names at the most, and how long such a name may be. */
const MAX_PARTS = 8;
const MAX_PART_LENGTH = 40;
const partsOf = (token: string): readonly string[] => token.slice(0, MAX_PARTS * MAX_PART_LENGTH).split(',', MAX_PARTS + 1);

/** What makes a statement's result depend on more than its tables and parameters. */
const PASSES = /\b(?:now\s*\(|clock_timestamp|statement_timestamp|current_(?:timestamp|time|date)|localtime|random\s*\()/i;

interface ForeignKey {
  readonly table: string;
  readonly parent: string;
}

export interface Schema {
  readonly tables: ReadonlySet<string>;
  /** By table: those whose rows change when one of its rows is deleted. */
  readonly dependants: ReadonlyMap<string, readonly string[]>;
  /** By table: those that its triggers write. */
  readonly triggered: ReadonlyMap<string, readonly string[]>;
}

/** Reads from the database which tables there are, and which of them a write to another changes by foreign keys and by triggers. */
export const readSchema = async (prisma: PrismaClient): Promise<Schema> => {
  const tables = await prisma.$queryRaw<{ readonly name: string }[]>`
    SELECT relname AS name FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm') AND pg_table_is_visible(oid) AND relnamespace <> 'pg_catalog'::regnamespace`;
  const keys = await prisma.$queryRaw<ForeignKey[]>`
    SELECT child.relname AS "table", parent.relname AS parent
    FROM pg_constraint JOIN pg_class child ON child.oid = conrelid JOIN pg_class parent ON parent.oid = confrelid
    WHERE contype = 'f' AND confdeltype IN ('c', 'n', 'd') AND pg_table_is_visible(conrelid)`;
  const dependants = new Map<string, string[]>();
  for (const { table, parent } of keys) dependants.set(parent, [...(dependants.get(parent) ?? []), table]);
  const functions = await prisma.$queryRaw<{ readonly name: string; readonly source: string }[]>`
    SELECT proname AS name, prosrc AS source FROM pg_proc JOIN pg_language ON pg_language.oid = prolang
    WHERE lanname IN ('sql', 'plpgsql') AND pg_function_is_visible(pg_proc.oid) AND pronamespace <> 'pg_catalog'::regnamespace`;
  const triggers = await prisma.$queryRaw<{ readonly table: string; readonly source: string }[]>`
    SELECT relname AS "table", prosrc AS source
    FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid JOIN pg_proc ON pg_proc.oid = tgfoid
    WHERE NOT tgisinternal AND pg_table_is_visible(tgrelid)`;
  const triggered = new Map<string, string[]>();
  for (const { table, source } of triggers) {
    const run = new Set([source]);
    // A set may grow while it is walked: a function may call others.
    for (const text of run) for (const called of functions) if (new RegExp(`\\b${called.name}\\s*\\(`).test(text)) run.add(called.source);
    triggered.set(table, [...(triggered.get(table) ?? []), ...[...run].flatMap((text) => writtenTables(text).map(({ name }) => name))]);
  }
  return { tables: new Set(tables.map(({ name }) => name)), dependants, triggered };
};

/** The tables whose rows these statements may have changed. Keys of rows are never updated, so only a deletion reaches other tables. */
const changedBy = (statements: readonly string[], { tables, dependants, triggered }: Schema): readonly string[] => {
  const written = statements.flatMap(writtenTables).filter(({ name }) => tables.has(name));
  const changed = new Set(written.map(({ name }) => name));
  const emptied = new Set(written.filter(({ deletes }) => deletes).map(({ name }) => name));
  // A set may grow while it is walked.
  for (const name of emptied) for (const dependant of dependants.get(name) ?? []) emptied.add(dependant);
  const all = new Set([...changed, ...emptied]);
  for (const name of all) for (const other of triggered.get(name) ?? []) all.add(other);
  return [...all];
};

/** What a process tells the others: its name, how many writes it has told, and the tables of this one. */
type Told = readonly [origin: string, count: number, tables: readonly string[]];

const isTold = (value: unknown): value is Told =>
  Array.isArray(value) && typeof value[0] === 'string' && Number.isSafeInteger(value[1]) && Array.isArray(value[2]);

export const createTableWrites = (bus: Bus): TableWrites => {
  let schema: Schema = { tables: new Set(), dependants: new Map(), triggered: new Map() };
  const origin = randomBytes(6).toString('base64url');
  const lastWrite = new Map<string, number>();
  /** By process: how many of its writes this one knows of. */
  const heard = new Map<string, number>();
  const reads = new Map<string, readonly string[] | null>();
  let now = 0;
  let told = 0;
  /** When something may have been written that was not heard of: what began before it is no longer known to be right. */
  let missedAt = 0;

  const note = (tables: readonly string[]): void => {
    now += 1;
    for (const table of tables) lastWrite.set(table, now);
  };
  const miss = (): void => {
    now += 1;
    missedAt = now;
  };
  const hear = (value: unknown): void => {
    if (!isTold(value)) return miss();
    const [from, count, tables] = value;
    if (from === origin) return;
    if (count === (heard.get(from) ?? Number.NaN) + 1) note(tables);
    else miss();
    heard.delete(from);
    heard.set(from, count);
    for (const oldest of heard.keys()) {
      if (heard.size <= MAX_ORIGINS) break;
      heard.delete(oldest);
    }
  };
  const isHeard = (part: string): boolean => {
    const [from = '', count = ''] = part.split('.');
    return from === origin || Number(count || 'none') <= (heard.get(from) ?? Number.NaN);
  };
  const listening: (() => void)[] = [];

  return {
    get now() {
      return now;
    },
    isUnchanged: (tables, since) => {
      if (missedAt > since) return false;
      for (const table of tables) if ((lastWrite.get(table) ?? 0) > since) return false;
      return true;
    },
    tablesRead: (sql) => {
      const known = reads.get(sql);
      if (known !== undefined) return known;
      if (reads.size >= MAX_TEXTS) reads.clear();
      const words = new Set(sql.match(/\w+/g));
      const named = [...words].filter((word) => schema.tables.has(word));
      const found = named.length === 0 || PASSES.test(sql) ? null : named;
      reads.set(sql, found);
      return found;
    },
    listen: () => {
      listening.push(
        bus.listen(TOPIC, '', (_seq, value) => hear(value)),
        bus.onGap((stream) => {
          if (stream === null || stream.topic === TOPIC) miss();
        }),
      );
    },
    know: (given) => {
      schema = given;
      reads.clear();
    },
    wrote: (statements) => {
      const tables = changedBy(statements, schema);
      if (tables.length === 0) return;
      note(tables);
      told += 1;
      // At once, so that it overtakes the wakes of the same transaction's events: whoever asks again because of an event is not given an answer
      // from before it.
      bus.wake({ topic: TOPIC, key: '', seq: 0, value: [origin, told, tables] satisfies Told });
    },
    tokenAfter: (other) =>
      [...(other === null ? [] : partsOf(other).filter((part) => !isHeard(part))), `${origin}.${told}`].slice(-MAX_PARTS).join(),
    hasHeard: (token) => partsOf(token).every(isHeard),
    stop: () => {
      for (const end of listening.splice(0)) end();
    },
  };
};
