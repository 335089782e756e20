import type { Context } from '../../context.js';
import type { Conversation, ConversationMember, MemberRole } from '../../db/generated/prisma/client.js';
import type { Keyset } from '../../db/keyset.js';
import type { Tx } from '../../db/transact.js';
import { badInput, coded } from '../../errors.js';
import { lockHead } from '../../realtime/log-retention.js';
import { viewerOf } from '../../access/viewer.js';
import { rightsLog } from '../account/topics.js';
import { assertNotBlocked } from '../blocks/blocks.js';
import { assertRoom, assertUsers, findAsMember, type AsMember } from './conversations.js';
import { withdrawMentions } from './messages.js';
import { mayAdd, mayBeLeft, mayManage } from './rules.js';
import { conversationLog } from './topics.js';
import { stopTyping } from './typing.js';

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
export const lockMembership = async (tx: Tx, conversationId: string): Promise<void> => {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended('membership:' || ${conversationId}::text, 0))`;
};

/** A conversation as the viewer finds it under the lock of its membership. @throws NOT_FOUND, FORBIDDEN */
const holdAsMember = async (tx: Tx, context: Context, conversationId: string): Promise<AsMember> => {
  await lockMembership(tx, conversationId);
  return await findAsMember(context, conversationId, tx);
};

/** The same for its owner. @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT for a direct conversation */
export const holdAsOwner = async (tx: Tx, context: Context, conversationId: string): Promise<Conversation> =>
  assertOwner(await holdAsMember(tx, context, conversationId));

/** @throws FORBIDDEN, BAD_USER_INPUT for a direct conversation */
export const assertOwner = ({ conversation, member }: AsMember): Conversation => {
  assertNotDirect(conversation);
  if (!mayManage(conversation, member)) throw coded('FORBIDDEN', 'Only the owner of the conversation may do this.');
  return conversation;
};

const assertNotDirect = (conversation: Conversation): void => {
  if (conversation.kind !== 'DIRECT') return;
  throw badInput({ path: 'input.conversationId', code: 'NOT_ALLOWED', message: 'A direct conversation belongs to its two members.' });
};

/**
 * Brings people into a group or a room. Adding somebody who is in it already changes nothing.
 * @throws NOT_FOUND, FORBIDDEN for those who may not and for one who is kept apart from the viewer, BAD_USER_INPUT for a direct
 *   conversation, for users who do not exist and for more than a group may have; then nobody is added
 */
export const addMembers = async (context: Context, conversationId: string, memberIds: readonly string[]): Promise<void> => {
  await context.db.transact(async (tx) => {
    const { conversation, member } = await holdAsMember(tx, context, conversationId);
    assertNotDirect(conversation);
    if (!mayAdd(conversation, member)) throw coded('FORBIDDEN', 'You may not add people to this conversation.');
    await assertUsers(tx, memberIds);
    const inside = await tx.conversationMember.findMany({ where: { conversationId, userId: { in: [...memberIds] } } });
    const added = new Set(memberIds);
    for (const { userId } of inside) added.delete(userId);
    if (added.size === 0) return;
    await assertNotBlocked(tx, member.userId, ...added);
    if (conversation.kind === 'GROUP') assertRoom(context, (await tx.conversationMember.count({ where: { conversationId } })) + added.size);
    await tx.conversationMember.createMany({ data: [...added].map((userId) => ({ conversationId, userId })) });
    for (const userId of added) tx.emit(conversationLog, conversationId, 'MemberJoined', { userId });
  });
};

/**
 * Ends the membership of another one; somebody who is not in it stays so. What they sent stays, and nothing of theirs comes after.
 * @throws NOT_FOUND, FORBIDDEN for all but the owner, BAD_USER_INPUT for a direct conversation and for oneself
 */
export const removeMember = async (context: Context, conversationId: string, userId: string): Promise<void> => {
  await context.db.transact(async (tx) => {
    await holdAsOwner(tx, context, conversationId);
    if (userId === viewerOf(context).id)
      throw badInput({ path: 'input.userId', code: 'NOT_ALLOWED', message: 'An owner leaves by leaveConversation.' });
    await endMembership(tx, conversationId, userId);
  });
  stopTyping(context, conversationId, userId);
};

/**
 * Ends the viewer's membership; an owner is followed by whoever has been there longest. What the viewer sent stays, and nothing
 * of theirs comes after the event of their leaving.
 * @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT for a direct conversation
 */
export const leaveConversation = async (context: Context, conversationId: string): Promise<void> => {
  await context.db.transact(async (tx) => {
    const { conversation, member } = await holdAsMember(tx, context, conversationId);
    if (!mayBeLeft(conversation))
      throw badInput({ path: 'input.conversationId', code: 'NOT_ALLOWED', message: 'A direct conversation cannot be left.' });
    await endMembership(tx, conversationId, member.userId);
    if (member.role !== 'OWNER') return;
    const longest = await tx.conversationMember.findFirst({ where: { conversationId }, orderBy: [{ joinedAt: 'asc' }, { id: 'asc' }] });
    if (longest !== null) await makeOwner(tx, longest);
  });
  stopTyping(context, conversationId, viewerOf(context).id);
};

/**
 * Passes the viewer's conversation on to another member; the viewer stays in it.
 * @throws NOT_FOUND, FORBIDDEN for all but the owner, BAD_USER_INPUT for a direct conversation and for one who is no member
 */
export const transferOwnership = async (context: Context, conversationId: string, userId: string): Promise<void> => {
  await context.db.transact(async (tx) => {
    await holdAsOwner(tx, context, conversationId);
    const heir = await tx.conversationMember.findUnique({ where: { conversationId_userId: { conversationId, userId } } });
    if (heir === null) throw badInput({ path: 'input.userId', code: 'NOT_FOUND', message: 'Is no member of the conversation.' });
    if (heir.role === 'OWNER') return;
    await tx.conversationMember.updateMany({ where: { conversationId, role: 'OWNER' }, data: { role: 'MEMBER' } });
    await makeOwner(tx, heir);
  });
};

const makeOwner = async (tx: Tx, { id, conversationId, userId }: ConversationMember): Promise<void> => {
  await tx.conversationMember.update({ where: { id }, data: { role: 'OWNER' satisfies MemberRole }, select: { id: true } });
  tx.emit(conversationLog, conversationId, 'OwnerChanged', { userId });
};

/**
 * The deletion waits for what they are just sending, and for those who are just naming them. What they follow of the conversation ends with
 * it, and what they have not read of its mentions leads them nowhere any more.
 */
const endMembership = async (tx: Tx, conversationId: string, userId: string): Promise<void> => {
  const { count } = await tx.conversationMember.deleteMany({ where: { conversationId, userId } });
  if (count === 0) return;
  await withdrawMentions(tx, { userId, message: { conversationId } });
  tx.emit(conversationLog, conversationId, 'MemberLeft', { userId });
  tx.emit(rightsLog, userId, 'AccessWithdrawn', { topic: conversationLog.name, key: conversationId });
};

/**
 * Gives a group or a room another title. The same one again is no change, and nobody hears of it.
 * @param title null takes that of a room away
 * @throws NOT_FOUND, FORBIDDEN for all but the owner, BAD_USER_INPUT for a direct conversation and for a group without a title
 */
export const renameConversation = async (context: Context, conversationId: string, title: string | null): Promise<void> => {
  await context.db.transact(async (tx) => {
    const { kind, title: before } = await holdAsOwner(tx, context, conversationId);
    if (title === null && kind === 'GROUP') throw badInput({ path: 'input.title', code: 'REQUIRED', message: 'A group has a title.' });
    if (title === before) return;
    // In the order of those who send: the head, and then the row.
    await lockHead(tx, conversationLog, conversationId);
    await tx.conversation.update({ where: { id: conversationId }, data: { title }, select: { id: true } });
    tx.emit(conversationLog, conversationId, 'ConversationRenamed', { userId: viewerOf(context).id });
  });
};
