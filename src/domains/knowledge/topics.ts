import { Prisma } from '../../db/generated/prisma/client.js';
import { HEAD_VERSION, joinHead } from '../../realtime/event-log.js';
import { logTopic, stateTopic, type StateValue } from '../../realtime/topic.js';

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

/** What an event of an entry carries: what is needed to know who may hear of it, as it was then. */
interface OfEntry {
  readonly entryId: string;
  readonly authorId: string;
  /** Whether everybody may hear of it, or its author only. */
  readonly isPublic: boolean;
}

/** What happens to entries. */
export interface EntryEvents {
  readonly ADDED: OfEntry;
  readonly CHANGED: OfEntry;
  readonly FEATURED: OfEntry;
  /** It is private from now on: the last that others hear of it, until it is public again. */
  readonly HIDDEN: OfEntry;
  readonly DELETED: OfEntry;
}

const GOING_ON = { ADDED: 'goes on', CHANGED: 'goes on', FEATURED: 'goes on', HIDDEN: 'goes on' } as const;

/** The events of each entry, keyed by its id. */
export const entryLog = logTopic<EntryEvents>('entry', { kinds: { ...GOING_ON, DELETED: 'ends for everyone' } });

/** The events of the entries of a list, keyed by what they have in common: see {@link listKeys}. */
export const entriesLog = logTopic<EntryEvents>('entries', { kinds: { ...GOING_ON, DELETED: 'goes on' } });

/** The keys of the lists that can be followed. */
export const listKeys = {
  all: 'all',
  category: (id: string): string => `category:${id}`,
  author: (id: string): string => `author:${id}`,
  /** What an author follows of their own: the private ones too, of which others would learn by the numbers of a shared stream. */
  own: (id: string): string => `own:${id}`,
  /** @param key the name as it is compared */
  tag: (key: string): string => `tag:${key}`,
} as const;
