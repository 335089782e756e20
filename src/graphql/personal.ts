import type { Context } from '../context.js';
import { Prisma } from '../db/generated/prisma/client.js';
import { TEXT_TYPE, type PersonalTable } from '../db/personal-data.js';

export const personalOfResults: readonly PersonalTable[] = [
  {
    table: 'mutation_result',
    exported: {
      name: 'recent-acts',
      title: 'What was answered to you within a day, for when an app asks again',
      columns: Prisma.sql`mutation, client_id AS "clientId", payload, created_at AS "createdAt"`,
      from: Prisma.sql`mutation_result`,
      of: (userId) => Prisma.sql`author_id = ${userId}`,
      order: [
        [Prisma.sql`mutation`, TEXT_TYPE],
        [Prisma.sql`client_id`, TEXT_TYPE],
      ],
    },
    afterwards: 'Removed at once.',
  },
];

/** Forgets what was answered to somebody. */
export const eraseResults = async ({ db }: Pick<Context, 'db'>, authorId: string): Promise<void> => {
  await db.prisma.mutationResult.deleteMany({ where: { authorId } });
};
