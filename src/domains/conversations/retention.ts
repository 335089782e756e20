import type { Services } from '../../context.js';
import type { Database } from '../../db/database.js';
import { Prisma } from '../../db/generated/prisma/client.js';
import { findStreams, pruneLog, readRefs, retell } from '../../realtime/log-retention.js';
import { withdrawMentions } from './messages.js';
import { conversationLog, type ConversationEvents } from './topics.js';

/** Messages that one transaction removes at most. */
const REMOVED_AT_ONCE = 500;
const CONVERSATIONS_AT_ONCE = 1_000;

/**
 * Removes what is older than MESSAGE_RETENTION from every conversation: events at once, and the messages that they told of the next time,
 * since what somebody has read of the log just before may still be on its way to them. A message to which a later event leads is emptied, and
 * removed when that event has gone too: whatever a kept event leads to is there.
 */
export const applyRetention = async ({ db, config }: Pick<Services, 'db' | 'config'>): Promise<void> => {
  const { retentionMs } = config.messages;
  if (retentionMs === null) return;
  await removeForgotten(db);
  await pruneLog(db, conversationLog, retentionMs);
};

const HAS_FORGOTTEN = Prisma.sql`
  EXISTS (SELECT 1 FROM message WHERE message.conversation_id = head.key::uuid AND message.seq < head.oldest_seq)`;

/** Removes or empties the messages whose own events are no longer kept. */
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
 * Later events may lead to a message: that it was edited or deleted, or how it was reacted to. To those who follow the log from before them
 * they tell from here that it was deleted, and what is left of it is as empty as any deleted message.
 *
 * One who edits a message holds its row until the event is written, so that event is seen here; one who comes later finds it deleted.
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
    // Topic, kinds and the expression are those of the partial index `event_message_ref`.
    const about = (kinds: Prisma.Sql): Prisma.Sql =>
      Prisma.sql`topic = 'conversation' AND kind IN (${kinds}) AND ref->>'messageId' = ANY(${ids}::text[])`;
    await retell(tx, conversationId, about(Prisma.sql`'MessageEdited', 'ReactionsChanged'`), 'MessageDeleted');
    const told = await readRefs<ConversationEvents['MessageDeleted']>(tx, conversationId, about(Prisma.sql`'MessageDeleted'`));
    const kept = new Set(told.map(({ messageId }) => messageId));
    await withdrawMentions(tx, { messageId: { in: ids } });
    await tx.messageMention.deleteMany({ where: { messageId: { in: ids } } });
    await tx.messageReaction.deleteMany({ where: { messageId: { in: ids } } });
    // When it was deleted is when retention has emptied it; what was deleted before keeps its time.
    await tx.$executeRaw`
      UPDATE message SET body = '', deleted_at = date_trunc('milliseconds', clock_timestamp())
      WHERE id = ANY(${[...kept]}::uuid[]) AND deleted_at IS NULL`;
    await tx.message.deleteMany({ where: { id: { in: ids.filter((id) => !kept.has(id)) } } });
    return messages.length < REMOVED_AT_ONCE ? null : (messages.at(-1)?.seq ?? null);
  });
