import type { Database } from '../../db/database.js';
import type { Role } from '../../db/generated/prisma/client.js';
import { changeRole } from '../account/account.js';
import { notify } from '../notifications/notifications.js';

/**
 * Gives a user another role, and lets them hear of it; it counts at once, also for what the user has open.
 * @throws NOT_FOUND for a username that nobody has
 */
export const setRole = async (db: Database, username: string, role: Role): Promise<void> => {
  await db.transact(async (tx) => {
    const id = await changeRole(tx, username, role);
    await notify(tx, { kind: 'SYSTEM', userId: id, actorId: null, subject: { type: 'User', id }, data: { role: role.toLowerCase() } });
  });
};
