import type { Database } from '../../db/database.js';
import { Prisma } from '../../db/generated/prisma/client.js';
import { batchedForViewer } from '../../graphql/loaders.js';
import { usersAmong } from '../account/account.js';

/*
 * Likes of posts and entries. Each kind of item has a table of likes here; the number of likes is a column of the item's own row, which its
 * domain owns and describes in SQL.
 */

interface Table {
  readonly name: Prisma.Sql;
  /** The column with the id of the liked item. */
  readonly itemId: Prisma.Sql;
}

const TABLES = {
  post: { name: Prisma.sql`post_like`, itemId: Prisma.sql`post_id` },
  entry: { name: Prisma.sql`entry_like`, itemId: Prisma.sql`entry_id` },
} as const satisfies Readonly<Record<string, Table>>;

/** What can be liked. */
export type Kind = keyof typeof TABLES;

/** How the domain that owns a kind of item locks it and counts its likes. */
export interface Likeable {
  readonly kind: Kind;
  /** Selects and locks the row with this id: `SELECT id FROM … FOR NO KEY UPDATE`. A missing or deleted item gives no row. */
  readonly lock: (id: string) => Prisma.Sql;
  /**
   * Adds `change.size` to the like count of the row, unless it is deleted: `UPDATE … FROM change …`, where `change` has one row or none.
   * Returns the new `count` and the `authorId`.
   */
  readonly count: (id: string) => Prisma.Sql;
}

/** Of the likes that a statement adds: the `user_id` of the item's author, and the `actor_id` of each who likes it; for {@link Further}. */
export const LIKING = Prisma.sql`SELECT counted."authorId" AS user_id, liked.user_id AS actor_id FROM liked, counted`;

/** The effect of adding or removing likes. */
export interface LikeChange {
  /** The number of likes after the statement. */
  readonly count: number;
  /** The author of the item. */
  readonly authorId: string;
  /** The users whose likes were really added or removed. */
  readonly userIds: readonly string[];
}

/**
 * What else the statement that adds likes does, as further CTEs, and the value that they give. They may read {@link LIKING}.
 */
export interface Further {
  readonly ctes: Prisma.Sql;
  readonly value: Prisma.Sql;
}

/**
 * Adds likes of users; liking again changes nothing. Rows and count change in one statement, so the count always equals the number of rows.
 * The item is locked first, which prevents deadlocks: no transaction waits for the item while holding a row of a like.
 * @returns with the value of `further`; null when nothing changed, because it was liked already or the item does not exist
 */
export const addLikes = async (
  client: Prisma.TransactionClient,
  { kind, lock, count }: Likeable,
  id: string,
  userIds: readonly string[],
  { ctes, value }: Further,
): Promise<(LikeChange & { readonly further: unknown }) | null> => {
  const { name, itemId } = TABLES[kind];
  const [changed] = await client.$queryRaw<(LikeChange & { readonly further: unknown })[]>`
    WITH held AS (${lock(id)}), liked AS (
      INSERT INTO ${name} (${itemId}, user_id) SELECT held.id, liker.id FROM held, ${usersAmong(userIds)} liker
      ON CONFLICT DO NOTHING RETURNING user_id
    ), change AS (
      SELECT count(*)::int AS size, array_agg(user_id) AS "userIds" FROM liked HAVING count(*) > 0
    ), counted AS (${count(id)}), ${ctes}
    SELECT counted.count, counted."authorId", change."userIds", ${value} AS further FROM counted, change`;
  return changed ?? null;
};

/** Removes likes of users, also in one statement. @returns null when there were none */
export const removeLikes = async (
  client: Prisma.TransactionClient,
  { kind, lock, count }: Likeable,
  id: string,
  userIds: readonly string[],
): Promise<LikeChange | null> => {
  const { name, itemId } = TABLES[kind];
  const [changed] = await client.$queryRaw<LikeChange[]>`
    WITH held AS (${lock(id)}), unliked AS (
      DELETE FROM ${name} USING held WHERE ${itemId} = held.id AND user_id = ANY(${userIds}::uuid[]) RETURNING user_id
    ), change AS (
      SELECT -count(*)::int AS size, array_agg(user_id) AS "userIds" FROM unliked HAVING count(*) > 0
    ), counted AS (${count(id)})
    SELECT counted.count, counted."authorId", change."userIds" FROM counted, change`;
  return changed ?? null;
};

/** Whether the viewer likes an item; false for anonymous viewers. One statement for all items of a response. */
export const viewerLikes = (kind: Kind) => {
  const { name, itemId } = TABLES[kind];
  return batchedForViewer(async ({ db, viewer }, ids) => {
    const likes = await db.prisma.$queryRaw<{ readonly id: string }[]>`
      SELECT ${itemId} AS id FROM ${name} WHERE user_id = ${viewer.id}::uuid AND ${itemId} = ANY(${[...ids]}::uuid[])`;
    return new Map(likes.map(({ id }) => [id, true]));
  }, false);
};

/** Whether a user, by the SQL of their id, likes something. */
export const likesSomething = (userId: Prisma.Sql): Prisma.Sql =>
  Prisma.sql`(EXISTS (SELECT FROM post_like WHERE post_like.user_id = ${userId}) OR EXISTS (SELECT FROM entry_like WHERE entry_like.user_id = ${userId}))`;

/** The items of a kind that a user likes, after one of them, in the order of their ids. */
export const likedBy = async (
  { prisma }: Pick<Database, 'prisma'>,
  kind: Kind,
  userId: string,
  after: string | null,
  limit: number,
): Promise<readonly string[]> => {
  const { name, itemId } = TABLES[kind];
  const rows = await prisma.$queryRaw<{ readonly id: string }[]>`
    SELECT ${itemId} AS id FROM ${name} WHERE user_id = ${userId}::uuid AND (${after}::uuid IS NULL OR ${itemId} > ${after}::uuid) ORDER BY 1 LIMIT ${limit}`;
  return rows.map(({ id }) => id);
};

/** The likes of an entry by a user, as a subquery. @param entryId SQL */
export const likesOf = (entryId: Prisma.Sql, userId: string): Prisma.Sql =>
  Prisma.sql`(SELECT 1 FROM entry_like WHERE entry_id = ${entryId} AND user_id = ${userId}::uuid)`;
