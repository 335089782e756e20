import pg from 'pg';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { conversationLog } from '../../src/domains/conversations/topics.js';
import { hasAll } from '../../src/graphql/held-rows.js';
import { decodeId } from '../../src/graphql/ids.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { graphql } from '../kit/graphql.js';
import { createTalk, type Talk } from '../kit/talk.js';

graphql(`
  fragment CarriedMessage on Message {
    id
    seq
    body
    createdAt
    editedAt
    author {
      id
      username
      displayName
      role
      createdAt
    }
  }
`);
const Messages = graphql(`
  subscription CarriedMessages($id: ID!, $after: String) {
    messageAdded(conversationId: $id, after: $after) {
      cursor
      message {
        ...CarriedMessage
      }
    }
  }
`);
const Read = graphql(`
  query CarriedRead($id: ID!) {
    node(id: $id) {
      ...CarriedMessage
    }
  }
`);
/** Asks for nothing of the message itself. */
const Send = graphql(`
  mutation CarriedSend($id: ID!) {
    sendMessage(input: { conversationId: $id, body: "second" }) {
      cursor
    }
  }
`);

let app: TestApp;
let talk: Talk;
let ada: TestUser;
let ben: TestUser;
let shift = 0;

beforeAll(async () => {
  app = await startTestApp({ clock: { now: () => Date.now() + shift } });
  talk = createTalk(app);
  [ada, ben] = await Promise.all([app.user('ada'), app.user('ben')]);
});
afterAll(() => app.stop());

const follow = async () => {
  const { id, cursor } = await talk.group(ada, [ben]);
  const subscription = app.connect(ben).subscribe(Messages, { id, after: cursor });
  await talk.send(ada, id, 'first');
  await subscription.data();
  return { id, subscription };
};

it('a message is not read again in the process that has sent it', async () => {
  const { id, subscription } = await follow();
  const statements = await app.countStatements(async () => {
    await app.data(Send, { id }, ada);
    await subscription.data();
  });
  expect(statements.filter((sql) => /^SELECT .*FROM "[^"]+"\."(message|user)"/s.test(sql))).toEqual([]);
});

it('what an event shows of a message that was not read is what reading it shows', async () => {
  const { id, subscription } = await follow();
  await talk.send(ada, id, 'Grüße, "Ben"\n👋');
  const { message } = (await subscription.data()).messageAdded;
  expect(message).toEqual((await app.data(Read, { id: message.id }, ada)).node);
});

it('an author who takes another name while a message waits for its number is shown by the new one', async () => {
  const { id, subscription } = await follow();
  const blocker = new pg.Client({ connectionString: app.database.url });
  await blocker.connect();
  await blocker.query('BEGIN');
  await blocker.query('SELECT FROM head WHERE topic = $1 AND key = $2 FOR UPDATE', [
    conversationLog.name,
    decodeId('Conversation', id, 'id'),
  ]);
  const sending = talk.send(ada, id, 'second');
  const waits = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  await vi.waitFor(async () => expect(await app.database.query(waits)).toHaveLength(1), { timeout: 5_000 });
  await talk.act(ada, 'updateProfile', { displayName: 'Ada Lovelace' }, 'user { displayName }');
  shift += 1_000;
  await blocker.query('COMMIT');
  await blocker.end();
  await sending;
  expect((await subscription.data()).messageAdded.message.author.displayName).toBe('Ada Lovelace');
});

it('an event carries its rows in the turn of its commit alone', async () => {
  const { id } = await talk.group(ada, [ben]);
  const source = await app.services.hub.log(conversationLog, decodeId('Conversation', id, 'id'), { kinds: ['MessageAdded'] });
  const carried: unknown[] = [];
  const rendered = new Promise<void>((resolve) => {
    source.attach(
      {
        key: 'carried',
        audienceId: () => '',
        render: async (event) => {
          carried.push(event.carried);
          await new Promise((next) => setImmediate(next));
          carried.push(event.carried);
          resolve();
          return { out: null, personal: false };
        },
      },
      () => ({ audience: null, deliver: () => undefined, end: () => undefined, room: () => Promise.resolve() }),
    );
  });
  await talk.send(ada, id, 'first');
  await rendered;
  expect(carried).toEqual([expect.objectContaining({ message: expect.objectContaining({ body: 'first' }) as unknown }), null]);
});

it.each([
  [true, {}],
  [true, { select: { id: true, name: true } }],
  [true, { include: { author: { select: { id: true } } } }],
  [true, { select: { reply: true } }],
  [false, { select: { email: true } }],
  [false, { include: { author: { select: { id: true, email: true } } } }],
  [false, { include: { reply: { select: { id: true } } } }],
  [false, { include: { author: { where: { id: 'b' } } } }],
  [false, { include: { tags: { select: { id: true } } } }],
  [false, { select: { _count: { select: { tags: true } } } }],
])('a row at hand has what a query asks for: %s for %j', (expected, query) => {
  expect(hasAll({ id: 'a', name: 'A', reply: null, author: { id: 'b' }, tags: [] }, query)).toBe(expected);
});
