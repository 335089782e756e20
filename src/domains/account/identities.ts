import { issuerKey } from '../../config.js';
import type { Context, Services } from '../../context.js';
import type { Identity, User } from '../../db/generated/prisma/client.js';
import type { Tx } from '../../db/transact.js';
import { coded, notFound } from '../../errors.js';
import type { Issuer, IssuerClaims } from '../../integrations/openid.js';
import { sendMail } from '../../jobs/mail.js';
import { isUniqueViolation } from '../../observability/failures.js';
import { emailKey } from './email-address.js';
import { identityLinkedMail } from './mails.js';
import { rightsLog } from './topics.js';

/** The most identities of one account. */
export const MAX_IDENTITIES = 20;

/** How old the last use of an identity must be to be noted anew, in milliseconds: its tokens are used with every request. */
const NOTED_EVERY_MS = 60 * 1_000;

/** The issuer of an identity among those of the configuration; null when it is there no more. */
export const issuerOf = ({ issuers }: Pick<Services, 'issuers'>, { issuer }: Pick<Identity, 'issuer'>): Issuer | null =>
  [...issuers.values()].find(({ settings }) => issuerKey(settings.issuer) === issuer) ?? null;

const keyOf = ({ settings }: Issuer, { subject }: Pick<IssuerClaims, 'subject'>) => ({ issuer: issuerKey(settings.issuer), subject });

/** An identity and whose it is. */
export type Identified = Identity & { readonly user: User };

/**
 * Who somebody is here whom an issuer has shown: the user who has linked that identity or, where the operator believes the mail addresses of the
 * issuer, the one who has confirmed the same address here, to whom it is linked from then on. Null for nobody.
 */
export const identify = async (
  context: Pick<Services, 'db' | 'clock' | 'config'>,
  issuer: Issuer,
  claims: IssuerClaims,
): Promise<Identified | null> => {
  const { prisma } = context.db;
  const key = keyOf(issuer, claims);
  const found = await prisma.identity.findUnique({ where: { issuer_subject: key }, include: { user: true } });
  if (found !== null) return await noteUse(context, found, claims);
  const address = issuer.settings.trustMail && claims.isEmailVerified && claims.email !== null ? emailKey(claims.email) : null;
  if (address === null) return null;
  // An address that was never confirmed may have been given by anybody, in the hope that its owner comes by later.
  const user = await prisma.user.findFirst({ where: { emailKey: address, emailVerifiedAt: { not: null } }, select: { id: true } });
  if (user === null) return null;
  await link(context, issuer, claims, user.id, user.id);
  return await prisma.identity.findUnique({ where: { issuer_subject: key }, include: { user: true } });
};

const noteUse = async ({ db, clock }: Pick<Services, 'db' | 'clock'>, found: Identified, { email }: IssuerClaims): Promise<Identified> => {
  const now = clock.now();
  if (email === found.email && found.lastUsedAt.getTime() > now - NOTED_EVERY_MS) return found;
  const data = { lastUsedAt: new Date(now), ...(email === null ? {} : { email }) };
  await db.prisma.identity.updateMany({ where: { id: found.id }, data });
  return { ...found, ...data };
};

/** Writes who a user is at an issuer. */
export const attachIdentity = async (tx: Tx, now: Date, issuer: Issuer, claims: IssuerClaims, userId: string): Promise<Identity> =>
  await tx.identity.create({
    data: { ...keyOf(issuer, claims), userId, email: claims.email, createdAt: now, lastUsedAt: now },
  });

/**
 * Links an identity to an account, whose owner is told by mail; one that is linked to it already stays as it is.
 * @param actorId who does it, where nobody is signed in
 * @throws CONFLICT for one that is linked to another account, or for an account with too many
 */
export const link = async (
  context: Pick<Services, 'db' | 'clock' | 'config'>,
  issuer: Issuer,
  claims: IssuerClaims,
  userId: string,
  actorId?: string,
): Promise<Identity> => {
  const now = new Date(context.clock.now());
  const { label, name } = issuer.settings;
  try {
    return await context.db.transact(async (tx) => {
      await lockWays(tx, userId);
      const own = await tx.identity.findMany({ where: { userId }, take: MAX_IDENTITIES });
      const key = keyOf(issuer, claims);
      const same = own.find((each) => each.issuer === key.issuer && each.subject === key.subject);
      if (same !== undefined) return same;
      if (own.length >= MAX_IDENTITIES) throw coded('CONFLICT', `An account has at most ${MAX_IDENTITIES} identities.`);
      const identity = await attachIdentity(tx, now, issuer, claims, userId);
      tx.audit('linkIdentity', { type: 'User', id: userId }, { issuer: name }, actorId);
      sendMail(tx, context, identityLinkedMail, { userId, issuer: label, at: now.getTime() });
      return identity;
    });
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw coded('CONFLICT', 'This identity belongs to another account.', { reason: 'IDENTITY_TAKEN' });
  }
};

/** Has changes of the ways into one account come one after the other. */
const lockWays = async (tx: Tx, userId: string): Promise<void> => {
  await tx.$executeRaw`SELECT FROM "user" WHERE id = ${userId}::uuid FOR NO KEY UPDATE`;
};

/** The identities of a user, the first first. */
export const identitiesOf = async ({ db }: Pick<Services, 'db'>, userId: string): Promise<readonly Identity[]> =>
  await db.prisma.identity.findMany({ where: { userId }, orderBy: [{ createdAt: 'asc' }, { id: 'asc' }], take: MAX_IDENTITIES });

/** An identity of a user; null for one that is not theirs. */
export const findOwnIdentity = async ({ db }: Pick<Services, 'db'>, userId: string, id: string): Promise<Identity | null> =>
  await db.prisma.identity.findFirst({ where: { id, userId } });

/**
 * Ends that a user signs in by an identity. Its tokens are theirs no more; sessions that began by it go on.
 * @throws NOT_FOUND for one that is not theirs; CONFLICT when there would be no way left to sign in
 */
export const unlinkIdentity = async (context: Context, userId: string, id: string): Promise<void> => {
  await context.db.transact(async (tx) => {
    await lockWays(tx, userId);
    const own = await tx.identity.findMany({ where: { userId }, take: MAX_IDENTITIES });
    const identity = own.find((each) => each.id === id);
    if (identity === undefined) throw notFound('Identity');
    const { passwordHash } = await tx.user.findUniqueOrThrow({ where: { id: userId }, select: { passwordHash: true } });
    // One of an issuer that the server no longer has lets nobody in.
    if (passwordHash === null && !own.some((each) => each.id !== id && issuerOf(context, each) !== null))
      throw coded('CONFLICT', 'It is the only way to sign in to this account. Set a password first.', { reason: 'LAST_WAY_IN' });
    await tx.identity.delete({ where: { id } });
    tx.emit(rightsLog, userId, 'IdentityUnlinked', null);
    tx.audit('unlinkIdentity', { type: 'User', id: userId }, { issuer: issuerOf(context, identity)?.settings.name ?? identity.issuer });
  });
};
