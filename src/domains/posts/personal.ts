import type { Context } from '../../context.js';
import { codeOf } from '../../errors.js';
import { forgetStreams } from '../../realtime/log-retention.js';
import { viewerOf } from '../../access/viewer.js';
import { likedBy } from '../likes/likes.js';
import { deleteComment } from './comments.js';
import { unlikePost } from './likes.js';
import { deletePost } from './posts.js';
import { feedLog } from './topics.js';
import { Prisma } from '../../db/generated/prisma/client.js';
import { TIME_TYPE, UUID_TYPE, writtenAt, type PersonalTable } from '../../db/personal-data.js';

const CREATED_AND_ID = [
  [Prisma.sql`created_at`, TIME_TYPE],
  [Prisma.sql`id`, UUID_TYPE],
] as const;

export const personalOfPosts: readonly PersonalTable[] = [
  {
    table: 'post',
    exported: {
      name: 'posts',
      title: 'Posts that you have written',
      columns: Prisma.sql`id, body AS text, created_at AS "createdAt", edited_at AS "editedAt", deleted_at AS "deletedAt", like_count AS "likeCount",
        comment_count AS "commentCount"`,
      from: Prisma.sql`post`,
      of: (userId) => Prisma.sql`author_id = ${userId}`,
      order: CREATED_AND_ID,
      markdown: writtenAt(),
    },
    afterwards: 'A post that others have commented on stays, as that of a deleted user; all others are removed.',
  },
  {
    table: 'comment',
    exported: {
      name: 'comments',
      title: 'Comments that you have written',
      columns: Prisma.sql`id, post_id AS "postId", body AS text, reply_to_id AS "replyToId", created_at AS "createdAt", edited_at AS "editedAt",
        deleted_at AS "deletedAt"`,
      from: Prisma.sql`comment`,
      of: (userId) => Prisma.sql`author_id = ${userId}`,
      order: CREATED_AND_ID,
      markdown: writtenAt(),
    },
    afterwards: 'A comment that others have answered stays, as that of a deleted user; all others are removed.',
  },
];

/** So many are looked at by one statement. */
const AT_A_TIME = 200;

/** What somebody else has deleted meanwhile is gone as well. */
const unlessGone = async (work: Promise<unknown>): Promise<void> => {
  await work.catch((error: unknown) => {
    if (codeOf(error) !== 'NOT_FOUND') throw error;
  });
};

/** Removes the viewer's posts and comments that nobody has answered, and their likes. */
export const erasePosts = async (context: Context): Promise<void> => {
  const { prisma } = context.db;
  const { id: authorId } = viewerOf(context);
  const byOthers = { authorId: { not: authorId }, deletedAt: null };
  const own = { authorId, deletedAt: null };
  for (;;) {
    const where = { ...own, replies: { none: byOthers } };
    const comments = await prisma.comment.findMany({ where, take: AT_A_TIME, select: { id: true } });
    if (comments.length === 0) break;
    for (const comment of comments) await unlessGone(deleteComment(context, comment));
  }
  for (;;) {
    const posts = await prisma.post.findMany({ where: { ...own, comments: { none: byOthers } }, take: AT_A_TIME, select: { id: true } });
    if (posts.length === 0) break;
    for (const post of posts) await unlessGone(deletePost(context, post));
  }
  for (let after: string | null = null; ;) {
    const liked: readonly string[] = await likedBy(context.db, 'post', authorId, after, AT_A_TIME);
    for (const postId of liked) await unlessGone(unlikePost(context, postId));
    after = liked.at(-1) ?? null;
    if (after === null) break;
  }
  await context.db.transact((tx) => forgetStreams(tx, [feedLog], [authorId]));
};
