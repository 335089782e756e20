import type { Clock } from '../../clock.js';
import type { Message } from '../../db/generated/prisma/client.js';
import { hasAll } from '../../graphql/held-rows.js';
import type { LogEvent } from '../../realtime/topic.js';
import type { PublicUser } from '../account/account.js';
import type { ConversationEvents, OfMessage } from './topics.js';

/** The rows that the INSERT of a message has returned, carried by its event. */
interface SentRows {
  /** The message as inserted; only the numbering changes it before others can see it. */
  readonly message: Message;
  readonly author: PublicUser;
  /** When the author's row, which is not locked, was read; in milliseconds. */
  readonly authorAt: number;
}

/**
 * The longest age of the author's row, in milliseconds. Example: A's message waits for the lock of the head, and A changes their name
 * meanwhile. A slow read could show the old name for about as long.
 */
const AUTHOR_MS = 100;

export const sentRows = (rows: Omit<SentRows, 'authorAt'>, clock: Clock): SentRows => ({ ...rows, authorAt: clock.now() });

/**
 * The message and author that an event carries. Only events of new messages carry rows.
 * @param query the Prisma query that would read what is selected
 * @returns null when they must be read from the database: in another process, later than the turn of the commit, or when more is selected
 *   than the rows contain
 */
export const carriedMessage = (
  { carried, seq, at }: LogEvent<ConversationEvents, OfMessage>,
  query: object,
  clock: Clock,
): Message | null => {
  if (carried === null) return null;
  const { message, author, authorAt } = carried as SentRows;
  if (clock.now() - authorAt > AUTHOR_MS) return null;
  const row = { ...message, seq, createdAt: at, author };
  return hasAll(row, query) ? row : null;
};
