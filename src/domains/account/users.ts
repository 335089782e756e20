import { randomInt } from 'node:crypto';
import type { Context, Services } from '../../context.js';
import { isUniqueViolation } from '../../observability/failures.js';
import { Prisma, type Role, type User } from '../../db/generated/prisma/client.js';
import type { Tx } from '../../db/transact.js';
import type { Keyset } from '../../db/keyset.js';
import type { RootList } from '../../db/lists.js';
import { contains, keyContains } from '../../db/search.js';
import { badInput, coded, fieldErrors } from '../../errors.js';
import { sendMail } from '../../jobs/mail.js';
import { hashPassword } from '../../access/passwords.js';
import { notAllowed, viewerOf } from '../../access/viewer.js';
import { findUser } from './account.js';
import { emailAddressOf, type EmailAddress } from './email-address.js';
import { assertMailDomain } from './email.js';
import { assertInvited, spendInvitation } from './invitations.js';
import { verificationMail } from './mails.js';
import { assertStrong } from './password.js';
import { can, GUEST_PREFIX, isReserved, usernameKey } from './rules.js';
import { rightsLog } from './topics.js';

/** What somebody says of themselves. */
interface OfProfile {
  readonly bio?: string | null | undefined;
  readonly locale?: string | null | undefined;
  readonly timeZone?: string | null | undefined;
}

export interface NewMember extends OfProfile {
  readonly invitation?: string | null | undefined;
  readonly username: string;
  readonly email: string | null;
  /** By what they will sign in. */
  readonly by: ByPassword | ByIdentity;
  /** What they have accepted. */
  readonly consent?: Partial<Pick<User, 'termsVersion' | 'termsAcceptedAt'>>;
  /** Defaults to the username. */
  readonly displayName?: string | null | undefined;
}

interface ByPassword {
  readonly password: string;
}

/** Who they are at an issuer, which `attach` writes with the account. */
interface ByIdentity {
  readonly attach: (tx: Tx, user: User) => Promise<void>;
  /** Whether it is known that the address is theirs. */
  readonly isEmailTheirs: boolean;
}

/** In the order of creation. */
export const oldestFirst: Keyset<Pick<User, 'id' | 'createdAt'>> = {
  name: 'users',
  columns: [
    { field: 'createdAt', type: 'date', direction: 'asc', value: (user) => user.createdAt },
    { field: 'id', type: 'uuid', direction: 'asc', value: (user) => user.id },
  ],
};

/**
 * Creates a user from validated input, and asks by mail whether the address is theirs, unless that is known. Until it is confirmed it belongs to nobody:
 * the account is made in the same way, and as quickly, when somebody else has the address, who is told of it by mail.
 * @throws FORBIDDEN where no accounts are made; BAD_USER_INPUT for a name that misleads, an address of a blocked domain, a password that is easily guessed,
 *   or without an invitation where one is needed; CONFLICT when the username is taken
 */
export const createMember = async (services: Services, input: NewMember): Promise<User> => {
  const { clock } = services;
  return await withAccount(services, input, async (tx, account, role) => {
    return await tx.user.create({
      data: {
        ...account,
        ...input.consent,
        displayName: input.displayName ?? input.username,
        bio: input.bio ?? null,
        locale: input.locale ?? null,
        timeZone: input.timeZone ?? null,
        role,
        createdAt: new Date(clock.now()),
      },
    });
  });
};

/**
 * Makes a member of the viewer, who is a guest: they keep what they wrote, and their session. The rules are those of {@link createMember}.
 * @throws CONFLICT also for somebody who has an account, and the same as {@link createMember}
 */
export const claimAccount = async (context: Context, input: Omit<NewMember, 'displayName' | keyof OfProfile>): Promise<User> => {
  const { id } = viewerOf(context);
  const { displayName, role: before } = await findUser(context, id);
  if (before !== 'GUEST') throw hasAccount();
  return await withAccount(context, { ...input, displayName }, async (tx, account, role) => {
    const [user] = await tx.user.updateManyAndReturn({ where: { id, role: 'GUEST' }, data: { ...account, role } });
    if (user === undefined) throw hasAccount();
    tx.emit(rightsLog, id, 'RoleChanged', null);
    tx.audit('claimAccount', { type: 'User', id });
    return user;
  });
};

export const hasAccount = () => coded('CONFLICT', 'You have an account already.');

/** What makes a member of somebody. */
type Account = Pick<
  Prisma.UserUncheckedCreateInput,
  'username' | 'usernameKey' | 'email' | 'emailKey' | 'emailVerifiedAt' | 'pendingEmail' | 'pendingEmailKey' | 'passwordHash'
>;

/** Checks what a new account is to be, and has it written. */
const withAccount = async (
  services: Services,
  input: Omit<NewMember, keyof OfProfile>,
  write: (tx: Tx, account: Account, role: Role) => Promise<User>,
): Promise<User> => {
  const { db, clock, limits } = services;
  const { username, by, invitation = null } = input;
  const email = input.email === null ? null : emailAddressOf(input.email);
  const invitedAs = await assertInvited(services, invitation);
  // Whoever comes first may be called what they are.
  if (isReserved(username) && invitedAs !== 'ADMIN') throw badInput({ path: 'input.username', code: 'RESERVED', message: 'Is reserved.' });
  if (email !== null) assertMailDomain(services, email, 'password' in by ? 'input.email' : 'input.token');
  // This check saves the hashing; the one within the transaction is what counts.
  await assertFree(db.prisma, username);
  let passwordHash: string | null = null;
  if ('password' in by) {
    await assertStrong(services, by.password, [username, input.displayName, email?.written], 'input.password');
    passwordHash = await hashPassword(by.password);
  }
  // Beyond the limit there is an account, and no mail: an address is neither flooded nor kept from anybody.
  const isMailed = email !== null && (await limits.isAllowed('mailToAddress', email.key));
  const now = new Date(clock.now());
  try {
    return await db.transact(async (tx) => {
      await lockSkeleton(tx, username);
      await assertFree(tx, username);
      const role = invitation === null ? 'MEMBER' : await spendInvitation(tx, now, invitation, invitedAs);
      const isTheirs = email !== null && 'attach' in by && by.isEmailTheirs && (await isUnused(tx, email));
      const address = isTheirs
        ? { email: email.written, emailKey: email.key, emailVerifiedAt: now }
        : { pendingEmail: email?.written ?? null, pendingEmailKey: email?.key ?? null };
      const user = await write(tx, { username, usernameKey: usernameKey(username), ...address, passwordHash }, role);
      if ('attach' in by) await by.attach(tx, user);
      if (isMailed && !isTheirs) sendMail(tx, services, verificationMail, { userId: user.id });
      return user;
    });
  } catch (error) {
    if (isUniqueViolation(error)) await assertFree(db.prisma, username);
    throw error;
  }
};

/** Whether no account has this address. */
const isUnused = async (tx: Tx, { key }: EmailAddress): Promise<boolean> => (await tx.user.count({ where: { emailKey: key } })) === 0;

/** Has those who choose a name that looks the same do so one after the other. */
const lockSkeleton = async (tx: Tx, username: string): Promise<void> => {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(username_skeleton(${username}), 0))`;
};

/** @throws CONFLICT for a name that is taken, or that can be taken for another */
const assertFree = async (client: Pick<Tx, '$queryRaw'>, username: string): Promise<void> => {
  const [similar] = await client.$queryRaw<{ readonly isSame: boolean }[]>`
    SELECT username_key = ${usernameKey(username)} AS "isSame" FROM "user"
    WHERE username_skeleton = username_skeleton(${username}) ORDER BY 1 DESC LIMIT 1`;
  if (similar === undefined) return;
  const mistake = similar.isSame
    ? ({ code: 'TAKEN', message: 'Is taken.' } as const)
    : ({ code: 'MISLEADING', message: 'Can be taken for a name that is in use.' } as const);
  throw fieldErrors('CONFLICT', [{ path: 'input.username', ...mistake }]);
};

/** The alphabet of guest names, without letters and digits that look alike. */
const GUEST_ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789';
const GUEST_ATTEMPTS = 5;

const guestName = (): string =>
  `${GUEST_PREFIX}${Array.from({ length: 6 }, () => GUEST_ALPHABET[randomInt(GUEST_ALPHABET.length)]).join('')}`;

/**
 * Creates a GUEST: a user without a password, with a generated username.
 * @throws FORBIDDEN where there are no guests
 */
export const createGuest = async (
  { db, clock, config }: Pick<Services, 'db' | 'clock' | 'config'>,
  { displayName }: { readonly displayName: string },
): Promise<User> => {
  if (!config.accounts.guests) throw coded('FORBIDDEN', 'There are no guests here.');
  for (let attempt = 1; ; attempt += 1) {
    const username = guestName();
    try {
      return await db.prisma.user.create({
        data: {
          username,
          usernameKey: usernameKey(username),
          displayName,
          role: 'GUEST',
          createdAt: new Date(clock.now()),
        },
      });
    } catch (error) {
      // There are 887 million names, so repeated collisions point to another problem.
      if (attempt >= GUEST_ATTEMPTS || !isUniqueViolation(error)) throw error;
    }
  }
};

/** The fields of a profile that may be empty. */
const OPTIONAL = ['bio', 'status', 'locale', 'timeZone'] as const;

/** Changes the given fields of the viewer's profile. */
export const updateProfile = async (
  context: Context,
  input: Readonly<Partial<Record<'displayName' | (typeof OPTIONAL)[number], string | null | undefined>>>,
): Promise<User> =>
  await context.db.prisma.user.update({
    where: { id: viewerOf(context).id },
    data: {
      ...(typeof input.displayName === 'string' ? { displayName: input.displayName } : {}),
      // Null or blank removes a text; a field that is left out is not changed.
      ...Object.fromEntries(OPTIONAL.filter((field) => input[field] !== undefined).map((field) => [field, input[field] || null])),
    },
  });

/** Makes sure that whoever asks may see the list of users. @throws UNAUTHENTICATED, FORBIDDEN for guests, where it is for members only */
export const assertDirectory = (context: Context): void => {
  if (context.config.accounts.directory === 'members' && !can(viewerOf(context), 'seeDirectory')) throw notAllowed(context.principal);
};

/** Who is in lists of users: those whose accounts were not deleted, and who want to be found. */
const LISTED = { isListed: true, isDeleted: false } as const satisfies Prisma.UserWhereInput;

/** The conditions for listed users whose username or display name contains a text, without accents and case; an empty text matches all. */
export const matchingUsers = (search: string): Pick<RootList<'User'>, 'where' | 'condition'> => ({
  where: LISTED,
  condition:
    search === ''
      ? undefined
      : Prisma.sql`(${keyContains(Prisma.sql`username_key`, search)} OR ${contains(Prisma.sql`display_name`, search)})`,
});
