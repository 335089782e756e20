import type { Context } from '../../context.js';
import type { User } from '../../db/generated/prisma/client.js';
import type { Tx } from '../../db/transact.js';
import { badInput } from '../../errors.js';
import { viewerOf } from '../../access/viewer.js';
import { asAdministrator, assertAccount, findUser } from './account.js';
import { endDelays } from './guesses.js';
import type { Suspension } from './standing.js';
import { rightsLog } from './topics.js';

const suspend = async (tx: Tx, userId: string, { at, until, reason }: Suspension): Promise<User> => {
  const user = await tx.user.update({
    where: { id: userId },
    data: { suspendedAt: at, suspendedUntil: until, suspensionReason: reason },
  });
  tx.emit(rightsLog, userId, 'SuspensionChanged', null);
  return user;
};

const endSuspension = async (tx: Tx, userId: string): Promise<void> => {
  const { count } = await tx.user.updateMany({
    where: { id: userId, suspendedAt: { not: null } },
    data: { suspendedAt: null, suspendedUntil: null, suspensionReason: null },
  });
  if (count > 0) tx.emit(rightsLog, userId, 'SuspensionChanged', null);
};

/**
 * Suspends a user, until a time or for good, or changes until when and why. It applies at once, also to open sockets and streams. Nobody
 * can suspend themselves, so that somebody is always left who can undo it.
 * @throws NOT_FOUND; BAD_USER_INPUT for oneself, and for a time that is not in the future
 */
export const suspendUser = async (context: Context, userId: string, until: Date | null, reason: string | null): Promise<User> => {
  const now = context.clock.now();
  if (userId === viewerOf(context).id)
    throw badInput({ path: 'input.userId', code: 'NOT_ALLOWED', message: 'Nobody can suspend themselves.' });
  if (until !== null && until.getTime() <= now)
    throw badInput({ path: 'input.until', code: 'TOO_SMALL', message: 'Must be in the future.' });
  await assertAccount(context.db.prisma, userId);
  return await context.db.transact(async (tx) => {
    await asAdministrator(tx, context);
    return await suspend(tx, userId, { at: new Date(now), until, reason });
  });
};

/** Ends the suspension of a user, and the waits after wrong passwords; nothing changes where there are none. @throws NOT_FOUND */
export const unlockUser = async (context: Context, userId: string): Promise<User> => {
  await assertAccount(context.db.prisma, userId);
  await context.db.transact(async (tx) => {
    await endSuspension(tx, userId);
    await endDelays(context, tx, userId);
  });
  return await findUser(context, userId);
};
