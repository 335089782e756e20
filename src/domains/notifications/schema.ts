import { capped, countEach, MAX_COUNT, MAX_UNREAD } from '../../db/count.js';
import { BY_ID, OWN_COUNT, READ, SHORT_COUNT, STATEMENT } from '../../graphql/price.js';
import { z } from 'zod';
import { builder } from '../../graphql/builder.js';
import { connectionType, listPage, nodeQuery } from '../../graphql/connection.js';
import { Prisma, type Announcement as AnnouncementRow, type Notification as NotificationRow } from '../../db/generated/prisma/client.js';
import { badInput } from '../../errors.js';
import { decodeId, encodeId } from '../../graphql/ids.js';
import { headFirst, heads } from '../../graphql/heads.js';
import { batched } from '../../graphql/loaders.js';
import { mutation } from '../../graphql/mutation.js';
import { encodeCursor, headCursor } from '../../realtime/cursor.js';
import { list, text } from '../../graphql/text.js';
import { viewerOf } from '../../access/viewer.js';
import { PUBLIC_COLUMNS, type PublicUser } from '../account/account.js';
import { Me, meField, User } from '../account/schema.js';
import { announce } from './announcements.js';
import { preferencesOf, updatePreferences, type Preference } from './preferences.js';
import { countUnread, findNotification, markNotificationsRead } from './reading.js';
import { notificationsOf } from './rules.js';
import { isWithdrawn, textOf } from './templates.js';
import { announcementLog, EVERYONE, latestFirst, notificationLog } from './topics.js';

const MAX_ANNOUNCEMENT = 1_000;
const MAX_IDS = 100;
/** More than there are kinds, so that a duplicate is reported as such. */
const MAX_PREFERENCES = 20;
/** How many actors a notification shows. */
const MAX_ACTORS = 3;

const notificationHead = heads(notificationLog);
const announcementHead = heads(announcementLog);

interface Actors {
  readonly count: number;
  readonly latest: readonly PublicUser[];
}

/** The actors of a notification; one statement for all notifications of a response. */
const actorsOf = batched<Actors>(
  async ({ db }, ids) => {
    const counts = await countEach(db.prisma, ids, (id) => Prisma.sql`SELECT 1 FROM notification_actor WHERE notification_id = ${id}`);
    const rows = await db.prisma.notification.findMany({
      relationLoadStrategy: 'join',
      where: { id: { in: [...ids] } },
      select: {
        id: true,
        actors: {
          take: MAX_ACTORS,
          orderBy: [{ at: 'desc' }, { userId: 'desc' }],
          select: { user: { select: PUBLIC_COLUMNS } },
        },
      },
    });
    return new Map(rows.map(({ id, actors }) => [id, { count: capped(counts.get(id) ?? 0), latest: actors.map(({ user }) => user) }]));
  },
  { count: 0, latest: [] },
);

// ---------------------------------------------------------------- types

export const NotificationKind = builder.enumType('NotificationKind', {
  description: 'What a notification is about.',
  values: {
    LIKE: { description: 'Somebody likes a post or an entry of the user.' },
    COMMENT: { description: "Somebody has commented on the user's post, or replied to their comment." },
    FOLLOW: { description: 'Somebody has begun to follow the user.' },
    MENTION: { description: 'Somebody has mentioned the user in a message.' },
    MESSAGE: { description: 'Somebody has written in a direct conversation while the user was AWAY or OFFLINE.' },
    ASSIGNMENT: { description: 'A conversation has been assigned to the user.' },
    SYSTEM: { description: "Something about the user's account." },
  } as const,
});

export const Notification = builder.prismaObject('Notification', {
  description: 'A notification of a user. The same happening again while it is unread joins it. Visible to its user only.',
  fields: (t) => ({
    cursor: t.string({
      price: READ,
      description: "The position of this event, or in a list of the notification's latest event: give it as `after` to go on behind it.",
      resolve: async ({ userId, seq }, _args, context) => {
        const head = await notificationHead(context, userId);
        return encodeCursor(notificationLog.name, userId, { epoch: head?.epoch ?? null, seq });
      },
    }),
    kind: t.expose('kind', { type: NotificationKind, description: 'What it is about.' }),
    actors: t.field({
      type: [User],
      price: { items: MAX_ACTORS, once: STATEMENT },
      description: `The users who did it, the latest first; at most ${MAX_ACTORS}.`,
      resolve: async ({ id }, _args, context) => [...(await actorsOf(context, id)).latest],
    }),
    actorCount: t.int({
      price: SHORT_COUNT,
      description: `How many users did it; ${MAX_COUNT} stands for that many or more.`,
      resolve: async ({ id }, _args, context) => (await actorsOf(context, id)).count,
    }),
    text: t.string({
      price: READ,
      description: 'A sentence to show: "Ada and 4 others liked your post".',
      resolve: async ({ id, kind, subjectType, data }, _args, context) => {
        const { count, latest } = await actorsOf(context, id);
        return textOf({ kind, subjectType, data, actorCount: count, actors: latest.map(({ displayName }) => displayName) });
      },
    }),
    isWithdrawn: t.boolean({
      price: READ,
      description: 'Whether all of it was taken back before it was read: it is in no list and no count any more, and should not be shown.',
      resolve: async ({ id, kind }, _args, context) => isWithdrawn(kind, (await actorsOf(context, id)).count),
    }),
    subject: t.node({
      price: { own: BY_ID / 2, once: STATEMENT },
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
  description: 'Whether a user receives one kind of notification.',
  fields: (t) => ({
    kind: t.expose('kind', { type: NotificationKind, description: 'The kind of notification.' }),
    enabled: t.exposeBoolean('enabled', { description: 'Whether it is received; true until it is switched off.' }),
  }),
});

export const Announcement = builder.prismaObject('Announcement', {
  description: 'An announcement to everyone.',
  fields: (t) => ({
    cursor: t.string({
      price: READ,
      description: 'The position of its event: give it as `after` to go on behind it.',
      resolve: async ({ seq }, _args, context) => {
        const head = await announcementHead(context, EVERYONE);
        return encodeCursor(announcementLog.name, EVERYONE, { epoch: head?.epoch ?? null, seq });
      },
    }),
    text: t.exposeString('text', { description: 'Its text.' }),
    author: t.relation('author', { description: 'Who made it.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
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
    description:
      "The viewer's notifications, the latest first. A new one, and one that happened again while unread, comes before all others.",
    args: {
      ...t.arg.connectionArgs(),
      unreadOnly: t.arg.boolean({ description: 'Whether to leave out notifications that have been read.' }),
    },
    resolve: async (me, args, context, info) => {
      const where = notificationsOf(me.id, args.unreadOnly ?? false);
      return await listPage(context, info, args, {
        keyset: latestFirst<NotificationRow>(notificationLog.name, me.id, await headFirst(notificationHead, context, info, me.id)),
        list: { model: 'Notification', where },
      });
    },
  }),
  unreadNotificationCount: t.int({
    price: OWN_COUNT,
    description: `How many notifications the viewer has not read; ${MAX_UNREAD} stands for that many or more.`,
    resolve: (me, _args, { db }) => countUnread(db, me.id),
  }),
  notificationCursor: t.string({
    price: READ,
    description:
      "The position of the viewer's notifications: follow `notificationAdded(after:)` from here. Fields selected beside it are at least as new.",
    resolve: async (me, _args, context) => headCursor(notificationLog.name, me.id, await notificationHead(context, me.id)),
  }),
  notificationPreferences: t.field({
    type: [NotificationPreference],
    price: { items: 10, once: STATEMENT },
    description: 'For each kind of notification, whether the viewer receives it.',
    resolve: (me, _args, { db }) => preferencesOf(db, me.id),
  }),
}));

// ---------------------------------------------------------------- queries

builder.queryField('announcements', (t) =>
  t.field({
    type: AnnouncementConnection,
    nullable: true,
    authScopes: { signedIn: true },
    description: 'All announcements, the latest first.',
    args: t.arg.connectionArgs(),
    resolve: async (_root, args, context, info) =>
      listPage(context, info, args, {
        keyset: latestFirst<AnnouncementRow>(announcementLog.name, EVERYONE, await headFirst(announcementHead, context, info, EVERYONE)),
        list: { model: 'Announcement' },
      }),
  }),
);

builder.queryField('announcementCursor', (t) =>
  t.string({
    price: READ,
    description: 'The position of the announcements: follow `announcementAdded(after:)` from here.',
    resolve: async (_root, _args, context) => headCursor(announcementLog.name, EVERYONE, await announcementHead(context, EVERYONE)),
  }),
);

// ---------------------------------------------------------------- mutations

const notificationIds = list(z.string(), MAX_IDS, `Must be at most ${MAX_IDS}.`, 1);

const NotificationsToRead = builder.inputType('NotificationsToRead', {
  description: 'Which notifications to mark as read: exactly one of the three is given.',
  isOneOf: true,
  fields: (t) => ({
    ids: t.idList({ description: `The ids of 1 to ${MAX_IDS} notifications.` }),
    upTo: t.string({ description: "All up to this cursor: `Me.notificationCursor`, an edge's or an event's." }),
    all: t.boolean({ description: 'True for all of them.' }),
  }),
});

mutation('markNotificationsRead', {
  description: "Marks some of the viewer's notifications as read. When the same happens again, it makes a new notification.",
  access: 'signedIn',
  scope: 'WRITE_NOTIFICATIONS',
  limit: 'reading',
  input: {
    description: 'The notifications to mark as read: exactly one field beside `clientId` is given.',
    fields: (t) => ({
      which: t.field({
        type: NotificationsToRead,
        check: z.object({ ids: notificationIds.nullish() }).loose(),
        description: 'Some by their ids, all up to a cursor, or all.',
      }),
      ids: t.idList({
        idOf: 'Notification',
        check: notificationIds,
        description: `The ids of 1 to ${MAX_IDS} notifications: the same as \`which: { ids }\`.`,
      }),
      upTo: t.string({ description: 'The cursor of the last notification to mark: the same as `which: { upTo }`.' }),
      all: t.boolean({ description: "True for all the viewer's notifications: the same as `which: { all: true }`." }),
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
    description: 'The notifications that were marked as read, and how many are unread now.',
    reloaders: { notifications: findNotification },
    fields: (t) => ({
      notifications: t.field({
        type: [Notification],
        price: { items: 100 },
        description: 'The notifications given by id; otherwise those that were unread, the latest first, at most a hundred.',
        resolve: ({ notifications }) => notifications,
      }),
      unreadCount: t.int({
        price: SHORT_COUNT,
        description: `How many notifications the viewer has not read now; ${MAX_UNREAD} stands for that many or more.`,
        resolve: (_payload, _args, context) => countUnread(context.db, viewerOf(context).id),
      }),
      me: meField(t),
    }),
  },
});

const NotificationPreferenceInput = builder.inputType('NotificationPreferenceInput', {
  description: 'Whether to receive one kind of notification.',
  fields: (t) => ({
    kind: t.field({ type: NotificationKind, required: true, description: 'The kind of notification.' }),
    enabled: t.boolean({ required: true, description: 'Whether to receive it.' }),
  }),
});

mutation('updateNotificationPreferences', {
  description: 'Switches kinds of notification on or off for the viewer. Notifications that exist already stay.',
  access: 'signedIn',
  scope: 'WRITE_NOTIFICATIONS',
  input: {
    description: 'The kinds of notification to switch on or off.',
    fields: (t) => ({
      preferences: t.field({
        type: [NotificationPreferenceInput],
        required: true,
        check: list(z.unknown(), MAX_PREFERENCES, `Must be at most ${MAX_PREFERENCES}.`),
        description: 'Each kind at most once; kinds that are not given stay as they are.',
      }),
    }),
  },
  run: async ({ preferences }, context) => {
    await updatePreferences(context, preferences);
    return {};
  },
  payload: {
    description: "The viewer's preferences, as they are now.",
    fields: (t) => ({
      preferences: t.field({
        type: [NotificationPreference],
        price: { items: 10 },
        description: 'For each kind of notification, whether the viewer receives it.',
        resolve: (_payload, _args, context) => preferencesOf(context.db, viewerOf(context).id),
      }),
      me: meField(t),
    }),
  },
});

mutation('announce', {
  description: 'Publishes an announcement to everyone. For moderators.',
  access: 'MODERATOR',
  scope: 'WRITE_NOTIFICATIONS',
  repeats: 'row',
  input: {
    description: 'The announcement to publish to everyone.',
    fields: (t) => ({
      text: t.string({ required: true, check: text(1, MAX_ANNOUNCEMENT), description: 'Its text; 1 to 1,000 characters.' }),
    }),
  },
  run: async (input, context) => ({ announcement: await announce(context, input) }),
  audit: 'inside',
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
      'Each notification of the viewer, after `after`; without it, from now. An unread notification that changes comes again, at most once a second, and finally in its last state: it replaces the one with the same `id`.',
    args: { after: t.arg.string({ description: "A cursor of this log: `Me.notificationCursor`, an edge's or an event's." }) },
    signedIn: true,
    authorize: ({ after }, context) => ({ key: viewerOf(context).id, after }),
    // The notification in its present state, but with the cursor of this event. With the cursor of its latest event, a resuming client
    // would skip events of other notifications in between.
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
    signedIn: true,
    authorize: ({ after }) => ({ key: EVERYONE, after }),
    resolve: ({ ref }, { db }) => db.prisma.announcement.findUniqueOrThrow({ where: { id: ref.announcementId } }),
  }),
);
