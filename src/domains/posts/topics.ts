import { Prisma } from '../../db/generated/prisma/client.js';
import { HEAD_VERSION, joinHead } from '../../realtime/event-log.js';
import { logTopic, stateTopic, type StateTopic, type StateValue } from '../../realtime/topic.js';

/** What each kind of event carries. Each kind has a GraphQL type of the same name. */
export interface PostEvents {
  readonly PostEdited: null;
  /** The last event of the log. */
  readonly PostDeleted: null;
  readonly CommentAdded: { readonly commentId: string };
  readonly CommentEdited: { readonly commentId: string };
  readonly CommentDeleted: { readonly commentId: string };
}

/** The events of each post and its comments, keyed by the post's id. */
export const commentLog = logTopic<PostEvents>('comments', {
  kinds: {
    PostEdited: 'goes on',
    // A deleted post has no further events.
    PostDeleted: 'ends for everyone',
    CommentAdded: 'goes on',
    CommentEdited: 'goes on',
    CommentDeleted: 'goes on',
  },
  projections: [
    {
      of: ['CommentAdded', 'CommentEdited', 'CommentDeleted'],
      sql: Prisma.sql`
        UPDATE comment SET
          seq = CASE numbered.kind WHEN 'CommentAdded' THEN numbered.seq ELSE comment.seq END,
          created_at = CASE numbered.kind WHEN 'CommentAdded' THEN numbered.at ELSE comment.created_at END,
          edited_at = CASE numbered.kind WHEN 'CommentEdited' THEN numbered.at ELSE comment.edited_at END,
          deleted_at = CASE numbered.kind WHEN 'CommentDeleted' THEN numbered.at ELSE comment.deleted_at END
        FROM numbered
        WHERE numbered.topic = 'comments' AND numbered.kind IN ('CommentAdded', 'CommentEdited', 'CommentDeleted')
          AND comment.id = (numbered.ref->>'commentId')::uuid`,
    },
    {
      of: ['PostEdited'],
      sql: Prisma.sql`
        UPDATE post SET edited_at = numbered.at FROM numbered
        WHERE numbered.topic = 'comments' AND numbered.kind = 'PostEdited' AND post.id = numbered.key::uuid`,
    },
  ],
});

export interface FeedEvents {
  readonly PostAdded: { readonly postId: string };
}

/** What is new in the feed of each user, keyed by the user's id: the posts of those whom they follow, and their own. */
export const feedLog = logTopic<FeedEvents>('feed', { kinds: { PostAdded: 'goes on' } });

export interface Count extends StateValue {
  readonly postId: string;
  readonly count: number;
}

/** The topic of a counter column of a post, with the version of the topic; a deleted post has no value. Keyed by the post's id. */
const countTopic = (name: string, column: Prisma.Sql): StateTopic<Count> =>
  stateTopic<Count>(name, async (prisma, postIds) => {
    const rows = await prisma.$queryRaw<Count[]>`
      SELECT post.id AS "postId", ${column} AS count, ${HEAD_VERSION} AS version
      FROM post ${joinHead(name, Prisma.sql`post.id::text`)}
      WHERE post.id = ANY(${[...postIds]}::uuid[]) AND post.deleted_at IS NULL`;
    return new Map(rows.map((row) => [row.postId, row]));
  });

/** The number of likes of a post. */
export const likeCount = countTopic('likeCount', Prisma.sql`post.like_count`);

/** The number of comments of a post, without deleted ones. */
export const commentCount = countTopic('commentCount', Prisma.sql`post.comment_count`);
