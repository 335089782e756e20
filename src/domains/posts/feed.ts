import type { Context } from '../../context.js';
import { Prisma } from '../../db/generated/prisma/client.js';
import { COUNTED_ROWS } from '../../db/count.js';
import type { KeysetValue } from '../../db/keyset.js';
import type { Part } from '../../db/lists.js';
import { viewerOf } from '../../access/viewer.js';
import { followedBy, followeesOf } from '../follows/follows.js';
import { notDeleted } from './posts.js';

/** The number of posts in the viewer's feed, those of the users they follow and their own. */
export const countFeed = async (context: Context): Promise<number> => {
  const viewerId = viewerOf(context).id;
  return await context.db.prisma.post.count({
    where: { ...notDeleted, OR: [{ authorId: viewerId }, { author: followedBy(viewerId) }] },
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
    take: COUNTED_ROWS,
  });
};

/**
 * The posts of a page of the viewer's feed, as a subquery with the column `id`. Its cost grows with the number of followed authors, not with the number of posts. One index
 * lookup for each author finds their first post of the page. Only the authors of the foremost of these posts, as many as the page has
 * places, can have posts on the page; only their posts are read, and of each author at most a page.
 */
export const postsOfFeed = (context: Context, { bounds, take }: Part): Prisma.Sql => {
  const viewerId = viewerOf(context).id;
  const direction = bounds.backward ? Prisma.sql`ASC` : Prisma.sql`DESC`;
  const inPage = Prisma.sql`post.deleted_at IS NULL
    AND (post.created_at, post.id) < (${placeOf(bounds.after, LAST_PLACE)}) AND (post.created_at, post.id) > (${placeOf(bounds.before, FIRST_PLACE)})`;
  return Prisma.sql`
    WITH author AS (
      SELECT author.id
      FROM (SELECT id FROM ${followeesOf(viewerId)} followee UNION ALL SELECT ${viewerId}::uuid) author
      CROSS JOIN LATERAL (
        SELECT post.created_at, post.id AS post_id FROM post WHERE post.author_id = author.id AND ${inPage}
        ORDER BY post.created_at ${direction}, post.id ${direction} LIMIT 1
      ) foremost
      ORDER BY foremost.created_at ${direction}, foremost.post_id ${direction} LIMIT ${take}
    )
    SELECT candidate.id
    FROM author
    CROSS JOIN LATERAL (
      SELECT post.created_at, post.id FROM post WHERE post.author_id = author.id AND ${inPage}
      ORDER BY post.created_at ${direction}, post.id ${direction} LIMIT ${take}
    ) candidate
    ORDER BY candidate.created_at ${direction}, candidate.id ${direction} LIMIT ${take}`;
};

/** A position after all posts; rows are compared column by column. */
const LAST_PLACE = Prisma.sql`'infinity'::timestamptz, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid`;
const FIRST_PLACE = Prisma.sql`'-infinity'::timestamptz, '00000000-0000-0000-0000-000000000000'::uuid`;

const placeOf = (values: readonly KeysetValue[] | null, otherwise: Prisma.Sql): Prisma.Sql => {
  const [createdAt, id] = values ?? [];
  return createdAt === undefined || id === undefined ? otherwise : Prisma.sql`${createdAt}::timestamptz, ${id}::uuid`;
};
