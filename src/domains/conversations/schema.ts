import type { GraphQLResolveInfo } from 'graphql';
import { capped, countEach, MAX_COUNT, MAX_UNREAD } from '../../db/count.js';
import { LOOKED_UP, PASSWORD, READ, SHORT_COUNT, WRITE, type Price } from '../../graphql/price.js';
import { z } from 'zod';
import { builder, type Types } from '../../graphql/builder.js';
import { childPage, connectionType, listPage, nodeQuery, type CountedConnection } from '../../graphql/connection.js';
import type { Context } from '../../context.js';
import { Prisma, type Conversation as ConversationRow, type ConversationMember as Member } from '../../db/generated/prisma/client.js';
import type { PageArgs } from '../../db/keyset.js';
import { badInput, codeOf } from '../../errors.js';
import { headFirst } from '../../graphql/heads.js';
import { decodeId, encodeId } from '../../graphql/ids.js';
import { batched, batchedForViewers, batchedRow } from '../../graphql/loaders.js';
import { mutation } from '../../graphql/mutation.js';
import { encodeCursor, headCursor } from '../../realtime/cursor.js';
import { list, text } from '../../graphql/text.js';
import { viewerOf } from '../../access/viewer.js';
import { loadUser, Me, meField, User, userField } from '../account/schema.js';
import { inboxHead } from '../inbox/inbox.js';
import { conversationsOf, createGroup, createRoom, findAsMember, latestActivity } from './conversations.js';
import { startDirect } from './directs.js';
import { asFormerMember, formerCount, formerOf } from './former-members.js';
import { MAX_TOLD_MEMBERS } from './inboxes.js';
import { addMembers, leaveConversation, longestFirst, removeMember, renameConversation, transferOwnership } from './members.js';
import { afterHead, assertMember, conversationHead, isKnown, onlineCount, ownMembership } from './membership.js';
import { markRead } from './reading.js';
import { findRoom, joinRoom, MAX_PASSCODE, MIN_PASSCODE, passcodeText, setRoomPasscode } from './rooms.js';
import { can, MAX_PUBLISHED_READERS, otherOf } from './rules.js';
import { conversationLog } from './topics.js';
import { countUnread } from './unread.js';

const MAX_TITLE = 100;
const MAX_MEMBER_IDS = 100;

const PASSCODE_LENGTH = `${MIN_PASSCODE} to ${MAX_PASSCODE} characters`;

const memberIdList = list(z.string(), MAX_MEMBER_IDS, `Must name at most ${MAX_MEMBER_IDS} users.`);

const titleText = text(1, MAX_TITLE, { singleLine: true });

const memberCount = batched(
  ({ db }, conversationIds) =>
    countEach(db.prisma, conversationIds, (id) => Prisma.sql`SELECT 1 FROM conversation_member WHERE conversation_id = ${id}`),
  0,
);

const unreadCount = batchedForViewers(({ db }, members) => countUnread(db, members), 0);

const isReadingTold = async (context: Context, conversationId: string): Promise<boolean> =>
  (await memberCount(context, conversationId)) <= MAX_PUBLISHED_READERS;

/** Up to where a member is shown to have read: to all but themselves, what was told while they hid from none that they are here. */
const shownReadSeq = (context: Context, { userId, lastReadSeq, shownReadSeq: shown }: Member): number =>
  shown === null || context.viewer?.id === userId ? lastReadSeq : shown;

const readCursor = async (context: Context, { conversationId, lastReadSeq }: Member): Promise<string> => {
  const head = await conversationHead(context, conversationId);
  return encodeCursor(conversationLog.name, conversationId, { epoch: head?.epoch ?? null, seq: lastReadSeq });
};

// ---------------------------------------------------------------- types

export const ConversationKind = builder.enumType('ConversationKind', {
  description: 'The kind of conversation it is.',
  values: {
    DIRECT: { description: 'Between two people, who always meet in the same one.' },
    GROUP: { description: 'Among those who were brought in.' },
    ROOM: { description: 'Open to everyone who has its join code.' },
    SUPPORT: { description: 'Between somebody who needs help and an agent.' },
  } as const,
});

export const MemberRole = builder.enumType('MemberRole', {
  description: 'What a member may do in a conversation.',
  values: {
    OWNER: { description: 'Manages it. When the owner leaves, the member who has been there longest becomes the owner.' },
    MEMBER: { description: 'Reads and writes.' },
  } as const,
});

export const Conversation = builder.prismaObject('Conversation', {
  description:
    'A conversation among its members. Somebody who is no member, but has its join code or has written in it before, sees an outline: fields for members only are null, each with an error of its own.',
  fields: (t) => ({
    kind: t.expose('kind', { type: ConversationKind, description: 'The kind of conversation it is.' }),
    title: t.exposeString('title', { nullable: true, description: 'Its name; null for a direct conversation and a room without one.' }),
    joinCode: t.string({
      price: READ,
      nullable: true,
      description: 'The code that others give to `joinRoom`; null unless it is a room and the viewer a member.',
      resolve: async ({ id, joinCode }, _args, context) =>
        joinCode !== null && (await ownMembership(context, id)) !== null ? joinCode : null,
    }),
    isLarge: t.exposeBoolean('isLarge', {
      description: `Whether it has ever had more than ${MAX_TOLD_MEMBERS} members. Of such a one \`inboxChanged\` tells a member once until they have read it, and \`unreadCount\` is 0 or 1; who has it open follows \`conversationEvents\`.`,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was begun.' }),
    lastMessageAt: t.expose('lastMessageAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the latest message was sent; null before the first.',
    }),
    peer: t.field({
      type: User,
      price: READ,
      nullable: true,
      description: 'The other one of a direct conversation; null for other kinds. For members only.',
      resolve: async (conversation, _args, context, info) => {
        if (conversation.kind !== 'DIRECT') return null;
        const { userId } = await assertMember(context, conversation.id);
        return await loadUser(context, info, otherOf(conversation, userId));
      },
    }),
    viewerCanEdit: t.boolean({
      price: READ,
      description: 'Whether the viewer may rename it, remove members and pass it on, as its owner.',
      resolve: async (conversation, _args, context) => {
        const member = await ownMembership(context, conversation.id);
        return member !== null && can(context.viewer, 'manage', { conversation, member });
      },
    }),
    hasPasscode: t.boolean({
      description: 'Whether joining it takes a passcode beside the code.',
      resolve: ({ passcodeHash }) => passcodeHash !== null,
    }),
    archivedAt: t.expose('archivedAt', {
      type: 'DateTime',
      nullable: true,
      description:
        'When a room was archived because nobody was left in it. Nobody can join it any more; what somebody wrote in it stays in their `Me.messageHistory`.',
    }),
    memberCount: t.int({
      price: SHORT_COUNT,
      description: `How many members it has; ${MAX_COUNT} stands for that many or more.`,
      resolve: (conversation, _args, context, info) => {
        const former = formerOf(conversation);
        if (former !== undefined) return formerCount(conversation, former);
        return afterHead(context, info, conversation.id, async () => capped(await memberCount(context, conversation.id)));
      },
    }),
    onlineCount: t.int({
      price: SHORT_COUNT,
      nullable: true,
      description: `How many of its members are connected now; of a larger room, of ${MAX_COUNT} of them. Those who do not show it to the viewer, whom the viewer has blocked, or who have blocked the viewer, are not counted. For members only.`,
      resolve: async ({ id }, _args, context) => {
        await assertMember(context, id);
        return await onlineCount(context, id);
      },
    }),
    cursor: t.string({
      price: READ,
      nullable: true,
      description: 'The position of its event log: follow `messageAdded(after:)` from here. For members only.',
      resolve: async ({ id }, _args, context) => {
        await assertMember(context, id);
        return headCursor(conversationLog.name, id, await conversationHead(context, id));
      },
    }),
    unreadCount: t.int({
      price: SHORT_COUNT,
      description: `How many messages of others the viewer has not read, where ${MAX_UNREAD} stands for that many or more; where \`isLarge\`, 1 stands for any number. 0 for anyone who is no member.`,
      resolve: ({ id }, _args, context, info) => afterHead(context, info, id, () => unreadCount(context, id)),
    }),
    lastReadCursor: t.string({
      price: READ,
      nullable: true,
      description: 'Up to where the viewer has read; null for anyone who is no member.',
      resolve: async ({ id }, _args, context) => {
        const member = await ownMembership(context, id);
        return member && (await readCursor(context, member));
      },
    }),
    lastReadSeq: t.int({
      price: READ,
      nullable: true,
      description: 'The `seq` up to which the viewer has read; null for anyone who is no member.',
      resolve: async ({ id }, _args, context) => (await ownMembership(context, id))?.lastReadSeq ?? null,
    }),
    clientId: t.exposeString('clientId', { nullable: true, description: 'The `clientId` it was created with.' }),
  }),
});

builder.nodeRef<ConversationRow, string, typeof Conversation>(Conversation, {
  id: { resolve: ({ id }) => id, description: 'Its global id.' },
  loadWithoutCache: async (id, context, info) => {
    const query = nodeQuery(context, info, 'Conversation');
    const conversation = await afterHead(context, info, id, () => context.db.prisma.conversation.findUnique({ ...query, where: { id } }));
    return conversation !== null && (await isKnown(context, conversation)) ? await asFormerMember(context, conversation) : null;
  },
});

export const ConversationMember = builder.prismaObject('ConversationMember', {
  description: "A user's membership of a conversation.",
  fields: (t) => ({
    user: t.relation('user', { description: 'The user.' }),
    role: t.expose('role', { type: MemberRole, description: 'What they may do in it.' }),
    joinedAt: t.expose('joinedAt', { type: 'DateTime', description: 'When they joined.' }),
    lastReadCursor: t.string({
      price: READ,
      nullable: true,
      description: `Up to where they have read, as far as they show when they are here; null in conversations of more than ${MAX_PUBLISHED_READERS} members.`,
      resolve: async (member, _args, context) =>
        (await isReadingTold(context, member.conversationId))
          ? await readCursor(context, { ...member, lastReadSeq: shownReadSeq(context, member) })
          : null,
    }),
    lastReadSeq: t.int({
      price: READ,
      nullable: true,
      description: `The \`seq\` up to which they have read, as far as they show when they are here; null in conversations of more than ${MAX_PUBLISHED_READERS} members.`,
      resolve: async (member, _args, context) =>
        (await isReadingTold(context, member.conversationId)) ? shownReadSeq(context, member) : null,
    }),
  }),
});

builder.nodeRef<Member, string, typeof ConversationMember>(ConversationMember, {
  id: { resolve: ({ id }) => id, description: 'Its global id.' },
  loadWithoutCache: async (id, context, info) => {
    const member = await context.db.prisma.conversationMember.findUnique({
      ...nodeQuery(context, info, 'ConversationMember'),
      where: { id },
    });
    return member !== null && (await ownMembership(context, member.conversationId)) !== null ? member : null;
  },
});

export const ConversationConnection = connectionType(Conversation, 'Conversation');
export const ConversationMemberConnection = connectionType(ConversationMember, 'ConversationMember');

builder.prismaObjectFields(Conversation, (t) => ({
  members: t.field({
    type: ConversationMemberConnection,
    nullable: true,
    description: 'Its members, in the order they joined. For members only.',
    args: t.arg.connectionArgs(),
    resolve: async (conversation, args, context, info) => {
      await assertMember(context, conversation.id);
      return await afterHead(context, info, conversation.id, () =>
        childPage(context, info, args, {
          list: { model: 'Conversation', relation: 'members' },
          parentId: conversation.id,
          keyset: longestFirst,
          count: memberCount,
        }),
      );
    },
  }),
}));

const ConversationFilter = builder.inputType('ConversationFilter', {
  description: "Which of the viewer's conversations are listed.",
  fields: (t) => ({
    isArchived: t.boolean({ description: 'True: those that the viewer has archived; otherwise those that are not.' }),
    isRequest: t.boolean({
      description:
        'True: those that strangers have begun and the viewer has neither accepted nor declined; otherwise those that are no requests.',
    }),
    isMuted: t.boolean({ description: 'Whether they are muted; when left out, both.' }),
    isPinned: t.boolean({ description: 'Whether they are pinned; when left out, both.' }),
    kind: t.field({ type: ConversationKind, description: 'Only those of this kind.' }),
  }),
});

/** A page of the viewer's conversations for which a condition holds, the latest activity first. */
export const conversationPage = (
  context: Context,
  info: GraphQLResolveInfo,
  args: PageArgs,
  where: Prisma.ConversationWhereInput,
): Promise<CountedConnection<ConversationRow>> =>
  listPage(context, info, args, {
    keyset: latestActivity,
    list: { model: 'Conversation', where },
  });

builder.prismaObjectFields(Me, (t) => ({
  conversations: t.field({
    type: ConversationConnection,
    description:
      "The viewer's conversations, the one with the latest message first; without those that are archived and without requests, unless `filter` asks for them. Pinned ones are shown first by clients, who ask for them by `filter` too. `inboxCursor` beside it is no newer than the list.",
    args: { ...t.arg.connectionArgs(), filter: t.arg({ type: ConversationFilter, description: 'Which of them.' }) },
    resolve: async (me, args, context, info) => {
      await headFirst(inboxHead, context, info, me.id);
      return await conversationPage(context, info, args, conversationsOf(me.id, args.filter ?? {}));
    },
  }),
}));

// ---------------------------------------------------------------- queries

builder.queryField('conversation', (t) =>
  t.prismaField({
    price: READ,
    type: Conversation,
    nullable: true,
    authScopes: { signedIn: true },
    description:
      "One of the viewer's conversations; null when the viewer has none with this id. Those who wrote in a room that is archived now see its outline.",
    args: { id: t.arg.id({ required: true, description: 'The conversation.' }) },
    resolve: async (query, _root, args, context, info) => {
      const id = decodeId('Conversation', args.id, 'id');
      const conversation = await afterHead(context, info, id, () => context.db.prisma.conversation.findUnique({ ...query, where: { id } }));
      return conversation !== null && (await isKnown(context, conversation)) ? await asFormerMember(context, conversation) : null;
    },
  }),
);

builder.queryField('room', (t) =>
  t.prismaField({
    price: READ,
    type: Conversation,
    nullable: true,
    description:
      'The outline of the room with this join code; null when there is none. `joinRoom` makes the viewer a member. RATE_LIMITED after too many codes of no room.',
    args: { code: t.arg.string({ required: true, description: 'The join code, in any case, with or without spaces and hyphens.' }) },
    resolve: async (query, _root, { code }, context) => {
      try {
        return await findRoom(context, code, (joinCode) => context.db.prisma.conversation.findUnique({ ...query, where: { joinCode } }));
      } catch (error) {
        if (codeOf(error) === 'NOT_FOUND') return null;
        throw error;
      }
    },
  }),
);

// ---------------------------------------------------------------- mutations

export interface OfConversation {
  readonly id: string;
}
type PayloadFields<Payload extends OfConversation> = PothosSchemaTypes.ObjectFieldBuilder<Types, Payload>;

/** The field `conversation` of a payload, read after the mutation, and after the head of its log. */
export const conversationField = <Payload extends OfConversation>(t: PayloadFields<Payload>) =>
  t.prismaField({
    type: Conversation,
    price: LOOKED_UP,
    description: 'The conversation, as it is now, with its `memberCount`.',
    resolve: (query, payload, _args, context, info) => {
      const { id } = payload;
      return afterHead(context, info, id, () => context.db.prisma.conversation.findUniqueOrThrow({ ...query, where: { id } }));
    },
  });

/** A field with a conversation of the viewer's, read after the head of its log; null without one, and when the viewer is no member of it. */
export const ownConversationField = <Parent extends object>(
  t: PothosSchemaTypes.ObjectFieldBuilder<Types, Parent>,
  description: string,
  idOf: (parent: Parent) => string | null,
) =>
  t.field({
    type: Conversation,
    nullable: true,
    description,
    resolve: async (parent, _args, context, info) => {
      const id = idOf(parent);
      if (id === null || (await ownMembership(context, id))?.isDeclined !== false) return null;
      return await afterHead(context, info, id, () =>
        batchedRow(context, info, id, async (anyones, ids) => {
          const query = nodeQuery(anyones, info, 'Conversation');
          const found = await anyones.db.prisma.conversation.findMany({ ...query, where: { id: { in: [...ids] } } });
          return new Map(found.map((each) => [each.id, each]));
        }),
      );
    },
  });

/** The field `member` of a payload: the viewer's membership. */
const memberField = <Payload extends OfConversation>(t: PayloadFields<Payload>) =>
  t.prismaField({
    type: ConversationMember,
    price: LOOKED_UP,
    nullable: true,
    description: 'The viewer as a member of it; null when that has ended since.',
    resolve: (query, payload, _args, context) => {
      const conversationId_userId = { conversationId: payload.id, userId: viewerOf(context).id };
      return context.db.prisma.conversationMember.findUnique({ ...query, where: { conversationId_userId } });
    },
  });

/** The memberships that a mutation has created or changed, without those that have ended since. */
const membersField = <Payload extends OfConversation & { readonly userIds: readonly string[] }>(
  t: PayloadFields<Payload>,
  description: string,
) =>
  t.prismaField({
    type: [ConversationMember],
    price: { items: 20 },
    description,
    resolve: async (query, payload, _args, context) => {
      const { id: conversationId, userIds } = payload;
      // When the call is a repetition, the viewer may have been removed meanwhile.
      if ((await ownMembership(context, conversationId)) === null) return [];
      return await context.db.prisma.conversationMember.findMany({
        ...query,
        where: { conversationId, userId: { in: [...userIds] } },
        orderBy: [{ joinedAt: 'asc' }, { id: 'asc' }],
      });
    },
  });

mutation('startDirect', {
  description:
    'Opens the direct conversation with a user. The same two people always get the same one. To somebody who does not follow the viewer, and is in no conversation with them, it comes as a request; a request to the viewer is accepted by it.',
  access: 'signedIn',
  scope: 'WRITE_CONVERSATIONS',
  limit: 'conversation',
  input: {
    description: 'The user to talk to.',
    fields: (t) => ({ userId: t.id({ required: true, idOf: 'User', description: 'The other user.' }) }),
  },
  run: async ({ userId }, context) => ({ conversation: await startDirect(context, userId) }),
  payload: {
    description: 'The conversation of the two.',
    reloaders: { conversation: async (context, id) => (await findAsMember(context, id)).conversation },
    fields: (t) => ({
      conversation: t.field({ type: Conversation, description: 'The conversation.', resolve: ({ conversation }) => conversation }),
    }),
  },
});

mutation('createGroup', {
  description: 'Begins a conversation of several people. The viewer is its owner.',
  access: 'signedIn',
  scope: 'WRITE_CONVERSATIONS',
  limit: 'conversation',
  repeats: 'row',
  input: {
    description: 'The group to create, and who is in it from the start.',
    fields: (t) => ({
      title: t.string({ required: true, check: titleText, description: `Its name; 1 to ${MAX_TITLE} characters.` }),
      memberIds: t.idList({
        required: true,
        idOf: 'User',
        check: memberIdList,
        description: `Who else is in it; at most ${MAX_MEMBER_IDS} users. Who is named twice is named once.`,
      }),
    }),
  },
  run: async (input, context) => ({ conversation: await createGroup(context, input) }),
  payload: {
    description: 'The new group.',
    fields: (t) => ({
      conversation: t.field({ type: Conversation, description: 'The group.', resolve: ({ conversation }) => conversation }),
    }),
  },
});

/** The price of a mutation whose input may have a passcode, which is hashed. */
const withPasscode = ({ input }: Readonly<Record<string, unknown>>): Price => {
  const { passcode } = (input ?? {}) as { readonly passcode?: unknown };
  return { own: WRITE + (passcode === null || passcode === undefined ? 0 : PASSWORD) };
};

mutation('createRoom', {
  description: 'Opens a room with a fresh join code. The viewer is its owner.',
  access: 'signedIn',
  scope: 'WRITE_CONVERSATIONS',
  limit: 'room',
  price: withPasscode,
  repeats: 'row',
  input: {
    description: 'The room to open.',
    fields: (t) => ({
      title: t.string({ check: titleText, description: `Its name, if it has one; 1 to ${MAX_TITLE} characters.` }),
      passcode: t.string({
        check: passcodeText,
        isSecret: true,
        description: `What \`joinRoom\` asks for beside the code, if anything; ${PASSCODE_LENGTH}.`,
      }),
    }),
  },
  run: async (input, context) => ({ conversation: await createRoom(context, input) }),
  payload: {
    description: 'The new room.',
    fields: (t) => ({
      conversation: t.field({ type: Conversation, description: 'The room, with its code.', resolve: ({ conversation }) => conversation }),
    }),
  },
});

mutation('joinRoom', {
  description:
    'Makes the viewer a member of a room. Joining twice is joining once. A wrong code is NOT_FOUND and a wrong passcode FORBIDDEN; too many of them are RATE_LIMITED.',
  access: 'signedIn',
  scope: 'WRITE_CONVERSATIONS',
  price: withPasscode,
  input: {
    description: 'The room to join, by its code.',
    fields: (t) => ({
      code: t.string({ required: true, description: 'Its join code, in any case, with or without spaces and hyphens.' }),
      passcode: t.string({ check: passcodeText, isSecret: true, description: 'Its passcode, if it has one.' }),
    }),
  },
  run: async (input, context) => ({ id: await joinRoom(context, input) }),
  payload: {
    description: 'The room: its last `messages`, and the `cursor` at which live goes on without a hole.',
    fields: (t) => ({ conversation: conversationField(t), member: memberField(t), me: meField(t) }),
  },
});

mutation('addMembers', {
  description:
    'Makes others members of a conversation: any member of a group may, and the owner of a room. All of them, or nobody when one cannot be added. A group has at most 1,000 members, or as many as `GROUP_MAX_MEMBERS` says.',
  access: 'signedIn',
  scope: 'WRITE_CONVERSATIONS',
  input: {
    description: 'The users to add to a group or a room.',
    fields: (t) => ({
      conversationId: t.id({ required: true, idOf: 'Conversation', description: "A group, or a room of the viewer's own." }),
      memberIds: t.idList({
        required: true,
        idOf: 'User',
        check: memberIdList,
        description: `The users; at most ${MAX_MEMBER_IDS}. Those who are in it already change nothing.`,
      }),
    }),
  },
  run: async ({ conversationId, memberIds }, context) => {
    await addMembers(context, conversationId, memberIds);
    return { id: conversationId, userIds: memberIds };
  },
  payload: {
    description: 'The conversation, with those who were added.',
    fields: (t) => ({
      conversation: conversationField(t),
      members: membersField(t, 'The members who were named, in the order of their joining.'),
    }),
  },
});

mutation('removeMember', {
  description:
    'Removes another member. For the owner. What they wrote stays. Someone removed from a room who knows its code can join again, unless its passcode changes.',
  access: 'signedIn',
  scope: 'WRITE_CONVERSATIONS',
  input: {
    description: 'The member to remove, and the conversation.',
    fields: (t) => ({
      conversationId: t.id({ required: true, idOf: 'Conversation', description: "A group or a room of the viewer's own." }),
      userId: t.id({ required: true, idOf: 'User', description: 'The member; not the viewer.' }),
    }),
  },
  run: async ({ conversationId, userId }, context) => {
    await removeMember(context, conversationId, userId);
    return { id: conversationId, userId };
  },
  payload: {
    description: 'The conversation, without the one who was removed.',
    fields: (t) => ({
      conversation: conversationField(t),
      user: userField(t, 'The user who was removed.', ({ userId }) => userId),
    }),
  },
});

mutation('transferOwnership', {
  description: 'Makes another member the owner of a conversation. For the owner, who stays in it as a member.',
  access: 'signedIn',
  scope: 'WRITE_CONVERSATIONS',
  input: {
    description: 'The conversation, and the member who becomes its owner.',
    fields: (t) => ({
      conversationId: t.id({ required: true, idOf: 'Conversation', description: "A group or a room of the viewer's own." }),
      userId: t.id({ required: true, idOf: 'User', description: 'The member who becomes its owner.' }),
    }),
  },
  run: async ({ conversationId, userId }, context) => {
    await transferOwnership(context, conversationId, userId);
    return { id: conversationId, userIds: [userId, viewerOf(context).id] };
  },
  payload: {
    description: 'The conversation, with its new owner.',
    fields: (t) => ({
      conversation: conversationField(t),
      members: membersField(t, 'The new owner and the viewer, with their roles, in the order of their joining.'),
    }),
  },
});

mutation('renameConversation', {
  description: 'Gives a group or a room another title. For the owner.',
  access: 'signedIn',
  scope: 'WRITE_CONVERSATIONS',
  input: {
    description: 'The conversation to rename, and its new title.',
    fields: (t) => ({
      conversationId: t.id({ required: true, idOf: 'Conversation', description: "A group or a room of the viewer's own." }),
      title: t.string({ check: titleText, description: `Its name; 1 to ${MAX_TITLE} characters. Null takes that of a room away.` }),
    }),
  },
  run: async ({ conversationId, title }, context) => {
    if (title === undefined) throw badInput({ path: 'input.title', code: 'REQUIRED', message: 'Give a title, or null to take it away.' });
    await renameConversation(context, conversationId, title);
    return { id: conversationId };
  },
  payload: {
    description: 'The conversation, with its new title.',
    fields: (t) => ({ conversation: conversationField(t) }),
  },
});

mutation('setRoomPasscode', {
  description: 'Changes or removes the passcode of a room. For the owner. Its members stay.',
  access: 'signedIn',
  scope: 'WRITE_CONVERSATIONS',
  input: {
    description: 'The room, and its new passcode.',
    fields: (t) => ({
      conversationId: t.id({ required: true, idOf: 'Conversation', description: "A room of the viewer's own." }),
      passcode: t.string({
        check: passcodeText,
        isSecret: true,
        description: `What \`joinRoom\` asks for from now on; ${PASSCODE_LENGTH}. Null: nothing.`,
      }),
    }),
  },
  run: async ({ conversationId, passcode }, context) => {
    if (passcode === undefined)
      throw badInput({ path: 'input.passcode', code: 'REQUIRED', message: 'Give a passcode, or null to take it away.' });
    await setRoomPasscode(context, conversationId, passcode);
    return { id: conversationId };
  },
  payload: {
    description: 'The room, with `hasPasscode` as it is now.',
    fields: (t) => ({ conversation: conversationField(t) }),
  },
});

mutation('leaveConversation', {
  description: "Ends the viewer's membership. When the owner leaves, the member who has been there longest becomes the owner.",
  access: 'signedIn',
  scope: 'WRITE_CONVERSATIONS',
  input: {
    description: 'The conversation to leave.',
    fields: (t) => ({ conversationId: t.id({ required: true, idOf: 'Conversation', description: 'The conversation; not a direct one.' }) }),
  },
  run: async ({ conversationId }, context) => {
    await leaveConversation(context, conversationId);
    return { id: conversationId };
  },
  payload: {
    description: 'The conversation that the viewer has left.',
    fields: (t) => ({
      conversationId: t.id({
        description: 'The conversation that the viewer is no longer in.',
        resolve: ({ id }) => encodeId('Conversation', id),
      }),
      me: meField(t),
    }),
  },
});

mutation('markRead', {
  description:
    'Marks everything up to a cursor as read; it never goes back. A cursor beyond what has happened, or from before a restored backup, is CURSOR_EXPIRED.',
  access: 'signedIn',
  scope: 'WRITE_CONVERSATIONS',
  limit: 'reading',
  input: {
    description: 'The conversation, and the cursor up to which the viewer has read it.',
    fields: (t) => ({
      conversationId: t.id({ required: true, idOf: 'Conversation', description: 'The conversation.' }),
      cursor: t.string({ required: true, description: "A cursor of its log: `Conversation.cursor`, a message edge's or an event's." }),
    }),
  },
  run: async ({ conversationId, cursor }, context) => {
    await markRead(context, conversationId, cursor);
    return { id: conversationId };
  },
  payload: {
    description: "The conversation, with the viewer's new read position.",
    fields: (t) => ({ conversation: conversationField(t), member: memberField(t), me: meField(t) }),
  },
});
