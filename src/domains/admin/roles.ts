import type { Context } from '../../context.js';
import type { Database } from '../../db/database.js';
import type { Role } from '../../db/generated/prisma/client.js';
import type { Tx } from '../../db/transact.js';
import { badInput, coded } from '../../errors.js';
import { asAdministrator, changeRole } from '../account/account.js';
import { usernameKey } from '../account/rules.js';
import { notify } from '../notifications/notifications.js';

const toldOf = async (tx: Tx, id: string, role: Role): Promise<void> => {
  await notify(tx, { kind: 'SYSTEM', userId: id, actorId: null, subject: { type: 'User', id }, data: { role: role.toLowerCase() } });
};

/**
 * Changes a user's role and tells them, as the operator of the server may.
 * @throws NOT_FOUND when no user has this username
 */
export const setRole = async (db: Database, username: string, role: Role): Promise<void> => {
  await db.transact(async (tx) => {
    const { id, before } = await changeRole(tx, { usernameKey: usernameKey(username) }, role);
    await toldOf(tx, id, role);
    tx.audit('setUserRole', { type: 'User', id }, { before, role });
  });
};

/** The roles that an administrator gives: a guest becomes a member by getting a password, and AGENT means nothing more than MEMBER. */
export const GIVEN_ROLES = ['MEMBER', 'MODERATOR', 'ADMIN'] as const satisfies readonly Role[];

/**
 * Changes a user's role as an administrator, and tells them.
 * @returns the role before
 * @throws NOT_FOUND; BAD_USER_INPUT for a guest, who has no password to keep such rights by, and for a role that is not given; CONFLICT when nobody would be left who
 *   administers
 */
export const setUserRole = async (context: Context, userId: string, role: Role): Promise<Role> => {
  if (!(GIVEN_ROLES as readonly Role[]).includes(role))
    throw badInput({ path: 'input.role', code: 'NOT_ALLOWED', message: `Must be one of ${GIVEN_ROLES.join(', ')}.` });
  return await context.db.transact(async (tx) => {
    const administrators = await asAdministrator(tx, context);
    if (role !== 'ADMIN' && administrators.every((id) => id === userId))
      throw coded('CONFLICT', 'Nobody would be left who administers. Make somebody else an administrator first.');
    const { before } = await changeRole(tx, { id: userId }, role);
    if (before === 'GUEST')
      throw badInput({ path: 'input.userId', code: 'NOT_ALLOWED', message: 'A guest has no account to give a role to.' });
    if (before !== role) await toldOf(tx, userId, role);
    return before;
  });
};
