import { Prisma } from '../../db/generated/prisma/client.js';
import type { Keyset } from '../../db/keyset.js';
import type { Head } from '../../realtime/cursor.js';
import { streamKeyset } from '../../realtime/stream-keyset.js';
import { logTopic } from '../../realtime/topic.js';

export interface NotificationEvents {
  /** The notification is new or has changed since it was last published. */
  readonly NotificationAdded: { readonly notificationId: string };
}

/**
 * The notifications of each user, keyed by user id. The projection writes the time of publishing by the database's clock. It is truncated
 * to the precision of the column: rounded up it would lie in the future, which means that a job is enqueued.
 */
export const notificationLog = logTopic<NotificationEvents>('notifications', {
  kinds: { NotificationAdded: 'goes on' },
  projections: [
    {
      of: ['NotificationAdded'],
      sql: Prisma.sql`
        UPDATE notification SET seq = numbered.seq, told_at = date_trunc('milliseconds', clock_timestamp()) FROM numbered
        WHERE numbered.topic = 'notifications' AND notification.id = (numbered.ref->>'notificationId')::uuid`,
    },
  ],
});

export interface AnnouncementEvents {
  readonly AnnouncementAdded: { readonly announcementId: string };
}

/** All announcements, in one stream. */
export const announcementLog = logTopic<AnnouncementEvents>('announcements', {
  kinds: { AnnouncementAdded: 'goes on' },
  projections: [
    {
      of: ['AnnouncementAdded'],
      sql: Prisma.sql`
        UPDATE announcement SET seq = numbered.seq, created_at = numbered.at FROM numbered
        WHERE numbered.topic = 'announcements' AND announcement.id = (numbered.ref->>'announcementId')::uuid`,
    },
  ],
});

/** The key of that stream. */
export const EVERYONE = 'all';

/** The rows of a stream, ordered by event, the latest first. */
export const latestFirst = <Row extends { readonly seq: number }>(
  topic: string,
  key: string,
  head: Head | null | undefined,
): Keyset<Row> => {
  const keyset = streamKeyset<Row>(topic, key, head);
  return { ...keyset, columns: keyset.columns.map((column) => ({ ...column, direction: 'desc' })) };
};
