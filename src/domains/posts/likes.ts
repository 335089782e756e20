import type { Context } from '../../context.js';
import { notFound } from '../../errors.js';
import { viewerOf } from '../../viewer.js';
import { likeCount } from './topics.js';

/**
 * Likes a post; liking twice is liking once. The row and the count change in one statement, so the count is the number of rows whatever
 * happens at the same time, and only a true change is told.
 * @returns the count as this transaction leaves it
 * @throws NOT_FOUND
 */
export const likePost = (context: Context, postId: string): Promise<number> =>
  changeLike(context, postId, (userId) => context.db.transact(async (tx) => {
    const [changed] = await tx.$queryRaw<{ count: number }[]>`
      WITH liked AS (
        INSERT INTO post_like (post_id, user_id) SELECT id, ${userId}::uuid FROM post WHERE id = ${postId}::uuid
        ON CONFLICT DO NOTHING RETURNING post_id
      )
      UPDATE post SET like_count = like_count + 1 FROM liked WHERE post.id = liked.post_id RETURNING post.like_count AS count`;
    if (changed) tx.emit(likeCount, postId);
    return changed?.count ?? null;
  }));

/** Takes a like back; what was not liked stays so. @returns the count. @throws NOT_FOUND */
export const unlikePost = (context: Context, postId: string): Promise<number> =>
  changeLike(context, postId, (userId) => context.db.transact(async (tx) => {
    const [changed] = await tx.$queryRaw<{ count: number }[]>`
      WITH unliked AS (DELETE FROM post_like WHERE post_id = ${postId}::uuid AND user_id = ${userId}::uuid RETURNING post_id)
      UPDATE post SET like_count = like_count - 1 FROM unliked WHERE post.id = unliked.post_id RETURNING post.like_count AS count`;
    if (changed) tx.emit(likeCount, postId);
    return changed?.count ?? null;
  }));

const changeLike = async (context: Context, postId: string, change: (userId: string) => Promise<number | null>): Promise<number> => {
  const count = await change(viewerOf(context).id);
  if (count !== null) return count;
  const post = await context.db.prisma.post.findUnique({ where: { id: postId }, select: { likeCount: true } });
  if (post === null) throw notFound('Post');
  return post.likeCount;
};
