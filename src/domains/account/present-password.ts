import type { Context } from '../../context.js';
import type { User } from '../../db/generated/prisma/client.js';
import { verifyPassword } from '../../access/passwords.js';
import { notAllowed, principalOf } from '../../access/viewer.js';
import { badInput } from '../../errors.js';
import { forgive, guess, guesserInSession } from './guesses.js';

/**
 * Makes sure that whoever acts for a user knows their password. After wrong ones their session waits, like the
 * origin of a sign-in, and no other session does.
 * @param path of the password in the input
 * @throws BAD_USER_INPUT for a wrong one, FORBIDDEN for a guest, who has none, RATE_LIMITED
 */
export const assertPassword = async (
  context: Context,
  { id, passwordHash }: Pick<User, 'id' | 'passwordHash'>,
  password: string,
  path: string,
): Promise<void> => {
  if (passwordHash === null) throw notAllowed();
  const guesser = guesserInSession(context, { userId: id, sessionId: principalOf(context).via.sessionId });
  const { isRight } = await guess(context, guesser, () => verifyPassword(passwordHash, password));
  if (!isRight) throw badInput({ path, code: 'NOT_ALLOWED', message: 'Is not the password of this account.' });
  await forgive(context, guesser);
};
