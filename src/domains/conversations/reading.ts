import type { Context } from '../../context.js';
import { Prisma, type ConversationMember } from '../../db/generated/prisma/client.js';
import { THROTTLE_INTERVAL, throttleDecision, type ThrottleDecision } from '../../db/throttle.js';
import type { Tx } from '../../db/transact.js';
import { defineTask, type Task } from '../../jobs/task.js';
import { assertReadable, decodeCursor } from '../../realtime/cursor.js';
import { readHead } from '../../realtime/event-log.js';
import { readUnless } from '../notifications/notifications.js';
import { findAsMember } from './conversations.js';
import { tellNewsTask, tellUsers } from './inboxes.js';
import { HIDES_PRESENCE, IS_APART } from './membership.js';
import { forgetMentions } from './mentions.js';
import { directMessagesAbout } from './messages.js';
import { MAX_PUBLISHED_READERS } from './rules.js';
import { conversationLog } from './topics.js';
import { hasUnread } from './unread.js';

/**
 * Moves the viewer's read position forward to `cursor`; it never moves back. In a conversation of up to {@link MAX_PUBLISHED_READERS}
 * members it is published to the others: for each member at most once a second, and the last position always. It is not published in a
 * direct conversation whose users are separated by a block, nor for a member who hides from any other that they are here: to read is to be here. The others
 * are then shown the position before, as of one who has not read on.
 * @throws NOT_FOUND, BAD_USER_INPUT for a cursor of another stream, CURSOR_EXPIRED for a cursor beyond the head or of another
 *   epoch
 */
export const markRead = async (context: Context, conversationId: string, cursor: string): Promise<void> => {
  const { member } = await findAsMember(context, conversationId);
  const { prisma, transact } = context.db;
  const position = decodeCursor(conversationLog.name, conversationId, cursor, 'input.cursor');
  const head = await readHead(prisma, conversationLog.name, conversationId);
  // Messages are kept longer than their events, so a cursor below the oldest event is valid here.
  const oldest = (head?.oldestSeq ?? 1) - 1;
  assertReadable(conversationLog.name, conversationId, { ...position, seq: Math.max(position.seq, oldest) }, head);
  await transact(async (tx) => {
    await moveReadPosition(tx, context, member, position.seq);
    await readUnless(tx, directMessagesAbout(conversationId, member.userId), hasUnread(member.userId, conversationId));
  });
};

/**
 * The present time, truncated to the column's milliseconds. A rounded time could lie in the future, which would mean that a job is
 * enqueued.
 */
const NOW = Prisma.sql`date_trunc('milliseconds', clock_timestamp())`;

interface Moved {
  /** Null when the move is not published. */
  readonly decision: ThrottleDecision | null;
  readonly isHidden: boolean;
  /** Whether the move passes a message. */
  readonly passes: boolean;
  readonly isMarkedUnread: boolean;
  readonly hasNews: boolean;
  /** Whether any mention of the member, in whatever conversation, is unread. */
  readonly isMentioned: boolean;
}

/** After how many milliseconds it is looked once more for members of a large conversation who have not been told. */
const TELL_AGAIN_MS = 1_000;

/**
 * Moves the read position of a member, unless it is there already or the membership has ended, and takes back that it is marked as unread. A move
 * that passes no message is not published; otherwise clients that mark each ReadMoved event as read would answer each other for ever.
 */
const moveReadPosition = async (tx: Tx, { clock }: Pick<Context, 'clock'>, member: ConversationMember, seq: number): Promise<void> => {
  const { id, conversationId, userId } = member;
  const passes = Prisma.sql`EXISTS (
    SELECT 1 FROM message
    WHERE message.conversation_id = member.conversation_id AND message.seq > member.last_read_seq AND message.seq <= ${seq}
  )`;
  const isMentioned = Prisma.sql`EXISTS (SELECT 1 FROM message_mention WHERE user_id = member.user_id AND is_unread)`;
  const [moved] = await tx.$queryRaw<Moved[]>`
    SELECT CASE WHEN (
        SELECT count(*) FROM (
          SELECT 1 FROM conversation_member WHERE conversation_id = member.conversation_id LIMIT ${MAX_PUBLISHED_READERS + 1}
        ) few
      ) <= ${MAX_PUBLISHED_READERS} AND ${passes} AND NOT member.is_request AND NOT ${IS_APART} AND NOT ${HIDES_PRESENCE}
      THEN ${throttleDecision(Prisma.sql`coalesce(member.read_told_at, '-infinity')`)} END AS decision,
      ${HIDES_PRESENCE} AS "isHidden", ${passes} AS passes, member.is_marked_unread AS "isMarkedUnread", member.has_news AS "hasNews", ${isMentioned} AS "isMentioned"
    FROM conversation_member member
    WHERE member.id = ${id}::uuid AND (member.last_read_seq < ${seq} OR member.is_marked_unread OR ${isMentioned})
    FOR NO KEY UPDATE OF member`;
  if (moved === undefined) return;
  const [{ toldAt, hasNews }] = await tx.$queryRaw<[{ readonly toldAt: Date | null; readonly hasNews: boolean }]>`
    UPDATE conversation_member member
    SET last_read_seq = greatest(last_read_seq, ${seq}),
      shown_read_seq = CASE WHEN ${moved.isHidden} THEN coalesce(shown_read_seq, last_read_seq) WHEN NOT ${moved.passes} THEN shown_read_seq END,
      is_marked_unread = false, has_news = has_news AND EXISTS (
        SELECT 1 FROM message
        WHERE message.conversation_id = member.conversation_id AND message.seq > greatest(member.last_read_seq, ${seq})
          AND message.author_id <> member.user_id AND message.deleted_at IS NULL
      ),
      read_told_at = CASE ${moved.decision}::text
        WHEN 'now' THEN ${NOW} WHEN 'soon' THEN read_told_at + ${THROTTLE_INTERVAL} ELSE read_told_at
      END
    WHERE id = ${id}::uuid RETURNING read_told_at AS "toldAt", has_news AS "hasNews"`;
  if (moved.decision === 'now') tx.emit(conversationLog, conversationId, 'ReadMoved', { userId, seq });
  if (moved.decision === 'soon' && toldAt !== null) tx.enqueue(publishReadPositionTask, { memberId: id }, { key: id, runAt: toldAt });
  // Example: a message is sent while its reader marks the one before as read. The job that tells of it still finds that the reader has been told,
  // and this act does not see the message yet.
  if (moved.hasNews && !hasNews) {
    const runAt = new Date(clock.now() + TELL_AGAIN_MS);
    tx.enqueue(tellNewsTask, { conversationId }, { key: `again:${conversationId}`, runAt });
  }
  const hasForgotten = moved.isMentioned && (await forgetMentions(tx, conversationId, userId, Math.max(seq, member.lastReadSeq)));
  if (moved.passes || moved.isMarkedUnread || moved.hasNews || hasForgotten) tellUsers(tx, conversationId, 'READ', [userId]);
};

interface Reader {
  readonly conversationId: string;
  readonly userId: string;
  readonly seq: number;
  readonly toldAt: Date;
  readonly early: boolean;
  /** Whether a block separates the two users of a direct conversation by now. */
  readonly apart: boolean;
}

/** Publishes the present read position of a member. */
export const publishReadPositionTask: Task<{ readonly memberId: string }> = defineTask(
  'conversations.tellReading',
  ({ db }, { memberId }) =>
    db.transact(async (tx) => {
      const [reader] = await tx.$queryRaw<Reader[]>`
      SELECT conversation_id AS "conversationId", user_id AS "userId", coalesce(shown_read_seq, last_read_seq) AS seq, read_told_at AS "toldAt",
        read_told_at > clock_timestamp() AS early, ${IS_APART} AS apart
      FROM conversation_member member WHERE id = ${memberId}::uuid FOR NO KEY UPDATE`;
      if (reader === undefined) return;
      const { conversationId, userId, seq, toldAt, early, apart } = reader;
      // The job ran late, and meanwhile a later time was set for further moves: a job for that time is needed.
      if (early) {
        tx.enqueue(publishReadPositionTask, { memberId }, { key: memberId, runAt: toldAt });
        return;
      }
      if (apart) return;
      await tx.$executeRaw`UPDATE conversation_member SET read_told_at = ${NOW} WHERE id = ${memberId}::uuid`;
      tx.emit(conversationLog, conversationId, 'ReadMoved', { userId, seq });
    }),
);
