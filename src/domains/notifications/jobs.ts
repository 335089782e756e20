import { Prisma } from '../../db/generated/prisma/client.js';
import type { Services } from '../../context.js';
import { defineTask, scheduledTask, type Task } from '../../jobs/task.js';
import { pruneLog } from '../../realtime/log-retention.js';
import { tellCounts } from '../inbox/inbox.js';
import { notificationLog } from './topics.js';

/**
 * Publishes the changes of a notification since it was last published. It takes the row's lock. Example: A likes a post while the job runs.
 * Either A's transaction commits first and the job publishes it too, or it waits for the job, and then finds that it must enqueue a new
 * one.
 */
export const publishNotificationTask: Task<{ readonly notificationId: string }> = defineTask(
  'notifications.tell',
  ({ db }, { notificationId }) =>
    db.transact(async (tx) => {
      const [unread] = await tx.$queryRaw<{ readonly userId: string; readonly toldAt: Date; readonly early: boolean }[]>`
      SELECT user_id AS "userId", told_at AS "toldAt", told_at > clock_timestamp() AS early
      FROM notification WHERE id = ${notificationId}::uuid AND open_key IS NOT NULL FOR NO KEY UPDATE`;
      if (unread === undefined) return;
      // The job ran late, and meanwhile a later time was set for further changes: a job for that time is needed.
      if (unread.early) tx.enqueue(publishNotificationTask, { notificationId }, { key: notificationId, runAt: unread.toldAt });
      else {
        tx.emit(notificationLog, unread.userId, 'NotificationAdded', { notificationId });
        tellCounts(tx, [unread.userId]);
      }
    }),
);

/**
 * How long a client may be away and still resume the log of notifications, in milliseconds: 90 days. No event is kept for longer than the notification that it
 * is about.
 */
const EVENTS_KEPT_MS = 90 * 24 * 60 * 60 * 1_000;

/** So many notifications are deleted by one transaction. */
const AT_A_TIME = 1_000;

/** The oldest notifications that are kept for no longer. */
const KINDS_OF_OLD = [
  ['readNotificationMs', Prisma.sql`read_at`],
  ['unreadNotificationMs', Prisma.sql`CASE WHEN read_at IS NULL THEN told_at END`],
] as const;

/**
 * Deletes notifications that were read, or were not read, long ago, and before that the events about them. Whoever loses an unread one is told their counts.
 */
const deleteOldNotifications = async ({ db, config: { retention } }: Pick<Services, 'db' | 'config'>): Promise<void> => {
  await pruneLog(db, notificationLog, Math.min(EVENTS_KEPT_MS, retention.readNotificationMs, retention.unreadNotificationMs));
  for (const [kept, since] of KINDS_OF_OLD) {
    // Nothing was read or told before it was there, which is what there is an index for.
    const before = Prisma.sql`now() - ${retention[kept]} * interval '1 millisecond'`;
    for (let swept = AT_A_TIME; swept === AT_A_TIME;) {
      swept = await db.transact(async (tx) => {
        const deleted = await tx.$queryRaw<{ readonly userId: string; readonly wasUnread: boolean }[]>`
          DELETE FROM notification WHERE id IN (
            SELECT id FROM notification WHERE created_at < ${before} AND ${since} < ${before} ORDER BY created_at
            LIMIT ${AT_A_TIME} FOR UPDATE SKIP LOCKED
          ) RETURNING user_id AS "userId", read_at IS NULL AS "wasUnread"`;
        const losing = new Set(deleted.filter(({ wasUnread }) => wasUnread).map(({ userId }) => userId));
        if (losing.size > 0) tellCounts(tx, [...losing]);
        return deleted.length;
      });
    }
  }
};

export const notificationTasks = [publishNotificationTask, scheduledTask('notifications.deleteOld', '37 4 * * *', deleteOldNotifications)];
