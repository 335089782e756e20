import type { Context } from '../../context.js';
import { Prisma, type Conversation, type ConversationMember } from '../../db/generated/prisma/client.js';
import { batched, heads } from '../../graphql/loaders.js';
import { viewerOf } from '../../access/viewer.js';
import { areApart } from '../blocks/blocks.js';
import { isHere } from '../presence/presence.js';
import { membersOnly } from './conversations.js';
import { conversationLog } from './topics.js';

/** Whether `member` and whom they would talk to in a direct conversation are kept apart by a block. */
export const IS_APART = Prisma.sql`EXISTS (
  SELECT 1 FROM conversation direct JOIN conversation_member other ON other.conversation_id = direct.id
  WHERE direct.id = member.conversation_id AND direct.kind = 'DIRECT' AND other.user_id <> member.user_id
    AND ${areApart(Prisma.sql`member.user_id`, Prisma.sql`other.user_id`)}
)`;

/** Where each conversation's log stands. */
export const conversationHead = heads(conversationLog);

/**
 * What is read of a conversation, read no earlier than where its log stands: whoever goes on from `Conversation.cursor` is told of all that
 * comes after, whatever else was selected and in whatever order.
 */
export const afterHead = async <Value>(context: Context, conversationId: string, read: () => Promise<Value>): Promise<Value> => {
  await conversationHead(context, conversationId);
  return await read();
};

/** The viewer's membership; null in a conversation of others. */
export const ownMembership = batched<ConversationMember | null>(async ({ db, viewer }, conversationIds) => {
  if (viewer === null) return new Map();
  const members = await db.prisma.conversationMember.findMany({
    where: { userId: viewer.id, conversationId: { in: [...conversationIds] } },
  });
  return new Map(members.map((member) => [member.conversationId, member]));
}, null);

/**
 * For what only members see of a conversation. The outline (its id, kind, title and the like) is shown to whoever has come to it: by its
 * join code, or having written in it. It reads no viewer, so that an event that shows it is the same for everyone.
 */
export const assertMember = async (context: Context, conversationId: string): Promise<ConversationMember> => {
  viewerOf(context);
  const member = await ownMembership(context, conversationId);
  if (member === null) throw membersOnly();
  return member;
};

/** Whether the viewer has written something in a conversation that is still there. */
const hasWritten = batched(async ({ db, viewer }, conversationIds) => {
  if (viewer === null) return new Map<string, boolean>();
  const rows = await db.prisma.$queryRaw<{ readonly id: string }[]>`
    SELECT id FROM conversation
    WHERE id = ANY(${conversationIds}::uuid[])
      AND EXISTS (SELECT 1 FROM message WHERE message.conversation_id = conversation.id AND message.author_id = ${viewer.id}::uuid)`;
  return new Map(rows.map(({ id }) => [id, true]));
}, false);

/** Whether the viewer comes to a conversation by its id: as a member, or to an archived room for having written in it. */
export const isKnown = async (context: Context, { id, archivedAt }: Pick<Conversation, 'id' | 'archivedAt'>): Promise<boolean> =>
  (await ownMembership(context, id)) !== null || (archivedAt !== null && (await hasWritten(context, id)));

/** How many members are here, the viewer's own devices included; of those who are kept apart from the viewer none is. */
export const onlineCount = batched(async ({ db, viewer }, conversationIds) => {
  if (viewer === null) return new Map<string, number>();
  const rows = await db.prisma.$queryRaw<{ readonly id: string; readonly online: number }[]>`
    SELECT member.conversation_id AS id, count(*)::int AS online
    FROM conversation_member member
    WHERE member.conversation_id = ANY(${conversationIds}::uuid[]) AND ${isHere(Prisma.sql`member.user_id`)}
      AND NOT ${areApart(Prisma.sql`${viewer.id}::uuid`, Prisma.sql`member.user_id`)}
    GROUP BY member.conversation_id`;
  return new Map(rows.map(({ id, online }) => [id, online]));
}, 0);
