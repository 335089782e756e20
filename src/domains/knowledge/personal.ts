import { Prisma } from '../../db/generated/prisma/client.js';
import { TIME_TYPE, UUID_TYPE, writtenAt, type PersonalTable } from '../../db/personal-data.js';

export const personalOfKnowledge: readonly PersonalTable[] = [
  {
    table: 'entry',
    exported: {
      name: 'entries',
      title: 'Entries that you have written',
      columns: Prisma.sql`id, title, slug, content AS text, tags, is_public AS "isPublic", version, like_count AS "likeCount", source, created_at AS "createdAt",
        updated_at AS "updatedAt"`,
      from: Prisma.sql`entry`,
      of: (userId) => Prisma.sql`author_id = ${userId}`,
      order: [
        [Prisma.sql`created_at`, TIME_TYPE],
        [Prisma.sql`id`, UUID_TYPE],
      ],
      markdown: writtenAt(({ title }) => String(title)),
    },
    afterwards:
      'A public entry that others like, that is featured, or that an entry of somebody else links to stays, as that of a deleted user; all others are removed.',
  },
];
