import type { Context } from '../../context.js';
import type { Entry, Prisma } from '../../db/generated/prisma/client.js';
import type { Keyset, KeysetColumn } from '../../db/keyset.js';
import { containing, escapeLike } from '../../db/like-pattern.js';
import { isUsername, usernameKey } from '../account/rules.js';
import { visibleTo } from './rules.js';

/** The columns by which lists of entries are ordered. */
export type OrderedEntry = Pick<Entry, 'id' | 'createdAt' | 'updatedAt' | 'likeCount' | 'title'>;
export type EntryOrder = 'NEWEST' | 'OLDEST' | 'UPDATED' | 'POPULAR' | 'TITLE';

const keyset = (name: string, column: KeysetColumn<OrderedEntry>): Keyset<OrderedEntry> => ({
  name,
  columns: [column, { field: 'id', type: 'uuid', direction: column.direction, value: (entry) => entry.id }],
});

export const entryOrders: Readonly<Record<EntryOrder, Keyset<OrderedEntry>>> = {
  NEWEST: keyset('entries:newest', { field: 'createdAt', type: 'date', direction: 'desc', value: (entry) => entry.createdAt }),
  OLDEST: keyset('entries:oldest', { field: 'createdAt', type: 'date', direction: 'asc', value: (entry) => entry.createdAt }),
  UPDATED: keyset('entries:updated', { field: 'updatedAt', type: 'date', direction: 'desc', value: (entry) => entry.updatedAt }),
  POPULAR: keyset('entries:popular', { field: 'likeCount', type: 'int', direction: 'desc', value: (entry) => entry.likeCount }),
  TITLE: keyset('entries:title', { field: 'title', type: 'text', direction: 'asc', value: (entry) => entry.title }),
};

export interface EntryFilter {
  readonly category?: string | null | undefined;
  readonly tag?: string | null | undefined;
  readonly author?: string | null | undefined;
  readonly isFeatured?: boolean | null | undefined;
  readonly isPublic?: boolean | null | undefined;
  readonly search?: string | null | undefined;
}

/**
 * A Prisma condition: the entries that match a filter, but for its category, and are visible to the viewer; null when none can match. An empty text is no
 * filter.
 */
export const whereOf = async (context: Context, filter: EntryFilter): Promise<Prisma.EntryWhereInput | null> => {
  const conditions: Prisma.EntryWhereInput[] = [visibleTo(context.viewer)];
  if (filter.tag) conditions.push({ tags: { has: filter.tag.toLowerCase() } });
  if (filter.author) {
    if (!isUsername(filter.author)) return null;
    conditions.push({ author: { usernameKey: usernameKey(filter.author) } });
  }
  if (typeof filter.isFeatured === 'boolean') conditions.push({ isFeatured: filter.isFeatured });
  if (typeof filter.isPublic === 'boolean') conditions.push({ isPublic: filter.isPublic });
  if (filter.search) conditions.push(await searched(context, filter.search));
  return { AND: conditions };
};

/**
 * A Prisma condition: what the index of trigrams finds. Words of three letters and more are found anywhere; of less the index knows only how
 * words begin, so they are looked for at the beginning of the words of a title; and without any letter or digit it knows nothing.
 */
const textConditions = (search: string): Prisma.EntryWhereInput[] => {
  const text = escapeLike(search);
  if (/[\p{L}\p{N}]{3}/u.test(search))
    return [{ title: { contains: text, mode: 'insensitive' } }, { content: { contains: text, mode: 'insensitive' } }];
  if (!/[\p{L}\p{N}]/u.test(search)) return [];
  return [{ title: { startsWith: text, mode: 'insensitive' } }, { title: { contains: ` ${text}`, mode: 'insensitive' } }];
};

/** The most entries that are named by their ids in a list that was searched. */
const MAX_FOUND = 1_000;

/**
 * A Prisma condition: entries with this text. Few are found by their indexes first. Beside the order of a list, PostgreSQL would rather walk that
 * order until it has a page, and walk all entries for a text that is rare; where many have the text, that walk is short.
 */
const searched = async (context: Context, search: string): Promise<Prisma.EntryWhereInput> => {
  const tags = await tagsContaining(context, search, MAX_SEARCHED_TAGS);
  const where = { OR: [...textConditions(search), { tags: { hasSome: tags } }] };
  const found = await context.db.prisma.entry.findMany({ where, select: { id: true }, take: MAX_FOUND + 1 });
  return found.length > MAX_FOUND ? where : { id: { in: found.map(({ id }) => id) } };
};

/** Of tags that contain a searched text, as many as entries are looked for with. */
const MAX_SEARCHED_TAGS = 1_000;
/** Of a viewer's own private entries, as many as their tags are counted of. */
const MAX_PRIVATE = 1_000;

/**
 * The tags of entries that are visible to the viewer, ordered by the number of entries, then by name. No entry is read for the public ones.
 * @param search a part of the tag, ignoring case; empty for all tags
 * @param limit the most tags
 */
export const tagsContaining = async ({ db, viewer }: Context, search: string, limit: number): Promise<string[]> => {
  const pattern = containing(search.toLowerCase());
  // A tag that only public entries have is among the first of all only if it is among the first of theirs.
  const rows = await db.prisma.$queryRaw<{ tag: string }[]>`
    WITH own AS (
      SELECT own_tag AS tag, count(*) AS entries
      FROM (SELECT tags FROM entry WHERE author_id = ${viewer?.id ?? null}::uuid AND NOT is_public LIMIT ${MAX_PRIVATE}) entry, unnest(tags) AS own_tag
      WHERE own_tag LIKE ${pattern} GROUP BY own_tag
    ), candidate AS (
      (SELECT tag FROM tag WHERE tag LIKE ${pattern} ORDER BY entry_count DESC, tag LIMIT ${limit}::int) UNION SELECT tag FROM own
    )
    SELECT candidate.tag FROM candidate LEFT JOIN tag USING (tag) LEFT JOIN own USING (tag)
    ORDER BY coalesce(tag.entry_count, 0) + coalesce(own.entries, 0) DESC, candidate.tag LIMIT ${limit}::int`;
  return rows.map(({ tag }) => tag);
};
