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
 * Likes a post; repeating it changes nothing and emits no event.
 * @returns the count and its version after this transaction
 * @throws NOT_FOUND
 */
export const likePost = (context: Context, postId: string): Promise<Count> => changeLike(context, postId, 'like');

/** Removes a like; a missing one is ignored. @returns the count and its version. @throws NOT_FOUND */
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
  lock: (id) => Prisma.sql`SELECT id FROM post WHERE id = ${id}::uuid AND deleted_at IS NULL FOR NO KEY UPDATE`,
  count: (id) => Prisma.sql`
    UPDATE post SET like_count = like_count + change.size FROM change WHERE post.id = ${id}::uuid AND post.deleted_at IS NULL
    RETURNING post.like_count AS count, post.author_id AS "authorId"`,
};

/** The most likes of one transaction, which limits how long each waits for the others. */
const MAX_BATCH = 100;

type Changing = typeof addLikes;

const apply = (db: Database, change: Changing, letHear: typeof notify, postId: string, userIds: readonly string[]): Promise<Count | null> =>
  db.transact(async (tx) => {
    const likes = await change(tx, LIKEABLE, postId, userIds);
    if (likes === null) return null;
    const subject = { type: 'Post', id: postId } as const;
    await letHear(tx, ...likes.userIds.map((actorId) => ({ kind: 'LIKE', userId: likes.authorId, actorId, subject }) as const));
    // One emission for each like, so that the version counts the likes.
    for (let told = 0; told < likes.userIds.length; told += 1) tx.emit(likeCount, postId);
    // The version is known before the numbering: every transaction that emits this topic locks the post's row first, and so waits for this
    // one.
    const head = await readHead(tx, likeCount.name, postId);
    return { postId, count: likes.count, version: (head?.lastSeq ?? 0) + likes.userIds.length };
  });

/**
 * Creates the queue that coalesces concurrent likes of a post into few transactions. Without it each like would hold a connection and wait
 * for the lock of the post's row.
 */
export const createLikeQueue = (db: Database): LikeQueue => {
  const queued = (change: Changing, letHear: typeof notify) => {
    const coalesced = createCoalescer<string, Count | null>((postId, userIds) => apply(db, change, letHear, postId, userIds), MAX_BATCH);
    // Inside a transaction the like must be part of it and cannot be coalesced with others.
    return (own: Database, postId: string, userId: string): Promise<Count | null> =>
      own === db ? coalesced(postId, userId) : apply(own, change, letHear, postId, [userId]);
  };
  return { like: queued(addLikes, notify), unlike: queued(removeLikes, withdraw) };
};
