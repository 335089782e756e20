import { Secret, TOTP } from 'otpauth';
import { encryptedColumn } from '../../access/encrypted-column.js';
import { sessionOf, viewerOf } from '../../access/viewer.js';
import type { Context, Services } from '../../context.js';
import type { User } from '../../db/generated/prisma/client.js';
import type { Tx } from '../../db/transact.js';
import { NO_ID } from '../../db/uuid.js';
import { badInput, coded } from '../../errors.js';
import { sendMail } from '../../jobs/mail.js';
import { asAdministrator, assertAccount, findUser } from './account.js';
import { factorsOf, isOn } from './factors.js';
import { forgive, guess, guesserInSession } from './guesses.js';
import { endLinks } from './links.js';
import { secondFactorMail, type SecondFactorChange } from './mails.js';
import { assertPassword } from './present-password.js';
import { recoveryCodeHash, replaceRecoveryCodes } from './recovery-codes.js';
import { endSessionsIn } from './sessions.js';
import { rightsLog } from './topics.js';

/*
 * A second factor is something that one has beside the password: an app that makes codes (TOTP), or a passkey. Whoever has one is asked for it at each
 * sign-in with the password. Recovery codes stand in for it, each once; they are given with the first factor and go with the last.
 */

// ---------------------------------------------------------------- codes

/** What the seeds of codes are encrypted for. */
const SEED = 'totp';
/** How long one code is good, in seconds; the one before and the one after are taken, too, for clocks that differ. */
const STEP_SECONDS = 30;
const WINDOW = 1;
/** Codes of an app: what a code by time is. */
const DIGITS = /^[0-9]{6}$/;

const totpOf = (secret: Secret, username: string): TOTP =>
  new TOTP({ issuer: 'Lyceum', label: username, secret, algorithm: 'SHA1', digits: 6, period: STEP_SECONDS });

/** The seeds of codes, for a new master key. */
export const TOTP_SEED_ROWS = encryptedColumn(SEED, (prisma) => prisma.totp, 'userId', 'secret');

/** A code that is right, which is good once. */
export type Proof =
  { readonly kind: 'TOTP'; readonly step: number } | { readonly kind: 'RECOVERY_CODE'; readonly codeHash: Uint8Array<ArrayBuffer> };

const stepOf = async (context: Services, userId: string, secret: string, code: string): Promise<number | null> => {
  if (!DIGITS.test(code)) return null;
  const seed = await context.masterKey.decrypt(SEED, userId, secret);
  if (seed === null) throw new Error('The seed of a second factor is under a master key that is not there.');
  const now = context.clock.now();
  const offset = totpOf(Secret.fromBase32(seed), '').validate({ token: code, timestamp: now, window: WINDOW });
  return offset === null ? null : Math.floor(now / 1_000 / STEP_SECONDS) + offset;
};

/** A code without what people put into it: blanks and hyphens. */
const bare = (code: string): string => code.replaceAll(/[\s-]/g, '').toLowerCase();

/** Looks at a code of a user, which is not used by that; null for one that is wrong or was used. */
export const proofOf = async (context: Services, userId: string | null, code: string): Promise<Proof | null> => {
  const { prisma } = context.db;
  const typed = bare(code);
  const codeHash = recoveryCodeHash(userId ?? NO_ID, typed);
  if (codeHash !== null) {
    const unused = await prisma.recoveryCode.count({ where: { userId: userId ?? NO_ID, codeHash, usedAt: null } });
    return unused === 0 ? null : { kind: 'RECOVERY_CODE', codeHash };
  }
  const totp = await prisma.totp.findFirst({ where: { userId: userId ?? NO_ID, confirmedAt: { not: null } } });
  const step = totp && (await stepOf(context, totp.userId, totp.secret, typed));
  return step === null || step <= (totp?.lastStep ?? 0) ? null : { kind: 'TOTP', step };
};

/** Uses a code: it is not good again, unless the transaction fails. @returns whether it was still good */
export const spendProof = async (tx: Tx, context: Pick<Context, 'clock'>, userId: string, proof: Proof): Promise<boolean> => {
  if (proof.kind === 'TOTP') {
    const { step } = proof;
    const { count } = await tx.totp.updateMany({
      where: { userId, confirmedAt: { not: null }, OR: [{ lastStep: null }, { lastStep: { lt: step } }] },
      data: { lastStep: step },
    });
    return count > 0;
  }
  const at = new Date(context.clock.now());
  const { count } = await tx.recoveryCode.updateMany({ where: { userId, codeHash: proof.codeHash, usedAt: null }, data: { usedAt: at } });
  if (count === 0) return false;
  tx.audit('useRecoveryCode', { type: 'User', id: userId }, {}, userId);
  tell(tx, context, userId, 'RECOVERY_CODE_USED');
  return true;
};

// ---------------------------------------------------------------- setting up

/** What somebody who is signed in proves with that it is them. */
export interface OwnProof {
  readonly password?: string | null | undefined;
  readonly code?: string | null | undefined;
}

const wrongCode = () => badInput({ path: 'input.code', code: 'NOT_ALLOWED', message: 'Is wrong, or was used already.' });

/** Looks at a code that somebody gives within their session, where wrong ones make that wait. @throws BAD_USER_INPUT, RATE_LIMITED */
const assertRight = async <Found>(context: Context, userId: string, look: () => Promise<Found | null>): Promise<Found> => {
  const guesser = guesserInSession(context, { userId, ...sessionOf(context) }, 'codes');
  const seen: { found: Found | null } = { found: null };
  await guess(context, guesser, async () => (seen.found = await look()) !== null);
  if (seen.found === null) throw wrongCode();
  await forgive(context, guesser);
  return seen.found;
};

/**
 * Makes sure that whoever acts for the viewer is them, by the password or a code; without a password, by having signed in a moment ago.
 * @returns the code, to be used with the act
 * @throws BAD_USER_INPUT for a wrong one, or none; FORBIDDEN for a guest; RATE_LIMITED
 */
export const assertOwner = async (context: Context, user: User, { password, code }: OwnProof): Promise<Proof | null> => {
  if (typeof code !== 'string') {
    await assertPassword(context, user, password, 'input.password');
    return null;
  }
  if (typeof password === 'string')
    throw badInput({ path: 'input.code', code: 'EXCLUSIVE', message: 'Give either the password or a code.' });
  return await assertRight(context, user.id, () => proofOf(context, user.id, code));
};

/** Uses the code, if it was one, by which somebody has shown that it is them. @throws BAD_USER_INPUT when it was used meanwhile */
export const spendOwnProof = async (tx: Tx, context: Context, userId: string, proof: Proof | null): Promise<void> => {
  if (proof !== null && !(await spendProof(tx, context, userId, proof))) throw wrongCode();
};

/**
 * Removes every second factor of a user who has lost theirs, and the recovery codes, as an administrator; all their sessions end, and their password is enough
 * for the next one. Nothing changes where there is none.
 * @throws NOT_FOUND
 */
export const removeSecondFactor = async (context: Context, userId: string): Promise<User> => {
  await assertAccount(context.db.prisma, userId);
  await context.db.transact(async (tx) => {
    await asAdministrator(tx, context);
    if (!isOn(await factorsOf(tx, userId))) return;
    await deleteFactors(tx, userId);
    await endSessionsIn(tx, new Date(context.clock.now()), userId);
    tx.emit(rightsLog, userId, 'RoleChanged', null);
    tell(tx, context, userId, 'REMOVED_BY_ADMINISTRATOR');
  });
  return await findUser(context, userId);
};

/** Removes all that somebody signs in with beside the password. */
export const deleteFactors = async (tx: Tx, userId: string): Promise<void> => {
  await tx.totp.deleteMany({ where: { userId } });
  await tx.passkey.deleteMany({ where: { userId } });
  await tx.recoveryCode.deleteMany({ where: { userId } });
};

/** Tells the owner of an account, and nobody else, what has become of their second factor. */
const tell = (tx: Tx, context: Pick<Services, 'clock'>, userId: string, change: SecondFactorChange): void =>
  sendMail(tx, context, secondFactorMail, { userId, change, at: context.clock.now() });

/**
 * Changes what somebody has, in one transaction with what follows from it: the mail, the audit, rights that hang on it, links that were sent for the
 * password alone, other sessions and recovery codes with the first factor, recovery codes without the last.
 * @returns other recovery codes where there are new ones
 */
export const changeFactors = async (
  context: Context,
  { act, change, proof = null }: { readonly act: string; readonly change: SecondFactorChange; readonly proof?: Proof | null },
  work: (tx: Tx, userId: string) => Promise<void>,
): Promise<readonly string[] | null> => {
  const { id } = viewerOf(context);
  const { sessionId } = sessionOf(context);
  return await context.db.transact(async (tx) => {
    // One after the other: who removes the last factor sees the one that is just added.
    await tx.$queryRaw`SELECT FROM "user" WHERE id = ${id}::uuid FOR NO KEY UPDATE`;
    await spendOwnProof(tx, context, id, proof);
    const before = await factorsOf(tx, id);
    await work(tx, id);
    tx.audit(act, { type: 'User', id });
    tell(tx, context, id, change);
    tx.emit(rightsLog, id, 'RoleChanged', null);
    await endLinks(tx, new Date(context.clock.now()), ['SIGN_IN'], id);
    const factors = await factorsOf(tx, id);
    // Nobody has shown the factor in the sessions that were there before it: somebody else may be in one of them.
    if (isOn(factors) && !isOn(before)) await endSessionsIn(tx, new Date(context.clock.now()), id, { except: sessionId });
    if (isOn(factors)) return factors.recoveryCodes > 0 ? null : await replaceRecoveryCodes(tx, id);
    await tx.recoveryCode.deleteMany({ where: { userId: id } });
    return null;
  });
};

const alreadyOn = () => coded('CONFLICT', 'Codes of an app are on already. Turn them off before you set up others.');

/** A seed that waits for its first code. */
export interface StartedTotp {
  /** In base32, as one types it into an app. */
  readonly secret: string;
  /** The same as an app reads it from a QR code: `otpauth://totp/…`. */
  readonly uri: string;
}

/** For how long a seed waits for its first code, in milliseconds. */
const WAITS_MS = 60 * 60 * 1_000;

/**
 * Makes a seed for an app, which is not asked for before {@link confirmTotp}. It takes the place of one that waits.
 * @throws CONFLICT where codes are on already; and as {@link assertOwner} does
 */
export const startTotp = async (context: Context, given: OwnProof): Promise<StartedTotp> => {
  const user = await findUser(context, viewerOf(context).id);
  const proof = await assertOwner(context, user, given);
  const seed = new Secret({ size: 20 });
  const secret = await context.masterKey.encrypt(SEED, user.id, seed.base32);
  const createdAt = new Date(context.clock.now());
  await context.db.transact(async (tx) => {
    await spendOwnProof(tx, context, user.id, proof);
    const { count } = await tx.totp.deleteMany({ where: { userId: user.id, confirmedAt: null } });
    if (count === 0 && (await tx.totp.count({ where: { userId: user.id } })) > 0) throw alreadyOn();
    await tx.totp.create({ data: { userId: user.id, secret, createdAt } });
  });
  return { secret: seed.base32, uri: totpOf(seed, user.username).toString() };
};

/**
 * Turns codes on, by the first one of the app.
 * @returns recovery codes, unless there are some already
 * @throws BAD_USER_INPUT for a wrong code, CONFLICT where no seed waits for one, RATE_LIMITED
 */
export const confirmTotp = async (context: Context, code: string): Promise<readonly string[] | null> => {
  const { id } = viewerOf(context);
  const { prisma } = context.db;
  const now = context.clock.now();
  const waiting = await prisma.totp.findFirst({ where: { userId: id, confirmedAt: null, createdAt: { gt: new Date(now - WAITS_MS) } } });
  if (waiting === null) throw coded('CONFLICT', 'No app waits for its first code. Begin with startTotp.');
  const { secret } = waiting;
  const step = await assertRight(context, id, () => stepOf(context, id, secret, bare(code)));
  return await changeFactors(context, { act: 'confirmTotp', change: 'TOTP_ON' }, async (tx) => {
    const { count } = await tx.totp.updateMany({
      where: { userId: id, secret, confirmedAt: null },
      data: { confirmedAt: new Date(now), lastStep: step },
    });
    if (count === 0) throw alreadyOn();
  });
};

/** Turns codes off. @throws CONFLICT where they are not on; and as {@link assertOwner} does */
export const disableTotp = async (context: Context, given: OwnProof): Promise<void> => {
  const user = await findUser(context, viewerOf(context).id);
  const proof = await assertOwner(context, user, given);
  await changeFactors(context, { act: 'disableTotp', change: 'TOTP_OFF', proof }, async (tx) => {
    const { count } = await tx.totp.deleteMany({ where: { userId: user.id, confirmedAt: { not: null } } });
    if (count === 0) throw coded('CONFLICT', 'Codes of an app are not on.');
  });
};

/** Gives other recovery codes. @throws CONFLICT without a second factor; and as {@link assertOwner} does */
export const renewRecoveryCodes = async (context: Context, given: OwnProof): Promise<readonly string[]> => {
  const user = await findUser(context, viewerOf(context).id);
  const proof = await assertOwner(context, user, given);
  const codes = await changeFactors(context, { act: 'renewRecoveryCodes', change: 'RECOVERY_CODES_RENEWED', proof }, async (tx) => {
    if (!isOn(await factorsOf(tx, user.id))) throw coded('CONFLICT', 'Recovery codes stand in for a second factor. Set one up first.');
    await tx.recoveryCode.deleteMany({ where: { userId: user.id } });
  });
  return codes ?? [];
};
