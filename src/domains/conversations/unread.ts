import { capped, countUpTo, MAX_UNREAD } from '../../db/count.js';
import type { Database } from '../../db/database.js';
import { Prisma } from '../../db/generated/prisma/client.js';

/**
 * The unread messages of a `member`: those of other authors after the read position that are not deleted. In the order of their index, which is
 * thereby used: for a count that stops early PostgreSQL would else read the table and hope that some are near. `coalesce` keeps it from guessing how
 * many are by others: of a table in which one author has written most, it expects none, and sorts all of them.
 */
const UNREAD = Prisma.sql`
  SELECT 1 FROM message
  WHERE message.conversation_id = member.conversation_id AND message.seq > member.last_read_seq
    AND coalesce(message.author_id <> member.user_id, false) AND message.deleted_at IS NULL
  ORDER BY message.seq`;

/** An SQL condition: a user has unread messages in a conversation. */
export const hasUnread = (userId: string, conversationId: string): Prisma.Sql =>
  Prisma.sql`EXISTS (
    SELECT 1 FROM conversation_member member
    WHERE member.conversation_id = ${conversationId}::uuid AND member.user_id = ${userId}::uuid AND EXISTS (${UNREAD})
  )`;

/** The number of unread messages of a member for each conversation that has any, up to {@link MAX_UNREAD} each. One statement. */
export const countUnread = async (
  { prisma }: Database,
  userId: string,
  conversationIds: readonly string[],
): Promise<ReadonlyMap<string, number>> => {
  const rows = await prisma.$queryRaw<{ readonly id: string; readonly unread: number }[]>`
    SELECT member.conversation_id AS id, ${countUpTo(UNREAD, MAX_UNREAD)} AS unread
    FROM conversation_member member
    WHERE member.user_id = ${userId}::uuid AND member.conversation_id = ANY(${conversationIds}::uuid[])`;
  return new Map(rows.map(({ id, unread }) => [id, capped(unread, MAX_UNREAD)]));
};

/** The number of unread messages in all of a user's conversations, up to {@link MAX_UNREAD}. */
export const countAllUnread = async ({ prisma }: Database, userId: string): Promise<number> => {
  const rows = Prisma.sql`
    SELECT 1 FROM conversation_member member CROSS JOIN LATERAL (${UNREAD} LIMIT ${MAX_UNREAD + 1}::int) unread
    WHERE member.user_id = ${userId}::uuid`;
  const [{ unread }] = await prisma.$queryRaw<[{ readonly unread: number }]>`SELECT ${countUpTo(rows, MAX_UNREAD)} AS unread`;
  return capped(unread, MAX_UNREAD);
};
