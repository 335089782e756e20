import { queryFromInfo } from '@pothos/plugin-prisma';
import type { GraphQLResolveInfo } from 'graphql';
import { z } from 'zod';
import { builder } from '../../builder.js';
import { childPage, connectionType, listPage, type NodeQuery } from '../../connection.js';
import type { Context } from '../../context.js';
import type { Conversation as ConversationRow, ConversationMember as Member, Message as MessageRow } from '../../db/generated/prisma/client.js';
import { decodeId, encodeId } from '../../ids.js';
import { batched, heads } from '../../loaders.js';
import { encodeCursor, headCursor } from '../../realtime/cursor.js';
import type { End } from '../../realtime/share.js';
import { streamKeyset } from '../../realtime/stream-keyset.js';
import type { LogEvent } from '../../realtime/topic.js';
import { clientIdText, text } from '../../text.js';
import { viewerOf } from '../../viewer.js';
import { Me } from '../account/schema.js';
import { conversationsOf, createGroup, createRoom, findAsMember, latestActivity, membersOnly, startDirect } from './conversations.js';
import { parseJoinCode } from './join-codes.js';
import { joinRoom, leaveConversation, longestFirst, markRead } from './members.js';
import { newestFirst, sendMessage, writtenBy } from './messages.js';
import { conversationLog, type ConversationEvents } from './topics.js';
import { countAllUnread, countUnread } from './unread.js';

const MAX_MESSAGE = 1_000;
const MAX_TITLE = 100;
const MAX_MEMBER_IDS = 100;
const MAX_SEARCH = 100;

const titleText = text(1, MAX_TITLE, { singleLine: true });

const conversationHead = heads(conversationLog);

/** The viewer's membership; null in a conversation of others. */
const ownMembership = batched<Member | null>(async ({ db, viewer }, conversationIds) => {
  if (viewer === null) return new Map();
  const members = await db.prisma.conversationMember.findMany({ where: { userId: viewer.id, conversationId: { in: [...conversationIds] } } });
  return new Map(members.map((member) => [member.conversationId, member]));
}, null);

/**
 * For what only members see of a conversation. The outline (its id, kind, title and the like) is shown to whoever has come to it: by its
 * join code, or having written in it. It reads no viewer, so that an event that shows it is the same for everyone.
 */
const assertMember = async (context: Context, conversationId: string): Promise<Member> => {
  viewerOf(context);
  const member = await ownMembership(context, conversationId);
  if (member === null) throw membersOnly();
  return member;
};

const memberCount = batched(async ({ db }, conversationIds) => {
  const groups = await db.prisma.conversationMember.groupBy({
    by: ['conversationId'],
    where: { conversationId: { in: [...conversationIds] } },
    _count: true,
  });
  return new Map(groups.map(({ conversationId, _count }) => [conversationId, _count]));
}, 0);

const messageCount = batched(async ({ db }, conversationIds) => {
  const groups = await db.prisma.message.groupBy({ by: ['conversationId'], where: { conversationId: { in: [...conversationIds] } }, _count: true });
  return new Map(groups.map(({ conversationId, _count }) => [conversationId, _count]));
}, 0);

const unreadCount = batched(
  async ({ db, viewer }, conversationIds) => (viewer === null ? new Map<string, number>() : await countUnread(db, viewer.id, conversationIds)),
  0,
);

const readCursor = async (context: Context, { conversationId, lastReadSeq }: Member): Promise<string> => {
  const head = await conversationHead(context, conversationId);
  return encodeCursor(conversationLog.name, conversationId, { epoch: head?.epoch ?? null, seq: lastReadSeq });
};

/** What a node's selection needs from its row. */
const nodeQuery = (context: Context, info: GraphQLResolveInfo, typeName: string): NodeQuery => queryFromInfo({ context, info, typeName });

// ---------------------------------------------------------------- types

export const ConversationKind = builder.enumType('ConversationKind', {
  description: 'What sort of conversation it is.',
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
    OWNER: { description: 'Looks after it. When the owner leaves, whoever has been there longest becomes the owner.' },
    MEMBER: { description: 'Reads and writes.' },
  } as const,
});

export const Conversation = builder.prismaObject('Conversation', {
  description: 'A place where its members talk. Others see no more than its outline.',
  fields: (t) => ({
    kind: t.expose('kind', { type: ConversationKind, description: 'What sort of conversation it is.' }),
    title: t.exposeString('title', { nullable: true, description: 'Its name; null for a direct conversation and a room without one.' }),
    joinCode: t.string({
      nullable: true,
      description: 'What others join a room by, for `joinRoom`; shown to its members only.',
      resolve: async ({ id, joinCode }, _args, context) =>
        joinCode !== null && (await ownMembership(context, id)) !== null ? joinCode : null,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was begun.' }),
    lastMessageAt: t.expose('lastMessageAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the latest message was sent; null before the first.',
    }),
    memberCount: t.int({ description: 'How many members it has.', resolve: ({ id }, _args, context) => memberCount(context, id) }),
    cursor: t.string({
      description: 'Where its log stands: follow `messageAdded(after:)` from here. For members only.',
      resolve: async ({ id }, _args, context) => {
        await assertMember(context, id);
        return headCursor(conversationLog.name, id, await conversationHead(context, id));
      },
    }),
    unreadCount: t.int({
      description: 'How many messages of others the viewer has not read; 0 for anyone who is no member.',
      resolve: ({ id }, _args, context) => unreadCount(context, id),
    }),
    lastReadCursor: t.string({
      nullable: true,
      description: 'Up to where the viewer has read; null for anyone who is no member.',
      resolve: async ({ id }, _args, context) => {
        const member = await ownMembership(context, id);
        return member && (await readCursor(context, member));
      },
    }),
    lastReadSeq: t.int({
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
    const [conversation, member] = await Promise.all([
      context.db.prisma.conversation.findUnique({ ...query, where: { id } }),
      ownMembership(context, id),
    ]);
    return member && conversation;
  },
});

export const ConversationMember = builder.prismaObject('ConversationMember', {
  description: 'Somebody\'s part in a conversation.',
  fields: (t) => ({
    id: t.id({ description: 'An id of this membership.', resolve: ({ id }) => encodeId('ConversationMember', id) }),
    user: t.relation('user', { description: 'Who it is.' }),
    role: t.expose('role', { type: MemberRole, description: 'What they may do in it.' }),
    joinedAt: t.expose('joinedAt', { type: 'DateTime', description: 'When they joined.' }),
    lastReadCursor: t.string({
      nullable: true,
      description: 'Up to where they have read; null when that is not told.',
      resolve: (member, _args, context) => readCursor(context, member),
    }),
    lastReadSeq: t.exposeInt('lastReadSeq', {
      nullable: true,
      description: 'The `seq` up to which they have read; null when that is not told.',
    }),
  }),
});

export const Message = builder.prismaObject('Message', {
  description: 'Something said in a conversation. Only its members see it, and whoever wrote it.',
  fields: (t) => ({
    seq: t.exposeInt('seq', { description: 'Its place among what happens in the conversation: it grows, not always by one.' }),
    conversation: t.relation('conversation', { description: 'Where it was said.' }),
    author: t.relation('author', { description: 'Who said it.' }),
    body: t.string({ description: 'Its text; empty once it is deleted.', resolve: ({ body, deletedAt }) => (deletedAt === null ? body : '') }),
    replyTo: t.relation('replyTo', { nullable: true, description: 'The message it answers.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was sent.' }),
    editedAt: t.expose('editedAt', { type: 'DateTime', nullable: true, description: 'When it was last edited; null if never.' }),
    deletedAt: t.expose('deletedAt', { type: 'DateTime', nullable: true, description: 'When it was deleted; null while it is there.' }),
    clientId: t.exposeString('clientId', { nullable: true, description: 'The `clientId` it was sent with.' }),
  }),
});

builder.nodeRef<MessageRow, string, typeof Message>(Message, {
  id: { resolve: ({ id }) => id, description: 'Its global id.' },
  loadWithoutCache: async (id, context, info) => {
    const query = nodeQuery(context, info, 'Message');
    const message = await context.db.prisma.message.findUnique({ ...query, where: { id } });
    return message && (await ownMembership(context, message.conversationId)) && message;
  },
});

export const ConversationConnection = connectionType(Conversation, 'Conversation');
export const ConversationMemberConnection = connectionType(ConversationMember, 'ConversationMember');
export const MessageConnection = connectionType(Message, 'Message');

builder.prismaObjectFields(Conversation, (t) => ({
  members: t.field({
    type: ConversationMemberConnection,
    description: 'Who is in it, in the order of their joining. For members only.',
    args: t.arg.connectionArgs(),
    resolve: async (conversation, args, context, info) => {
      await assertMember(context, conversation.id);
      return await childPage(context, info, args, {
        parentId: conversation.id,
        keyset: longestFirst,
        find: async (ids, page, query) => {
          const conversations = await context.db.prisma.conversation.findMany({
            // A join takes each page by itself; without it a page of one's own is cut from all the rows there are.
            relationLoadStrategy: 'join',
            where: { id: { in: ids } },
            select: { id: true, members: { ...query, ...page } },
          });
          return conversations.map(({ id, members }) => ({ id, rows: members }));
        },
        count: memberCount,
      });
    },
  }),
  messages: t.field({
    type: MessageConnection,
    description:
      'What was said in it, newest last; a page without arguments is the last one. An edge\'s cursor is its event\'s cursor: `messageAdded(after:)` goes on from it. For members only.',
    args: t.arg.connectionArgs(),
    resolve: async (conversation, args, context, info) => {
      await assertMember(context, conversation.id);
      return await childPage(context, info, args, {
        parentId: conversation.id,
        keyset: streamKeyset(conversationLog.name, conversation.id, await conversationHead(context, conversation.id)),
        fromEnd: true,
        find: async (ids, page, query) => {
          const conversations = await context.db.prisma.conversation.findMany({
            relationLoadStrategy: 'join',
            where: { id: { in: ids } },
            select: { id: true, messages: { ...query, ...page } },
          });
          return conversations.map(({ id, messages }) => ({ id, rows: messages }));
        },
        count: messageCount,
      });
    },
  }),
}));

builder.prismaObjectFields(Me, (t) => ({
  conversations: t.field({
    type: ConversationConnection,
    description: 'The viewer\'s conversations; where something was said last comes first.',
    args: t.arg.connectionArgs(),
    resolve: (me, args, context, info) => {
      const where = conversationsOf(me.id);
      return listPage(context, info, args, {
        keyset: latestActivity,
        find: (page, query) => context.db.prisma.conversation.findMany({ ...query, ...page, where: { AND: [where, page.where] } }),
        count: () => context.db.prisma.conversation.count({ where }),
      });
    },
  }),
  unreadMessageCount: t.int({
    description: 'How many messages of others the viewer has not read, in all conversations together.',
    resolve: (me, _args, { db }) => countAllUnread(db, me.id),
  }),
  messageHistory: t.field({
    type: MessageConnection,
    description: 'What the viewer has written in any conversation and not deleted, newest first. Its cursors are of this list alone.',
    args: {
      ...t.arg.connectionArgs(),
      search: t.arg.string({
        validate: text(0, MAX_SEARCH),
        description: `Only messages that contain this, in any case; at most ${MAX_SEARCH} characters.`,
      }),
    },
    resolve: (me, args, context, info) => {
      const where = writtenBy(me.id, args.search ?? '');
      return listPage(context, info, args, {
        keyset: newestFirst,
        find: (page, query) => context.db.prisma.message.findMany({ ...query, ...page, where: { AND: [where, page.where] } }),
        count: () => context.db.prisma.message.count({ where }),
      });
    },
  }),
}));

// ---------------------------------------------------------------- queries

builder.queryField('conversation', (t) =>
  t.prismaField({
    type: Conversation,
    nullable: true,
    authScopes: { signedIn: true },
    description: 'One of the viewer\'s conversations; null when there is none with this id, FORBIDDEN when it is one of others.',
    args: { id: t.arg.id({ required: true, description: 'The conversation.' }) },
    resolve: async (query, _root, args, context) => {
      const id = decodeId('Conversation', args.id, 'id');
      const conversation = await context.db.prisma.conversation.findUnique({ ...query, where: { id } });
      if (conversation !== null) await assertMember(context, id);
      return conversation;
    },
  }),
);

builder.queryField('room', (t) =>
  t.prismaField({
    type: Conversation,
    nullable: true,
    description: 'The outline of the room with this join code; null when there is none. `joinRoom` leads into it.',
    args: { code: t.arg.string({ required: true, description: 'The join code, in any case.' }) },
    resolve: (query, _root, { code }, { db }) => {
      const joinCode = parseJoinCode(code);
      return joinCode === null ? null : db.prisma.conversation.findUnique({ ...query, where: { joinCode } });
    },
  }),
);

// ---------------------------------------------------------------- mutations

builder.relayMutationField(
  'startDirect',
  {
    description: 'With whom to talk.',
    inputFields: (t) => ({ userId: t.id({ required: true, description: 'The other one.' }) }),
  },
  {
    description: 'Opens the direct conversation with a user. The same two people always get the same one.',
    authScopes: { signedIn: true },
    resolve: async (_root, { input }, context) => ({
      conversation: await startDirect(context, decodeId('User', input.userId, 'input.userId')),
    }),
  },
  {
    description: 'The conversation of the two.',
    outputFields: (t) => ({
      conversation: t.field({ type: Conversation, description: 'The conversation.', resolve: ({ conversation }) => conversation }),
    }),
  },
);

builder.relayMutationField(
  'createGroup',
  {
    description: 'A new group.',
    inputFields: (t) => ({
      title: t.string({ required: true, validate: titleText, description: `Its name; 1 to ${MAX_TITLE} characters.` }),
      memberIds: t.idList({
        required: true,
        validate: z.array(z.string()).max(MAX_MEMBER_IDS, `Must name at most ${MAX_MEMBER_IDS} users.`),
        description: `Who else is in it; at most ${MAX_MEMBER_IDS} users. Who is named twice is named once.`,
      }),
      clientId: t.string({ validate: clientIdText, description: 'Sent again with the same input it gives the same group.' }),
    }),
  },
  {
    description: 'Begins a conversation of several people. The viewer is its owner.',
    authScopes: { signedIn: true },
    resolve: async (_root, { input }, context) => ({
      conversation: await createGroup(context, {
        title: input.title,
        memberIds: input.memberIds.map((id, index) => decodeId('User', id, `input.memberIds.${index}`)),
        clientId: input.clientId,
      }),
    }),
  },
  {
    description: 'The new group.',
    outputFields: (t) => ({
      conversation: t.field({ type: Conversation, description: 'The group.', resolve: ({ conversation }) => conversation }),
    }),
  },
);

builder.relayMutationField(
  'createRoom',
  {
    description: 'A new room.',
    inputFields: (t) => ({
      title: t.string({ validate: titleText, description: `Its name, if it has one; 1 to ${MAX_TITLE} characters.` }),
      clientId: t.string({ validate: clientIdText, description: 'Sent again with the same input it gives the same room.' }),
    }),
  },
  {
    description: 'Opens a room with a fresh join code. The viewer is its owner.',
    authScopes: { signedIn: true },
    resolve: async (_root, { input }, context) => ({ conversation: await createRoom(context, input) }),
  },
  {
    description: 'The new room.',
    outputFields: (t) => ({
      conversation: t.field({ type: Conversation, description: 'The room, with its code.', resolve: ({ conversation }) => conversation }),
    }),
  },
);

builder.relayMutationField(
  'joinRoom',
  {
    description: 'Which room to join.',
    inputFields: (t) => ({ code: t.string({ required: true, description: 'Its join code, in any case, with or without spaces.' }) }),
  },
  {
    description: 'Makes the viewer a member of a room. Joining twice is joining once.',
    authScopes: { signedIn: true },
    resolve: async (_root, { input }, context) => ({ conversation: await joinRoom(context, input.code) }),
  },
  {
    description: 'The room.',
    outputFields: (t) => ({
      conversation: t.field({ type: Conversation, description: 'The room.', resolve: ({ conversation }) => conversation }),
    }),
  },
);

builder.relayMutationField(
  'leaveConversation',
  {
    description: 'Which conversation to leave.',
    inputFields: (t) => ({ conversationId: t.id({ required: true, description: 'The conversation; not a direct one.' }) }),
  },
  {
    description: 'Ends the viewer\'s membership. When the owner leaves, whoever has been there longest becomes the owner.',
    authScopes: { signedIn: true },
    resolve: async (_root, { input }, context) => {
      const id = decodeId('Conversation', input.conversationId, 'input.conversationId');
      await leaveConversation(context, id);
      return { id };
    },
  },
  {
    description: 'What was left.',
    outputFields: (t) => ({
      conversationId: t.id({ description: 'The conversation that the viewer is no longer in.', resolve: ({ id }) => encodeId('Conversation', id) }),
    }),
  },
);

builder.relayMutationField(
  'sendMessage',
  {
    description: 'A new message.',
    inputFields: (t) => ({
      conversationId: t.id({ required: true, description: 'Where to say it.' }),
      body: t.string({ required: true, validate: text(1, MAX_MESSAGE), description: `Its text; 1 to ${MAX_MESSAGE} characters.` }),
      replyToId: t.id({ description: 'The message it answers, in the same conversation.' }),
      clientId: t.string({ validate: clientIdText, description: 'Sent again with the same input it gives the same message.' }),
    }),
  },
  {
    description: 'Says something in one of the viewer\'s conversations.',
    authScopes: { signedIn: true },
    resolve: (_root, { input }, context) =>
      sendMessage(context, {
        conversationId: decodeId('Conversation', input.conversationId, 'input.conversationId'),
        body: input.body,
        replyToId: input.replyToId ? decodeId('Message', input.replyToId, 'input.replyToId') : null,
        clientId: input.clientId,
      }),
  },
  {
    description: 'The new message.',
    outputFields: (t) => ({
      message: t.field({ type: Message, description: 'The message.', resolve: ({ message }) => message }),
      cursor: t.string({ description: 'The cursor of its event: where to go on after it.', resolve: ({ cursor }) => cursor }),
    }),
  },
);

builder.relayMutationField(
  'markRead',
  {
    description: 'How far the viewer has read.',
    inputFields: (t) => ({
      conversationId: t.id({ required: true, description: 'The conversation.' }),
      cursor: t.string({ required: true, description: 'A cursor of its log: `Conversation.cursor`, a message edge\'s or an event\'s.' }),
    }),
  },
  {
    description:
      'Marks everything up to a cursor as read; it never goes back. A cursor beyond what has happened, or from before a restored backup, is CURSOR_EXPIRED.',
    authScopes: { signedIn: true },
    resolve: async (_root, { input }, context) => ({
      conversation: await markRead(context, decodeId('Conversation', input.conversationId, 'input.conversationId'), input.cursor),
    }),
  },
  {
    description: 'The conversation, as the viewer has read it now.',
    outputFields: (t) => ({
      conversation: t.field({ type: Conversation, description: 'The conversation.', resolve: ({ conversation }) => conversation }),
    }),
  },
);

// ---------------------------------------------------------------- live

/** Each kind of event has the name of its type. */
export const ConversationEvent = builder.interfaceRef<LogEvent<ConversationEvents>>('ConversationEvent').implement({
  description: 'Something that has happened in a conversation.',
  resolveType: ({ kind }) => kind,
  fields: (t) => ({
    cursor: t.exposeString('cursor', { description: 'Where to go on after this event.' }),
    conversationId: t.id({ description: 'The conversation.', resolve: ({ key }) => encodeId('Conversation', key) }),
    at: t.expose('at', { type: 'DateTime', description: 'When it happened.' }),
  }),
});

export const MessageAdded = builder.objectRef<LogEvent<ConversationEvents, 'MessageAdded'>>('MessageAdded').implement({
  description: 'Somebody has said something.',
  interfaces: [ConversationEvent],
  fields: (t) => ({
    message: t.prismaField({
      type: Message,
      description: 'The message, as it is now.',
      resolve: (query, { ref }, _args, { db }) => db.prisma.message.findUniqueOrThrow({ ...query, where: { id: ref.messageId } }),
    }),
  }),
});

/** What is said after somebody has left is nothing for them, not even for a moment. */
const endsForLeaver = ({ kind, ref }: LogEvent<ConversationEvents>): End | null =>
  kind === 'MemberLeft' ? { userId: (ref as ConversationEvents['MemberLeft']).userId } : null;

builder.subscriptionField('messageAdded', (t) =>
  t.topic({
    type: MessageAdded,
    topic: conversationLog,
    kinds: ['MessageAdded'],
    endsFor: endsForLeaver,
    description: 'Each new message in one of the viewer\'s conversations, once and in order, after `after`; without it, from now.',
    args: {
      conversationId: t.arg.id({ required: true, description: 'The conversation.' }),
      after: t.arg.string({ description: 'A cursor of its log: `Conversation.cursor`, a message edge\'s or an event\'s.' }),
    },
    authorize: async ({ conversationId, after }, context) => {
      const { conversation } = await findAsMember(context, decodeId('Conversation', conversationId, 'conversationId'));
      return { key: conversation.id, after };
    },
    resolve: (event) => event,
  }),
);
