import type { Context, Services } from '../../context.js';
import type { User } from '../../db/generated/prisma/client.js';
import type { Tx } from '../../db/transact.js';
import { badInput, coded, fieldErrors } from '../../errors.js';
import { sendMail } from '../../jobs/mail.js';
import { isUniqueViolation } from '../../observability/failures.js';
import { viewerOf } from '../../access/viewer.js';
import { findUser } from './account.js';
import { emailAddressOf, type EmailAddress } from './email-address.js';
import { noSuchLink, spendLink } from './links.js';
import { emailChangedMail, verificationMail } from './mails.js';
import { assertPassword } from './present-password.js';
import { isOfDomain } from './rules.js';

/** @throws BAD_USER_INPUT for an address of a domain that the operator has blocked */
export const assertMailDomain = (
  { config }: Pick<Services, 'config'>,
  { domain }: Pick<EmailAddress, 'domain'>,
  path = 'input.email',
): void => {
  if (isOfDomain(domain, config.accounts.blockedMailDomains))
    throw badInput({ path, code: 'NOT_ALLOWED', message: 'Addresses of this domain are not taken here.' });
};

/**
 * Asks for another address. It takes the place of the present one when a link is opened that is sent there; whether it has an account already is told
 * by mail alone.
 * @throws BAD_USER_INPUT for a wrong password, FORBIDDEN for a guest, RATE_LIMITED
 */
export const changeEmail = async (
  context: Context,
  input: { readonly email: string; readonly password?: string | null | undefined },
): Promise<User> => {
  const email = emailAddressOf(input.email);
  assertMailDomain(context, email);
  const user = await findUser(context, viewerOf(context).id);
  await assertPassword(context, user, input.password, 'input.password');
  await context.limits.consume('mailToAddress', email.key);
  return await context.db.transact(async (tx) => {
    const changed = await tx.user.update({
      where: { id: user.id },
      // The address of the account itself, asked for again, ends the change.
      data:
        email.key === user.emailKey
          ? { pendingEmail: null, pendingEmailKey: null }
          : { pendingEmail: email.written, pendingEmailKey: email.key },
    });
    sendMail(tx, context, verificationMail, { userId: user.id });
    return changed;
  });
};

/**
 * Sends another link to the viewer's address that waits for it.
 * @throws CONFLICT when none does, RATE_LIMITED
 */
export const resendVerification = async (context: Context): Promise<void> => {
  const { id, pendingEmailKey, emailKey, emailVerifiedAt } = await findUser(context, viewerOf(context).id);
  const waiting = pendingEmailKey ?? (emailVerifiedAt === null ? emailKey : null);
  if (waiting === null) throw coded('CONFLICT', 'There is no address that waits to be confirmed.');
  await context.limits.consume('mailToAddress', waiting);
  await context.db.transact(async (tx) => sendMail(tx, context, verificationMail, { userId: id }));
};

/**
 * Confirms an address by the link that was sent there: it becomes that of the account, and the one before is told.
 * @throws BAD_USER_INPUT for a link that is not good, or is for an address that has been changed since; CONFLICT when another account has confirmed the
 *   address meanwhile
 */
export const verifyEmail = async (context: Pick<Context, 'db' | 'clock'>, token: string): Promise<User> => {
  const now = new Date(context.clock.now());
  return await takenByOne(() =>
    context.db.transact(async (tx) => {
      const { userId, emailKey } = await spendLink(tx, now, 'VERIFY_EMAIL', token);
      const user = await tx.user.findUniqueOrThrow({ where: { id: userId } });
      if (user.emailKey !== emailKey && user.pendingEmailKey !== emailKey) throw noSuchLink();
      return await confirmAddress(tx, context, user, emailKey);
    }),
  );
};

/** Notes that the owner of an account reads the mails to one of its addresses. */
export const confirmAddress = async (tx: Tx, context: Pick<Context, 'clock'>, user: User, emailKey: string): Promise<User> => {
  const { id, email, pendingEmail, emailVerifiedAt } = user;
  const now = new Date(context.clock.now());
  if (user.emailKey === emailKey)
    return emailVerifiedAt === null ? await tx.user.update({ where: { id }, data: { emailVerifiedAt: now } }) : user;
  tx.audit('changeEmail', { type: 'User', id }, {}, id);
  if (email !== null) sendMail(tx, context, emailChangedMail, { userId: id, to: email });
  return await tx.user.update({
    // Only if no other address was asked for meanwhile.
    where: { id, pendingEmailKey: emailKey },
    data: { email: pendingEmail, emailKey, emailVerifiedAt: now, pendingEmail: null, pendingEmailKey: null },
  });
};

/** Runs what confirms an address. @throws CONFLICT when another account has confirmed it */
export const takenByOne = async <Result>(work: () => Promise<Result>): Promise<Result> => {
  try {
    return await work();
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw fieldErrors('CONFLICT', [{ path: 'input.token', code: 'TAKEN', message: 'The address belongs to another account by now.' }]);
  }
};
