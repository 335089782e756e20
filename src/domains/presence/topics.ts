import { Prisma, type PresenceStatus } from '../../db/generated/prisma/client.js';
import { HEAD_VERSION, joinHead } from '../../realtime/event-log.js';
import { stateTopic, type StateValue } from '../../realtime/topic.js';
import { usersAmong } from '../account/account.js';
import { hasBlocks } from '../blocks/blocks.js';

export interface PresenceValue extends StateValue {
  readonly userId: string;
  readonly status: PresenceStatus;
  /** When the last device left; null while the user is here, and for one who has never been here. */
  readonly lastSeenAt: Date | null;
  /** Whether anybody at all has blocked them or is blocked by them: if not, everyone sees the same of them. */
  readonly hasBlocks: boolean;
}

const HIDDEN = 'hidden:';

/**
 * The key under which a user is followed by somebody they are kept apart from. It is another one, so that a block that comes or goes
 * changes what is followed; nothing ever happens under it.
 */
export const hiddenKey = (userId: string): string => HIDDEN + userId;

/** What those see of a user who are kept apart from them: somebody who has never been here. */
export const hidden = (userId: string): PresenceValue => ({ userId, status: 'OFFLINE', lastSeenAt: null, version: 0, hasBlocks: true });

/** Whether a user is here, keyed by the user's id or by {@link hiddenKey}. Users who have never been here are OFFLINE in version 0. */
export const presenceTopic = stateTopic<PresenceValue>('presence', async (prisma, keys) => {
  const userIds = keys.filter((key) => !key.startsWith(HIDDEN));
  const values = new Map(keys.filter((key) => key.startsWith(HIDDEN)).map((key) => [key, hidden(key.slice(HIDDEN.length))]));
  if (userIds.length === 0) return values;
  // Within the grace the moment of leaving is already in the row. It shows only with the status that it belongs to, so that nothing
  // a client can see ever changes without the version.
  const rows = await prisma.$queryRaw<PresenceValue[]>`
    SELECT u.id AS "userId", coalesce(p.status::text, 'OFFLINE') AS status,
      CASE WHEN p.status = 'OFFLINE' THEN p.last_seen_at END AS "lastSeenAt", ${HEAD_VERSION} AS version,
      ${hasBlocks(Prisma.sql`u.id`)} AS "hasBlocks"
    FROM ${usersAmong(userIds)} u
    LEFT JOIN presence p ON p.user_id = u.id
    ${joinHead('presence', Prisma.sql`u.id::text`)}`;
  for (const row of rows) values.set(row.userId, row);
  return values;
});
