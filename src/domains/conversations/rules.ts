import type { Conversation } from '../../db/generated/prisma/client.js';

/** Two people who have begun to talk always find each other again; everything else can be left. */
export const mayBeLeft = (conversation: Pick<Conversation, 'kind'>): boolean => conversation.kind !== 'DIRECT';

/** The two who talk in a DIRECT conversation, whoever of them began it. */
export const directKey = (userId: string, otherId: string): string => [userId, otherId].sort().join(':');
