import type { GraphQLResolveInfo } from 'graphql';
import { countEach, MAX_COUNT } from '../../db/count.js';
import { firstById } from '../../db/lists.js';
import type { Context } from '../../context.js';
import {
  Prisma,
  type Conversation,
  type ConversationMember,
  type MemberRole,
  type PrismaClient,
} from '../../db/generated/prisma/client.js';
import { headFirst, heads } from '../../graphql/heads.js';
import { batchedForViewer, batchedForViewers } from '../../graphql/loaders.js';
import { coded } from '../../errors.js';
import { viewerOf } from '../../access/viewer.js';
import { isGone } from '../account/account.js';
import { areApart } from '../blocks/blocks.js';
import { isFollowing } from '../follows/follows.js';
import { hidesPresence, isSeenConnected } from '../presence/presence.js';
import { conversationLog } from './topics.js';
import { askedFor } from './unread.js';

/** An SQL condition: a block separates `member` from the other user of a direct conversation, or that one's account was deleted. */
export const IS_APART = Prisma.sql`EXISTS (
  SELECT 1 FROM conversation direct JOIN conversation_member other ON other.conversation_id = direct.id
  WHERE direct.id = member.conversation_id AND direct.kind = 'DIRECT' AND other.user_id <> member.user_id
    AND (${areApart(Prisma.sql`member.user_id`, Prisma.sql`other.user_id`)} OR ${isGone(Prisma.sql`other.user_id`)})
)`;

/** The head of a conversation's log. */
export const conversationHead = heads(conversationLog);

/** Reads a value of a conversation after its head was read, if the operation asks for a position; see {@link headFirst}. */
export const afterHead = async <Value>(
  context: Context,
  info: GraphQLResolveInfo,
  conversationId: string,
  read: () => Promise<Value>,
): Promise<Value> => {
  await headFirst(conversationHead, context, info, conversationId);
  return await read();
};

/** More conversations than an operation may name. */
const MOST_TOGETHER = 100_000;

/** The viewer's membership; null when the viewer is not a member. */
export const ownMembership = batchedForViewers<ConversationMember | null>(async ({ db }, asked) => {
  const condition = Prisma.sql`(user_id, conversation_id) IN (SELECT asked.user_id, asked.id FROM ${askedFor(asked)})`;
  const members = await db.lists.root({ model: 'ConversationMember', condition }, firstById(MOST_TOGETHER), {});
  return members.map((member) => [{ userId: member.userId, id: member.conversationId }, member]);
}, null);

/** What a member may do depends on. */
interface Standing {
  readonly role: MemberRole;
  /** Whether a block keeps the two of a direct conversation apart, or one of them has deleted their account. */
  readonly apart: boolean;
}

/** The viewer's standing in a conversation; null for one who is no member. */
export const ownStanding = batchedForViewer<Standing | null>(async ({ db, viewer }, conversationIds) => {
  const members = await db.prisma.$queryRaw<(Standing & { readonly id: string })[]>`
    SELECT member.conversation_id AS id, member.role::text AS role, ${IS_APART} AS apart FROM conversation_member member
    WHERE member.user_id = ${viewer.id}::uuid AND member.conversation_id = ANY(${conversationIds}::uuid[])`;
  return new Map(members.map(({ id, ...standing }) => [id, standing]));
}, null);

/** The error where {@link IS_APART} holds. */
export const cannotTalk = () => coded('FORBIDDEN', 'One of you has blocked the other, or has deleted their account.');

export const membersOnly = () => coded('FORBIDDEN', 'Only members of the conversation may do this.');

/**
 * Guards the fields that only members may see. The outline (id, kind, title and the like) is visible to everyone who can reach the
 * conversation: by its join code, or as the author of a message in it. The outline does not read the viewer, so that an event that shows it
 * is the same for all subscribers.
 */
export const assertMember = async (context: Context, conversationId: string): Promise<ConversationMember> => {
  viewerOf(context);
  const member = await ownMembership(context, conversationId);
  if (member === null) throw membersOnly();
  return member;
};

/** Whether the viewer is the author of a message of the conversation that still exists. */
const hasAuthored = batchedForViewer(async ({ db, viewer }, conversationIds) => {
  const rows = await db.prisma.$queryRaw<{ readonly id: string }[]>`
    SELECT id FROM conversation
    WHERE id = ANY(${conversationIds}::uuid[])
      AND EXISTS (SELECT 1 FROM message WHERE message.conversation_id = conversation.id AND message.author_id = ${viewer.id}::uuid)`;
  return new Map(rows.map(({ id }) => [id, true]));
}, false);

/** Whether the viewer may load the conversation by its id: as a member, or as an author of a message in an archived room. */
export const isKnown = async (context: Context, { id, archivedAt }: Pick<Conversation, 'id' | 'archivedAt'>): Promise<boolean> =>
  (await ownMembership(context, id)) !== null || (archivedAt !== null && (await hasAuthored(context, id)));

/** An SQL condition: `member` does not show to every other member of the conversation whether they are here. */
export const HIDES_PRESENCE = hidesPresence(
  Prisma.sql`member.user_id`,
  Prisma.sql`NOT EXISTS (
    SELECT 1 FROM conversation_member other
    WHERE other.conversation_id = member.conversation_id AND other.user_id <> member.user_id
      AND NOT ${isFollowing(Prisma.sql`member.user_id`, Prisma.sql`other.user_id`)}
  )`,
);

/** Whether a member does not show to every other member of the conversation whether they are here. */
export const hidesFromMembers = async (client: PrismaClient, { id }: Pick<ConversationMember, 'id'>): Promise<boolean> => {
  const rows = await client.$queryRaw<unknown[]>`SELECT 1 FROM conversation_member member WHERE id = ${id}::uuid AND ${HIDES_PRESENCE}`;
  return rows.length > 0;
};

/** The number of members who are online, the viewer included, as far as they show it and no block separates them from the viewer. */
export const onlineCount = batchedForViewer(async ({ db, viewer }, conversationIds) => {
  const [member, own] = [Prisma.sql`member.user_id`, Prisma.sql`${viewer.id}::uuid`];
  // Of a large room, as many members are looked at as are counted: most of them may be away.
  return await countEach(
    db.prisma,
    conversationIds,
    (id) => Prisma.sql`
      SELECT 1 FROM (SELECT user_id FROM conversation_member WHERE conversation_id = ${id} LIMIT ${MAX_COUNT}) member
      WHERE ${isSeenConnected(member, Prisma.sql`(${member} = ${own} OR ${isFollowing(member, own)})`)} AND NOT ${areApart(own, member)}`,
  );
}, 0);
