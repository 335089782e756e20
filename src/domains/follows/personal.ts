import type { Context } from '../../context.js';
import { viewerOf } from '../../access/viewer.js';
import { withdraw } from '../notifications/notifications.js';
import { following } from '../notifications/rules.js';
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

/** So many are ended by one transaction. */
const AT_A_TIME = 200;

/** Ends the follows of the viewer, in both directions. */
export const eraseFollows = async (context: Context): Promise<void> => {
  const { id } = viewerOf(context);
  const where = { OR: [{ followerId: id }, { followeeId: id }] };
  for (let found = AT_A_TIME; found === AT_A_TIME;) {
    found = await context.db.transact(async (tx) => {
      const follows = await tx.follow.findMany({ where, take: AT_A_TIME, select: { followerId: true, followeeId: true } });
      await tx.follow.deleteMany({ where: { OR: follows } });
      await withdraw(tx, ...follows.map(({ followerId, followeeId }) => following(followerId, followeeId)));
      return follows.length;
    });
  }
};
