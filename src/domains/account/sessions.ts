import { freshContext, type AccessToken, type Context, type Services } from '../../context.js';
import { within } from '../../db/database.js';
import { Prisma, type Session, type User } from '../../db/generated/prisma/client.js';
import type { Tx } from '../../db/transact.js';
import { coded, notFound } from '../../errors.js';
import { sendMail } from '../../jobs/mail.js';
import { notSignedIn } from '../../access/viewer.js';
import { alertAdministrators } from '../audit/topics.js';
import { deviceTokenFor, isKnownDevice } from './device-tokens.js';
import { addressDigest } from './guesses.js';
import { newDeviceMail } from './mails.js';
import { digestsOf, newRefreshToken, newRotationSecret, nextRefreshToken } from './refresh-tokens.js';
import { locked, suspensionOf, type StoredSuspension } from './standing.js';
import { rightsLog } from './topics.js';

/** The tokens that a client gets for a session. */
export interface Credentials {
  readonly access: AccessToken;
  /** Null where it travels in a cookie. */
  readonly refreshToken: string | null;
  /** Of a sign-in: the token of the device, for its next one. */
  readonly deviceToken?: string;
}

/** Who has signed in, and their new session. */
export interface SignedIn {
  readonly user: User;
  readonly credentials: Credentials;
}

type SessionContext = Pick<Context, 'db' | 'clock' | 'config' | 'log' | 'tokens' | 'sessionCookie'>;

/**
 * How long after an exchange the token that was exchanged is answered with the same next token, in milliseconds. Example: two tabs refresh at the same
 * moment, or a client has lost the response and tries again.
 */
const ROTATION_GRACE_MS = 10_000;

/** The most sessions of one user that are active at a time. One more ends the one that was used least recently. */
export const MAX_SESSIONS = 100;

/** When a session ends that is begun or renewed now. */
const endFrom = (now: Date, { jwt }: Pick<Context['config'], 'jwt'>): Date => new Date(now.getTime() + jwt.refreshTtlSeconds * 1_000);

/** The credentials of a session, for its client: the refresh token goes into the cookie where one is asked for, and nowhere else. */
export const handOut = async (
  { tokens, config, sessionCookie }: Pick<Context, 'tokens' | 'config' | 'sessionCookie'>,
  subject: { readonly userId: string; readonly sessionId: string },
  refreshToken: string,
): Promise<Credentials> => {
  const access = await tokens.issue(subject);
  sessionCookie?.keep(refreshToken, config.jwt.refreshTtlSeconds);
  return { access, refreshToken: sessionCookie === null ? refreshToken : null };
};

/** The mutation by which a session begins. */
type Act =
  'register' | 'login' | 'finishLogin' | 'joinAsGuest' | 'confirmSignIn' | 'loginWithOidc' | 'loginWithPasskey' | 'registerWithOidc';

/**
 * Creates a session for a user who has authenticated.
 * @param act by which mutation, for the audit
 * @param deviceToken the one that the device has
 */
export const startSession = async (
  context: SessionContext & Pick<Context, 'client' | 'secretDigest'>,
  userId: string,
  act: Act,
  deviceToken?: string | null,
): Promise<Credentials> => {
  const { db, clock, config, client } = context;
  const refreshToken = newRefreshToken();
  const { family, whole } = digestsOf(refreshToken);
  const now = new Date(clock.now());
  const sessionId = await db.transact(async (tx) => {
    await endBeyond(tx, now, userId, MAX_SESSIONS - 1);
    const { id } = await tx.session.create({
      data: {
        userId,
        familyHash: family,
        refreshHash: whole,
        rotationSecret: newRotationSecret(),
        rotatedAt: now,
        createdAt: now,
        lastUsedAt: now,
        expiresAt: endFrom(now, config),
        userAgent: client.userAgent,
        ip: client.ip,
        origin: addressDigest(context),
      },
      select: { id: true },
    });
    tx.audit(act, { type: 'User', id: userId }, {}, userId);
    if (TOLD.has(act) && !isKnownDevice(context, userId, deviceToken)) sendMail(tx, context, newDeviceMail, { sessionId: id });
    return id;
  });
  const credentials = await handOut(context, { userId, sessionId }, refreshToken);
  return { ...credentials, deviceToken: deviceTokenFor(context, userId, deviceToken) };
};

/** {@link startSession} in the transaction of what shows who somebody is. */
export const startSessionIn = async (
  tx: Tx,
  context: Context,
  ...session: [userId: string, act: Act, deviceToken?: string | null]
): Promise<Credentials> => await startSession(freshContext(context, { db: within(context.db, tx) }), ...session);

/** The acts by which a new device is told of: of the others, the owner of the account has just read a mail, or has just made it. */
const TOLD: ReadonlySet<Act> = new Set(['login', 'finishLogin', 'loginWithOidc', 'loginWithPasskey']);

/** A session as it is found by a refresh token. */
interface Family {
  readonly id: string;
  readonly userId: string;
  readonly rotationSecret: Uint8Array;
  /** Whether the first half of the token is the family's secret. */
  readonly known: boolean;
  readonly isPresent: boolean;
  /** Whether the token is the one before the present one, and was exchanged a moment ago. */
  readonly isRecent: boolean;
  readonly suspension: StoredSuspension | null;
}

/**
 * Exchanges a refresh token for new credentials and extends the session. Concurrent exchanges of one token all get the same next token, and so does
 * one that comes within {@link ROTATION_GRACE_MS} after it. Whatever other token of the session comes back was exchanged before: somebody else has a
 * copy of it, so the session ends.
 * @throws UNAUTHENTICATED for a token that is unknown, used, expired or revoked; LOCKED while the account is suspended
 */
export const refreshSession = async (
  context: SessionContext,
  refreshToken: string,
): Promise<{ readonly credentials: Credentials; readonly userId: string }> => {
  const { db, clock, config, log } = context;
  const { family, whole } = digestsOf(refreshToken);
  const now = new Date(clock.now());
  // Who loses the race for the row finds the token exchanged a moment ago when it looks again.
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const [found] = await db.prisma.$queryRaw<Family[]>`
      SELECT session.id, user_id AS "userId", rotation_secret AS "rotationSecret", coalesce(family_hash = ${family}, false) AS known,
        refresh_hash = ${whole} AS "isPresent",
        coalesce(previous_hash = ${whole} AND rotated_at > ${new Date(now.getTime() - ROTATION_GRACE_MS)}, false) AS "isRecent",
        ${suspensionOf(Prisma.sql`holder`, now)} AS suspension
      FROM session JOIN "user" holder ON holder.id = session.user_id
      WHERE (family_hash = ${family} OR refresh_hash = ${whole} OR previous_hash = ${whole})
        AND revoked_at IS NULL AND expires_at > ${now}`;
    if (found === undefined) break;
    const { id, userId, suspension } = found;
    if (suspension !== null && (found.isPresent || found.isRecent)) throw locked(suspension);
    const next = nextRefreshToken(refreshToken, found.known, found.rotationSecret);
    if (found.isPresent) {
      const digests = digestsOf(next);
      const { count } = await db.prisma.session.updateMany({
        where: { id, refreshHash: whole, revokedAt: null },
        data: {
          familyHash: digests.family,
          refreshHash: digests.whole,
          previousHash: whole,
          rotatedAt: now,
          lastUsedAt: now,
          expiresAt: endFrom(now, config),
        },
      });
      if (count === 0) continue;
    } else if (!found.isRecent) {
      await db.transact(async (tx) => {
        await revoke(tx, now, { id });
        tx.audit('refreshTokenCameBack', { type: 'User', id: userId });
        alertAdministrators(tx, 'REFRESH_TOKEN_CAME_BACK', { subject: { type: 'User', id: userId } });
      });
      log.warn({ sessionId: id, userId }, 'a used refresh token came back: its session is revoked');
      break;
    }
    return { credentials: await handOut(context, { userId, sessionId: id }, next), userId };
  }
  throw noSuchSession();
};

export const noSuchSession = () => coded('UNAUTHENTICATED', 'The refresh token is not valid. Sign in again.');

/** The session that a refresh token is good for, or was until a moment ago; null for any other. */
export const findByRefreshToken = async (
  { db, clock }: Pick<Context, 'db' | 'clock'>,
  refreshToken: string,
): Promise<Pick<Session, 'id' | 'userId'> | null> => {
  const { whole } = digestsOf(refreshToken);
  return await db.prisma.session.findFirst({
    where: { OR: [{ refreshHash: whole }, { previousHash: whole }], revokedAt: null, expiresAt: { gt: new Date(clock.now()) } },
    select: { id: true, userId: true },
  });
};

/** Ends a session: its refresh token and its access tokens are refused from now on. */
export const endSession = async (
  { db, clock }: Pick<Context, 'db' | 'clock'>,
  { id, userId }: Pick<Session, 'id' | 'userId'>,
): Promise<void> => {
  await db.transact(async (tx) => {
    await revoke(tx, new Date(clock.now()), { id });
    tx.audit('logout', { type: 'User', id: userId });
  });
};

/** Which sessions of a user are meant: all where nothing is said. */
interface Which {
  readonly only?: string;
  readonly except?: string;
}

/**
 * Ends sessions of a user, within the transaction of what they are ended for; unless only one is meant, the tokens that issuers have made for them until now
 * are refused as well.
 * @returns how many have ended
 */
export const endSessionsIn = async (tx: Tx, now: Date, userId: string, { only, except }: Which = {}): Promise<number> => {
  if (only === undefined) {
    const { count } = await tx.identity.updateMany({ where: { userId }, data: { tokensFrom: now } });
    if (count > 0) tx.emit(rightsLog, userId, 'IssuerTokensEnded', null);
  }
  const id = { ...(only === undefined ? {} : { equals: only }), ...(except === undefined ? {} : { not: except }) };
  return (await revoke(tx, now, { ...active(userId, now), id })).length;
};

/**
 * Gives a session another family of refresh tokens: whoever has one of before has nothing. The session goes on, and its sockets with it.
 * @returns its first token
 * @throws UNAUTHENTICATED when the session has ended meanwhile
 */
export const renewFamily = async (tx: Tx, now: Date, sessionId: string): Promise<string> => {
  const refreshToken = newRefreshToken();
  const { family, whole } = digestsOf(refreshToken);
  const { count } = await tx.session.updateMany({
    where: { id: sessionId, revokedAt: null },
    data: {
      familyHash: family,
      refreshHash: whole,
      previousHash: null,
      rotationSecret: newRotationSecret(),
      rotatedAt: now,
      lastUsedAt: now,
    },
  });
  if (count === 0) throw notSignedIn();
  return refreshToken;
};

/** What a user is shown of their sessions. */
export type ListedSession = Pick<Session, 'id' | 'userAgent' | 'ip' | 'createdAt' | 'lastUsedAt' | 'expiresAt'>;

const active = (userId: string, now: Date): Prisma.SessionWhereInput => ({ userId, revokedAt: null, expiresAt: { gt: now } });

/** The one that was used last first. */
const BY_LAST_USE = [{ lastUsedAt: 'desc' }, { id: 'desc' }] satisfies Prisma.SessionOrderByWithRelationInput[];

const LISTED = { id: true, userAgent: true, ip: true, createdAt: true, lastUsedAt: true, expiresAt: true } as const;

/** An active session of a user; null for one that has ended or is not theirs. */
export const findOwnSession = async (
  { db, clock }: Pick<Context, 'db' | 'clock'>,
  userId: string,
  id: string,
): Promise<ListedSession | null> =>
  await db.prisma.session.findFirst({ where: { ...active(userId, new Date(clock.now())), id }, select: LISTED });

/** The active sessions of a user, the one that was used last first; at most {@link MAX_SESSIONS}. */
export const activeSessions = async ({ db, clock }: Pick<Context, 'db' | 'clock'>, userId: string): Promise<readonly ListedSession[]> =>
  await db.prisma.session.findMany({
    where: active(userId, new Date(clock.now())),
    orderBy: BY_LAST_USE,
    take: MAX_SESSIONS,
    select: LISTED,
  });

/**
 * Ends one of the viewer's sessions; one that has ended stays as it is.
 * @throws NOT_FOUND for a session that is not theirs
 */
export const endOwnSession = async ({ db, clock }: Pick<Context, 'db' | 'clock'>, userId: string, sessionId: string): Promise<void> => {
  await db.transact(async (tx) => {
    if ((await tx.session.count({ where: { id: sessionId, userId } })) === 0) throw notFound('Session');
    await revoke(tx, new Date(clock.now()), { id: sessionId });
    tx.audit('revokeSession', { type: 'User', id: userId });
  });
};

/** {@link endSessionsIn} in a transaction of its own. */
export const endSessions = async ({ db, clock }: Pick<Context, 'db' | 'clock'>, userId: string, which?: Which): Promise<number> =>
  await db.transact((tx) => endSessionsIn(tx, new Date(clock.now()), userId, which));

/** Ends the sessions of a user beyond so many, those that were used least recently. */
const endBeyond = async (tx: Tx, now: Date, userId: string, kept: number): Promise<void> => {
  const beyond = await tx.session.findMany({
    where: active(userId, now),
    orderBy: BY_LAST_USE,
    skip: kept,
    take: MAX_SESSIONS,
    select: { id: true },
  });
  if (beyond.length > 0) await revoke(tx, now, { id: { in: beyond.map(({ id }) => id) } });
};

/** Ends those of the sessions that are still active, and emits the change to their users' rights. */
const revoke = async (
  tx: Tx,
  now: Date,
  where: Prisma.SessionWhereInput,
): Promise<readonly { readonly id: string; readonly userId: string }[]> => {
  const revoked = await tx.session.updateManyAndReturn({
    where: { ...where, revokedAt: null },
    data: { revokedAt: now },
    select: { id: true, userId: true },
  });
  for (const { id, userId } of revoked) tx.emit(rightsLog, userId, 'SessionRevoked', { sessionId: id });
  return revoked;
};

/** The size of a batch, small enough to be written within the statement timeout. */
const BATCH = 5_000;

/** Deletes sessions that were revoked or expired long ago. */
export const deleteOldSessions = async ({ db, clock, config }: Pick<Services, 'db' | 'clock' | 'config'>): Promise<void> => {
  const before = new Date(clock.now() - config.retention.sessionMs);
  for (let swept = BATCH; swept === BATCH;) {
    swept = await db.prisma.$executeRaw`
      DELETE FROM session WHERE id IN (
        SELECT id FROM session WHERE revoked_at < ${before} OR expires_at < ${before} LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
      )`;
  }
};

/** Has sessions that began long ago say no more from where. They go on, and so does what tells whether their user is known there, which is a digest. */
export const forgetOldAddresses = async ({ db, clock, config }: Pick<Services, 'db' | 'clock' | 'config'>): Promise<void> => {
  const before = new Date(clock.now() - config.retention.addressMs);
  for (let swept = BATCH; swept === BATCH;) {
    swept = await db.prisma.$executeRaw`
      UPDATE session SET ip = NULL, user_agent = NULL WHERE id IN (
        SELECT id FROM session WHERE created_at < ${before} AND (ip IS NOT NULL OR user_agent IS NOT NULL) LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
      )`;
  }
};
