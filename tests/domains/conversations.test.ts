import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { JOIN_CODE_ALPHABET } from '../../src/domains/conversations/join-codes.js';
import { encodeId, parseId } from '../../src/graphql/ids.js';
import type {
  ConversationsConversationFragment as ConversationFragment,
  CreateGroupInput,
  CreateRoomInput,
  SendMessageInput,
} from '../generated/texts/graphql.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { graphql, present, type ResultOf, type VariablesOf } from '../kit/graphql.js';
import type { TestSubscription } from '../kit/client.js';

let app: TestApp;
let ada: TestUser;
let ben: TestUser;
let cleo: TestUser;

beforeAll(async () => {
  app = await startTestApp();
  [ada, ben, cleo] = await Promise.all([app.user('ada'), app.user('ben'), app.user('cleo')]);
});
afterAll(() => app.stop());

// ---------------------------------------------------------------- what the tests ask

type Conversation = ConversationFragment & { readonly cursor: string };
interface Page<Node> {
  readonly edges: readonly { readonly node: Node }[];
}

graphql(
  `fragment ConversationsConversation on Conversation { id kind title joinCode memberCount unreadCount lastReadSeq lastReadCursor lastMessageAt cursor clientId }`,
);
graphql(
  `fragment ConversationsMessage on Message { id seq cursor body createdAt clientId author { username } replyTo { id } conversation { id } }`,
);

const StartDirect = graphql(
  `mutation ConversationsStartDirect($input: StartDirectInput!) { startDirect(input: $input) { conversation { ...ConversationsConversation } } }`,
);
const CreateGroup = graphql(
  `mutation ConversationsCreateGroup($input: CreateGroupInput!) { createGroup(input: $input) { conversation { ...ConversationsConversation } } }`,
);
const CreateRoom = graphql(
  `mutation ConversationsCreateRoom($input: CreateRoomInput!) { createRoom(input: $input) { conversation { ...ConversationsConversation } } }`,
);
const JoinRoom = graphql(
  `mutation ConversationsJoinRoom($input: JoinRoomInput!) { joinRoom(input: $input) { conversation { ...ConversationsConversation } } }`,
);
const Leave = graphql(
  `mutation ConversationsLeave($input: LeaveConversationInput!) { leaveConversation(input: $input) { conversationId } }`,
);
const Send = graphql(
  `mutation ConversationsSend($input: SendMessageInput!) { sendMessage(input: $input) { cursor message { ...ConversationsMessage } } }`,
);
const MarkRead = graphql(
  `mutation ConversationsMarkRead($input: MarkReadInput!) { markRead(input: $input) { conversation { ...ConversationsConversation } } }`,
);
const ConversationById = graphql(
  `query ConversationsConversationById($id: ID!) { conversation(id: $id) { ...ConversationsConversation } }`,
);
const Node = graphql(
  `query ConversationsNode($id: ID!) { node(id: $id) { __typename id ... on Message { body } ... on Conversation { title } } }`,
);
const Messages = graphql(`query ConversationsMessages($id: ID!, $first: Int, $last: Int, $after: String, $before: String) {
  conversation(id: $id) {
    cursor
    messages(first: $first, last: $last, after: $after, before: $before) { edges { cursor node { ...ConversationsMessage } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount }
  }
}`);
const Members = graphql(`query ConversationsMembers($id: ID!, $first: Int, $after: String) {
  conversation(id: $id) {
    members(first: $first, after: $after) { edges { cursor node { id role joinedAt lastReadSeq lastReadCursor user { username } } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount }
  }
}`);
const MessageAdded = graphql(`subscription ConversationsMessageAdded($conversationId: ID!, $after: String) {
  messageAdded(conversationId: $conversationId, after: $after) { cursor conversationId at message { ...ConversationsMessage } }
}`);

/** As its members see a conversation. */
const asMember = (conversation: ConversationFragment): Conversation => ({ ...conversation, cursor: present(conversation.cursor) });

const startDirect = async (as: TestUser, other: TestUser): Promise<Conversation> =>
  asMember((await app.data(StartDirect, { input: { userId: other.id } }, as)).startDirect.conversation);

const createGroup = async (as: TestUser, others: readonly TestUser[], more: Partial<CreateGroupInput> = {}): Promise<Conversation> =>
  asMember(
    (await app.data(CreateGroup, { input: { title: 'Group', memberIds: others.map(({ id }) => id), ...more } }, as)).createGroup
      .conversation,
  );

const createRoom = async (as: TestUser, input: CreateRoomInput = {}): Promise<Conversation> =>
  asMember((await app.data(CreateRoom, { input }, as)).createRoom.conversation);

const joinRoom = async (as: TestUser, code: string | null): Promise<Conversation> =>
  asMember((await app.data(JoinRoom, { input: { code: present(code) } }, as)).joinRoom.conversation);

const send = async (as: TestUser, conversationId: string, body: string, more: Partial<SendMessageInput> = {}) =>
  (await app.data(Send, { input: { conversationId, body, ...more } }, as)).sendMessage;

const conversation = async (as: TestUser, id: string): Promise<Conversation> =>
  asMember((await app.data(ConversationById, { id }, as)).conversation);

const messages = async (as: TestUser, id: string, args: Omit<VariablesOf<typeof Messages>, 'id'> = {}) =>
  present((await app.data(Messages, { id, ...args }, as)).conversation.messages);

const members = async (as: TestUser, id: string, args: Omit<VariablesOf<typeof Members>, 'id'> = {}) =>
  present((await app.data(Members, { id, ...args }, as)).conversation.members);

const uuid = (globalId: string): string => parseId(globalId).id;

/** The conversation's log, as stored. */
const log = (conversationId: string): Promise<{ seq: number; kind: string; ref: Record<string, string> }[]> =>
  app.database.query(`SELECT seq, kind, ref FROM event WHERE topic = 'conversation' AND key = $1 ORDER BY seq`, [uuid(conversationId)]);

const listen = (as: TestUser, conversationId: string, after?: string): TestSubscription<ResultOf<typeof MessageAdded>> =>
  app.connect(as).subscribe(MessageAdded, { conversationId, after });

/** The code with which a subscription is refused, however the refusal travels. */
const refusal = async (subscription: TestSubscription<ResultOf<typeof MessageAdded>>): Promise<unknown> => {
  const answer = await Promise.race([subscription.ended, subscription.next().catch(() => subscription.ended)]);
  const errors = (Array.isArray(answer) ? answer : (answer as { errors: unknown }).errors) as { extensions: { code: unknown } }[];
  return errors[0]?.extensions.code;
};

const usernames = (page: Page<{ readonly user: { readonly username: string } }>): string[] =>
  page.edges.map(({ node }) => node.user.username);
const bodies = (page: Page<{ readonly body: string }>): string[] => page.edges.map(({ node }) => node.body);

// ---------------------------------------------------------------- beginning

describe('startDirect', () => {
  test('gives the same two people the same conversation, also when both begin at the same time', async () => {
    const [dora, emil] = await Promise.all([app.user('dora'), app.user('emil')]);
    const begun = await Promise.all(
      Array.from({ length: 10 }, (_, index) => (index % 2 ? startDirect(dora, emil) : startDirect(emil, dora))),
    );
    const ids = new Set(begun.map(({ id }) => id));
    expect(ids.size).toBe(1);
    const [id = ''] = ids;
    expect(await startDirect(dora, emil)).toMatchObject({
      id,
      kind: 'DIRECT',
      title: null,
      joinCode: null,
      memberCount: 2,
      unreadCount: 0,
    });
    expect(usernames(await members(emil, id)).sort()).toEqual(['dora', 'emil']);
    expect((await log(id)).map(({ kind }) => kind)).toEqual(['MemberJoined', 'MemberJoined']);
  });

  test('refuses oneself, nobody and what is no user', async () => {
    expect(await app.code(StartDirect, { input: { userId: ada.id } }, ada)).toBe('BAD_USER_INPUT');
    expect(await app.code(StartDirect, { input: { userId: encodeId('User', crypto.randomUUID()) } }, ada)).toBe('NOT_FOUND');
    expect(await app.code(StartDirect, { input: { userId: encodeId('Post', crypto.randomUUID()) } }, ada)).toBe('BAD_USER_INPUT');
    expect(await app.code(StartDirect, { input: { userId: ben.id } })).toBe('UNAUTHENTICATED');
  });
});

describe('createGroup', () => {
  test('makes its creator the owner and counts everyone once', async () => {
    const group = await createGroup(ada, [ben, ben, ada, cleo], { title: '  The group  ' });
    expect(group).toMatchObject({ kind: 'GROUP', title: 'The group', joinCode: null, memberCount: 3, lastMessageAt: null });
    const { edges } = await members(ben, group.id);
    expect(edges.map(({ node }) => `${node.user.username} ${node.role}`).sort()).toEqual(['ada OWNER', 'ben MEMBER', 'cleo MEMBER']);
    const alone = await createGroup(ada, []);
    expect(alone.memberCount).toBe(1);
  });

  test('names every user that does not exist', async () => {
    const memberIds = [ben.id, encodeId('User', crypto.randomUUID()), encodeId('User', crypto.randomUUID())];
    const { errors } = await app.execute(CreateGroup, { input: { title: 'x', memberIds } }, ada);
    expect(errors?.[0]?.extensions).toMatchObject({
      code: 'BAD_USER_INPUT',
      fields: [{ path: 'input.memberIds.1' }, { path: 'input.memberIds.2' }],
    });
    const wrongType = await app.execute(
      CreateGroup,
      { input: { title: 'x', memberIds: [ben.id, encodeId('Post', crypto.randomUUID())] } },
      ada,
    );
    expect(wrongType.errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path: 'input.memberIds.1' }] });
  });

  test.each([
    ['an empty title', { title: '', memberIds: [] }, 'input.title'],
    ['a title too long', { title: 'x'.repeat(101), memberIds: [] }, 'input.title'],
    ['a title of two lines', { title: 'x\ny', memberIds: [] }, 'input.title'],
    [
      'too many members',
      { title: 'x', memberIds: Array.from({ length: 101 }, () => encodeId('User', crypto.randomUUID())) },
      'input.memberIds',
    ],
    ['a clientId with a space', { title: 'x', memberIds: [], clientId: 'a b' }, 'input.clientId'],
  ])('refuses %s', async (_what, input, path) => {
    const { errors } = await app.execute(CreateGroup, { input }, ada);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path }] });
  });

  test('with a clientId is done once', async () => {
    const groups = await Promise.all(Array.from({ length: 5 }, () => createGroup(ada, [ben], { clientId: 'group-1' })));
    expect(new Set(groups.map(({ id }) => id)).size).toBe(1);
    expect(groups[0]).toMatchObject({ clientId: 'group-1', memberCount: 2 });
    const other = { title: 'Another', memberIds: [ben.id], clientId: 'group-1' };
    expect(await app.code(CreateGroup, { input: other }, ada)).toBe('CONFLICT');
    expect(await app.code(CreateRoom, { input: { title: 'Group', clientId: 'group-1' } }, ada)).toBe('CONFLICT');
    expect((await createGroup(ben, [ada], { clientId: 'group-1' })).id).not.toBe(groups[0]?.id);
  });
});

describe('rooms', () => {
  const Room = graphql(
    `query ConversationsRoom($code: String!) { room(code: $code) { id kind title joinCode memberCount unreadCount lastReadSeq lastReadCursor } }`,
  );

  test('are joined by their code, in any case and with spaces, once', async () => {
    const room = await createRoom(ada, { title: 'Open house' });
    const code = room.joinCode ?? '';
    expect(code).toMatch(new RegExp(`^[${JOIN_CODE_ALPHABET}]{4,10}$`));
    expect(room).toMatchObject({ kind: 'ROOM', title: 'Open house', memberCount: 1 });
    const typed = ` ${code.slice(0, 2)} ${code.slice(2)} `.toLowerCase();
    const joined = await Promise.all([joinRoom(ben, typed), joinRoom(ben, code), joinRoom(ben, code)]);
    for (const each of joined) expect(each).toMatchObject({ id: room.id, joinCode: code, memberCount: 2 });
    expect(await joinRoom(ada, code)).toMatchObject({ memberCount: 2 });
    expect((await log(room.id)).map(({ kind, ref }) => [kind, encodeId('User', ref['userId'] ?? '')])).toEqual([
      ['MemberJoined', ada.id],
      ['MemberJoined', ben.id],
    ]);
    expect((await members(ben, room.id)).edges.map(({ node }) => node.role)).toEqual(['OWNER', 'MEMBER']);
  });

  test('show their outline to whoever has the code, and no more', async () => {
    const room = await createRoom(ada, { title: 'Glass house' });
    await send(ada, room.id, 'Not for everyone');
    const code = room.joinCode?.toLowerCase();
    const outline = {
      id: room.id,
      kind: 'ROOM',
      title: 'Glass house',
      joinCode: null,
      memberCount: 1,
      unreadCount: 0,
      lastReadSeq: null,
      lastReadCursor: null,
    };
    expect(await app.data(Room, { code: present(code) }, cleo)).toEqual({ room: outline });
    expect(await app.data(Room, { code: present(code) })).toEqual({ room: outline });
    for (const inside of ['messages { totalCount }', 'members { totalCount }', 'cursor']) {
      const query = `query ($code: String!) { room(code: $code) { ${inside} } }`;
      expect(await app.execute(query, { code }, cleo)).toMatchObject({
        data: { room: { [inside.replace(/ .*/, '')]: null } },
        errors: [{ extensions: { code: 'FORBIDDEN' } }],
      });
      expect(await app.code(query, { code })).toBe('UNAUTHENTICATED');
    }
  });

  test('with a wrong code are nowhere', async () => {
    for (const code of ['0OI1', 'CDF', 'CDFGH', '', '\u0000CDF', 'äöüß']) {
      expect(await app.data(Room, { code }, ada)).toEqual({ room: null });
      expect(await app.code(JoinRoom, { input: { code } }, ada)).toBe('NOT_FOUND');
    }
  });

  test('find another code when the first ones are taken', async () => {
    const taken = (await createRoom(cleo, {})).joinCode ?? '';
    await app.database.query(`CREATE SEQUENCE clash`);
    await app.database.query(`
      CREATE FUNCTION take_code() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF NEW.kind = 'ROOM' AND nextval('clash') <= 3 THEN NEW.join_code := '${taken}'; END IF;
        RETURN NEW;
      END $$`);
    await app.database.query('CREATE TRIGGER take_code BEFORE INSERT ON conversation FOR EACH ROW EXECUTE FUNCTION take_code()');
    const room = await createRoom(ada, { clientId: 'busy' });
    await app.database.query('DROP TRIGGER take_code ON conversation');
    expect(await app.database.query(`SELECT last_value::int AS tries FROM clash`)).toEqual([{ tries: 4 }]);
    expect(room.joinCode).not.toBe(taken);
    expect((await createRoom(ada, { clientId: 'busy' })).id).toBe(room.id);
  });
});

// ---------------------------------------------------------------- talking

describe('messages', () => {
  test('reach all members live, in order, with their cursors', async () => {
    const group = await createGroup(ada, [ben]);
    const live = [listen(ada, group.id, group.cursor), listen(ben, group.id, group.cursor)];
    const sent = [];
    for (const body of ['one', 'two', 'three']) sent.push(await send(sent.length % 2 ? ben : ada, group.id, body));
    for (const subscription of live) {
      const events = (await subscription.take(3)).map(({ messageAdded }) => messageAdded);
      expect(events.map(({ message, cursor }) => ({ message, cursor }))).toEqual(sent);
      for (const { conversationId } of events) expect(conversationId).toBe(group.id);
    }
    const page = await messages(ada, group.id);
    expect(page.edges).toEqual(sent.map(({ cursor, message }) => ({ cursor, node: message })));
    expect(page.edges.map(({ cursor, node }) => node.cursor === cursor)).toEqual([true, true, true]);
    expect((await conversation(ben, group.id)).lastMessageAt).toBe(sent[2]?.message.createdAt);
  });

  test('that were missed are read by the statement that reads the head of a stream', async () => {
    const group = await createGroup(ada, [ben]);
    for (const body of ['one', 'two', 'three']) await send(ada, group.id, body);
    const open = listen(ben, group.id, group.cursor);
    for (let n = 0; n < 3; n += 1) await open.data();
    const socket = app.connect(ben);
    await socket.subscribe(MessageAdded, { conversationId: group.id, after: group.cursor }).data();
    const statements = await app.countStatements(async () => {
      const again = socket.subscribe(MessageAdded, { conversationId: group.id, after: group.cursor });
      for (const body of ['one', 'two', 'three']) expect((await again.data()).messageAdded.message.body).toBe(body);
    });
    expect(statements.filter((sql) => /\b(FROM|JOIN) head\b/.test(sql))).toHaveLength(1);
    expect(statements.filter((sql) => /\bFROM event\b/.test(sql))).toHaveLength(1);
  });

  test('that were missed come after the last cursor, each once, and the live ones follow', async () => {
    const group = await createGroup(ada, [ben]);
    const socket = app.connect(ben);
    const first = socket.subscribe(MessageAdded, { conversationId: group.id, after: group.cursor });
    await send(ada, group.id, 'seen');
    const { messageAdded: seen } = await first.data();
    socket.terminate();
    await socket.closed;
    for (let index = 0; index < 5; index += 1) await send(ada, group.id, `missed ${index}`);
    const again = listen(ben, group.id, seen.cursor);
    const missed = await again.take(5);
    await send(ada, group.id, 'live');
    const { messageAdded: live } = await again.data();
    expect([...missed.map(({ messageAdded }) => messageAdded.message.body), live.message.body]).toEqual([
      ...Array.from({ length: 5 }, (_, index) => `missed ${index}`),
      'live',
    ]);
    expect(again.waiting()).toBe(0);
    // Any edge of the history is a place to go on from, too.
    const { edges } = await messages(ben, group.id, { last: 2 });
    const fromEdge = listen(ben, group.id, edges[0]?.cursor);
    expect((await fromEdge.data()).messageAdded.cursor).toBe(edges[1]?.cursor);
  });

  test('with a clientId are sent once, also at the same time', async () => {
    const group = await createGroup(ada, [ben]);
    const results = await Promise.all(Array.from({ length: 8 }, () => send(ada, group.id, 'once', { clientId: 'm-1' })));
    for (const result of results) expect(result).toEqual(results[0]);
    expect(results[0]?.message).toMatchObject({ body: 'once', clientId: 'm-1' });
    expect(await send(ada, group.id, 'once', { clientId: 'm-1' })).toEqual(results[0]);
    expect((await messages(ben, group.id)).totalCount).toBe(1);
    expect((await log(group.id)).filter(({ kind }) => kind === 'MessageAdded')).toHaveLength(1);
    expect(await app.code(Send, { input: { conversationId: group.id, body: 'twice', clientId: 'm-1' } }, ada)).toBe('CONFLICT');
    expect((await send(ben, group.id, 'once', { clientId: 'm-1' })).message.id).not.toBe(results[0]?.message.id);
    // What was sent before leaving is answered after it, too.
    await app.data(Leave, { input: { conversationId: group.id } }, ada);
    const replayed = graphql(`mutation ConversationsReplayed($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }`);
    expect(await app.data(replayed, { input: { conversationId: group.id, body: 'once', clientId: 'm-1' } }, ada)).toEqual({
      sendMessage: { message: { id: results[0]?.message.id } },
    });
  });

  test('answer messages of the same conversation only', async () => {
    const [group, other] = await Promise.all([createGroup(ada, [ben]), createGroup(ada, [ben])]);
    const question = await send(ada, group.id, 'question');
    const answer = await send(ben, group.id, 'answer', { replyToId: question.message.id });
    expect(answer.message.replyTo).toEqual({ id: question.message.id });
    const crossed = await app.execute(Send, { input: { conversationId: other.id, body: 'x', replyToId: question.message.id } }, ada);
    expect(crossed.errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path: 'input.replyToId' }] });
    expect((await messages(ada, other.id)).totalCount).toBe(0);
  });

  test('that are not fit to be sent change nothing', async () => {
    const [group, foreign] = await Promise.all([createGroup(ada, [ben]), createGroup(cleo, [])]);
    const secret = await send(cleo, foreign.id, 'secret');
    const state = async () => [await log(group.id), await log(foreign.id), await conversation(ada, group.id)];
    const before = await state();
    const conversationId = group.id;
    const refused: [object, string][] = [
      [{ conversationId, body: 'x'.repeat(1_001) }, 'BAD_USER_INPUT'],
      [{ conversationId, body: '' }, 'BAD_USER_INPUT'],
      [{ conversationId, body: ' \n ' }, 'BAD_USER_INPUT'],
      [{ conversationId, body: 'a\u0000b' }, 'BAD_USER_INPUT'],
      [{ conversationId, body: 'a\u202eb' }, 'BAD_USER_INPUT'],
      [{ conversationId, body: 'x', clientId: '' }, 'BAD_USER_INPUT'],
      [{ conversationId: ada.id, body: 'x' }, 'BAD_USER_INPUT'],
      [{ conversationId: 'x', body: 'x' }, 'BAD_USER_INPUT'],
      [{ conversationId, body: 'x', replyToId: conversationId }, 'BAD_USER_INPUT'],
      [{ conversationId, body: 'x', replyToId: secret.message.id }, 'BAD_USER_INPUT'],
      [{ conversationId, body: 'x', replyToId: encodeId('Message', crypto.randomUUID()) }, 'BAD_USER_INPUT'],
      [{ conversationId: encodeId('Conversation', crypto.randomUUID()), body: 'x' }, 'NOT_FOUND'],
      [{ conversationId: foreign.id, body: 'x' }, 'NOT_FOUND'],
      [{ conversationId: foreign.id, body: 'x', clientId: 'f-1' }, 'NOT_FOUND'],
    ];
    for (const [input, code] of refused) expect([input, await app.code(Send.toString(), { input }, ada)]).toEqual([input, code]);
    expect(await app.code(Send, { input: { conversationId, body: 'x' } })).toBe('UNAUTHENTICATED');
    expect(await state()).toEqual(before);
    // A character is a code point: these are 1,000, in 2,000 units of UTF-16.
    expect((await send(ada, conversationId, '🎈'.repeat(1_000))).message.body).toHaveLength(2_000);
  });

  test('cost two statements between BEGIN and COMMIT, and the lock behind which the members are read, with a clientId or without', async () => {
    const group = await createGroup(ada, [ben]);
    const bare = graphql(
      `mutation ConversationsBare($input: SendMessageInput!) { sendMessage(input: $input) { cursor message { id seq body createdAt clientId } } }`,
    );
    for (const own of [{}, { clientId: 'c' }]) {
      const input = { conversationId: group.id, body: 'x', ...own };
      const statements = await app.countStatements(() => app.data(bare, { input }, ada));
      // The first one finds out who the token belongs to.
      expect(statements.map((sql) => sql.trim().split(/\s/)[0])).toEqual(['SELECT', 'WITH', 'SELECT', 'WITH']);
      expect(statements[1]).toContain('INSERT INTO message');
    }
  });

  test('of twenty who send at once all arrive, numbered without a gap in the order of delivery', async () => {
    const people = await Promise.all(Array.from({ length: 20 }, (_, index) => app.user(`sender_${index}`)));
    const [owner = ada, ...others] = people;
    const group = await createGroup(owner, others);
    const live = [listen(owner, group.id, group.cursor), listen(others[5] ?? ada, group.id, group.cursor)];
    const EACH = 5;
    const sent = await Promise.all(
      people.map(async (person, number) => {
        const own = [];
        for (let index = 0; index < EACH; index += 1) own.push(await send(person, group.id, `${number}:${index}`));
        return own;
      }),
    );
    const all = sent.flat().sort((a, b) => a.message.seq - b.message.seq);
    expect(all.map(({ message }) => message.seq)).toEqual(Array.from({ length: 20 * EACH }, (_, index) => people.length + 1 + index));
    for (const subscription of live) {
      const events = await subscription.take(20 * EACH);
      expect(events.map(({ messageAdded: { message, cursor } }) => ({ message, cursor }))).toEqual(all);
    }
    const page = await messages(owner, group.id, { last: 100 });
    expect(page.edges).toEqual(all.map(({ cursor, message }) => ({ cursor, node: message })));
    expect((await conversation(owner, group.id)).unreadCount).toBe(19 * EACH);
    const latest = Math.max(...all.map(({ message }) => Date.parse(message.createdAt)));
    expect(Date.parse((await conversation(owner, group.id)).lastMessageAt ?? '')).toBe(latest);
  });
});

describe('pages of messages', () => {
  test('are the last one without arguments, and go backwards and forwards without a loss', async () => {
    const group = await createGroup(ada, [ben]);
    const all: string[] = [];
    for (let index = 0; index < 25; index += 1) all.push((await send(ada, group.id, `m${index}`)).message.body);
    // The clock says the same of all of them: their order is that of the log.
    await app.database.query('UPDATE message SET created_at = now() WHERE conversation_id = $1', [uuid(group.id)]);
    const end = await messages(ben, group.id);
    expect(bodies(end)).toEqual(all.slice(5));
    expect(end).toMatchObject({ totalCount: 25, pageInfo: { hasPreviousPage: true, hasNextPage: false } });

    const backward: string[] = [];
    for (let before: string | undefined; ;) {
      const page = await messages(ben, group.id, { last: 7, before });
      backward.unshift(...bodies(page));
      if (!page.pageInfo.hasPreviousPage) break;
      before = page.pageInfo.startCursor ?? undefined;
    }
    expect(backward).toEqual(all);

    const forward: string[] = [];
    for (let after: string | undefined; ;) {
      const page = await messages(ben, group.id, { first: 10, after });
      forward.push(...bodies(page));
      if (!page.pageInfo.hasNextPage) break;
      after = page.pageInfo.endCursor ?? undefined;
    }
    expect(forward).toEqual(all);
  });

  test('refuse sizes out of bounds and cursors of other lists', async () => {
    const [group, other] = await Promise.all([createGroup(ada, []), createGroup(ada, [])]);
    for (const args of [
      { first: -1 },
      { first: 101 },
      { last: -1 },
      { last: 101 },
      { first: 1, last: 1 },
      { after: 'x' },
      { before: other.cursor },
    ]) {
      expect([args, await app.code(Messages, { id: group.id, ...args }, ada)]).toEqual([args, 'BAD_USER_INPUT']);
    }
  });
});

// ---------------------------------------------------------------- who may

describe('a conversation of others', () => {
  test('does not exist: not as a query, a mutation, a subscription or a node', async () => {
    const group = await createGroup(ada, [ben], { title: 'Ours' });
    const { message, cursor } = await send(ada, group.id, 'ours');
    const before = await log(group.id);
    const input = { conversationId: group.id };

    const none = encodeId('Conversation', crypto.randomUUID());
    for (const id of [group.id, none])
      expect(await app.execute(ConversationById, { id }, cleo)).toEqual({ status: 200, data: { conversation: null } });
    expect(await app.code(ConversationById, { id: group.id })).toBe('UNAUTHENTICATED');
    expect(await app.code(MarkRead, { input: { ...input, cursor } }, cleo)).toBe('NOT_FOUND');
    expect(await app.code(Leave, { input }, cleo)).toBe('NOT_FOUND');
    expect(await refusal(listen(cleo, group.id))).toBe('NOT_FOUND');
    // Not even the cursor is looked at.
    expect(await refusal(listen(cleo, group.id, 'nonsense'))).toBe('NOT_FOUND');
    for (const id of [group.id, message.id]) {
      expect(await app.data(Node, { id }, cleo)).toEqual({ node: null });
      expect(await app.data(Node, { id })).toEqual({ node: null });
    }
    expect(await app.data(Node, { id: group.id }, ben)).toEqual({ node: { __typename: 'Conversation', id: group.id, title: 'Ours' } });
    expect(await app.data(Node, { id: message.id }, ben)).toEqual({ node: { __typename: 'Message', id: message.id, body: 'ours' } });
    expect(await log(group.id)).toEqual(before);
  });

  test('that does not exist is null or NOT_FOUND, and an id of another type BAD_USER_INPUT', async () => {
    const id = encodeId('Conversation', crypto.randomUUID());
    expect(await app.data(ConversationById, { id }, ada)).toEqual({ conversation: null });
    expect(await app.data(Node, { id }, ada)).toEqual({ node: null });
    expect(await app.data(Node, { id: encodeId('Message', crypto.randomUUID()) }, ada)).toEqual({ node: null });
    expect(await app.code(Leave, { input: { conversationId: id } }, ada)).toBe('NOT_FOUND');
    expect(await app.code(MarkRead, { input: { conversationId: id, cursor: 'x' } }, ada)).toBe('NOT_FOUND');
    expect(await refusal(listen(ada, id))).toBe('NOT_FOUND');

    expect(await app.code(ConversationById, { id: ada.id }, ada)).toBe('BAD_USER_INPUT');
    expect(await app.code(Leave, { input: { conversationId: ada.id } }, ada)).toBe('BAD_USER_INPUT');
    expect(await app.code(MarkRead, { input: { conversationId: ada.id, cursor: 'x' } }, ada)).toBe('BAD_USER_INPUT');
    expect(await refusal(listen(ada, ada.id))).toBe('BAD_USER_INPUT');
  });

  test("gives no cursors for one's own", async () => {
    const [group, other] = await Promise.all([createGroup(ada, []), createGroup(ada, [])]);
    expect(await refusal(listen(ada, group.id, other.cursor))).toBe('BAD_USER_INPUT');
    expect(await refusal(listen(ada, group.id, 'x'))).toBe('BAD_USER_INPUT');
    expect(await app.code(MarkRead, { input: { conversationId: group.id, cursor: other.cursor } }, ada)).toBe('BAD_USER_INPUT');
    expect(await app.code(MarkRead, { input: { conversationId: group.id, cursor: 'x' } }, ada)).toBe('BAD_USER_INPUT');
  });

  test('guests talk as members do', async () => {
    const { joinAsGuest } = await app.data(
      graphql(
        `mutation ConversationsJoinAsGuest { joinAsGuest(input: { displayName: "A guest" }) { user { id username } credentials { accessToken } } }`,
      ),
    );
    const guest = { ...joinAsGuest.user, token: joinAsGuest.credentials.accessToken, refreshToken: '' };
    const room = await createRoom(guest);
    await joinRoom(ada, room.joinCode);
    await send(guest, room.id, 'hello');
    expect((await conversation(ada, room.id)).unreadCount).toBe(1);
  });
});

// ---------------------------------------------------------------- reading

describe('what is unread', () => {
  const markRead = async (as: TestUser, conversationId: string, cursor: string): Promise<Conversation> =>
    asMember((await app.data(MarkRead, { input: { conversationId, cursor } }, as)).markRead.conversation);

  const unreadInAll = async (as: TestUser): Promise<number> =>
    (await app.data(graphql(`query ConversationsMe { me { unreadMessageCount } }`), {}, as)).me.unreadMessageCount;

  test('are messages of others since one last read, or since one came', async () => {
    const [fay, gil] = await Promise.all([app.user('fay'), app.user('gil')]);
    const room = await createRoom(fay);
    await send(fay, room.id, 'before');
    const joined = await joinRoom(gil, room.joinCode);
    expect(joined).toMatchObject({ unreadCount: 0, lastReadSeq: 3 });
    expect(joined.lastReadCursor).toBe(joined.cursor);

    const first = await send(fay, room.id, 'one');
    const second = await send(fay, room.id, 'two');
    await send(gil, room.id, 'mine');
    const third = await send(fay, room.id, 'three');
    const direct = await startDirect(fay, gil);
    await send(fay, direct.id, 'psst');
    expect((await conversation(gil, room.id)).unreadCount).toBe(3);
    expect(await unreadInAll(gil)).toBe(4);
    expect(await unreadInAll(fay)).toBe(1);

    expect(await markRead(gil, room.id, second.cursor)).toMatchObject({
      unreadCount: 1,
      lastReadSeq: second.message.seq,
      lastReadCursor: second.cursor,
    });
    // Reading does not go back.
    expect(await markRead(gil, room.id, first.cursor)).toMatchObject({ unreadCount: 1, lastReadSeq: second.message.seq });
    const { cursor } = await conversation(gil, room.id);
    // That of the event by which the others hear of what was read just before.
    expect((await log(room.id)).at(-1)).toMatchObject({ kind: 'ReadMoved', seq: third.message.seq + 1 });
    expect(await markRead(gil, room.id, cursor)).toMatchObject({ unreadCount: 0 });
    expect(await unreadInAll(gil)).toBe(1);
    const { edges } = await members(fay, room.id);
    expect(edges.map(({ node }) => [node.user.username, node.lastReadSeq, node.lastReadCursor])).toContainEqual([
      'gil',
      third.message.seq + 1,
      cursor,
    ]);
  });

  test('cannot be marked beyond what has happened, but in history that is no longer replayed', async () => {
    const group = await createGroup(ada, [ben]);
    const sent = [await send(ada, group.id, 'one'), await send(ada, group.id, 'two'), await send(ada, group.id, 'three')];
    const key = uuid(group.id);
    await app.database.query(`UPDATE head SET oldest_seq = last_seq WHERE topic = 'conversation' AND key = $1`, [key]);
    expect(await refusal(listen(ben, group.id, sent[0]?.cursor))).toBe('CURSOR_EXPIRED');
    expect(await markRead(ben, group.id, sent[0]?.cursor ?? '')).toMatchObject({ unreadCount: 2 });
    await app.database.query(`UPDATE head SET last_seq = last_seq - 2, oldest_seq = 1 WHERE topic = 'conversation' AND key = $1`, [key]);
    expect(await app.code(MarkRead, { input: { conversationId: group.id, cursor: present(sent[2]).cursor } }, ben)).toBe('CURSOR_EXPIRED');
    await app.database.query(`UPDATE head SET epoch = epoch + 1 WHERE topic = 'conversation' AND key = $1`, [key]);
    expect(await app.code(MarkRead, { input: { conversationId: group.id, cursor: present(sent[1]).cursor } }, ben)).toBe('CURSOR_EXPIRED');
    expect((await conversation(ben, group.id)).unreadCount).toBe(2);
  });
});

// ---------------------------------------------------------------- leaving

describe('leaveConversation', () => {
  const leave = (as: TestUser, conversationId: string) => app.data(Leave, { input: { conversationId } }, as);

  test('ends the membership; the longest member follows an owner', async () => {
    const room = await createRoom(ada);
    await joinRoom(ben, room.joinCode);
    await joinRoom(cleo, room.joinCode);
    expect(await leave(ada, room.id)).toEqual({ leaveConversation: { conversationId: room.id } });
    expect((await app.data(ConversationById, { id: room.id }, ada)).conversation).toBeNull();
    expect(await app.code(Send, { input: { conversationId: room.id, body: 'x' } }, ada)).toBe('NOT_FOUND');
    expect(await app.code(Leave, { input: { conversationId: room.id } }, ada)).toBe('NOT_FOUND');
    expect((await members(cleo, room.id)).edges.map(({ node }) => [node.user.username, node.role])).toEqual([
      ['ben', 'OWNER'],
      ['cleo', 'MEMBER'],
    ]);
    await leave(cleo, room.id);
    expect((await members(ben, room.id)).edges.map(({ node }) => node.role)).toEqual(['OWNER']);
    // Who comes back is new: nothing of what was said before is unread.
    await send(ben, room.id, 'meanwhile');
    expect(await joinRoom(ada, room.joinCode)).toMatchObject({ unreadCount: 0, memberCount: 2 });
    expect((await log(room.id)).map(({ kind }) => kind)).toEqual([
      'MemberJoined',
      'MemberJoined',
      'MemberJoined',
      'MemberLeft',
      'OwnerChanged',
      'MemberLeft',
      'MessageAdded',
      'MemberJoined',
    ]);
  });

  test('never leaves a room without an owner, whoever comes and goes at once', async () => {
    const people = await Promise.all(Array.from({ length: 8 }, (_, index) => app.user(`walker_${index}`)));
    const room = await createRoom(ada);
    await Promise.all([...people.slice(0, 4).map((person) => joinRoom(person, room.joinCode))]);
    await Promise.all([
      leave(ada, room.id),
      ...people.slice(0, 4).map((person) => leave(person, room.id)),
      ...people.slice(4).map((person) => joinRoom(person, room.joinCode)),
    ]);
    const inside = await members(people[7] ?? ada, room.id);
    expect(usernames(inside).sort()).toEqual(people.slice(4).map(({ username }) => username));
    expect(inside.edges.filter(({ node }) => node.role === 'OWNER')).toHaveLength(1);
    // And who comes into an empty one owns it.
    await Promise.all(people.slice(4).map((person) => leave(person, room.id)));
    await joinRoom(cleo, room.joinCode);
    expect((await members(cleo, room.id)).edges.map(({ node }) => node.role)).toEqual(['OWNER']);
  });

  test('refuses a direct conversation', async () => {
    const direct = await startDirect(ada, ben);
    expect(await app.code(Leave, { input: { conversationId: direct.id } }, ada)).toBe('BAD_USER_INPUT');
    expect((await conversation(ada, direct.id)).memberCount).toBe(2);
  });

  test('is the last word: no message of one who leaves comes after it', async () => {
    const hal = await app.user('hal');
    for (let round = 0; round < 5; round += 1) {
      const room = await createRoom(ada);
      await joinRoom(hal, room.joinCode);
      const sends = Array.from({ length: 6 }, (_, index) =>
        app.execute(Send, { input: { conversationId: room.id, body: `${index}` } }, hal),
      );
      const left = leave(hal, room.id);
      const more = Array.from({ length: 6 }, (_, index) =>
        app.execute(Send, { input: { conversationId: room.id, body: `late ${index}` } }, hal),
      );
      await left;
      const results = await Promise.all([...sends, ...more]);
      const refused = results.filter(({ errors }) => errors !== undefined);
      for (const { errors } of refused) expect(errors?.[0]?.extensions?.['code']).toBe('NOT_FOUND');
      const kinds = (await log(room.id)).map(({ kind }) => kind);
      expect(kinds.at(-1)).toBe('MemberLeft');
      expect(kinds.filter((kind) => kind === 'MessageAdded')).toHaveLength(results.length - refused.length);
    }
  });
});

// ---------------------------------------------------------------- lists

describe('Me', () => {
  const List = graphql(`query ConversationsList($first: Int, $last: Int, $after: String, $before: String) {
    me { conversations(first: $first, last: $last, after: $after, before: $before) { edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount } }
  }`);
  const list = async (as: TestUser, args: VariablesOf<typeof List> = {}) => (await app.data(List, args, as)).me.conversations;
  const ids = (page: Page<{ id: string }>): string[] => page.edges.map(({ node }) => node.id);

  test('lists conversations, the most recently active first', async () => {
    const ida = await app.user('ida');
    const [first, second, third] = [await createGroup(ida, [ada]), await createGroup(ada, [ida]), await createRoom(ida)];
    await createGroup(ada, [ben]);
    expect(ids(await list(ida))).toEqual([third.id, second.id, first.id]);
    await send(ada, first.id, 'up');
    expect(ids(await list(ida))).toEqual([first.id, third.id, second.id]);
    expect((await list(ida)).totalCount).toBe(3);
  });

  test('pages over ties, forwards and backwards, without loss or repetition', async () => {
    const jon = await app.user('jon');
    for (let index = 0; index < 7; index += 1) await createGroup(jon, []);
    await app.database.query('UPDATE conversation SET active_at = now() WHERE creator_id = $1', [uuid(jon.id)]);
    const all = ids(await list(jon));
    expect(new Set(all).size).toBe(7);
    const forward: string[] = [];
    for (let after: string | undefined; ;) {
      const page = await list(jon, { first: 3, after });
      forward.push(...ids(page));
      if (!page.pageInfo.hasNextPage) break;
      after = page.pageInfo.endCursor ?? undefined;
    }
    expect(forward).toEqual(all);
    const backward: string[] = [];
    for (let before: string | undefined; ;) {
      const page = await list(jon, { last: 2, before });
      backward.unshift(...ids(page));
      if (!page.pageInfo.hasPreviousPage) break;
      before = page.pageInfo.startCursor ?? undefined;
    }
    expect(backward).toEqual(all);
    // Those who came in one transaction came at the same moment.
    const group = await createGroup(jon, [ada, ben, cleo]);
    const everyone = await members(jon, group.id);
    const walked = [];
    for (let after: string | undefined; ;) {
      const page = await members(jon, group.id, { first: 1, after });
      walked.push(...page.edges);
      if (!page.pageInfo.hasNextPage) break;
      after = page.pageInfo.endCursor ?? undefined;
    }
    expect(walked).toEqual(everyone.edges);
    expect(everyone.totalCount).toBe(4);
  });

  describe('has a history of what one wrote', () => {
    const History = graphql(`query ConversationsHistory($search: String, $first: Int, $after: String) {
      me { messageHistory(search: $search, first: $first, after: $after) { edges { cursor node { body conversation { id title } } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount } }
    }`);
    const words = ['100% sure', '100 per cent', 'snake_case', 'snakeXcase', 'back\\slash', 'ÄRGER'];
    let kim: TestUser;
    let one: Conversation;
    const history = async (args: VariablesOf<typeof History> = {}) => (await app.data(History, args, kim)).me.messageHistory;
    beforeAll(async () => {
      kim = await app.user('kim');
      one = await createGroup(kim, [ada]);
      const two = await createRoom(kim);
      for (const [index, body] of words.entries()) await send(kim, index % 2 ? one.id : two.id, body);
      await send(ada, one.id, 'not mine: 100%');
      const gone = await send(kim, one.id, 'deleted 100%');
      await app.database.query('UPDATE message SET deleted_at = now() WHERE id = $1', [uuid(gone.message.id)]);
    });

    test('and searches it', async () => {
      expect(bodies(await history())).toEqual(words.toReversed());
      for (const [search, found] of [
        ['100', ['100 per cent', '100% sure']],
        ['100%', ['100% sure']],
        ['E_C', ['snake_case']],
        ['\\', ['back\\slash']],
        ['ärger', ['ÄRGER']],
        ['', words.toReversed()],
        ['nothing like it', []],
      ] as const) {
        const page = await history({ search });
        expect([search, bodies(page)]).toEqual([search, found]);
        expect(page.totalCount).toBe(found.length);
      }
      expect(await app.code(History, { search: 'x'.repeat(101) }, kim)).toBe('BAD_USER_INPUT');
      expect(await app.code(History, { search: '\u0000' }, kim)).toBe('BAD_USER_INPUT');
    });

    test('whose pages lose and repeat nothing of one moment', async () => {
      await app.database.query('UPDATE message SET created_at = now() WHERE author_id = $1', [uuid(kim.id)]);
      const walked: string[] = [];
      for (let after: string | undefined; ;) {
        const page = await history({ first: 2, after });
        walked.push(...bodies(page));
        if (!page.pageInfo.hasNextPage) break;
        after = page.pageInfo.endCursor ?? undefined;
      }
      expect([...walked].sort()).toEqual([...words].sort());
    });

    test("which stays one's own after leaving", async () => {
      await app.data(Leave, { input: { conversationId: one.id } }, kim);
      expect((await history()).totalCount).toBe(words.length);
    });
  });

  test('is asked for with a number of statements that does not depend on the number of rows', async () => {
    const Everything = graphql(`query ConversationsEverything {
      me {
        unreadMessageCount
        conversations(first: 10) {
          totalCount
          edges { node {
            id title joinCode memberCount unreadCount cursor lastReadCursor lastReadSeq lastMessageAt
            members(first: 5) { totalCount edges { node { role lastReadCursor user { username followerCount } } } }
            messages(last: 5) { totalCount edges { cursor node { body author { username } replyTo { body author { username } } conversation { title memberCount } } } }
          } }
        }
        messageHistory(first: 10) { edges { node { body conversation { id title unreadCount } } } }
      }
    }`);
    const Nodes = graphql(
      `query ConversationsNodes($ids: [ID!]!) { nodes(ids: $ids) { id ... on Message { body conversation { title } } ... on Conversation { unreadCount } } }`,
    );
    const lea = await app.user('lea');
    const talk = async (): Promise<string[]> => {
      const group = await createGroup(lea, [ada, ben]);
      const question = await send(lea, group.id, 'question');
      const answer = await send(ada, group.id, 'answer', { replyToId: question.message.id });
      return [group.id, question.message.id, answer.message.id];
    };
    const ids = [...(await talk()), ...(await talk())];
    const statements = async () => ({
      everything: (await app.countStatements(() => app.data(Everything, {}, lea))).length,
      nodes: (await app.countStatements(() => app.data(Nodes, { ids }, lea))).length,
    });
    const before = await statements();
    for (let index = 0; index < 7; index += 1) ids.push(...(await talk()));
    expect(await statements()).toEqual(before);
    expect(before.everything).toBeLessThanOrEqual(16);
  });
});
