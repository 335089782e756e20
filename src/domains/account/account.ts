import type { Services } from '../../context.js';
import type { Role, User } from '../../db/generated/prisma/client.js';
import type { Tx } from '../../db/transact.js';
import { notFound } from '../../errors.js';
import { usernameKey } from './rules.js';
import { rightsLog } from './topics.js';

/** @throws NOT_FOUND */
export const findUser = async ({ db }: Pick<Services, 'db'>, id: string): Promise<User> => {
  const user = await db.prisma.user.findUnique({ where: { id } });
  if (user === null) throw notFound('User');
  return user;
};

/**
 * Gives a user another role, as part of a transaction.
 * @returns the user's id
 * @throws NOT_FOUND for a username that nobody has
 */
export const changeRole = async (tx: Tx, username: string, role: Role): Promise<string> => {
  const [user] = await tx.user.updateManyAndReturn({
    where: { usernameKey: usernameKey(username) },
    data: { role },
    select: { id: true },
  });
  if (user === undefined) throw notFound(`User "${username}"`);
  tx.emit(rightsLog, user.id, 'RoleChanged', null);
  return user.id;
};
