import type { Context } from '../../context.js';
import type { Conversation } from '../../db/generated/prisma/client.js';
import { badInput } from '../../errors.js';
import { isUniqueViolation } from '../../observability/failures.js';
import { viewerOf } from '../../access/viewer.js';
import { assertAccount } from '../account/account.js';
import { assertNotBlocked } from '../blocks/blocks.js';
import { assertReachable, create } from './conversations.js';
import { accept, isStranger } from './requests.js';
import { directKey } from './rules.js';

/**
 * Returns the direct conversation of the viewer and another user, and creates it if there is none. Concurrent calls of both users return
 * the same one. To the other user it is a request when the viewer is a stranger to them; a request to the viewer is accepted.
 * @throws BAD_USER_INPUT for oneself, NOT_FOUND, FORBIDDEN when a block separates the two, or when the other one takes no messages from the viewer
 */
export const startDirect = async (context: Context, userId: string): Promise<Conversation> => {
  const { prisma, transact } = context.db;
  const viewerId = viewerOf(context).id;
  if (userId === viewerId) throw badInput({ path: 'input.userId', code: 'NOT_ALLOWED', message: 'You cannot talk with yourself.' });
  await assertAccount(prisma, userId);
  await assertNotBlocked(prisma, viewerId, userId);
  const where = { directKey: directKey(viewerId, userId) };
  const begun = await prisma.conversation.findUnique({ where, include: { members: { where: { userId: viewerId, isRequest: true } } } });
  if (begun !== null) {
    const { members, ...conversation } = begun;
    if (members.length > 0) await transact((tx) => accept(tx, conversation.id, viewerId));
    return conversation;
  }
  await assertReachable(prisma, viewerId, [userId]);
  try {
    return await create(context, { kind: 'DIRECT', ...where }, [
      { userId: viewerId, role: 'MEMBER' },
      { userId, role: 'MEMBER', isRequest: await isStranger(prisma, viewerId, userId) },
    ]);
  } catch (error) {
    if (!isUniqueViolation(error, 'direct')) throw error;
    // The other one was first: then both have meant to talk.
    const conversation = await prisma.conversation.findUniqueOrThrow({ where });
    await transact((tx) => accept(tx, conversation.id, viewerId));
    return conversation;
  }
};
