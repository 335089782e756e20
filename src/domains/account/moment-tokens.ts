import { createHash } from 'node:crypto';
import type { Services } from '../../context.js';
import type { Tx } from '../../db/transact.js';

/*
 * Tokens that are good once, for a few minutes: the second step of a sign-in, the challenges of passkeys. What they say is encrypted under the master
 * key, so nothing is stored of those that are asked for, however many; those that were used are kept until they would have ended.
 */

type Purpose = 'second step of a sign-in' | 'passkey registration' | 'passkey login';

/** For how long a token is good, in milliseconds. */
const LIFE_MS = 10 * 60 * 1_000;

export interface MomentToken {
  readonly token: string;
  readonly expiresAt: Date;
}

/** Makes a token. @param says what `readToken` gives back */
export const makeToken = async (
  { masterKey, clock }: Pick<Services, 'masterKey' | 'clock'>,
  purpose: Purpose,
  says: object,
): Promise<MomentToken> => {
  const expiresAt = new Date(clock.now() + LIFE_MS);
  return { token: await masterKey.encrypt(purpose, '', JSON.stringify({ says, until: expiresAt.getTime() })), expiresAt };
};

const hashOf = (token: string): Uint8Array<ArrayBuffer> => new Uint8Array(createHash('sha256').update(token).digest());

/** What a token says; null for one that has been used, has ended, or never was. */
export const readToken = async <Says extends object>(
  { db, masterKey, clock }: Pick<Services, 'db' | 'masterKey' | 'clock'>,
  purpose: Purpose,
  token: string,
): Promise<Says | null> => {
  const text = await masterKey.decrypt(purpose, '', token);
  if (text === null) return null;
  const { says, until } = JSON.parse(text) as { readonly says: Says; readonly until: number };
  if (until <= clock.now()) return null;
  return (await db.prisma.spentToken.findUnique({ where: { hash: hashOf(token) } })) === null ? says : null;
};

/** Uses a token that was read: it is not good again, unless the transaction fails. @returns whether nobody else has used it meanwhile */
export const spendToken = async (tx: Tx, { clock }: Pick<Services, 'clock'>, token: string): Promise<boolean> => {
  const expiresAt = new Date(clock.now() + LIFE_MS);
  return (await tx.spentToken.createMany({ data: [{ hash: hashOf(token), expiresAt }], skipDuplicates: true })).count === 1;
};

/** Forgets what has ended. */
export const deleteSpentTokens = async ({ db, clock }: Pick<Services, 'db' | 'clock'>): Promise<void> => {
  await db.prisma.spentToken.deleteMany({ where: { expiresAt: { lt: new Date(clock.now()) } } });
};
