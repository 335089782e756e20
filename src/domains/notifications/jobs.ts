import { defineTask, scheduledTask, type Task } from '../../jobs/task.js';
import { pruneLog } from '../../realtime/log-retention.js';
import { notificationLog } from './topics.js';

/**
 * Tells a user what has come to a notification since they were told of it last. The lock makes those who are adding something come before,
 * and be told of, or after, and find that they have to ask anew.
 */
export const tellTask: Task<{ readonly notificationId: string }> = defineTask('notifications.tell', ({ db }, { notificationId }) =>
  db.transact(async (tx) => {
    const [unread] = await tx.$queryRaw<{ readonly userId: string; readonly toldAt: Date; readonly early: boolean }[]>`
      SELECT user_id AS "userId", told_at AS "toldAt", told_at > clock_timestamp() AS early
      FROM notification WHERE id = ${notificationId}::uuid AND open_key IS NOT NULL FOR NO KEY UPDATE`;
    if (unread === undefined) return;
    // It ran late, and meanwhile a later time was promised to what it could have told.
    if (unread.early) tx.enqueue(tellTask, { notificationId }, { key: notificationId, runAt: unread.toldAt });
    else tx.emit(notificationLog, unread.userId, 'NotificationAdded', { notificationId });
  }),
);

/** How long one may be away and still be told of all that came meanwhile, 90 days in milliseconds; the notifications themselves stay. */
const EVENTS_KEPT_MS = 90 * 24 * 60 * 60 * 1_000;

export const notificationTasks = [
  tellTask,
  scheduledTask('notifications.pruneEvents', '37 4 * * *', ({ db }) => pruneLog(db, notificationLog, EVENTS_KEPT_MS)),
];
