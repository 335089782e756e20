import type { Context } from '../../context.js';
import type { Conversation, ConversationMember, MemberRole } from '../../db/generated/prisma/client.js';
import type { Keyset } from '../../db/keyset.js';
import type { Tx } from '../../db/transact.js';
import { badInput, coded } from '../../errors.js';
import { lockHead } from '../../realtime/log-retention.js';
import { viewerOf } from '../../access/viewer.js';
import { rightsLog } from '../account/topics.js';
import { assertNotBlocked } from '../blocks/blocks.js';
import { assertReachable, assertRoom, assertUsers, findAsMember, type AsMember } from './conversations.js';
import { keepOutline } from './former-members.js';
import { growLarge, tellChange, tellUsers } from './inboxes.js';
import { forgetMentions } from './mentions.js';
import { withdrawMentions } from './messages.js';
import { can } from './rules.js';
import { conversationLog } from './topics.js';
import { stopTyping } from './typing.js';

/** In the order of joining. */
export const longestFirst: Keyset<Pick<ConversationMember, 'id' | 'joinedAt'>> = {
  name: 'members',
  columns: [
    { field: 'joinedAt', type: 'date', direction: 'asc', value: (member) => member.joinedAt },
    { field: 'id', type: 'uuid', direction: 'asc', value: (member) => member.id },
  ],
};

/**
 * Takes the advisory lock on a conversation's membership: changes of members and of the owner run one after the other. It is not a row
 * lock, because senders lock their own member row and then the head and the conversation's row; locking any of these first could deadlock
 * with them.
 */
export const lockMembership = async (tx: Tx, conversationId: string): Promise<void> => {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended('membership:' || ${conversationId}::text, 0))`;
};

/** Takes the membership lock and then reads the conversation with the viewer's membership. @throws NOT_FOUND */
const lockAsMember = async (tx: Tx, context: Context, conversationId: string): Promise<AsMember> => {
  await lockMembership(tx, conversationId);
  return await findAsMember(context, conversationId, tx);
};

/** The same, for the owner. @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT for a direct conversation */
export const lockAsOwner = async (tx: Tx, context: Context, conversationId: string): Promise<Conversation> =>
  assertOwner(context, await lockAsMember(tx, context, conversationId));

/** Checks that the viewer owns the conversation. @throws FORBIDDEN, BAD_USER_INPUT for a direct conversation */
export const assertOwner = (context: Context, { conversation, member }: AsMember): Conversation => {
  assertNotDirect(conversation);
  if (!can(viewerOf(context), 'manage', { conversation, member }))
    throw coded('FORBIDDEN', 'Only the owner of the conversation may do this.');
  return conversation;
};

const assertNotDirect = (conversation: Conversation): void => {
  if (conversation.kind !== 'DIRECT') return;
  throw badInput({ path: 'input.conversationId', code: 'NOT_ALLOWED', message: 'A direct conversation belongs to its two members.' });
};

/**
 * Adds members to a group or a room; existing members are ignored. Either all are added or none.
 * @throws NOT_FOUND, FORBIDDEN for viewers who may not add members and for a user separated from the viewer by a block, BAD_USER_INPUT for
 *   a direct conversation, for users who do not exist and for too many members
 */
export const addMembers = async (context: Context, conversationId: string, memberIds: readonly string[]): Promise<void> => {
  await context.db.transact(async (tx) => {
    const { conversation, member } = await lockAsMember(tx, context, conversationId);
    assertNotDirect(conversation);
    if (!can(viewerOf(context), 'addMembers', { conversation, member }))
      throw coded('FORBIDDEN', 'You may not add people to this conversation.');
    await assertUsers(tx, memberIds);
    const inside = await tx.conversationMember.findMany({ where: { conversationId, userId: { in: [...memberIds] } } });
    const added = new Set(memberIds);
    for (const { userId } of inside) added.delete(userId);
    if (added.size === 0) return;
    await assertNotBlocked(tx, member.userId, ...added);
    await assertReachable(tx, member.userId, added);
    if (conversation.kind === 'GROUP') assertRoom(context, (await tx.conversationMember.count({ where: { conversationId } })) + added.size);
    await tx.conversationMember.createMany({ data: [...added].map((userId) => ({ conversationId, userId })) });
    for (const userId of added) tx.emit(conversationLog, conversationId, 'MemberJoined', { userId });
    tellUsers(tx, conversationId, 'CONVERSATION_ADDED', added);
    await growLarge(tx, conversationId);
  });
};

/**
 * Removes a member; for a user who is not a member it does nothing. Their messages stay, and no later event is about an act of theirs.
 * @throws NOT_FOUND, FORBIDDEN for everyone but the owner, BAD_USER_INPUT for a direct conversation and for oneself
 */
export const removeMember = async (context: Context, conversationId: string, userId: string): Promise<void> => {
  await context.db.transact(async (tx) => {
    await lockAsOwner(tx, context, conversationId);
    if (userId === viewerOf(context).id)
      throw badInput({ path: 'input.userId', code: 'NOT_ALLOWED', message: 'An owner leaves by leaveConversation.' });
    await endMembership(tx, conversationId, userId);
  });
  stopTyping(context, conversationId, userId);
};

/**
 * Ends the viewer's membership. When the owner leaves, the member who joined first becomes the owner. The viewer's messages stay, and no
 * event of theirs follows the event of their leaving.
 * @throws NOT_FOUND, BAD_USER_INPUT for a direct conversation
 */
export const leaveConversation = async (context: Context, conversationId: string): Promise<void> => {
  await context.db.transact(async (tx) => {
    const { conversation, member } = await lockAsMember(tx, context, conversationId);
    if (!can(viewerOf(context), 'leave', { conversation, member }))
      throw badInput({ path: 'input.conversationId', code: 'NOT_ALLOWED', message: 'A direct conversation cannot be left.' });
    await endMembership(tx, conversationId, member.userId);
    if (member.role !== 'OWNER') return;
    const longest = await tx.conversationMember.findFirst({ where: { conversationId }, orderBy: [{ joinedAt: 'asc' }, { id: 'asc' }] });
    if (longest !== null) await makeOwner(tx, longest);
  });
  stopTyping(context, conversationId, viewerOf(context).id);
};

/**
 * Makes another member the owner; the viewer remains a member.
 * @throws NOT_FOUND, FORBIDDEN for everyone but the owner, BAD_USER_INPUT for a direct conversation and for a user who is not a member
 */
export const transferOwnership = async (context: Context, conversationId: string, userId: string): Promise<void> => {
  await context.db.transact(async (tx) => {
    await lockAsOwner(tx, context, conversationId);
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
 * Deletes a membership. The DELETE waits for transactions that hold the row: messages that the user is sending, and messages that mention
 * the user. It withdraws the user's rights to the conversation's streams and their unread notifications of mentions there.
 */
const endMembership = async (tx: Tx, conversationId: string, userId: string): Promise<void> => {
  const { count } = await tx.conversationMember.deleteMany({ where: { conversationId, userId } });
  if (count === 0) return;
  await keepOutline(tx, conversationId, userId);
  await withdrawMentions(tx, { userId, message: { conversationId } });
  await forgetMentions(tx, conversationId, userId);
  tellUsers(tx, conversationId, 'CONVERSATION_REMOVED', [userId]);
  tx.emit(conversationLog, conversationId, 'MemberLeft', { userId });
  tx.emit(rightsLog, userId, 'AccessWithdrawn', { topic: conversationLog.name, key: conversationId });
};

/**
 * Changes the title of a group or a room. An unchanged title emits no event.
 * @param title null removes the title of a room
 * @throws NOT_FOUND, FORBIDDEN for everyone but the owner, BAD_USER_INPUT for a direct conversation and for a group without a title
 */
export const renameConversation = async (context: Context, conversationId: string, title: string | null): Promise<void> => {
  await context.db.transact(async (tx) => {
    const { kind, title: before, isLarge } = await lockAsOwner(tx, context, conversationId);
    if (title === null && kind === 'GROUP') throw badInput({ path: 'input.title', code: 'REQUIRED', message: 'A group has a title.' });
    if (title === before) return;
    // The same lock order as when sending: the head first, then the row.
    await lockHead(tx, conversationLog, conversationId);
    await tx.conversation.update({ where: { id: conversationId }, data: { title }, select: { id: true } });
    tx.emit(conversationLog, conversationId, 'ConversationRenamed', { userId: viewerOf(context).id });
    tellChange(tx, { id: conversationId, isLarge });
  });
};
