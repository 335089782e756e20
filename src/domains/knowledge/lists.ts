import type { Context } from '../../context.js';
import type { Entry, Prisma } from '../../db/generated/prisma/client.js';
import type { Keyset, KeysetColumn } from '../../db/keyset.js';
import { containing, escapeLike } from '../../db/like-pattern.js';
import { isUsername, usernameKey } from '../account/rules.js';
import { findCategory } from './categories.js';
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
 * A Prisma condition: the entries that match a filter and are visible to the viewer; null when none can match. An empty text is no filter.
 *
 * The category is looked up first instead of joined, so that the index over category and time serves the list.
 */
export const whereOf = async (context: Context, filter: EntryFilter): Promise<Prisma.EntryWhereInput | null> => {
  const conditions: Prisma.EntryWhereInput[] = [visibleTo(context.viewer)];
  if (filter.category) {
    const category = await findCategory(context.db, filter.category);
    if (category === null) return null;
    conditions.push({ categoryId: category.id });
  }
  if (filter.tag) conditions.push({ tags: { has: filter.tag.toLowerCase() } });
  if (filter.author) {
    if (!isUsername(filter.author)) return null;
    conditions.push({ author: { usernameKey: usernameKey(filter.author) } });
  }
  if (typeof filter.isFeatured === 'boolean') conditions.push({ isFeatured: filter.isFeatured });
  if (typeof filter.isPublic === 'boolean') conditions.push({ isPublic: filter.isPublic });
  if (filter.search) {
    const contains = escapeLike(filter.search);
    conditions.push({
      OR: [
        { title: { contains, mode: 'insensitive' } },
        { content: { contains, mode: 'insensitive' } },
        { tags: { hasSome: await tagsContaining(context, filter.search, null) } },
      ],
    });
  }
  return { AND: conditions };
};

/**
 * The tags of entries that are visible to the viewer, ordered by the number of entries, then by name.
 * @param search a part of the tag, ignoring case; empty for all tags
 * @param limit the most tags; null for all
 */
export const tagsContaining = async ({ db, viewer }: Context, search: string, limit: number | null): Promise<string[]> => {
  const rows = await db.prisma.$queryRaw<{ tag: string }[]>`
    SELECT tag FROM entry, unnest(tags) AS tag
    WHERE (is_public OR author_id = ${viewer?.id ?? null}::uuid) AND tag LIKE ${containing(search.toLowerCase())}
    GROUP BY tag ORDER BY count(*) DESC, tag LIMIT ${limit}::int`;
  return rows.map(({ tag }) => tag);
};
