import { Prisma } from './generated/prisma/client.js';

/** What can be liked: the table `x` counts its likes in `like_count`, and `x_like` has a row for each (`x_id`, `user_id`). */
export type Likeable = 'post' | 'entry';

const namesOf = (what: Likeable): { readonly item: Prisma.Sql; readonly likes: Prisma.Sql; readonly itemId: Prisma.Sql } => ({
  item: Prisma.raw(what),
  likes: Prisma.raw(`${what}_like`),
  itemId: Prisma.raw(`${what}_id`),
});

/**
 * Adds a like; liking twice is liking once. The row and the count change in one statement, so the count is the number of rows
 * whatever happens at the same time.
 * @returns the count as this statement leaves it; null when nothing changed: it was liked already, or there is no such item
 */
export const addLike = async (client: Prisma.TransactionClient, what: Likeable, id: string, userId: string): Promise<number | null> => {
  const { item, likes, itemId } = namesOf(what);
  const [changed] = await client.$queryRaw<{ count: number }[]>`
    WITH liked AS (
      INSERT INTO ${likes} (${itemId}, user_id) SELECT id, ${userId}::uuid FROM ${item} WHERE id = ${id}::uuid
      ON CONFLICT DO NOTHING RETURNING ${itemId} AS id
    )
    UPDATE ${item} SET like_count = like_count + 1 FROM liked WHERE ${item}.id = liked.id RETURNING ${item}.like_count AS count`;
  return changed?.count ?? null;
};

/** Takes a like back, in one statement too. @returns the count; null when there was no like */
export const removeLike = async (client: Prisma.TransactionClient, what: Likeable, id: string, userId: string): Promise<number | null> => {
  const { item, likes, itemId } = namesOf(what);
  const [changed] = await client.$queryRaw<{ count: number }[]>`
    WITH unliked AS (DELETE FROM ${likes} WHERE ${itemId} = ${id}::uuid AND user_id = ${userId}::uuid RETURNING ${itemId} AS id)
    UPDATE ${item} SET like_count = like_count - 1 FROM unliked WHERE ${item}.id = unliked.id RETURNING ${item}.like_count AS count`;
  return changed?.count ?? null;
};
