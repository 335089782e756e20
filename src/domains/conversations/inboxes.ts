import { Prisma } from '../../db/generated/prisma/client.js';
import type { Tx } from '../../db/transact.js';
import { defineTask, type Task } from '../../jobs/task.js';
import { inboxLog, type InboxEvents, type OfConversation } from '../inbox/topics.js';
import { conversationLog } from './topics.js';

/*
 * What the inboxes of members are told. Of a conversation with few members each is told of each message, in its transaction. Of a large one a
 * member is told once until they have read it: `has_news` says that they have been, and it is all that is counted there. It changes only in the
 * transaction that tells the member, so no device shows another count than a query.
 */

/** The most members of a conversation in which each is told of each message. */
export const MAX_TOLD_MEMBERS = 200;
/** How many members one transaction tells. */
const TOLD_AT_ONCE = 500;

type Kind = Exclude<keyof InboxEvents, 'COUNTS'>;

/** Tells the members of a conversation, as they are at the place of this transaction in its log; of a large one nobody. */
export const tellMembers = (tx: Tx, conversationId: string, kind: Kind, condition = Prisma.sql`true`): void => {
  const members = Prisma.sql`
    SELECT member.user_id::text AS key FROM conversation JOIN conversation_member member ON member.conversation_id = conversation.id
    WHERE conversation.id = ${conversationId}::uuid AND NOT conversation.is_large AND ${condition}`;
  tx.emitEach(inboxLog, members, kind, { conversationId }, { topic: conversationLog.name, key: conversationId });
};

/** Tells some users. */
export const tellUsers = (tx: Tx, conversationId: string, kind: Kind, userIds: Iterable<string>): void => {
  for (const userId of new Set(userIds)) tx.emit(inboxLog, userId, kind, { conversationId });
};

/**
 * Tells the members of a large conversation that somebody has written: those who have no news of it and have not read everything, and those
 * who have put it away, to whom it comes back. Others are not looked at, so after a first message the next ones cost nothing until somebody has read it.
 */
export const tellNewsTask: Task<OfConversation> = defineTask('conversations.tellNews', async ({ db }, { conversationId }) => {
  let told: number;
  do {
    told = await db.transact(async (tx) => {
      const members = await tx.$queryRaw<{ readonly userId: string }[]>`
        WITH told AS (
          SELECT member.id FROM conversation_member member
          WHERE member.conversation_id = ${conversationId}::uuid AND (NOT member.has_news OR (member.archived_seq IS NOT NULL AND NOT member.is_muted))
            AND EXISTS (
              SELECT 1 FROM message
              WHERE message.conversation_id = member.conversation_id
                AND message.seq > greatest(member.last_read_seq, CASE WHEN member.has_news THEN member.archived_seq END)
                AND message.author_id <> member.user_id AND message.deleted_at IS NULL
            )
          ORDER BY member.id LIMIT ${TOLD_AT_ONCE} FOR NO KEY UPDATE
        )
        UPDATE conversation_member SET has_news = true, archived_seq = CASE WHEN is_muted THEN archived_seq END
        FROM told WHERE conversation_member.id = told.id
        RETURNING conversation_member.user_id AS "userId"`;
      tellUsers(
        tx,
        conversationId,
        'MESSAGE',
        members.map(({ userId }) => userId),
      );
      return members.length;
    });
  } while (told === TOLD_AT_ONCE);
});

/** Tells all members of a large conversation that it has changed. */
export const tellChangeTask: Task<OfConversation> = defineTask('conversations.tellChange', async ({ db }, { conversationId }) => {
  let members: readonly { readonly userId: string }[];
  let after = '00000000-0000-0000-0000-000000000000';
  do {
    members = await db.prisma.$queryRaw`
      SELECT user_id AS "userId" FROM conversation_member WHERE conversation_id = ${conversationId}::uuid AND user_id > ${after}::uuid
      ORDER BY user_id LIMIT ${TOLD_AT_ONCE}`;
    const userIds = members.map(({ userId }) => userId);
    await db.transact((tx) => {
      tellUsers(tx, conversationId, 'CONVERSATION_CHANGED', userIds);
      return Promise.resolve();
    });
    after = userIds.at(-1) ?? after;
  } while (members.length === TOLD_AT_ONCE);
});

/** Tells all members that a conversation has changed: at once, or of a large one a moment later. */
export const tellChange = (tx: Tx, { id, isLarge }: { readonly id: string; readonly isLarge: boolean }): void => {
  if (isLarge) tx.enqueue(tellChangeTask, { conversationId: id }, { key: id });
  else tellMembers(tx, id, 'CONVERSATION_CHANGED');
};

/**
 * Makes a conversation a large one when it has more than {@link MAX_TOLD_MEMBERS} members, for good. Call it under the membership lock, after
 * members were added.
 *
 * The lock of the row waits for all who are sending, and those who come later find a large one (see `write` in `messages.ts`).
 */
export const growLarge = async (tx: Tx, conversationId: string): Promise<void> => {
  const grown = await tx.$queryRaw<unknown[]>`
    SELECT 1 FROM conversation
    WHERE id = ${conversationId}::uuid AND NOT is_large AND (
      SELECT count(*) FROM (SELECT 1 FROM conversation_member WHERE conversation_id = ${conversationId}::uuid LIMIT ${MAX_TOLD_MEMBERS + 1}) few
    ) > ${MAX_TOLD_MEMBERS}
    FOR UPDATE`;
  if (grown.length === 0) return;
  await tx.$executeRaw`UPDATE conversation SET is_large = true WHERE id = ${conversationId}::uuid`;
  const members = await tx.$queryRaw<{ readonly userId: string }[]>`
    WITH member AS (
      SELECT id, user_id, last_read_seq FROM conversation_member WHERE conversation_id = ${conversationId}::uuid ORDER BY id FOR NO KEY UPDATE
    ), news AS (
      UPDATE conversation_member SET has_news = true FROM member
      WHERE conversation_member.id = member.id AND EXISTS (
        SELECT 1 FROM message
        WHERE message.conversation_id = ${conversationId}::uuid AND message.seq > member.last_read_seq
          AND message.author_id <> member.user_id AND message.deleted_at IS NULL
      )
    )
    SELECT user_id AS "userId" FROM member`;
  tellUsers(
    tx,
    conversationId,
    'CONVERSATION_CHANGED',
    members.map(({ userId }) => userId),
  );
};
