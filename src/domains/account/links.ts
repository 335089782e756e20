import { randomSecretDigest } from '../../access/secret-digest.js';
import type { Services } from '../../context.js';
import type { LinkPurpose } from '../../db/generated/prisma/client.js';
import type { Tx } from '../../db/transact.js';
import { badInput } from '../../errors.js';

/** For how long a link is good, in milliseconds: three days for confirming an address, an hour for what gives access. */
const LIFE_MS: Readonly<Record<LinkPurpose, number>> = {
  VERIFY_EMAIL: 3 * 24 * 60 * 60 * 1_000,
  RESET_PASSWORD: 60 * 60 * 1_000,
  SIGN_IN: 60 * 60 * 1_000,
};

/** The pages of the web client that links lead to. */
const PAGES: Readonly<Record<LinkPurpose, string>> = {
  VERIFY_EMAIL: '/verify-email',
  RESET_PASSWORD: '/reset-password',
  SIGN_IN: '/confirm-sign-in',
};

export interface Link {
  readonly url: string;
  readonly expiresAt: Date;
}

/**
 * The link of a mail. It is the same whenever that mail is tried again, since its secret follows from the id of the mail and a key of the server; the
 * database has its digest alone. The secret stands behind `#`, which browsers send to nobody.
 * @returns null when it has been used or has ended
 */
export const linkFor = async (
  { db, clock, linkSecret, config }: Pick<Services, 'db' | 'clock' | 'linkSecret' | 'config'>,
  link: { readonly mailId: string; readonly purpose: LinkPurpose; readonly userId: string; readonly emailKey: string },
): Promise<Link | null> => {
  const { mailId: id, purpose, userId, emailKey } = link;
  const secret = linkSecret(id);
  const now = clock.now();
  await db.prisma.accountLink.createMany({
    data: {
      id,
      purpose,
      userId,
      emailKey,
      tokenHash: randomSecretDigest(secret),
      createdAt: new Date(now),
      expiresAt: new Date(now + LIFE_MS[purpose]),
    },
    skipDuplicates: true,
  });
  const { usedAt, expiresAt } = await db.prisma.accountLink.findUniqueOrThrow({ where: { id }, select: { usedAt: true, expiresAt: true } });
  return usedAt !== null || expiresAt.getTime() <= now ? null : { url: `${config.publicUrl}${PAGES[purpose]}#${secret}`, expiresAt };
};

/** A link as it is found by its secret. */
export interface FoundLink {
  readonly userId: string;
  readonly emailKey: string;
}

/** Whose a link is that may be used now. @throws BAD_USER_INPUT for one that has been used, has ended, or never was */
export const findLink = async ({ db, clock }: Pick<Services, 'db' | 'clock'>, purpose: LinkPurpose, secret: string): Promise<FoundLink> => {
  const link = await db.prisma.accountLink.findFirst({
    where: { tokenHash: randomSecretDigest(secret), purpose, usedAt: null, expiresAt: { gt: new Date(clock.now()) } },
    select: { userId: true, emailKey: true },
  });
  if (link === null) throw noSuchLink();
  return link;
};

/** Ends the links of a user that were sent for these purposes and have not been used. */
export const endLinks = async (tx: Tx, now: Date, purposes: readonly LinkPurpose[], userId: string): Promise<void> => {
  await tx.accountLink.updateMany({ where: { userId, purpose: { in: [...purposes] }, usedAt: null }, data: { usedAt: now } });
};

/**
 * Uses a link: it is not good again, unless the transaction fails.
 * @returns whose it is and the address it was sent to
 * @throws BAD_USER_INPUT for one that has been used, has ended, or never was
 */
export const spendLink = async (tx: Tx, now: Date, purpose: LinkPurpose, secret: string): Promise<FoundLink> => {
  const [link] = await tx.accountLink.updateManyAndReturn({
    where: { tokenHash: randomSecretDigest(secret), purpose, usedAt: null, expiresAt: { gt: now } },
    data: { usedAt: now },
    select: { userId: true, emailKey: true },
  });
  if (link === undefined) throw noSuchLink();
  return link;
};

export const noSuchLink = () =>
  badInput({ path: 'input.token', code: 'NOT_FOUND', message: 'This link has been used, has ended, or was replaced. Ask for a new one.' });

/** Deletes links that ended a while ago; until then a mail that is tried again finds that its link has been used. */
export const deleteOldLinks = async ({ db, clock }: Pick<Services, 'db' | 'clock'>): Promise<void> => {
  await db.prisma.accountLink.deleteMany({ where: { expiresAt: { lt: new Date(clock.now() - KEPT_AFTER_END_MS) } } });
};
const KEPT_AFTER_END_MS = 7 * 24 * 60 * 60 * 1_000;
