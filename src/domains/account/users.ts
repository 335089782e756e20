import { randomInt } from 'node:crypto';
import type { Context, Services } from '../../context.js';
import type { Database } from '../../db/database.js';
import { isUniqueViolation } from '../../db/failures.js';
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
  /** The username when left out. */
  readonly displayName?: string | null | undefined;
  readonly bio?: string | null | undefined;
}

/** In the order of their joining. */
export const oldestFirst: Keyset<Pick<User, 'id' | 'createdAt'>> = {
  name: 'users',
  columns: [
    { field: 'createdAt', type: 'date', direction: 'asc', value: (user) => user.createdAt },
    { field: 'id', type: 'uuid', direction: 'asc', value: (user) => user.id },
  ],
};

/**
 * Makes a MEMBER of an input that has been validated.
 * @throws CONFLICT that names what is taken: the username, the email address, or both
 */
export const createMember = async ({ db, clock }: Pick<Services, 'db' | 'clock'>, input: NewMember): Promise<User> => {
  const keys = { usernameKey: usernameKey(input.username), email: emailKey(input.email) };
  // Asked first, to spare the hashing and to name both at once; the unique indexes decide.
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

/** Without letters and digits that look alike. */
const GUEST_ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789';
const GUEST_ATTEMPTS = 5;

const guestName = (): string =>
  `${GUEST_PREFIX}${Array.from({ length: 6 }, () => GUEST_ALPHABET[randomInt(GUEST_ALPHABET.length)]).join('')}`;

/** Makes a GUEST: a user without a password, under a generated username. */
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
      // There are 887 million names: two in a row that are taken are not to be expected.
      if (attempt >= GUEST_ATTEMPTS || !isUniqueViolation(error)) throw error;
    }
  }
};

/**
 * The user who has this username or email address, whatever the case, and this password.
 * @throws UNAUTHENTICATED, the same and after the same time whatever was wrong
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
    // Not over a password that was changed meanwhile.
    await db.prisma.user.updateMany({ where: { id: user.id, passwordHash }, data: { passwordHash: renewed } });
  }
  return user;
};

const findByIdentifier = async (db: Database, identifier: string): Promise<User | null> => {
  if (isUsername(identifier)) return await db.prisma.user.findUnique({ where: { usernameKey: usernameKey(identifier) } });
  // PostgreSQL refuses a text with a NUL in it.
  if (!identifier.includes('@') || identifier.includes('\0')) return null;
  return await db.prisma.user.findUnique({ where: { email: emailKey(identifier) } });
};

/** Changes what is given of the viewer's profile. */
export const updateProfile = async (
  context: Context,
  input: { readonly displayName?: string | null | undefined; readonly bio?: string | null | undefined },
): Promise<User> =>
  await context.db.prisma.user.update({
    where: { id: viewerOf(context).id },
    data: {
      ...(typeof input.displayName === 'string' ? { displayName: input.displayName } : {}),
      // Null and nothing but spaces take it away; leaving it out leaves it.
      ...(input.bio === undefined ? {} : { bio: input.bio === '' ? null : input.bio }),
    },
  });

/** The users whose username or display name contains a text, whatever the case; all of them for an empty text. */
export const whoMatch = (search: string): Prisma.UserWhereInput => {
  if (search === '') return {};
  // Prisma passes the wildcards of LIKE through.
  const contains = search.replaceAll(/[\\%_]/g, '\\$&');
  return {
    OR: [{ usernameKey: { contains: contains.toLowerCase() } }, { displayName: { contains, mode: 'insensitive' } }],
  };
};
