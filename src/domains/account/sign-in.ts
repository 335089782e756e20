import type { GraphQLError } from 'graphql';
import { hashPassword, isOutdated, verifyPassword } from '../../access/passwords.js';
import type { Context } from '../../context.js';
import type { Database } from '../../db/database.js';
import type { User } from '../../db/generated/prisma/client.js';
import { DEMO_PASSWORD } from '../../demo/users.js';
import { codeOf, coded } from '../../errors.js';
import { sendMail } from '../../jobs/mail.js';
import { alertAdministrators } from '../audit/topics.js';
import { knownDevice } from './device-tokens.js';
import { emailKey } from './email-address.js';
import { forgive, guess, guesserOf, isTimeToTell, type Attempt, type Guesser } from './guesses.js';
import { noSuchLink, spendLink } from './links.js';
import { attemptsMail, signInMail } from './mails.js';
import { isUsername, usernameKey } from './rules.js';
import { startSession, type Credentials } from './sessions.js';
import { locked, suspensionAt } from './standing.js';

export interface SignedIn {
  readonly user: User;
  readonly credentials: Credentials;
}

interface SignIn {
  readonly identifier: string;
  readonly password: string;
  readonly deviceToken?: string | null | undefined;
}

/**
 * Signs in by username or mail address, ignoring case, and password. Whoever is suspect gets the same answer for the right password as for a wrong one
 * where mails are sent, and a link if it was right.
 * @throws UNAUTHENTICATED, with the same message and after the same time whatever was wrong; RATE_LIMITED with `retryAfterMs` for who has to wait;
 *   LOCKED for the right password of a suspended account
 */
export const signIn = async (context: Context, { identifier: given, password, deviceToken }: SignIn): Promise<SignedIn> => {
  const identifier = given.trim();
  const user = await findByIdentifier(context.db, identifier);
  const passwordHash = user?.passwordHash ?? null;
  // Looked at for nobody, too, so that it takes as long.
  const deviceId = knownDevice(context, user?.id ?? '', deviceToken);
  const guesser = guesserOf(context, { userId: user?.id ?? null, identifier, deviceId });
  const { isRight, ...attempt } = await attempted(context, user, () =>
    guess(context, guesser, async () => (await verifyPassword(passwordHash, password)) && !isShut(context, password)),
  );
  if (attempt.isSuspect) await answerSuspect(context, guesser, attempt, isRight ? user : null);
  if (user === null || passwordHash === null || !isRight) throw refused(context, user, 'wrong');
  await forgive(context, guesser);
  assertInUse(context, user);
  if (isOutdated(passwordHash)) {
    const renewed = await hashPassword(password);
    // The condition on the old hash keeps a password that was changed meanwhile.
    await context.db.prisma.user.updateMany({ where: { id: user.id, passwordHash }, data: { passwordHash: renewed } });
  }
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
 * Tells the owner of a hunted account of it, and answers a suspect by mail where that can be. What is done here, and how long it takes, is the same for
 * a right password, a wrong one and a name that nobody has: jobs are made for each, and do nothing for the others.
 * @param right whose password was right; null when it was wrong
 * @throws UNAUTHENTICATED, with the reason CONFIRM_BY_MAIL
 */
const answerSuspect = async (context: Context, guesser: Guesser, { isHunted }: Attempt, right: User | null): Promise<void> => {
  const { db, config, limits } = context;
  // Whoever has no address that was confirmed gets in as if there were no mails.
  const isByMail = config.mail.smtpUrl !== null && (right === null || right.emailVerifiedAt !== null);
  if (!isHunted && !isByMail) return;
  const isMailed =
    isByMail && (await limits.isAllowed('mailToAddress', right?.emailKey ?? `nobody ${Buffer.from(guesser.subject).toString('hex')}`));
  await db.transact(async (tx) => {
    if (isHunted && (await isTimeToTell(context, tx, guesser))) {
      const { userId } = guesser;
      sendMail(tx, context, attemptsMail, { userId });
      alertAdministrators(tx, 'ACCOUNT_ATTACKED', { subject: userId === null ? null : { type: 'User', id: userId } });
    }
    if (isByMail) sendMail(tx, context, signInMail, { userId: isMailed && right !== null ? right.id : null });
  });
  if (isByMail) throw refused(context, right ?? (guesser.userId === null ? null : { id: guesser.userId }), 'suspect');
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

/** @throws LOCKED */
export const assertInUse = (context: Context, user: User): void => {
  const suspension = suspensionAt(user, context.clock.now());
  if (suspension === null) return;
  tell(context, user, 'suspended');
  throw locked(suspension);
};

/** Why somebody does not get in, in words of the log. */
const REASONS = {
  wrong: 'a sign-in failed: the name or the password is wrong',
  suspect: 'a sign-in from an address that is not known was answered by mail, while it is guessed at passwords',
  delayed: 'a sign-in was refused: its origin has to wait after wrong passwords',
  suspended: 'a sign-in was refused: the account is suspended',
} as const;

/** One line for each, with nothing in it that was typed. */
const tell = ({ log, client }: Context, user: Pick<User, 'id'> | null, reason: keyof typeof REASONS, more: object = {}): void => {
  const { ip, requestId } = client;
  log[reason === 'wrong' ? 'info' : 'warn']({ userId: user?.id ?? null, ip, requestId, ...more }, REASONS[reason]);
};

const refused = (context: Context, user: Pick<User, 'id'> | null, reason: 'wrong' | 'suspect'): GraphQLError => {
  tell(context, user, reason);
  if (reason === 'wrong') return coded('UNAUTHENTICATED', 'The name or the password is wrong.');
  const words = 'Somebody is guessing at passwords. If this one was right, a link to sign in with is on its way by mail.';
  return coded('UNAUTHENTICATED', words, { reason: 'CONFIRM_BY_MAIL' });
};

/** Notes in the log that somebody has to wait. */
const attempted = async <Result>(context: Context, user: User | null, work: () => Promise<Result>): Promise<Result> => {
  try {
    return await work();
  } catch (error) {
    if (codeOf(error) === 'RATE_LIMITED') {
      const { retryAfterMs } = (error as GraphQLError).extensions;
      tell(context, user, 'delayed', { retryAfterMs });
    }
    throw error;
  }
};
