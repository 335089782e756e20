import type { Context } from '../../context.js';
import { viewerOf } from '../../access/viewer.js';
import { rightsLog } from '../account/topics.js';
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

/** So many are ended by one transaction. */
const AT_A_TIME = 200;

/** Ends the blocks of the viewer, in both directions. */
export const eraseBlocks = async (context: Context): Promise<void> => {
  const { id } = viewerOf(context);
  for (let found = AT_A_TIME; found === AT_A_TIME;) {
    found = await context.db.transact(async (tx) => {
      const where = { OR: [{ blockerId: id }, { blockedId: id }] };
      const blocks = await tx.block.findMany({ where, take: AT_A_TIME, select: { blockerId: true, blockedId: true } });
      await tx.block.deleteMany({ where: { OR: blocks } });
      for (const { blockerId, blockedId } of blocks) tx.emit(rightsLog, blockerId === id ? blockedId : blockerId, 'BlocksChanged', null);
      return blocks.length;
    });
  }
};
