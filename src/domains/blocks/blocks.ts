import type { GraphQLError } from 'graphql';
import type { Context } from '../../context.js';
import { isForeignKeyViolation } from '../../db/failures.js';
import { Prisma, type Block, type PrismaClient, type User } from '../../db/generated/prisma/client.js';
import type { Keyset } from '../../db/keyset.js';
import type { Tx } from '../../db/transact.js';
import { badInput, coded, notFound } from '../../errors.js';
import { batched } from '../../graphql/loaders.js';
import { viewerOf } from '../../access/viewer.js';
import { findUser } from '../account/account.js';
import { rightsLog } from '../account/topics.js';

/*
 * Blocking keeps two people apart in both directions: neither can follow, mention or message the other directly, add them to a group,
 * comment under what they post, or see whether they are here. Only the one who has blocked can see and end it. What is public
 * stays public, and both may be in a group or a room that they are in anyway.
 */

export type BlockRow = Block & { readonly blocked: User };

/** Whom one has blocked last comes first. */
export const latestBlocked: Keyset<BlockRow> = {
  name: 'blockedUsers',
  columns: [
    { field: 'createdAt', type: 'date', direction: 'desc', value: (block) => block.createdAt },
    { field: 'blockedId', type: 'uuid', direction: 'desc', value: (block) => block.blockedId },
  ],
};

/** Which of the others are kept apart from a user, whichever of the two has blocked. One statement. */
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

/** Whether two users are kept apart, as a condition within a statement that finds them. */
export const areApart = (one: Prisma.Sql, other: Prisma.Sql): Prisma.Sql => Prisma.sql`EXISTS (
  SELECT 1 FROM block WHERE (blocker_id = ${one} AND blocked_id = ${other}) OR (blocker_id = ${other} AND blocked_id = ${one})
)`;

/** Whether a user has blocked anybody or was blocked by anybody, as a condition within a statement that finds them. */
export const hasBlocks = (userId: Prisma.Sql): Prisma.Sql =>
  Prisma.sql`(EXISTS (SELECT FROM block WHERE blocker_id = ${userId}) OR EXISTS (SELECT FROM block WHERE blocked_id = ${userId}))`;

/** The answer to either of two people who are kept apart; it does not say who has blocked. */
export const keptApart = (): GraphQLError => coded('FORBIDDEN', 'One of you has blocked the other.');

/** @throws FORBIDDEN when a user and one of the others are kept apart, whichever of the two has blocked */
export const assertNotBlocked = async (
  client: PrismaClient | Prisma.TransactionClient,
  userId: string,
  ...others: readonly string[]
): Promise<void> => {
  if ((await blockedAmong(client, userId, others)).size > 0) throw keptApart();
};

/** Whether the viewer and a user are kept apart; never for anyone not signed in. */
export const isApart = batched(async ({ db, viewer }, userIds) => {
  if (viewer === null) return new Map<string, boolean>();
  const apart = await blockedAmong(db.prisma, viewer.id, userIds);
  return new Map([...apart].map((id) => [id, true]));
}, false);

/**
 * Blocking and what it forbids for good, such as following, are done one after the other, or a follow that is under way would outlast
 * the block that has not seen it. The first lock of a transaction.
 */
export const lockPair = async (tx: Tx, userId: string, otherId: string): Promise<void> => {
  const pair = [userId, otherId].sort().join(':');
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended('apart:' || ${pair}::text, 0))`;
};

/**
 * Keeps the viewer and a user apart. Blocking twice is blocking once.
 * @param end ends, in the same transaction, what there is between two users who are kept apart from now on
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
      const { count } = await tx.block.createMany({ data: [{ blockerId, blockedId }], skipDuplicates: true });
      if (count === 0) return;
      await end(tx, blockerId, blockedId);
      tellBoth(tx, blockerId, blockedId);
    });
  } catch (error) {
    if (isForeignKeyViolation(error)) throw notFound('User');
    throw error;
  }
  return await findUser(context, blockedId);
};

/**
 * Takes the viewer's block back; another's stays, and so do the follows that it ended. Whom one has not blocked, one may unblock.
 * @throws NOT_FOUND
 */
export const unblockUser = async (context: Context, blockedId: string): Promise<User> => {
  const blockerId = viewerOf(context).id;
  await context.db.transact(async (tx) => {
    const { count } = await tx.block.deleteMany({ where: { blockerId, blockedId } });
    if (count > 0) tellBoth(tx, blockerId, blockedId);
  });
  return await findUser(context, blockedId);
};

/** What either has open may show them the other. */
const tellBoth = (tx: Tx, ...userIds: readonly string[]): void => {
  for (const userId of userIds) tx.emit(rightsLog, userId, 'BlocksChanged', null);
};
