import type { Context } from '../../context.js';
import { Prisma, type PresenceStatus } from '../../db/generated/prisma/client.js';
import { badInput, coded } from '../../errors.js';
import { viewerOf } from '../../access/viewer.js';
import { declare } from './transitions.js';

/** Whether a user is ONLINE, as a condition within a statement that finds them. */
export const isOnline = (userId: Prisma.Sql): Prisma.Sql =>
  Prisma.sql`EXISTS (SELECT 1 FROM presence WHERE presence.user_id = ${userId} AND presence.status = 'ONLINE')`;

/** The same for one who is here, at the keyboard or not. */
export const isHere = (userId: Prisma.Sql): Prisma.Sql =>
  Prisma.sql`EXISTS (SELECT 1 FROM presence WHERE presence.user_id = ${userId} AND presence.status <> 'OFFLINE')`;

/**
 * Takes the viewer's word for all their devices; saying the same twice is saying it once.
 * @throws BAD_USER_INPUT for OFFLINE, CONFLICT when the viewer is OFFLINE: the word holds for devices that are here, and is not kept
 */
export const setPresence = async (context: Context, status: PresenceStatus): Promise<void> => {
  const userId = viewerOf(context).id;
  if (status === 'OFFLINE')
    throw badInput({ path: 'input.status', code: 'NOT_ALLOWED', message: 'OFFLINE comes by itself when your last device has gone.' });
  if (!(await declare(context.db, userId, status))) throw coded('CONFLICT', 'You are OFFLINE: connect a device first.');
};
