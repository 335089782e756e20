import type { Context } from '../../context.js';
import { createOnce, type ClientKey } from '../../db/client-id.js';
import { isForeignKeyViolation } from '../../observability/failures.js';
import { Prisma, type MemberRole, type Message } from '../../db/generated/prisma/client.js';
import { byRecency } from '../../db/keyset.js';
import type { RootList } from '../../db/lists.js';
import { contains } from '../../db/search.js';
import type { Tx } from '../../db/transact.js';
import { uuid7 } from '../../db/uuid.js';
import { badInput, coded, notFound } from '../../errors.js';
import { encodeCursor } from '../../realtime/cursor.js';
import { readHead } from '../../realtime/event-log.js';
import { lengthOf, tooLong } from '../../graphql/text.js';
import { viewerOf } from '../../access/viewer.js';
import { notify, withdraw } from '../notifications/notifications.js';
import type { About, Act } from '../notifications/rules.js';
import { publicUserJson, publicUserOf, type PublicUserJson } from '../account/account.js';
import { assertNotApart, findAsMember } from './conversations.js';
import { tellMembers, tellNewsTask, tellUsers } from './inboxes.js';
import { accept, assertRequestNotFull } from './requests.js';
import { sentRows } from './sent-rows.js';
import { cannotTalk, IS_APART, membersOnly } from './membership.js';
import { removeMentions, rewriteMentions, usernamesIn, writeMentions } from './mentions.js';
import { can, otherOf } from './rules.js';
import { conversationLog } from './topics.js';
import { stopTyping } from './typing.js';

/** Newest first, across conversations. Inside a conversation, the order is that of its log. */
export const newestFirst = byRecency('messageHistory', 'id');

/** A condition in SQL: messages that contain a text, without accents and case. An empty text matches all messages, deleted ones included. */
export const containsText = (search: string): Prisma.Sql => (search === '' ? Prisma.sql`true` : contains(Prisma.sql`body`, search));

/** The conditions for messages of an author that are not deleted and match {@link containsText}. */
export const writtenBy = (authorId: string, search: string): Pick<RootList<'Message'>, 'where' | 'condition'> => ({
  where: { authorId, deletedAt: null },
  condition: containsText(search),
});

/** The columns of a message, with Prisma's names. */
const COLUMNS = Prisma.sql`
  message.id, message.conversation_id AS "conversationId", message.author_id AS "authorId", message.body, message.reply_to_id AS "replyToId",
  message.seq, message.created_at AS "createdAt", message.edited_at AS "editedAt", message.deleted_at AS "deletedAt",
  message.client_id AS "clientId", message.client_digest AS "clientDigest"`;

/** Checks the length of a body, whose maximum is a setting that the schema's validation cannot know. */
const assertLength = ({ config }: Context, body: string): void => {
  const { maxLength } = config.messages;
  const length = lengthOf(body);
  if (length > maxLength) throw badInput({ path: 'input.body', ...tooLong(maxLength, length) });
};

// ---------------------------------------------------------------- sending

export interface SendMessage {
  readonly conversationId: string;
  readonly body: string;
  readonly replyToId?: string | null | undefined;
  readonly clientId?: string | null | undefined;
}

export interface Sent {
  readonly message: Message;
  /** The cursor of the message's event. */
  readonly cursor: string;
}

/**
 * Sends a message to one of the viewer's conversations. Concurrent messages to one conversation wait for each other only while they are
 * numbered. A reply to a deleted message is accepted, as if the message had been deleted a moment later.
 * @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT for a body that is too long or a reply to a message outside the conversation, CONFLICT for a
 *   `clientId` used with other input
 */
export const sendMessage = async (context: Context, input: SendMessage): Promise<Sent> => {
  assertLength(context, input.body);
  const { prisma } = context.db;
  const authorId = viewerOf(context).id;
  let epoch: number | null = null;
  const message = await createOnce(
    input.clientId,
    { ...input },
    (clientId) => prisma.message.findUnique({ where: { authorId_clientId: { authorId, clientId } } }),
    async (key) => {
      const sent = await write(context, authorId, input, key);
      if (sent === null) throw await whyNot(context, input);
      epoch = sent.epoch;
      return sent.message;
    },
  );
  epoch ??= (await readHead(prisma, conversationLog.name, message.conversationId))?.epoch ?? null;
  return { message, cursor: encodeCursor(conversationLog.name, message.conversationId, { epoch, seq: message.seq }) };
};

/**
 * Inserts a message. Unless somebody must be notified, the transaction has two statements: this INSERT and the numbering. Null when the
 * author is not a member, is separated from the recipient by a block, or replies to a message outside the conversation.
 *
 * The INSERT takes a share lock on the author's member row. Example: A sends and leaves at the same time; the leaving waits for the lock,
 * so the message comes before the event of A's leaving. Share locks do not block other senders.
 */
const write = async (
  context: Context,
  authorId: string,
  { conversationId, body, replyToId = null }: SendMessage,
  { clientId, clientDigest }: ClientKey,
): Promise<{ readonly message: Message; readonly epoch: number } | null> => {
  const names = await usernamesIn(context, body);
  const writing = context.db.transact(async (tx) => {
    const [inserted] = await tx.$queryRaw<(Message & Sending)[]>`
      WITH target AS MATERIALIZED (
        SELECT id, direct_key, is_large FROM conversation WHERE id = ${conversationId}::uuid FOR KEY SHARE
      )
      INSERT INTO message (id, conversation_id, author_id, body, reply_to_id, client_id, client_digest)
      SELECT ${uuid7(context.clock.now())}::uuid, member.conversation_id, member.user_id, ${body}::text, ${replyToId}::uuid,
        ${clientId}::text, ${clientDigest}::text
      FROM target JOIN conversation_member member ON member.conversation_id = target.id
      WHERE member.user_id = ${authorId}::uuid
        AND (${replyToId}::uuid IS NULL OR EXISTS (
          SELECT 1 FROM message original WHERE original.id = ${replyToId}::uuid AND original.conversation_id = member.conversation_id
        ))
        AND NOT ${IS_APART}
      FOR KEY SHARE OF member
      RETURNING ${COLUMNS}, (SELECT direct_key FROM target) AS "directKey", (SELECT is_large FROM target) AS "isLarge",
        ${publicUserJson(Prisma.sql`message.author_id`)} AS author,
        EXISTS (
          SELECT 1 FROM conversation_member member
          WHERE member.conversation_id = message.conversation_id AND member.archived_seq IS NOT NULL AND NOT member.is_muted
        ) AS "isPutAway",
        ${ofDirect(Prisma.sql`member.user_id <> message.author_id AND member.is_muted`)} AS "isMuted",
        ${ofDirect(Prisma.sql`member.user_id <> message.author_id AND member.is_request`)} AS "isRequest",
        ${ofDirect(Prisma.sql`member.user_id = message.author_id AND member.is_request`)} AS "isAnswer"`;
    if (inserted === undefined) return null;
    const { directKey, isLarge, isPutAway, isMuted, isRequest, isAnswer, author, ...message } = inserted;
    if (isRequest) await assertRequestNotFull(tx, conversationId);
    if (isAnswer) await accept(tx, conversationId, authorId);
    const rows = sentRows({ message, author: publicUserOf(author) }, context.clock);
    const mentioned = await writeMentions(tx, message, names);
    await notify(
      tx,
      ...(isRequest ? [] : mentioned.map((userId) => mentionAct(message, userId))),
      ...(directKey === null || isMuted || isRequest ? [] : [directMessageAct(message, otherOf({ directKey }, authorId))]),
    );
    if (isPutAway) await bringBack(tx, conversationId, authorId);
    // The members of a direct conversation never change.
    if (directKey !== null) tellUsers(tx, conversationId, 'MESSAGE', directKey.split(':'));
    else if (!isLarge) tellMembers(tx, conversationId, 'MESSAGE');
    else {
      tellUsers(tx, conversationId, 'MESSAGE', [authorId, ...mentioned]);
      tx.enqueue(tellNewsTask, { conversationId }, { key: conversationId });
    }
    return { message, event: tx.emit(conversationLog, conversationId, 'MessageAdded', { messageId: message.id }, rows) };
  });
  const written = await writing.catch((error: unknown) => {
    // The message that it answers was removed by retention after the check.
    if (replyToId !== null && isForeignKeyViolation(error)) return null;
    throw error;
  });
  if (written !== null) stopTyping(context, conversationId, authorId);
  // The projection has written `seq` and the time into the row.
  return written && { message: { ...written.message, seq: written.event.seq, createdAt: written.event.at }, epoch: written.event.epoch };
};

/** What is known of a conversation to which a message is sent. */
interface Sending {
  readonly directKey: string | null;
  readonly isLarge: boolean;
  readonly author: PublicUserJson;
  /** Whether a member has archived it, and it comes back to them. */
  readonly isPutAway: boolean;
  /** Of a direct conversation: whether the other one has muted it, whether it is a request to them, and whether it is one to the author. */
  readonly isMuted: boolean;
  readonly isRequest: boolean;
  readonly isAnswer: boolean;
}

/** An SQL condition: the `target` is a direct conversation with a `member` for whom a condition holds. */
const ofDirect = (condition: Prisma.Sql): Prisma.Sql => Prisma.sql`EXISTS (
  SELECT 1 FROM target JOIN conversation_member member ON member.conversation_id = target.id WHERE target.direct_key IS NOT NULL AND ${condition}
)`;

/**
 * Brings a conversation back to the members who have archived it and have not muted it; of a large one only to the author, since the others are told
 * of it later. The rows are locked in one order, before the head.
 */
const bringBack = async (tx: Tx, conversationId: string, authorId: string): Promise<void> => {
  await tx.$executeRaw`
    WITH member AS (
      SELECT member.id FROM conversation_member member JOIN conversation ON conversation.id = member.conversation_id
      WHERE member.conversation_id = ${conversationId}::uuid AND member.archived_seq IS NOT NULL AND NOT member.is_muted
        AND (NOT conversation.is_large OR member.user_id = ${authorId}::uuid)
      ORDER BY member.id FOR NO KEY UPDATE OF member
    )
    UPDATE conversation_member SET archived_seq = NULL FROM member WHERE conversation_member.id = member.id`;
};

/** An SQL condition: nothing was sent to the conversation of a `member` after a message. */
const isLast = ({ seq }: Pick<Message, 'seq'>): Prisma.Sql => Prisma.sql`NOT EXISTS (
  SELECT 1 FROM message later WHERE later.conversation_id = member.conversation_id AND later.seq > ${seq}
)`;

/** The act of mentioning a user in a message. */
const mentionAct = ({ id, authorId }: Pick<Message, 'id' | 'authorId'>, userId: string): Act => ({
  kind: 'MENTION',
  userId,
  actorId: authorId,
  subject: { type: 'Message', id },
});

/** Withdraws the notifications of mentions whose messages their users can no longer see. The mentions themselves are not changed. */
export const withdrawMentions = async (tx: Tx, where: Prisma.MessageMentionWhereInput): Promise<void> => {
  const mentions = await tx.messageMention.findMany({ where, select: { userId: true, message: { select: { id: true, authorId: true } } } });
  await withdraw(tx, ...mentions.map(({ userId, message }) => mentionAct(message, userId)));
};

/** The act of writing to the other member of a direct conversation, who is notified while offline. */
const directMessageAct = ({ conversationId, authorId }: Message, userId: string): Act => ({
  ...directMessagesAbout(conversationId, userId),
  actorId: authorId,
});

/** The subject of a user's notification about messages in a direct conversation. */
export const directMessagesAbout = (conversationId: string, userId: string) =>
  ({ kind: 'MESSAGE', userId, subject: { type: 'Conversation', id: conversationId } }) as const satisfies About;

const whyNot = async (context: Context, { conversationId, replyToId }: SendMessage): Promise<Error> => {
  const { conversation, member } = await findAsMember(context, conversationId);
  await assertNotApart(context, { conversation, member });
  // Their membership has just ended.
  if (replyToId === null || replyToId === undefined) return notFound('Conversation');
  return badInput({ path: 'input.replyToId', code: 'NOT_FOUND', message: 'There is no such message in this conversation.' });
};

// ---------------------------------------------------------------- afterwards

/** A message of one of the viewer's conversations. @throws NOT_FOUND also for one of others' */
export const findMessage = async (context: Context, id: string): Promise<Message> => {
  const userId = viewerOf(context).id;
  const message = await context.db.prisma.message.findFirst({ where: { id, conversation: { members: { some: { userId } } } } });
  if (message === null) throw notFound('Message');
  return message;
};

/** A locked message, before it or its reactions are changed. */
interface LockedMessage {
  readonly message: Message;
  /** The viewer's role in the conversation; null for a moderator who is not a member. */
  readonly role: MemberRole | null;
  /** Whether a block prevents the viewer from writing, in a direct conversation. */
  readonly apart: boolean;
}

/**
 * Locks a message of one of the viewer's conversations, and the viewer's member row, until the end of the transaction. As in {@link write},
 * the second lock keeps the event of the viewer's leaving behind the event of this act.
 * @throws NOT_FOUND also for a message of others' conversations, FORBIDDEN for one's own in a conversation that one has left
 */
export const lockMessage = async (tx: Tx, context: Context, messageId: string): Promise<LockedMessage> => {
  const [found] = await tx.$queryRaw<(Message & Omit<LockedMessage, 'message'>)[]>`
    SELECT ${COLUMNS}, member.role::text AS role, ${IS_APART} AS apart
    FROM message JOIN conversation_member member ON member.conversation_id = message.conversation_id
    WHERE message.id = ${messageId}::uuid AND member.user_id = ${viewerOf(context).id}::uuid
    FOR NO KEY UPDATE OF message FOR KEY SHARE OF member`;
  if (found === undefined) {
    // Who has left knows what they have written there.
    const own = await tx.message.count({ where: { id: messageId, authorId: viewerOf(context).id } });
    throw own === 0 ? notFound('Message') : membersOnly();
  }
  const { role, apart, ...message } = found;
  return { message, role, apart };
};

/** The same without membership, for moderators. @throws NOT_FOUND */
const lockAnyMessage = async (tx: Tx, messageId: string): Promise<LockedMessage> => {
  const [message] = await tx.$queryRaw<Message[]>`SELECT ${COLUMNS} FROM message WHERE id = ${messageId}::uuid FOR NO KEY UPDATE`;
  if (message === undefined) throw notFound('Message');
  return { message, role: null, apart: false };
};

export const alreadyDeleted = () => coded('CONFLICT', 'The message has been deleted.');

/**
 * Changes the body of a message. Its position and seq do not change. An unchanged body emits no event.
 * @throws NOT_FOUND, FORBIDDEN for another user's message and for an author who is no longer a member, BAD_USER_INPUT for a body that is
 *   too long, CONFLICT for a deleted message
 */
export const editMessage = async (
  context: Context,
  { messageId, body }: { readonly messageId: string; readonly body: string },
): Promise<Message> => {
  assertLength(context, body);
  const names = await usernamesIn(context, body);
  const { message: edited, event } = await context.db.transact(async (tx) => {
    const { message, apart } = await lockMessage(tx, context, messageId);
    if (!can(viewerOf(context), 'editMessage', message)) throw coded('FORBIDDEN', 'Only its author may edit a message.');
    if (apart) throw cannotTalk();
    if (message.deletedAt !== null) throw alreadyDeleted();
    if (body === message.body) return { message, event: null };
    const written = await tx.message.update({ where: { id: messageId }, data: { body, editedAt: new Date(context.clock.now()) } });
    const { added, removed } = await rewriteMentions(tx, written, names);
    await withdraw(tx, ...removed.map((userId) => mentionAct(written, userId)));
    await notify(tx, ...added.map((userId) => mentionAct(written, userId)));
    tellMembers(tx, written.conversationId, 'CONVERSATION_CHANGED', isLast(written));
    tellUsers(tx, written.conversationId, 'CONVERSATION_CHANGED', [...added, ...removed]);
    return { message: written, event: tx.emit(conversationLog, written.conversationId, 'MessageEdited', { messageId }) };
  });
  return event === null ? edited : { ...edited, editedAt: event.at };
};

/**
 * Deletes the body, mentions and reactions of a message. Its row stays as a tombstone, because events, replies and cursors refer to it.
 * Deleting again changes nothing. A moderator need not be a member.
 * @returns the ids of the message and of its conversation
 * @throws NOT_FOUND, FORBIDDEN
 */
export const deleteMessage = async (context: Context, messageId: string): Promise<Pick<Message, 'id' | 'conversationId'>> => {
  const viewer = viewerOf(context);
  return await context.db.transact(async (tx) => {
    const { message, role } = can(viewer, 'deleteAnyMessage')
      ? await lockAnyMessage(tx, messageId)
      : await lockMessage(tx, context, messageId);
    if (!can(viewer, 'deleteMessage', { message, role })) {
      throw coded('FORBIDDEN', 'Only its author, the owner of the conversation and moderators may delete a message.');
    }
    const { id, conversationId } = message;
    if (message.deletedAt !== null) return { id, conversationId };
    const mentioned = await removeMentions(tx, messageId);
    await tx.messageReaction.deleteMany({ where: { messageId } });
    await tx.message.update({
      where: { id: messageId },
      data: { body: '', deletedAt: new Date(context.clock.now()) },
      select: { id: true },
    });
    await withdraw(tx, ...mentioned.map((userId) => mentionAct(message, userId)));
    if (!can(viewer, 'editMessage', message)) tx.audit('deleteMessage', { type: 'Message', id }, { authorId: message.authorId });
    tellMembers(tx, conversationId, 'CONVERSATION_CHANGED');
    tellUsers(tx, conversationId, 'CONVERSATION_CHANGED', mentioned);
    tx.emit(conversationLog, conversationId, 'MessageDeleted', { messageId });
    return { id, conversationId };
  });
};
