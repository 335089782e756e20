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
 * How long a client may be away and still resume the log of notifications, in milliseconds: 90 days. The notifications themselves are kept.
 */
const EVENTS_KEPT_MS = 90 * 24 * 60 * 60 * 1_000;

export const notificationTasks = [
  publishNotificationTask,
  scheduledTask('notifications.pruneEvents', '37 4 * * *', ({ db }) => pruneLog(db, notificationLog, EVENTS_KEPT_MS)),
];
