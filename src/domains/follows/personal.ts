import { Prisma } from '../../db/generated/prisma/client.js';
import { UUID_TYPE, type PersonalTable } from '../../db/personal-data.js';

export const personalOfFollows: readonly PersonalTable[] = [
  {
    table: 'follow',
    exported: {
      name: 'follows',
      title: 'Whom you follow, and who follows you',
      columns: Prisma.sql`follower_id AS "followerId", followee_id AS "followeeId", created_at AS "createdAt"`,
      from: Prisma.sql`follow`,
      of: (userId) => Prisma.sql`(follower_id = ${userId} OR followee_id = ${userId})`,
      order: [
        [Prisma.sql`follower_id`, UUID_TYPE],
        [Prisma.sql`followee_id`, UUID_TYPE],
      ],
    },
    afterwards: 'Removed, in both directions.',
  },
];
