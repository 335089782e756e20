import type { Context, Services } from '../../context.js';
import type { User } from '../../db/generated/prisma/client.js';
import { WEAKNESSES, type Strength } from '../../access/password-strength/strength.js';
import { hashPassword } from '../../access/passwords.js';
import { sessionOf, viewerOf } from '../../access/viewer.js';
import { badInput } from '../../errors.js';
import { endApiKeysIn } from './api-keys.js';
import { sendMail } from '../../jobs/mail.js';
import { findUser } from './account.js';
import { emailAddressOf } from './email-address.js';
import { confirmAddress, takenByOne } from './email.js';
import { endLinks, findLink, spendLink } from './links.js';
import { passwordChangedMail, resetPasswordMail } from './mails.js';
import { endSessionsIn, handOut, renewFamily, type Credentials } from './sessions.js';
import { assertPassword } from './present-password.js';

/** What is known of a person and stands in the passwords that others try first. */
type Personal = readonly (string | null | undefined)[];

/** The links that end with the password that they were sent for. */
const OF_A_PASSWORD = ['RESET_PASSWORD', 'SIGN_IN'] as const;

/** What anybody would try here. */
const OF_THIS_PLACE = 'lyceum';

/** The personal words of an account. */
const personalOf = ({ username, displayName, email, pendingEmail }: User): Personal => [username, displayName, email, pendingEmail];

/** The personal words of the viewer; none of nobody. */
export const ownWords = async (context: Context): Promise<Personal> =>
  context.viewer === null ? [] : personalOf(await findUser(context, context.viewer.id));

/** How hard a password is to guess. @throws UNAVAILABLE */
export const estimatePassword = async (
  { passwordStrength }: Pick<Services, 'passwordStrength'>,
  password: string,
  personal: Personal,
): Promise<Strength> =>
  await passwordStrength.estimate(
    password.normalize('NFKC'),
    [...personal, OF_THIS_PLACE].filter((word) => typeof word === 'string'),
  );

/** Makes sure that a new password is hard to guess. @throws BAD_USER_INPUT, UNAVAILABLE */
export const assertStrong = async (services: Services, password: string, personal: Personal, path: string): Promise<void> => {
  const min = services.config.accounts.passwordMinScore;
  if (min === 0) return;
  const strength = await estimatePassword(services, password, personal);
  if (strength.score >= min) return;
  const { score, weakness } = { ...strength, weakness: strength.weakness ?? 'PREDICTABLE' };
  const message = `Is easily guessed. ${WEAKNESSES[weakness]} Several words that do not belong together are hard to guess, and easy to remember.`;
  throw badInput({ path, code: 'TOO_WEAK', message, params: { score, min, weakness } });
};

/**
 * Changes the viewer's password, or sets the first one. Other sessions and all API keys end; this session goes on with other tokens.
 * @throws BAD_USER_INPUT for a wrong present password, or for a new one that is easily guessed; FORBIDDEN for a guest, RATE_LIMITED
 */
export const changePassword = async (
  context: Context,
  { currentPassword, newPassword }: { readonly currentPassword?: string | null | undefined; readonly newPassword: string },
): Promise<Credentials> => {
  const { sessionId } = sessionOf(context);
  const user = await findUser(context, viewerOf(context).id);
  await assertPassword(context, user, currentPassword, 'input.currentPassword');
  await assertStrong(context, newPassword, personalOf(user), 'input.newPassword');
  const passwordHash = await hashPassword(newPassword);
  const now = new Date(context.clock.now());
  const refreshToken = await context.db.transact(async (tx) => {
    await tx.user.update({ where: { id: user.id }, data: { passwordHash } });
    await endLinks(tx, now, OF_A_PASSWORD, user.id);
    await endSessionsIn(tx, now, user.id, { except: sessionId });
    await endApiKeysIn(tx, now, user.id);
    sendMail(tx, context, passwordChangedMail, { userId: user.id, at: now.getTime() });
    tx.audit('changePassword', { type: 'User', id: user.id });
    return await renewFamily(tx, now, sessionId);
  });
  return await handOut(context, { userId: user.id, sessionId }, refreshToken);
};

/**
 * Sends a link for a new password to an address, if there is an account that it belongs to. That is looked up by the job that writes the mail, so the
 * answer, and its time, are the same.
 * @throws RATE_LIMITED
 */
export const requestPasswordReset = async (context: Context, email: string): Promise<void> => {
  const { key } = emailAddressOf(email);
  await context.limits.consume('mailToAddress', key);
  await context.db.transact(async (tx) => sendMail(tx, context, resetPasswordMail, { emailKey: key }));
};

/**
 * Sets a new password by the link that was mailed, and ends all sessions and API keys. That the link came by mail confirms the address, too.
 * @throws BAD_USER_INPUT for a link that is not good, or for a password that is easily guessed, which leaves the link good
 */
export const resetPassword = async (
  context: Context,
  { token, newPassword }: { readonly token: string; readonly newPassword: string },
): Promise<User> => {
  const found = await findUser(context, (await findLink(context, 'RESET_PASSWORD', token)).userId);
  await assertStrong(context, newPassword, personalOf(found), 'input.newPassword');
  const passwordHash = await hashPassword(newPassword);
  const now = new Date(context.clock.now());
  return await takenByOne(() =>
    context.db.transact(async (tx) => {
      const { userId, emailKey } = await spendLink(tx, now, 'RESET_PASSWORD', token);
      await endLinks(tx, now, OF_A_PASSWORD, userId);
      await endSessionsIn(tx, now, userId);
      await endApiKeysIn(tx, now, userId);
      const user = await tx.user.update({ where: { id: userId }, data: { passwordHash } });
      sendMail(tx, context, passwordChangedMail, { userId, at: now.getTime() });
      tx.audit('resetPassword', { type: 'User', id: userId }, {}, userId);
      const isItsOwn = user.emailKey === emailKey || (user.emailKey === null && user.pendingEmailKey === emailKey);
      return isItsOwn ? await confirmAddress(tx, context, user, emailKey) : user;
    }),
  );
};
