import type { Context } from '../../context.js';
import type { User } from '../../db/generated/prisma/client.js';
import { verifyPassword } from '../../access/passwords.js';
import { notAllowed } from '../../access/viewer.js';
import { badInput } from '../../errors.js';

/**
 * Makes sure that whoever acts for a user knows their password. Wrong ones are counted, like those of a sign-in.
 * @param path of the password in the input
 * @throws BAD_USER_INPUT for a wrong one, FORBIDDEN for a guest, who has none, RATE_LIMITED
 */
export const assertPassword = async (
  { limits }: Pick<Context, 'limits'>,
  { id, passwordHash }: Pick<User, 'id' | 'passwordHash'>,
  password: string,
  path: string,
): Promise<void> => {
  if (passwordHash === null) throw notAllowed();
  await limits.guess({ passwordByUser: id }, async () => {
    if (await verifyPassword(passwordHash, password)) return;
    throw badInput({ path, code: 'NOT_ALLOWED', message: 'Is not the password of this account.' });
  });
};
