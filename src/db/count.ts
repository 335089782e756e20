import { Prisma, type PrismaClient } from './generated/prisma/client.js';

/** Where the count of a list stops: more is not told apart, because counting on takes as long as reading that many rows. */
export const MAX_COUNT = 10_000;
/** Where the count of what is unread stops. */
export const MAX_UNREAD = 1_000;

/** The rows that a count looks at: one more than it tells, by which it is known that there are more. */
export const COUNTED_ROWS = MAX_COUNT + 1;

/** A count as clients see it; `cap` stands for that many or more. */
export const capped = (count: number, cap = MAX_COUNT): number => Math.min(count, cap);

/**
 * An SQL expression: how many rows a query has, reading at most one more than `cap`.
 * @param rows a SELECT without LIMIT
 */
export const countUpTo = (rows: Prisma.Sql, cap: number): Prisma.Sql =>
  Prisma.sql`(SELECT count(*)::int FROM (${rows} LIMIT ${cap + 1}::int) counted)`;

/**
 * Counts the rows of each parent, at most one more than `cap` of each, in one statement. Parents without rows are absent.
 * @param rowsOf a SELECT of the rows of one parent, whose id is the given SQL
 */
export const countEach = async (
  prisma: PrismaClient,
  parentIds: readonly string[],
  rowsOf: (parentId: Prisma.Sql) => Prisma.Sql,
  cap = MAX_COUNT,
): Promise<ReadonlyMap<string, number>> => {
  const rows = await prisma.$queryRaw<{ readonly id: string; readonly count: number }[]>`
    SELECT parent.id::text AS id, ${countUpTo(rowsOf(Prisma.sql`parent.id`), cap)} AS count FROM unnest(${[...parentIds]}::uuid[]) AS parent(id)`;
  return new Map(rows.flatMap(({ id, count }) => (count === 0 ? [] : [[id, count]])));
};
