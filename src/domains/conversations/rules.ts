import type { Conversation, ConversationMember, MemberRole, Message } from '../../db/generated/prisma/client.js';
import { AUTHOR, MODERATOR, rulesOf } from '../../access/rules.js';

/** A conversation, and the viewer's own membership of it: those who are no members do not get so far. */
interface Membership {
  readonly conversation: Pick<Conversation, 'kind'>;
  readonly member: Pick<ConversationMember, 'role'>;
}

/** A message, and what its viewer is in its conversation; null for no member. */
interface Standing {
  readonly message: Pick<Message, 'authorId'>;
  readonly role: MemberRole | null;
}

export const can = rulesOf({
  /** Direct conversations cannot be left: both users keep the one that they have. */
  leave: { may: (_viewer, { conversation }: Membership) => conversation.kind !== 'DIRECT' },
  /** Any member may add others to a group. Only the owner may add members to a room, since others join by its code. */
  addMembers: {
    may: (_viewer, { conversation: { kind }, member: { role } }: Membership) => kind === 'GROUP' || (kind === 'ROOM' && role === 'OWNER'),
  },
  /** Remove members, change the title and the passcode, and transfer ownership. Direct conversations and those with an agent have no owner. */
  manage: {
    may: (_viewer, { conversation: { kind }, member: { role } }: Membership) => (kind === 'GROUP' || kind === 'ROOM') && role === 'OWNER',
  },
  editMessage: AUTHOR,
  /** Moderators may act in conversations in which they are no members. */
  deleteAnyMessage: MODERATOR,
  deleteMessage: {
    may: (viewer, { message, role }: Standing) => AUTHOR.may(viewer, message) || role === 'OWNER' || MODERATOR.may(viewer),
  },
});

/**
 * The most members of a conversation in which read positions are published. In larger ones there would be more of these events than
 * messages.
 */
export const MAX_PUBLISHED_READERS = 50;

/** The key of a direct conversation: its two users, in a fixed order. */
export const directKey = (userId: string, otherId: string): string => [userId, otherId].sort().join(':');

/** The other user of a direct conversation. */
export const otherOf = ({ directKey: key }: Pick<Conversation, 'directKey'>, userId: string): string =>
  key?.split(':').find((id) => id !== userId) ?? userId;
