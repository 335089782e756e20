import { capped, countEach, MAX_COUNT } from '../../db/count.js';
import { Prisma } from '../../db/generated/prisma/client.js';
import { builder } from '../../graphql/builder.js';
import { linkedPage } from '../../graphql/connection.js';
import type { User as UserRow } from '../../db/generated/prisma/client.js';
import { batched, batchedForViewer } from '../../graphql/loaders.js';
import { mutation } from '../../graphql/mutation.js';
import { READ, SHORT_COUNT } from '../../graphql/price.js';
import { findUser } from '../account/account.js';
import { meField, User, UserConnection } from '../account/schema.js';
import { followUser, latestFollowees, latestFollowers, unfollowUser } from './follows.js';

const followerCount = batched(
  ({ db }, userIds) => countEach(db.prisma, userIds, (id) => Prisma.sql`SELECT 1 FROM follow WHERE followee_id = ${id}`),
  0,
);

const followingCount = batched(
  ({ db }, userIds) => countEach(db.prisma, userIds, (id) => Prisma.sql`SELECT 1 FROM follow WHERE follower_id = ${id}`),
  0,
);

const viewerFollows = batchedForViewer(async ({ db, viewer }, userIds) => {
  const follows = await db.prisma.follow.findMany({
    where: { followerId: viewer.id, followeeId: { in: [...userIds] } },
    select: { followeeId: true },
  });
  return new Map(follows.map(({ followeeId }) => [followeeId, true]));
}, false);

builder.prismaObjectFields(User, (t) => ({
  followerCount: t.int({
    price: SHORT_COUNT,
    description: `How many users follow this one; ${MAX_COUNT} stands for that many or more.`,
    resolve: async (user, _args, context) => capped(await followerCount(context, user.id)),
  }),
  followingCount: t.int({
    price: SHORT_COUNT,
    description: `How many users this one follows; ${MAX_COUNT} stands for that many or more.`,
    resolve: async (user, _args, context) => capped(await followingCount(context, user.id)),
  }),
  viewerFollows: t.boolean({
    price: READ,
    description: 'Whether the viewer follows this user; false for anyone not signed in.',
    resolve: (user, _args, context) => viewerFollows(context, user.id),
  }),
  followers: t.field({
    type: UserConnection,
    description: 'Who follows this user, the latest first.',
    args: t.arg.connectionArgs(),
    resolve: (user, args, context, info) =>
      linkedPage<'User', 'followers', UserRow>(context, info, args, {
        list: { model: 'User', relation: 'followers' },
        node: 'follower',
        parentId: user.id,
        keyset: latestFollowers,
        count: followerCount,
      }),
  }),
  following: t.field({
    type: UserConnection,
    description: 'Whom this user follows, the latest first.',
    args: t.arg.connectionArgs(),
    resolve: (user, args, context, info) =>
      linkedPage<'User', 'following', UserRow>(context, info, args, {
        list: { model: 'User', relation: 'following' },
        node: 'followee',
        parentId: user.id,
        keyset: latestFollowees,
        count: followingCount,
      }),
  }),
}));

for (const [name, act, description] of [
  ['followUser', followUser, "Follows a user: their posts come to the viewer's feed. Following twice is following once."],
  ['unfollowUser', unfollowUser, 'Stops following a user.'],
] as const) {
  mutation(name, {
    description,
    access: 'signedIn',
    scope: 'WRITE_FOLLOWS',
    input: {
      description: 'The user to follow, or to follow no longer.',
      fields: (t) => ({ userId: t.id({ required: true, idOf: 'User', description: 'The user.' }) }),
    },
    run: async ({ userId }, context) => ({ user: await act(context, userId) }),
    payload: {
      description: 'The two users, with the counts that have changed.',
      reloaders: { user: findUser },
      fields: (t) => ({
        user: t.field({ type: User, description: 'The user, with their `followerCount`.', resolve: ({ user }) => user }),
        me: meField(t),
      }),
    },
  });
}
