import type { NotificationKind, Prisma } from '../../db/generated/prisma/client.js';
import type { TEMPLATES } from './templates.js';

/** What a notification is about: a node. */
type Subject<Kind extends NotificationKind> = { readonly type: keyof (typeof TEMPLATES)[Kind] & string; readonly id: string };

interface AnyAct {
  /** Who hears of it. */
  readonly userId: string;
  /** Who did it; null for what the system does. */
  readonly actorId: string | null;
  /** What its text needs beside its actors. Of acts that come together the last one's counts. */
  readonly data?: Readonly<Record<string, string>>;
}

/** Something done of which a user should hear. There is a template for each. */
export type Act = {
  readonly [Kind in NotificationKind]: AnyAct & { readonly kind: Kind; readonly subject: Subject<Kind> };
}[NotificationKind];

/** What one user hears of one kind about one thing, whoever did it. */
export type About = Pick<Act, 'kind' | 'userId' | 'subject'>;

/** Acts of one kind about one thing come together in one notification, for as long as it is unread. */
export const openKeyOf = ({ kind, subject }: Pick<Act, 'kind' | 'subject'>): string => `${kind}:${subject.id}`;

/** That one user follows another: an act that begins and ends in more than one place. */
export const following = (followerId: string, followeeId: string): Act => ({
  kind: 'FOLLOW',
  userId: followeeId,
  actorId: followerId,
  subject: { type: 'User', id: followeeId },
});

/** Those that a user has to see, as a condition: not what has been taken back. */
export const notWithdrawn: Prisma.NotificationWhereInput = { OR: [{ kind: 'SYSTEM' }, { actors: { some: {} } }] };

/** Those of a user; only what is unread, if that is asked. */
export const notificationsOf = (userId: string, unreadOnly = false): Prisma.NotificationWhereInput => ({
  AND: [{ userId }, notWithdrawn, unreadOnly ? { openKey: { not: null } } : {}],
});
