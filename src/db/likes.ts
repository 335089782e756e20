import { Prisma } from './generated/prisma/client.js';

/** What can be liked: the table `x` counts its likes in `like_count`, and `x_like` has a row for each (`x_id`, `user_id`). */
export type Likeable = 'post' | 'entry';

interface Names {
  readonly item: Prisma.Sql;
  readonly likes: Prisma.Sql;
  readonly itemId: Prisma.Sql;
  /** That the item is there: a post that was deleted keeps its row. */
  readonly isThere: Prisma.Sql;
}

const namesOf = (what: Likeable): Names => ({
  item: Prisma.raw(what),
  likes: Prisma.raw(`${what}_like`),
  itemId: Prisma.raw(`${what}_id`),
  isThere: what === 'post' ? Prisma.sql`post.deleted_at IS NULL` : Prisma.sql`true`,
});

/** Likes that have come or gone. */
export interface LikeChange {
  /** How many there are, as the statement leaves it. */
  readonly count: number;
  /** Whose item it is. */
  readonly authorId: string;
  /** Whose likes have truly come or gone. */
  readonly userIds: readonly string[];
}

/**
 * Adds likes of users, of each once; liking twice is liking once. The rows and the count change in one statement, so the count is the number
 * of rows whatever happens at the same time. The item is locked first, so that nobody waits for a row while holding another.
 * @returns null when nothing changed: it was liked already, or there is no such item
 */
export const addLikes = async (
  client: Prisma.TransactionClient,
  what: Likeable,
  id: string,
  userIds: readonly string[],
): Promise<LikeChange | null> => {
  const { item, likes, itemId, isThere } = namesOf(what);
  const [changed] = await client.$queryRaw<LikeChange[]>`
    WITH held AS (
      SELECT id FROM ${item} WHERE id = ${id}::uuid AND ${isThere} FOR NO KEY UPDATE
    ), liked AS (
      INSERT INTO ${likes} (${itemId}, user_id) SELECT held.id, "user".id FROM held, "user" WHERE "user".id = ANY(${userIds}::uuid[])
      ON CONFLICT DO NOTHING RETURNING user_id
    )
    UPDATE ${item} SET like_count = like_count + change.size FROM (SELECT count(*)::int AS size, array_agg(user_id) AS user_ids FROM liked) change
    WHERE ${item}.id = ${id}::uuid AND ${isThere} AND change.size > 0
    RETURNING ${item}.like_count AS count, ${item}.author_id AS "authorId", change.user_ids AS "userIds"`;
  return changed ?? null;
};

/** Takes likes of users back, in one statement too. @returns null when there were none */
export const removeLikes: typeof addLikes = async (client, what, id, userIds) => {
  const { item, likes, itemId, isThere } = namesOf(what);
  const [changed] = await client.$queryRaw<LikeChange[]>`
    WITH held AS (
      SELECT id FROM ${item} WHERE id = ${id}::uuid AND ${isThere} FOR NO KEY UPDATE
    ), unliked AS (
      DELETE FROM ${likes} USING held WHERE ${itemId} = held.id AND user_id = ANY(${userIds}::uuid[]) RETURNING user_id
    )
    UPDATE ${item} SET like_count = like_count - change.size FROM (SELECT count(*)::int AS size, array_agg(user_id) AS user_ids FROM unliked) change
    WHERE ${item}.id = ${id}::uuid AND ${isThere} AND change.size > 0
    RETURNING ${item}.like_count AS count, ${item}.author_id AS "authorId", change.user_ids AS "userIds"`;
  return changed ?? null;
};
