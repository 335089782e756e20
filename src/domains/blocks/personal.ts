import { Prisma } from '../../db/generated/prisma/client.js';
import { TIME_TYPE, UUID_TYPE, type PersonalTable } from '../../db/personal-data.js';

export const personalOfBlocks: readonly PersonalTable[] = [
  {
    table: 'block',
    exported: {
      name: 'blocked',
      title: 'Whom you have blocked',
      columns: Prisma.sql`blocked_id AS "userId", created_at AS "createdAt"`,
      from: Prisma.sql`block`,
      // Who has blocked the user is their secret.
      of: (userId) => Prisma.sql`blocker_id = ${userId}`,
      order: [
        [Prisma.sql`created_at`, TIME_TYPE],
        [Prisma.sql`blocked_id`, UUID_TYPE],
      ],
    },
    afterwards: 'Removed, in both directions.',
  },
];
