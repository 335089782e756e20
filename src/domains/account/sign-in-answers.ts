import type { GraphQLError } from 'graphql';
import type { Context } from '../../context.js';
import type { User } from '../../db/generated/prisma/client.js';
import type { Tx } from '../../db/transact.js';
import { codeOf, coded } from '../../errors.js';
import { sendMail } from '../../jobs/mail.js';
import { alertAdministrators } from '../audit/topics.js';
import { isTimeToTell, type Attempt, type Guesser } from './guesses.js';
import { attemptsMail, codeAttemptsMail, signInMail } from './mails.js';
import { locked, suspensionAt } from './standing.js';

/*
 * What whoever signs in is answered when they do not get in, with a line for each in the log.
 */

/** Why somebody does not get in, in words of the log. */
const REASONS = {
  wrong: 'a sign-in failed: the name or the password is wrong',
  wrongCode: 'a sign-in failed: the code is wrong',
  suspect: 'a sign-in from an address that is not known was answered by mail, while it is guessed at passwords',
  delayed: 'a sign-in was refused: its origin has to wait after wrong passwords',
  suspended: 'a sign-in was refused: the account is suspended',
  wrongPasskey: 'a sign-in failed: the passkey is not known, or has signed something else',
} as const;

/** One line for each, with nothing in it that was typed. */
const tell = ({ log, client }: Context, user: Pick<User, 'id'> | null, reason: keyof typeof REASONS, more: object = {}): void => {
  const { ip, requestId } = client;
  log[reason.startsWith('wrong') ? 'info' : 'warn']({ userId: user?.id ?? null, ip, requestId, ...more }, REASONS[reason]);
};

/** @throws LOCKED */
export const assertInUse = (context: Context, user: User): void => {
  const suspension = suspensionAt(user, context.clock.now());
  if (suspension === null) return;
  tell(context, user, 'suspended');
  throw locked(suspension);
};

const ANSWERS = {
  wrong: { words: 'The name or the password is wrong.' },
  wrongCode: { words: 'The code is wrong, or was used already.', reason: 'WRONG_CODE' },
  wrongPasskey: { words: 'This passkey is not known here.', reason: 'WRONG_PASSKEY' },
  suspect: {
    words: 'Somebody is guessing at passwords. If this one was right, a link to sign in with is on its way by mail, or a code is enough.',
    reason: 'CONFIRM_BY_MAIL',
  },
} as const;

export const refused = (
  context: Context,
  user: Pick<User, 'id'> | null,
  why: keyof typeof ANSWERS,
  extensions: object = {},
): GraphQLError => {
  tell(context, user, why);
  const { words, ...reason } = ANSWERS[why];
  return coded('UNAUTHENTICATED', words, { ...extensions, ...reason });
};

/** Notes in the log that somebody has to wait. */
export const attempted = async <Result>(context: Context, user: Pick<User, 'id'> | null, work: () => Promise<Result>): Promise<Result> => {
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

interface SuspectAnswer {
  /** Whether a link is all that it takes if what was given was right. */
  readonly takesLink: boolean;
  /** Whether what was given is a second factor. */
  readonly isProven: boolean;
  /** What the answer says beside its reason. */
  readonly extensions: object;
  /** Uses what was given, where a link is sent for it. */
  readonly use?: (tx: Tx) => Promise<unknown>;
}

/**
 * Tells the owner of a hunted account of it, and answers a suspect by mail where that can be. What is done here, and how long it takes, is the same for
 * a right password, a wrong one and a name that nobody has: jobs are made for each, and do nothing for the others.
 * @param right whose password or code was right; null when it was wrong
 * @throws UNAUTHENTICATED, with the reason CONFIRM_BY_MAIL
 */
export const answerSuspect = async (
  context: Context,
  guesser: Guesser,
  { isHunted }: Attempt,
  right: User | null,
  { takesLink, isProven, extensions, use }: SuspectAnswer,
): Promise<void> => {
  const { db, config, limits } = context;
  // Whoever has no address that was confirmed gets in as if there were no mails.
  const isByMail = config.mail.smtpUrl !== null && (right === null || right.emailVerifiedAt !== null);
  if (!isHunted && !isByMail) return;
  const isMailed =
    isByMail && (await limits.isAllowed('mailToAddress', right?.emailKey ?? `nobody ${Buffer.from(guesser.subject).toString('hex')}`));
  const userId = isMailed && takesLink && right !== null ? right.id : null;
  const warning = guesser.guessed === 'codes' ? codeAttemptsMail : attemptsMail;
  await db.transact(async (tx) => {
    if (isHunted && (await isTimeToTell(context, tx, guesser))) {
      const { userId: hunted } = guesser;
      sendMail(tx, context, warning, { userId: hunted });
      alertAdministrators(tx, 'ACCOUNT_ATTACKED', { subject: hunted === null ? null : { type: 'User', id: hunted } });
    }
    if (userId !== null) await use?.(tx);
    if (isByMail) sendMail(tx, context, signInMail, { userId, isProven });
  });
  if (isByMail) throw refused(context, right ?? (guesser.userId === null ? null : { id: guesser.userId }), 'suspect', extensions);
};
