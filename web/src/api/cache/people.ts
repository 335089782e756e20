import type { Cache } from '@urql/exchange-graphcache';
import { update, type AreaOfCache } from './area.js';
import { forgetList } from './lists.js';

interface WithUser {
  readonly user: { readonly id: string };
}

/** Whom the viewer follows has changed: so have the feed and the lists of both. */
const forgetFollows = (cache: Cache, { user }: WithUser): void => {
  forgetList(cache, 'Query', 'feed');
  forgetList(cache, { __typename: 'User', id: user.id }, 'followers');
};

const followed =
  (viewerFollows: boolean) =>
  ({ input }: Readonly<Record<string, unknown>>, cache: Cache) => {
    const { userId } = input as { readonly userId: string };
    const user = { __typename: 'User', id: userId };
    const followerCount = Math.max(0, Number(cache.resolve(user, 'followerCount') ?? 0) + (viewerFollows ? 1 : -1));
    return { __typename: viewerFollows ? 'FollowUserPayload' : 'UnfollowUserPayload', user: { ...user, viewerFollows, followerCount } };
  };

/** Following and blocking. */
export const peopleInCache: AreaOfCache = {
  optimistic: { followUser: followed(true), unfollowUser: followed(false) },
  updates: {
    Mutation: {
      followUser: update<{ readonly followUser: WithUser | null }>(({ followUser }, _args, cache) => {
        if (followUser) forgetFollows(cache, followUser);
      }),
      unfollowUser: update<{ readonly unfollowUser: WithUser | null }>(({ unfollowUser }, _args, cache) => {
        if (unfollowUser) forgetFollows(cache, unfollowUser);
      }),
      blockUser: update<{ readonly blockUser: WithUser | null }>(({ blockUser }, _args, cache) => {
        if (blockUser) forgetFollows(cache, blockUser);
      }),
    },
  },
};
