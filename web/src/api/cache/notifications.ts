import type { FieldArgs } from '@urql/exchange-graphcache';
import { update, type AreaOfCache } from './area.js';
import { graphql } from '../../gql/gql.js';
import { forgetList, nodesOf, putFirst, removeNode } from './lists.js';

interface Added {
  readonly notificationAdded: {
    readonly id: string;
    readonly isWithdrawn: boolean;
    readonly me: { readonly id: string };
  };
}

interface MarkedRead {
  readonly markNotificationsRead: {
    readonly me: { readonly id: string; readonly unreadCounts: { readonly notifications: number } };
    readonly notifications: readonly { readonly id: string; readonly readAt: string | null }[];
  } | null;
}

const WhenRead = graphql(`
  fragment WhenRead on Notification {
    id
    readAt
  }
`);

/** As many as the answer names at the most. */
const MOST_NAMED = 100;

/** The notifications of the viewer: one that comes or changes stands first, one that was withdrawn nowhere. */
export const notificationsInCache: AreaOfCache = {
  optimistic: {
    updateNotificationPreferences: ({ input }, cache) => {
      const me = cache.resolve('Query', 'me');
      if (typeof me !== 'string') return null;
      const { preferences } = input as { readonly preferences: readonly { readonly kind: string; readonly enabled: boolean }[] };
      const present = cache.resolve(me, 'notificationPreferences');
      return {
        __typename: 'UpdateNotificationPreferencesPayload',
        me: {
          __typename: 'Me',
          id: cache.resolve(me, 'id') as string,
          notificationPreferences: (Array.isArray(present) ? (present as string[]) : []).map((preference) => {
            const kind = cache.resolve(preference, 'kind') as string;
            const changed = preferences.find((each) => each.kind === kind);
            return {
              __typename: 'NotificationPreference',
              kind,
              enabled: changed?.enabled ?? (cache.resolve(preference, 'enabled') as boolean),
            };
          }),
        },
      };
    },
  },
  updates: {
    Me: {
      // It is read anew when the log no longer goes back to where this page stood: what the lists lack since is told by no event.
      notificationCursor: update<{ readonly id: string }>(({ id }, _args, cache) =>
        forgetList(cache, { __typename: 'Me', id }, 'notifications'),
      ),
    },
    Subscription: {
      notificationAdded: update<Added>(({ notificationAdded: { id, isWithdrawn, me } }, _args, cache) => {
        const list = { owner: { __typename: 'Me', id: me.id }, field: 'notifications' };
        const notification = { __typename: 'Notification', id };
        if (isWithdrawn) removeNode(cache, list, notification);
        else putFirst(cache, list, notification);
      }),
    },
    Mutation: {
      markNotificationsRead: update<MarkedRead>((result, _args, cache) => {
        if (!result.markNotificationsRead) return;
        const { me, notifications } = result.markNotificationsRead;
        const list = { owner: { __typename: 'Me', id: me.id }, field: 'notifications' };
        const unread = { ...list, when: ({ unreadOnly }: NonNullable<FieldArgs>): boolean => unreadOnly === true };
        for (const { id } of notifications) removeNode(cache, unread, { __typename: 'Notification', id });
        const last = notifications.at(-1);
        if (last === undefined || notifications.length < MOST_NAMED) return;
        // There may have been more. Where nothing is unread now, all that is known has been read; else it is not known which.
        if (me.unreadCounts.notifications > 0) {
          forgetList(cache, list.owner, list.field);
          return;
        }
        for (const key of nodesOf(cache, list)) {
          if (cache.resolve(key, 'readAt') !== null) continue;
          const notification = { __typename: 'Notification' as const, id: cache.resolve(key, 'id') as string };
          cache.writeFragment(WhenRead, { ...notification, readAt: last.readAt });
          removeNode(cache, unread, notification);
        }
      }),
    },
  },
};
