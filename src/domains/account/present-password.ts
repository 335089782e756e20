import type { Context } from '../../context.js';
import type { User } from '../../db/generated/prisma/client.js';
import { verifyPassword } from '../../access/passwords.js';
import { notAllowed, sessionOf } from '../../access/viewer.js';
import { badInput, coded } from '../../errors.js';
import { forgive, guess, guesserInSession } from './guesses.js';

/** How long after its sign-in a session is as good as a password, where there is none, in milliseconds. */
const RECENT_MS = 15 * 60 * 1_000;

/**
 * Makes sure that whoever acts for a user knows their password. After wrong ones their session waits, like the
 * origin of a sign-in, and no other session does. Whoever signs in by an issuer alone must have done so a moment ago.
 * @param path of the password in the input
 * @throws BAD_USER_INPUT for a wrong one, or none; FORBIDDEN for a guest, and with the `reason` SIGN_IN_AGAIN; RATE_LIMITED
 */
export const assertPassword = async (
  context: Context,
  { id, role, passwordHash }: Pick<User, 'id' | 'role' | 'passwordHash'>,
  password: string | null | undefined,
  path: string,
): Promise<void> => {
  if (role === 'GUEST') throw notAllowed();
  const { sessionId } = sessionOf(context);
  if (passwordHash === null) {
    await assertRecent(context, sessionId);
    return;
  }
  if (typeof password !== 'string') throw badInput({ path, code: 'REQUIRED', message: 'Must be given.' });
  const guesser = guesserInSession(context, { userId: id, sessionId });
  const { isRight } = await guess(context, guesser, () => verifyPassword(passwordHash, password));
  if (!isRight) throw badInput({ path, code: 'NOT_ALLOWED', message: 'Is not the password of this account.' });
  await forgive(context, guesser);
};

const assertRecent = async ({ db, clock }: Context, sessionId: string): Promise<void> => {
  const session = await db.prisma.session.findUnique({ where: { id: sessionId }, select: { createdAt: true } });
  if (session !== null && session.createdAt.getTime() > clock.now() - RECENT_MS) return;
  throw coded('FORBIDDEN', 'Sign in again first: the account has no password by which you could show who you are.', {
    reason: 'SIGN_IN_AGAIN',
  });
};
