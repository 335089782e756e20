import { Prisma } from './generated/prisma/client.js';
import type { Database } from './database.js';

/*
 * What is stored about a person. Each domain says of each of its tables that has to do with users what of it they are given when they ask, and what becomes
 * of it when they go. A test compares these with the tables of the database, so that a new one is not forgotten.
 */

/** A row as it is told: what JSON can hold. */
export type Row = Readonly<Record<string, unknown>>;

/** A value of a row as text; the other text where there is none. */
export const textOr = (value: unknown, otherwise: string): string => (typeof value === 'string' ? value : otherwise);

/** A table that has to do with users. */
export interface PersonalTable {
  /** Its name in the database. */
  readonly table: string;
  /** What an export has of it; or why it has nothing of it, in words. */
  readonly exported: ExportedRows | string;
  /** What becomes of it when an account is deleted, in words, for those who read what is stored. */
  readonly afterwards: string;
}

/** The rows of a table that are about one user, as an export has them. */
export interface ExportedRows {
  /** Of the files that have them, without an ending. */
  readonly name: string;
  /** What they are, as a heading. */
  readonly title: string;
  /** What is told of a row, as the columns of a SELECT. */
  readonly columns: Prisma.Sql;
  readonly from: Prisma.Sql;
  /** Which rows are the user's. */
  readonly of: (userId: Prisma.Sql) => Prisma.Sql;
  /** Their order, which no two have in common: columns and their types. */
  readonly order: readonly (readonly [column: Prisma.Sql, type: Prisma.Sql])[];
  /** What is told of a row that was read, where that takes more than reading; the row itself when left out. */
  readonly told?: (row: Row, userId: string) => Row;
  /** A row as Markdown, for what a person reads; left out for what is only data. */
  readonly markdown?: (row: Row) => string;
}

export const UUID_TYPE = Prisma.sql`uuid`;
export const TEXT_TYPE = Prisma.sql`text`;
export const TIME_TYPE = Prisma.sql`timestamptz`;

/** So many rows are read by one statement, and held in memory at a time. */
const PAGE = 200;

/** Reads the rows about a user, one page after the other. */
export async function* readRows(
  { prisma }: Pick<Database, 'prisma'>,
  { columns, from, of, order, told = (row) => row }: ExportedRows,
  userId: string,
): AsyncGenerator<Row, void> {
  const names = Prisma.join(order.map(([column]) => column));
  const place = Prisma.join(order.map(([column]) => Prisma.sql`${column}::text`));
  for (let after: readonly string[] | null = null; ;) {
    const values: readonly string[] | null = after;
    const behind =
      values === null
        ? Prisma.empty
        : Prisma.sql`AND (${names}) > (${Prisma.join(order.map(([, type], index) => Prisma.sql`${values[index] ?? ''}::${type}`))})`;
    const rows: { readonly row: Row; readonly place: readonly string[] }[] = await prisma.$queryRaw`
      SELECT to_jsonb(page) - '_place' AS row, page."_place" AS place FROM (
        SELECT ${columns}, ARRAY[${place}] AS "_place" FROM ${from}
        WHERE ${of(Prisma.sql`${userId}::uuid`)} ${behind} ORDER BY ${names} LIMIT ${PAGE}
      ) page`;
    for (const { row } of rows) yield told(row, userId);
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    after = last.place;
  }
}

/** What somebody has written, as Markdown, under the time of its writing. */
export const writtenAt =
  (heading?: (row: Row) => string) =>
  (row: Row): string => {
    const { createdAt, text } = row;
    return `## ${heading === undefined ? String(createdAt) : `${heading(row)} (${String(createdAt)})`}\n\n${String(text)}\n`;
  };
