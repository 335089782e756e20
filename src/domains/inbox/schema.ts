import { builder, type Types } from '../../graphql/builder.js';
import { countUpTo, MAX_UNREAD } from '../../db/count.js';
import { Prisma } from '../../db/generated/prisma/client.js';
import type { Context } from '../../context.js';
import { headFirst } from '../../graphql/heads.js';
import { encodeId } from '../../graphql/ids.js';
import { batched } from '../../graphql/loaders.js';
import { OWN_COUNT, READ, STATEMENT } from '../../graphql/price.js';
import { headCursor } from '../../realtime/cursor.js';
import { HEAD_VERSION, joinHead } from '../../realtime/event-log.js';
import { stateTopic, type LogEvent, type StateValue } from '../../realtime/topic.js';
import { viewerOf } from '../../access/viewer.js';
import { usersAmong } from '../account/account.js';
import { Me } from '../account/schema.js';
import { unreadConversations } from '../conversations/conversations.js';
import { ownConversationField } from '../conversations/schema.js';
import { unreadNotifications } from '../notifications/notifications.js';
import { Notification } from '../notifications/schema.js';
import { inboxHead } from './inbox.js';
import { inboxLog, type InboxEvents } from './topics.js';

// ---------------------------------------------------------------- what is unread

interface Unread extends StateValue {
  readonly userId: string;
  readonly messages: number;
  readonly mentions: number;
  readonly notifications: number;
  readonly requests: number;
}

const countOf = (rows: Prisma.Sql): Prisma.Sql => Prisma.sql`least(${countUpTo(rows, MAX_UNREAD)}, ${MAX_UNREAD}::int)`;

/**
 * What is unread for each user. It shares the head of the user's inbox: whatever changes a count is told there, so the version is the seq of
 * the last event that this value takes into account.
 */
const unreadTopic = stateTopic<Unread>(inboxLog.name, async (prisma, userIds) => {
  const rows = unreadConversations(Prisma.sql`u.id`);
  const values = await prisma.$queryRaw<Unread[]>`
    SELECT u.id AS "userId", ${countOf(rows.messages)} AS messages, ${countOf(rows.mentions)} AS mentions,
      ${countOf(unreadNotifications(Prisma.sql`u.id`))} AS notifications, ${countOf(rows.requests)} AS requests, ${HEAD_VERSION} AS version
    FROM ${usersAmong(userIds)} u ${joinHead(inboxLog.name, Prisma.sql`u.id::text`)}`;
  return new Map(values.map((value) => [value.userId, value]));
});

/** Of somebody who is unknown nothing is unread. */
const nothingUnread = (userId: string): Unread => ({ userId, version: 0, messages: 0, mentions: 0, notifications: 0, requests: 0 });

const loadUnread = batched<Unread | null>(({ db }, userIds) => unreadTopic.load(db.prisma, userIds), null);

const unreadOf = async (context: Context, userId: string): Promise<Unread> => (await loadUnread(context, userId)) ?? nothingUnread(userId);

const CAPPED = `${MAX_UNREAD} stands for that many or more`;

export const UnreadCounts = builder.objectRef<Unread>('UnreadCounts').implement({
  description: 'What the viewer has not read, the same on all of their devices.',
  fields: (t) => ({
    version: t.exposeInt('version', { description: 'Grows with every change: the higher one is the newer.' }),
    messages: t.exposeInt('messages', {
      description: `How many messages of others, in the conversations that are neither archived nor muted nor requests; ${CAPPED}. A conversation where \`isLarge\` counts as one, and one that is marked as unread as one more.`,
    }),
    mentions: t.exposeInt('mentions', { description: `How many messages mention the viewer, in muted conversations too; ${CAPPED}.` }),
    notifications: t.exposeInt('notifications', { description: `How many notifications; ${CAPPED}.` }),
    requests: t.exposeInt('requests', {
      description: `How many conversations strangers have begun, which the viewer has neither accepted nor declined; ${CAPPED}.`,
    }),
  }),
});

builder.nodeRef<Unread, string, typeof UnreadCounts>(UnreadCounts, {
  id: { resolve: ({ userId }) => userId, description: 'Its global id; each user has one.' },
  loadWithoutCache: async (id, context) => (context.viewer?.id === id ? await unreadOf(context, id) : null),
});

/** Four counts of what belongs to one user, in one statement. */
const COUNTS = { own: 2 * (OWN_COUNT.own ?? 0), once: STATEMENT };
/** The same in a list of what all belongs to one user: they are counted once. */
const COUNTS_OF_ONE = { own: 1, once: COUNTS.own + COUNTS.once };

/** A field with what is unread for a user, who must be the viewer. */
export const unreadField = <Parent extends object>(
  t: PothosSchemaTypes.ObjectFieldBuilder<Types, Parent>,
  description: string,
  userId: (parent: Parent) => string,
) => t.field({ type: UnreadCounts, price: COUNTS, description, resolve: (parent, _args, context) => unreadOf(context, userId(parent)) });

builder.prismaObjectFields(Me, (t) => ({
  unreadCounts: t.field({
    type: UnreadCounts,
    price: COUNTS,
    description: 'What the viewer has not read. `inboxCursor` beside it is no newer.',
    resolve: async (me, _args, context, info) => {
      await headFirst(inboxHead, context, info, me.id);
      return await unreadOf(context, me.id);
    },
  }),
  unreadMessageCount: t.int({
    price: COUNTS,
    description: 'The same as `unreadCounts { messages }`.',
    resolve: async (me, _args, context, info) => {
      await headFirst(inboxHead, context, info, me.id);
      return (await unreadOf(context, me.id)).messages;
    },
  }),
  inboxCursor: t.string({
    price: READ,
    description:
      "The position of the viewer's inbox: follow `inboxChanged(after:)` from here. `conversations` and `unreadCounts` beside it are at least as new.",
    resolve: async (me, _args, context) => headCursor(inboxLog.name, me.id, await inboxHead(context, me.id)),
  }),
}));

builder.prismaObjectFields(Notification, (t) => ({
  unread: t.field({
    type: UnreadCounts,
    price: COUNTS_OF_ONE,
    description: 'What is unread now, the same on all devices of the viewer.',
    resolve: ({ userId }, _args, context) => unreadOf(context, userId),
  }),
}));

builder.queryField('unreadCounts', (t) =>
  t.field({
    type: UnreadCounts,
    price: COUNTS,
    nullable: true,
    authScopes: { signedIn: true },
    description: 'What the viewer has not read.',
    resolve: (_root, _args, context) => unreadOf(context, viewerOf(context).id),
  }),
);

// ---------------------------------------------------------------- the inbox

export const InboxEventKind = builder.enumType('InboxEventKind', {
  description: "What has moved the viewer's list of conversations, or what is unread.",
  values: {
    CONVERSATION_ADDED: {
      description: 'A conversation has been begun with the viewer, they have joined it, or they have accepted a request.',
    },
    CONVERSATION_REMOVED: { description: 'The viewer has left the conversation, was removed from it, or has declined a request.' },
    MESSAGE: { description: 'Somebody has written; where `isLarge`, once until the viewer has read it.' },
    READ: { description: 'The viewer has read further, on whatever device.' },
    CONVERSATION_CHANGED: {
      description:
        'It was renamed; its last message was edited, or one deleted; or the viewer has archived, muted, pinned or marked it, or taken that back.',
    },
    REQUEST: { description: 'A stranger has begun a conversation with the viewer.' },
    COUNTS: { description: 'Only what is unread has changed: a notification was added, withdrawn or read.' },
  } as const,
});

export const InboxEvent = builder.objectRef<LogEvent<InboxEvents>>('InboxEvent').implement({
  description: "Something that has moved the viewer's list of conversations, or what is unread.",
  fields: (t) => ({
    cursor: t.exposeString('cursor', { description: 'The position of this event: give it as `after` to go on behind it.' }),
    at: t.expose('at', { type: 'DateTime', description: 'When it happened.' }),
    kind: t.expose('kind', { type: InboxEventKind, description: 'What has happened.' }),
    conversationId: t.id({
      nullable: true,
      description: 'The conversation; null for COUNTS.',
      resolve: ({ ref }) => (ref === null ? null : encodeId('Conversation', ref.conversationId)),
    }),
    conversation: ownConversationField(
      t,
      'The conversation as it is now, with its `lastMessage` and `unreadCount`; null when the viewer is no member any more, and for COUNTS.',
      ({ ref }) => ref?.conversationId ?? null,
    ),
    unread: unreadField(t, 'What is unread now.', ({ key }) => key),
  }),
});

builder.subscriptionField('inboxChanged', (t) =>
  t.topic({
    type: InboxEvent,
    topic: inboxLog,
    description:
      "Whatever moves the viewer's list of conversations or what is unread, on whatever device or by whomever, once and in order, after `after`; without it, from now. It takes the place of a subscription to each conversation: `conversationEvents` is for those that are open.",
    args: { after: t.arg.string({ description: "A cursor of this log: `Me.inboxCursor`, `Sync.cursor` or an event's." }) },
    signedIn: true,
    authorize: ({ after }, context) => ({ key: viewerOf(context).id, after }),
    resolve: (event) => event,
  }),
);

builder.subscriptionField('unreadCounts', (t) =>
  t.topic({
    type: UnreadCounts,
    topic: unreadTopic,
    description: 'What the viewer has not read: at once, and then whenever it changes on whatever device. `inboxChanged` carries it too.',
    signedIn: true,
    authorize: (_args, context) => ({ keys: [viewerOf(context).id] }),
    resolve: (unread) => unread,
  }),
);
