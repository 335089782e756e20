import type { NotificationKind, Prisma } from '../../db/generated/prisma/client.js';
import type { TEMPLATES } from './templates.js';

/** The subject of a notification, a node. */
type Subject<Kind extends NotificationKind> = { readonly type: keyof (typeof TEMPLATES)[Kind] & string; readonly id: string };

interface AnyAct {
  /** The recipient. */
  readonly userId: string;
  /** The actor; null for acts of the system. */
  readonly actorId: string | null;
  /** What the text needs beside the actors. Of several acts in one notification, the last one's data is used. */
  readonly data?: Readonly<Record<string, string>>;
}

/** An act of which a user is notified. There is a template for each kind and type of subject. */
export type Act = {
  readonly [Kind in NotificationKind]: AnyAct & { readonly kind: Kind; readonly subject: Subject<Kind> };
}[NotificationKind];

/** A recipient, kind and subject, whoever the actors. */
export type About = Pick<Act, 'kind' | 'userId' | 'subject'>;

/** The key by which acts of one kind about one subject join the same unread notification. */
export const openKeyOf = ({ kind, subject }: Pick<Act, 'kind' | 'subject'>): string => `${kind}:${subject.id}`;

/** The act of following a user, which is added and withdrawn in several places. */
export const following = (followerId: string, followeeId: string): Act => ({
  kind: 'FOLLOW',
  userId: followeeId,
  actorId: followerId,
  subject: { type: 'User', id: followeeId },
});

/** A Prisma condition: notifications that have not been withdrawn. */
export const notWithdrawn: Prisma.NotificationWhereInput = { OR: [{ kind: 'SYSTEM' }, { actors: { some: {} } }] };

/** A Prisma condition: the notifications of a user, optionally only the unread ones. */
export const notificationsOf = (userId: string, unreadOnly = false): Prisma.NotificationWhereInput => ({
  AND: [{ userId }, notWithdrawn, unreadOnly ? { openKey: { not: null } } : {}],
});
