import type { Database } from '../../db/database.js';
import { Prisma } from '../../db/generated/prisma/client.js';

/**
 * A FROM clause: members joined with their unread messages, that is messages of other authors after their read position that are not
 * deleted.
 */
const UNREAD = Prisma.sql`conversation_member member
    JOIN message ON message.conversation_id = member.conversation_id AND message.seq > member.last_read_seq
      AND message.author_id <> member.user_id AND message.deleted_at IS NULL`;

/** An SQL condition: a user has unread messages in a conversation. */
export const hasUnread = (userId: string, conversationId: string): Prisma.Sql =>
  Prisma.sql`EXISTS (SELECT 1 FROM ${UNREAD} WHERE member.conversation_id = ${conversationId}::uuid AND member.user_id = ${userId}::uuid)`;

/** The number of unread messages of a member for each conversation that has any. One statement. */
export const countUnread = async (
  { prisma }: Database,
  userId: string,
  conversationIds: readonly string[],
): Promise<ReadonlyMap<string, number>> => {
  const rows = await prisma.$queryRaw<{ readonly id: string; readonly unread: number }[]>`
    SELECT member.conversation_id AS id, count(*)::int AS unread
    FROM ${UNREAD}
    WHERE member.user_id = ${userId}::uuid AND member.conversation_id = ANY(${conversationIds}::uuid[])
    GROUP BY member.conversation_id`;
  return new Map(rows.map(({ id, unread }) => [id, unread]));
};

/** The number of unread messages in all of a user's conversations. */
export const countAllUnread = async ({ prisma }: Database, userId: string): Promise<number> => {
  const [{ unread }] = await prisma.$queryRaw<[{ readonly unread: number }]>`
    SELECT count(*)::int AS unread
    FROM ${UNREAD}
    WHERE member.user_id = ${userId}::uuid`;
  return unread;
};
