import type { User } from '../../db/generated/prisma/client.js';
import type { Services } from '../../context.js';
import type { Mail } from '../../integrations/mail.js';
import { mailTask } from '../../jobs/mail.js';
import { languageOf, momentIn } from '../../texts/language.js';
import { mailText, type MailKind, type MailValues } from '../../texts/mails.js';
import { deviceKey, deviceOf } from './device.js';
import { linkFor } from './links.js';
import { factorsOf, isOn } from './factors.js';

type Recipient = Pick<User, 'locale'>;

/** A mail in the language of whom it is for. */
export const mailTo = <Kind extends MailKind>(
  to: string,
  { locale }: Recipient,
  kind: Kind,
  values: MailValues[Kind],
  link?: string,
): Mail => {
  const language = languageOf(locale);
  return { to, language, text: mailText(language, kind, values), ...(link === undefined ? {} : { link }) };
};

const forgotPasswordUrl = ({ config }: Pick<Services, 'config'>): string => `${config.publicUrl}/forgot-password`;

/**
 * To the address that somebody has given: asks whether it is theirs. Whoever has this address on another account already is told of that instead, so
 * that nobody but them learns of it.
 */
export const verificationMail = mailTask<{ readonly userId: string }>('account.verificationMail', async (services, { userId }, mailId) => {
  const { prisma } = services.db;
  const user = await prisma.user.findUnique({ where: { id: userId } });
  const [email, key] = user?.pendingEmailKey ? [user.pendingEmail, user.pendingEmailKey] : [user?.email, user?.emailKey];
  if (!user || !email || !key || (key === user.emailKey && user.emailVerifiedAt !== null)) return null;
  const holder = await prisma.user.findUnique({ where: { emailKey: key } });
  if (holder?.email && holder.id !== userId) {
    const { username } = holder;
    return mailTo(holder.email, holder, 'addressTaken', { username }, forgotPasswordUrl(services));
  }
  const link = await linkFor(services, { mailId, purpose: 'VERIFY_EMAIL', userId, emailKey: key });
  if (link === null) return null;
  const until = momentIn(languageOf(user.locale), user.timeZone, link.expiresAt);
  return mailTo(email, user, 'verifyEmail', { username: user.username, until }, link.url);
});

/** To the address that an account no longer has. */
export const emailChangedMail = mailTask<{ readonly userId: string; readonly to: string }>(
  'account.emailChangedMail',
  async ({ db }, { userId, to }) => {
    const user = await db.prisma.user.findUnique({ where: { id: userId } });
    return user && mailTo(to, user, 'emailChanged', { username: user.username });
  },
);

/**
 * To whoever has forgotten their password, by the address that they have typed in: the account that has confirmed it or, when none has, the newest that
 * waits for it. Nothing is sent when there is none, and nobody but the reader of the mail learns whether there is.
 */
export const resetPasswordMail = mailTask<{ readonly emailKey: string }>(
  'account.resetPasswordMail',
  async (services, { emailKey }, mailId) => {
    const { prisma } = services.db;
    const user =
      (await prisma.user.findUnique({ where: { emailKey } })) ??
      (await prisma.user.findFirst({
        where: { pendingEmailKey: emailKey, emailKey: null },
        orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      }));
    const email = user?.email ?? user?.pendingEmail;
    if (!user || !email) return null;
    const link = await linkFor(services, { mailId, purpose: 'RESET_PASSWORD', userId: user.id, emailKey });
    if (link === null) return null;
    const until = momentIn(languageOf(user.locale), user.timeZone, link.expiresAt);
    return mailTo(email, user, 'resetPassword', { username: user.username, until }, link.url);
  },
);

/** To the owner of an account whose password was changed. */
export const passwordChangedMail = mailTask<{ readonly userId: string; readonly at: number }>(
  'account.passwordChangedMail',
  async (services, { userId, at }) => {
    const user = await services.db.prisma.user.findUnique({ where: { id: userId } });
    if (!user?.email) return null;
    const values = { username: user.username, at: momentIn(languageOf(user.locale), user.timeZone, new Date(at)) };
    return mailTo(user.email, user, 'passwordChanged', values, forgotPasswordUrl(services));
  },
);

/** To the owner of a new API key: whoever has their session could have made it. */
export const newApiKeyMail = mailTask<{ readonly apiKeyId: string }>('account.newApiKeyMail', async (services, { apiKeyId }) => {
  const key = await services.db.prisma.apiKey.findUnique({ where: { id: apiKeyId }, include: { user: true } });
  const to = key?.user.email;
  if (!key || !to) return null;
  const { user, name, createdAt } = key;
  const values = { username: user.username, name, at: momentIn(languageOf(user.locale), user.timeZone, createdAt) };
  return mailTo(to, user, 'newApiKey', values, `${services.config.publicUrl}/settings`);
});

/** So many of the sessions before are looked at. */
const MAX_EARLIER = 200;

/**
 * To whoever has signed in from a device, or a network, that they have not used before as far as it is remembered, which is as long as sessions are. The
 * first sign-in of all is no news.
 */
export const newDeviceMail = mailTask<{ readonly sessionId: string }>('account.newDeviceMail', async (services, { sessionId }) => {
  const { prisma } = services.db;
  const session = await prisma.session.findUnique({ where: { id: sessionId }, include: { user: true } });
  const to = session?.user.email;
  if (!session || !to) return null;
  const { user, createdAt, ip } = session;
  const earlier = await prisma.session.findMany({
    where: { userId: user.id, id: { not: sessionId }, createdAt: { lte: createdAt } },
    orderBy: { createdAt: 'desc' },
    take: MAX_EARLIER,
    select: { userAgent: true, ip: true },
  });
  const key = deviceKey(session);
  if (earlier.length === 0 || earlier.some((each) => deviceKey(each) === key)) return null;
  const device = session.userAgent === null ? null : deviceOf(session.userAgent).slice(0, MAX_DEVICE);
  const at = momentIn(languageOf(user.locale), user.timeZone, createdAt);
  return mailTo(to, user, 'newDevice', { username: user.username, device, ip, at }, `${services.config.publicUrl}/settings`);
});
/** What is no browser may call itself anything. */
const MAX_DEVICE = 100;

interface SignInMail {
  readonly userId: string | null;
  /** Whether a second factor has been shown. */
  readonly isProven?: boolean;
}

/**
 * To whoever gave the right password from an address that is not known while their account was guessed at: a link to sign in with. Where there is no
 * user the password was wrong, and the job is there so that nobody can tell.
 */
export const signInMail = mailTask<SignInMail>('account.signInMail', async (services, { userId, isProven = false }, mailId) => {
  const user = userId === null ? null : await services.db.prisma.user.findUnique({ where: { id: userId } });
  if (!user?.email || user.emailKey === null || user.emailVerifiedAt === null) return null;
  // What was given alone is not enough for whoever has set one up meanwhile.
  if (!isProven && isOn(await factorsOf(services.db.prisma, user.id))) return null;
  const link = await linkFor(services, { mailId, purpose: 'SIGN_IN', userId: user.id, emailKey: user.emailKey });
  if (link === null) return null;
  const until = momentIn(languageOf(user.locale), user.timeZone, link.expiresAt);
  return mailTo(user.email, user, 'signIn', { username: user.username, until }, link.url);
});

/** To the owner of an account at whose password somebody guesses; to nobody where there is no such account. */
export const attemptsMail = mailTask<{ readonly userId: string | null }>('account.attemptsMail', async (services, { userId }) => {
  const user = userId === null ? null : await services.db.prisma.user.findUnique({ where: { id: userId } });
  if (!user?.email || user.emailVerifiedAt === null) return null;
  return mailTo(user.email, user, 'attempts', { username: user.username }, forgotPasswordUrl(services));
});

/** To the owner of an account that has another way to sign in. */
export const identityLinkedMail = mailTask<{ readonly userId: string; readonly issuer: string; readonly at: number }>(
  'account.identityLinkedMail',
  async (services, { userId, issuer, at }) => {
    const user = await services.db.prisma.user.findUnique({ where: { id: userId } });
    if (!user?.email) return null;
    const values = { username: user.username, issuer, at: momentIn(languageOf(user.locale), user.timeZone, new Date(at)) };
    return mailTo(user.email, user, 'identityLinked', values, `${services.config.publicUrl}/settings`);
  },
);

/** To the owner of an account at whose codes somebody guesses who knows the password. */
export const codeAttemptsMail = mailTask<{ readonly userId: string | null }>('account.codeAttemptsMail', async (services, { userId }) => {
  const user = userId === null ? null : await services.db.prisma.user.findUnique({ where: { id: userId } });
  if (!user?.email || user.emailVerifiedAt === null) return null;
  return mailTo(user.email, user, 'codeAttempts', { username: user.username }, forgotPasswordUrl(services));
});

/** What has become of somebody's second factor. */
export type SecondFactorChange = MailValues['secondFactor']['change'];

/** To the owner of an account whose second factor was changed, or stood in for. */
export const secondFactorMail = mailTask<{ readonly userId: string; readonly change: SecondFactorChange; readonly at: number }>(
  'account.secondFactorMail',
  async (services, { userId, change, at }) => {
    const user = await services.db.prisma.user.findUnique({ where: { id: userId } });
    if (!user?.email) return null;
    const values = { username: user.username, change, at: momentIn(languageOf(user.locale), user.timeZone, new Date(at)) };
    return mailTo(user.email, user, 'secondFactor', values, `${services.config.publicUrl}/settings`);
  },
);

export const accountMails = [
  verificationMail,
  emailChangedMail,
  resetPasswordMail,
  passwordChangedMail,
  newApiKeyMail,
  newDeviceMail,
  signInMail,
  attemptsMail,
  identityLinkedMail,
  codeAttemptsMail,
  secondFactorMail,
] as const;
