import type { Context } from '../../context.js';
import { viewerOf } from '../../access/viewer.js';
import { Prisma } from '../../db/generated/prisma/client.js';
import { UUID_TYPE, type PersonalTable } from '../../db/personal-data.js';

export const personalOfLikes: readonly PersonalTable[] = [
  {
    table: 'post_like',
    exported: {
      name: 'liked-posts',
      title: 'Posts that you like',
      columns: Prisma.sql`post_id AS "postId", created_at AS "createdAt"`,
      from: Prisma.sql`post_like`,
      of: (userId) => Prisma.sql`user_id = ${userId}`,
      order: [[Prisma.sql`post_id`, UUID_TYPE]],
    },
    afterwards: 'Removed.',
  },
  {
    table: 'entry_like',
    exported: {
      name: 'liked-entries',
      title: 'Entries that you like',
      columns: Prisma.sql`entry_id AS "entryId", created_at AS "createdAt"`,
      from: Prisma.sql`entry_like`,
      of: (userId) => Prisma.sql`user_id = ${userId}`,
      order: [[Prisma.sql`entry_id`, UUID_TYPE]],
    },
    afterwards: 'Removed.',
  },
];

/** Removes the likes of the viewer that are left once posts and entries were asked: those of what is deleted. */
export const eraseLikes = async (context: Context): Promise<void> => {
  const { prisma } = context.db;
  const { id: userId } = viewerOf(context);
  await prisma.postLike.deleteMany({ where: { userId } });
  await prisma.entryLike.deleteMany({ where: { userId } });
};
