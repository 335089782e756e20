import type { Context } from '../../context.js';
import { createOnce, type ClientKey } from '../../db/client-id.js';
import { isUniqueViolation } from '../../observability/failures.js';
import { Prisma, type Conversation, type ConversationMember } from '../../db/generated/prisma/client.js';
import type { Keyset } from '../../db/keyset.js';
import type { Tx } from '../../db/transact.js';
import { badInput, coded, notFound, type FieldError } from '../../errors.js';
import { hashPassword } from '../../access/passwords.js';
import { viewerOf } from '../../access/viewer.js';
import { closedTo, knownUsers } from '../account/account.js';
import { assertNotBlocked } from '../blocks/blocks.js';
import { isFollowing } from '../follows/follows.js';
import { tellUsers } from './inboxes.js';
import { newJoinCode, ROOMS_COUNTED } from './join-codes.js';
import { cannotTalk } from './membership.js';
import { otherOf } from './rules.js';
import { conversationLog } from './topics.js';
import { unreadRows } from './unread.js';

/** The latest activity first. */
export const latestActivity: Keyset<Pick<Conversation, 'id' | 'activeAt'>> = {
  name: 'conversations',
  columns: [
    { field: 'activeAt', type: 'date', direction: 'desc', value: (conversation) => conversation.activeAt },
    { field: 'id', type: 'uuid', direction: 'desc', value: (conversation) => conversation.id },
  ],
};

/** Which conversations of a user a list has. */
export interface ConversationFilter {
  readonly isArchived?: boolean | null | undefined;
  readonly isRequest?: boolean | null | undefined;
  readonly isMuted?: boolean | null | undefined;
  readonly isPinned?: boolean | null | undefined;
  readonly kind?: Conversation['kind'] | null | undefined;
}

/** A Prisma condition: the conversations of a user that pass a filter; those that are archived, and requests, only when it asks for them. */
export const conversationsOf = (
  userId: string,
  { isArchived, isRequest, isMuted, isPinned, kind }: ConversationFilter = {},
): Prisma.ConversationWhereInput => ({
  ...(kind ? { kind } : {}),
  members: {
    some: {
      userId,
      archivedSeq: isArchived === true ? { not: null } : null,
      isRequest: isRequest === true,
      isDeclined: false,
      ...(typeof isMuted === 'boolean' ? { isMuted } : {}),
      ...(typeof isPinned === 'boolean' ? { pinnedAt: isPinned ? { not: null } : null } : {}),
    },
  },
});

/** A Prisma condition: those of some conversations that are a user's, wherever they keep them. */
export const conversationsAmong = (userId: string, ids: readonly string[]): Prisma.ConversationWhereInput => ({
  id: { in: [...ids] },
  members: { some: { userId, isDeclined: false } },
});

/** The ids among these that are of conversations of a user, as {@link conversationsAmong} has them; one statement. */
export const ownAmong = async ({ db }: Pick<Context, 'db'>, userId: string, ids: readonly string[]): Promise<ReadonlySet<string>> => {
  const own = await db.prisma.conversation.findMany({ where: conversationsAmong(userId, ids), select: { id: true } });
  return new Set(own.map(({ id }) => id));
};

/** What is unread in the conversations of a user: see {@link unreadRows}. */
export const unreadConversations = unreadRows;

export interface AsMember {
  readonly conversation: Conversation;
  /** The viewer's membership. */
  readonly member: ConversationMember;
}

/**
 * Reads a conversation together with the viewer's membership.
 * @param client a transaction to read in
 * @throws UNAUTHENTICATED; NOT_FOUND also for a conversation of others, which does not exist for the viewer
 */
export const findAsMember = async (
  context: Context,
  id: string,
  client: Pick<Tx, 'conversation'> = context.db.prisma,
): Promise<AsMember> => {
  const found = await client.conversation.findUnique({
    relationLoadStrategy: 'join',
    where: { id },
    include: { members: { where: { userId: viewerOf(context).id } } },
  });
  if (found === null) throw notFound('Conversation');
  const { members, ...conversation } = found;
  const [member] = members;
  if (member === undefined) throw notFound('Conversation');
  return { conversation, member };
};

/**
 * Checks that the viewer may follow a conversation, as only members may.
 * @throws UNAUTHENTICATED; NOT_FOUND also for a conversation of others
 */
export const assertMayFollow = async (context: Context, conversationId: string): Promise<void> => {
  const isMember = await context.memberships(conversationId, viewerOf(context).id);
  if (isMember !== true) throw notFound('Conversation');
};

/**
 * Checks that the two members of a direct conversation can talk: that no block separates them, and that both have an account.
 * @throws FORBIDDEN
 */
export const assertNotApart = async ({ db }: Context, { conversation, member }: AsMember): Promise<void> => {
  if (conversation.kind !== 'DIRECT') return;
  const otherId = otherOf(conversation, member.userId);
  await assertNotBlocked(db.prisma, member.userId, otherId);
  // The conversation is there, and who has left it is seen in it: so it is no secret that nobody reads on.
  if (!(await knownUsers(db.prisma, [otherId])).has(otherId)) throw cannotTalk();
};

/** The ids of a conversation's members in the order of joining, at most `limit`. */
export const longestMembers = async ({ db }: Pick<Context, 'db'>, conversationId: string, limit: number): Promise<string[]> => {
  const members = await db.prisma.conversationMember.findMany({
    where: { conversationId },
    orderBy: [{ joinedAt: 'asc' }, { id: 'asc' }],
    take: limit,
    select: { userId: true },
  });
  return members.map(({ userId }) => userId);
};

/** Whether a user, by the SQL of their id, is a member of a conversation. */
export const isMemberSomewhere = (userId: Prisma.Sql): Prisma.Sql =>
  Prisma.sql`EXISTS (SELECT FROM conversation_member WHERE conversation_member.user_id = ${userId})`;

export interface CreateGroup {
  readonly title: string;
  /** The viewer and duplicates are ignored. */
  readonly memberIds: readonly string[];
  readonly clientId?: string | null | undefined;
}

/**
 * Creates a group that the viewer owns.
 * @throws BAD_USER_INPUT for users who do not exist, FORBIDDEN for a user separated from the viewer by a block, CONFLICT for a `clientId`
 *   used with other input
 */
export const createGroup = async (context: Context, { title, memberIds, clientId }: CreateGroup): Promise<Conversation> =>
  await createOwn(context, clientId, { kind: 'GROUP', title, memberIds }, async (key) => {
    await assertUsers(context.db.prisma, memberIds);
    await assertNotBlocked(context.db.prisma, viewerOf(context).id, ...memberIds);
    await assertReachable(context.db.prisma, viewerOf(context).id, memberIds);
    const others = new Set(memberIds);
    others.delete(viewerOf(context).id);
    assertRoom(context, others.size + 1);
    return await create(context, { kind: 'GROUP', title, ...key }, [
      { userId: viewerOf(context).id, role: 'OWNER' },
      ...[...others].map((userId) => ({ userId, role: 'MEMBER' as const })),
    ]);
  });

/** Checks that users take messages from somebody whom they may be in no conversation with. @throws FORBIDDEN */
export const assertReachable = async (client: Pick<Tx, '$queryRaw'>, userId: string, others: Iterable<string>): Promise<void> => {
  const asked = [...others].filter((id) => id !== userId);
  const closed = await closedTo(client, asked, (other) => isFollowing(other, Prisma.sql`${userId}::uuid`));
  if (closed.length > 0) throw coded('FORBIDDEN', 'Who is named here takes no messages from you.');
};

/** Checks that users exist. @throws BAD_USER_INPUT that names each missing user in `input.memberIds` */
export const assertUsers = async (client: Pick<Tx, 'user'>, ids: readonly string[]): Promise<void> => {
  const known = await knownUsers(client, ids);
  const [first, ...rest] = ids.flatMap((id, index): FieldError[] =>
    known.has(id) ? [] : [{ path: `input.memberIds.${index}`, code: 'NOT_FOUND', message: 'There is no such user.' }],
  );
  if (first !== undefined) throw badInput(first, ...rest);
};

/** Checks the number of members of a group. @throws BAD_USER_INPUT when it is too large */
export const assertRoom = ({ config }: Context, members: number): void => {
  const { maxMembers } = config.groups;
  if (members <= maxMembers) return;
  throw badInput({
    path: 'input.memberIds',
    code: 'TOO_MANY',
    message: `A group has at most ${maxMembers} members; it would have ${members}.`,
    params: { max: maxMembers, count: members },
  });
};

export interface CreateRoom {
  readonly title?: string | null | undefined;
  /** Required from users who join, in addition to the code. */
  readonly passcode?: string | null | undefined;
  readonly clientId?: string | null | undefined;
}

/** The number of attempts to find a free code. Hardly any is in use: codes are longer where there are many. */
const CODE_ATTEMPTS = 20;

/** How many rooms can be joined; no more are counted than matter for the length of a code. */
const openRooms = async ({ db }: Context): Promise<number> => {
  const [{ count }] = await db.prisma.$queryRaw<[{ readonly count: number }]>`
    SELECT count(*)::int AS count FROM (SELECT FROM conversation WHERE join_code IS NOT NULL LIMIT ${ROOMS_COUNTED}) open`;
  return count;
};

/**
 * Creates a room that other users join by its code; the viewer owns it. The digest of a `clientId` has the passcode with a key of the server:
 * one without a key would be fast to compute, so it could be used to guess the passcode that the slow hash protects.
 * @throws CONFLICT for a `clientId` used with other input, UNAVAILABLE when almost no code is free
 */
export const createRoom = async (context: Context, { title = null, passcode = null, clientId }: CreateRoom): Promise<Conversation> =>
  await createOwn(
    context,
    clientId,
    { kind: 'ROOM', title, passcode: passcode === null ? null : context.secretDigest(passcode) },
    async (key) => {
      const passcodeHash = passcode === null ? null : await hashPassword(passcode);
      const open = (await openRooms(context)) + 1;
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await create(context, { kind: 'ROOM', title, passcodeHash, joinCode: newJoinCode(open), ...key }, [
            { userId: viewerOf(context).id, role: 'OWNER' },
          ]);
        } catch (error) {
          if (!isUniqueViolation(error, 'join_code')) throw error;
          if (attempt >= CODE_ATTEMPTS) throw coded('UNAVAILABLE', 'There is no free code for a room at the moment. Try again later.');
        }
      }
    },
  );

/** Groups and rooms share one space of `clientId`s, so the kind is part of the compared input. */
const createOwn = (
  context: Context,
  clientId: string | null | undefined,
  input: Readonly<Record<string, unknown>>,
  make: (key: ClientKey) => Promise<Conversation>,
): Promise<Conversation> => {
  const creatorId = viewerOf(context).id;
  return createOnce(
    clientId,
    input,
    (id) => context.db.prisma.conversation.findUnique({ where: { creatorId_clientId: { creatorId, clientId: id } } }),
    make,
  );
};

/** Creates a conversation of the viewer's with its first members. */
export const create = async (
  context: Context,
  data: Omit<Prisma.ConversationUncheckedCreateInput, 'creatorId' | 'members' | 'messages'>,
  members: readonly (Pick<ConversationMember, 'userId' | 'role'> & { readonly isRequest?: boolean })[],
): Promise<Conversation> =>
  await context.db.transact(async (tx) => {
    const conversation = await tx.conversation.create({
      data: { ...data, creatorId: viewerOf(context).id, members: { createMany: { data: [...members] } } },
    });
    for (const { userId } of members) tx.emit(conversationLog, conversation.id, 'MemberJoined', { userId });
    for (const { userId, isRequest } of members)
      tellUsers(tx, conversation.id, isRequest === true ? 'REQUEST' : 'CONVERSATION_ADDED', [userId]);
    return conversation;
  });
