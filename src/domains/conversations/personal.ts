import type { Context } from '../../context.js';
import { codeOf } from '../../errors.js';
import { forgetStreams } from '../../realtime/log-retention.js';
import { viewerOf } from '../../access/viewer.js';
import { inboxLog } from '../inbox/topics.js';
import { leaveConversation } from './members.js';
import { conversationLog } from './topics.js';
import { Prisma } from '../../db/generated/prisma/client.js';
import { TEXT_TYPE, textOr, TIME_TYPE, UUID_TYPE, writtenAt, type PersonalTable } from '../../db/personal-data.js';

export const personalOfConversations: readonly PersonalTable[] = [
  {
    table: 'conversation',
    exported: {
      name: 'conversations-begun',
      title: 'Conversations that you have begun',
      columns: Prisma.sql`id, kind, title, created_at AS "createdAt", last_message_at AS "lastMessageAt", archived_at AS "archivedAt"`,
      from: Prisma.sql`conversation`,
      of: (userId) => Prisma.sql`creator_id = ${userId}`,
      order: [[Prisma.sql`id`, UUID_TYPE]],
    },
    afterwards: 'Stays with its other members; a room or a group that is left without any is archived or ends as it does otherwise.',
  },
  {
    table: 'conversation_member',
    exported: {
      name: 'memberships',
      title: 'Conversations that you are in',
      columns: Prisma.sql`conversation.id AS "conversationId", kind, title, role, joined_at AS "joinedAt", last_read_seq AS "lastReadSeq", is_muted AS "isMuted",
        muted_until AS "mutedUntil", pinned_at AS "pinnedAt", is_request AS "isRequest"`,
      from: Prisma.sql`conversation_member JOIN conversation ON conversation.id = conversation_member.conversation_id`,
      of: (userId) => Prisma.sql`user_id = ${userId}`,
      order: [[Prisma.sql`conversation_id`, UUID_TYPE]],
    },
    afterwards:
      'Groups and rooms are left: whoever has been there longest becomes the owner. In a direct conversation the other one keeps what was written, beside a deleted user.',
  },
  {
    table: 'former_member',
    exported: {
      name: 'former-memberships',
      title: 'Conversations that you have left',
      columns: Prisma.sql`conversation_id AS "conversationId", title, member_count AS "memberCount", left_at AS "leftAt"`,
      from: Prisma.sql`former_member`,
      of: (userId) => Prisma.sql`user_id = ${userId}`,
      order: [[Prisma.sql`conversation_id`, UUID_TYPE]],
    },
    afterwards: 'Removed.',
  },
  {
    table: 'message',
    exported: {
      name: 'messages',
      title: 'Messages that you have written',
      columns: Prisma.sql`message.id, conversation_id AS "conversationId", conversation.title AS conversation, body AS text, reply_to_id AS "replyToId",
        message.created_at AS "createdAt", edited_at AS "editedAt", deleted_at AS "deletedAt"`,
      from: Prisma.sql`message JOIN conversation ON conversation.id = message.conversation_id`,
      of: (userId) => Prisma.sql`author_id = ${userId}`,
      order: [
        [Prisma.sql`message.created_at`, TIME_TYPE],
        [Prisma.sql`message.id`, UUID_TYPE],
      ],
      markdown: writtenAt(({ conversation }) => textOr(conversation, 'Direct')),
    },
    afterwards: 'Stays where it was written, as that of a deleted user: what others have answered would mean nothing without it.',
  },
  {
    table: 'message_mention',
    exported: {
      name: 'mentions',
      title: 'Messages that mention you',
      columns: Prisma.sql`message_id AS "messageId", is_unread AS "isUnread"`,
      from: Prisma.sql`message_mention`,
      of: (userId) => Prisma.sql`user_id = ${userId}`,
      order: [[Prisma.sql`message_id`, UUID_TYPE]],
    },
    afterwards: 'Removed; what others have written stays as they wrote it.',
  },
  {
    table: 'message_reaction',
    exported: {
      name: 'reactions',
      title: 'Your reactions to messages',
      columns: Prisma.sql`message_id AS "messageId", emoji, created_at AS "createdAt"`,
      from: Prisma.sql`message_reaction`,
      of: (userId) => Prisma.sql`user_id = ${userId}`,
      order: [
        [Prisma.sql`message_id`, UUID_TYPE],
        [Prisma.sql`emoji`, TEXT_TYPE],
      ],
    },
    afterwards: 'Removed.',
  },
  {
    table: 'code_guess',
    exported: {
      name: 'wrong-codes',
      title: 'That you have given a wrong code of a room',
      columns: Prisma.sql`kind, at`,
      from: Prisma.sql`code_guess`,
      of: (userId) => Prisma.sql`user_id = ${userId}`,
      order: [[Prisma.sql`at`, TIME_TYPE]],
    },
    afterwards: 'Removed.',
  },
];

/** So many are looked at by one statement. */
const AT_A_TIME = 200;

/** Has the viewer leave groups and rooms, and takes back what they have only marked. What they have written stays. */
export const eraseConversations = async (context: Context): Promise<void> => {
  const { prisma, transact } = context.db;
  const { id: userId } = viewerOf(context);
  for (let found = AT_A_TIME; found === AT_A_TIME;) {
    found = await transact(async (tx) => {
      const reactions = await tx.$queryRaw<{ readonly messageId: string; readonly conversationId: string }[]>`
        SELECT id AS "messageId", conversation_id AS "conversationId" FROM message
        WHERE id IN (SELECT message_id FROM message_reaction WHERE user_id = ${userId}::uuid LIMIT ${AT_A_TIME})
        ORDER BY id FOR NO KEY UPDATE`;
      await tx.messageReaction.deleteMany({ where: { userId, messageId: { in: reactions.map(({ messageId }) => messageId) } } });
      for (const { messageId, conversationId } of reactions) tx.emit(conversationLog, conversationId, 'ReactionsChanged', { messageId });
      return reactions.length;
    });
  }
  const left = await prisma.conversationMember.findMany({
    where: { userId, conversation: { kind: { not: 'DIRECT' } } },
    select: { conversationId: true },
  });
  for (const { conversationId } of left) {
    await leaveConversation(context, conversationId).catch((error: unknown) => {
      if (codeOf(error) !== 'NOT_FOUND') throw error;
    });
  }
  await prisma.formerMember.deleteMany({ where: { userId } });
  await prisma.messageMention.deleteMany({ where: { userId } });
  await prisma.codeGuess.deleteMany({ where: { userId } });
  await transact((tx) => forgetStreams(tx, [inboxLog], [userId]));
};
