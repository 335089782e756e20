import type { Audience, PresenceStatus } from '../../db/generated/prisma/client.js';

/** What a user lets others see of their presence. */
export interface Visibility {
  /** Who is shown whether they are here. */
  readonly visibleTo: Audience;
  /** Who of those is also shown when they were last. */
  readonly lastSeenVisibleTo: Audience;
  /** Whether everyone is shown that they are not here. */
  readonly appearsOffline: boolean;
}

/** What is shown of somebody. */
export interface View {
  readonly status: PresenceStatus;
  /** When the last device disconnected; null while the user is connected, for one who never was, and where it is not shown. */
  readonly lastSeenAt: Date | null;
}

export const OPEN: Visibility = { visibleTo: 'EVERYONE', lastSeenVisibleTo: 'EVERYONE', appearsOffline: false };

const admits = (audience: Audience, isFollowed: boolean): boolean => audience === 'EVERYONE' || (audience === 'FOLLOWED' && isFollowed);

/** Whether a user shows more to whom they follow than to others. */
export const isForFollowed = ({ visibleTo, lastSeenVisibleTo }: Visibility): boolean =>
  visibleTo === 'FOLLOWED' || lastSeenVisibleTo === 'FOLLOWED';

/**
 * What is shown of a user. One who is hidden looks like one who is not here and keeps to themselves when they were: it could be the one or the other.
 * @param isFollowed whether to somebody whom the user follows, or to themselves
 */
export const viewOf = ({ status, lastSeenAt, ...visibility }: View & Visibility, isFollowed: boolean): View => {
  if (visibility.appearsOffline || !admits(visibility.visibleTo, isFollowed)) return { status: 'OFFLINE', lastSeenAt: null };
  // During the grace the row already has the time of disconnecting. It is shown only with the status OFFLINE, so that nothing visible changes without the
  // version.
  return { status, lastSeenAt: status === 'OFFLINE' && admits(visibility.lastSeenVisibleTo, isFollowed) ? lastSeenAt : null };
};

export const isSameView = (one: View, other: View): boolean =>
  one.status === other.status && one.lastSeenAt?.getTime() === other.lastSeenAt?.getTime();
