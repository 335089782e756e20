import type { Context } from '../../context.js';
import type { Conversation, ConversationMember, MemberRole } from '../../db/generated/prisma/client.js';
import type { Keyset } from '../../db/keyset.js';
import type { Tx } from '../../db/transact.js';
import { uuid7 } from '../../db/uuid7.js';
import { badInput, notFound } from '../../errors.js';
import { assertReadable, decodeCursor } from '../../realtime/cursor.js';
import { readHead } from '../../realtime/event-log.js';
import { viewerOf } from '../../viewer.js';
import { rightsLog } from '../account/topics.js';
import { findAsMember, membersOnly } from './conversations.js';
import { parseJoinCode } from './join-codes.js';
import { mayBeLeft } from './rules.js';
import { conversationLog } from './topics.js';

/** In the order of their joining. */
export const longestFirst: Keyset<Pick<ConversationMember, 'id' | 'joinedAt'>> = {
  name: 'members',
  columns: [
    { field: 'joinedAt', type: 'date', direction: 'asc', value: (member) => member.joinedAt },
    { field: 'id', type: 'uuid', direction: 'asc', value: (member) => member.id },
  ],
};

/**
 * Whoever changes who is in a conversation, and who owns it, does so alone. A lock beside the tables, because those who send hold
 * their own member rows and go on to the conversation's head and row: none of these could be locked first without one waiting
 * for the other.
 */
const lockMembership = async (tx: Tx, conversationId: string): Promise<void> => {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended('membership:' || ${conversationId}::text, 0))`;
};

/** Joining twice is joining once. Whoever comes into a room that everyone has left becomes its owner. @throws NOT_FOUND */
export const joinRoom = async (context: Context, typed: string): Promise<Conversation> => {
  const joinCode = parseJoinCode(typed);
  const conversation = joinCode === null ? null : await context.db.prisma.conversation.findUnique({ where: { joinCode } });
  if (conversation === null) throw notFound('Room');
  const { id } = conversation;
  const userId = viewerOf(context).id;
  await context.db.transact(async (tx) => {
    await lockMembership(tx, id);
    const joined = await tx.$executeRaw`
      INSERT INTO conversation_member (id, conversation_id, user_id, role)
      SELECT ${uuid7(context.clock.now())}::uuid, ${id}::uuid, ${userId}::uuid,
        CASE WHEN EXISTS (SELECT 1 FROM conversation_member WHERE conversation_id = ${id}::uuid AND role = 'OWNER')
          THEN 'MEMBER'::member_role ELSE 'OWNER'::member_role END
      ON CONFLICT (conversation_id, user_id) DO NOTHING`;
    if (joined > 0) tx.emit(conversationLog, id, 'MemberJoined', { userId });
  });
  return conversation;
};

/**
 * Ends the viewer's membership; an owner is followed by whoever has been there longest. What the viewer sent stays, and nothing
 * of theirs comes after the event of their leaving: the deletion waits for what they are just sending.
 * @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT for a direct conversation
 */
export const leaveConversation = async (context: Context, conversationId: string): Promise<void> => {
  const { conversation } = await findAsMember(context, conversationId);
  if (!mayBeLeft(conversation)) throw badInput({ path: 'input.conversationId', message: 'A direct conversation cannot be left.' });
  const userId = viewerOf(context).id;
  await context.db.transact(async (tx) => {
    await lockMembership(tx, conversationId);
    const [left] = await tx.$queryRaw<{ readonly role: MemberRole }[]>`
      DELETE FROM conversation_member WHERE conversation_id = ${conversationId}::uuid AND user_id = ${userId}::uuid
      RETURNING role::text AS role`;
    if (left === undefined) throw membersOnly();
    if (left.role === 'OWNER') {
      await tx.$executeRaw`
        UPDATE conversation_member SET role = 'OWNER'
        WHERE id = (
          SELECT id FROM conversation_member WHERE conversation_id = ${conversationId}::uuid ORDER BY joined_at, id LIMIT 1
        )`;
    }
    tx.emit(conversationLog, conversationId, 'MemberLeft', { userId });
    tx.emit(rightsLog, userId, 'AccessWithdrawn', { topic: conversationLog.name, key: conversationId });
  });
};

/**
 * Everything up to `cursor` has been read; what was read once stays so.
 * @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT for a cursor of another stream, CURSOR_EXPIRED for one beyond the head or of another
 *   history
 */
export const markRead = async (context: Context, conversationId: string, cursor: string): Promise<Conversation> => {
  const { conversation, member } = await findAsMember(context, conversationId);
  const { prisma } = context.db;
  const position = decodeCursor(conversationLog.name, conversationId, cursor, 'input.cursor');
  const head = await readHead(prisma, conversationLog.name, conversationId);
  // Messages are kept longer than the events that told of them, and an old one may still be read.
  const oldest = (head?.oldestSeq ?? 1) - 1;
  assertReadable(conversationLog.name, conversationId, { ...position, seq: Math.max(position.seq, oldest) }, head);
  await prisma.conversationMember.updateMany({
    where: { id: member.id, lastReadSeq: { lt: position.seq } },
    data: { lastReadSeq: position.seq },
  });
  return conversation;
};
