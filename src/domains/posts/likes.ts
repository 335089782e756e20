import type { Context } from '../../context.js';
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

const changeLike = async (context: Context, postId: string, change: keyof Changes): Promise<Count> => {
  const { db } = context;
  const changed = await changesOf(db)[change](postId, viewerOf(context).id);
  if (changed !== null) return changed;
  const unchanged = (await likeCount.load(db.prisma, [postId])).get(postId);
  if (unchanged === undefined) throw notFound('Post');
  return unchanged;
};

/** Ways to change a post's likes by one user's; null when nothing has changed. */
interface Changes {
  readonly like: (postId: string, userId: string) => Promise<Count | null>;
  readonly unlike: (postId: string, userId: string) => Promise<Count | null>;
}

const LIKEABLE: Likeable = {
  kind: 'post',
  hold: (id) => Prisma.sql`SELECT id FROM post WHERE id = ${id}::uuid AND deleted_at IS NULL FOR NO KEY UPDATE`,
  count: (id) => Prisma.sql`
    UPDATE post SET like_count = like_count + change.size FROM change WHERE post.id = ${id}::uuid AND post.deleted_at IS NULL
    RETURNING post.like_count AS count, post.author_id AS "authorId"`,
};

/** The most likes of one transaction: nobody waits long for the others in it. */
const MOST_TOGETHER = 100;

/** A post that everyone likes at the same time is liked by them together: else each would wait for the post, and all others for them. */
const createChanges = (db: Database): Changes => {
  const coalesced = (change: typeof addLikes, letHear: typeof notify): Changes['like'] =>
    createCoalescer(
      (postId, userIds) =>
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
        }),
      MOST_TOGETHER,
    );
  return { like: coalesced(addLikes, notify), unlike: coalesced(removeLikes, withdraw) };
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
