import type { Context } from '../../context.js';
import { COUNTED_ROWS, capped } from '../../db/count.js';
import type { Prisma } from '../../db/generated/prisma/client.js';
import { type Conversation, type FormerMember, type Message } from '../../db/generated/prisma/client.js';
import type { Tx } from '../../db/transact.js';
import { batchedForViewer } from '../../graphql/loaders.js';
import { ownMembership } from './membership.js';

/*
 * Whoever has left a conversation, or was removed from it, keeps what they have written there, and nothing newer than their leaving: of the conversation
 * they see what it was like then.
 */

/** Keeps what a conversation is like, for somebody whose membership has just ended. */
export const keepOutline = async (tx: Pick<Tx, '$executeRaw'>, conversationId: string, userId: string): Promise<void> => {
  await tx.$executeRaw`
    INSERT INTO former_member (conversation_id, user_id, title, member_count, last_message_at, left_at)
    SELECT id, ${userId}::uuid, title,
      (SELECT count(*)::int FROM (SELECT 1 FROM conversation_member WHERE conversation_id = conversation.id LIMIT ${COUNTED_ROWS}::int) few),
      last_message_at, now()
    FROM conversation WHERE id = ${conversationId}::uuid
    ON CONFLICT (user_id, conversation_id) DO UPDATE SET title = excluded.title, member_count = excluded.member_count,
      last_message_at = excluded.last_message_at, left_at = excluded.left_at`;
};

type Outline = Pick<FormerMember, 'title' | 'memberCount' | 'lastMessageAt'>;

/** Of those who have left before this was kept, nothing is known. */
const UNKNOWN: Outline = { title: null, memberCount: 0, lastMessageAt: null };

const ownOutline = batchedForViewer<Outline>(async ({ db, viewer }, conversationIds) => {
  const rows = await db.prisma.formerMember.findMany({ where: { userId: viewer.id, conversationId: { in: [...conversationIds] } } });
  return new Map(rows.map((row) => [row.conversationId, row]));
}, UNKNOWN);

/** A row that is shown to a former member. */
interface ForFormerMember {
  readonly former?: Outline;
}

/** What the conversation was like when the viewer left it; undefined for a row that is not shown to a former member. */
export const formerOf = (row: object): Outline | undefined => (row as ForFormerMember).former;

const shown = (conversation: Conversation, former: Outline): Conversation =>
  // The same object is changed, because Pothos remembers by identity what was loaded with a row.
  Object.assign(conversation, { title: former.title, lastMessageAt: former.lastMessageAt, former });

/** A conversation as the viewer may see it, who may be no member any more. */
export const asFormerMember = async (context: Context, conversation: Conversation): Promise<Conversation> =>
  (await ownMembership(context, conversation.id)) === null ? shown(conversation, await ownOutline(context, conversation.id)) : conversation;

/** How many members a conversation had when the viewer left it. One that is archived has none, which is no secret. */
export const formerCount = ({ archivedAt }: Pick<Conversation, 'archivedAt'>, { memberCount }: Outline): number =>
  archivedAt === null ? capped(memberCount) : 0;

/** The conversation of a message that is shown to its author, who is no member any more. */
export const formerConversation = async (
  query: { readonly select?: Prisma.ConversationSelect; readonly include?: Prisma.ConversationInclude },
  { prisma }: Context['db'],
  conversationId: string,
  former: Outline,
): Promise<Conversation> =>
  shown(await prisma.conversation.findUniqueOrThrow({ ...(query as object), where: { id: conversationId } }), former);

/**
 * Prepares a message for its author, who may no longer be a member. What others have done with it since, and what it answers, is for members
 * only. The fields themselves cannot check the viewer, because in events they must be the same for all subscribers.
 */
export const forItsAuthor = async (context: Context, message: Message): Promise<Message> => {
  if ((await ownMembership(context, message.conversationId)) !== null) return message;
  const former = await ownOutline(context, message.conversationId);
  const { conversation } = message as { readonly conversation?: Conversation };
  if (conversation !== undefined) shown(conversation, former);
  return Object.assign(message, { replyToId: null, replyTo: null, former });
};
