import { randomBytes } from 'node:crypto';
import type { Context } from '../../context.js';
import { forgetPerson } from '../../db/audit.js';
import type { Tx } from '../../db/transact.js';
import { coded } from '../../errors.js';
import { forgetStreams } from '../../realtime/log-retention.js';
import { viewerOf } from '../../access/viewer.js';
import { isForeignKeyViolation } from '../../observability/failures.js';
import { findUser, lockAdministrators } from './account.js';
import { assertPassword } from './present-password.js';
import { deleteFactors } from './second-factor.js';
import { DELETED_PREFIX } from './rules.js';
import { endSessionsIn } from './sessions.js';
import { alertAdministrators } from '../audit/topics.js';
import { rightsLog } from './topics.js';
import { Prisma } from '../../db/generated/prisma/client.js';
import { textOr, TIME_TYPE, UUID_TYPE, type PersonalTable } from '../../db/personal-data.js';

const CREATED_AND_ID = [
  [Prisma.sql`created_at`, TIME_TYPE],
  [Prisma.sql`id`, UUID_TYPE],
] as const;

export const personalOfAccount: readonly PersonalTable[] = [
  {
    table: 'user',
    exported: {
      name: 'profile',
      title: 'Your profile',
      columns: Prisma.sql`id, username, display_name AS "displayName", bio, status, role, email, email_verified_at AS "emailVerifiedAt",
        pending_email AS "pendingEmail", locale, time_zone AS "timeZone", created_at AS "createdAt", suspended_at AS "suspendedAt",
        suspended_until AS "suspendedUntil", suspension_reason AS "suspensionReason", terms_version AS "termsVersion",
        terms_accepted_at AS "termsAcceptedAt", messages_from AS "messagesFrom", is_listed AS "isListed"`,
      from: Prisma.sql`"user"`,
      of: (userId) => Prisma.sql`id = ${userId}`,
      order: [[Prisma.sql`id`, UUID_TYPE]],
      markdown: ({ username, displayName, bio, email, createdAt }) =>
        `- Name: ${String(displayName)} (@${String(username)})\n- Mail: ${textOr(email, 'none')}\n- Since: ${String(createdAt)}\n\n${textOr(bio, '')}\n`,
    },
    afterwards:
      'Name, mail address, password and all else that the account says are removed at once. An empty row stays where something that others rely on refers to it.',
  },
  {
    table: 'session',
    exported: {
      name: 'sessions',
      title: 'Where you were signed in',
      columns: Prisma.sql`id, user_agent AS "userAgent", ip, created_at AS "createdAt", last_used_at AS "lastUsedAt", expires_at AS "expiresAt",
        revoked_at AS "revokedAt"`,
      from: Prisma.sql`session`,
      of: (userId) => Prisma.sql`user_id = ${userId}`,
      order: CREATED_AND_ID,
    },
    afterwards: 'Removed at once.',
  },
  {
    table: 'api_key',
    exported: {
      name: 'api-keys',
      title: 'Your API keys, without their secrets',
      columns: Prisma.sql`name, start, scopes, created_at AS "createdAt", expires_at AS "expiresAt", last_used_at AS "lastUsedAt", revoked_at AS "revokedAt"`,
      from: Prisma.sql`api_key`,
      of: (userId) => Prisma.sql`user_id = ${userId}`,
      order: CREATED_AND_ID,
    },
    afterwards: 'Removed at once.',
  },
  {
    table: 'identity',
    exported: {
      name: 'identities',
      title: 'By which other servers you sign in',
      columns: Prisma.sql`issuer, subject, email, created_at AS "createdAt", last_used_at AS "lastUsedAt"`,
      from: Prisma.sql`identity`,
      of: (userId) => Prisma.sql`user_id = ${userId}`,
      order: CREATED_AND_ID,
    },
    afterwards: 'Removed at once.',
  },
  {
    table: 'oidc_attempt',
    exported: {
      name: 'identities-being-linked',
      title: 'Sign-ins by other servers that you have begun to link',
      columns: Prisma.sql`issuer, purpose, redirect_uri AS "redirectUri", expires_at AS "expiresAt"`,
      from: Prisma.sql`oidc_attempt`,
      of: (userId) => Prisma.sql`user_id = ${userId}`,
      order: [[Prisma.sql`expires_at`, TIME_TYPE]],
    },
    afterwards: 'Removed at once.',
  },
  {
    table: 'account_link',
    exported: {
      name: 'mailed-links',
      title: 'Links that were mailed to you',
      columns: Prisma.sql`purpose, email_key AS "sentTo", created_at AS "createdAt", expires_at AS "expiresAt", used_at AS "usedAt"`,
      from: Prisma.sql`account_link`,
      of: (userId) => Prisma.sql`user_id = ${userId}`,
      order: CREATED_AND_ID,
    },
    afterwards: 'Removed at once.',
  },
  {
    table: 'invitation',
    exported: {
      name: 'invitations',
      title: 'Invitations that you have made',
      columns: Prisma.sql`note, max_uses AS "maxUses", use_count AS "useCount", created_at AS "createdAt", expires_at AS "expiresAt", revoked_at AS "revokedAt"`,
      from: Prisma.sql`invitation`,
      of: (userId) => Prisma.sql`created_by_id = ${userId}`,
      order: CREATED_AND_ID,
    },
    afterwards: 'Removed at once.',
  },
  {
    table: 'totp',
    exported: {
      name: 'authenticator-app',
      title: 'The app whose codes you sign in with',
      columns: Prisma.sql`created_at AS "createdAt", confirmed_at AS "confirmedAt"`,
      from: Prisma.sql`totp`,
      of: (userId) => Prisma.sql`user_id = ${userId}`,
      order: [[Prisma.sql`user_id`, UUID_TYPE]],
    },
    afterwards: 'Removed at once.',
  },
  {
    table: 'passkey',
    exported: {
      name: 'passkeys',
      title: 'Your passkeys',
      columns: Prisma.sql`id, name, is_backed_up AS "isBackedUp", transports, created_at AS "createdAt", last_used_at AS "lastUsedAt"`,
      from: Prisma.sql`passkey`,
      of: (userId) => Prisma.sql`user_id = ${userId}`,
      order: [[Prisma.sql`id`, UUID_TYPE]],
    },
    afterwards: 'Removed at once.',
  },
  {
    table: 'recovery_code',
    exported: 'Digests of codes, of which nothing can be read.',
    afterwards: 'Removed at once.',
  },
  {
    table: 'login_guess',
    exported: 'Keyed digests of accounts and addresses, which lead back to nobody; kept for a day.',
    afterwards: 'Removed after a day.',
  },
];

/** What everyone is called whose account was deleted; a frontend has its own words for `isDeleted`. */
const DELETED_NAME = 'Deleted user';

/** Makes sure that it is the owner who closes an account. @throws BAD_USER_INPUT, RATE_LIMITED, as for any password */
export const assertOwner = async (context: Context, password: string | null | undefined): Promise<void> => {
  const user = await findUser(context, viewerOf(context).id);
  // Guests, and those who sign in by other means, have none.
  if (user.passwordHash !== null) await assertPassword(context, user, password ?? '', 'input.password');
};

/**
 * Closes the account of the viewer for good: nothing says any more who they were, nobody gets in by it, and all its sessions, sockets and streams end. What
 * they have written is another matter.
 * @throws CONFLICT when nobody would be left who administers
 */
export const closeAccount = async (tx: Tx, context: Context): Promise<void> => {
  const { id } = viewerOf(context);
  const now = new Date(context.clock.now());
  const administrators = await lockAdministrators(tx, now);
  if (administrators.length === 1 && administrators[0] === id)
    throw coded('CONFLICT', 'Nobody would be left who administers. Make somebody else an administrator first.');
  const username = `${DELETED_PREFIX}${randomBytes(8).toString('hex')}`;
  await tx.user.update({
    where: { id },
    data: {
      ...{ username, usernameKey: username, displayName: DELETED_NAME, isDeleted: true, isListed: false, role: 'GUEST' },
      ...{ bio: null, status: null, locale: null, timeZone: null, passwordHash: null },
      ...{ email: null, emailKey: null, emailVerifiedAt: null, pendingEmail: null, pendingEmailKey: null },
      ...{ suspendedAt: null, suspendedUntil: null, suspensionReason: null, termsVersion: null, termsAcceptedAt: null },
    },
    select: { id: true },
  });
  await endSessionsIn(tx, now, id);
  await tx.session.deleteMany({ where: { userId: id } });
  await tx.accountLink.deleteMany({ where: { userId: id } });
  await tx.invitation.deleteMany({ where: { createdById: id } });
  await tx.identity.deleteMany({ where: { userId: id } });
  await tx.oidcAttempt.deleteMany({ where: { userId: id } });
  await tx.apiKey.deleteMany({ where: { userId: id } });
  await deleteFactors(tx, id);
  tx.emit(rightsLog, id, 'RoleChanged', null);
  await forgetPerson(tx, id);
  alertAdministrators(tx, 'AUDIT_KEY_DESTROYED', { subject: { type: 'User', id } });
};

/** Removes the row of an account that was deleted, with the events of its rights, if nothing refers to it any more. */
export const removeAccount = async ({ db }: Pick<Context, 'db'>, userId: string): Promise<void> => {
  await db.transact((tx) => forgetStreams(tx, [rightsLog], [userId]));
  await db.prisma.user.deleteMany({ where: { id: userId, isDeleted: true } }).catch((error: unknown) => {
    if (!isForeignKeyViolation(error)) throw error;
  });
};
