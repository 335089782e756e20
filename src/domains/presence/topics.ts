import { Prisma, type PresenceStatus } from '../../db/generated/prisma/client.js';
import { HEAD_VERSION, joinHead } from '../../realtime/event-log.js';
import { stateTopic, type StateValue } from '../../realtime/topic.js';
import { usersAmong } from '../account/account.js';
import { hasBlocks } from '../blocks/blocks.js';

export interface PresenceValue extends StateValue {
  readonly userId: string;
  readonly status: PresenceStatus;
  /** When the last device disconnected; null while the user is connected, and for a user who never was. */
  readonly lastSeenAt: Date | null;
  /** Whether any block involves this user. Without one, everyone sees the same. */
  readonly hasBlocks: boolean;
}

const HIDDEN = 'hidden:';

/**
 * The key under which a viewer follows a user from whom a block separates them. It differs from the normal key, so that a block changes
 * what is followed; nothing is ever emitted under it.
 */
export const hiddenKey = (userId: string): string => HIDDEN + userId;

/** What a viewer sees of a user from whom a block separates them: somebody who was never online. */
export const hidden = (userId: string): PresenceValue => ({ userId, status: 'OFFLINE', lastSeenAt: null, version: 0, hasBlocks: true });

/** The presence of each user, keyed by the user's id or by {@link hiddenKey}. A user who was never online is OFFLINE in version 0. */
export const presenceTopic = stateTopic<PresenceValue>('presence', async (prisma, keys) => {
  const userIds = keys.filter((key) => !key.startsWith(HIDDEN));
  const values = new Map(keys.filter((key) => key.startsWith(HIDDEN)).map((key) => [key, hidden(key.slice(HIDDEN.length))]));
  if (userIds.length === 0) return values;
  // During the grace the row already has the time of disconnecting. It is shown only with the status OFFLINE, so that nothing visible
  // changes without the version.
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
