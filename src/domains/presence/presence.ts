import type { Context } from '../../context.js';
import { Prisma, type PresenceStatus } from '../../db/generated/prisma/client.js';
import { badInput, coded } from '../../errors.js';
import { viewerOf } from '../../access/viewer.js';
import { setStatus } from './transitions.js';
export { setVisibility, showingFollowedMore, type VisibilityChange } from './transitions.js';

/** An SQL condition: a user is ONLINE. */
export const isOnline = (userId: Prisma.Sql): Prisma.Sql =>
  Prisma.sql`EXISTS (SELECT 1 FROM presence WHERE presence.user_id = ${userId} AND presence.status = 'ONLINE')`;

const hides = (follows: Prisma.Sql): Prisma.Sql => Prisma.sql`
  (presence.appears_offline OR presence.visible_to = 'NOBODY' OR (presence.visible_to = 'FOLLOWED' AND NOT ${follows}))`;

/**
 * An SQL condition: a user is ONLINE or AWAY, and shows it to a viewer.
 * @param follows an SQL condition: the user follows the viewer, or is the viewer
 */
export const isSeenConnected = (userId: Prisma.Sql, follows: Prisma.Sql): Prisma.Sql =>
  Prisma.sql`EXISTS (SELECT 1 FROM presence WHERE presence.user_id = ${userId} AND presence.status <> 'OFFLINE' AND NOT ${hides(follows)})`;

/**
 * An SQL condition: a user does not show to all of some others whether they are here. Then nothing may be told to them that says so too, such as how far the
 * user has read.
 * @param follows an SQL condition: the user follows all of them
 */
export const hidesPresence = (userId: Prisma.Sql, follows: Prisma.Sql): Prisma.Sql =>
  Prisma.sql`EXISTS (SELECT 1 FROM presence WHERE presence.user_id = ${userId} AND ${hides(follows)})`;

/** An SQL condition: a user shows more to whom they follow than to others. */
export const showsFollowedMore = (userId: Prisma.Sql): Prisma.Sql =>
  Prisma.sql`EXISTS (SELECT 1 FROM presence WHERE presence.user_id = ${userId} AND 'FOLLOWED' IN (presence.visible_to, presence.last_seen_visible_to))`;

/**
 * Sets the viewer's status for all their devices; an unchanged status emits no event.
 * @throws BAD_USER_INPUT for OFFLINE, CONFLICT when the viewer is OFFLINE: the status applies to connected devices and is not stored for
 *   later
 */
export const setPresence = async (context: Context, status: PresenceStatus): Promise<void> => {
  const userId = viewerOf(context).id;
  if (status === 'OFFLINE')
    throw badInput({ path: 'input.status', code: 'NOT_ALLOWED', message: 'OFFLINE comes by itself when your last device has gone.' });
  if (!(await setStatus(context.db, userId, status))) throw coded('CONFLICT', 'You are OFFLINE: connect a device first.');
};
