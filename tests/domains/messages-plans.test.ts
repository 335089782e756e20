import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseId } from '../../src/graphql/ids.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { graphql, present } from '../kit/graphql.js';
import { rowsOf, scansOf, type Statement } from '../kit/plans.js';

/*
 * What a long conversation costs is said by the plans of its statements, not by a clock: each is asked for with the parameters it was sent with.
 */

const LONG = 100_000;

let app: TestApp;
let ada: TestUser;
let ben: TestUser;
let id: string;
let cursors: { readonly first: string; readonly last: string };

beforeAll(async () => {
  app = await startTestApp({ onStatement: (sql, params) => sent?.push({ sql, params: JSON.parse(params) as unknown[] }) });
  [ada, ben] = await Promise.all([app.user('ada'), app.user('ben')]);
  id = await createGroup();
  // And another of the same length, so that being of this one says something.
  for (const conversationId of [id, await createGroup()]) await fill(conversationId, LONG);
  await app.database.query('VACUUM ANALYZE');
  const page = await app.data(
    graphql(
      `query PlansConversationEvents($id: ID!) { conversationEvents(conversationId: $id, first: 1) { cursor } conversation(id: $id) { cursor } }`,
    ),
    { id },
    ada,
  );
  cursors = { first: page.conversationEvents[0]?.cursor ?? '', last: present(page.conversation.cursor) };
});
afterAll(() => app.stop());

const createGroup = async (): Promise<string> => {
  const Create = graphql(`mutation PlansCreate($input: CreateGroupInput!) { createGroup(input: $input) { conversation { id } } }`);
  const input = { title: 'Long', memberIds: [ben.id] };
  return (await app.data(Create, { input }, ada)).createGroup.conversation.id;
};

/**
 * Messages and their events, as sending would leave them, by ada and ben in turn. One in 20,000 says something rare: were it more, it might be
 * among the hundred bodies by which the planner guesses, and count as frequent. Nearly all are read.
 */
const fill = async (conversationId: string, count: number): Promise<void> => {
  const [head] = await app.database.query<{ readonly seq: number }>(
    `SELECT last_seq AS seq FROM head WHERE topic = 'conversation' AND key = $1`,
    [uuid(conversationId)],
  );
  const before = head?.seq ?? 0;
  await app.database.query(
    `WITH sent AS (
       INSERT INTO message (id, conversation_id, author_id, body, seq, created_at)
       SELECT gen_random_uuid(), $1::uuid, CASE WHEN n % 2 = 0 THEN $2::uuid ELSE $3::uuid END,
         'message ' || n || CASE WHEN n % 20000 = 0 THEN ' about zymurgy' ELSE ' about this and that' END, $4::int + n, now() - ($5::int - n) * interval '1 second'
       FROM generate_series(1, $5::int) n RETURNING id, seq, created_at
     )
     INSERT INTO event (topic, key, seq, kind, ref, at)
     SELECT 'conversation', $1::text, seq, 'MessageAdded', jsonb_build_object('messageId', id), created_at FROM sent`,
    [uuid(conversationId), uuid(ada.id), uuid(ben.id), before, count],
  );
  await app.database.query(`UPDATE head SET last_seq = $2 WHERE topic = 'conversation' AND key = $1`, [
    uuid(conversationId),
    before + count,
  ]);
  await app.database.query('UPDATE conversation_member SET last_read_seq = $2 WHERE conversation_id = $1', [
    uuid(conversationId),
    before + count - 40,
  ]);
};

const uuid = (globalId: string): string => parseId(globalId).id;

// ---------------------------------------------------------------- plans

let sent: Statement[] | null = null;

/** What the statements of an operation read of the tables that are long: by what, and how many rows in all, also those in vain. */
const reads = async (query: string, variables: object): Promise<{ readonly by: readonly string[]; readonly rows: number }> => {
  const statements: Statement[] = [];
  sent = statements;
  await app.data(query, variables, ada);
  sent = null;
  const scans = await scansOf(app.database, statements);
  const long = scans.filter((scan) => /^(message|event)(?!_mention|_reaction)/.test(scan['Index Name'] ?? scan['Relation Name'] ?? ''));
  return {
    by: [...new Set(long.map((scan) => scan['Index Name'] ?? `${scan['Node Type']} ${scan['Relation Name'] ?? ''}`))].sort(),
    rows: rowsOf(long),
  };
};

const Messages = graphql(`query PlansMessages($id: ID!, $last: Int, $before: String, $after: String, $search: String) {
  conversation(id: $id) {
    cursor unreadCount
    messages(last: $last, before: $before, after: $after, search: $search) { edges { cursor node { body author { username } reactions { emoji count } mentions { username } } } }
  }
}`);
const History = graphql(`query PlansHistory($search: String) { me { messageHistory(search: $search) { edges { node { body } } } } }`);
const Events = graphql(`query PlansEvents($id: ID!, $after: String) {
  conversationEvents(conversationId: $id, after: $after, first: 100) { cursor ... on MessageAdded { message { body author { username } } } }
}`);

const BY_SEQ = 'message_conversation_id_seq_idx';
const BY_TEXT = 'message_body_idx';
const BY_AUTHOR = 'message_author_id_created_at_id_idx';
const EVENT = 'event_pkey';

describe('a conversation of 100,000 messages', () => {
  test.each<[string, () => [string, object], string[]]>([
    ['opens its last page', () => [Messages.toString(), { id, last: 50 }], [BY_SEQ]],
    ['is paged backwards', () => [Messages.toString(), { id, last: 50, before: cursors.last }], [BY_SEQ]],
    ['is paged forwards from its beginning', () => [Messages.toString(), { id, after: cursors.first }], [BY_SEQ]],
    ['is searched for what is rare', () => [Messages.toString(), { id, search: 'Zymurgy' }], [BY_TEXT, BY_SEQ]],
    ['is searched for what is nowhere', () => [Messages.toString(), { id, search: 'nowhere to be found' }], [BY_TEXT, BY_SEQ]],
    ['is searched for what is everywhere', () => [Messages.toString(), { id, search: 'this and' }], [BY_SEQ]],
    ['is resumed from an old cursor', () => [Events.toString(), { id, after: cursors.first }], [EVENT]],
    ['is read from its oldest event', () => [Events.toString(), { id }], [EVENT]],
    ['has a history by author', () => [History.toString(), {}], [BY_AUTHOR]],
    ['has a history that is searched for what is rare', () => [History.toString(), { search: 'zymurgy' }], [BY_TEXT]],
    ['has a history that is searched for what is everywhere', () => [History.toString(), { search: 'this and' }], [BY_AUTHOR]],
  ])('%s by its indexes, and reads little more than the page', async (_what, operation, indexes) => {
    const { by, rows } = await reads(...operation());
    expect(by).toEqual(expect.arrayContaining(indexes));
    expect(by.filter((name) => name.startsWith('Seq Scan'))).toEqual([]);
    // What is rare is found 10 times. A hundredth of what is there would be 2,000.
    expect(rows).toBeLessThan(1_000);
  });
});
