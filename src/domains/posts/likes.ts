import type { Context } from '../../context.js';
import { addLike, removeLike } from '../../db/likes.js';
import { viewerOf } from '../../viewer.js';
import { notify, withdraw } from '../notifications/notifications.js';
import { findPost } from './posts.js';
import { likeCount } from './topics.js';

/**
 * Likes a post; liking twice is liking once, and only a true change is told.
 * @returns the count as this transaction leaves it
 * @throws NOT_FOUND
 */
export const likePost = (context: Context, postId: string): Promise<number> => changeLike(context, postId, addLike, notify);

/** Takes a like back; what was not liked stays so. @returns the count. @throws NOT_FOUND */
export const unlikePost = (context: Context, postId: string): Promise<number> => changeLike(context, postId, removeLike, withdraw);

const changeLike = async (context: Context, postId: string, change: typeof addLike, letHear: typeof notify): Promise<number> => {
  const userId = viewerOf(context).id;
  const changed = await context.db.transact(async (tx) => {
    const like = await change(tx, 'post', postId, userId);
    if (like === null) return null;
    await letHear(tx, { kind: 'LIKE', userId: like.authorId, actorId: userId, subject: { type: 'Post', id: postId } });
    tx.emit(likeCount, postId);
    return like;
  });
  return changed?.count ?? (await findPost(context, postId)).likeCount;
};
