import type { Context } from '../../context.js';
import { Prisma } from '../../db/generated/prisma/client.js';
import type { Tx } from '../../db/transact.js';
import { badInput } from '../../errors.js';
import { defineTask, type Task } from '../../jobs/task.js';
import { readHead } from '../../realtime/event-log.js';
import { viewerOf } from '../../access/viewer.js';
import { findAsMember } from './conversations.js';
import { tellUsers } from './inboxes.js';
import { conversationLog } from './topics.js';

/*
 * How a member keeps a conversation in their own list. All devices of the member are told of each change, and nobody else.
 */

interface Filed {
  readonly id: string;
  readonly conversationId: string;
  readonly userId: string;
}

/**
 * Changes the viewer's membership, and tells their devices when that is a change.
 * @param set the assignments
 * @param unless an SQL condition under which nothing has to change
 * @param then what belongs to it in the same transaction
 * @throws NOT_FOUND
 */
const file = async (
  context: Context,
  conversationId: string,
  set: Prisma.Sql,
  unless: Prisma.Sql,
  then: (tx: Tx, filed: Filed) => void = () => undefined,
): Promise<void> => {
  await findAsMember(context, conversationId);
  await context.db.transact(async (tx) => {
    const [filed] = await tx.$queryRaw<Filed[]>`
      UPDATE conversation_member SET ${set}
      WHERE conversation_id = ${conversationId}::uuid AND user_id = ${viewerOf(context).id}::uuid AND NOT (${unless})
      RETURNING id, conversation_id AS "conversationId", user_id AS "userId"`;
    if (filed === undefined) return;
    then(tx, filed);
    tellUsers(tx, conversationId, 'CONVERSATION_CHANGED', [filed.userId]);
  });
};

/**
 * Puts a conversation away until somebody writes in it; while it is muted, for good. A request is accepted or declined instead: it has its own list,
 * and put away it would be in none.
 * @throws NOT_FOUND, BAD_USER_INPUT for a request to the viewer
 */
export const archiveConversation = async (context: Context, conversationId: string): Promise<void> => {
  const { member } = await findAsMember(context, conversationId);
  if (member.isRequest)
    throw badInput({ path: 'input.conversationId', code: 'NOT_ALLOWED', message: 'A request is accepted or declined, not archived.' });
  // A message that comes meanwhile is as if it had come before.
  const head = await readHead(context.db.prisma, conversationLog.name, conversationId);
  await file(context, conversationId, Prisma.sql`archived_seq = ${head?.lastSeq ?? 0}`, Prisma.sql`archived_seq IS NOT NULL`);
};

/** Takes back {@link archiveConversation}. @throws NOT_FOUND */
export const unarchiveConversation = async (context: Context, conversationId: string): Promise<void> => {
  await file(context, conversationId, Prisma.sql`archived_seq = NULL`, Prisma.sql`archived_seq IS NULL`);
};

/**
 * Mutes a conversation, for ever or until a time.
 * @throws NOT_FOUND, BAD_USER_INPUT for a time that is not in the future
 */
export const muteConversation = async (context: Context, conversationId: string, until: Date | null): Promise<void> => {
  if (until !== null && until.getTime() <= context.clock.now())
    throw badInput({ path: 'input.until', code: 'TOO_SMALL', message: 'Must be in the future.' });
  await file(
    context,
    conversationId,
    Prisma.sql`is_muted = true, muted_until = ${until}::timestamptz`,
    Prisma.sql`is_muted AND muted_until IS NOT DISTINCT FROM ${until}::timestamptz`,
    (tx, { id }) => {
      if (until !== null) tx.enqueue(endMuteTask, { memberId: id }, { key: id, runAt: until });
    },
  );
};

/** Takes back {@link muteConversation}. @throws NOT_FOUND */
export const unmuteConversation = async (context: Context, conversationId: string): Promise<void> => {
  await file(context, conversationId, Prisma.sql`is_muted = false, muted_until = NULL`, Prisma.sql`NOT is_muted`);
};

/** Pins a conversation to the top of the viewer's list. @throws NOT_FOUND */
export const pinConversation = async (context: Context, conversationId: string): Promise<void> => {
  await file(
    context,
    conversationId,
    Prisma.sql`pinned_at = ${new Date(context.clock.now())}::timestamptz`,
    Prisma.sql`pinned_at IS NOT NULL`,
  );
};

/** Takes back {@link pinConversation}. @throws NOT_FOUND */
export const unpinConversation = async (context: Context, conversationId: string): Promise<void> => {
  await file(context, conversationId, Prisma.sql`pinned_at = NULL`, Prisma.sql`pinned_at IS NULL`);
};

/** Marks a conversation as unread, until its viewer marks it as read. The read position stays. @throws NOT_FOUND */
export const markUnread = async (context: Context, conversationId: string): Promise<void> => {
  await file(context, conversationId, Prisma.sql`is_marked_unread = true`, Prisma.sql`is_marked_unread`);
};

/**
 * Ends a muting whose time has come. The mark holds until then whatever the time is, so that what is unread changes with the event that tells
 * of it.
 */
export const endMuteTask: Task<{ readonly memberId: string }> = defineTask('conversations.endMute', ({ db }, { memberId }) =>
  db.transact(async (tx) => {
    const [member] = await tx.$queryRaw<(Filed & { readonly until: Date; readonly isEarly: boolean })[]>`
      SELECT id, conversation_id AS "conversationId", user_id AS "userId", muted_until AS until, muted_until > clock_timestamp() AS "isEarly"
      FROM conversation_member WHERE id = ${memberId}::uuid AND is_muted AND muted_until IS NOT NULL FOR NO KEY UPDATE`;
    if (member === undefined) return;
    // It was muted anew meanwhile, for longer.
    if (member.isEarly) {
      tx.enqueue(endMuteTask, { memberId }, { key: memberId, runAt: member.until });
      return;
    }
    await tx.$executeRaw`UPDATE conversation_member SET is_muted = false, muted_until = NULL WHERE id = ${memberId}::uuid`;
    tellUsers(tx, member.conversationId, 'CONVERSATION_CHANGED', [member.userId]);
  }),
);
