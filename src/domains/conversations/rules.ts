import type { Viewer } from '../../context.js';
import type { Conversation, ConversationMember, MemberRole, Message } from '../../db/generated/prisma/client.js';
import { hasRole } from '../../access/viewer.js';

/** Two people who have begun to talk always find each other again; everything else can be left. */
export const mayBeLeft = (conversation: Pick<Conversation, 'kind'>): boolean => conversation.kind !== 'DIRECT';

/**
 * Any member brings people into a group, as everyone expects of one; into a room only its owner, since those who have its code come by
 * themselves.
 */
export const mayAdd = ({ kind }: Pick<Conversation, 'kind'>, { role }: Pick<ConversationMember, 'role'>): boolean =>
  kind === 'GROUP' || (kind === 'ROOM' && role === 'OWNER');

/**
 * Removing members, renaming, the passcode and passing it on are its owner's. Neither a direct conversation nor one with an agent has an
 * owner.
 */
export const mayManage = ({ kind }: Pick<Conversation, 'kind'>, { role }: Pick<ConversationMember, 'role'>): boolean =>
  (kind === 'GROUP' || kind === 'ROOM') && role === 'OWNER';

/** In conversations of more members nobody is told how far each of them has read: it would be more than what is said. */
export const READING_IS_TOLD_TO = 50;

/** The two who talk in a DIRECT conversation, whoever of them began it. */
export const directKey = (userId: string, otherId: string): string => [userId, otherId].sort().join(':');

/** Whom one talks to in a DIRECT conversation. */
export const otherOf = ({ directKey: key }: Pick<Conversation, 'directKey'>, userId: string): string =>
  key?.split(':').find((id) => id !== userId) ?? userId;

/** Authors edit their own messages, and nobody else does. */
export const mayEdit = (viewer: Pick<Viewer, 'id'>, message: Pick<Message, 'authorId'>): boolean => message.authorId === viewer.id;

/** Moderators act where they are no members. */
export const mayModerate = (viewer: Pick<Viewer, 'role'>): boolean => hasRole(viewer, 'MODERATOR');

/** Authors delete their own messages, the owner of a conversation any in it, moderators any anywhere. */
export const mayDelete = (viewer: Viewer, message: Pick<Message, 'authorId'>, role: MemberRole | null): boolean =>
  mayEdit(viewer, message) || role === 'OWNER' || mayModerate(viewer);
