import type { Context } from '../../context.js';
import type { Tx } from '../../db/transact.js';
import { usersNamed } from '../account/account.js';
import { usernameKey } from '../account/rules.js';
import { blockedAmong } from '../blocks/blocks.js';

/** The normalised usernames that a text mentions, without duplicates. Asked for before the transaction that writes the text: a thread reads it. */
export const usernamesIn = async ({ markdown }: Pick<Context, 'markdown'>, body: string): Promise<readonly string[]> => [
  ...new Set((await markdown.mentions(body)).map(usernameKey)),
];

interface Mentioning {
  readonly id: string;
  readonly seq: number;
  readonly conversationId: string;
  readonly authorId: string;
}

/**
 * The members whom a message mentions, without those separated from its author by a block. Their member rows are locked until the end of
 * the transaction, so nobody is mentioned after the event of their leaving.
 */
const mentionedMembers = async (tx: Tx, { conversationId, authorId }: Mentioning, names: readonly string[]): Promise<string[]> => {
  if (names.length === 0) return [];
  const members = await tx.$queryRaw<{ readonly userId: string }[]>`
    SELECT member.user_id AS "userId" FROM conversation_member member JOIN ${usersNamed(names)} named ON named.id = member.user_id
    WHERE member.conversation_id = ${conversationId}::uuid
    ORDER BY member.user_id
    FOR KEY SHARE OF member`;
  const userIds = members.map(({ userId }) => userId);
  const blocked = await blockedAmong(tx, authorId, userIds);
  return userIds.filter((userId) => !blocked.has(userId));
};

/** Stores the mentions of a new message; a text without `@` costs no statement. @returns the mentioned users, ordered by id */
export const writeMentions = async (tx: Tx, message: Mentioning, names: readonly string[]): Promise<readonly string[]> => {
  const userIds = await mentionedMembers(tx, message, names);
  if (userIds.length > 0) await tx.messageMention.createMany({ data: userIds.map((userId) => ({ messageId: message.id, userId })) });
  return userIds;
};

/** Updates the mentions of an edited message. @returns the users who are newly mentioned, and those who no longer are */
export const rewriteMentions = async (
  tx: Tx,
  message: Mentioning,
  names: readonly string[],
): Promise<{ readonly added: readonly string[]; readonly removed: readonly string[] }> => {
  const before = (await tx.messageMention.findMany({ where: { messageId: message.id } })).map(({ userId }) => userId);
  const after = await mentionedMembers(tx, message, names);
  const added = after.filter((userId) => !before.includes(userId));
  const removed = before.filter((userId) => !after.includes(userId));
  if (removed.length > 0) await tx.messageMention.deleteMany({ where: { messageId: message.id, userId: { in: removed } } });
  // Whoever has read the message already is notified, but finds nothing unread.
  if (added.length > 0)
    await tx.$executeRaw`
      INSERT INTO message_mention (message_id, user_id, is_unread)
      SELECT ${message.id}::uuid, member.user_id, member.last_read_seq < ${message.seq} FROM conversation_member member
      WHERE member.conversation_id = ${message.conversationId}::uuid AND member.user_id = ANY(${added}::uuid[])`;
  return { added, removed };
};

/** Deletes the mentions of a message. @returns the users who were mentioned */
export const removeMentions = async (tx: Tx, messageId: string): Promise<readonly string[]> => {
  const removed = await tx.$queryRaw<{ readonly userId: string }[]>`
    DELETE FROM message_mention WHERE message_id = ${messageId}::uuid RETURNING user_id AS "userId"`;
  return removed.map(({ userId }) => userId);
};

/** Marks the unread mentions of a member as read, up to a seq; without one all of the conversation. @returns whether there were any */
export const forgetMentions = async (tx: Tx, conversationId: string, userId: string, upTo: number | null = null): Promise<boolean> =>
  (await tx.$executeRaw`
    UPDATE message_mention SET is_unread = false FROM message
    WHERE message_mention.user_id = ${userId}::uuid AND message_mention.is_unread AND message.id = message_mention.message_id
      AND message.conversation_id = ${conversationId}::uuid AND (${upTo}::int IS NULL OR message.seq <= ${upTo}::int)`) > 0;
