import type { Context } from '../../context.js';
import { forgetStreams } from '../../realtime/log-retention.js';
import { viewerOf } from '../../access/viewer.js';
import { forgetActor } from './notifications.js';
import { notificationLog } from './topics.js';
import { Prisma } from '../../db/generated/prisma/client.js';
import { TEXT_TYPE, TIME_TYPE, UUID_TYPE, writtenAt, type PersonalTable } from '../../db/personal-data.js';

const CREATED_AND_ID = [
  [Prisma.sql`created_at`, TIME_TYPE],
  [Prisma.sql`id`, UUID_TYPE],
] as const;

export const personalOfNotifications: readonly PersonalTable[] = [
  {
    table: 'notification',
    exported: {
      name: 'notifications',
      title: 'What you were notified of',
      columns: Prisma.sql`id, kind, subject_type AS "subjectType", subject_id AS "subjectId", data, created_at AS "createdAt", read_at AS "readAt"`,
      from: Prisma.sql`notification`,
      of: (userId) => Prisma.sql`user_id = ${userId}`,
      order: CREATED_AND_ID,
    },
    afterwards: 'Removed.',
  },
  {
    table: 'notification_actor',
    exported: {
      name: 'acts-others-were-told-of',
      title: 'Acts of yours that others were notified of',
      columns: Prisma.sql`notification.kind, notification.subject_type AS "subjectType", notification.subject_id AS "subjectId", notification_actor.at`,
      from: Prisma.sql`notification_actor JOIN notification ON notification.id = notification_actor.notification_id`,
      of: (userId) => Prisma.sql`notification_actor.user_id = ${userId}`,
      order: [[Prisma.sql`notification.id`, UUID_TYPE]],
    },
    afterwards: 'What was only about this person is removed; where they were one of several, they are no longer named.',
  },
  {
    table: 'notification_preference',
    exported: {
      name: 'notification-preferences',
      title: 'What you want to be notified of',
      columns: Prisma.sql`kind, enabled`,
      from: Prisma.sql`notification_preference`,
      of: (userId) => Prisma.sql`user_id = ${userId}`,
      order: [[Prisma.sql`kind::text`, TEXT_TYPE]],
    },
    afterwards: 'Removed.',
  },
  {
    table: 'announcement',
    exported: {
      name: 'announcements',
      title: 'Announcements that you have made',
      columns: Prisma.sql`id, text, created_at AS "createdAt"`,
      from: Prisma.sql`announcement`,
      of: (userId) => Prisma.sql`author_id = ${userId}`,
      order: CREATED_AND_ID,
      markdown: writtenAt(),
    },
    afterwards: 'Stays, as that of a deleted user: it was said for the server.',
  },
];

/** So many are removed by one statement. */
const AT_A_TIME = 500;

/** Removes what the viewer was notified of, and their name where others were notified of what they did. */
export const eraseNotifications = async (context: Context): Promise<void> => {
  const { prisma, transact } = context.db;
  const { id: userId } = viewerOf(context);
  while ((await transact((tx) => forgetActor(tx, userId, AT_A_TIME))) === AT_A_TIME);
  for (let found = AT_A_TIME; found === AT_A_TIME;) {
    const own = await prisma.notification.findMany({ where: { userId }, take: AT_A_TIME, select: { id: true } });
    await prisma.notification.deleteMany({ where: { id: { in: own.map(({ id }) => id) } } });
    found = own.length;
  }
  await prisma.notificationPreference.deleteMany({ where: { userId } });
  await transact((tx) => forgetStreams(tx, [notificationLog], [userId]));
};
