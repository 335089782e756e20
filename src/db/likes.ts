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

/** A like that has come or gone. */
export interface LikeChange {
  /** How many there are, as the statement leaves it. */
  readonly count: number;
  /** Whose item it is. */
  readonly authorId: string;
}

/**
 * Adds a like; liking twice is liking once. The row and the count change in one statement, so the count is the number of rows
 * whatever happens at the same time.
 * @returns null when nothing changed: it was liked already, or there is no such item
 */
export const addLike = async (client: Prisma.TransactionClient, what: Likeable, id: string, userId: string): Promise<LikeChange | null> => {
  const { item, likes, itemId, isThere } = namesOf(what);
  const [changed] = await client.$queryRaw<LikeChange[]>`
    WITH liked AS (
      INSERT INTO ${likes} (${itemId}, user_id) SELECT id, ${userId}::uuid FROM ${item} WHERE id = ${id}::uuid AND ${isThere}
      ON CONFLICT DO NOTHING RETURNING ${itemId} AS id
    )
    UPDATE ${item} SET like_count = like_count + 1 FROM liked
    WHERE ${item}.id = liked.id AND ${isThere} RETURNING ${item}.like_count AS count, ${item}.author_id AS "authorId"`;
  return changed ?? null;
};

/** Takes a like back, in one statement too. @returns null when there was no like */
export const removeLike = async (client: Prisma.TransactionClient, what: Likeable, id: string, userId: string): Promise<LikeChange | null> => {
  const { item, likes, itemId, isThere } = namesOf(what);
  const [changed] = await client.$queryRaw<LikeChange[]>`
    WITH unliked AS (DELETE FROM ${likes} WHERE ${itemId} = ${id}::uuid AND user_id = ${userId}::uuid RETURNING ${itemId} AS id)
    UPDATE ${item} SET like_count = like_count - 1 FROM unliked
    WHERE ${item}.id = unliked.id AND ${isThere} RETURNING ${item}.like_count AS count, ${item}.author_id AS "authorId"`;
  return changed ?? null;
};
