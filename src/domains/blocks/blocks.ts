import type { GraphQLError } from 'graphql';
import type { Context } from '../../context.js';
import { isForeignKeyViolation } from '../../observability/failures.js';
import { Prisma, type PrismaClient, type User } from '../../db/generated/prisma/client.js';
import { byRecency } from '../../db/keyset.js';
import type { Tx } from '../../db/transact.js';
import { badInput, coded, notFound } from '../../errors.js';
import { batchedForViewer } from '../../graphql/loaders.js';
import { viewerOf } from '../../access/viewer.js';
import { assertAccount, findUser } from '../account/account.js';
import { rightsLog } from '../account/topics.js';

/*
 * A block works in both directions: neither user can follow, mention or message the other directly, add them to a group, comment on their
 * posts, or see their presence. Only the user who has blocked can see the block and end it. Public content stays visible, and both may stay
 * members of the same group or room.
 */

/** The latest block first. */
export const latestBlocked = byRecency('blockedUsers', 'blockedId');

/** The ids of those among the others who are separated from a user by a block of either side. One statement. */
export const blockedAmong = async (
  client: PrismaClient | Prisma.TransactionClient,
  userId: string,
  others: readonly string[],
): Promise<ReadonlySet<string>> => {
  if (others.length === 0) return new Set();
  const rows = await client.$queryRaw<{ readonly id: string }[]>`
    SELECT blocked_id AS id FROM block WHERE blocker_id = ${userId}::uuid AND blocked_id = ANY(${others}::uuid[])
    UNION
    SELECT blocker_id FROM block WHERE blocked_id = ${userId}::uuid AND blocker_id = ANY(${others}::uuid[])`;
  return new Set(rows.map(({ id }) => id));
};

/** An SQL condition: a block of either side separates two users. */
export const areApart = (one: Prisma.Sql, other: Prisma.Sql): Prisma.Sql => Prisma.sql`EXISTS (
  SELECT 1 FROM block WHERE (blocker_id = ${one} AND blocked_id = ${other}) OR (blocker_id = ${other} AND blocked_id = ${one})
)`;

/** An SQL condition: a user has blocked anybody or was blocked by anybody. */
export const hasBlocks = (userId: Prisma.Sql): Prisma.Sql =>
  Prisma.sql`(EXISTS (SELECT FROM block WHERE blocker_id = ${userId}) OR EXISTS (SELECT FROM block WHERE blocked_id = ${userId}))`;

/** The error for either user; it does not tell who has blocked. */
export const keptApart = (): GraphQLError => coded('FORBIDDEN', 'One of you has blocked the other.');

/** Checks that no block of either side separates a user from any of the others. @throws FORBIDDEN */
export const assertNotBlocked = async (
  client: PrismaClient | Prisma.TransactionClient,
  userId: string,
  ...others: readonly string[]
): Promise<void> => {
  if ((await blockedAmong(client, userId, others)).size > 0) throw keptApart();
};

/** Whether a block separates the viewer from a user; false for anonymous viewers. */
export const isApart = batchedForViewer(async ({ db, viewer }, userIds) => {
  const apart = await blockedAmong(db.prisma, viewer.id, userIds);
  return new Map([...apart].map((id) => [id, true]));
}, false);

/**
 * Takes an advisory lock on a pair of users. Blocking and following of the same pair run one after the other. Otherwise: A follows B while
 * B is blocking A; the follow does not see the block, and the block does not see the follow, so the follow would remain. It must be the
 * first lock of a transaction.
 */
export const lockPair = async (tx: Tx, userId: string, otherId: string): Promise<void> => {
  const pair = [userId, otherId].sort().join(':');
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended('apart:' || ${pair}::text, 0))`;
};

/**
 * Blocks a user. Blocking again changes nothing.
 * @param end ends the relations between the two users that a block forbids, in the same transaction
 * @throws NOT_FOUND, BAD_USER_INPUT for oneself
 */
export const blockUser = async (
  context: Context,
  blockedId: string,
  end: (tx: Tx, one: string, other: string) => Promise<void>,
): Promise<User> => {
  const blockerId = viewerOf(context).id;
  if (blockedId === blockerId) throw badInput({ path: 'input.userId', code: 'NOT_ALLOWED', message: 'You cannot block yourself.' });
  try {
    await context.db.transact(async (tx) => {
      await lockPair(tx, blockerId, blockedId);
      await assertAccount(tx, blockedId);
      const { count } = await tx.block.createMany({ data: [{ blockerId, blockedId }], skipDuplicates: true });
      if (count === 0) return;
      await end(tx, blockerId, blockedId);
      emitBlocksChanged(tx, blockerId, blockedId);
    });
  } catch (error) {
    if (isForeignKeyViolation(error)) throw notFound('User');
    throw error;
  }
  return await findUser(context, blockedId);
};

/**
 * Ends the viewer's block of a user. A block by the other user remains, and follows that the block has ended stay ended. Without a block it
 * does nothing.
 * @throws NOT_FOUND
 */
export const unblockUser = async (context: Context, blockedId: string): Promise<User> => {
  const blockerId = viewerOf(context).id;
  await context.db.transact(async (tx) => {
    const { count } = await tx.block.deleteMany({ where: { blockerId, blockedId } });
    if (count > 0) emitBlocksChanged(tx, blockerId, blockedId);
  });
  return await findUser(context, blockedId);
};

/** Emits the change to the rights of both users, because open subscriptions of either may show the other. */
const emitBlocksChanged = (tx: Tx, ...userIds: readonly string[]): void => {
  for (const userId of userIds) tx.emit(rightsLog, userId, 'BlocksChanged', null);
};
