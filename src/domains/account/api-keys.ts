import { randomSecretDigest } from '../../access/secret-digest.js';
import { knownScopes, type Scope } from '../../access/scopes.js';
import { viewerOf } from '../../access/viewer.js';
import type { Context, Services } from '../../context.js';
import type { ApiKey, Prisma } from '../../db/generated/prisma/client.js';
import type { Tx } from '../../db/transact.js';
import { badInput, coded, notFound } from '../../errors.js';
import { sendMail } from '../../jobs/mail.js';
import { newApiKeySecret, startOf } from './api-key-secret.js';
import { newApiKeyMail } from './mails.js';
import { can } from './rules.js';
import { rightsLog } from './topics.js';

/** The most keys of one user that are good at a time. */
export const MAX_API_KEYS = 20;

const DAY_MS = 24 * 60 * 60 * 1_000;
/** How many days a key is good when nothing else is said, and at the most. */
export const DEFAULT_LIFE_DAYS = 90;
export const MAX_LIFE_DAYS = 366;

/** How exactly it is known when a key was last used, in milliseconds: it is not written down with each request. */
export const USE_NOTED_EVERY_MS = 10 * 60 * 1_000;

/** What a user is shown of their keys. */
export type ListedApiKey = Pick<ApiKey, 'id' | 'name' | 'start' | 'scopes' | 'createdAt' | 'expiresAt' | 'lastUsedAt'>;

const LISTED = { id: true, name: true, start: true, scopes: true, createdAt: true, expiresAt: true, lastUsedAt: true } as const;

const good = (userId: string, now: Date): Prisma.ApiKeyWhereInput => ({ userId, revokedAt: null, expiresAt: { gt: now } });

interface NewApiKey {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly expiresAt?: Date | null | undefined;
}

/** The end of a new key. @throws BAD_USER_INPUT */
const endOf = (given: Date | null | undefined, now: number): Date => {
  const expiresAt = given ?? new Date(now + DEFAULT_LIFE_DAYS * DAY_MS);
  if (expiresAt.getTime() <= now) throw badInput({ path: 'input.expiresAt', code: 'TOO_SMALL', message: 'Must be in the future.' });
  if (expiresAt.getTime() > now + MAX_LIFE_DAYS * DAY_MS) {
    const message = `Must be within ${MAX_LIFE_DAYS} days.`;
    throw badInput({ path: 'input.expiresAt', code: 'TOO_LARGE', message, params: { max: MAX_LIFE_DAYS } });
  }
  return expiresAt;
};

/**
 * Makes a key of the viewer, in the transaction of the mutation. Its secret is known to whoever gets this answer and to nobody else.
 * @throws BAD_USER_INPUT for an end that has been or is too far away, and for a scope beyond the viewer's role; CONFLICT when they have
 *   {@link MAX_API_KEYS}
 */
export const createApiKey = async (
  context: Context,
  { name, scopes, expiresAt: given }: NewApiKey,
): Promise<{ readonly apiKey: ListedApiKey; readonly secret: string }> => {
  const viewer = viewerOf(context);
  const now = new Date(context.clock.now());
  const expiresAt = endOf(given, now.getTime());
  if (scopes.includes('ADMIN') && !can(viewer, 'createAdminKey'))
    throw badInput({ path: 'input.scopes', code: 'NOT_ALLOWED', message: 'ADMIN is for the keys of moderators and administrators.' });
  const secret = newApiKeySecret();
  const apiKey = await context.db.transact(async (tx) => {
    // Several keys that are made at once are counted one after the other.
    await tx.$queryRaw`SELECT FROM "user" WHERE id = ${viewer.id}::uuid FOR NO KEY UPDATE`;
    if ((await tx.apiKey.count({ where: good(viewer.id, now) })) >= MAX_API_KEYS)
      throw coded('CONFLICT', `Nobody may have more than ${MAX_API_KEYS} keys. Revoke one first.`);
    const made = await tx.apiKey.create({
      data: {
        userId: viewer.id,
        name,
        start: startOf(secret),
        secretHash: randomSecretDigest(secret),
        // Every key may read: what a mutation answers is read, too.
        scopes: knownScopes(['READ', ...scopes]),
        createdAt: now,
        expiresAt,
      },
      select: LISTED,
    });
    sendMail(tx, context, newApiKeyMail, { apiKeyId: made.id });
    return made;
  });
  return { apiKey, secret };
};

/** A good key of a user; null for one that has ended or is not theirs. */
export const findOwnApiKey = async (
  { db, clock }: Pick<Context, 'db' | 'clock'>,
  userId: string,
  id: string,
): Promise<ListedApiKey | null> =>
  await db.prisma.apiKey.findFirst({ where: { ...good(userId, new Date(clock.now())), id }, select: LISTED });

/** The good keys of a user, the one that was made last first; at most {@link MAX_API_KEYS}. */
export const apiKeysOf = async ({ db, clock }: Pick<Context, 'db' | 'clock'>, userId: string): Promise<readonly ListedApiKey[]> =>
  await db.prisma.apiKey.findMany({
    where: good(userId, new Date(clock.now())),
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
    take: MAX_API_KEYS,
    select: LISTED,
  });

/**
 * Ends one of the viewer's keys; one that has ended stays as it is.
 * @throws NOT_FOUND for a key that is not theirs
 */
export const revokeOwnApiKey = async ({ db, clock }: Pick<Context, 'db' | 'clock'>, userId: string, id: string): Promise<void> => {
  await db.transact(async (tx) => {
    if ((await tx.apiKey.count({ where: { id, userId } })) === 0) throw notFound('ApiKey');
    await revoke(tx, new Date(clock.now()), { id });
  });
};

/** Ends all keys of a user, within the transaction of what they are ended for. */
export const endApiKeysIn = async (tx: Tx, now: Date, userId: string): Promise<number> =>
  await revoke(tx, now, { userId, expiresAt: { gt: now } });

/** Ends those of the keys that are still good, and emits the change to their users' rights. */
const revoke = async (tx: Tx, now: Date, where: Prisma.ApiKeyWhereInput): Promise<number> => {
  const revoked = await tx.apiKey.updateManyAndReturn({
    where: { ...where, revokedAt: null },
    data: { revokedAt: now },
    select: { id: true, userId: true },
  });
  for (const { id, userId } of revoked) tx.emit(rightsLog, userId, 'ApiKeyRevoked', { apiKeyId: id });
  return revoked.length;
};

/** Notes that keys are in use. That it fails, as while the database takes no writes, is no reason to refuse them. */
export const noteUse = async ({ db, log }: Pick<Services, 'db' | 'log'>, ids: readonly string[], now: Date): Promise<void> => {
  if (ids.length === 0) return;
  const before = new Date(now.getTime() - USE_NOTED_EVERY_MS);
  try {
    await db.prisma.apiKey.updateMany({
      where: { id: { in: [...ids] }, OR: [{ lastUsedAt: null }, { lastUsedAt: { lt: before } }] },
      data: { lastUsedAt: now },
    });
  } catch (error) {
    log.debug({ err: error instanceof Error ? error.message : String(error) }, 'the use of API keys could not be noted');
  }
};

/** How long the row of a key that has ended is kept: for the investigation of incidents. */
const KEPT_AFTER_END_MS = 90 * DAY_MS;

/** Deletes keys that ended long ago. */
export const deleteOldApiKeys = async ({ db, clock }: Pick<Services, 'db' | 'clock'>): Promise<void> => {
  const before = new Date(clock.now() - KEPT_AFTER_END_MS);
  await db.prisma.apiKey.deleteMany({ where: { OR: [{ revokedAt: { lt: before } }, { expiresAt: { lt: before } }] } });
};
