import { Prisma } from '../../db/generated/prisma/client.js';
import { batched } from '../../graphql/loaders.js';
import { usersAmong } from '../account/account.js';

/*
 * Who likes what. Each thing that can be liked has a table of its likes here; how many there are stands in the thing's own row, which its domain
 * owns and describes in SQL.
 */

interface Table {
  readonly name: Prisma.Sql;
  /** The column with the id of what is liked. */
  readonly itemId: Prisma.Sql;
}

const TABLES = {
  post: { name: Prisma.sql`post_like`, itemId: Prisma.sql`post_id` },
  entry: { name: Prisma.sql`entry_like`, itemId: Prisma.sql`entry_id` },
} as const satisfies Readonly<Record<string, Table>>;

/** What can be liked. */
export type Kind = keyof typeof TABLES;

/** What can be liked, as the domain that owns it describes it. */
export interface Likeable {
  readonly kind: Kind;
  /** Finds the row with this id and locks it: `SELECT id FROM … FOR NO KEY UPDATE`. One that is not there, or was deleted, it does not find. */
  readonly hold: (id: string) => Prisma.Sql;
  /**
   * Adds the number `change.size`, of the one row or none of `change`, to the count in that row, unless it was deleted: `UPDATE … FROM change …`
   * that returns the new `count` and the `authorId`.
   */
  readonly count: (id: string) => Prisma.Sql;
}

/** Likes that have come or gone. */
export interface LikeChange {
  /** How many there are, as the statement leaves it. */
  readonly count: number;
  /** Whose item it is. */
  readonly authorId: string;
  /** Whose likes have truly come or gone. */
  readonly userIds: readonly string[];
}

/**
 * Adds likes of users, of each once; liking twice is liking once. The rows and the count change in one statement, so the count is the number
 * of rows whatever happens at the same time. The item is locked first, so that nobody waits for a row while holding another.
 * @returns null when nothing changed: it was liked already, or there is no such item
 */
export const addLikes = async (
  client: Prisma.TransactionClient,
  { kind, hold, count }: Likeable,
  id: string,
  userIds: readonly string[],
): Promise<LikeChange | null> => {
  const { name, itemId } = TABLES[kind];
  const [changed] = await client.$queryRaw<LikeChange[]>`
    WITH held AS (${hold(id)}), liked AS (
      INSERT INTO ${name} (${itemId}, user_id) SELECT held.id, liker.id FROM held, ${usersAmong(userIds)} liker
      ON CONFLICT DO NOTHING RETURNING user_id
    ), change AS (
      SELECT count(*)::int AS size, array_agg(user_id) AS "userIds" FROM liked HAVING count(*) > 0
    ), counted AS (${count(id)})
    SELECT counted.count, counted."authorId", change."userIds" FROM counted, change`;
  return changed ?? null;
};

/** Takes likes of users back, in one statement too. @returns null when there were none */
export const removeLikes: typeof addLikes = async (client, { kind, hold, count }, id, userIds) => {
  const { name, itemId } = TABLES[kind];
  const [changed] = await client.$queryRaw<LikeChange[]>`
    WITH held AS (${hold(id)}), unliked AS (
      DELETE FROM ${name} USING held WHERE ${itemId} = held.id AND user_id = ANY(${userIds}::uuid[]) RETURNING user_id
    ), change AS (
      SELECT -count(*)::int AS size, array_agg(user_id) AS "userIds" FROM unliked HAVING count(*) > 0
    ), counted AS (${count(id)})
    SELECT counted.count, counted."authorId", change."userIds" FROM counted, change`;
  return changed ?? null;
};

/** Whether the viewer likes things of a kind; false for anyone not signed in. One statement for all of a response. */
export const viewerLikes = (kind: Kind) => {
  const { name, itemId } = TABLES[kind];
  return batched(async ({ db, viewer }, ids) => {
    if (viewer === null) return new Map<string, boolean>();
    const likes = await db.prisma.$queryRaw<{ readonly id: string }[]>`
      SELECT ${itemId} AS id FROM ${name} WHERE user_id = ${viewer.id}::uuid AND ${itemId} = ANY(${[...ids]}::uuid[])`;
    return new Map(likes.map(({ id }) => [id, true]));
  }, false);
};
