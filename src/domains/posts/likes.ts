import type { Context, LikeQueue } from '../../context.js';
import type { Database } from '../../db/database.js';
import { createCoalescer } from '../../db/coalesce.js';
import { Prisma } from '../../db/generated/prisma/client.js';
import type { Emitted, Tx } from '../../db/transact.js';
import { notFound } from '../../errors.js';
import { readHead } from '../../realtime/event-log.js';
import { viewerOf } from '../../access/viewer.js';
import { addLikes, LIKING, removeLikes, type Likeable, type LikeChange } from '../likes/likes.js';
import { notifying, tellOpened, withdraw, type Opened } from '../notifications/notifications.js';
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

/** Adds or removes likes together with what their author is told of them. Null when nothing has changed. */
type Changing = (tx: Tx, postId: string, userIds: readonly string[]) => Promise<LikeChange | null>;

const add: Changing = async (tx, id, userIds) => {
  const likes = await addLikes(tx, LIKEABLE, id, userIds, notifying({ kind: 'LIKE', subject: { type: 'Post', id } }, LIKING));
  if (likes !== null) await tellOpened(tx, likes.further as Opened);
  return likes;
};

const remove: Changing = async (tx, id, userIds) => {
  const likes = await removeLikes(tx, LIKEABLE, id, userIds);
  const subject = { type: 'Post', id } as const;
  if (likes !== null)
    await withdraw(tx, ...likes.userIds.map((actorId) => ({ kind: 'LIKE', userId: likes.authorId, actorId, subject }) as const));
  return likes;
};

/** The changed count, and the emission whose number is its version once the transaction has been committed. */
interface Changed {
  readonly count: number;
  readonly size: number;
  readonly last: Emitted | undefined;
}

const apply = (db: Database, change: Changing, postId: string, userIds: readonly string[]): Promise<Changed | null> =>
  db.transact(async (tx) => {
    const likes = await change(tx, postId, userIds);
    if (likes === null) return null;
    // One emission for each like, so that the version counts the likes.
    const emitted = likes.userIds.map(() => tx.emit(likeCount, postId));
    return { count: likes.count, size: emitted.length, last: emitted.at(-1) };
  });

/**
 * Creates the queue that coalesces concurrent likes of a post into few transactions. Without it each like would hold a connection and wait
 * for the lock of the post's row.
 */
export const createLikeQueue = (db: Database): LikeQueue => {
  const queued = (change: Changing) => {
    const coalesced = createCoalescer<string, Changed | null>((postId, userIds) => apply(db, change, postId, userIds), MAX_BATCH);
    return async (own: Database, postId: string, userId: string): Promise<Count | null> => {
      if (!own.isTransaction) {
        own.beginWrite();
        const changed = await coalesced(postId, userId);
        return changed && { postId, count: changed.count, version: changed.last?.seq ?? 0 };
      }
      // Inside a transaction the like must be part of it and cannot be coalesced with others.
      const changed = await apply(own, change, postId, [userId]);
      if (changed === null) return null;
      // It is numbered later, but its number is known: every transaction that emits this topic locks the post's row first, and so waits for
      // this one.
      const head = await readHead(own.prisma, likeCount.name, postId);
      return { postId, count: changed.count, version: (head?.lastSeq ?? 0) + changed.size };
    };
  };
  return { like: queued(add), unlike: queued(remove) };
};
