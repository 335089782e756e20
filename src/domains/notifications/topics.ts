import { Prisma } from '../../db/generated/prisma/client.js';
import type { Keyset } from '../../db/keyset.js';
import type { Head } from '../../realtime/cursor.js';
import { streamKeyset } from '../../realtime/stream-keyset.js';
import { logTopic } from '../../realtime/topic.js';

export interface NotificationEvents {
  /** It is new, or different from when its user was last told of it. */
  readonly NotificationAdded: { readonly notificationId: string };
}

/**
 * What a user hears of, keyed by the user's id. The projection writes when that was, by the database's clock, and cuts what is finer than the
 * column holds: rounded up it would lie in the future, where it means something else.
 */
export const notificationLog = logTopic<NotificationEvents>('notifications', {
  kinds: { NotificationAdded: 'goes on' },
  projections: [
    Prisma.sql`
      UPDATE notification SET seq = numbered.seq, told_at = date_trunc('milliseconds', clock_timestamp()) FROM numbered
      WHERE numbered.topic = 'notifications' AND notification.id = (numbered.ref->>'notificationId')::uuid`,
  ],
});

export interface AnnouncementEvents {
  readonly AnnouncementAdded: { readonly announcementId: string };
}

/** What is said to everyone, in one stream. */
export const announcementLog = logTopic<AnnouncementEvents>('announcements', {
  kinds: { AnnouncementAdded: 'goes on' },
  projections: [
    Prisma.sql`
      UPDATE announcement SET seq = numbered.seq, created_at = numbered.at FROM numbered
      WHERE numbered.topic = 'announcements' AND announcement.id = (numbered.ref->>'announcementId')::uuid`,
  ],
});

/** The key of the one stream of announcements. */
export const EVERYONE = 'all';

/** The rows of a stream, those of its latest events first. */
export const latestFirst = <Row extends { readonly seq: number }>(topic: string, key: string, head: Head | null): Keyset<Row> => {
  const keyset = streamKeyset<Row>(topic, key, head);
  return { ...keyset, columns: keyset.columns.map((column) => ({ ...column, direction: 'desc' })) };
};
