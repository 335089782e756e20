import type { Context } from '../../context.js';
import { isForeignKeyViolation } from '../../db/failures.js';
import type { Follow, Prisma, User } from '../../db/generated/prisma/client.js';
import type { Keyset } from '../../db/keyset.js';
import { badInput, notFound } from '../../errors.js';
import { viewerOf } from '../../access/viewer.js';
import { assertNotBlocked, lockPair } from '../blocks/blocks.js';
import { notify, withdraw } from '../notifications/notifications.js';
import { following } from '../notifications/rules.js';

/** The users whom this one follows, as a condition. */
export const followedBy = (userId: string): Prisma.UserWhereInput => ({ followers: { some: { followerId: userId } } });

/** Who began last comes first. `other` is the side that the list shows. */
const byRecency = <Row extends Follow>(name: string, other: 'followerId' | 'followeeId'): Keyset<Row> => ({
  name,
  columns: [
    { field: 'createdAt', type: 'date', direction: 'desc', value: (follow) => follow.createdAt },
    { field: other, type: 'uuid', direction: 'desc', value: (follow) => follow[other] },
  ],
});

export type FollowerRow = Follow & { readonly follower: User };
export type FolloweeRow = Follow & { readonly followee: User };
export const latestFollowers = byRecency<FollowerRow>('followers', 'followerId');
export const latestFollowees = byRecency<FolloweeRow>('following', 'followeeId');

/** Following twice is following once. @throws NOT_FOUND, BAD_USER_INPUT for oneself, FORBIDDEN where one of the two has blocked the other */
export const followUser = async (context: Context, followeeId: string): Promise<User> => {
  const followerId = viewerOf(context).id;
  if (followeeId === followerId) throw badInput({ path: 'input.userId', code: 'NOT_ALLOWED', message: 'You cannot follow yourself.' });
  const { prisma, transact } = context.db;
  try {
    await transact(async (tx) => {
      await lockPair(tx, followerId, followeeId);
      await assertNotBlocked(tx, followerId, followeeId);
      const { count } = await tx.follow.createMany({ data: [{ followerId, followeeId }], skipDuplicates: true });
      if (count > 0) await notify(tx, following(followerId, followeeId));
    });
  } catch (error) {
    if (isForeignKeyViolation(error)) throw notFound('User');
    throw error;
  }
  return await prisma.user.findUniqueOrThrow({ where: { id: followeeId } });
};

/** Whom one does not follow, one may stop following. @throws NOT_FOUND */
export const unfollowUser = async (context: Context, followeeId: string): Promise<User> => {
  const { prisma, transact } = context.db;
  const followerId = viewerOf(context).id;
  await transact(async (tx) => {
    const { count } = await tx.follow.deleteMany({ where: { followerId, followeeId } });
    if (count > 0) await withdraw(tx, following(followerId, followeeId));
  });
  const user = await prisma.user.findUnique({ where: { id: followeeId } });
  if (user === null) throw notFound('User');
  return user;
};
