import type { PrismaClient } from '../db/generated/prisma/client.js';
import { assertPageSize } from '../db/keyset.js';
import { assertReadable, decodeCursor } from '../realtime/cursor.js';
import { readEvents, readHead, type AnyEvent } from '../realtime/event-log.js';
import { assertWithoutHole, holeInLog } from '../realtime/readers.js';
import type { LogEvent, LogTopic } from '../realtime/topic.js';

/**
 * The next events of a log, in order, as its subscribers get them: for those who poll, because neither a socket nor a stream of server-sent
 * events reaches them. Who may is asked before.
 * @param after left out: from the oldest that is kept
 * @param first how many at most, as {@link assertPageSize} allows
 * @throws BAD_USER_INPUT for a number out of bounds or a cursor of another stream, CURSOR_EXPIRED for one that cannot be served
 */
export const logPage = async <Events extends object>(
  prisma: PrismaClient,
  { name }: LogTopic<Events>,
  key: string,
  { after, first }: { readonly after: string | null | undefined; readonly first: number },
): Promise<LogEvent<Events>[]> => {
  assertPageSize('first', first);
  const events = await (after === null || after === undefined ? readEvents(prisma, name, key, 0) : eventsAfter(prisma, name, key, after));
  return events.slice(0, first) as unknown as LogEvent<Events>[];
};

const eventsAfter = async (prisma: PrismaClient, topic: string, key: string, after: string): Promise<AnyEvent[]> => {
  const position = decodeCursor(topic, key, after);
  const head = await readHead(prisma, topic, key);
  assertReadable(topic, key, position, head);
  const events = await readEvents(prisma, topic, key, position.seq);
  // What retention has removed since the head was read must not be passed over.
  if (events.length === 0 && position.seq < (head?.lastSeq ?? 0)) throw holeInLog();
  assertWithoutHole(events, position.seq);
  return events;
};
