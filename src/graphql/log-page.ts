import type { PrismaClient } from '../db/generated/prisma/client.js';
import { assertPageSize } from '../db/keyset.js';
import { assertReadable, decodeCursor } from '../realtime/cursor.js';
import { readEvents, readHead, type AnyEvent } from '../realtime/event-log.js';
import { assertWithoutHole, holeInLog } from '../realtime/readers.js';
import type { LogEvent, LogTopic } from '../realtime/topic.js';

/**
 * A page of a log's events, in the order and form in which its subscribers get them. It serves clients that poll because neither WebSockets
 * nor server-sent events reach them. The caller must have authorised the viewer.
 * @param after a cursor; without it the page begins with the oldest event that is kept
 * @param first the size of the page, within the limits of {@link assertPageSize}
 * @throws BAD_USER_INPUT for a size out of bounds or a cursor of another stream, CURSOR_EXPIRED for a cursor that can no longer be served
 */
export const logPage = async <Events extends object>(
  prisma: PrismaClient,
  { name }: LogTopic<Events>,
  key: string,
  { after, first }: { readonly after: string | null | undefined; readonly first: number },
): Promise<LogEvent<Events>[]> => {
  assertPageSize('first', first);
  // An empty page reads one event, too: whether there is a gap is seen by what is read.
  const limit = Math.max(first, 1);
  const events = await (after === null || after === undefined
    ? readEvents(prisma, name, key, 0, limit)
    : eventsAfter(prisma, name, key, after, limit));
  return events.slice(0, first) as unknown as LogEvent<Events>[];
};

const eventsAfter = async (prisma: PrismaClient, topic: string, key: string, after: string, limit: number): Promise<AnyEvent[]> => {
  const position = decodeCursor(topic, key, after);
  const head = await readHead(prisma, topic, key);
  assertReadable(topic, key, position, head);
  const events = await readEvents(prisma, topic, key, position.seq, limit);
  // The head says that there are events, and none was found: retention has removed them since the head was read. The reader must hear of
  // that gap.
  if (events.length === 0 && position.seq < (head?.lastSeq ?? 0)) throw holeInLog();
  assertWithoutHole(events, position.seq);
  return events;
};
