import type { Database } from '../../db/database.js';

/** Per conversation, how many messages of others a member has not read; conversations with none are left out. One statement. */
export const countUnread = async (
  { prisma }: Database,
  userId: string,
  conversationIds: readonly string[],
): Promise<ReadonlyMap<string, number>> => {
  const rows = await prisma.$queryRaw<{ readonly id: string; readonly unread: number }[]>`
    SELECT member.conversation_id AS id, count(*)::int AS unread
    FROM conversation_member member
    JOIN message ON message.conversation_id = member.conversation_id AND message.seq > member.last_read_seq
    WHERE member.user_id = ${userId}::uuid AND member.conversation_id = ANY(${conversationIds}::uuid[])
      AND message.author_id <> member.user_id AND message.deleted_at IS NULL
    GROUP BY member.conversation_id`;
  return new Map(rows.map(({ id, unread }) => [id, unread]));
};

/** The same over all of a user's conversations. */
export const countAllUnread = async ({ prisma }: Database, userId: string): Promise<number> => {
  const [{ unread }] = await prisma.$queryRaw<[{ readonly unread: number }]>`
    SELECT count(*)::int AS unread
    FROM conversation_member member
    JOIN message ON message.conversation_id = member.conversation_id AND message.seq > member.last_read_seq
    WHERE member.user_id = ${userId}::uuid AND message.author_id <> member.user_id AND message.deleted_at IS NULL`;
  return unread;
};
