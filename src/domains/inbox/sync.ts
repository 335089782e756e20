import type { Context } from '../../context.js';
import { codeOf } from '../../errors.js';
import { assertReadable, decodeCursor, type Head } from '../../realtime/cursor.js';
import { readSubjects } from '../../realtime/event-log.js';
import { viewerOf } from '../../access/viewer.js';
import { inboxHead } from './inbox.js';
import { inboxLog } from './topics.js';

/** The most events, and the most conversations that they are about, that are looked through: a list that has changed more is read anew. */
const MAX_EVENTS = 2_000;
export const MAX_CHANGED = 100;

/** What has happened to a user's list since a cursor. */
export interface Sync {
  readonly userId: string;
  /** Where the inbox stood before anything else was read. */
  readonly head: Head | null;
  /** The conversations that events are about, the latest first; null when the whole list must be read anew. */
  readonly changed: readonly string[] | null;
  /** Whether the cursor can no longer be served. */
  readonly isExpired: boolean;
}

/**
 * Looks through what the viewer's inbox has been told since a cursor. The head is read first, so what is read of the conversations afterwards has everything up to
 * it.
 * @param after left out by a client that knows nothing yet
 * @throws BAD_USER_INPUT for a cursor of another stream
 */
export const syncSince = async (context: Context, after: string | null | undefined): Promise<Sync> => {
  const userId = viewerOf(context).id;
  const head = await inboxHead(context, userId);
  const anew = { userId, head, changed: null, isExpired: false };
  if (after === null || after === undefined) return anew;
  const position = decodeCursor(inboxLog.name, userId, after);
  try {
    assertReadable(inboxLog.name, userId, position, head);
  } catch (error) {
    if (codeOf(error) === 'CURSOR_EXPIRED') return { ...anew, isExpired: true };
    throw error;
  }
  if ((head?.lastSeq ?? 0) - position.seq > MAX_EVENTS) return anew;
  const wanted = { topic: inboxLog.name, key: userId, seq: position.seq, name: 'conversationId', limit: MAX_CHANGED + 1 };
  const changed = await readSubjects(context.db.prisma, wanted);
  return changed.length > MAX_CHANGED ? anew : { ...anew, changed };
};
