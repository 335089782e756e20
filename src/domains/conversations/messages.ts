import type { Context } from '../../context.js';
import { createOnce, type ClientKey } from '../../db/client-id.js';
import type { Message, Prisma } from '../../db/generated/prisma/client.js';
import type { Keyset } from '../../db/keyset.js';
import { escapeLike } from '../../db/like-pattern.js';
import { uuid7 } from '../../db/uuid7.js';
import { badInput } from '../../errors.js';
import { encodeCursor } from '../../realtime/cursor.js';
import { readHead } from '../../realtime/event-log.js';
import { viewerOf } from '../../viewer.js';
import { findAsMember, membersOnly } from './conversations.js';
import { conversationLog } from './topics.js';

/** Newest first, across conversations. Within one, the order is that of its log. */
export const newestFirst: Keyset<Pick<Message, 'id' | 'createdAt'>> = {
  name: 'messageHistory',
  columns: [
    { field: 'createdAt', type: 'date', direction: 'desc', value: (message) => message.createdAt },
    { field: 'id', type: 'uuid', direction: 'desc', value: (message) => message.id },
  ],
};

/** What a user has written and not deleted, wherever; with a text in it, whatever its case, unless that is empty. */
export const writtenBy = (authorId: string, search: string): Prisma.MessageWhereInput => ({
  authorId,
  deletedAt: null,
  ...(search === '' ? {} : { body: { contains: escapeLike(search), mode: 'insensitive' } }),
});

export interface SendMessage {
  readonly conversationId: string;
  readonly body: string;
  readonly replyToId?: string | null | undefined;
  readonly clientId?: string | null | undefined;
}

export interface Sent {
  readonly message: Message;
  /** Of its event. */
  readonly cursor: string;
}

/**
 * Sends a message to a conversation of the viewer's. Messages sent at the same time wait for each other only while they are numbered.
 * @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT for a reply to what is not in the conversation, CONFLICT for a `clientId` used with
 *   other input
 */
export const sendMessage = async (context: Context, input: SendMessage): Promise<Sent> => {
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
 * Two statements, between BEGIN and COMMIT: this one and the numbering. Null when the author is no member or the message answered is
 * not in the conversation.
 *
 * The share lock on the member's row keeps them from leaving until this commits, so none of their messages follows the
 * event of their leaving; it is in nobody else's way.
 */
const write = async (
  context: Context,
  authorId: string,
  { conversationId, body, replyToId = null }: SendMessage,
  { clientId, clientDigest }: ClientKey,
): Promise<{ readonly message: Message; readonly epoch: number } | null> => {
  const written = await context.db.transact(async (tx) => {
    const [message] = await tx.$queryRaw<Message[]>`
      INSERT INTO message (id, conversation_id, author_id, body, reply_to_id, client_id, client_digest)
      SELECT ${uuid7(context.clock.now())}::uuid, member.conversation_id, member.user_id, ${body}::text, ${replyToId}::uuid,
        ${clientId}::text, ${clientDigest}::text
      FROM conversation_member member
      WHERE member.conversation_id = ${conversationId}::uuid AND member.user_id = ${authorId}::uuid
        AND (${replyToId}::uuid IS NULL OR EXISTS (
          SELECT 1 FROM message original WHERE original.id = ${replyToId}::uuid AND original.conversation_id = member.conversation_id
        ))
      FOR KEY SHARE OF member
      RETURNING id, conversation_id AS "conversationId", author_id AS "authorId", body, reply_to_id AS "replyToId", seq,
        created_at AS "createdAt", edited_at AS "editedAt", deleted_at AS "deletedAt", client_id AS "clientId",
        client_digest AS "clientDigest"`;
    return message === undefined ? null : { message, event: tx.emit(conversationLog, conversationId, 'MessageAdded', { messageId: message.id }) };
  });
  // The row as the numbering has stamped it.
  return written && { message: { ...written.message, seq: written.event.seq }, epoch: written.event.epoch };
};

const whyNot = async (context: Context, { conversationId, replyToId }: SendMessage): Promise<Error> => {
  await findAsMember(context, conversationId);
  if (replyToId === null || replyToId === undefined) return membersOnly();
  return badInput({ path: 'input.replyToId', message: 'There is no such message in this conversation.' });
};
