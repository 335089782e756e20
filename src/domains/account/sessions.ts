import { createHash, randomBytes } from 'node:crypto';
import type { AccessToken, Context, Services } from '../../context.js';
import type { Prisma } from '../../db/generated/prisma/client.js';
import type { Tx } from '../../db/transact.js';
import { coded } from '../../errors.js';
import { rightsLog } from './topics.js';

/** The tokens that a client gets for a session. */
export interface Credentials {
  readonly access: AccessToken;
  readonly refreshToken: string;
}

type SessionContext = Pick<Context, 'db' | 'clock' | 'config' | 'log' | 'tokens'>;

/**
 * How long after a rotation the previous refresh token may be used without ending the session, in milliseconds. Example: two tabs refresh
 * at the same moment, or a client has lost the response and tries again.
 */
const ROTATION_GRACE_MS = 10_000;

const newRefreshToken = (): string => randomBytes(32).toString('base64url');

/** Plain SHA-256 suffices for a secret of 256 random bits. */
const digest = (refreshToken: string): Uint8Array<ArrayBuffer> => new Uint8Array(createHash('sha256').update(refreshToken).digest());

/** Creates a session for a user who has authenticated. */
export const startSession = async (context: SessionContext & Pick<Context, 'client'>, userId: string): Promise<Credentials> => {
  const { db, clock, config, tokens, client } = context;
  const refreshToken = newRefreshToken();
  const now = new Date(clock.now());
  const { id } = await db.prisma.session.create({
    data: {
      userId,
      refreshHash: digest(refreshToken),
      rotatedAt: now,
      createdAt: now,
      lastUsedAt: now,
      expiresAt: new Date(now.getTime() + config.jwt.refreshTtlSeconds * 1_000),
      userAgent: client.userAgent,
      ip: client.ip,
    },
    select: { id: true },
  });
  return { access: await tokens.issue({ userId, sessionId: id }), refreshToken };
};

/**
 * Exchanges a refresh token for new credentials and extends the session. Of several concurrent exchanges of one token exactly one succeeds.
 * When a token is used again long after its exchange, somebody else has a copy of it, so the session ends.
 * @throws UNAUTHENTICATED for a token that is unknown, used, expired or revoked
 */
export const refreshSession = async (context: SessionContext, refreshToken: string): Promise<Credentials> => {
  const { db, clock, config, log, tokens } = context;
  const given = digest(refreshToken);
  const next = newRefreshToken();
  const now = new Date(clock.now());
  const expiresAt = new Date(now.getTime() + config.jwt.refreshTtlSeconds * 1_000);
  // A single statement, so the second of two concurrent exchanges waits for the row's lock, evaluates its condition again and finds another
  // hash.
  const [session] = await db.prisma.$queryRaw<{ readonly id: string; readonly userId: string }[]>`
    UPDATE session
    SET refresh_hash = ${digest(next)}, previous_hash = refresh_hash, rotated_at = ${now}, last_used_at = ${now},
      expires_at = ${expiresAt}
    WHERE refresh_hash = ${given} AND revoked_at IS NULL AND expires_at > ${now}
    RETURNING id, user_id AS "userId"`;
  if (session !== undefined) {
    return { access: await tokens.issue({ userId: session.userId, sessionId: session.id }), refreshToken: next };
  }
  const [stolen] = await db.transact((tx) =>
    revoke(tx, now, { previousHash: given, rotatedAt: { lt: new Date(now.getTime() - ROTATION_GRACE_MS) } }),
  );
  if (stolen !== undefined)
    log.warn({ sessionId: stolen.id, userId: stolen.userId }, 'a used refresh token came back: its session is revoked');
  throw coded('UNAUTHENTICATED', 'The refresh token is not valid. Sign in again.');
};

/** Ends a session: its refresh token and its access tokens are refused from now on. */
export const endSession = async ({ db, clock }: Pick<Context, 'db' | 'clock'>, sessionId: string): Promise<void> => {
  await db.transact((tx) => revoke(tx, new Date(clock.now()), { id: sessionId }));
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

/** How long the row of an ended session is kept, in milliseconds: 30 days, for the investigation of incidents. */
const KEPT_AFTER_END_MS = 30 * 24 * 60 * 60 * 1_000;
/** The size of a batch, small enough to be deleted within the statement timeout. */
const DELETE_BATCH = 5_000;

/** Deletes sessions that were revoked or expired long ago. */
export const deleteOldSessions = async ({ db, clock }: Pick<Services, 'db' | 'clock'>): Promise<void> => {
  const before = new Date(clock.now() - KEPT_AFTER_END_MS);
  for (let swept = DELETE_BATCH; swept === DELETE_BATCH;) {
    swept = await db.prisma.$executeRaw`
      DELETE FROM session WHERE id IN (
        SELECT id FROM session WHERE revoked_at < ${before} OR expires_at < ${before} LIMIT ${DELETE_BATCH} FOR UPDATE SKIP LOCKED
      )`;
  }
};
