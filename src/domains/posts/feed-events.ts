import type { Post } from '../../db/generated/prisma/client.js';
import type { Tx } from '../../db/transact.js';
import { defineTask, type Task } from '../../jobs/task.js';
import { followersOf, hasMoreFollowers } from '../follows/follows.js';
import { feedLog } from './topics.js';

/*
 * A new post is an event in the feed of each follower: written once, so that a reader's feed is one log with one cursor, however many authors they follow.
 */

/** The most followers who are told in the transaction of the post. */
const MAX_TOLD_FOLLOWERS = 200;
/** How many followers one transaction tells. */
const TOLD_AT_ONCE = 500;

/** Tells the author and the followers of a new post: of an author with many, the followers a moment later. */
export const tellFollowers = async (tx: Tx, { id: postId, authorId }: Pick<Post, 'id' | 'authorId'>): Promise<void> => {
  tx.emit(feedLog, authorId, 'PostAdded', { postId });
  if (await hasMoreFollowers(tx, authorId, MAX_TOLD_FOLLOWERS)) tx.enqueue(tellFollowersTask, { postId, authorId, after: null });
  else tx.emitEach(feedLog, followersOf(authorId), 'PostAdded', { postId }, null);
};

interface Telling {
  readonly postId: string;
  readonly authorId: string;
  /** The follower after whom this part begins; null for the first. */
  readonly after: string | null;
}

/** Tells a part of the followers, and leaves the next part to the next job: a part that was told is not told again when a later one fails. */
export const tellFollowersTask: Task<Telling> = defineTask('posts.tellFollowers', ({ db }, { postId, authorId, after }) =>
  db.transact(async (tx) => {
    const followers = await tx.$queryRaw<{ readonly key: string }[]>`
      SELECT key FROM (${followersOf(authorId)}) follower WHERE ${after}::text IS NULL OR key > ${after}::text ORDER BY key LIMIT ${TOLD_AT_ONCE}`;
    for (const { key } of followers) tx.emit(feedLog, key, 'PostAdded', { postId });
    const last = followers.at(-1);
    if (last !== undefined && followers.length === TOLD_AT_ONCE) tx.enqueue(tellFollowersTask, { postId, authorId, after: last.key });
  }),
);
