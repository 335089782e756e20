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
