import type { Context } from '../../context.js';
import { Prisma, type PresenceStatus } from '../../db/generated/prisma/client.js';
import { badInput, coded } from '../../errors.js';
import { viewerOf } from '../../access/viewer.js';
import { setStatus } from './transitions.js';

/** An SQL condition: a user is ONLINE. */
export const isOnline = (userId: Prisma.Sql): Prisma.Sql =>
  Prisma.sql`EXISTS (SELECT 1 FROM presence WHERE presence.user_id = ${userId} AND presence.status = 'ONLINE')`;

/** An SQL condition: a user is ONLINE or AWAY. */
export const isConnected = (userId: Prisma.Sql): Prisma.Sql =>
  Prisma.sql`EXISTS (SELECT 1 FROM presence WHERE presence.user_id = ${userId} AND presence.status <> 'OFFLINE')`;

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
