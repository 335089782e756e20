import { update, type AreaOfCache } from './area.js';
import { forgetList, putFirst, removeNode } from './lists.js';

interface Added {
  readonly notificationAdded: {
    readonly id: string;
    readonly isWithdrawn: boolean;
    readonly me: { readonly id: string };
  };
}

interface MarkedRead {
  readonly markNotificationsRead: {
    readonly me: { readonly id: string };
    readonly notifications: readonly { readonly id: string }[];
  } | null;
}

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
      markNotificationsRead: update<MarkedRead>((result, { input }, cache) => {
        if (!result.markNotificationsRead) return;
        const owner = { __typename: 'Me', id: result.markNotificationsRead.me.id };
        for (const { id } of result.markNotificationsRead.notifications)
          removeNode(
            cache,
            { owner, field: 'notifications', when: ({ unreadOnly }) => unreadOnly === true },
            { __typename: 'Notification', id },
          );
        // The answer names a hundred of those that were unread; there may have been more.
        if ((input as { readonly ids?: unknown }).ids === undefined) forgetList(cache, owner, 'notifications');
      }),
    },
  },
};
