import { Prisma, type PresenceStatus } from '../../db/generated/prisma/client.js';
import { HEAD_VERSION, joinHead } from '../../realtime/event-log.js';
import { stateTopic, type StateValue } from '../../realtime/topic.js';
import { usersAmong } from '../account/account.js';
import { hasBlocks } from '../blocks/blocks.js';
import { isForFollowed, viewOf, type View, type Visibility } from './visibility.js';

/** What those see of a user who follow their presence by one of its keys. */
export interface PresenceValue extends StateValue, View {
  readonly userId: string;
  readonly key: string;
  /** Whether any block involves this user. */
  readonly hasBlocks: boolean;
  /** Whether this user shows more to whom they follow than to others. Without it, and without a block, everyone sees the same. */
  readonly isForFollowed: boolean;
}

const HIDDEN = 'hidden:';
const FOLLOWED = 'followed:';

/**
 * The key under which a viewer follows a user from whom a block separates them. It differs from the normal key, so that a block changes
 * what is followed; nothing is ever emitted under it.
 */
export const hiddenKey = (userId: string): string => HIDDEN + userId;

/**
 * The key for those whom a user follows, and for themselves, while they show them more than others. It has a head of its own, so that what only they are
 * shown happens for nobody else, not even as a version.
 */
export const followedKey = (userId: string): string => FOLLOWED + userId;

/** The keys under which a change of status is told: those of who is shown the status. */
export const keysSeeing = (userId: string, { visibleTo, appearsOffline, ...rest }: Visibility): readonly string[] => {
  if (appearsOffline || visibleTo === 'NOBODY') return [];
  return [
    ...(visibleTo === 'EVERYONE' ? [userId] : []),
    ...(isForFollowed({ visibleTo, appearsOffline, ...rest }) ? [followedKey(userId)] : []),
  ];
};

/** What a viewer sees of a user from whom a block separates them: somebody who was never online. */
const hidden = (key: string): PresenceValue => {
  const userId = key.slice(HIDDEN.length);
  return { userId, key, status: 'OFFLINE', lastSeenAt: null, version: 0, hasBlocks: true, isForFollowed: false };
};

interface Row extends Visibility {
  readonly userId: string;
  readonly key: string;
  readonly status: PresenceStatus;
  readonly lastSeenAt: Date | null;
  readonly version: number;
  readonly hasBlocks: boolean;
}

/**
 * The presence of each user, keyed by the user's id, by {@link followedKey} or by {@link hiddenKey}. A user who was never online is OFFLINE in version 0.
 */
export const presenceTopic = stateTopic<PresenceValue>('presence', async (prisma, keys) => {
  const shown = keys.filter((key) => !key.startsWith(HIDDEN));
  const values = new Map(keys.filter((key) => key.startsWith(HIDDEN)).map((key) => [key, hidden(key)]));
  if (shown.length === 0) return values;
  const userIds = shown.map((key) => (key.startsWith(FOLLOWED) ? key.slice(FOLLOWED.length) : key));
  const rows = await prisma.$queryRaw<Row[]>`
    SELECT u.id AS "userId", given.key, coalesce(p.status::text, 'OFFLINE') AS status, p.last_seen_at AS "lastSeenAt",
      coalesce(p.visible_to::text, 'EVERYONE') AS "visibleTo", coalesce(p.last_seen_visible_to::text, 'EVERYONE') AS "lastSeenVisibleTo",
      coalesce(p.appears_offline, false) AS "appearsOffline", ${HEAD_VERSION} AS version, ${hasBlocks(Prisma.sql`u.id`)} AS "hasBlocks"
    FROM unnest(${shown}::text[], ${userIds}::uuid[]) given(key, user_id)
    JOIN ${usersAmong(userIds)} u ON u.id = given.user_id
    LEFT JOIN presence p ON p.user_id = u.id
    ${joinHead('presence', Prisma.sql`given.key`)}`;
  for (const { userId, key, version, hasBlocks: blocks, ...row } of rows) {
    const view = viewOf(row, key !== userId);
    values.set(key, { userId, key, ...view, version, hasBlocks: blocks, isForFollowed: isForFollowed(row) });
  }
  return values;
});
