import type { Services } from '../../context.js';
import type { Database } from '../../db/database.js';
import { Prisma } from '../../db/generated/prisma/client.js';
import { findStreams, pruneLog, readRefs, retell } from '../../realtime/log-retention.js';
import { tellMembers, tellUsers } from './inboxes.js';
import { withdrawMentions } from './messages.js';
import { conversationLog, type ConversationEvents } from './topics.js';

/** The most messages that one transaction removes. */
const REMOVED_AT_ONCE = 500;
const CONVERSATIONS_AT_ONCE = 1_000;

/**
 * Deletes what is older than MESSAGE_RETENTION in every conversation: first events, and in the next run the messages of those events,
 * because a subscriber who has just read the log may still be loading them. A message that a later event refers to is emptied and deleted
 * after that event. So whatever a kept event refers to exists.
 */
export const applyRetention = async ({ db, config }: Pick<Services, 'db' | 'config'>): Promise<void> => {
  const { retentionMs } = config.messages;
  if (retentionMs === null) return;
  await removeForgotten(db);
  await pruneLog(db, conversationLog, retentionMs);
};

const HAS_FORGOTTEN = Prisma.sql`
  EXISTS (SELECT 1 FROM message WHERE message.conversation_id = head.key::uuid AND message.seq < head.oldest_seq)`;

/** Deletes or empties the messages whose own events were deleted. */
const removeForgotten = async (db: Database): Promise<void> => {
  let conversations: Awaited<ReturnType<typeof findStreams>>;
  let after = '';
  do {
    conversations = await findStreams(db, conversationLog, { where: HAS_FORGOTTEN, after, limit: CONVERSATIONS_AT_ONCE });
    for (const { key, oldestSeq } of conversations) {
      for (let seq: number | null = 0; seq !== null;) seq = await removeMessages(db, key, { after: seq, before: oldestSeq });
      after = key;
    }
  } while (conversations.length === CONVERSATIONS_AT_ONCE);
};

/**
 * Deletes or empties a batch of messages. Later events may refer to a message: edits, reactions and deletions. Those events are rewritten
 * to MessageDeleted, so that a client resuming before them learns that the message is gone, and the row is emptied like that of any deleted
 * message.
 *
 * Example: A edits a message while retention runs. If A holds the row's lock, the message is skipped until the next run, when A's event is
 * visible; if retention has the lock, A's edit waits and then finds a deleted message.
 * @returns the seq of the last message of the batch; null when there are no more
 */
const removeMessages = (
  db: Database,
  conversationId: string,
  seqs: { readonly after: number; readonly before: number },
): Promise<number | null> =>
  db.transact(async (tx) => {
    // Messages that are being edited or reacted to are skipped; the others are locked against it.
    const messages = await tx.$queryRaw<{ readonly id: string; readonly seq: number }[]>`
      SELECT id, seq FROM message
      WHERE conversation_id = ${conversationId}::uuid AND seq > ${seqs.after} AND seq < ${seqs.before}
      ORDER BY seq LIMIT ${REMOVED_AT_ONCE} FOR UPDATE SKIP LOCKED`;
    const ids = messages.map(({ id }) => id);
    // Topic, kinds and expression must match the partial index `event_message_ref`.
    const about = (kinds: Prisma.Sql): Prisma.Sql =>
      Prisma.sql`topic = 'conversation' AND kind IN (${kinds}) AND ref->>'messageId' = ANY(${ids}::text[])`;
    await retell(tx, conversationId, about(Prisma.sql`'MessageEdited', 'ReactionsChanged'`), 'MessageDeleted');
    const told = await readRefs<ConversationEvents['MessageDeleted']>(tx, conversationId, about(Prisma.sql`'MessageDeleted'`));
    const kept = new Set(told.map(({ messageId }) => messageId));
    await withdrawMentions(tx, { messageId: { in: ids } });
    const unread = await tx.messageMention.findMany({ where: { messageId: { in: ids }, isUnread: true }, select: { userId: true } });
    await tx.messageMention.deleteMany({ where: { messageId: { in: ids } } });
    await tx.messageReaction.deleteMany({ where: { messageId: { in: ids } } });
    // The time of deletion is now, unless the message was deleted before.
    await tx.$executeRaw`
      UPDATE message SET body = '', deleted_at = date_trunc('milliseconds', clock_timestamp())
      WHERE id = ANY(${[...kept]}::uuid[]) AND deleted_at IS NULL`;
    await tx.message.deleteMany({ where: { id: { in: ids.filter((id) => !kept.has(id)) } } });
    const last = messages.at(-1);
    if (last !== undefined) {
      tellMembers(tx, conversationId, 'CONVERSATION_CHANGED', Prisma.sql`member.last_read_seq < ${last.seq}`);
      tellUsers(
        tx,
        conversationId,
        'CONVERSATION_CHANGED',
        unread.map(({ userId }) => userId),
      );
    }
    return messages.length < REMOVED_AT_ONCE ? null : (messages.at(-1)?.seq ?? null);
  });
