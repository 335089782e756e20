import type { Context, Services } from '../../context.js';
import type { Database } from '../../db/database.js';
import { Prisma, type Audience, type Role, type User } from '../../db/generated/prisma/client.js';
import type { Tx } from '../../db/transact.js';
import { NO_ID } from '../../db/uuid.js';
import { notFound } from '../../errors.js';
import { isForeignKeyViolation } from '../../observability/failures.js';
import { verifyPassword } from '../../access/passwords.js';
import { notAllowed, viewerOf } from '../../access/viewer.js';
import { alertAdministrators } from '../audit/topics.js';
import { usernameKey } from './rules.js';
import { suspensionOf } from './standing.js';
import { rightsLog } from './topics.js';

/** The public columns of a user, which are what a query of users reads: no list of them carries password hashes. */
export const PUBLIC_COLUMNS = {
  ...({ id: true, username: true, displayName: true, bio: true, role: true } as const),
  ...({ status: true, locale: true, timeZone: true, createdAt: true, isDeleted: true } as const),
} satisfies Prisma.UserSelect;

export type PublicUser = Pick<User, keyof typeof PUBLIC_COLUMNS>;

/** The same columns as a JSON object, for statements of other domains that have a user's id; {@link publicUserOf} parses it. */
export const publicUserJson = (userId: Prisma.Sql): Prisma.Sql => Prisma.sql`(
  SELECT json_build_object('id', public.id, 'username', public.username, 'displayName', public.display_name, 'bio', public.bio,
    'role', public.role, 'status', public.status, 'locale', public.locale, 'timeZone', public.time_zone, 'createdAt', public.created_at,
    'isDeleted', public.is_deleted)
  FROM "user" public WHERE public.id = ${userId})`;

export type PublicUserJson = Omit<PublicUser, 'createdAt'> & { readonly createdAt: string };

export const publicUserOf = (json: PublicUserJson): PublicUser => ({ ...json, createdAt: new Date(json.createdAt) });

/** @throws NOT_FOUND */
export const findUser = async ({ db }: Pick<Services, 'db'>, id: string): Promise<User> => {
  const user = await db.prisma.user.findUnique({ where: { id } });
  if (user === null) throw notFound('User');
  return user;
};

/** The subset of these ids that belong to users whose accounts were not deleted; one statement. */
export const knownUsers = async (client: Pick<Tx, 'user'>, ids: readonly string[]): Promise<ReadonlySet<string>> => {
  const users = await client.user.findMany({ where: { id: { in: [...ids] }, isDeleted: false }, select: { id: true } });
  return new Set(users.map(({ id }) => id));
};

/** Checks that there is a user, whose account was not deleted: nobody does anything with one any more. @throws NOT_FOUND */
export const assertAccount = async (client: Pick<Tx, 'user'>, id: string): Promise<void> => {
  if (!(await knownUsers(client, [id])).has(id)) throw notFound('User');
};

/** An SQL condition: the account of a user was deleted. */
export const isGone = (userId: Prisma.Sql): Prisma.Sql =>
  Prisma.sql`EXISTS (SELECT FROM "user" gone WHERE gone.id = ${userId} AND gone.is_deleted)`;

/** Users by their ids, in any order, with the columns and relations that are selected; one statement. */
export const findUsers = async <Args extends Omit<Prisma.UserFindManyArgs, 'where'>>(
  { prisma }: Pick<Database, 'prisma'>,
  ids: readonly string[],
  args: Args,
): Promise<Prisma.UserGetPayload<Args>[]> =>
  // The type of the result follows from the arguments, which the compiler cannot see through the spread.
  (await prisma.user.findMany({
    ...args,
    where: { id: { in: [...ids] } },
  })) as unknown as Prisma.UserGetPayload<Args>[];

/** The ids among these that belong to users, as a subquery with the column `id`. */
export const usersAmong = (ids: readonly string[]): Prisma.Sql => Prisma.sql`(SELECT id FROM "user" WHERE id = ANY(${[...ids]}::uuid[]))`;

/** The users with these usernames, normalised by {@link usernameKey}, as a subquery with the column `id`; none whose account was deleted. */
export const usersNamed = (keys: readonly string[]): Prisma.Sql =>
  Prisma.sql`(SELECT id FROM "user" WHERE username_key = ANY(${[...keys]}::text[]) AND NOT is_deleted)`;

type Named = Pick<User, 'id' | 'username'>;

/** Finds a user by name, ignoring case. */
export const findByUsername = async ({ prisma }: Pick<Database, 'prisma'>, username: string): Promise<Named | null> =>
  await prisma.user.findUnique({ where: { usernameKey: usernameKey(username) }, select: { id: true, username: true } });

/** The user who was created first, of all users or of those with a role. */
export const findFirstUser = async ({ prisma }: Pick<Database, 'prisma'>, role?: Role): Promise<Named | null> =>
  await prisma.user.findFirst({
    where: role === undefined ? {} : { role },
    orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
    select: { id: true, username: true },
  });

/** Somebody who may do everything. */
export interface Administrator {
  readonly username: string;
  /** Whether it was shown that mails to them are read. */
  readonly isConfirmed: boolean;
}

/** So many administrators are named at the most. */
const MAX_ADMINISTRATORS = 1_000;

export const findAdministrators = async ({ prisma }: Pick<Database, 'prisma'>): Promise<readonly Administrator[]> => {
  const users = await prisma.user.findMany({
    where: { role: 'ADMIN' },
    orderBy: { usernameKey: 'asc' },
    take: MAX_ADMINISTRATORS,
    select: { username: true, emailVerifiedAt: true },
  });
  return users.map(({ username, emailVerifiedAt }) => ({ username, isConfirmed: emailVerifiedAt !== null }));
};

/** Who of these users has this password, in the order of their names. */
export const whoHavePassword = async (
  { prisma }: Pick<Database, 'prisma'>,
  usernames: readonly string[],
  password: string,
): Promise<readonly string[]> => {
  const users = await prisma.user.findMany({
    where: { usernameKey: { in: usernames.map(usernameKey) }, passwordHash: { not: null } },
    orderBy: { usernameKey: 'asc' },
    select: { username: true, passwordHash: true },
  });
  const have = await Promise.all(users.map(({ passwordHash }) => verifyPassword(passwordHash, password)));
  return users.filter((_, index) => have[index] === true).map(({ username }) => username);
};

/** So many guests are looked at by one statement. */
const GUESTS_AT_A_TIME = 200;

/**
 * Deletes guests who cannot come back, because their sessions have ended, and have left nothing. Those who wrote something stay: the rows that others read
 * refer to them.
 * @param isUsed whether a user, by the SQL of their id, has left something that would go with them
 */
export const deleteUnusedGuests = async (
  { db, clock, config }: Pick<Services, 'db' | 'clock' | 'config'>,
  isUsed: (userId: Prisma.Sql) => Prisma.Sql,
): Promise<void> => {
  const now = new Date(clock.now());
  const before = new Date(clock.now() - config.accounts.guestUnusedAfterMs);
  let last = NO_ID;
  for (let found = GUESTS_AT_A_TIME; found === GUESTS_AT_A_TIME;) {
    const guests = await db.prisma.$queryRaw<{ readonly id: string }[]>`
      SELECT guest.id FROM "user" guest
      WHERE guest.role = 'GUEST' AND guest.created_at < ${before} AND guest.id > ${last}::uuid AND NOT (${isUsed(Prisma.sql`guest.id`)})
        AND NOT EXISTS (
          SELECT FROM session
          WHERE session.user_id = guest.id AND (session.last_used_at > ${before} OR (session.revoked_at IS NULL AND session.expires_at > ${now}))
        )
      ORDER BY guest.id LIMIT ${GUESTS_AT_A_TIME}`;
    for (const { id } of guests) {
      // One who has written something cannot be deleted: the keys of what they wrote are not to be left without their author.
      await db.prisma.user.deleteMany({ where: { id, role: 'GUEST' } }).catch((error: unknown) => {
        if (!isForeignKeyViolation(error)) throw error;
      });
    }
    found = guests.length;
    last = guests.at(-1)?.id ?? last;
  }
};

/**
 * Changes a user's role within a transaction. It applies at once, also to open subscriptions.
 * @returns the user's id and the role before
 * @throws NOT_FOUND when there is no such user
 */
export const changeRole = async (
  tx: Tx,
  user: { readonly id: string } | { readonly usernameKey: string },
  role: Role,
): Promise<{ readonly id: string; readonly before: Role }> => {
  const found = await tx.user.findUnique({ where: user, select: { id: true, role: true, isDeleted: true } });
  if (found === null || found.isDeleted) throw notFound('User');
  await tx.user.update({ where: { id: found.id }, data: { role }, select: { id: true } });
  tx.emit(rightsLog, found.id, 'RoleChanged', null);
  if (found.role !== role)
    alertAdministrators(tx, 'ROLE_CHANGED', { subject: { type: 'User', id: found.id }, detail: { before: found.role, role } });
  return { id: found.id, before: found.role };
};

/** The ids of all administrators whose accounts are in use at a time, locked until the transaction ends. */
export const lockAdministrators = async (tx: Tx, now: Date): Promise<readonly string[]> => {
  const rows = await tx.$queryRaw<{ readonly id: string; readonly isSuspended: boolean }[]>`
    SELECT id, ${suspensionOf(Prisma.sql`"user"`, now)} IS NOT NULL AS "isSuspended" FROM "user" WHERE role = 'ADMIN' ORDER BY id FOR NO KEY UPDATE`;
  return rows.filter(({ isSuspended }) => !isSuspended).map(({ id }) => id);
};

/**
 * Locks the administrators until the transaction ends, and checks that the viewer is still one of them. Example: A and B take each other's role at the
 * same time; whoever comes second is refused, and somebody is left who administers.
 * @returns the ids of all whose accounts are in use
 * @throws FORBIDDEN
 */
export const asAdministrator = async (tx: Tx, context: Context): Promise<readonly string[]> => {
  const administrators = await lockAdministrators(tx, new Date(context.clock.now()));
  if (!administrators.includes(viewerOf(context).id)) throw notAllowed(context.principal);
  return administrators;
};

/** Who may write to somebody, and whether they are listed. */
export interface Reachability {
  readonly messagesFrom?: Audience | null | undefined;
  readonly isListed?: boolean | null | undefined;
}

export const setReachability = async (tx: Tx, id: string, { messagesFrom, isListed }: Reachability): Promise<void> => {
  await tx.user.update({
    where: { id },
    data: { ...(messagesFrom ? { messagesFrom } : {}), ...(typeof isListed === 'boolean' ? { isListed } : {}) },
    select: { id: true },
  });
};

/**
 * Those among users who take no messages from somebody who is new to them.
 * @param follows an SQL condition: a user, by the SQL of their id, follows whoever writes
 */
export const closedTo = async (
  client: Pick<Tx, '$queryRaw'>,
  userIds: readonly string[],
  follows: (userId: Prisma.Sql) => Prisma.Sql,
): Promise<readonly string[]> => {
  const rows = await client.$queryRaw<{ readonly id: string }[]>`
    SELECT id FROM "user" holder
    WHERE id = ANY(${[...userIds]}::uuid[]) AND (messages_from = 'NOBODY' OR (messages_from = 'FOLLOWED' AND NOT ${follows(Prisma.sql`holder.id`)}))`;
  return rows.map(({ id }) => id);
};
