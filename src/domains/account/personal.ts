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
        suspended_until AS "suspendedUntil", suspension_reason AS "suspensionReason"`,
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
      title: 'API keys of yours',
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
    table: 'login_guess',
    exported: 'Keyed digests of accounts and addresses, which lead back to nobody; kept for a day.',
    afterwards: 'Removed after a day.',
  },
];
