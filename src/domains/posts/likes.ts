import type { Context, LikeQueue } from '../../context.js';
import type { Database } from '../../db/database.js';
import { createCoalescer } from '../../db/coalesce.js';
import { Prisma } from '../../db/generated/prisma/client.js';
import { notFound } from '../../errors.js';
import { readHead } from '../../realtime/event-log.js';
import { viewerOf } from '../../access/viewer.js';
import { addLikes, removeLikes, type Likeable } from '../likes/likes.js';
import { notify, withdraw } from '../notifications/notifications.js';
import { likeCount, type Count } from './topics.js';

/**
 * Likes a post; liking twice is liking once, and only a true change is told.
 * @returns the count and its version, as this transaction leaves them
 * @throws NOT_FOUND
 */
export const likePost = (context: Context, postId: string): Promise<Count> => changeLike(context, postId, 'like');

/** Takes a like back; what was not liked stays so. @returns the count and its version. @throws NOT_FOUND */
export const unlikePost = (context: Context, postId: string): Promise<Count> => changeLike(context, postId, 'unlike');

const changeLike = async (context: Context, postId: string, change: keyof LikeQueue): Promise<Count> => {
  const changed = await context.likes[change](context.db, postId, viewerOf(context).id);
  if (changed !== null) return changed;
  const unchanged = (await likeCount.load(context.db.prisma, [postId])).get(postId);
  if (unchanged === undefined) throw notFound('Post');
  return unchanged;
};

const LIKEABLE: Likeable = {
  kind: 'post',
  hold: (id) => Prisma.sql`SELECT id FROM post WHERE id = ${id}::uuid AND deleted_at IS NULL FOR NO KEY UPDATE`,
  count: (id) => Prisma.sql`
    UPDATE post SET like_count = like_count + change.size FROM change WHERE post.id = ${id}::uuid AND post.deleted_at IS NULL
    RETURNING post.like_count AS count, post.author_id AS "authorId"`,
};

/** The most likes of one transaction: nobody waits long for the others in it. */
const MOST_TOGETHER = 100;

type Changing = typeof addLikes;

const apply = (db: Database, change: Changing, letHear: typeof notify, postId: string, userIds: readonly string[]): Promise<Count | null> =>
  db.transact(async (tx) => {
    const likes = await change(tx, LIKEABLE, postId, userIds);
    if (likes === null) return null;
    const subject = { type: 'Post', id: postId } as const;
    await letHear(tx, ...likes.userIds.map((actorId) => ({ kind: 'LIKE', userId: likes.authorId, actorId, subject }) as const));
    // Each is a change of its own: the version tells how many there were.
    for (let told = 0; told < likes.userIds.length; told += 1) tx.emit(likeCount, postId);
    // Known before it is numbered: whoever else tells of this number holds the post's row before, and waits for this transaction.
    const head = await readHead(tx, likeCount.name, postId);
    return { postId, count: likes.count, version: (head?.lastSeq ?? 0) + likes.userIds.length };
  });

/** A post that everyone likes at the same time is liked by them together: else each would wait for the post, and all others for them. */
export const createLikeQueue = (db: Database): LikeQueue => {
  const queued = (change: Changing, letHear: typeof notify) => {
    const together = createCoalescer<string, Count | null>((postId, userIds) => apply(db, change, letHear, postId, userIds), MOST_TOGETHER);
    // Inside of a transaction it is part of that, and nobody else's.
    return (own: Database, postId: string, userId: string): Promise<Count | null> =>
      own === db ? together(postId, userId) : apply(own, change, letHear, postId, [userId]);
  };
  return { like: queued(addLikes, notify), unlike: queued(removeLikes, withdraw) };
};
