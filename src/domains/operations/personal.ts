import type { Context } from '../../context.js';
import { forgetStreams } from '../../realtime/log-retention.js';
import { viewerOf } from '../../access/viewer.js';
import { operationTopic } from './topics.js';
import { Prisma } from '../../db/generated/prisma/client.js';
import { TIME_TYPE, UUID_TYPE, type PersonalTable } from '../../db/personal-data.js';

export const personalOfOperations: readonly PersonalTable[] = [
  {
    table: 'operation',
    exported: {
      name: 'operations',
      title: 'Work that you have asked the server for',
      columns: Prisma.sql`kind, state, done, total, detail, created_at AS "createdAt", ended_at AS "endedAt"`,
      from: Prisma.sql`operation`,
      of: (userId) => Prisma.sql`user_id = ${userId}`,
      order: [
        [Prisma.sql`created_at`, TIME_TYPE],
        [Prisma.sql`id`, UUID_TYPE],
      ],
    },
    afterwards: 'Removed.',
  },
];

/** Forgets the operations of the viewer; what works on one of them finds it gone. */
export const eraseOperations = async (context: Context): Promise<void> => {
  const { id: userId } = viewerOf(context);
  await context.db.transact(async (tx) => {
    const operations = await tx.operation.findMany({ where: { userId }, select: { id: true } });
    await tx.operation.deleteMany({ where: { userId } });
    await forgetStreams(
      tx,
      [operationTopic],
      operations.map(({ id }) => id),
    );
  });
};
