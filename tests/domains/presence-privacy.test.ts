import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { UpdatePrivacyInput } from '../generated/texts/graphql.js';
import { cursorOf } from '../kit/acts.js';
import { SHORT_GRACE, startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aBlock, aDirect, aFollow, aGroup, aMessage } from '../kit/factories.js';
import { createTestDatabase, type TestDatabase } from '../kit/database.js';
import { openEventStream } from '../kit/event-stream.js';
import { graphql, present, textOf, type ResultOf } from '../kit/graphql.js';
import { startRedis, type TestRedis } from '../kit/redis.js';

const Set = graphql(`mutation PrivacySet($input: UpdatePrivacyInput!) {
  updatePrivacy(input: $input) { me { presenceVisibleTo lastSeenVisibleTo appearsOffline } }
}`);
const Looks = graphql(
  `query PrivacyLooks($id: ID!) { presence(userIds: [$id]) { id status lastSeenAt version } user(by: { id: $id }) { presence { status lastSeenAt } } }`,
);
const Changed = graphql(`subscription PrivacyChanged($id: ID!) { presenceChanged(of: { userIds: [$id] }) { status lastSeenAt version } }`);
const Unfollow = graphql(`mutation PrivacyUnfollow($id: ID!) { unfollowUser(input: { userId: $id }) { user { id } } }`);
const Say = graphql(`mutation PrivacySay { setPresence(input: { status: AWAY }) { presence { status } } }`);
const Online = graphql(
  `query PrivacyOnline($id: ID!) { conversation(id: $id) { onlineCount typing { username } members(first: 5) { nodes { user { username } lastReadSeq } } } }`,
);
const Type = graphql(`mutation PrivacyType($id: ID!) { setTyping(input: { conversationId: $id, isTyping: true }) { ok } }`);
const Types = graphql(`subscription PrivacyTypes($id: ID!) { typingChanged(conversationId: $id) { isTyping } }`);
const Read = graphql(
  `mutation PrivacyRead($id: ID!, $cursor: String!) { markRead(input: { conversationId: $id, cursor: $cursor }) { conversation { lastReadSeq } } }`,
);
const Moves = graphql(
  `subscription PrivacyMoves($id: ID!) { conversationEvents(conversationId: $id) { __typename ... on ReadMoved { user { username } readUpToSeq } } }`,
);

type Seen = ResultOf<typeof Changed>['presenceChanged'];
const GONE = { status: 'OFFLINE', lastSeenAt: null };

let database: TestDatabase;
let redis: TestRedis;
/** Whoever is looked at is at one server, and those who look at the other. */
let here: TestApp;
let there: TestApp;

beforeAll(async () => {
  [database, redis] = await Promise.all([createTestDatabase(), startRedis()]);
  const env = { ...SHORT_GRACE, REDIS_URL: redis.url, REDIS_PREFIX: `privacy-${randomUUID()}:` };
  here = await startTestApp({ database, env });
  there = await startTestApp({ database, env: { ...env, DATA_DIR: here.services.config.dataDir } });
});
afterAll(async () => {
  await there.stop();
  await here.stop();
  await Promise.all([database.drop(), redis.stop()]);
});

let worlds = 0;
/** Somebody who is here, and everyone who may look at them: themselves, whom they follow, a follower of theirs, and who is not signed in. */
const world = async () => {
  const name = (who: string): string => `${who}${worlds}`;
  worlds += 1;
  const [ada, friend, fan] = [await here.user(name('ada')), await here.user(name('friend')), await here.user(name('fan'))];
  await aFollow(here, ada, friend);
  await aFollow(here, fan, ada);
  const socket = here.connect(ada);
  await socket.opened;
  await expect.poll(async () => (await looks(ada)).status).toBe('ONLINE');
  return { ada, friend, fan, socket };
};

const set = async (user: TestUser, input: UpdatePrivacyInput) => (await here.data(Set, { input }, user)).updatePrivacy.me;

/** What a viewer sees of a user, which is the same by each query. */
const looks = async ({ id }: TestUser, viewer?: TestUser) => {
  const { presence, user } = await there.data(Looks, { id }, viewer);
  const { id: _id, ...first } = present(present(presence)[0]);
  expect(present(user).presence).toEqual({ status: first.status, lastSeenAt: first.lastSeenAt });
  return first;
};

/** Follows somebody's presence, from the state in which they are. */
const follow = async ({ id }: TestUser, viewer?: TestUser) => {
  const events = there.connect(viewer).subscribe(Changed, { id });
  const next = async (): Promise<Seen> => (await events.data()).presenceChanged;
  return { events, next, first: await next() };
};

describe('who sees whether somebody is here', () => {
  it('is everyone, those whom one follows, or nobody, to every query and to what is open', async () => {
    const { ada, friend, fan } = await world();
    const viewers = [await follow(ada), await follow(ada, fan), await follow(ada, friend), await follow(ada, ada)];
    expect(viewers.map(({ first }) => first.status)).toEqual(['ONLINE', 'ONLINE', 'ONLINE', 'ONLINE']);
    await set(ada, { presenceVisibleTo: 'FOLLOWED' });
    const [anyone, stranger] = viewers;
    for (const each of [anyone, stranger])
      expect(await present(each).next()).toEqual({ ...GONE, version: present(each).first.version + 1 });
    for (const viewer of [undefined, fan]) expect(await looks(ada, viewer)).toMatchObject(GONE);
    for (const viewer of [friend, ada]) expect(await looks(ada, viewer)).toMatchObject({ status: 'ONLINE' });
    // They come to another stream, before or after they have heard the same as everyone.
    for (const { next } of viewers.slice(2)) while ((await next()).status !== 'ONLINE');
    await set(ada, { presenceVisibleTo: 'NOBODY' });
    for (const viewer of [undefined, fan, friend, ada]) expect(await looks(ada, viewer)).toMatchObject(GONE);
    for (const { events, next } of viewers.slice(2)) {
      let seen = await next();
      while (seen.status !== 'OFFLINE') seen = await next();
      expect(seen).toMatchObject(GONE);
      expect(events.waiting()).toBe(0);
    }
    await set(ada, { presenceVisibleTo: 'EVERYONE' });
    for (const { next } of viewers) expect(await next()).toMatchObject({ status: 'ONLINE', lastSeenAt: null });
  });

  it('is told of what is hidden from them by no event and no version', async () => {
    const { ada, friend, fan, socket } = await world();
    await set(ada, { presenceVisibleTo: 'FOLLOWED' });
    const [stranger, trusted] = [await follow(ada, fan), await follow(ada, friend)];
    expect([stranger.first.status, trusted.first.status]).toEqual(['OFFLINE', 'ONLINE']);
    await here.data(Say, {}, ada);
    expect(await trusted.next()).toMatchObject({ status: 'AWAY' });
    await socket.close();
    expect(await trusted.next()).toMatchObject({ status: 'OFFLINE', lastSeenAt: expect.any(String) as string });
    expect(await looks(ada, fan)).toEqual(stranger.first);
    await here.connect(ada).opened;
    expect(await trusted.next()).toMatchObject({ status: 'ONLINE' });
    // The next that the other hears of is that it is shown again, in the very next version.
    await set(ada, { presenceVisibleTo: 'EVERYONE' });
    expect(await stranger.next()).toEqual({ status: 'ONLINE', lastSeenAt: null, version: stranger.first.version + 1 });
    expect(stranger.events.waiting()).toBe(0);
  });

  it('changes for whoever is open with whom one follows, and with a block', async () => {
    const { ada, fan } = await world();
    await set(ada, { presenceVisibleTo: 'FOLLOWED' });
    const { next, first } = await follow(ada, fan);
    expect(first).toMatchObject(GONE);
    await aFollow(here, ada, fan);
    expect(await next()).toMatchObject({ status: 'ONLINE' });
    await here.data(Unfollow, { id: fan.id }, ada);
    expect(await next()).toMatchObject(GONE);
    await aFollow(here, ada, fan);
    expect(await next()).toMatchObject({ status: 'ONLINE' });
    await aBlock(here, ada, fan);
    expect(await next()).toEqual({ ...GONE, version: 0 });
  });
});

describe('over event streams', () => {
  /** What a viewer has been sent so far. */
  const stream = async ({ id }: TestUser, viewer: TestUser) => {
    const reader = await openEventStream(there, viewer, { query: textOf(Changed), variables: { id } });
    const seen = (): Seen[] =>
      reader.events.flatMap(({ event, data }) =>
        event === 'next' ? (JSON.parse(data) as { data: ResultOf<typeof Changed> }).data.presenceChanged : [],
      );
    const until = (status: string) => expect.poll(() => seen().at(-1)?.status, { timeout: 10_000 }).toBe(status);
    return { ...reader, seen, until };
  };

  it('nobody is told more either', async () => {
    const { ada, friend, fan, socket } = await world();
    const [stranger, trusted] = [await stream(ada, fan), await stream(ada, friend)];
    for (const { until } of [stranger, trusted]) await until('ONLINE');
    await set(ada, { presenceVisibleTo: 'FOLLOWED' });
    await stranger.until('OFFLINE');
    expect(stranger.seen().at(-1)).toMatchObject(GONE);
    const told = stranger.seen().length;
    await trusted.until('ONLINE');
    await here.data(Say, {}, ada);
    await trusted.until('AWAY');
    await socket.close();
    await trusted.until('OFFLINE');
    expect(trusted.seen().at(-1)?.lastSeenAt).not.toBeNull();
    await set(ada, { appearsOffline: true });
    await here.connect(ada).opened;
    const another = await stream(ada, friend);
    await another.until('OFFLINE');
    expect(stranger.seen()).toHaveLength(told);
    for (const { leave } of [stranger, trusted, another]) leave();
  });
});

describe('when somebody was here last', () => {
  it('is shown to fewer than whether they are here', async () => {
    const { ada, friend, fan, socket } = await world();
    await set(ada, { lastSeenVisibleTo: 'FOLLOWED' });
    const [stranger, trusted] = [await follow(ada, fan), await follow(ada, friend)];
    expect([stranger.first.status, trusted.first.status]).toEqual(['ONLINE', 'ONLINE']);
    await socket.close();
    expect(await stranger.next()).toMatchObject(GONE);
    const lastSeenAt = expect.any(String) as string;
    expect(await trusted.next()).toMatchObject({ status: 'OFFLINE', lastSeenAt });
    await set(ada, { lastSeenVisibleTo: 'EVERYONE' });
    expect(await stranger.next()).toMatchObject({ status: 'OFFLINE', lastSeenAt });
    await set(ada, { lastSeenVisibleTo: 'NOBODY' });
    expect(await stranger.next()).toMatchObject(GONE);
    expect(await looks(ada, friend)).toMatchObject(GONE);
  });

  it('is shown to nobody who is not shown whether they are here', async () => {
    const { ada, fan, socket } = await world();
    await set(ada, { presenceVisibleTo: 'NOBODY', lastSeenVisibleTo: 'EVERYONE' });
    await socket.close();
    await expect.poll(() => database.query(`SELECT 1 FROM presence WHERE last_seen_at IS NOT NULL AND status = 'OFFLINE'`)).not.toEqual([]);
    expect(await looks(ada, fan)).toMatchObject(GONE);
  });
});

describe('whoever appears offline', () => {
  it('looks as one who has left and does not say when, and comes back when it ends', async () => {
    const { ada, friend, fan } = await world();
    const viewers = [await follow(ada), await follow(ada, fan), await follow(ada, friend), await follow(ada, ada)];
    expect(await set(ada, { appearsOffline: true })).toEqual({
      presenceVisibleTo: 'EVERYONE',
      lastSeenVisibleTo: 'EVERYONE',
      appearsOffline: true,
    });
    for (const { next, first } of viewers) expect(await next()).toEqual({ ...GONE, version: first.version + 1 });
    for (const viewer of [undefined, fan, friend, ada]) expect(await looks(ada, viewer)).toMatchObject(GONE);
    // What they say of themselves meanwhile is kept, and told to nobody.
    expect((await here.data(Say, {}, ada)).setPresence.presence.status).toBe('OFFLINE');
    await set(ada, { appearsOffline: false });
    for (const { next, first } of viewers) expect(await next()).toEqual({ status: 'AWAY', lastSeenAt: null, version: first.version + 2 });
  });

  it('is not counted among those who are here, but by whom it is shown', async () => {
    const { ada, friend, fan } = await world();
    const { id } = await aGroup(here, ada, [friend, fan]);
    const count = async (viewer: TestUser) => (await there.data(Online, { id }, viewer)).conversation.onlineCount;
    expect([await count(friend), await count(fan)]).toEqual([1, 1]);
    await set(ada, { presenceVisibleTo: 'FOLLOWED' });
    expect([await count(friend), await count(fan), await count(ada)]).toEqual([1, 0, 1]);
    await set(ada, { appearsOffline: true });
    expect([await count(friend), await count(fan), await count(ada)]).toEqual([0, 0, 0]);
  });
});

describe('what would tell that somebody is here', () => {
  /** A conversation that ada has not read on. */
  const talk = async (ada: TestUser, others: readonly TestUser[]) => {
    const [other] = others;
    const { id } = others.length === 1 ? await aDirect(here, ada, present(other)) : await aGroup(here, ada, others);
    // Who has begun it is no stranger.
    await aMessage(here, ada, id, 'First');
    await aMessage(here, present(other), id, 'Second');
    return id;
  };
  const readOf = async (id: string, user: TestUser, viewer: TestUser): Promise<number | null | undefined> => {
    const { conversation } = await there.data(Online, { id }, viewer);
    return conversation.members?.nodes.find(({ user: { username } }) => username === user.username)?.lastReadSeq;
  };

  it.each([
    ['whoever appears offline', { appearsOffline: true }, false],
    ['somebody who shows it to nobody', { presenceVisibleTo: 'NOBODY' }, false],
    ['somebody who shows it to the other', { presenceVisibleTo: 'FOLLOWED' }, true],
    ['somebody who hides only when they were here last', { lastSeenVisibleTo: 'NOBODY' }, true],
  ] as const)('is told of %s: %j %s', async (_who, input, isTold) => {
    const { ada, friend } = await world();
    const id = await talk(ada, [friend]);
    const before = await readOf(id, ada, friend);
    await set(ada, input);
    const moves = there.connect(friend).subscribe(Moves, { id });
    const cursor = await cursorOf(here, ada, id);
    const read = async () => (await here.data(Read, { id, cursor }, ada)).markRead.conversation.lastReadSeq;
    await here.data(Type, { id }, ada);
    expect((await here.data(Online, { id }, friend)).conversation.typing).toHaveLength(isTold ? 1 : 0);
    const own = await read();
    expect(await readOf(id, ada, ada)).toBe(own);
    expect(await readOf(id, ada, friend)).toBe(isTold ? own : before);
    expect(own).not.toBe(before);
    // Once it is shown again, the next that is read is told.
    await set(ada, { appearsOffline: false, presenceVisibleTo: 'EVERYONE' });
    await aMessage(here, friend, id, 'Third');
    const next = await here.data(Read, { id, cursor: await cursorOf(here, ada, id) }, ada);
    await expect.poll(async () => readOf(id, ada, friend)).toBe(next.markRead.conversation.lastReadSeq);
    const told: number[] = [];
    while (told.at(-1) !== next.markRead.conversation.lastReadSeq) {
      const { conversationEvents: event } = await moves.data();
      if ('readUpToSeq' in event && event.user.username === ada.username) told.push(event.readUpToSeq);
    }
    expect(told).toHaveLength(isTold ? 2 : 1);
  });

  it.each([
    ['appears offline', {}, (ada: TestUser) => set(ada, { appearsOffline: true })],
    ['shows it to fewer', {}, (ada: TestUser) => set(ada, { presenceVisibleTo: 'NOBODY' })],
    [
      'no longer follows the other',
      { presenceVisibleTo: 'FOLLOWED' },
      (ada: TestUser, friend: TestUser) => here.data(Unfollow, { id: friend.id }, ada),
    ],
    ['blocks the other', {}, (ada: TestUser, friend: TestUser) => aBlock(here, ada, friend)],
  ] as const)('is taken back at once when whoever types %s', async (_how, before, hide) => {
    const { ada, friend } = await world();
    await set(ada, before);
    const id = await talk(ada, [friend]);
    const events = there.connect(friend).subscribe(Types, { id });
    // What is said at the other server arrives once the subscription is known there.
    await expect.poll(async () => [await here.data(Type, { id }, ada), events.waiting()][1], { timeout: 10_000 }).toBeGreaterThan(0);
    await here.data(Type, { id }, ada);
    const typedAt = performance.now();
    await hide(ada, friend);
    await expect.poll(async () => (await there.data(Online, { id }, friend)).conversation.typing).toEqual([]);
    while ((await events.data()).typingChanged.isTyping);
    // By itself it would end after six seconds.
    expect(performance.now() - typedAt).toBeLessThan(4_000);
  });

  it('is told in a group to nobody, where one of them is not to know', async () => {
    const { ada, friend, fan } = await world();
    const id = await talk(ada, [friend, fan]);
    const before = await readOf(id, ada, friend);
    await set(ada, { presenceVisibleTo: 'FOLLOWED' });
    await here.data(Read, { id, cursor: await cursorOf(here, ada, id) }, ada);
    await here.data(Type, { id }, ada);
    expect((await here.data(Online, { id }, friend)).conversation.typing).toEqual([]);
    for (const viewer of [friend, fan]) expect(await readOf(id, ada, viewer)).toBe(before);
    await aFollow(here, ada, fan);
    await here.data(Type, { id }, ada);
    expect((await here.data(Online, { id }, friend)).conversation.typing).toEqual([{ username: ada.username }]);
  });
});
