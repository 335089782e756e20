import type { Database } from '../../db/database.js';
import type { Role } from '../../db/generated/prisma/client.js';
import { changeRole } from '../account/account.js';
import { notify } from '../notifications/notifications.js';

/**
 * Changes a user's role and emits it to their rights, so that it applies at once, also to open subscriptions.
 * @throws NOT_FOUND when no user has this username
 */
export const setRole = async (db: Database, username: string, role: Role): Promise<void> => {
  await db.transact(async (tx) => {
    const id = await changeRole(tx, username, role);
    await notify(tx, { kind: 'SYSTEM', userId: id, actorId: null, subject: { type: 'User', id }, data: { role: role.toLowerCase() } });
  });
};
