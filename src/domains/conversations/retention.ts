import type { Services } from '../../context.js';
import type { Database } from '../../db/database.js';
import { pruneLog } from '../../realtime/log-retention.js';
import { withdrawMentions } from './messages.js';
import { conversationLog } from './topics.js';

/** Messages that one transaction removes at most. */
const REMOVED_AT_ONCE = 500;
const CONVERSATIONS_AT_ONCE = 1_000;

/**
 * Removes what is older than MESSAGE_RETENTION from every conversation: events at once, and the messages that they told of the next time,
 * since what somebody has read of the log just before may still be on its way to them.
 */
export const applyRetention = async ({ db, config }: Pick<Services, 'db' | 'config'>): Promise<void> => {
  const { retentionMs } = config.messages;
  if (retentionMs === null) return;
  await removeForgotten(db);
  await pruneLog(db, conversationLog, retentionMs);
};

/** Removes the messages whose events are no longer kept. */
const removeForgotten = async (db: Database): Promise<void> => {
  let conversations: readonly { readonly id: string; readonly oldestSeq: number }[];
  let after = '';
  do {
    conversations = await db.prisma.$queryRaw`
      SELECT key AS id, oldest_seq AS "oldestSeq" FROM head
      WHERE topic = ${conversationLog.name} AND key > ${after}
        AND EXISTS (SELECT 1 FROM message WHERE message.conversation_id = head.key::uuid AND message.seq < head.oldest_seq)
      ORDER BY key LIMIT ${CONVERSATIONS_AT_ONCE}`;
    for (const { id, oldestSeq } of conversations) {
      for (let seq: number | null = 0; seq !== null; ) seq = await removeMessages(db, id, { after: seq, before: oldestSeq });
      after = id;
    }
  } while (conversations.length === CONVERSATIONS_AT_ONCE);
};

/**
 * Later events may lead to a message: that it was edited, or how it was reacted to. To those who follow the log from before them they
 * tell from here that it is gone, and so it goes itself the next time.
 * @returns the seq of the last that was looked at; null when there is none further
 */
const removeMessages = (
  db: Database,
  conversationId: string,
  seqs: { readonly after: number; readonly before: number },
): Promise<number | null> =>
  db.transact(async (tx) => {
    // Whom somebody is just editing or reacting to is left for the next time, and nobody begins to.
    const messages = await tx.$queryRaw<{ readonly id: string; readonly seq: number }[]>`
      SELECT id, seq FROM message
      WHERE conversation_id = ${conversationId}::uuid AND seq > ${seqs.after} AND seq < ${seqs.before}
      ORDER BY seq LIMIT ${REMOVED_AT_ONCE} FOR UPDATE SKIP LOCKED`;
    const ids = messages.map(({ id }) => id);
    // Topic and kinds are the literals of the partial index `event_message_ref`.
    const told = await tx.$queryRaw<{ readonly id: string }[]>`
      UPDATE event SET kind = 'MessageDeleted'
      WHERE topic = 'conversation' AND key = ${conversationId} AND kind IN ('MessageEdited', 'ReactionsChanged')
        AND ref->>'messageId' = ANY(${ids}::text[])
      RETURNING ref->>'messageId' AS id`;
    const kept = new Set(told.map(({ id }) => id));
    const removed = { in: ids.filter((id) => !kept.has(id)) };
    await withdrawMentions(tx, { messageId: removed });
    await tx.message.deleteMany({ where: { id: removed } });
    return messages.length < REMOVED_AT_ONCE ? null : (messages.at(-1)?.seq ?? null);
  });
