import type { Context } from '../../context.js';
import { Prisma, type Entry } from '../../db/generated/prisma/client.js';
import type { Keyset, KeysetColumn } from '../../db/keyset.js';
import type { RootList } from '../../db/lists.js';
import { contains, hasWordFrom, keyContains } from '../../db/search.js';
import { nameKey } from '../../texts/names.js';
import { isUsername, usernameKey } from '../account/rules.js';
import { inCategory } from './categories.js';
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

/** The entries that match a filter and are visible to the viewer; null when none can match. An empty text is no filter. */
export const listOf = async (context: Context, filter: EntryFilter): Promise<RootList<'Entry'> | null> => {
  const conditions: Prisma.EntryWhereInput[] = [visibleTo(context.viewer)];
  const further: Prisma.Sql[] = [];
  if (filter.category) further.push(inCategory(filter.category));
  if (filter.tag) conditions.push({ tagKeys: { has: nameKey(filter.tag) } });
  if (filter.author) {
    if (!isUsername(filter.author)) return null;
    conditions.push({ author: { usernameKey: usernameKey(filter.author) } });
  }
  if (typeof filter.isFeatured === 'boolean') conditions.push({ isFeatured: filter.isFeatured });
  if (typeof filter.isPublic === 'boolean') conditions.push({ isPublic: filter.isPublic });
  if (filter.search) {
    const found = await searched(context, filter.search);
    if (found.ids === null) further.push(found.condition);
    else conditions.push({ id: { in: found.ids } });
  }
  return { model: 'Entry', where: { AND: conditions }, condition: further.length === 0 ? undefined : Prisma.join(further, ' AND ') };
};

/**
 * A condition in SQL: what the index of trigrams finds. Words of three letters and more are found anywhere; of less the index knows only how
 * words begin, so they are looked for at the beginning of the words of a title; and without any letter or digit it knows nothing.
 */
const hasText = (search: string): Prisma.Sql => {
  const title = Prisma.sql`title`;
  if (/[\p{L}\p{N}]\p{M}*[\p{L}\p{N}]\p{M}*[\p{L}\p{N}]/u.test(search))
    return Prisma.sql`${contains(title, search)} OR ${keyContains(Prisma.sql`content_key`, search)}`;
  return /[\p{L}\p{N}]/u.test(search) ? hasWordFrom(title, search) : Prisma.sql`false`;
};

/** The most entries that are named by their ids in a list that was searched. */
const MAX_FOUND = 1_000;

/** Entries that were searched for: by their ids or, where they are many, as a condition. */
type Found = { readonly ids: string[] } | { readonly ids: null; readonly condition: Prisma.Sql };

/**
 * Entries with this text. Few are found by their indexes first. Beside the order of a list, PostgreSQL would rather walk that
 * order until it has a page, and walk all entries for a text that is rare; where many have the text, that walk is short.
 */
const searched = async (context: Context, search: string): Promise<Found> => {
  const tags = (await tagsContaining(context, search, MAX_SEARCHED_TAGS)).map(nameKey);
  const condition = Prisma.sql`(${hasText(search)} OR tag_keys && ${tags}::text[])`;
  const found = await context.db.prisma.$queryRaw<{ id: string }[]>`SELECT id FROM entry WHERE ${condition} LIMIT ${MAX_FOUND + 1}::int`;
  return found.length > MAX_FOUND ? { ids: null, condition } : { ids: found.map(({ id }) => id) };
};

/** Of tags that contain a searched text, as many as entries are looked for with. */
const MAX_SEARCHED_TAGS = 1_000;
/** Of a viewer's own private entries, as many as their tags are counted of. */
const MAX_PRIVATE = 1_000;

/**
 * The tags of entries that are visible to the viewer, ordered by the number of entries, then by name. No entry is read for the public ones.
 * @param search a part of the tag, without accents and case; empty for all tags
 * @param limit the most tags
 */
export const tagsContaining = async ({ db, viewer }: Context, search: string, limit: number): Promise<string[]> => {
  const isSearched = search === '' ? Prisma.sql`true` : contains(Prisma.sql`tag`, search);
  // A tag that only public entries have is among the first of all only if it is among the first of theirs.
  const rows = await db.prisma.$queryRaw<{ tag: string }[]>`
    WITH own AS (
      SELECT each.key, min(each.tag) AS tag, count(*) AS entries
      FROM (SELECT tags, tag_keys FROM entry WHERE author_id = ${viewer?.id ?? null}::uuid AND NOT is_public LIMIT ${MAX_PRIVATE}) entry,
        unnest(tags, tag_keys) AS each(tag, key)
      WHERE ${isSearched} GROUP BY each.key
    ), candidate AS (
      (SELECT key FROM tag WHERE ${isSearched} ORDER BY entry_count DESC, tag LIMIT ${limit}::int) UNION SELECT key FROM own
    )
    SELECT coalesce(tag.tag, own.tag) AS tag FROM candidate LEFT JOIN tag USING (key) LEFT JOIN own USING (key)
    ORDER BY coalesce(tag.entry_count, 0) + coalesce(own.entries, 0) DESC, 1 LIMIT ${limit}::int`;
  return rows.map(({ tag }) => tag);
};
