import { randomInt } from 'node:crypto';
import type { Context, Services } from '../../context.js';
import type { Database } from '../../db/database.js';
import { isUniqueViolation } from '../../observability/failures.js';
import type { Prisma, User } from '../../db/generated/prisma/client.js';
import type { Keyset } from '../../db/keyset.js';
import { coded, fieldErrors, type FieldError } from '../../errors.js';
import { hashPassword, isOutdated, verifyPassword } from '../../access/passwords.js';
import { viewerOf } from '../../access/viewer.js';
import { emailKey, GUEST_PREFIX, isUsername, usernameKey } from './rules.js';

export interface NewMember {
  readonly username: string;
  readonly email: string;
  readonly password: string;
  /** Defaults to the username. */
  readonly displayName?: string | null | undefined;
  readonly bio?: string | null | undefined;
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
 * Creates a MEMBER from validated input.
 * @throws CONFLICT that names what is taken: the username, the email address, or both
 */
export const createMember = async ({ db, clock }: Pick<Services, 'db' | 'clock'>, input: NewMember): Promise<User> => {
  const keys = { usernameKey: usernameKey(input.username), email: emailKey(input.email) };
  // This check saves the hashing and can report both conflicts together; the unique indexes are what guarantees uniqueness.
  await assertFree(db, keys);
  const passwordHash = await hashPassword(input.password);
  try {
    return await db.prisma.user.create({
      data: {
        ...keys,
        username: input.username,
        displayName: input.displayName ?? input.username,
        bio: input.bio ?? null,
        role: 'MEMBER',
        passwordHash,
        createdAt: new Date(clock.now()),
      },
    });
  } catch (error) {
    if (isUniqueViolation(error)) await assertFree(db, keys);
    throw error;
  }
};

const assertFree = async (db: Database, keys: { readonly usernameKey: string; readonly email: string }): Promise<void> => {
  const holders = await db.prisma.user.findMany({
    where: { OR: [{ usernameKey: keys.usernameKey }, { email: keys.email }] },
    select: { usernameKey: true, email: true },
  });
  const fields: FieldError[] = [];
  if (holders.some((holder) => holder.usernameKey === keys.usernameKey))
    fields.push({ path: 'input.username', code: 'TAKEN', message: 'Is taken.' });
  if (holders.some((holder) => holder.email === keys.email))
    fields.push({ path: 'input.email', code: 'TAKEN', message: 'Has an account already.' });
  if (fields.length > 0) throw fieldErrors('CONFLICT', fields);
};

/** The alphabet of guest names, without letters and digits that look alike. */
const GUEST_ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789';
const GUEST_ATTEMPTS = 5;

const guestName = (): string =>
  `${GUEST_PREFIX}${Array.from({ length: 6 }, () => GUEST_ALPHABET[randomInt(GUEST_ALPHABET.length)]).join('')}`;

/** Creates a GUEST: a user without a password, with a generated username. */
export const createGuest = async (
  { db, clock }: Pick<Services, 'db' | 'clock'>,
  { displayName }: { readonly displayName: string },
): Promise<User> => {
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

/**
 * Authenticates a user by username or email address, ignoring case, and password.
 * @throws UNAUTHENTICATED, with the same message and after the same time whatever was wrong
 */
export const findByPassword = async (
  { db }: Pick<Services, 'db'>,
  { identifier, password }: { readonly identifier: string; readonly password: string },
): Promise<User> => {
  const user = await findByIdentifier(db, identifier.trim());
  const passwordHash = user?.passwordHash ?? null;
  const matches = await verifyPassword(passwordHash, password);
  if (user === null || passwordHash === null || !matches) throw coded('UNAUTHENTICATED', 'The name or the password is wrong.');
  if (isOutdated(passwordHash)) {
    const renewed = await hashPassword(password);
    // The condition on the old hash keeps a password that was changed meanwhile.
    await db.prisma.user.updateMany({ where: { id: user.id, passwordHash }, data: { passwordHash: renewed } });
  }
  return user;
};

const findByIdentifier = async (db: Database, identifier: string): Promise<User | null> => {
  if (isUsername(identifier)) return await db.prisma.user.findUnique({ where: { usernameKey: usernameKey(identifier) } });
  // PostgreSQL's text cannot contain NUL.
  if (!identifier.includes('@') || identifier.includes('\0')) return null;
  return await db.prisma.user.findUnique({ where: { email: emailKey(identifier) } });
};

/** Changes the given fields of the viewer's profile. */
export const updateProfile = async (
  context: Context,
  input: { readonly displayName?: string | null | undefined; readonly bio?: string | null | undefined },
): Promise<User> =>
  await context.db.prisma.user.update({
    where: { id: viewerOf(context).id },
    data: {
      ...(typeof input.displayName === 'string' ? { displayName: input.displayName } : {}),
      // Null or blank removes the text; a field that is left out is not changed.
      ...(input.bio === undefined ? {} : { bio: input.bio === '' ? null : input.bio }),
    },
  });

/** The condition for users whose username or display name contains a text, ignoring case; an empty text matches all. */
export const matchingUsers = (search: string): Prisma.UserWhereInput => {
  if (search === '') return {};
  // Prisma does not escape the wildcards of LIKE.
  const contains = search.replaceAll(/[\\%_]/g, '\\$&');
  return {
    OR: [{ usernameKey: { contains: contains.toLowerCase() } }, { displayName: { contains, mode: 'insensitive' } }],
  };
};
