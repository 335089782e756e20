import type { Context } from '../../context.js';
import type { Database } from '../../db/database.js';
import { addLikes, removeLikes, type LikeChange } from '../../db/likes.js';
import { createTogether } from '../../db/together.js';
import { viewerOf } from '../../viewer.js';
import { notify, withdraw } from '../notifications/notifications.js';
import { findPost } from './posts.js';
import { likeCount } from './topics.js';

/**
 * Likes a post; liking twice is liking once, and only a true change is told.
 * @returns the count as this transaction leaves it
 * @throws NOT_FOUND
 */
export const likePost = (context: Context, postId: string): Promise<number> => changeLike(context, postId, 'like');

/** Takes a like back; what was not liked stays so. @returns the count. @throws NOT_FOUND */
export const unlikePost = (context: Context, postId: string): Promise<number> => changeLike(context, postId, 'unlike');

const changeLike = async (context: Context, postId: string, change: keyof Changes): Promise<number> => {
  const changed = await changesOf(context.db)[change](postId, viewerOf(context).id);
  return changed?.count ?? (await findPost(context, postId)).likeCount;
};

/** Ways to change a post's likes by one user's; null when nothing has changed. */
interface Changes {
  readonly like: (postId: string, userId: string) => Promise<LikeChange | null>;
  readonly unlike: (postId: string, userId: string) => Promise<LikeChange | null>;
}

/** The most likes of one transaction: nobody waits long for the others in it. */
const MOST_TOGETHER = 100;

/** A post that everyone likes at the same time is liked by them together: else each would wait for the post, and all others for them. */
const createChanges = (db: Database): Changes => {
  const together = (change: typeof addLikes, letHear: typeof notify): Changes['like'] =>
    createTogether(
      (postId, userIds) =>
        db.transact(async (tx) => {
          const likes = await change(tx, 'post', postId, userIds);
          if (likes === null) return null;
          const subject = { type: 'Post', id: postId } as const;
          await letHear(tx, ...likes.userIds.map((actorId) => ({ kind: 'LIKE', userId: likes.authorId, actorId, subject }) as const));
          // Each is a change of its own: the version tells how many there were.
          for (let told = 0; told < likes.userIds.length; told += 1) tx.emit(likeCount, postId);
          return likes;
        }),
      MOST_TOGETHER,
    );
  return { like: together(addLikes, notify), unlike: together(removeLikes, withdraw) };
};

/** By the database of each process. */
const changes = new WeakMap<Database, Changes>();

const changesOf = (db: Database): Changes => {
  const known = changes.get(db);
  if (known) return known;
  const made = createChanges(db);
  changes.set(db, made);
  return made;
};
