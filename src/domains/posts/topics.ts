import { Prisma } from '../../db/generated/prisma/client.js';
import { logTopic, stateTopic, type StateValue } from '../../realtime/topic.js';

/** What happens under a post, keyed by the post's id. */
export const commentLog = logTopic<{ CommentAdded: { readonly commentId: string } }>('comments', {
  stamps: [
    Prisma.sql`
      UPDATE comment SET seq = numbered.seq FROM numbered
      WHERE numbered.topic = 'comments' AND numbered.kind = 'CommentAdded' AND comment.id = (numbered.ref->>'commentId')::uuid`,
  ],
});

export interface Count extends StateValue {
  readonly postId: string;
  readonly count: number;
}

/** A post's likes, keyed by the post's id. */
export const likeCount = stateTopic<Count>('likeCount', async (prisma, postIds) => {
  const rows = await prisma.$queryRaw<Count[]>`
    SELECT post.id AS "postId", post.like_count AS count, coalesce(head.last_seq, 0) AS version
    FROM post LEFT JOIN head ON head.topic = 'likeCount' AND head.key = post.id::text
    WHERE post.id = ANY(${postIds}::uuid[])`;
  return new Map(rows.map((row) => [row.postId, row]));
});

/** A post's comments, counted; keyed by the post's id. */
export const commentCount = stateTopic<Count>('commentCount', async (prisma, postIds) => {
  const rows = await prisma.$queryRaw<Count[]>`
    SELECT post.id AS "postId", post.comment_count AS count, coalesce(head.last_seq, 0) AS version
    FROM post LEFT JOIN head ON head.topic = 'commentCount' AND head.key = post.id::text
    WHERE post.id = ANY(${postIds}::uuid[])`;
  return new Map(rows.map((row) => [row.postId, row]));
});
