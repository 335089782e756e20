import { countEach } from '../../db/count.js';
import { LOOKED_UP, READ, STATEMENT, WRITE } from '../../graphql/price.js';
import { builder } from '../../graphql/builder.js';
import { childPage, connectionType, firstChild, linkedPage, listPage, nodeQuery } from '../../graphql/connection.js';
import { Prisma, type Message as MessageRow, type User as UserRow } from '../../db/generated/prisma/client.js';
import type { Keyset } from '../../db/keyset.js';
import { headFirst } from '../../graphql/heads.js';
import { bodyHtml } from '../../graphql/html.js';
import { encodeId } from '../../graphql/ids.js';
import { batched, batchedField } from '../../graphql/loaders.js';
import { mutation } from '../../graphql/mutation.js';
import { encodeCursor } from '../../realtime/cursor.js';
import { streamKeyset } from '../../realtime/stream-keyset.js';
import { markdownText, text } from '../../graphql/text.js';
import { Me, User, UserConnection } from '../account/schema.js';
import { forItsAuthor, formerConversation, formerOf } from './former-members.js';
import { afterHead, assertMember, conversationHead, ownMembership, ownStanding } from './membership.js';
import { deleteMessage, editMessage, containsText, findMessage, newestFirst, sendMessage, writtenBy } from './messages.js';
import {
  addReaction,
  emojiText,
  latestReactors,
  MAX_EMOJIS,
  ownReactions,
  reactionGroups,
  removeReaction,
  type ReactionGroup as Group,
} from './reactions.js';
import { can } from './rules.js';
import { Conversation } from './schema.js';
import { conversationLog } from './topics.js';

const MAX_SEARCH = 100;

/** The maximum length is a setting, which is checked by the mutations. */
const bodyText = markdownText(1, Number.POSITIVE_INFINITY);
const BODY_LENGTH = '1 to 1,000 characters, or to as many as `MESSAGE_MAX_LENGTH` says';

const searchText = text(0, MAX_SEARCH);

/** Keyed by conversation and search text; the search text is the same for all conversations at the same place of the response. */
const messageCount = batched(async ({ db }, keys) => {
  const searches = new Map<string, string[]>();
  for (const [id, search] of keys.map((key) => JSON.parse(key) as [string, string]))
    searches.set(search, [...(searches.get(search) ?? []), id]);
  const counts = await Promise.all(
    [...searches].map(async ([search, ids]) => {
      const of = await countEach(
        db.prisma,
        ids,
        (id) => Prisma.sql`SELECT 1 FROM message WHERE conversation_id = ${id} AND ${containsText(search)}`,
      );
      return [...of].map(([id, count]) => [JSON.stringify([id, search]), count] as const);
    }),
  );
  return new Map(counts.flat());
}, 0);

// ---------------------------------------------------------------- types

export const ReactionGroup = builder.objectRef<Group>('ReactionGroup').implement({
  description: 'All the reactions to a message with one emoji.',
  fields: (t) => ({
    emoji: t.exposeString('emoji', { description: 'The emoji.' }),
    count: t.exposeInt('count', { description: 'How many members have reacted with it.' }),
    viewerHasReacted: t.boolean({
      price: READ,
      description: 'Whether the viewer is one of them; false for anyone not signed in.',
      resolve: async ({ messageId, emoji }, _args, context) => (await ownReactions(context, messageId)).has(emoji),
    }),
  }),
});

export const Message = builder.prismaObject('Message', {
  description: 'A message in a conversation, visible to the members and to its author.',
  fields: (t) => ({
    seq: t.exposeInt('seq', { description: "Its place in the conversation's event log: it grows, but not always by one." }),
    cursor: t.string({
      price: READ,
      description:
        'Its place as a cursor, the same as of its edge: `messages(before:)` and `messages(after:)` read what is around it, wherever it was found.',
      resolve: async ({ conversationId, seq }, _args, context) => {
        const head = await conversationHead(context, conversationId);
        return encodeCursor(conversationLog.name, conversationId, { epoch: head?.epoch ?? null, seq });
      },
    }),
    conversation: t.relation('conversation', {
      description: 'The conversation it was sent in; for an author who is no member any more, as it was when they left.',
      resolve: (query, message, _args, { db }) => {
        const former = formerOf(message);
        return former === undefined
          ? db.prisma.conversation.findUniqueOrThrow({ ...query, where: { id: message.conversationId } })
          : formerConversation(query, db, message.conversationId, former);
      },
    }),
    author: t.relation('author', { description: 'Who wrote it.' }),
    body: t.exposeString('body', { description: 'Its text, as Markdown; empty once it is deleted.' }),
    bodyHtml: t.string(bodyHtml),
    replyTo: t.relation('replyTo', {
      nullable: true,
      description: 'The message it replies to, which may have been deleted; null for an author who is no member any more.',
      // The condition uses the row's column even if the reply was not loaded with it: see `forItsAuthor`.
      resolve: (query, { replyToId }, _args, { db }) =>
        replyToId === null ? null : db.prisma.message.findUnique({ ...query, where: { id: replyToId } }),
    }),
    mentions: t.field({
      type: [User],
      price: { items: 5, once: STATEMENT },
      description:
        'The users it mentions by `@username`, outside of code and links: members of the conversation when it was written, in the order of their usernames.',
      resolve: async ({ id }, _args, context, info) => {
        const query = nodeQuery(context, info, 'User');
        const mentioned = await batchedField(context, info, id, async (ids) => {
          const messages = await context.db.prisma.message.findMany({
            where: { id: { in: [...ids] } },
            select: { id: true, mentions: { orderBy: { user: { usernameKey: 'asc' } }, select: { user: query } } },
          });
          return new Map(messages.map(({ id: messageId, mentions }) => [messageId, mentions.map(({ user }) => user)]));
        });
        return mentioned ?? [];
      },
    }),
    reactions: t.field({
      type: [ReactionGroup],
      price: { items: 5, once: STATEMENT },
      description: 'The reactions to it by emoji, in the order of first use; none for an author who is no member any more.',
      resolve: (message, _args, context) => (formerOf(message) === undefined ? reactionGroups(context, message.id) : []),
    }),
    reactors: t.field({
      type: UserConnection,
      description: 'Who has reacted to it with an emoji, the latest first; nobody for an author who is no member any more.',
      args: {
        ...t.arg.connectionArgs(),
        emoji: t.arg.string({ required: true, validate: emojiText, description: 'The emoji, in any of its forms.' }),
      },
      resolve: (message, { emoji, ...args }, context, info) =>
        linkedPage<'Message', 'reactions', UserRow>(context, info, args, {
          // No reaction is empty.
          list: { model: 'Message', relation: 'reactions', where: { emoji: formerOf(message) === undefined ? emoji : '' } },
          node: 'user',
          parentId: message.id,
          keyset: latestReactors,
          count: async () =>
            formerOf(message) === undefined
              ? ((await reactionGroups(context, message.id)).find((group) => group.emoji === emoji)?.count ?? 0)
              : 0,
        }),
    }),
    viewerCanEdit: t.boolean({
      price: READ,
      description:
        'Whether the viewer may edit it: as its author, while they are a member and no block stands between the two of a direct conversation.',
      resolve: async (message, _args, context) =>
        message.deletedAt === null &&
        can(context.viewer, 'editMessage', message) &&
        (await ownStanding(context, message.conversationId))?.apart === false,
    }),
    viewerCanDelete: t.boolean({
      price: READ,
      description:
        'Whether the viewer may delete it: as its author or the owner of the conversation, while they are a member, or as a moderator.',
      resolve: async (message, _args, context) => {
        const { viewer } = context;
        if (viewer === null || message.deletedAt !== null) return false;
        if (can(viewer, 'deleteAnyMessage')) return true;
        const standing = await ownStanding(context, message.conversationId);
        return standing !== null && can(viewer, 'deleteMessage', { message, role: standing.role });
      },
    }),
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
    if (message === null) return null;
    if (message.authorId === context.viewer?.id) return await forItsAuthor(context, message);
    return (await ownMembership(context, message.conversationId)) && message;
  },
});

export const MessageConnection = connectionType(Message, 'Message');

/** The latest message of a conversation first. */
const latestFirst: Keyset<MessageRow> = {
  name: 'lastMessage',
  columns: [{ field: 'seq', type: 'int', direction: 'desc', value: ({ seq }) => seq }],
};

builder.prismaObjectFields(Conversation, (t) => ({
  lastMessage: t.field({
    type: Message,
    price: READ,
    nullable: true,
    description: 'The latest message, which may have been deleted; null before the first. For members only.',
    resolve: async ({ id }, _args, context, info) => {
      await assertMember(context, id);
      return await afterHead(context, info, id, () =>
        firstChild<'Conversation', 'messages'>(context, info, 'Message', {
          list: { model: 'Conversation', relation: 'messages' },
          parentId: id,
          keyset: latestFirst,
        }),
      );
    },
  }),
  messages: t.field({
    type: MessageConnection,
    nullable: true,
    description:
      "What was said in it, newest last; a page without arguments is the last one. An edge's cursor is its event's cursor: `messageAdded(after:)` goes on from it. For members only.",
    args: {
      ...t.arg.connectionArgs(),
      search: t.arg.string({
        validate: searchText,
        description: `Only messages that contain this, without accents and case; at most ${MAX_SEARCH} characters.`,
      }),
    },
    resolve: async (conversation, args, context, info) => {
      await assertMember(context, conversation.id);
      const search = args.search ?? '';
      return await childPage(context, info, args, {
        list: { model: 'Conversation', relation: 'messages', condition: containsText(search) },
        parentId: conversation.id,
        keyset: streamKeyset<MessageRow>(
          conversationLog.name,
          conversation.id,
          await headFirst(conversationHead, context, info, conversation.id),
        ),
        fromEnd: true,
        count: (_context, id) => messageCount(context, JSON.stringify([id, search])),
      });
    },
  }),
}));

builder.prismaObjectFields(Me, (t) => ({
  messageHistory: t.field({
    type: MessageConnection,
    description:
      'The messages that the viewer has written in any conversation and not deleted, newest first. Its cursors are valid for this list only.',
    args: {
      ...t.arg.connectionArgs(),
      search: t.arg.string({
        validate: searchText,
        description: `Only messages that contain this, without accents and case; at most ${MAX_SEARCH} characters.`,
      }),
    },
    resolve: async (me, args, context, info) => {
      const page = await listPage(context, info, args, {
        list: { model: 'Message', ...writtenBy(me.id, args.search ?? '') },
        also: ['conversationId', 'replyToId'],
        keyset: newestFirst,
      });
      await Promise.all(page.edges.map(({ node }) => forItsAuthor(context, node)));
      return page;
    },
  }),
}));

// ---------------------------------------------------------------- mutations

mutation('sendMessage', {
  description: "Sends a message to one of the viewer's conversations.",
  access: 'signedIn',
  scope: 'WRITE_CONVERSATIONS',
  limit: 'message',
  // With mentions, and what is told of it elsewhere.
  price: { own: 2 * WRITE },
  repeats: 'row',
  input: {
    description: 'The message to send.',
    fields: (t) => ({
      conversationId: t.id({ required: true, idOf: 'Conversation', description: 'The conversation to send it to.' }),
      body: t.string({
        required: true,
        check: bodyText,
        description: `Its text, as Markdown; ${BODY_LENGTH}. \`@username\` outside of code and links mentions a member.`,
      }),
      replyToId: t.id({ idOf: 'Message', description: 'The message to reply to, in the same conversation.' }),
    }),
  },
  run: (input, context) => sendMessage(context, input),
  payload: {
    description: 'The new message.',
    fields: (t) => ({
      message: t.field({ type: Message, description: 'The message.', resolve: ({ message }) => message }),
      cursor: t.string({
        description: 'The position of its event: give it as `after` to go on behind it.',
        resolve: ({ cursor }) => cursor,
      }),
    }),
  },
});

mutation('editMessage', {
  description: 'Changes the text of a message; its place stays the same. For its author while a member. CONFLICT for a deleted message.',
  access: 'signedIn',
  scope: 'WRITE_CONVERSATIONS',
  limit: 'message',
  price: { own: 2 * WRITE },
  input: {
    description: 'The message to edit, and its new text.',
    fields: (t) => ({
      messageId: t.id({ required: true, idOf: 'Message', description: "A message of the viewer's." }),
      body: t.string({
        required: true,
        check: bodyText,
        description: `Its new text, as Markdown; ${BODY_LENGTH}. Mentions are resolved anew.`,
      }),
    }),
  },
  run: async (input, context) => ({ message: await editMessage(context, input) }),
  payload: {
    description: 'The edited message.',
    reloaders: { message: findMessage },
    fields: (t) => ({
      message: t.field({ type: Message, description: 'The message.', resolve: ({ message }) => message }),
    }),
  },
});

mutation('deleteMessage', {
  description:
    "Deletes the text, the mentions and the reactions of a message; an empty message stays in its place. For its author and the conversation's owner while they are members, and for moderators. Deleting twice is deleting once.",
  access: 'signedIn',
  scope: 'WRITE_CONVERSATIONS',
  limit: 'message',
  input: {
    description: 'The message to delete.',
    fields: (t) => ({ messageId: t.id({ required: true, idOf: 'Message', description: 'The message.' }) }),
  },
  run: ({ messageId }, context) => deleteMessage(context, messageId),
  payload: {
    description: 'The deleted message.',
    fields: (t) => ({
      messageId: t.id({ description: 'The id of the deleted message.', resolve: ({ id }) => encodeId('Message', id) }),
      message: t.prismaField({
        type: Message,
        price: LOOKED_UP,
        nullable: true,
        description: 'What is left of the message: empty, with its `deletedAt`. Null for a moderator who is no member of the conversation.',
        resolve: async (query, { id, conversationId }, _args, context) =>
          (await ownMembership(context, conversationId)) && (await context.db.prisma.message.findUnique({ ...query, where: { id } })),
      }),
      conversation: t.prismaField({
        type: Conversation,
        price: LOOKED_UP,
        nullable: true,
        description: 'The conversation, as it is now. Null for a moderator who is no member of it.',
        resolve: async (query, { conversationId: id }, _args, context, info) =>
          (await ownMembership(context, id)) &&
          (await afterHead(context, info, id, () => context.db.prisma.conversation.findUnique({ ...query, where: { id } }))),
      }),
    }),
  },
});

mutation('addReaction', {
  description:
    "Reacts to a message in one of the viewer's conversations. The same emoji twice counts once. CONFLICT for a deleted message.",
  access: 'signedIn',
  scope: 'WRITE_CONVERSATIONS',
  limit: 'reaction',
  input: {
    description: 'The emoji to react with, and the message to react to.',
    fields: (t) => ({
      messageId: t.id({ required: true, idOf: 'Message', description: 'The message.' }),
      emoji: t.string({
        required: true,
        check: emojiText,
        description: `A single emoji; it is kept in its fully qualified form, so ❤ counts with ❤\ufe0f. A message has at most ${MAX_EMOJIS} different ones.`,
      }),
    }),
  },
  run: async (input, context) => ({ message: await addReaction(context, input) }),
  payload: {
    description: 'The message, with its `reactions` as they are now.',
    reloaders: { message: findMessage },
    fields: (t) => ({
      message: t.field({ type: Message, description: 'The message.', resolve: ({ message }) => message }),
    }),
  },
});

mutation('removeReaction', {
  description: "Takes back one of the viewer's reactions. Nothing changes where there is none.",
  access: 'signedIn',
  scope: 'WRITE_CONVERSATIONS',
  limit: 'reaction',
  input: {
    description: 'The reaction to take back.',
    fields: (t) => ({
      messageId: t.id({ required: true, idOf: 'Message', description: 'The message.' }),
      emoji: t.string({ required: true, check: emojiText, description: "The emoji of the viewer's reaction." }),
    }),
  },
  run: async (input, context) => ({ message: await removeReaction(context, input) }),
  payload: {
    description: 'The message, with its `reactions` as they are now.',
    reloaders: { message: findMessage },
    fields: (t) => ({
      message: t.field({ type: Message, description: 'The message.', resolve: ({ message }) => message }),
    }),
  },
});
