import type { Clock } from '../../clock.js';
import type { Message } from '../../db/generated/prisma/client.js';
import { holds } from '../../graphql/held-rows.js';
import type { LogEvent } from '../../realtime/topic.js';
import type { PublicUser } from '../account/account.js';
import type { ConversationEvents, OfMessage } from './topics.js';

/** The rows that the INSERT of a message has returned, which its event carries. */
interface SentRows {
  /** As it is until somebody else can see it, but for what the numbering writes into it. */
  readonly message: Message;
  readonly author: PublicUser;
  /** When the author's row was read, which is not locked, in milliseconds. */
  readonly authorAt: number;
}

/**
 * How old an author's row may be at the most, in milliseconds: no older than what a slow read would show. A's message may wait long for its
 * number, and A takes another name meanwhile.
 */
const AUTHOR_MS = 100;

export const sentRows = (rows: Omit<SentRows, 'authorAt'>, clock: Clock): SentRows => ({ ...rows, authorAt: clock.now() });

/**
 * The message of an event with its author, as the transaction has left them that has sent it just now. Only events of new messages carry rows.
 * @param query what is to be read of it, as Pothos says it
 * @returns null where they are to be read: by whom it did not send, later than at once, or with more than these rows hold
 */
export const messageAtHand = (
  { carried, seq, at }: LogEvent<ConversationEvents, OfMessage>,
  query: object,
  clock: Clock,
): Message | null => {
  if (carried === null) return null;
  const { message, author, authorAt } = carried as SentRows;
  if (clock.now() - authorAt > AUTHOR_MS) return null;
  const row = { ...message, seq, createdAt: at, author };
  return holds(row, query) ? row : null;
};
