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
