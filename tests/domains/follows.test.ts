import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseId } from '../../src/graphql/ids.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aPost } from '../kit/factories.js';
import { graphql, present, type VariablesOf } from '../kit/graphql.js';

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.stop());

const Follow = graphql(`mutation FollowsFollow($id: ID!) { followUser(input: { userId: $id }) { user { viewerFollows } } }`);
const Unfollow = graphql(`mutation FollowsUnfollow($id: ID!) { unfollowUser(input: { userId: $id }) { user { viewerFollows } } }`);
const Feed =
  graphql(`query FollowsFeed($first: Int, $after: String, $last: Int, $before: String) { feed(first: $first, after: $after, last: $last, before: $before) {
  totalCount pageInfo { hasNextPage endCursor hasPreviousPage startCursor } edges { cursor node { body author { username } } } } }`);

const uuid = (user: TestUser): string => parseId(user.id).id;

describe('followers', () => {
  it('are listed, the latest first, and counted, and nobody is left out', async () => {
    const star = await app.user('star');
    const fans = await Promise.all(Array.from({ length: 5 }, (_, index) => app.user(`fan${index}`)));
    for (const fan of fans) await app.data(Follow, { id: star.id }, fan);
    await app.data(Follow, { id: present(fans[0]).id }, star);
    const lists = graphql(`query FollowsLists($first: Int, $after: String) { user(username: "star") {
      followerCount followingCount following { totalCount edges { node { username } } }
      followers(first: $first, after: $after) { totalCount pageInfo { hasNextPage endCursor } edges { node { username followerCount followingCount } } } } }`);
    const read = async (after: string | null) => (await app.data(lists, { first: 2, after })).user;
    const seen: string[] = [];
    for (let after: string | null = null; ;) {
      const user = await read(after);
      expect(user).toMatchObject({
        followerCount: 5,
        followingCount: 1,
        following: { totalCount: 1, edges: [{ node: { username: 'fan0' } }] },
        followers: { totalCount: 5 },
      });
      seen.push(...user.followers.edges.map(({ node }) => node.username));
      if (!user.followers.pageInfo.hasNextPage) break;
      after = user.followers.pageInfo.endCursor;
    }
    expect(seen).toEqual(['fan4', 'fan3', 'fan2', 'fan1', 'fan0']);
    await app.data(Unfollow, { id: star.id }, fans[2]);
    const cost = async (first: number): Promise<number> => (await app.countStatements(() => app.data(lists, { first }))).length;
    expect(await cost(4)).toBe(await cost(2));
    expect(await app.data(lists, { first: 4 })).toMatchObject({ user: { followerCount: 4, followers: { totalCount: 4 } } });
  });
});

describe('the feed', () => {
  let reader: TestUser;
  let writers: TestUser[];
  /** The posts of those who are followed, the latest first. */
  let expected: string[];
  beforeAll(async () => {
    const stranger = await app.user('stranger');
    reader = await app.user('reader');
    writers = await Promise.all(Array.from({ length: 9 }, (_, index) => app.user(`writer${index}`)));
    for (const writer of writers) await app.data(Follow, { id: writer.id }, reader);
    // Some write much, some little, one nothing; and many posts are of one moment, also of different authors.
    await app.database.query(
      `INSERT INTO post (id, body, author_id, created_at)
       SELECT gen_random_uuid(), 'row ' || n, ($1::uuid[])[1 + floor(sqrt(n % 81))::int], '2026-01-01'::timestamptz + (n / 7) * interval '1 second'
       FROM generate_series(1, 180) n`,
      [[...writers.slice(0, 8), reader, stranger].map(uuid)],
    );
    [{ expected } = { expected: [] }] = await app.database.query<{ expected: string[] }>(
      `SELECT array_agg(body ORDER BY created_at DESC, id DESC) AS expected FROM post WHERE body LIKE 'row %' AND author_id <> $1`,
      [uuid(stranger)],
    );
  });

  it('H26: walking all pages in any page size, forwards and backwards, loses and repeats nothing of what was there, while posts arrive', async () => {
    const read = async (variables: VariablesOf<typeof Feed>) => (await app.data(Feed, variables, reader)).feed;
    for (const size of [1, 7, 100]) {
      for (const forwards of [true, false]) {
        const seen: string[] = [];
        let position: string | null = null;
        for (let step = 0; ; step += 1) {
          const feed = await read(forwards ? { first: size, after: position } : { last: size, before: position });
          const bodies = feed.edges.map(({ node }) => node.body);
          seen.push(...(forwards ? bodies : bodies.reverse()));
          if (forwards && step < 20) await aPost(app, present(writers[step % 9]), { body: 'arrived meanwhile' });
          if (!(forwards ? feed.pageInfo.hasNextPage : feed.pageInfo.hasPreviousPage)) break;
          position = forwards ? feed.pageInfo.endCursor : feed.pageInfo.startCursor;
        }
        const rows = seen.filter((body) => body.startsWith('row '));
        expect(rows).toEqual(forwards ? expected : expected.toReversed());
      }
    }
  });

  it('has pages between two cursors', async () => {
    const whole = (await app.data(Feed, { last: 50 }, reader)).feed;
    const between = { after: whole.edges[10]?.cursor, before: whole.edges[20]?.cursor };
    const bodies = async (variables: VariablesOf<typeof Feed>): Promise<string[]> =>
      (await app.data(Feed, variables, reader)).feed.edges.map(({ node }) => node.body);
    expect(await bodies({ first: 4, ...between })).toEqual(whole.edges.slice(11, 15).map(({ node }) => node.body));
    expect(await bodies({ last: 4, ...between })).toEqual(whole.edges.slice(16, 20).map(({ node }) => node.body));
  });

  it('of one who follows a thousand reads a step of an index for each, whatever there is to read', async () => {
    const reader = await app.user('collector');
    await app.database.query(
      `WITH author AS (
         INSERT INTO "user" (id, username, username_key, display_name)
         SELECT gen_random_uuid(), 'author' || n, 'author' || n, 'author' FROM generate_series(1, 1000) n RETURNING id
       ), followed AS (
         INSERT INTO follow (follower_id, followee_id) SELECT $1, id FROM author
       )
       INSERT INTO post (id, body, author_id, created_at)
       SELECT gen_random_uuid(), 'x', id, '2026-02-01'::timestamptz + n * interval '1 second' + random() * interval '1 day'
       FROM author CROSS JOIN generate_series(1, 30) n`,
      [uuid(reader)],
    );
    await app.database.query('ANALYZE post, follow');
    const [statement] = (await app.countStatements(() => app.data(`{ feed { edges { node { id } } } }`, {}, reader))).filter((sql) =>
      sql.includes('CROSS JOIN LATERAL'),
    );
    // The parameters: the viewer twice, then how many rows, three times.
    const plan = await app.database.query<{ 'QUERY PLAN': { Plan: PlanNode }[] }>(
      `EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) ${(statement ?? '').replaceAll(/\$[12](?!\d)/g, `'${uuid(reader)}'`).replaceAll(/\$[345](?!\d)/g, '21')}`,
    );
    const scans = nodesOf(plan[0]?.['QUERY PLAN'][0]?.Plan).filter((node) => node['Relation Name'] === 'post');
    expect(scans).not.toEqual([]);
    const read = scans.map((node) => node['Actual Rows'] * node['Actual Loops']).reduce((sum, rows) => sum + rows, 0);
    // The first post of each author, a page of each of those in front, and the rows of the page.
    expect(read).toBeLessThanOrEqual(1_001 + 21 * 21 + 21);
    expect(new Set(scans.map((node) => node['Index Name']))).toEqual(new Set(['post_author_id_created_at_id_idx', 'post_pkey']));
  });
});

interface PlanNode {
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly Plans?: readonly PlanNode[];
}

const nodesOf = (node: PlanNode | undefined): PlanNode[] => (node === undefined ? [] : [node, ...(node.Plans ?? []).flatMap(nodesOf)]);
