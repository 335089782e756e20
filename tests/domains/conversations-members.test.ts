import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cursorOf } from '../kit/acts.js';
import { encodeId, parseId } from '../../src/graphql/ids.js';
import { SHORT_GRACE, startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aBlock } from '../kit/factories.js';
import { graphql } from '../kit/graphql.js';
import { createTalk, type Talk } from '../kit/talk.js';

const MAX_GROUP = 5;

let app: TestApp;
let talk: Talk;
let ada: TestUser;
let ben: TestUser;
let cleo: TestUser;
let dan: TestUser;

beforeAll(async () => {
  app = await startTestApp({ env: { ...SHORT_GRACE, GROUP_MAX_MEMBERS: String(MAX_GROUP) } });
  talk = createTalk(app);
  [ada, ben, cleo, dan] = await Promise.all([app.user('ada'), app.user('ben'), app.user('cleo'), app.user('dan')]);
});
afterAll(() => app.stop());

const nobody = (): string => encodeId('User', crypto.randomUUID());

/** Who is in it, the owner with a star. */
const inside = async (as: TestUser, id: string): Promise<string[]> => {
  const { members } = await talk.read<{ members: { edges: { node: { role: string; user: { username: string } } }[] } }>(
    as,
    id,
    'members(first: 100) { edges { node { role user { username } } } }',
  );
  return members.edges.map(({ node }) => `${node.user.username}${node.role === 'OWNER' ? '*' : ''}`).sort();
};

const Events = graphql(`subscription MembersEvents($id: ID!, $after: String) {
  conversationEvents(conversationId: $id, after: $after) {
    __typename
    ... on MemberJoined { user { username } }
    ... on MemberLeft { user { username } }
    ... on OwnerChanged { user { username } }
    ... on ConversationRenamed { conversation { title } user { username } }
  }
}`);
const follow = (as: TestUser, { id, cursor }: { readonly id: string; readonly cursor: string }) =>
  app.connect(as).subscribe(Events, { id, after: cursor });

const fieldsOf = async (as: TestUser, name: string, input: object): Promise<unknown> => {
  const text = `mutation ($input: ${name.charAt(0).toUpperCase()}${name.slice(1)}Input!) { ${name}(input: $input) { __typename } }`;
  return (await app.execute(text, { input }, as)).errors?.[0]?.extensions;
};

describe('addMembers', () => {
  const add = (as: TestUser, conversationId: string, ...users: readonly TestUser[]) =>
    talk.act<{ conversation: { memberCount: number; title: string } }>(
      as,
      'addMembers',
      { conversationId, memberIds: users.map(({ id }) => id) },
      'conversation { memberCount title }',
    );

  test('adds each once, whoever adds them how often, and tells it once', async () => {
    const group = await talk.group(ada, [ben]);
    const events = follow(ada, group);
    const [first, ...rest] = await Promise.all([
      add(ben, group.id, cleo, cleo, ben),
      add(ada, group.id, cleo),
      add(ada, group.id, ada, cleo),
    ]);
    for (const { conversation } of [first, ...rest]) expect(conversation).toEqual({ memberCount: 3, title: 'Group' });
    expect(await add(cleo, group.id, dan)).toMatchObject({ conversation: { memberCount: 4 } });
    expect((await events.take(2)).map(({ conversationEvents }) => conversationEvents)).toEqual([
      { __typename: 'MemberJoined', user: { username: 'cleo' } },
      { __typename: 'MemberJoined', user: { username: 'dan' } },
    ]);
    expect(events.waiting()).toBe(0);
    // What was said before is nothing that they have left unread.
    expect(await talk.read(dan, group.id, 'unreadCount')).toEqual({ unreadCount: 0 });
    expect(await inside(dan, group.id)).toEqual(['ada*', 'ben', 'cleo', 'dan']);
  });

  test('adds all of them or nobody', async () => {
    const group = await talk.group(ada, [ben]);
    const add = (memberIds: readonly string[]) => fieldsOf(ada, 'addMembers', { conversationId: group.id, memberIds });
    expect(await add([cleo.id, nobody(), dan.id, nobody()])).toMatchObject({
      code: 'BAD_USER_INPUT',
      fields: [{ path: 'input.memberIds.1' }, { path: 'input.memberIds.3' }],
    });
    expect(await add([cleo.id, group.id])).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path: 'input.memberIds.1' }] });
    expect(await add(Array.from({ length: 101 }, nobody))).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path: 'input.memberIds' }] });
    await aBlock(app, cleo, ada);
    expect(await add([dan.id, cleo.id])).toMatchObject({ code: 'FORBIDDEN' });
    expect(await inside(ada, group.id)).toEqual(['ada*', 'ben']);
    await talk.act(cleo, 'unblockUser', { userId: ada.id }, '__typename');
  });

  test('keeps a group to its size, also when several add at once, and a room to none', async () => {
    const people = await Promise.all(Array.from({ length: MAX_GROUP }, (_, index) => app.user(`many_${index}`)));
    const [first, ...others] = people.map(({ id }) => id);
    expect(await fieldsOf(ada, 'createGroup', { title: 'x', memberIds: people.map(({ id }) => id) })).toMatchObject({
      code: 'BAD_USER_INPUT',
      fields: [{ path: 'input.memberIds' }],
    });
    const group = await talk.group(ada, [ben]);
    expect(await fieldsOf(ada, 'addMembers', { conversationId: group.id, memberIds: others })).toMatchObject({ code: 'BAD_USER_INPUT' });
    const codes = await Promise.all(people.map(({ id }) => talk.code(ada, 'addMembers', { conversationId: group.id, memberIds: [id] })));
    expect(codes.filter((code) => code === undefined)).toHaveLength(MAX_GROUP - 2);
    expect(await inside(ada, group.id)).toHaveLength(MAX_GROUP);
    const room = await talk.room(ada);
    await talk.act(ada, 'addMembers', { conversationId: room.id, memberIds: [first, ...others] }, '__typename');
    expect(await inside(ada, room.id)).toHaveLength(MAX_GROUP + 1);
  });
});

describe('removeMember', () => {
  test('ends what the removed follow, and nothing of theirs comes after', async () => {
    const hal = await app.user('hal');
    const room = await talk.room(ada);
    await talk.act(hal, 'joinRoom', { code: room.joinCode }, '__typename');
    const events = follow(ada, room);
    const theirs = app
      .connect(hal)
      .subscribe('subscription ($id: ID!, $after: String) { messageAdded(conversationId: $id, after: $after) { cursor } }', {
        id: room.id,
        after: room.cursor,
      });
    const said = await talk.send(ada, room.id, 'before');
    expect(await theirs.data()).toMatchObject({ messageAdded: { cursor: said.cursor } });
    const sending = Promise.all(
      Array.from({ length: 6 }, (_, index) => talk.code(hal, 'sendMessage', { conversationId: room.id, body: `${index}` })),
    );
    await talk.act(ada, 'removeMember', { conversationId: room.id, userId: hal.id }, '__typename');
    const sent = (await sending).filter((code) => code === undefined).length;
    const seen = (await events.take(sent + 3)).map(({ conversationEvents }) => conversationEvents);
    expect(seen.at(-1)).toEqual({ __typename: 'MemberLeft', user: { username: 'hal' } });
    const ended = (await theirs.ended) as { extensions: { code: string } }[];
    expect(ended[0]?.extensions.code).toBe('ACCESS_REVOKED');
    // Once more is no change.
    expect(await talk.act(ada, 'removeMember', { conversationId: room.id, userId: hal.id }, 'conversation { memberCount }')).toEqual({
      conversation: { memberCount: 1 },
    });
    expect(events.waiting()).toBe(0);
    await talk.act(hal, 'joinRoom', { code: room.joinCode }, '__typename');
    expect(await inside(hal, room.id)).toEqual(['ada*', 'hal']);
  });
});

test('nobody is removed who never was', async () => {
  const room = await talk.room(ada);
  const payload = 'user { id } conversation { memberCount }';
  const { errors } = await app.execute(
    `mutation ($input: RemoveMemberInput!) { removeMember(input: $input) { ${payload} } }`,
    { input: { conversationId: room.id, userId: nobody() } },
    ada,
  );
  expect(errors?.[0]?.extensions?.['code']).toBe('NOT_FOUND');
});

describe('ownership', () => {
  test('is passed on, and with it what only an owner may', async () => {
    const group = await talk.group(ada, [ben, cleo]);
    const events = follow(cleo, group);
    await talk.act(ada, 'transferOwnership', { conversationId: group.id, userId: ben.id }, '__typename');
    expect(await inside(ada, group.id)).toEqual(['ada', 'ben*', 'cleo']);
    expect(await talk.code(ada, 'renameConversation', { conversationId: group.id, title: 'x' })).toBe('FORBIDDEN');
    await talk.act(ben, 'transferOwnership', { conversationId: group.id, userId: ben.id }, '__typename');
    await talk.act(ben, 'removeMember', { conversationId: group.id, userId: ada.id }, '__typename');
    await talk.act(ben, 'leaveConversation', { conversationId: group.id }, '__typename');
    expect(await inside(cleo, group.id)).toEqual(['cleo*']);
    expect((await events.take(4)).map(({ conversationEvents }) => conversationEvents)).toEqual([
      { __typename: 'OwnerChanged', user: { username: 'ben' } },
      { __typename: 'MemberLeft', user: { username: 'ada' } },
      { __typename: 'MemberLeft', user: { username: 'ben' } },
      { __typename: 'OwnerChanged', user: { username: 'cleo' } },
    ]);
    expect(await fieldsOf(cleo, 'transferOwnership', { conversationId: group.id, userId: ada.id })).toMatchObject({
      code: 'BAD_USER_INPUT',
      fields: [{ path: 'input.userId' }],
    });
  });

  test("is one person's, whoever passes it on, leaves and is removed at once", async () => {
    for (let round = 0; round < 5; round += 1) {
      const group = await talk.group(ada, [ben, cleo, dan]);
      const conversationId = group.id;
      await Promise.all([
        talk.code(ada, 'transferOwnership', { conversationId, userId: ben.id }),
        talk.code(ada, 'transferOwnership', { conversationId, userId: cleo.id }),
        talk.code(ada, 'leaveConversation', { conversationId }),
        talk.code(ben, 'leaveConversation', { conversationId }),
        talk.code(ada, 'removeMember', { conversationId, userId: cleo.id }),
      ]);
      expect((await inside(dan, conversationId)).filter((each) => each.endsWith('*'))).toHaveLength(1);
    }
  });
});

describe('renameConversation', () => {
  test('tells everyone, once', async () => {
    const room = await talk.room(ada);
    await talk.act(ben, 'joinRoom', { code: room.joinCode }, '__typename');
    const cursor = await cursorOf(app, ben, room.id);
    const events = follow(ben, { id: room.id, cursor });
    const rename = (title: string | null) =>
      talk.act(ada, 'renameConversation', { conversationId: room.id, title }, 'conversation { title }');
    expect(await rename('  Salon ')).toEqual({ conversation: { title: 'Salon' } });
    expect(await rename('Salon')).toEqual({ conversation: { title: 'Salon' } });
    const renamed = (title: string | null) => ({ __typename: 'ConversationRenamed', conversation: { title }, user: { username: 'ada' } });
    expect((await events.data()).conversationEvents).toEqual(renamed('Salon'));
    expect(await rename(null)).toEqual({ conversation: { title: null } });
    expect((await events.data()).conversationEvents).toEqual(renamed(null));
    expect(events.waiting()).toBe(0);
  });

  test('and sending do not stop each other', async () => {
    const group = await talk.group(ada, [ben]);
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        index % 2
          ? talk.send(ben, group.id, `${index}`)
          : talk.act(ada, 'renameConversation', { conversationId: group.id, title: `${index}` }, '__typename'),
      ),
    );
    const kinds = await app.database.query<{ kind: string }>(`SELECT kind FROM event WHERE topic = 'conversation' AND key = $1`, [
      parseId(group.id).id,
    ]);
    expect(kinds.filter(({ kind }) => kind === 'ConversationRenamed')).toHaveLength(10);
    expect(kinds.filter(({ kind }) => kind === 'MessageAdded')).toHaveLength(10);
  });

  test.each([
    ['an empty title', ''],
    ['a long title', 'x'.repeat(101)],
    ['a title of two lines', 'a\nb'],
    ['no title for a group', null],
  ])('refuses %s', async (_what, title) => {
    const group = await talk.group(ada, []);
    expect(await fieldsOf(ada, 'renameConversation', { conversationId: group.id, title })).toMatchObject({
      code: 'BAD_USER_INPUT',
      fields: [{ path: 'input.title' }],
    });
  });
});

describe('who is here', () => {
  test('is counted for members, many conversations at once, without those who are kept apart', async () => {
    const [eve, fay, gus] = await Promise.all([app.user('eve'), app.user('fay'), app.user('gus')]);
    await talk.group(eve, [fay, gus]);
    await talk.direct(eve, fay);
    const online = (as: TestUser) => async (): Promise<unknown> =>
      (
        await app.data(graphql(`query MembersMe { me { conversations { edges { node { onlineCount } } } } }`), {}, as)
      ).me.conversations.edges.map(({ node }) => node.onlineCount);
    expect(await online(eve)()).toEqual([0, 0]);
    const sockets = [app.connect(eve), app.connect(fay), app.connect(gus)];
    // The direct one is the latest.
    await expect.poll(online(eve)).toEqual([2, 3]);
    await aBlock(app, fay, eve);
    expect(await online(eve)()).toEqual([1, 2]);
    expect(await online(fay)()).toEqual([1, 2]);
    expect(await online(gus)()).toEqual([3]);
    await sockets[2]?.close();
    await expect.poll(online(gus)).toEqual([2]);
    const ask = graphql(`query MembersAsk { me { conversations { edges { node { onlineCount } } } } }`);
    const before = (await app.countStatements(() => app.data(ask, {}, eve))).length;
    for (let index = 0; index < 4; index += 1) await talk.group(eve, [gus]);
    expect((await app.countStatements(() => app.data(ask, {}, eve))).length).toBe(before);
  });

  test('is followed by conversation, as members come and go', async () => {
    const [ina, joe, kai] = await Promise.all([app.user('ina'), app.user('joe'), app.user('kai')]);
    const room = await talk.room(ina);
    const joined = (as: TestUser) => talk.act(as, 'joinRoom', { code: room.joinCode }, '__typename');
    const Follow = graphql(`subscription MembersFollow($id: ID!) { presenceChanged(conversationId: $id) { status user { username } } }`);
    const changes = app.connect(ina).subscribe(Follow, { id: room.id });
    const next = async (): Promise<string> => {
      const { status, user } = (await changes.data()).presenceChanged;
      return `${user.username} ${status}`;
    };
    // The viewer comes online by the socket itself.
    while ((await next()) !== 'ina ONLINE');
    await joined(joe);
    expect(await next()).toBe('joe OFFLINE');
    const theirs = app.connect(joe);
    expect(await next()).toBe('joe ONLINE');
    await talk.act(ina, 'removeMember', { conversationId: room.id, userId: joe.id }, '__typename');
    await joined(kai);
    expect(await next()).toBe('kai OFFLINE');
    await theirs.close();
    const statusOf = async () =>
      (await app.data(graphql(`query MembersUser { user(username: "joe") { presence { status } } }`))).user.presence.status;
    await expect.poll(statusOf).toBe('OFFLINE');
    app.connect(kai);
    expect(await next()).toBe('kai ONLINE');
    // Who has no business here any more follows nobody.
    await talk.act(ina, 'leaveConversation', { conversationId: room.id }, '__typename');
    expect(((await changes.ended) as { extensions: { code: string } }[])[0]?.extensions.code).toBe('ACCESS_REVOKED');
  });

  test('is followed by conversation or by user, not by both', async () => {
    const group = await talk.group(ada, [ben]);
    const Follow = graphql(
      `subscription MembersHere($userIds: [ID!], $id: ID) { presenceChanged(userIds: $userIds, conversationId: $id) { status user { username } } }`,
    );
    const socket = app.connect(ada);
    const both = await socket
      .subscribe(Follow, { userIds: [ben.id], id: group.id })
      .next()
      .catch(() => null);
    const neither = await socket
      .subscribe(Follow, {})
      .next()
      .catch(() => null);
    expect([both, neither]).not.toContainEqual(expect.objectContaining({ data: expect.anything() as unknown }));
    const present = await socket.subscribe(Follow, { id: group.id }).take(2);
    expect(present.map(({ presenceChanged }) => presenceChanged.user.username).sort()).toEqual(['ada', 'ben']);
  });
});
