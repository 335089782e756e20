import { randomBytes } from 'node:crypto';
import { randomSecretDigest } from '../../access/secret-digest.js';
import type { Context, Services } from '../../context.js';
import type { Invitation, Prisma, Role } from '../../db/generated/prisma/client.js';
import type { Tx } from '../../db/transact.js';
import { notAllowed, viewerOf } from '../../access/viewer.js';
import { badInput, coded, notFound } from '../../errors.js';
import { can } from './rules.js';

/** What an invitation may be at the most, unless an administrator makes it. */
const MAX_USES_OF_OTHERS = 10;
export const MAX_USES = 10_000;
/** How long one is good when nothing else is said, and at the most, in milliseconds. */
const DAY_MS = 24 * 60 * 60 * 1_000;
const DEFAULT_LIFE_MS = 7 * DAY_MS;
const MAX_LIFE_MS = 90 * DAY_MS;
/** How long one is shown after its end. */
const KEPT_AFTER_END_MS = 90 * DAY_MS;

const newCode = (): string => randomBytes(16).toString('base64url');

/** The page that an invitation leads to; its code stands behind `#`, which browsers send to nobody. */
export const invitationUrl = ({ config }: Pick<Services, 'config'>, code: string): string => `${config.publicUrl}/register#${code}`;

/** An invitation and its code, which is shown once. */
export interface Invited {
  readonly invitation: Invitation;
  readonly code: string;
}

/** @throws FORBIDDEN, BAD_USER_INPUT for an end that has been or is too far away, or for more uses than the viewer may give */
export const createInvitation = async (
  context: Context,
  input: {
    readonly maxUses?: number | null | undefined;
    readonly expiresAt?: Date | null | undefined;
    readonly note?: string | null | undefined;
  },
): Promise<Invited> => {
  const viewer = viewerOf(context);
  if (!can(viewer, 'invite', context.config.accounts)) throw notAllowed(context.principal);
  const now = context.clock.now();
  const maxUses = input.maxUses ?? 1;
  const most = can(viewer, 'manageInvitations') ? MAX_USES : MAX_USES_OF_OTHERS;
  if (maxUses > most)
    throw badInput({ path: 'input.maxUses', code: 'TOO_LARGE', message: `Must be at most ${most}.`, params: { max: most } });
  const expiresAt = input.expiresAt ?? new Date(now + DEFAULT_LIFE_MS);
  if (expiresAt.getTime() <= now) throw badInput({ path: 'input.expiresAt', code: 'TOO_SMALL', message: 'Must be in the future.' });
  if (expiresAt.getTime() > now + MAX_LIFE_MS)
    throw badInput({ path: 'input.expiresAt', code: 'TOO_LARGE', message: 'Must be within 90 days.', params: { max: 90 } });
  const code = newCode();
  const invitation = await context.db.prisma.invitation.create({
    data: {
      codeHash: randomSecretDigest(code),
      note: input.note || null,
      maxUses,
      expiresAt,
      createdById: viewer.id,
      createdAt: new Date(now),
    },
  });
  return { invitation, code };
};

/** The invitations that the viewer may see: their own, and of others for administrators. */
export const visibleInvitations = (context: Context): Prisma.InvitationWhereInput => {
  const viewer = viewerOf(context);
  return can(viewer, 'manageInvitations') ? { createdById: { not: null } } : { createdById: viewer.id };
};

/** @throws NOT_FOUND for one that the viewer may not see */
export const findInvitation = async (context: Context, id: string): Promise<Invitation> => {
  const invitation = await context.db.prisma.invitation.findFirst({ where: { AND: [{ id }, visibleInvitations(context)] } });
  if (invitation === null) throw notFound('Invitation');
  return invitation;
};

/** Ends an invitation; one that has ended stays as it is. @throws NOT_FOUND */
export const revokeInvitation = async (context: Context, id: string): Promise<Invitation> => {
  await findInvitation(context, id);
  await context.db.prisma.invitation.updateMany({ where: { id, revokedAt: null }, data: { revokedAt: new Date(context.clock.now()) } });
  return await findInvitation(context, id);
};

/** Whether an invitation can still be used. */
export const isOpen = ({ revokedAt, expiresAt, useCount, maxUses }: Invitation, now: number): boolean =>
  revokedAt === null && expiresAt.getTime() > now && useCount < maxUses;

const noSuchInvitation = () =>
  badInput({ path: 'input.invitation', code: 'NOT_FOUND', message: 'This invitation has been used up, has ended, or was never made.' });

/**
 * Makes sure that an account may be made.
 * @returns what whoever has this invitation becomes
 * @throws FORBIDDEN where no accounts are made, BAD_USER_INPUT without an invitation where one is needed or for one that is not good
 */
export const assertInvited = async ({ db, clock, config }: Services, code: string | null): Promise<Role> => {
  const { registration } = config.accounts;
  const invitation = code === null ? null : await db.prisma.invitation.findUnique({ where: { codeHash: randomSecretDigest(code) } });
  // The first administrator comes in whatever the mode.
  if (invitation?.role === 'ADMIN' && isOpen(invitation, clock.now())) return 'ADMIN';
  if (registration === 'closed') throw coded('FORBIDDEN', 'No accounts are made here.');
  if (code === null) {
    if (registration === 'open') return 'MEMBER';
    throw badInput({ path: 'input.invitation', code: 'REQUIRED', message: 'One needs an invitation here.' });
  }
  if (invitation === null || !isOpen(invitation, clock.now())) throw noSuchInvitation();
  return invitation.role;
};

/**
 * Uses an invitation, once for each transaction that commits.
 * @param as what {@link assertInvited} has said of it
 * @returns what whoever has it becomes
 * @throws BAD_USER_INPUT for one that is not good
 */
export const spendInvitation = async (tx: Tx, now: Date, code: string, as: Role): Promise<Role> => {
  // Two who come at once by two links: the second one waits, and finds that there is an administrator.
  if (as === 'ADMIN') await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended('lyceum first administrator', 0))`;
  const [spent] = await tx.$queryRaw<{ readonly role: Role }[]>`
    UPDATE invitation SET use_count = use_count + 1
    WHERE code_hash = ${randomSecretDigest(code)} AND revoked_at IS NULL AND expires_at > ${now} AND use_count < max_uses
      AND (role <> 'ADMIN' OR NOT EXISTS (SELECT FROM "user" WHERE role = 'ADMIN'))
    RETURNING role::text AS role`;
  if (spent === undefined) throw noSuchInvitation();
  return spent.role;
};

/**
 * Invites the first administrator of a server that has no users.
 * @returns where they make their account, once; null when there are users
 */
export const inviteFirstAdministrator = async (services: Pick<Services, 'db' | 'clock' | 'config'>): Promise<string | null> => {
  const { db, clock } = services;
  if ((await db.prisma.user.findFirst({ select: { id: true } })) !== null) return null;
  const code = newCode();
  const now = clock.now();
  await db.prisma.invitation.create({
    data: {
      codeHash: randomSecretDigest(code),
      role: 'ADMIN',
      maxUses: 1,
      createdAt: new Date(now),
      expiresAt: new Date(now + DEFAULT_LIFE_MS),
    },
  });
  return invitationUrl(services, code);
};

/** Deletes invitations that ended long ago. */
export const deleteOldInvitations = async ({ db, clock }: Pick<Services, 'db' | 'clock'>): Promise<void> => {
  await db.prisma.invitation.deleteMany({ where: { expiresAt: { lt: new Date(clock.now() - KEPT_AFTER_END_MS) } } });
};
