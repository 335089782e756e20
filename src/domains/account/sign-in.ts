import { hashPassword, isOutdated, verifyPassword } from '../../access/passwords.js';
import type { Context } from '../../context.js';
import type { Database } from '../../db/database.js';
import type { User } from '../../db/generated/prisma/client.js';
import { DEMO_PASSWORD } from '../../demo/users.js';
import { knownDevice } from './device-tokens.js';
import { emailKey } from './email-address.js';
import { factorsOf, isOn } from './factors.js';
import { forgive, guess, guesserOf } from './guesses.js';
import { noSuchLink, spendLink } from './links.js';
import { isUsername, usernameKey } from './rules.js';
import { askForFactor, stepToken } from './second-step.js';
import { startSession, type SignedIn } from './sessions.js';
import { answerSuspect, assertInUse, attempted, refused } from './sign-in-answers.js';

interface SignIn {
  readonly identifier: string;
  readonly password: string;
  readonly deviceToken?: string | null | undefined;
}

/**
 * Signs in by username or mail address, ignoring case, and password. Whoever is suspect gets the same answer for the right password as for a wrong one
 * where mails are sent, and a link if it was right. Whoever has a second factor is asked for it.
 * @throws UNAUTHENTICATED, with the same message and after the same time whatever was wrong, and with the reason SECOND_FACTOR where nothing was;
 *   RATE_LIMITED with `retryAfterMs` for who has to wait; LOCKED for the right password of a suspended account
 */
export const signIn = async (context: Context, { identifier: given, password, deviceToken }: SignIn): Promise<SignedIn> => {
  const identifier = given.trim();
  const user = await findByIdentifier(context.db, identifier);
  const passwordHash = user?.passwordHash ?? null;
  const factors = await factorsOf(context.db.prisma, user?.id ?? null);
  // Looked at for nobody, too, so that it takes as long.
  const deviceId = knownDevice(context, user?.id ?? '', deviceToken);
  const guesser = guesserOf(context, { userId: user?.id ?? null, identifier, deviceId });
  const { isRight, ...attempt } = await attempted(context, user, () =>
    guess(context, guesser, async () => (await verifyPassword(passwordHash, password)) && !isShut(context, password)),
  );
  if (attempt.isSuspect) {
    // Whether a code would do is not told, for that would tell whether the password is right.
    const token = await stepToken(context, { user, isRight, guesser, isSuspect: true });
    await answerSuspect(context, guesser, attempt, isRight ? user : null, { takesLink: !isOn(factors), isProven: false, ...token });
  }
  if (user === null || passwordHash === null || !isRight) throw refused(context, user, 'wrong');
  await forgive(context, guesser);
  assertInUse(context, user);
  if (isOutdated(passwordHash)) {
    const renewed = await hashPassword(password);
    // The condition on the old hash keeps a password that was changed meanwhile.
    await context.db.prisma.user.updateMany({ where: { id: user.id, passwordHash }, data: { passwordHash: renewed } });
  }
  if (isOn(factors)) throw await askForFactor(context, { user, guesser, factors });
  return { user, credentials: await startSession(context, user.id, 'login', deviceToken) };
};

/** In production, the password that everybody knows from the demo data is good for nobody, unless the operator wants it. */
const isShut = ({ config: { env, demoData } }: Context, password: string): boolean =>
  env === 'production' && !demoData && password === DEMO_PASSWORD;

const findByIdentifier = async (db: Database, identifier: string): Promise<User | null> => {
  if (isUsername(identifier)) return await db.prisma.user.findUnique({ where: { usernameKey: usernameKey(identifier) } });
  const key = emailKey(identifier);
  return key === null ? null : await db.prisma.user.findUnique({ where: { emailKey: key } });
};

/**
 * Signs in by the link that was mailed to whoever gave the right password while their account was guessed at.
 * @throws BAD_USER_INPUT for a link that is not good; LOCKED while the account is suspended, which leaves the link good
 */
export const confirmSignIn = async (
  context: Context,
  { token, deviceToken }: { readonly token: string; readonly deviceToken?: string | null | undefined },
): Promise<SignedIn> => {
  const user = await context.db.transact(async (tx) => {
    const { userId, emailKey: sentTo } = await spendLink(tx, new Date(context.clock.now()), 'SIGN_IN', token);
    const owner = await tx.user.findUniqueOrThrow({ where: { id: userId } });
    if (owner.emailKey !== sentTo) throw noSuchLink();
    assertInUse(context, owner);
    return owner;
  });
  const deviceId = knownDevice(context, user.id, deviceToken);
  await forgive(context, guesserOf(context, { userId: user.id, identifier: user.username, deviceId }));
  return { user, credentials: await startSession(context, user.id, 'confirmSignIn', deviceToken) };
};
