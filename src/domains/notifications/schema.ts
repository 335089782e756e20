import { z } from 'zod';
import { builder } from '../../graphql/builder.js';
import { connectionType, listPage, nodeQuery } from '../../graphql/connection.js';
import type {
  Announcement as AnnouncementRow,
  Notification as NotificationRow,
  User as UserRow,
} from '../../db/generated/prisma/client.js';
import { badInput } from '../../errors.js';
import { decodeId, encodeId } from '../../graphql/ids.js';
import { batched, heads } from '../../graphql/loaders.js';
import { mutation } from '../../graphql/mutation.js';
import { encodeCursor, headCursor } from '../../realtime/cursor.js';
import { list, text } from '../../graphql/text.js';
import { viewerOf } from '../../access/viewer.js';
import { Me, meField, User } from '../account/schema.js';
import { announce } from './announcements.js';
import { preferencesOf, updatePreferences, type Preference } from './preferences.js';
import { countUnread, findNotification, markNotificationsRead } from './reading.js';
import { notificationsOf } from './rules.js';
import { isWithdrawn, textOf } from './templates.js';
import { announcementLog, EVERYONE, latestFirst, notificationLog } from './topics.js';

const MAX_ANNOUNCEMENT = 1_000;
const MAX_IDS = 100;
/** More than there are kinds: one that is named twice is told so. */
const MAX_PREFERENCES = 20;
/** Of the actors that a notification shows. */
const LATEST = 3;

const notificationHead = heads(notificationLog);
const announcementHead = heads(announcementLog);

interface Actors {
  readonly count: number;
  readonly latest: readonly Pick<UserRow, 'id' | 'username' | 'displayName' | 'bio' | 'role' | 'createdAt'>[];
}

/** Who did it, for all notifications of a response by one statement. */
const actorsOf = batched<Actors>(
  async ({ db }, ids) => {
    const rows = await db.prisma.notification.findMany({
      relationLoadStrategy: 'join',
      where: { id: { in: [...ids] } },
      select: {
        id: true,
        _count: { select: { actors: true } },
        actors: {
          take: LATEST,
          orderBy: [{ at: 'desc' }, { userId: 'desc' }],
          select: { user: { select: { id: true, username: true, displayName: true, bio: true, role: true, createdAt: true } } },
        },
      },
    });
    return new Map(rows.map(({ id, _count, actors }) => [id, { count: _count.actors, latest: actors.map(({ user }) => user) }]));
  },
  { count: 0, latest: [] },
);

// ---------------------------------------------------------------- types

export const NotificationKind = builder.enumType('NotificationKind', {
  description: 'What a notification is about.',
  values: {
    LIKE: { description: "Somebody likes a post or an entry of one's own." },
    COMMENT: { description: "Somebody has commented on one's post, or answered one's comment." },
    FOLLOW: { description: 'Somebody follows one.' },
    MENTION: { description: 'Somebody has named one in a message.' },
    MESSAGE: { description: 'Somebody has written in a direct conversation while one was not ONLINE: AWAY counts as away.' },
    ASSIGNMENT: { description: "A conversation is one's to work now." },
    SYSTEM: { description: "Something about one's account." },
  } as const,
});

export const Notification = builder.prismaObject('Notification', {
  description: 'Something that a user should hear of. What happens again while it is unread joins it. Only its user sees it.',
  fields: (t) => ({
    cursor: t.string({
      description: 'Where to go on after this event; in a list, after the latest event of the notification.',
      resolve: async ({ userId, seq }, _args, context) => {
        const head = await notificationHead(context, userId);
        return encodeCursor(notificationLog.name, userId, { epoch: head?.epoch ?? null, seq });
      },
    }),
    kind: t.expose('kind', { type: NotificationKind, description: 'What it is about.' }),
    actors: t.field({
      type: [User],
      description: `Who did it, the latest first; ${LATEST} at most.`,
      resolve: async ({ id }, _args, context) => [...(await actorsOf(context, id)).latest],
    }),
    actorCount: t.int({ description: 'How many did it.', resolve: async ({ id }, _args, context) => (await actorsOf(context, id)).count }),
    text: t.string({
      description: 'What to show: "Ada and 4 others liked your post".',
      resolve: async ({ id, kind, subjectType, data }, _args, context) => {
        const { count, latest } = await actorsOf(context, id);
        return textOf({ kind, subjectType, data, actorCount: count, actors: latest.map(({ displayName }) => displayName) });
      },
    }),
    isWithdrawn: t.boolean({
      description:
        'Whether all of it has been taken back before it was read: it is in no list and no count any more, and should be shown no longer.',
      resolve: async ({ id, kind }, _args, context) => isWithdrawn(kind, (await actorsOf(context, id)).count),
    }),
    subject: t.node({
      description:
        'What it is about: a post, a comment, an entry, a message, a conversation or a user; null when that is gone, or the viewer may not see it.',
      id: ({ subjectType, subjectId }) => (subjectType === null || subjectId === null ? null : encodeId(subjectType, subjectId)),
    }),
    me: t.relation('user', {
      type: Me,
      description: 'The viewer, whose it is, with the counts as they are now: `unreadNotificationCount` and others.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it happened first.' }),
    readAt: t.expose('readAt', { type: 'DateTime', nullable: true, description: 'When it was read; null while it is unread.' }),
  }),
});

builder.nodeRef<NotificationRow, string, typeof Notification>(Notification, {
  id: { resolve: ({ id }) => id, description: 'Its global id.' },
  loadWithoutCache: async (id, context, info) => {
    const query = nodeQuery(context, info, 'Notification');
    const notification = context.viewer && (await context.db.prisma.notification.findUnique({ ...query, where: { id } }));
    return notification?.userId === context.viewer?.id ? notification : null;
  },
});

export const NotificationConnection = connectionType(Notification, 'Notification');

const NotificationPreference = builder.objectRef<Preference>('NotificationPreference').implement({
  description: 'Whether a user hears of one kind.',
  fields: (t) => ({
    kind: t.expose('kind', { type: NotificationKind, description: 'The kind.' }),
    enabled: t.exposeBoolean('enabled', { description: 'Whether it is told; true until it is switched off.' }),
  }),
});

export const Announcement = builder.prismaObject('Announcement', {
  description: 'Something that is said to everyone.',
  fields: (t) => ({
    cursor: t.string({
      description: 'The cursor of its event: where to go on after it.',
      resolve: async ({ seq }, _args, context) => {
        const head = await announcementHead(context, EVERYONE);
        return encodeCursor(announcementLog.name, EVERYONE, { epoch: head?.epoch ?? null, seq });
      },
    }),
    text: t.exposeString('text', { description: 'What is said.' }),
    author: t.relation('author', { description: 'Who says it.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was said.' }),
    clientId: t.exposeString('clientId', { nullable: true, description: 'The `clientId` it was made with.' }),
  }),
});

builder.nodeRef<AnnouncementRow, string, typeof Announcement>(Announcement, {
  id: { resolve: ({ id }) => id, description: 'Its global id.' },
  loadWithoutCache: async (id, context, info) =>
    context.viewer && (await context.db.prisma.announcement.findUnique({ ...nodeQuery(context, info, 'Announcement'), where: { id } })),
});

export const AnnouncementConnection = connectionType(Announcement, 'Announcement');

builder.prismaObjectFields(Me, (t) => ({
  notifications: t.field({
    type: NotificationConnection,
    description: 'What the viewer should hear of, the latest first. What is new, or joined anew, comes before all that was there.',
    args: { ...t.arg.connectionArgs(), unreadOnly: t.arg.boolean({ description: 'Only what is unread.' }) },
    resolve: async (me, args, context, info) => {
      const where = notificationsOf(me.id, args.unreadOnly ?? false);
      return await listPage(context, info, args, {
        keyset: latestFirst(notificationLog.name, me.id, await notificationHead(context, me.id)),
        find: (page, query) => context.db.prisma.notification.findMany({ ...query, ...page, where: { AND: [where, page.where] } }),
        count: () => context.db.prisma.notification.count({ where }),
      });
    },
  }),
  unreadNotificationCount: t.int({
    description: 'How many notifications the viewer has not read.',
    resolve: (me, _args, { db }) => countUnread(db, me.id),
  }),
  notificationCursor: t.string({
    description: "Where the viewer's notifications stand: follow `notificationAdded(after:)` from here. What stands beside it is no older.",
    resolve: async (me, _args, context) => headCursor(notificationLog.name, me.id, await notificationHead(context, me.id)),
  }),
  notificationPreferences: t.field({
    type: [NotificationPreference],
    description: 'For each kind whether the viewer hears of it.',
    resolve: (me, _args, { db }) => preferencesOf(db, me.id),
  }),
}));

// ---------------------------------------------------------------- queries

builder.queryField('announcements', (t) =>
  t.field({
    type: AnnouncementConnection,
    nullable: true,
    authScopes: { signedIn: true },
    description: 'What was said to everyone, the latest first.',
    args: t.arg.connectionArgs(),
    resolve: async (_root, args, context, info) =>
      listPage(context, info, args, {
        keyset: latestFirst(announcementLog.name, EVERYONE, await announcementHead(context, EVERYONE)),
        find: (page, query) => context.db.prisma.announcement.findMany({ ...query, ...page }),
        count: () => context.db.prisma.announcement.count(),
      }),
  }),
);

builder.queryField('announcementCursor', (t) =>
  t.string({
    description: 'Where the announcements stand: follow `announcementAdded(after:)` from here.',
    resolve: async (_root, _args, context) => headCursor(announcementLog.name, EVERYONE, await announcementHead(context, EVERYONE)),
  }),
);

// ---------------------------------------------------------------- mutations

const notificationIds = list(z.string(), MAX_IDS, `Must be at most ${MAX_IDS}.`, 1);

const NotificationsToRead = builder.inputType('NotificationsToRead', {
  description: 'Which notifications are meant: exactly one of the three is given.',
  isOneOf: true,
  fields: (t) => ({
    ids: t.idList({ description: `These notifications; 1 to ${MAX_IDS}.` }),
    upTo: t.string({ description: "All up to this cursor: `Me.notificationCursor`, an edge's or an event's." }),
    all: t.boolean({ description: 'All there are; true.' }),
  }),
});

mutation('markNotificationsRead', {
  description: "Marks notifications of the viewer's as read. What happens again opens another one.",
  access: 'signedIn',
  limit: 'reading',
  input: {
    description: 'Which notifications have been read: exactly one field beside `clientId` is given.',
    fields: (t) => ({
      which: t.field({
        type: NotificationsToRead,
        check: z.object({ ids: notificationIds.nullish() }).loose(),
        description: 'These, all up to a cursor, or all.',
      }),
      ids: t.idList({
        idOf: 'Notification',
        check: notificationIds,
        description: `These; 1 to ${MAX_IDS}: the same as \`which: { ids }\`.`,
      }),
      upTo: t.string({ description: 'All up to this cursor: the same as `which: { upTo }`.' }),
      all: t.boolean({ description: 'All there are, if true: the same as `which: { all: true }`.' }),
    }),
  },
  run: async ({ which, ids, upTo, all }, context) => {
    if (!which) return { notifications: await markNotificationsRead(context, { ids, upTo, all }) };
    if ([ids, upTo, all].some((each) => each !== null && each !== undefined)) {
      throw badInput({ path: 'input.which', code: 'EXCLUSIVE', message: 'Give nothing beside `which`.' });
    }
    const named = which.ids?.map((id, index) => decodeId('Notification', id, `input.which.ids.${index}`));
    return { notifications: await markNotificationsRead(context, { ids: named, upTo: which.upTo, all: which.all }) };
  },
  payload: {
    description: 'What has been read.',
    rereads: { notifications: findNotification },
    fields: (t) => ({
      notifications: t.field({
        type: [Notification],
        description: 'Those that were named; else those that were unread, the latest first and a hundred at most.',
        resolve: ({ notifications }) => notifications,
      }),
      unreadCount: t.int({
        description: 'How many notifications the viewer has not read now.',
        resolve: (_payload, _args, context) => countUnread(context.db, viewerOf(context).id),
      }),
      me: meField(t),
    }),
  },
});

const NotificationPreferenceInput = builder.inputType('NotificationPreferenceInput', {
  description: 'A choice for one kind.',
  fields: (t) => ({
    kind: t.field({ type: NotificationKind, required: true, description: 'The kind.' }),
    enabled: t.boolean({ required: true, description: 'Whether to hear of it.' }),
  }),
});

mutation('updateNotificationPreferences', {
  description: 'Switches kinds of notification on or off for the viewer. What is there already stays.',
  access: 'signedIn',
  input: {
    description: 'What to hear of from now on.',
    fields: (t) => ({
      preferences: t.field({
        type: [NotificationPreferenceInput],
        required: true,
        check: list(z.unknown(), MAX_PREFERENCES, `Must be at most ${MAX_PREFERENCES}.`),
        description: 'Each kind at most once; those that are not named stay as they are.',
      }),
    }),
  },
  run: async ({ preferences }, context) => {
    await updatePreferences(context, preferences);
    return {};
  },
  payload: {
    description: "The viewer's choices.",
    fields: (t) => ({
      preferences: t.field({
        type: [NotificationPreference],
        description: 'For each kind whether the viewer hears of it.',
        resolve: (_payload, _args, context) => preferencesOf(context.db, viewerOf(context).id),
      }),
      me: meField(t),
    }),
  },
});

mutation('announce', {
  description: 'Says something to everyone. For moderators.',
  access: 'MODERATOR',
  repeats: 'row',
  input: {
    description: 'What to say.',
    fields: (t) => ({
      text: t.string({ required: true, check: text(1, MAX_ANNOUNCEMENT), description: 'Its text; 1 to 1,000 characters.' }),
    }),
  },
  run: async (input, context) => ({ announcement: await announce(context, input) }),
  payload: {
    description: 'The new announcement.',
    fields: (t) => ({
      announcement: t.field({ type: Announcement, description: 'The announcement.', resolve: ({ announcement }) => announcement }),
    }),
  },
});

// ---------------------------------------------------------------- live

builder.subscriptionField('notificationAdded', (t) =>
  t.topic({
    type: Notification,
    topic: notificationLog,
    description:
      'What the viewer should hear of, after `after`; without it, from now. An unread notification that has changed comes again, at most once a second and at last as it stays: put it in the place of the one with its id.',
    args: { after: t.arg.string({ description: "A cursor of this log: `Me.notificationCursor`, an edge's or an event's." }) },
    authorize: ({ after }, context) => ({ key: viewerOf(context).id, after }),
    // As it is now, but in the place of its event: by its latest one's, whoever comes back would pass over those of others in between.
    resolve: async ({ seq, ref }, { db }) => ({
      ...(await db.prisma.notification.findUniqueOrThrow({ where: { id: ref.notificationId } })),
      seq,
    }),
  }),
);

builder.subscriptionField('announcementAdded', (t) =>
  t.topic({
    type: Announcement,
    topic: announcementLog,
    description: 'Each announcement, once and in order, after `after`; without it, from now. For everyone who is signed in.',
    args: { after: t.arg.string({ description: "A cursor of this log: `Query.announcementCursor`, an edge's or an event's." }) },
    authorize: ({ after }, context) => {
      viewerOf(context);
      return { key: EVERYONE, after };
    },
    resolve: ({ ref }, { db }) => db.prisma.announcement.findUniqueOrThrow({ where: { id: ref.announcementId } }),
  }),
);
