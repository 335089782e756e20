import { capped, countUpTo, MAX_UNREAD } from '../../db/count.js';
import type { Database } from '../../db/database.js';
import type { OfUser } from '../../graphql/loaders.js';
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

/** The number of unread messages of each member, up to {@link MAX_UNREAD} each; of a large conversation 1. One statement. */
export const countUnread = async ({ prisma }: Pick<Database, 'prisma'>, members: readonly OfUser[]): Promise<[OfUser, number][]> => {
  const rows = await prisma.$queryRaw<(OfUser & { readonly unread: number })[]>`
    SELECT member.user_id AS "userId", member.conversation_id AS id,
      CASE WHEN conversation.is_large THEN member.has_news::int ELSE ${countUpTo(UNREAD, MAX_UNREAD)} END AS unread
    FROM ${askedFor(members)} JOIN conversation_member member ON member.user_id = asked.user_id AND member.conversation_id = asked.id
    JOIN conversation ON conversation.id = member.conversation_id`;
  return rows.map((row) => [row, capped(row.unread, MAX_UNREAD)]);
};

/** An SQL source: what is asked for, as `asked` with its columns `user_id` and `id`. */
export const askedFor = (asked: readonly OfUser[]): Prisma.Sql =>
  Prisma.sql`unnest(${asked.map(({ userId }) => userId)}::uuid[], ${asked.map(({ id }) => id)}::uuid[]) AS asked(user_id, id)`;

/** An SQL condition: a `member` finds the conversation in their list, and has not muted it. */
const IS_HEARD = Prisma.sql`member.archived_seq IS NULL AND NOT member.is_muted AND NOT member.is_request`;

/**
 * What is unread in the conversations of a user, as SQL queries of one row each. Messages of conversations that are archived, muted or requests do not
 * count. A large one counts as one, and so does, beside its messages, one that is marked as unread. Mentions count in muted ones too.
 */
export const unreadRows = (userId: Prisma.Sql) => ({
  messages: Prisma.sql`
    SELECT 1 FROM conversation_member member JOIN conversation ON conversation.id = member.conversation_id
    CROSS JOIN LATERAL (
      (SELECT 1 FROM (${UNREAD} LIMIT ${MAX_UNREAD + 1}::int) few WHERE NOT conversation.is_large)
      UNION ALL SELECT 1 WHERE conversation.is_large AND member.has_news
      UNION ALL SELECT 1 WHERE member.is_marked_unread
    ) unread
    WHERE member.user_id = ${userId} AND ${IS_HEARD}`,
  mentions: Prisma.sql`
    SELECT 1 FROM message_mention mention JOIN message ON message.id = mention.message_id
    JOIN conversation_member member ON member.conversation_id = message.conversation_id AND member.user_id = mention.user_id
    WHERE mention.user_id = ${userId} AND mention.is_unread AND NOT member.is_request`,
  requests: Prisma.sql`SELECT 1 FROM conversation_member member WHERE member.user_id = ${userId} AND member.is_request AND NOT member.is_declined`,
});
