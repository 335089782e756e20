import type { Context } from '../../context.js';
import { viewerOf } from '../../access/viewer.js';
import type { Passkey } from '../../db/generated/prisma/client.js';
import { badInput, coded, notFound } from '../../errors.js';
import { isUniqueViolation } from '../../observability/failures.js';
import { findUser } from './account.js';
import { makeToken, readToken, spendToken, type MomentToken } from './moment-tokens.js';
import { assertOwner, changeFactors, spendOwnProof, type OwnProof } from './second-factor.js';
import { startSessionIn, type SignedIn } from './sessions.js';
import { assertInUse, refused } from './sign-in-answers.js';
import {
  authenticationOptions,
  credentialIdOf,
  newChallenge,
  readAuthentication,
  readRegistration,
  registrationOptions,
  verifyAuthentication,
  verifyRegistration,
} from './webauthn.js';

/** The most passkeys of one user. */
export const MAX_PASSKEYS = 20;

/** What a user is shown of their passkeys. */
export type ListedPasskey = Pick<Passkey, 'id' | 'name' | 'isBackedUp' | 'createdAt' | 'lastUsedAt'>;

const LISTED = { id: true, name: true, isBackedUp: true, createdAt: true, lastUsedAt: true } as const;

/** A challenge, and the token with which its answer comes back. */
export interface Challenge extends MomentToken {
  /** What the browser is asked, in JSON. */
  readonly options: string;
}

const REGISTRATION = 'passkey registration';
const LOGIN = 'passkey login';

interface Registration {
  readonly userId: string;
  readonly challenge: string;
}

const noSuchToken = () =>
  badInput({ path: 'input.token', code: 'NOT_FOUND', message: 'This challenge was answered or took too long. Ask for another one.' });
const notOfPasskey = () => badInput({ path: 'input.credential', code: 'INVALID_FORMAT', message: 'Must be the JSON of a credential.' });

/** The passkeys of a user, the latest first; at most {@link MAX_PASSKEYS}. */
export const passkeysOf = async ({ db }: Pick<Context, 'db'>, userId: string): Promise<readonly ListedPasskey[]> =>
  await db.prisma.passkey.findMany({
    where: { userId },
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
    take: MAX_PASSKEYS,
    select: LISTED,
  });

/** A passkey of a user; null for one that is not theirs. */
export const findOwnPasskey = async ({ db }: Pick<Context, 'db'>, userId: string, id: string): Promise<ListedPasskey | null> =>
  await db.prisma.passkey.findFirst({ where: { id, userId }, select: LISTED });

/** A passkey of the viewer. @throws NOT_FOUND for one that is not theirs */
export const presentPasskey = async (context: Context, id: string): Promise<ListedPasskey> => {
  const passkey = await findOwnPasskey(context, viewerOf(context).id, id);
  if (passkey === null) throw notFound('Passkey');
  return passkey;
};

const tooMany = () => coded('CONFLICT', `Nobody may have more than ${MAX_PASSKEYS} passkeys. Remove one first.`);

/**
 * Begins to make a passkey of the viewer.
 * @throws CONFLICT when they have {@link MAX_PASSKEYS}; and as {@link assertOwner} does
 */
export const startPasskey = async (context: Context, given: OwnProof): Promise<Challenge> => {
  const user = await findUser(context, viewerOf(context).id);
  const proof = await assertOwner(context, user, given);
  await context.db.transact((tx) => spendOwnProof(tx, context, user.id, proof));
  const present = await context.db.prisma.passkey.findMany({
    where: { userId: user.id },
    take: MAX_PASSKEYS,
    select: { credentialId: true, transports: true },
  });
  if (present.length >= MAX_PASSKEYS) throw tooMany();
  const challenge = newChallenge();
  const token = await makeToken(context, REGISTRATION, { userId: user.id, challenge } satisfies Registration);
  return { ...token, options: await registrationOptions(context, user, challenge, present) };
};

interface AddPasskey {
  readonly token: string;
  readonly credential: string;
  readonly name: string;
}

/**
 * Stores a passkey that the browser of the viewer has made.
 * @returns recovery codes, unless there are some already
 * @throws BAD_USER_INPUT for a token or a credential that is not good, CONFLICT for a passkey that is stored already, or one too many
 */
export const addPasskey = async (
  context: Context,
  { token, credential, name }: AddPasskey,
): Promise<{ readonly passkey: ListedPasskey; readonly recoveryCodes: readonly string[] | null }> => {
  const { id: userId } = viewerOf(context);
  const asked = await readToken<Registration>(context, REGISTRATION, token);
  if (asked?.userId !== userId) throw noSuchToken();
  const read = readRegistration(credential);
  if (read === null) throw notOfPasskey();
  const made = await verifyRegistration(context, read, asked.challenge);
  if (made === null)
    throw badInput({ path: 'input.credential', code: 'NOT_ALLOWED', message: 'Is no passkey for this challenge and this server.' });
  const createdAt = new Date(context.clock.now());
  const stored: { passkey: ListedPasskey | null } = { passkey: null };
  try {
    const recoveryCodes = await changeFactors(context, { act: 'addPasskey', change: 'PASSKEY_ADDED' }, async (tx) => {
      if (!(await spendToken(tx, context, token))) throw noSuchToken();
      if ((await tx.passkey.count({ where: { userId } })) >= MAX_PASSKEYS) throw tooMany();
      stored.passkey = await tx.passkey.create({
        data: { ...made, transports: [...made.transports], userId, name, createdAt },
        select: LISTED,
      });
    });
    if (stored.passkey === null) throw new Error('The passkey was not stored.');
    return { passkey: stored.passkey, recoveryCodes };
  } catch (error) {
    if (isUniqueViolation(error)) throw coded('CONFLICT', 'This passkey is stored already.');
    throw error;
  }
};

/** Gives a passkey of the viewer another name. @throws NOT_FOUND for one that is not theirs */
export const renamePasskey = async (context: Context, id: string, name: string): Promise<ListedPasskey> => {
  const { id: userId } = viewerOf(context);
  const [renamed] = await context.db.transact((tx) =>
    tx.passkey.updateManyAndReturn({ where: { id, userId }, data: { name }, select: LISTED }),
  );
  if (renamed === undefined) throw notFound('Passkey');
  return renamed;
};

/** Removes a passkey of the viewer: it signs nobody in any more. @throws NOT_FOUND for one that is not theirs; and as {@link assertOwner} does */
export const removePasskey = async (context: Context, id: string, given: OwnProof): Promise<void> => {
  const user = await findUser(context, viewerOf(context).id);
  await presentPasskey(context, id);
  const proof = await assertOwner(context, user, given);
  await changeFactors(context, { act: 'removePasskey', change: 'PASSKEY_REMOVED', proof }, async (tx) => {
    const { count } = await tx.passkey.deleteMany({ where: { id, userId: user.id } });
    if (count === 0) throw notFound('Passkey');
  });
};

/** Begins a sign-in with a passkey, whosever it is. */
export const startPasskeyLogin = async (context: Context): Promise<Challenge> => {
  const challenge = newChallenge();
  const token = await makeToken(context, LOGIN, { challenge });
  return { ...token, options: await authenticationOptions(context, challenge) };
};

interface PasskeyLogin {
  readonly token: string;
  readonly credential: string;
  readonly deviceToken?: string | null | undefined;
}

/**
 * Signs in with a passkey, which is enough: it is something that its owner has, and it has asked for who they are. Nobody can guess at it, so nobody waits.
 * @throws UNAUTHENTICATED, with the reason WRONG_PASSKEY, for one that is not known or has signed something else; BAD_USER_INPUT for a token that is not
 *   good; LOCKED for a suspended account
 */
export const loginWithPasskey = async (context: Context, { token, credential, deviceToken }: PasskeyLogin): Promise<SignedIn> => {
  const asked = await readToken<Pick<Registration, 'challenge'>>(context, LOGIN, token);
  if (asked === null) throw noSuchToken();
  const read = readAuthentication(credential);
  if (read === null) throw notOfPasskey();
  const passkey = await context.db.prisma.passkey.findUnique({ where: { credentialId: credentialIdOf(read) }, include: { user: true } });
  const used = passkey && (await verifyAuthentication(context, read, asked.challenge, passkey, passkey.userId));
  if (!used) throw refused(context, passkey?.user ?? null, 'wrongPasskey');
  const { user, id } = passkey;
  assertInUse(context, user);
  return await context.db.transact(async (tx) => {
    if (!(await spendToken(tx, context, token))) throw noSuchToken();
    // It may have been removed meanwhile.
    const { count } = await tx.passkey.updateMany({ where: { id }, data: { ...used, lastUsedAt: new Date(context.clock.now()) } });
    if (count === 0) throw refused(context, user, 'wrongPasskey');
    return { user, credentials: await startSessionIn(tx, context, user.id, 'loginWithPasskey', deviceToken) };
  });
};
