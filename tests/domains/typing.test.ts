import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { graphql } from '../kit/graphql.js';
import { createTestDatabase, type TestDatabase } from '../kit/database.js';
import { startRedis, type TestRedis } from '../kit/redis.js';

const Typing = graphql(
  `subscription TypingTyping($id: ID!) { typingChanged(conversationId: $id) { isTyping user { username } conversationId } }`,
);
const Set = graphql(`mutation TypingSet($id: ID!, $is: Boolean!) { setTyping(input: { conversationId: $id, isTyping: $is }) { ok } }`);
const Who = graphql(`query TypingWho($id: ID!) { conversation(id: $id) { typing { username } } }`);

let database: TestDatabase;
let redis: TestRedis;
/** Ben is at one server, Ada at the other. */
let here: TestApp;
let there: TestApp;
let ada: TestUser;
let ben: TestUser;
let stranger: TestUser;

beforeAll(async () => {
  [database, redis] = await Promise.all([createTestDatabase(), startRedis()]);
  const env = { REDIS_URL: redis.url, REDIS_PREFIX: `typing-${randomUUID()}:` };
  here = await startTestApp({ database, env });
  there = await startTestApp({ database, env: { ...env, DATA_DIR: here.services.config.dataDir } });
  [ada, ben, stranger] = await Promise.all([here.user('ada'), here.user('ben'), here.user('stranger')]);
});
afterAll(async () => {
  await there.stop();
  await here.stop();
  await Promise.all([database.drop(), redis.stop()]);
});

const talk = async (): Promise<string> => {
  const { createGroup } = await here.data(
    graphql(`mutation TypingCreateGroup($ids: [ID!]!) { createGroup(input: { title: "Talk", memberIds: $ids }) { conversation { id } } }`),
    { ids: [ben.id] },
    ada,
  );
  return createGroup.conversation.id;
};
const typists = async (app: TestApp, id: string, as: TestUser): Promise<string[]> =>
  (await app.data(Who, { id }, as)).conversation.typing?.map(({ username }) => username) ?? [];

/** Follows who types, once what is said at the other server is sure to arrive. */
const listen = async (id: string) => {
  const socket = here.connect(ben);
  const events = socket.subscribe(Typing, { id });
  await expect
    .poll(async () => {
      await there.data(Set, { id, is: true }, ada);
      await there.data(Set, { id, is: false }, ada);
      return events.waiting();
    })
    .toBeGreaterThan(0);
  const next = async (): Promise<boolean> => (await events.data()).typingChanged.isTyping;
  /** Until the listener has heard that ada stopped, for good. */
  const settle = async (): Promise<void> => {
    while (events.waiting() > 0) await next();
  };
  return { socket, events, next, settle };
};

describe('Typing', () => {
  it('is told to the others on every process, not to the one who types, and a repetition says nothing new', async () => {
    const id = await talk();
    const { socket, events, settle } = await listen(id);
    await settle();
    const own = there.connect(ada);
    const mirror = own.subscribe(Typing, { id });
    for (let n = 0; n < 5; n += 1) await there.data(Set, { id, is: true }, ada);
    await expect.poll(() => typists(here, id, ben)).toEqual(['ada']);
    // To oneself one types nowhere.
    expect(await typists(there, id, ada)).toEqual([]);
    await there.data(Set, { id, is: false }, ada);
    await there.data(Set, { id, is: false }, ada);
    const heard: boolean[] = [];
    while (heard.at(-1) !== false || !heard.includes(true)) heard.push((await events.data()).typingChanged.isTyping);
    // What went before may still have been on its way.
    expect(heard.slice(heard.indexOf(true))).toEqual([true, false]);
    await here.data(Set, { id, is: true }, ben);
    expect((await mirror.data()).typingChanged).toMatchObject({ isTyping: true, user: { username: 'ben' }, conversationId: id });
    await Promise.all([socket.close(), own.close()]);
  });

  it('is over when the message is sent, when the typist leaves, and by itself', async () => {
    const id = await talk();
    const { socket, events, settle } = await listen(id);
    await settle();
    const until = async (is: boolean): Promise<void> => {
      for (;;) if ((await events.data()).typingChanged.isTyping === is) return;
    };
    await there.data(Set, { id, is: true }, ada);
    await until(true);
    await there.data(`mutation ($id: ID!) { sendMessage(input: { conversationId: $id, body: "There" }) { cursor } }`, { id }, ada);
    await until(false);
    await there.data(Set, { id, is: true }, ada);
    await until(true);
    // Nothing more is heard of her.
    await until(false);
    await expect.poll(() => typists(here, id, ben)).toEqual([]);
    await there.data(Set, { id, is: true }, ada);
    await until(true);
    await there.data(`mutation ($id: ID!) { leaveConversation(input: { conversationId: $id }) { conversationId } }`, { id }, ada);
    await until(false);
    await socket.close();
  });

  it('is for members alone', async () => {
    const id = await talk();
    expect(await here.code(Set, { id, is: true }, stranger)).toBe('NOT_FOUND');
    expect(await here.code(Set, { id, is: true })).toBe('UNAUTHENTICATED');
    const socket = here.connect(stranger);
    expect((await socket.subscribe(Typing, { id }).next()).errors?.[0]?.extensions?.['code']).toBe('NOT_FOUND');
    await socket.close();
  });

  it('is not for two who are kept apart, in their direct conversation', async () => {
    const other = await here.user('other');
    const { startDirect } = await here.data(
      graphql(`mutation TypingStartDirect($id: ID!) { startDirect(input: { userId: $id }) { conversation { id } } }`),
      { id: other.id },
      ada,
    );
    const { id } = startDirect.conversation;
    expect(await here.code(Set, { id, is: true }, other)).toBeUndefined();
    await here.data(`mutation ($id: ID!) { blockUser(input: { userId: $id }) { __typename } }`, { id: other.id }, ada);
    for (const as of [ada, other]) expect(await here.code(Set, { id, is: true }, as)).toBe('FORBIDDEN');
    const group = await talk();
    expect(await here.code(Set, { id: group, is: true }, ada)).toBeUndefined();
  });
});
