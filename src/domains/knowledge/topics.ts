import { Prisma } from '../../db/generated/prisma/client.js';
import { HEAD_VERSION, joinHead } from '../../realtime/event-log.js';
import { stateTopic, type StateValue } from '../../realtime/topic.js';

export interface EntryLikeCount extends StateValue {
  readonly entryId: string;
  readonly count: number;
}

const NAME = 'entryLikeCount';

/** The number of likes of an entry, keyed by its id. A private one has no value: it may have been public when somebody began to follow it. */
export const entryLikeCount = stateTopic<EntryLikeCount>(NAME, async (prisma, entryIds) => {
  const rows = await prisma.$queryRaw<EntryLikeCount[]>`
    SELECT entry.id AS "entryId", entry.like_count AS count, ${HEAD_VERSION} AS version
    FROM entry ${joinHead(NAME, Prisma.sql`entry.id::text`)}
    WHERE entry.id = ANY(${[...entryIds]}::uuid[]) AND entry.is_public`;
  return new Map(rows.map((row) => [row.entryId, row]));
});
