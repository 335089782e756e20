import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COUNTED_ROWS, MAX_COUNT, MAX_UNREAD } from '../../src/db/count.js';
import { parseId } from '../../src/graphql/ids.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aGroup, aMessage, anEntry } from '../kit/factories.js';
import { graphql, present } from '../kit/graphql.js';
import { rowsOf, scansOf, type Plan, type Statement } from '../kit/plans.js';

/*
 * What a long list costs is told by the rows that its statements read, asked of PostgreSQL, not by a clock.
 */

/** So many that PostgreSQL reads a part of them by an index rather than all. */
const MANY = 3 * MAX_COUNT;

let app: TestApp;
let ada: TestUser;
let ben: TestUser;
let groupId: string;
let sent: Statement[] | null = null;

beforeAll(async () => {
  app = await startTestApp({ onStatement: (sql, params) => sent?.push({ sql, params: JSON.parse(params) as unknown[] }) });
  [ada, ben] = await Promise.all([app.user('ada'), app.user('ben')]);
  groupId = (await aGroup(app, ada, [ben])).id;
  await aMessage(app, ada, groupId);
  const [author, reader, group] = [ada, ben, { id: groupId }].map(({ id }) => parseId(id).id);
  const { query } = app.database;
  await query(
    `INSERT INTO "user" (id, username, username_key, display_name, role) SELECT gen_random_uuid(), 'u' || n, 'u' || n, 'U', 'MEMBER' FROM generate_series(1, $1::int) n`,
    [MANY],
  );
  await query(`INSERT INTO follow (followee_id, follower_id) SELECT $1::uuid, id FROM "user" WHERE id <> $1::uuid`, [author]);
  await query(
    `INSERT INTO entry (id, title, slug, content, tags, tag_keys, author_id)
     SELECT gen_random_uuid(), 'Entry number ' || n, 'entry-' || n, 'of this and that', ARRAY['common', 'tag' || n % 50], ARRAY['common', 'tag' || n % 50], $2::uuid FROM generate_series(1, $1::int) n`,
    [MANY, author],
  );
  await query(
    `INSERT INTO message (id, conversation_id, author_id, body, seq) SELECT gen_random_uuid(), $2::uuid, $3::uuid, 'm', 10 + n FROM generate_series(1, $1::int) n`,
    [MANY, group, author],
  );
  await query(
    `INSERT INTO event (topic, key, seq, kind, ref) SELECT 'conversation', $2::text, 10 + n, 'MessageEdited', '{}' FROM generate_series(1, $1::int) n`,
    [MANY, group],
  );
  await query(
    `INSERT INTO notification (id, user_id, kind, open_key) SELECT gen_random_uuid(), $2::uuid, 'SYSTEM', n::text FROM generate_series(1, $1::int) n`,
    [MANY, reader],
  );
  await anEntry(app, ada, { title: 'Zymurgy for all', content: 'How yeast is fed', tags: ['brewing'] });
  await query('VACUUM ANALYZE');
});
afterAll(() => app.stop());

const scans = async (query: { toString: () => string }, variables: object, as: TestUser): Promise<readonly Plan[]> => {
  const statements: Statement[] = [];
  sent = statements;
  await app.data(query.toString(), variables, as);
  sent = null;
  // What an index tells of rows that are then looked up one after the other is no reading of rows.
  return (await scansOf(app.database, statements)).filter((plan) => plan['Node Type'] !== 'Bitmap Index Scan');
};

const largest = (plans: readonly Plan[]): number => Math.max(...plans.map((plan) => rowsOf([plan])));

const Lists = graphql(`
  query CapsLists($id: ID!) {
    entries(first: 1) { totalCount totalCountIsCapped }
    user(username: "ada") {
      followerCount
      entries(first: 1) { totalCount totalCountIsCapped }
      followers(first: 1) { totalCount totalCountIsCapped }
    }
    categories { entryCount }
    conversation(id: $id) { messages(first: 1) { totalCount totalCountIsCapped } }
  }
`);
const Unread = graphql(
  `query CapsUnread($id: ID!) { me { unreadMessageCount unreadNotificationCount } conversation(id: $id) { unreadCount } }`,
);

describe('a count', () => {
  it('stops at its cap, and says so', async () => {
    const { entries, user, conversation } = await app.data(Lists, { id: groupId }, ada);
    const all = { totalCount: MAX_COUNT, totalCountIsCapped: true };
    expect([entries, user.entries, user.followers, conversation.messages]).toEqual([all, all, all, all]);
    expect(user.followerCount).toBe(MAX_COUNT);
  });

  it('of a short list is exact, and says that it is', async () => {
    const Following = graphql(`query CapsShort { user(username: "ben") { following { totalCount totalCountIsCapped } } }`);
    expect((await app.data(Following)).user.following).toEqual({ totalCount: 1, totalCountIsCapped: false });
  });

  it('reads no row beyond its cap', async () => {
    expect(largest(await scans(Lists, { id: groupId }, ada))).toBeLessThanOrEqual(COUNTED_ROWS);
  });

  it('of what is unread stops at a cap of its own, and reads no row beyond that', async () => {
    const { me, conversation } = await app.data(Unread, { id: groupId }, ben);
    expect([me.unreadMessageCount, me.unreadNotificationCount, conversation.unreadCount]).toEqual([MAX_UNREAD, MAX_UNREAD, MAX_UNREAD]);
    expect(largest(await scans(Unread, { id: groupId }, ben))).toBeLessThanOrEqual(MAX_UNREAD + 1);
  });
});

describe('a page of a log', () => {
  it('reads as many events as it holds', async () => {
    const Page = graphql(`query CapsLog($id: ID!) { conversationEvents(conversationId: $id, first: 2) { cursor } }`);
    const events = (await scans(Page, { id: groupId }, ada)).filter((plan) => plan['Relation Name'] === 'event');
    expect(rowsOf(events)).toBe(2);
  });
});

describe('tags and searches', () => {
  const Tags = graphql(`query CapsTags($search: String) { tags(search: $search) }`);
  const Search = graphql(`query CapsSearch($search: String) { entries(first: 5, filter: { search: $search }) { nodes { title } } }`);
  const entriesRead = async (query: typeof Tags | typeof Search, search: string): Promise<number> =>
    rowsOf((await scans(query, { search }, ada)).filter((plan) => plan['Relation Name'] === 'entry'));

  it.each(['', 'brew', 'zq'])('find tags by "%s" without reading public entries', async (search) => {
    expect(await entriesRead(Tags, search)).toBe(0);
  });

  it.each(['zymurgy', 'yeast is', 'nowhere to be found', 'zq', 'z', '%%', 'brewing'])(
    'find entries by "%s" without reading all',
    async (search) => {
      expect(await entriesRead(Search, search)).toBeLessThan(100);
    },
  );

  it.each(['zymurgy', 'YEAST', 'zy', 'fo', 'brewing', 'ewi'])('find by "%s" the entry that has it', async (search) => {
    const { entries } = await app.data(Search, { search });
    expect(present(entries.nodes).map((node) => node.title)).toEqual(['Zymurgy for all']);
  });

  it('count tags anew with every change of an entry', async () => {
    const Update = graphql(`mutation CapsUpdate($input: UpdateEntryInput!) { updateEntry(input: $input) { entry { version } } }`);
    const Delete = graphql(`mutation CapsDelete($id: ID!) { deleteEntry(input: { id: $id }) { entryId } }`);
    const tags = async (as?: TestUser) => (await app.data(Tags, { search: 'caps-' }, as)).tags;
    const { id } = await anEntry(app, ada, { tags: ['caps-a', 'caps-b'] });
    const second = await anEntry(app, ada, { tags: ['caps-b'] });
    expect(await tags()).toEqual(['caps-b', 'caps-a']);
    await app.data(Update, { input: { id, expectedVersion: 1, tags: ['caps-c'] } }, ada);
    expect(await tags()).toEqual(['caps-b', 'caps-c']);
    await app.data(Update, { input: { id, expectedVersion: 2, isPublic: false } }, ada);
    expect([await tags(), await tags(ada), await tags(ben)]).toEqual([['caps-b'], ['caps-b', 'caps-c'], ['caps-b']]);
    await app.data(Delete, { id: second.id }, ada);
    expect(await tags()).toEqual([]);
  });
});
