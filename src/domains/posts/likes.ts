import type { Context } from '../../context.js';
import { addLike, removeLike } from '../../db/likes.js';
import { notFound } from '../../errors.js';
import { viewerOf } from '../../viewer.js';
import { likeCount } from './topics.js';

/**
 * Likes a post; liking twice is liking once, and only a true change is told.
 * @returns the count as this transaction leaves it
 * @throws NOT_FOUND
 */
export const likePost = (context: Context, postId: string): Promise<number> => changeLike(context, postId, addLike);

/** Takes a like back; what was not liked stays so. @returns the count. @throws NOT_FOUND */
export const unlikePost = (context: Context, postId: string): Promise<number> => changeLike(context, postId, removeLike);

const changeLike = async (context: Context, postId: string, change: typeof addLike): Promise<number> => {
  const userId = viewerOf(context).id;
  const count = await context.db.transact(async (tx) => {
    const changed = await change(tx, 'post', postId, userId);
    if (changed !== null) tx.emit(likeCount, postId);
    return changed;
  });
  if (count !== null) return count;
  const post = await context.db.prisma.post.findUnique({ where: { id: postId }, select: { likeCount: true } });
  if (post === null) throw notFound('Post');
  return post.likeCount;
};
