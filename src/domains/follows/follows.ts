import type { Context } from '../../context.js';
import { isForeignKeyViolation } from '../../observability/failures.js';
import { Prisma, type User } from '../../db/generated/prisma/client.js';
import { byRecency } from '../../db/keyset.js';
import type { Tx } from '../../db/transact.js';
import { badInput, notFound } from '../../errors.js';
import { viewerOf } from '../../access/viewer.js';
import { assertAccount, findUser } from '../account/account.js';
import { rightsLog } from '../account/topics.js';
import { assertNotBlocked, lockPair } from '../blocks/blocks.js';
import { notify, withdraw } from '../notifications/notifications.js';
import { following } from '../notifications/rules.js';
import { showingFollowedMore } from '../presence/presence.js';

/** A Prisma condition: the users whom this user follows. */
export const followedBy = (userId: string): Prisma.UserWhereInput => ({ followers: { some: { followerId: userId } } });

/** The users whom this user follows, as a subquery with the column `id`. */
export const followeesOf = (userId: string): Prisma.Sql =>
  Prisma.sql`(SELECT followee_id AS id FROM follow WHERE follower_id = ${userId}::uuid)`;

/** An SQL condition: a user follows another. */
export const isFollowing = (userId: Prisma.Sql, followeeId: Prisma.Sql): Prisma.Sql =>
  Prisma.sql`EXISTS (SELECT 1 FROM follow WHERE follower_id = ${userId} AND followee_id = ${followeeId})`;

/** The followers of a user, as an SQL query with the column `key`: their ids as text. */
export const followersOf = (userId: string): Prisma.Sql =>
  Prisma.sql`SELECT follower_id::text AS key FROM follow WHERE followee_id = ${userId}::uuid`;

/** Whom a user follows, as an SQL query with the column `key`: their ids as text. */
export const followeeKeysOf = (userId: string): Prisma.Sql =>
  Prisma.sql`SELECT followee_id::text AS key FROM follow WHERE follower_id = ${userId}::uuid`;

/** Tells those among the followed, if their follower shows them more than others, that they are now, or are no longer. */
const tellFollowed = async (tx: Tx, ...follows: readonly { readonly followerId: string; readonly followeeId: string }[]): Promise<void> => {
  const showing = await showingFollowedMore(tx, ...follows.map(({ followerId }) => followerId));
  for (const { followerId, followeeId } of follows) {
    if (!showing.includes(followerId)) continue;
    for (const userId of [followerId, followeeId]) tx.emit(rightsLog, userId, 'VisibilityChanged', null);
  }
};

/** Whether a user has more than so many followers; it reads no more of them. */
export const hasMoreFollowers = async (client: Pick<Tx, '$queryRaw'>, userId: string, count: number): Promise<boolean> => {
  const rows = await client.$queryRaw<unknown[]>`SELECT 1 FROM follow WHERE followee_id = ${userId}::uuid LIMIT ${count + 1}`;
  return rows.length > count;
};

/** The latest follow first. */
export const latestFollowers = byRecency('followers', 'followerId');
export const latestFollowees = byRecency('following', 'followeeId');

/**
 * Follows a user. Following again changes nothing. @throws NOT_FOUND, BAD_USER_INPUT for oneself, FORBIDDEN when a block separates the two
 */
export const followUser = async (context: Context, followeeId: string): Promise<User> => {
  const followerId = viewerOf(context).id;
  if (followeeId === followerId) throw badInput({ path: 'input.userId', code: 'NOT_ALLOWED', message: 'You cannot follow yourself.' });
  try {
    await context.db.transact(async (tx) => {
      await lockPair(tx, followerId, followeeId);
      await assertAccount(tx, followeeId);
      await assertNotBlocked(tx, followerId, followeeId);
      const { count } = await tx.follow.createMany({ data: [{ followerId, followeeId }], skipDuplicates: true });
      if (count === 0) return;
      await tellFollowed(tx, { followerId, followeeId });
      await notify(tx, following(followerId, followeeId));
    });
  } catch (error) {
    if (isForeignKeyViolation(error)) throw notFound('User');
    throw error;
  }
  return await findUser(context, followeeId);
};

/** Stops following a user. Without a follow it does nothing. @throws NOT_FOUND */
export const unfollowUser = async (context: Context, followeeId: string): Promise<User> => {
  const followerId = viewerOf(context).id;
  await context.db.transact(async (tx) => {
    const { count } = await tx.follow.deleteMany({ where: { followerId, followeeId } });
    if (count === 0) return;
    await tellFollowed(tx, { followerId, followeeId });
    await withdraw(tx, following(followerId, followeeId));
  });
  return await findUser(context, followeeId);
};

/** Ends the follows between two users in either direction and withdraws their notifications, as part of the transaction of a block. */
export const endFollows = async (tx: Tx, one: string, other: string): Promise<void> => {
  await tx.follow.deleteMany({
    where: {
      OR: [
        { followerId: one, followeeId: other },
        { followerId: other, followeeId: one },
      ],
    },
  });
  await withdraw(tx, following(one, other), following(other, one));
};
