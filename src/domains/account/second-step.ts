import { createHash } from 'node:crypto';
import type { GraphQLError } from 'graphql';
import type { Context } from '../../context.js';
import type { User } from '../../db/generated/prisma/client.js';
import { NO_ID } from '../../db/uuid.js';
import { badInput, coded } from '../../errors.js';
import { knownDevice } from './device-tokens.js';
import type { Factors } from './factors.js';
import { codeGuesserOf, forgive, guess, type Guesser } from './guesses.js';
import { makeToken, readToken, spendToken } from './moment-tokens.js';
import { proofOf, spendProof, type Proof } from './second-factor.js';
import { startSessionIn, type SignedIn } from './sessions.js';
import { answerSuspect, assertInUse, attempted, refused } from './sign-in-answers.js';

/*
 * The second step of a sign-in: whoever has given the right password of an account with a second factor is given a token, and comes back with it and a
 * code. A suspect gets a token in any case, which after a wrong password is good for nothing: nobody can tell one from the other.
 */

const PURPOSE = 'second step of a sign-in';

/** What a token says. All of them are of one length. */
interface Step {
  readonly userId: string;
  /** The subject of guesses at the password. */
  readonly passwords: string;
  /** A digest of the password as it was: another one ends the token. */
  readonly password: string;
  readonly isRight: 0 | 1;
  readonly isSuspect: 0 | 1;
}

const digestOf = (user: Pick<User, 'passwordHash'> | null): string =>
  createHash('sha256')
    .update(user?.passwordHash ?? '')
    .digest('hex');

interface FirstStep {
  /** Whose password it was, or was meant to be. */
  readonly user: User | null;
  readonly isRight: boolean;
  readonly guesser: Guesser;
  readonly isSuspect: boolean;
}

/** The token for the second step, as the errors of the first one have it. */
export const stepToken = async (
  context: Context,
  { user, isRight, guesser, isSuspect }: FirstStep,
): Promise<{ readonly extensions: { readonly signInToken: string; readonly expiresAt: string } }> => {
  const step: Step = {
    userId: user?.id ?? NO_ID,
    passwords: Buffer.from(guesser.subject).toString('hex'),
    password: digestOf(user),
    isRight: isRight ? 1 : 0,
    isSuspect: isSuspect ? 1 : 0,
  };
  const { token, expiresAt } = await makeToken(context, PURPOSE, step);
  return { extensions: { signInToken: token, expiresAt: expiresAt.toISOString() } };
};

/** The error by which whoever has given the right password is asked for a second factor. */
export const askForFactor = async (
  context: Context,
  { user, guesser, factors }: { readonly user: User; readonly guesser: Guesser; readonly factors: Factors },
): Promise<GraphQLError> => {
  // Of the password as it is now: it may have just been hashed anew.
  const present = await context.db.prisma.user.findUniqueOrThrow({ where: { id: user.id } });
  const { extensions } = await stepToken(context, { user: present, isRight: true, guesser, isSuspect: false });
  const methods = [
    ...(factors.passkeys > 0 ? ['PASSKEY'] : []),
    ...(factors.totp ? ['TOTP'] : []),
    ...(factors.recoveryCodes > 0 ? ['RECOVERY_CODE'] : []),
  ];
  return coded('UNAUTHENTICATED', 'Sign in with your second factor, too.', { ...extensions, methods, reason: 'SECOND_FACTOR' });
};

const noSuchToken = () =>
  badInput({ path: 'input.token', code: 'NOT_FOUND', message: 'This sign-in has been finished or took too long. Begin it again.' });

interface FinishLogin {
  readonly token: string;
  readonly code: string;
  readonly deviceToken?: string | null | undefined;
}

/**
 * Finishes a sign-in with a code of an app or a recovery code. While many guess at the codes of an account, a suspect is answered by mail, as for
 * passwords.
 * @throws UNAUTHENTICATED for a wrong code, BAD_USER_INPUT for a token that is not good, RATE_LIMITED, LOCKED
 */
export const finishLogin = async (context: Context, { token, code, deviceToken }: FinishLogin): Promise<SignedIn> => {
  const step = await readToken<Step>(context, PURPOSE, token);
  if (step === null) throw noSuchToken();
  const user = await context.db.prisma.user.findUnique({ where: { id: step.userId } });
  if (digestOf(user) !== step.password) throw noSuchToken();
  const isSuspect = step.isSuspect === 1;
  const guesser = codeGuesserOf(context, {
    userId: user?.id ?? null,
    passwords: Buffer.from(step.passwords, 'hex'),
    isSuspect,
    deviceId: knownDevice(context, user?.id ?? '', deviceToken),
  });
  const seen: { proof: Proof | null } = { proof: null };
  const { isRight, ...attempt } = await attempted(context, user, () =>
    guess(context, guesser, async () => {
      seen.proof = await proofOf(context, user?.id ?? null, code);
      return seen.proof !== null && step.isRight === 1;
    }),
  );
  const { proof } = seen;
  if (attempt.isSuspect)
    await answerSuspect(context, guesser, attempt, isRight ? user : null, {
      ...{ takesLink: true, isProven: true, extensions: {} },
      use: async (tx) => user !== null && proof !== null && (await spendProof(tx, context, user.id, proof)),
    });
  if (user === null || proof === null || !isRight) throw refused(context, user, 'wrongCode');
  await forgive(context, guesser);
  assertInUse(context, user);
  return await signInWith(context, user, proof, { token, deviceToken });
};

/** Begins the session in the transaction that uses the token and the code. */
const signInWith = async (
  context: Context,
  user: User,
  proof: Proof,
  { token, deviceToken }: Pick<FinishLogin, 'token' | 'deviceToken'>,
): Promise<SignedIn> =>
  await context.db.transact(async (tx) => {
    if (!(await spendToken(tx, context, token))) throw noSuchToken();
    if (!(await spendProof(tx, context, user.id, proof))) throw refused(context, user, 'wrongCode');
    return { user, credentials: await startSessionIn(tx, context, user.id, 'finishLogin', deviceToken) };
  });
