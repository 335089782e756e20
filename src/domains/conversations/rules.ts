import type { Viewer } from '../../context.js';
import type { Conversation, ConversationMember, MemberRole, Message } from '../../db/generated/prisma/client.js';
import { hasRole } from '../../access/viewer.js';

/** Direct conversations cannot be left: both users keep the one that they have. */
export const mayBeLeft = (conversation: Pick<Conversation, 'kind'>): boolean => conversation.kind !== 'DIRECT';

/** Any member may add others to a group. Only the owner may add members to a room, since others join by its code. */
export const mayAdd = ({ kind }: Pick<Conversation, 'kind'>, { role }: Pick<ConversationMember, 'role'>): boolean =>
  kind === 'GROUP' || (kind === 'ROOM' && role === 'OWNER');

/**
 * Only the owner may remove members, change the title and the passcode, and transfer ownership. Direct conversations and those with an
 * agent have no owner.
 */
export const mayManage = ({ kind }: Pick<Conversation, 'kind'>, { role }: Pick<ConversationMember, 'role'>): boolean =>
  (kind === 'GROUP' || kind === 'ROOM') && role === 'OWNER';

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

/** Only the author may edit a message. */
export const mayEdit = (viewer: Pick<Viewer, 'id'>, message: Pick<Message, 'authorId'>): boolean => message.authorId === viewer.id;

/** Moderators may act in conversations in which they are not members. */
export const mayModerate = (viewer: Pick<Viewer, 'role'>): boolean => hasRole(viewer, 'MODERATOR');

/** The author may delete a message, the owner any message of the conversation, a moderator any message. */
export const mayDelete = (viewer: Viewer, message: Pick<Message, 'authorId'>, role: MemberRole | null): boolean =>
  mayEdit(viewer, message) || role === 'OWNER' || mayModerate(viewer);
