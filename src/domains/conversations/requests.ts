import type { Context } from '../../context.js';
import type { Database } from '../../db/database.js';
import { Prisma, type PrismaClient } from '../../db/generated/prisma/client.js';
import type { Tx } from '../../db/transact.js';
import { badInput, coded } from '../../errors.js';
import { viewerOf } from '../../access/viewer.js';
import { isFollowing } from '../follows/follows.js';
import { findAsMember } from './conversations.js';
import { tellUsers } from './inboxes.js';

/*
 * A direct conversation that a stranger begins is a request: the other one finds it beside their list, is notified of nothing in it, and it
 * does not count as unread until they accept it, or write in it. The one who has begun it may send a few messages until then, and does not learn
 * whether it was declined or read.
 */

/** How many messages a stranger may send before the request is accepted. */
export const MAX_REQUEST_MESSAGES = 3;

/**
 * Whether a user is a stranger to another: one whom the other does not follow and with whom they are in no conversation. That the stranger follows
 * the other does not count, since anyone may follow anyone.
 */
export const isStranger = async (client: Pick<PrismaClient, '$queryRaw'>, strangerId: string, userId: string): Promise<boolean> => {
  const [{ known }] = await client.$queryRaw<[{ readonly known: boolean }]>`
    SELECT ${isFollowing(Prisma.sql`${userId}::uuid`, Prisma.sql`${strangerId}::uuid`)} OR EXISTS (
      SELECT 1 FROM conversation_member own JOIN conversation_member other ON other.conversation_id = own.conversation_id
      WHERE own.user_id = ${userId}::uuid AND other.user_id = ${strangerId}::uuid
    ) AS known`;
  return !known;
};

/** Makes a request of a user a conversation of their list, if it is one. */
export const accept = async (tx: Tx, conversationId: string, userId: string): Promise<boolean> => {
  const accepted = await tx.$executeRaw`
    UPDATE conversation_member SET is_request = false, is_declined = false
    WHERE conversation_id = ${conversationId}::uuid AND user_id = ${userId}::uuid AND is_request`;
  if (accepted === 0) return false;
  const others = await tx.conversationMember.findMany({ where: { conversationId, userId: { not: userId } }, select: { userId: true } });
  tellUsers(tx, conversationId, 'CONVERSATION_ADDED', [userId]);
  tellUsers(
    tx,
    conversationId,
    'CONVERSATION_CHANGED',
    others.map((other) => other.userId),
  );
  return true;
};

const notRequested = () =>
  badInput({ path: 'input.conversationId', code: 'NOT_ALLOWED', message: 'Nobody asks you to accept this conversation.' });

/**
 * Accepts a request, also one that was declined before. Accepting twice is accepting once.
 * @throws NOT_FOUND
 */
export const acceptRequest = async (context: Context, conversationId: string): Promise<void> => {
  await findAsMember(context, conversationId);
  await context.db.transact((tx) => accept(tx, conversationId, viewerOf(context).id));
};

/**
 * Declines a request: it is in no list any more, until it is accepted after all. Whoever has begun it is not told.
 * @throws NOT_FOUND, BAD_USER_INPUT for a conversation that is no request to the viewer
 */
export const declineRequest = async (context: Context, conversationId: string): Promise<void> => {
  const viewerId = (await findAsMember(context, conversationId)).member.userId;
  const isRequest = await context.db.transact(async (tx) => {
    const [declined] = await tx.$queryRaw<{ readonly isNew: boolean }[]>`
      WITH request AS (
        SELECT id, is_declined FROM conversation_member
        WHERE conversation_id = ${conversationId}::uuid AND user_id = ${viewerId}::uuid AND is_request FOR NO KEY UPDATE
      )
      UPDATE conversation_member SET is_declined = true FROM request WHERE conversation_member.id = request.id
      RETURNING NOT request.is_declined AS "isNew"`;
    if (declined?.isNew === true) tellUsers(tx, conversationId, 'CONVERSATION_REMOVED', [viewerId]);
    return declined !== undefined;
  });
  if (!isRequest) throw notRequested();
};

/**
 * Checks, after a message was written to a request, that its author has not sent too many. The lock of the request makes those who are sent at once
 * see each other.
 * @throws FORBIDDEN
 */
export const assertRequestNotFull = async (tx: Tx, conversationId: string): Promise<void> => {
  const requests = await tx.$queryRaw<unknown[]>`
    SELECT 1 FROM conversation_member WHERE conversation_id = ${conversationId}::uuid AND is_request FOR NO KEY UPDATE`;
  // It was accepted meanwhile.
  if (requests.length === 0) return;
  const sent = await tx.$queryRaw<unknown[]>`
    SELECT 1 FROM message WHERE conversation_id = ${conversationId}::uuid LIMIT ${MAX_REQUEST_MESSAGES + 1}`;
  if (sent.length > MAX_REQUEST_MESSAGES)
    throw coded('FORBIDDEN', `You may send ${MAX_REQUEST_MESSAGES} messages until the other one accepts your request.`);
};

/** Those of a user's conversations that the other one has not accepted. One statement. */
export const awaitingAmong = async (
  { prisma }: Pick<Database, 'prisma'>,
  userId: string,
  conversationIds: readonly string[],
): Promise<Map<string, boolean>> => {
  const rows = await prisma.$queryRaw<{ readonly id: string }[]>`
    SELECT own.conversation_id AS id FROM conversation_member own
    JOIN conversation_member other ON other.conversation_id = own.conversation_id AND other.user_id <> own.user_id
    WHERE own.user_id = ${userId}::uuid AND own.conversation_id = ANY(${conversationIds}::uuid[]) AND other.is_request`;
  return new Map(rows.map(({ id }) => [id, true]));
};
