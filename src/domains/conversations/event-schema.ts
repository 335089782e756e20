import { builder, type Types } from '../../graphql/builder.js';
import type { Context } from '../../context.js';
import { DEFAULT_PAGE, MAX_PAGE } from '../../db/keyset.js';
import { decodeId, encodeId } from '../../graphql/ids.js';
import { eventsPrice, LOOKED_UP } from '../../graphql/price.js';
import { decodeCursor, encodeCursor } from '../../realtime/cursor.js';
import type { LogEvent } from '../../realtime/topic.js';
import { userField } from '../account/schema.js';
import { pollConversation, type ConversationLogEvent } from './events.js';
import { assertMayFollow } from './conversations.js';
import { Message } from './message-schema.js';
import { Conversation, ConversationMember } from './schema.js';
import { carriedMessage } from './sent-rows.js';
import { conversationLog, type ConversationEvents, type OfMessage } from './topics.js';

type Event<Kind extends keyof ConversationEvents> = LogEvent<ConversationEvents, Kind>;
type EventFields<Kind extends keyof ConversationEvents> = PothosSchemaTypes.ObjectFieldBuilder<Types, Event<Kind>>;

// Everyone who may follow a conversation may see everything that its events refer to, and all fields but one do not read the viewer: one
// result serves all subscribers.

/** The kinds of event have the names of their GraphQL types. */
export const ConversationEvent = builder.interfaceRef<ConversationLogEvent>('ConversationEvent').implement({
  description: 'An event in a conversation.',
  resolveType: ({ kind }) => kind,
  fields: (t) => ({
    cursor: t.exposeString('cursor', { description: 'The position of this event: give it as `after` to go on behind it.' }),
    conversationId: t.id({ description: 'The conversation.', resolve: ({ key }) => encodeId('Conversation', key) }),
    at: t.expose('at', { type: 'DateTime', description: 'When it happened.' }),
  }),
});

/** Non-null: retention keeps the row of a message, at least emptied, as long as an event refers to it. */
const messageField = (t: EventFields<OfMessage>, description = 'The message, as it is now.') =>
  t.prismaField({
    type: Message,
    price: LOOKED_UP,
    description,
    resolve: (query, event, _args, { db, clock }) =>
      carriedMessage(event, query, clock) ?? db.prisma.message.findUniqueOrThrow({ ...query, where: { id: event.ref.messageId } }),
  });

const messageEvent = (kind: Exclude<OfMessage, 'MessageDeleted'>, description: string) =>
  builder.objectRef<Event<typeof kind>>(kind).implement({
    description,
    interfaces: [ConversationEvent],
    fields: (t) => ({ message: messageField(t) }),
  });

export const MessageAdded = messageEvent('MessageAdded', 'A message has been sent.');
messageEvent('MessageEdited', 'A message has been edited.');
messageEvent('ReactionsChanged', 'Somebody has reacted to a message, or has taken a reaction back.');

builder.objectRef<Event<'MessageDeleted'>>('MessageDeleted').implement({
  description: "A message has been deleted, by somebody or by the conversation's retention.",
  interfaces: [ConversationEvent],
  fields: (t) => ({
    messageId: t.id({ description: 'The id of the message.', resolve: ({ ref }) => encodeId('Message', ref.messageId) }),
    message: messageField(t, 'What is left of the message: empty, with its `deletedAt`.'),
  }),
});

type OfUser = 'MemberJoined' | 'MemberLeft' | 'OwnerChanged' | 'ConversationRenamed' | 'ReadMoved';

const whoField = (t: EventFields<OfUser>, description: string) => userField(t, description, ({ ref }) => ref.userId);

const memberField = (t: EventFields<OfUser>) =>
  t.prismaField({
    type: ConversationMember,
    price: LOOKED_UP,
    nullable: true,
    description: 'Their membership, as it is now; null when it has ended since.',
    resolve: (query, { key: conversationId, ref: { userId } }, _args, { db }) =>
      db.prisma.conversationMember.findUnique({ ...query, where: { conversationId_userId: { conversationId, userId } } }),
  });

/**
 * Nullable in all events because it is in one of them: GraphQL does not allow the same field with different nullability in one selection.
 */
const conversationField = (t: EventFields<OfUser>) =>
  t.prismaField({
    type: Conversation,
    price: LOOKED_UP,
    nullable: true,
    description: 'The conversation, as it is now, with its `memberCount`.',
    resolve: (query, { key }, _args, { db }) => db.prisma.conversation.findUniqueOrThrow({ ...query, where: { id: key } }),
  });

const memberEvent = (kind: 'MemberJoined' | 'OwnerChanged', description: string, who: string) =>
  builder.objectRef<Event<typeof kind>>(kind).implement({
    description,
    interfaces: [ConversationEvent],
    fields: (t) => ({ user: whoField(t, who), member: memberField(t), conversation: conversationField(t) }),
  });

memberEvent('MemberJoined', 'Somebody has become a member.', 'Who has joined.');
memberEvent('OwnerChanged', 'The conversation has passed to another owner.', 'The new owner.');

builder.objectRef<Event<'MemberLeft'>>('MemberLeft').implement({
  description: 'Somebody has left the conversation or was removed from it.',
  interfaces: [ConversationEvent],
  fields: (t) => ({
    user: whoField(t, 'Who has left.'),
    // The only event field that reads the viewer: a removed member may still receive this event but must not see the conversation.
    // Subscribers who select it get results of their own.
    conversation: t.prismaField({
      type: Conversation,
      price: LOOKED_UP,
      nullable: true,
      description: 'The conversation, as it is now, with its `memberCount`; null for the one who has left.',
      resolve: async (query, { key, ref }, _args, { db, viewer }) =>
        viewer?.id === ref.userId ? null : await db.prisma.conversation.findUniqueOrThrow({ ...query, where: { id: key } }),
    }),
  }),
});

builder.objectRef<Event<'ConversationRenamed'>>('ConversationRenamed').implement({
  description: 'The conversation has been renamed.',
  interfaces: [ConversationEvent],
  fields: (t) => ({ conversation: conversationField(t), user: whoField(t, 'Who has renamed it.') }),
});

builder.objectRef<Event<'ReadMoved'>>('ReadMoved').implement({
  description: 'A member has read further.',
  interfaces: [ConversationEvent],
  fields: (t) => ({
    user: whoField(t, 'The member who has read.'),
    member: memberField(t),
    readUpTo: t.string({
      description: 'The cursor up to which they have read.',
      resolve: ({ topic, key, cursor, ref }) => encodeCursor(topic, key, { ...decodeCursor(topic, key, cursor), seq: ref.seq }),
    }),
    readUpToSeq: t.int({ description: 'The `seq` up to which they have read.', resolve: ({ ref }) => ref.seq }),
  }),
});

// ---------------------------------------------------------------- live, and by polling

const AFTER = "A cursor of its log: `Conversation.cursor`, a message edge's or an event's.";

/** Only members may follow a conversation. @throws NOT_FOUND */
const authorize = async (args: { readonly conversationId: string; readonly after?: string | null | undefined }, context: Context) => {
  const key = decodeId('Conversation', args.conversationId, 'conversationId');
  await assertMayFollow(context, key);
  return { key, after: args.after };
};

builder.subscriptionField('conversationEvents', (t) =>
  t.topic({
    type: ConversationEvent,
    topic: conversationLog,
    description: "All that happens in one of the viewer's conversations, once and in order, after `after`; without it, from now.",
    args: {
      conversationId: t.arg.id({ required: true, description: 'The conversation.' }),
      after: t.arg.string({ description: AFTER }),
    },
    signedIn: true,
    authorize,
    resolve: (event) => event,
  }),
);

builder.subscriptionField('messageAdded', (t) =>
  t.topic({
    type: MessageAdded,
    topic: conversationLog,
    kinds: ['MessageAdded'],
    description: "Each new message in one of the viewer's conversations, once and in order, after `after`; without it, from now.",
    args: {
      conversationId: t.arg.id({ required: true, description: 'The conversation.' }),
      after: t.arg.string({ description: AFTER }),
    },
    signedIn: true,
    authorize,
    resolve: (event) => event,
  }),
);

builder.queryField('conversationEvents', (t) =>
  t.field({
    type: [ConversationEvent],
    price: eventsPrice,
    nullable: true,
    authScopes: { signedIn: true },
    description:
      'The events of `Subscription.conversationEvents`, with the same cursors, for polling: ask again after the last cursor. Fewer than `first` means that there are no more for now.',
    args: {
      conversationId: t.arg.id({ required: true, description: 'The conversation.' }),
      after: t.arg.string({ description: `${AFTER} Without it, from the oldest event that is kept.` }),
      first: t.arg.int({ description: `How many at most: 0 to ${MAX_PAGE}, ${DEFAULT_PAGE} by default.` }),
    },
    resolve: (_root, { conversationId, after, first }, context) =>
      pollConversation(context, decodeId('Conversation', conversationId, 'conversationId'), { after, first: first ?? DEFAULT_PAGE }),
  }),
);
