import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cursorOf } from '../kit/acts.js';
import { parseId } from '../../src/graphql/ids.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { graphql, present, type VariablesOf } from '../kit/graphql.js';
import { createTalk, type Talk } from '../kit/talk.js';

let app: TestApp;
let talk: Talk;
let ada: TestUser;
let ben: TestUser;

beforeAll(async () => {
  app = await startTestApp({ env: { MESSAGE_RETENTION: '30d' } });
  talk = createTalk(app);
  [ada, ben] = await Promise.all([app.user('ada'), app.user('ben')]);
});
afterAll(() => app.stop());

const uuid = (globalId: string): string => parseId(globalId).id;
const retain = () => app.runTask('conversations.applyRetention');

/** As if everything up to a seq had happened so many days ago. */
const age = (id: string, seq: number, days: number) =>
  app.database.query(`UPDATE event SET at = at - $3 * interval '1 day' WHERE topic = 'conversation' AND key = $1 AND seq <= $2`, [
    uuid(id),
    seq,
    days,
  ]);
const seqs = async (id: string): Promise<number[]> =>
  (
    await app.database.query<{ seq: number }>(`SELECT seq FROM event WHERE topic = 'conversation' AND key = $1 ORDER BY seq`, [uuid(id)])
  ).map(({ seq }) => seq);

const Events = graphql(`subscription RetentionEvents($id: ID!, $after: String) {
  conversationEvents(conversationId: $id, after: $after) { __typename cursor ... on MessageAdded { message { body } } ... on MessageDeleted { messageId message { body deletedAt } } }
}`);
type Events = {
  readonly conversationEvents: {
    readonly __typename: string;
    readonly cursor: string;
    readonly message?: { body: string; deletedAt?: string };
    readonly messageId?: string;
  };
};
const follow = (as: TestUser, id: string, after?: string) => app.connect(as).subscribe(Events, { id, after });
const Poll = graphql(
  `query RetentionPoll($id: ID!, $after: String) { conversationEvents(conversationId: $id, after: $after, first: 100) { cursor } }`,
);
const Messages = graphql(`query RetentionMessages($id: ID!, $after: String, $before: String, $first: Int, $last: Int) {
  conversation(id: $id) { messages(after: $after, before: $before, first: $first, last: $last) { totalCount edges { cursor node { body replyTo { body } } } } }
}`);
const messagesOf = async (variables: VariablesOf<typeof Messages>) =>
  present((await app.data(Messages, variables, ada)).conversation.messages);
const page = async (id: string, args: Omit<VariablesOf<typeof Messages>, 'id'> = {}): Promise<string[]> =>
  (await messagesOf({ id, ...args })).edges.map(({ node }) => node.body);

const conversationOf = async (count: number) => {
  const group = await talk.group(ada, [ben]);
  const sent = [];
  for (let index = 0; index < count; index += 1) sent.push(await talk.send(index % 2 ? ben : ada, group.id, `message ${index}`));
  const [first, ...rest] = sent;
  if (first === undefined) throw new Error('Nothing was sent.');
  return { id: group.id, cursor: group.cursor, sent: [first, ...rest] as const };
};

describe('MESSAGE_RETENTION', () => {
  test('removes a beginning: old cursors have expired, later ones and those who listen notice nothing', async () => {
    const { id, cursor, sent } = await conversationOf(6);
    const [, , third, fourth] = sent;
    if (third === undefined || fourth === undefined) throw new Error('Too little was sent.');
    const live = follow(ben, id, sent.at(-1)?.cursor);
    await age(id, third.seq, 31);
    await retain();
    expect(await seqs(id)).toEqual([fourth.seq, fourth.seq + 1, fourth.seq + 2]);
    for (const old of [cursor, sent[0].cursor]) {
      const { errors } = await app.execute(Poll, { id, after: old }, ada);
      expect(errors?.[0]?.extensions).toMatchObject({ code: 'CURSOR_EXPIRED', oldestCursor: third.cursor });
      const refused = follow(ada, id, old);
      const answer = await refused.next().catch(async () => ({ errors: (await refused.ended) as { extensions: object }[] }));
      expect(answer.errors?.[0]?.extensions).toMatchObject({ code: 'CURSOR_EXPIRED', oldestCursor: third.cursor });
    }
    // The oldest cursor is one to go on from.
    const replayed = await follow(ada, id, third.cursor).take(3);
    expect(replayed.map(({ conversationEvents }) => conversationEvents)).toMatchObject(
      ['message 3', 'message 4', 'message 5'].map((body) => ({ message: { body } })),
    );
    const next = await talk.send(ada, id, 'live');
    expect((await live.data()).conversationEvents).toMatchObject({ cursor: next.cursor, message: { body: 'live' } });
    expect(live.waiting()).toBe(0);
    const { conversationEvents } = await app.data(Poll, { id }, ada);
    expect(conversationEvents[0]?.cursor).toBe(fourth.cursor);

    // The messages follow their events, and lists go on from wherever one was.
    await retain();
    expect(await page(id)).toEqual(['message 3', 'message 4', 'message 5', 'live']);
    expect(await page(id, { first: 2, after: sent[0].cursor })).toEqual(['message 3', 'message 4']);
    expect(await page(id, { first: 2, after: third.cursor })).toEqual(['message 3', 'message 4']);
    expect(await page(id, { last: 2, before: fourth.cursor })).toEqual([]);
    expect(await page(id, { last: 2, before: sent[4]?.cursor })).toEqual(['message 3']);
    expect((await messagesOf({ id })).totalCount).toBe(4);
    // An old position is still one that may be marked as read.
    expect(await talk.code(ben, 'markRead', { conversationId: id, cursor: sent[0].cursor })).toBeUndefined();
    await retain();
    expect(await page(id)).toHaveLength(4);
  });

  test('removes all there is, and the conversation goes on', async () => {
    const { id, sent } = await conversationOf(2);
    const last = sent[1]?.seq ?? 0;
    await age(id, last, 31);
    await retain();
    await retain();
    expect(await seqs(id)).toEqual([]);
    expect(await page(id)).toEqual([]);
    const cursor = await cursorOf(app, ada, id);
    expect(cursor).toBe(sent[1]?.cursor);
    const live = follow(ben, id, cursor);
    const next = await talk.send(ada, id, 'again');
    expect(next.seq).toBe(last + 1);
    expect((await live.data()).conversationEvents.cursor).toBe(next.cursor);
  });

  test('stops at the first event that is young enough, whatever follows', async () => {
    const { id, sent } = await conversationOf(4);
    // As if the clock had been set back in between.
    await app.database.query(`UPDATE event SET at = at - interval '31 days' WHERE topic = 'conversation' AND key = $1 AND seq <> $2`, [
      uuid(id),
      sent[1]?.seq,
    ]);
    await retain();
    expect(await seqs(id)).toEqual([sent[1]?.seq, sent[2]?.seq, sent[3]?.seq]);
  });

  test('empties what later events lead to: they tell that it was deleted, and it goes with the last of them', async () => {
    const { id, sent } = await conversationOf(3);
    const [first, second, third] = sent;
    await age(id, third?.seq ?? 0, 31);
    const answer = await talk.act<{ message: { id: string } }>(
      ben,
      'sendMessage',
      { conversationId: id, body: 'answer', replyToId: second?.id },
      'message { id }',
    );
    await talk.act(ada, 'editMessage', { messageId: first.id, body: 'edited' }, '__typename');
    await talk.act(ben, 'addReaction', { messageId: answer.message.id, emoji: '👍' }, '__typename');
    await retain();
    expect(await page(id)).toEqual(['edited', 'message 1', 'message 2', 'answer']);
    // Who has just read that it was edited still finds it.
    await retain();
    expect(await page(id)).toEqual(['', 'answer']);
    await retain();
    expect((await messagesOf({ id })).edges.map(({ node }) => node)).toEqual([
      { body: '', replyTo: null },
      { body: 'answer', replyTo: null },
    ]);
    const events = await follow(ada, id, third?.cursor).take(3);
    expect(events.map(({ conversationEvents }) => conversationEvents)).toMatchObject([
      { __typename: 'MessageAdded', message: { body: 'answer' } },
      { __typename: 'MessageDeleted', messageId: first.id, message: { body: '', deletedAt: expect.any(String) } },
      { __typename: 'ReactionsChanged' },
    ]);
    const edit = () =>
      app.code('mutation ($id: ID!) { editMessage(input: { messageId: $id, body: "x" }) { __typename } }', { id: first.id }, ada);
    expect(await edit()).toBe('CONFLICT');
    await age(id, 1_000_000, 31);
    await retain();
    await retain();
    expect(await page(id)).toEqual([]);
    expect(await edit()).toBe('NOT_FOUND');
  });

  test('keeps what is left of a deleted message for as long as an event tells of its deletion', async () => {
    const { id, sent } = await conversationOf(2);
    const [first, second] = sent;
    await age(id, second?.seq ?? 0, 31);
    await talk.act(ada, 'deleteMessage', { messageId: first.id }, '__typename');
    const deletion = async () => (await follow(ada, id, second?.cursor).data()).conversationEvents;
    const told = await deletion();
    expect(told).toMatchObject({ __typename: 'MessageDeleted', messageId: first.id, message: { body: '', deletedAt: expect.any(String) } });
    await retain();
    await retain();
    await retain();
    expect(await deletion()).toEqual(told);
    expect(await page(id)).toEqual(['']);
  });

  test('goes in batches through many events, while others send', async () => {
    const group = await talk.group(ada, [ben]);
    const key = uuid(group.id);
    await app.database.query(
      `WITH old AS (
         INSERT INTO message (id, conversation_id, author_id, body, seq)
         SELECT gen_random_uuid(), $1::uuid, $2::uuid, 'old', n FROM generate_series(3, 2502) n RETURNING id, seq
       ) INSERT INTO event (topic, key, seq, kind, ref, at)
       SELECT 'conversation', $1::text, seq, 'MessageAdded', jsonb_build_object('messageId', id), now() - interval '40 days' FROM old`,
      [key, uuid(ada.id)],
    );
    await app.database.query(`UPDATE head SET last_seq = 2502 WHERE topic = 'conversation' AND key = $1`, [key]);
    await age(group.id, 2, 40);
    const sending = Promise.all(Array.from({ length: 20 }, (_, index) => talk.send(index % 2 ? ada : ben, group.id, `new ${index}`)));
    await retain();
    const sent = (await sending).map(({ seq }) => seq).sort((a, b) => a - b);
    expect(sent).toEqual(Array.from({ length: 20 }, (_, index) => 2503 + index));
    expect(await seqs(group.id)).toEqual(sent);
    await retain();
    expect((await messagesOf({ id: group.id })).totalCount).toBe(20);
  });
});

describe('without it', () => {
  let forever: TestApp;
  beforeAll(async () => {
    forever = await startTestApp();
  });
  afterAll(() => forever.stop());

  test('everything is kept', async () => {
    const cleo = await forever.user('cleo');
    const group = await createTalk(forever).group(cleo, []);
    await forever.database.query(`UPDATE event SET at = at - interval '10 years'`);
    await forever.runTask('conversations.applyRetention');
    expect((await forever.data(Poll, { id: group.id }, cleo)).conversationEvents).toHaveLength(1);
  });
});
