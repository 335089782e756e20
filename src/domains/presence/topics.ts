import type { PresenceStatus } from '../../db/generated/prisma/client.js';
import { stateTopic, type StateValue } from '../../realtime/topic.js';

export interface PresenceValue extends StateValue {
  readonly userId: string;
  readonly status: PresenceStatus;
  /** When the last device left; null while the user is here, and for one who has never been here. */
  readonly lastSeenAt: Date | null;
}

/** Whether a user is here, keyed by the user's id. Users who have never been here are OFFLINE in version 0. */
export const presenceTopic = stateTopic<PresenceValue>('presence', async (prisma, userIds) => {
  // Within the grace the moment of leaving is already in the row. It shows only with the status that it belongs to, so that nothing
  // a client can see ever changes without the version.
  const rows = await prisma.$queryRaw<PresenceValue[]>`
    SELECT u.id AS "userId", coalesce(p.status::text, 'OFFLINE') AS status,
      CASE WHEN p.status = 'OFFLINE' THEN p.last_seen_at END AS "lastSeenAt", coalesce(head.last_seq, 0) AS version
    FROM "user" u
    LEFT JOIN presence p ON p.user_id = u.id
    LEFT JOIN head ON head.topic = 'presence' AND head.key = u.id::text
    WHERE u.id = ANY(${userIds}::uuid[])`;
  return new Map(rows.map((row) => [row.userId, row]));
});
