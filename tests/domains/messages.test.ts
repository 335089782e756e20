import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeId, parseId } from '../../src/graphql/ids.js';
import type { MessagesEventFragment as Event, MessagesMessageFragment as Message, SendMessageInput } from '../generated/texts/graphql.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aBlock, aDirect, aGroup } from '../kit/factories.js';
import { createTalk } from '../kit/talk.js';
import { graphql, present, type VariablesOf } from '../kit/graphql.js';

let app: TestApp;
let ada: TestUser;
let ben: TestUser;
let cleo: TestUser;
let dan: TestUser;
let mod: TestUser;

beforeAll(async () => {
  app = await startTestApp();
  [ada, ben, cleo, dan] = await Promise.all([app.user('ada'), app.user('ben'), app.user('cleo'), app.user('dan')]);
  mod = await app.userWithRole('mod', 'MODERATOR');
});
afterAll(() => app.stop());

// ---------------------------------------------------------------- what the tests ask

graphql(`fragment MessagesMessage on Message { id seq body createdAt editedAt deletedAt author { username } replyTo { id body } mentions { username }
  reactions { emoji count viewerHasReacted } }`);
graphql(`fragment MessagesEvent on ConversationEvent { __typename cursor conversationId at
  ... on MessageAdded { message { ...MessagesMessage } }
  ... on MessageEdited { message { ...MessagesMessage } }
  ... on MessageDeleted { messageId }
  ... on ReactionsChanged { message { ...MessagesMessage } }
  ... on MemberJoined { user { username } }
  ... on MemberLeft { user { username } }
  ... on ReadMoved { user { username } readUpTo readUpToSeq } }`);
const Send = graphql(
  `mutation MessagesSend($input: SendMessageInput!) { sendMessage(input: $input) { cursor message { ...MessagesMessage } } }`,
);
const Edit = graphql(`mutation MessagesEdit($input: EditMessageInput!) { editMessage(input: $input) { message { ...MessagesMessage } } }`);
const Delete = graphql(`mutation MessagesDelete($input: DeleteMessageInput!) { deleteMessage(input: $input) { messageId } }`);
const AddReaction = graphql(
  `mutation MessagesAddReaction($input: AddReactionInput!) { addReaction(input: $input) { message { ...MessagesMessage } } }`,
);
const RemoveReaction = graphql(
  `mutation MessagesRemoveReaction($input: RemoveReactionInput!) { removeReaction(input: $input) { message { ...MessagesMessage } } }`,
);
const Leave = graphql(`mutation MessagesLeave($input: LeaveConversationInput!) { leaveConversation(input: $input) { conversationId } }`);
const Messages = graphql(`query MessagesMessages($id: ID!, $search: String, $first: Int, $last: Int, $after: String, $before: String) {
  conversation(id: $id) {
    messages(search: $search, first: $first, last: $last, after: $after, before: $before) {
      edges { cursor node { ...MessagesMessage } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount
    }
  }
}`);
const Node = graphql(`query MessagesNode($id: ID!) { node(id: $id) { ... on Message { ...MessagesMessage } } }`);
const EventsLive = graphql(
  `subscription MessagesEventsLive($id: ID!, $after: String) { conversationEvents(conversationId: $id, after: $after) { ...MessagesEvent } }`,
);
const EventsPolled = graphql(
  `query MessagesEventsPolled($id: ID!, $after: String, $first: Int) { conversationEvents(conversationId: $id, after: $after, first: $first) { ...MessagesEvent } }`,
);

const createGroup = (as: TestUser, others: readonly TestUser[]) => aGroup(app, as, others);

const startDirect = async (as: TestUser, other: TestUser): Promise<string> => (await aDirect(app, as, other)).id;

const send = async (as: TestUser, conversationId: string, body: string, more: Partial<SendMessageInput> = {}): Promise<Message> =>
  (await app.data(Send, { input: { conversationId, body, ...more } }, as)).sendMessage.message;

const edit = async (as: TestUser, messageId: string, body: string): Promise<Message> =>
  (await app.data(Edit, { input: { messageId, body } }, as)).editMessage.message;

const remove = (as: TestUser, messageId: string) => app.data(Delete, { input: { messageId } }, as);

const react = async (as: TestUser, messageId: string, emoji: string): Promise<Message['reactions']> =>
  (await app.data(AddReaction, { input: { messageId, emoji } }, as)).addReaction.message.reactions;

const unreact = async (as: TestUser, messageId: string, emoji: string): Promise<Message['reactions']> =>
  (await app.data(RemoveReaction, { input: { messageId, emoji } }, as)).removeReaction.message.reactions;

const messages = async (as: TestUser, id: string, args: Omit<VariablesOf<typeof Messages>, 'id'> = {}) =>
  present((await app.data(Messages, { id, ...args }, as)).conversation.messages);

const node = async (as: TestUser, id: string): Promise<Message | null> =>
  present((await app.execute(Node, { id }, as)).data).node as Message | null;

const poll = async (as: TestUser, id: string, args: Omit<VariablesOf<typeof EventsPolled>, 'id'> = {}): Promise<readonly Event[]> =>
  (await app.data(EventsPolled, { id, ...args }, as)).conversationEvents;

const unread = async (as: TestUser, id: string): Promise<{ here: number; inAll: number }> => {
  const { conversation, me } = await app.data(
    graphql(`query MessagesConversation($id: ID!) { conversation(id: $id) { unreadCount } me { unreadMessageCount } }`),
    { id },
    as,
  );
  return { here: conversation.unreadCount, inAll: me.unreadMessageCount };
};

const uuid = (globalId: string): string => parseId(globalId).id;

/** The kinds of the conversation's log, as stored. */
const kinds = async (conversationId: string): Promise<string[]> => {
  const rows = await app.database.query<{ kind: string }>(`SELECT kind FROM event WHERE topic = 'conversation' AND key = $1 ORDER BY seq`, [
    uuid(conversationId),
  ]);
  return rows.map(({ kind }) => kind);
};

const newKinds = async (conversationId: string, work: () => Promise<unknown>): Promise<string[]> => {
  const before = await kinds(conversationId);
  await work();
  return (await kinds(conversationId)).slice(before.length);
};

const usernames = (people: readonly { readonly username: string }[]): string[] => people.map(({ username }) => username);
const bodies = (page: { readonly edges: readonly { readonly node: Pick<Message, 'body'> }[] }): string[] =>
  page.edges.map(({ node: { body } }) => body);

// ---------------------------------------------------------------- editing and deleting

describe('editMessage', () => {
  test('changes the body and leaves the message in its place', async () => {
    const group = await createGroup(ada, [ben]);
    const sent = [await send(ada, group.id, 'one'), await send(ada, group.id, 'two'), await send(ben, group.id, 'three')];
    const [one, two, three] = sent;
    const live = app.connect(ben).subscribe(EventsLive, { id: group.id, after: (await messages(ada, group.id)).pageInfo.endCursor });
    const edited = await edit(ada, two?.id ?? '', '\n\r\n  two, really\r\n \n');
    expect(edited).toEqual({ ...two, body: '  two, really', editedAt: expect.any(String) as string });
    expect(await node(ben, two?.id ?? '')).toEqual(edited);
    expect((await messages(ben, group.id)).edges.map((edge) => edge.node)).toEqual([one, edited, three]);
    expect((await live.data()).conversationEvents).toMatchObject({
      __typename: 'MessageEdited',
      conversationId: group.id,
      message: edited,
    });
  });

  test('to what it says already changes nothing', async () => {
    const group = await createGroup(ada, [ben]);
    const message = await send(ada, group.id, 'as it is');
    expect(await newKinds(group.id, async () => expect(await edit(ada, message.id, '\n \nas it is\n')).toEqual(message))).toEqual([]);
  });
});

describe('deleteMessage', () => {
  test('leaves a tombstone that everything still leads to', async () => {
    const group = await createGroup(ada, [ben]);
    const message = await send(ada, group.id, 'regrettable, @ben', { clientId: 'tombstone' });
    const reply = await send(ben, group.id, 'indeed', { replyToId: message.id });
    await react(ben, message.id, '😮');
    expect(await remove(ada, message.id)).toEqual({ deleteMessage: { messageId: message.id } });

    const tombstone = { ...message, body: '', deletedAt: expect.any(String) as string, mentions: [], reactions: [] };
    expect(await node(ben, message.id)).toEqual(tombstone);
    expect((await messages(ben, group.id)).edges.map((edge) => edge.node)).toEqual([
      tombstone,
      { ...reply, replyTo: { id: message.id, body: '' } },
    ]);
    expect(await app.database.query('SELECT body FROM message WHERE id = $1', [uuid(message.id)])).toEqual([{ body: '' }]);
    const events = await poll(ben, group.id);
    expect(events.slice(2)).toMatchObject([
      { __typename: 'MessageAdded', message: tombstone },
      { __typename: 'MessageAdded', message: { id: reply.id } },
      { __typename: 'ReactionsChanged', message: tombstone },
      { __typename: 'MessageDeleted', messageId: message.id },
    ]);
    // Sent once more under its clientId it does not rise from the dead.
    expect(await send(ada, group.id, 'regrettable, @ben', { clientId: 'tombstone' })).toEqual(tombstone);
  });

  test('twice is once, and what is deleted changes no more', async () => {
    const group = await createGroup(ada, [ben]);
    const message = await send(ben, group.id, 'gone');
    await remove(ben, message.id);
    const { deletedAt } = (await node(ada, message.id)) ?? {};
    const changes = await newKinds(group.id, async () => {
      await Promise.all([remove(ben, message.id), remove(ada, message.id), remove(mod, message.id)]);
      expect(await app.code(Edit, { input: { messageId: message.id, body: 'back' } }, ben)).toBe('CONFLICT');
      expect(await app.code(AddReaction, { input: { messageId: message.id, emoji: '👍' } }, ada)).toBe('CONFLICT');
      expect(await unreact(ada, message.id, '👍')).toEqual([]);
    });
    expect(changes).toEqual([]);
    expect(await node(ada, message.id)).toMatchObject({ body: '', deletedAt, editedAt: null });
    // A reply that was being written meanwhile is sent, as an answer to what is there no more.
    expect((await send(ada, group.id, 'too late', { replyToId: message.id })).replyTo).toEqual({ id: message.id, body: '' });
  });

  test('at the same time as an edit leaves nothing behind, whichever comes first', async () => {
    const group = await createGroup(ada, [ben]);
    for (let round = 0; round < 5; round += 1) {
      const message = await send(ada, group.id, 'first');
      const changes = await newKinds(group.id, () =>
        Promise.all([
          app.execute(Edit, { input: { messageId: message.id, body: `second, @ben` } }, ada),
          remove(ada, message.id),
          remove(ada, message.id),
          app.execute(AddReaction, { input: { messageId: message.id, emoji: '👍' } }, ben),
        ]),
      );
      expect(changes.filter((kind) => kind === 'MessageDeleted')).toHaveLength(1);
      expect(changes.at(-1)).toBe('MessageDeleted');
      expect(await node(ben, message.id)).toMatchObject({ body: '', mentions: [], reactions: [] });
    }
  });
});

// ---------------------------------------------------------------- who may

describe('who may', () => {
  type Who = 'author' | 'owner' | 'member' | 'stranger' | 'moderator' | 'nobody' | 'author who has left';
  const acts: Record<string, (messageId: string) => [string, object]> = {
    edit: (messageId) => [Edit.toString(), { input: { messageId, body: 'changed' } }],
    delete: (messageId) => [Delete.toString(), { input: { messageId } }],
    react: (messageId) => [AddReaction.toString(), { input: { messageId, emoji: '👍' } }],
    unreact: (messageId) => [RemoveReaction.toString(), { input: { messageId, emoji: '👍' } }],
  };

  test.each<[keyof typeof acts, Who, string | undefined]>([
    ['edit', 'author', undefined],
    ['edit', 'owner', 'FORBIDDEN'],
    ['edit', 'member', 'FORBIDDEN'],
    ['edit', 'stranger', 'NOT_FOUND'],
    ['edit', 'moderator', 'NOT_FOUND'],
    ['edit', 'author who has left', 'FORBIDDEN'],
    ['edit', 'nobody', 'UNAUTHENTICATED'],
    ['delete', 'author', undefined],
    ['delete', 'owner', undefined],
    ['delete', 'member', 'FORBIDDEN'],
    ['delete', 'stranger', 'NOT_FOUND'],
    ['delete', 'moderator', undefined],
    ['delete', 'author who has left', 'FORBIDDEN'],
    ['delete', 'nobody', 'UNAUTHENTICATED'],
    ['react', 'author', undefined],
    ['react', 'owner', undefined],
    ['react', 'member', undefined],
    ['react', 'stranger', 'NOT_FOUND'],
    ['react', 'moderator', 'NOT_FOUND'],
    ['react', 'author who has left', 'FORBIDDEN'],
    ['react', 'nobody', 'UNAUTHENTICATED'],
    ['unreact', 'author', undefined],
    ['unreact', 'member', undefined],
    ['unreact', 'stranger', 'NOT_FOUND'],
    ['unreact', 'author who has left', 'FORBIDDEN'],
    ['unreact', 'nobody', 'UNAUTHENTICATED'],
  ])('%s: %s (%s)', async (act, who, code) => {
    const people: Record<Who, TestUser | undefined> = {
      owner: ada,
      author: ben,
      member: cleo,
      stranger: dan,
      moderator: mod,
      nobody: undefined,
      'author who has left': ben,
    };
    const owner = ada;
    const group = await createGroup(owner, [ben, cleo]);
    const message = await send(ben, group.id, 'as it was');
    if (who === 'author who has left') await app.data(Leave, { input: { conversationId: group.id } }, ben);
    const before = await node(owner, message.id);
    const [query, variables] = acts[act]?.(message.id) ?? ['', {}];
    const changes = await newKinds(group.id, async () => expect(await app.code(query, variables, people[who])).toBe(code));
    if (code === undefined) return;
    expect(changes).toEqual([]);
    expect(await node(owner, message.id)).toEqual(before);
  });

  test('after a block, in a direct conversation, is neither of the two, but to take back', async () => {
    const [ola, per] = await Promise.all([app.user('ola'), app.user('per')]);
    const direct = await startDirect(ola, per);
    const [mine, other] = [await send(ola, direct, 'mine'), await send(per, direct, 'yours')];
    await react(ola, other.id, '👍');
    await aBlock(app, per, ola);
    for (const [as, own, foreign] of [
      [ola, mine, other],
      [per, other, mine],
    ] as const) {
      expect(await app.code(Send, { input: { conversationId: direct, body: 'again' } }, as)).toBe('FORBIDDEN');
      expect(await app.code(Edit, { input: { messageId: own.id, body: 'again' } }, as)).toBe('FORBIDDEN');
      expect(await app.code(AddReaction, { input: { messageId: foreign.id, emoji: '😡' } }, as)).toBe('FORBIDDEN');
    }
    expect(await unreact(ola, other.id, '👍')).toEqual([]);
    await remove(ola, mine.id);
    // In a group with others they may both go on.
    const group = await createGroup(ada, [ola, per]);
    const message = await send(ola, group.id, 'hello, @per and @ada');
    expect(usernames(message.mentions)).toEqual(['ada']);
    await react(per, message.id, '👋');
  });

  test('see events and search is the members alone', async () => {
    const group = await createGroup(ada, [ben]);
    await send(ada, group.id, 'ours');
    const GONE = encodeId('Conversation', crypto.randomUUID());
    for (const [as, id, code] of [
      [cleo, group.id, 'NOT_FOUND'],
      [mod, group.id, 'NOT_FOUND'],
      [undefined, group.id, 'UNAUTHENTICATED'],
      [ada, GONE, 'NOT_FOUND'],
      [ada, ada.id, 'BAD_USER_INPUT'],
    ] as const) {
      expect(await app.execute(EventsPolled, { id, after: 'nonsense' }, as)).toMatchObject({
        data: { conversationEvents: null },
        errors: [{ extensions: { code } }],
      });
      const refused = await app.connect(as).execute(EventsLive, { id, after: 'nonsense' });
      expect(refused.errors?.[0]?.extensions?.['code']).toBe(code);
    }
    expect(await app.execute(Messages, { id: group.id, search: 'ours' }, cleo)).toMatchObject({ data: { conversation: null } });
  });

  test('see what their messages answer is for members alone, wherever they come to them', async () => {
    const ivo = await app.user('ivo');
    const group = await createGroup(ada, [ivo, ben]);
    const said = await send(ada, group.id, 'first words');
    const answer = await send(ivo, group.id, 'an answer', { replyToId: said.id });
    await send(ivo, group.id, 'no answer');
    const Query = graphql(`query MessagesQuery($id: ID!) {
      node(id: $id) { ... on Message { body replyTo { body } again: replyTo { author { username } } } }
      me { messageHistory { edges { node { body replyTo { body } } } } }
    }`);
    const seen = async (): Promise<string> => JSON.stringify(await app.data(Query, { id: answer.id }, ivo));
    expect((await seen()).match(/"replyTo":\{"body":"first words"\}/g)).toHaveLength(2);
    await app.data(
      'mutation ($input: RemoveMemberInput!) { removeMember(input: $input) { __typename } }',
      { input: { conversationId: group.id, userId: ivo.id } },
      ada,
    );
    await edit(ada, said.id, 'words for those who stayed');
    expect(JSON.parse(await seen())).toEqual({
      node: { body: 'an answer', replyTo: null, again: null },
      me: { messageHistory: { edges: [{ node: { body: 'no answer', replyTo: null } }, { node: { body: 'an answer', replyTo: null } }] } },
    });
    expect((await node(ben, answer.id))?.replyTo?.body).toBe('words for those who stayed');
  });

  const AsFormer = graphql(`query MessagesFormer($id: ID!) {
    node(id: $id) {
      ... on Message {
        conversation { title memberCount lastMessageAt }
        counted: conversation { memberCount }
        reactions { emoji }
        reactors(emoji: "🎉") { totalCount nodes { id } }
      }
    }
    me { messageHistory { nodes { conversation { memberCount named: title } reactions { emoji } } } }
  }`);
  test.each(['leaves', 'is removed'])('see nothing newer of a conversation than their leaving, who %s', async (how) => {
    const talk = createTalk(app);
    const uma = await app.user(`uma${how.length}`);
    const { id: conversationId } = await createGroup(ada, [uma, ben]);
    const said = await send(uma, conversationId, 'my words');
    await react(ben, said.id, '👍');
    if (how === 'leaves') await talk.act(uma, 'leaveConversation', { conversationId }, '__typename');
    else await talk.act(ada, 'removeMember', { conversationId, userId: uma.id }, '__typename');
    const then = await app.data(AsFormer, { id: said.id }, uma);
    expect(then).toMatchObject({
      node: { conversation: { title: 'Group', memberCount: 2 }, counted: { memberCount: 2 }, reactions: [] },
      me: { messageHistory: { nodes: [{ conversation: { memberCount: 2, named: 'Group' }, reactions: [] }] } },
    });
    await talk.act(ada, 'renameConversation', { conversationId, title: 'Now' }, '__typename');
    await talk.act(ada, 'addMembers', { conversationId, memberIds: [cleo.id, dan.id] }, '__typename');
    await react(ben, said.id, '🎉');
    await send(ben, conversationId, 'later words');
    expect(await app.data(AsFormer, { id: said.id }, uma)).toEqual(then);
  });

  test('act is asked of members until they have left, and nothing of theirs comes after', async () => {
    const hal = await app.user('hal');
    for (let round = 0; round < 5; round += 1) {
      const group = await createGroup(ada, [hal]);
      const message = await send(hal, group.id, 'here');
      const acting = () => [
        ...Array.from({ length: 3 }, (_, index) =>
          app.execute(Edit, { input: { messageId: message.id, body: `${index} ${crypto.randomUUID()}` } }, hal),
        ),
        ...['👍', '👎', '🎉'].map((emoji) => app.execute(AddReaction, { input: { messageId: message.id, emoji } }, hal)),
        app.execute(Send, { input: { conversationId: group.id, body: 'and @ada' } }, hal),
      ];
      const early = acting();
      const left = app.data(Leave, { input: { conversationId: group.id } }, hal);
      const results = await Promise.all([...early, ...acting()]);
      await left;
      for (const { errors } of results) expect([undefined, 'FORBIDDEN', 'NOT_FOUND']).toContain(errors?.[0]?.extensions?.['code']);
      expect((await kinds(group.id)).at(-1)).toBe('MemberLeft');
    }
  });
});

// ---------------------------------------------------------------- bad input

describe('bad input', () => {
  test.each<[string, string, Record<string, unknown>, string]>([
    ['a body too long', Send.toString(), { body: 'x'.repeat(1_001) }, 'input.body'],
    ['an edit too long', Edit.toString(), { body: '🎈'.repeat(1_001) }, 'input.body'],
    ['no body', Edit.toString(), { body: '' }, 'input.body'],
    ['a body of blanks', Edit.toString(), { body: ' \n\t ' }, 'input.body'],
    ['a body of characters without width', Send.toString(), { body: '\u200b\u200d\u2060\ufeff' }, 'input.body'],
    ['a body of fillers', Edit.toString(), { body: '\u3164\u115f\u2800' }, 'input.body'],
    ['a control character', Edit.toString(), { body: 'a\u0007b' }, 'input.body'],
    ["a turn of the writing's direction", Send.toString(), { body: 'a\u202eb' }, 'input.body'],
    ['half of a character', Edit.toString(), { body: 'a\ud83db' }, 'input.body'],
    ['a letter for a reaction', AddReaction.toString(), { emoji: 'a' }, 'input.emoji'],
    ['a digit for a reaction', AddReaction.toString(), { emoji: '1' }, 'input.emoji'],
    ['no reaction', AddReaction.toString(), { emoji: '' }, 'input.emoji'],
    ['two reactions in one', AddReaction.toString(), { emoji: '👍👍' }, 'input.emoji'],
    ['a reaction with blanks', AddReaction.toString(), { emoji: ' 👍' }, 'input.emoji'],
    ['half of a flag', AddReaction.toString(), { emoji: '🇩' }, 'input.emoji'],
    ['an emoji that is to be shown as text', AddReaction.toString(), { emoji: '\u2764\ufe0e' }, 'input.emoji'],
    ['emoji that are not joined by anyone', RemoveReaction.toString(), { emoji: '👍\u200d👍' }, 'input.emoji'],
    [
      'the id of something else',
      Edit.toString(),
      { messageId: encodeId('Conversation', crypto.randomUUID()), body: 'x' },
      'input.messageId',
    ],
    ['what is no id', Delete.toString(), { messageId: 'x' }, 'input.messageId'],
    ['what is no id to react to', RemoveReaction.toString(), { messageId: 'x', emoji: '👍' }, 'input.messageId'],
  ])('%s changes nothing', async (_what, query, given, path) => {
    const group = await createGroup(ada, [ben]);
    const message = await send(ada, group.id, 'as it was');
    const input = query === Send.toString() ? { conversationId: group.id, ...given } : { messageId: message.id, ...given };
    const changes = await newKinds(group.id, async () => {
      const { errors } = await app.execute(query, { input }, ada);
      expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path }] });
    });
    expect(changes).toEqual([]);
    expect(await node(ada, message.id)).toEqual(message);
  });

  test('a reply to a message that is removed at that moment is one to a message that does not exist', async () => {
    const group = await createGroup(ada, [ben]);
    const said = await send(ada, group.id, 'about to go');
    const holder = new pg.Client(app.database.url);
    await holder.connect();
    await holder.query('BEGIN');
    await holder.query('Delete FROM message WHERE id = $1', [uuid(said.id)]);
    const code = app.code(Send, { input: { conversationId: group.id, body: 'an answer', replyToId: said.id } }, ben);
    const waiting = () =>
      app.database.query(`SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`);
    await expect.poll(waiting).toHaveLength(1);
    await holder.query('COMMIT');
    await holder.end();
    expect(await code).toBe('BAD_USER_INPUT');
    expect((await messages(ada, group.id)).edges).toEqual([]);
  });

  test('a message that does not exist is NOT_FOUND', async () => {
    const messageId = encodeId('Message', crypto.randomUUID());
    for (const [query, more] of [
      [Edit, { body: 'x' }],
      [Delete, {}],
      [AddReaction, { emoji: '👍' }],
      [RemoveReaction, { emoji: '👍' }],
    ] as const) {
      for (const as of [ada, mod]) expect(await app.code(query.toString(), { input: { messageId, ...more } }, as)).toBe('NOT_FOUND');
    }
  });

  test('a message is as long as the server allows', async () => {
    const brief = await startTestApp({ database: app.database, env: { MESSAGE_MAX_LENGTH: '5' } });
    try {
      const group = await createGroup(ada, [ben]);
      const body = { conversationId: group.id, body: '\n🎈🎈🎈🎈🎈\n' };
      const { sendMessage } = await brief.data(Send, { input: body }, { token: await signIn(brief) });
      expect(sendMessage.message.body).toBe('🎈🎈🎈🎈🎈');
      for (const [query, input] of [
        [Send, { conversationId: group.id, body: '123456' }],
        [Edit, { messageId: sendMessage.message.id, body: '123456' }],
      ] as const) {
        const { errors } = await brief.execute(query.toString(), { input }, { token: await signIn(brief) });
        expect(errors?.[0]?.extensions).toMatchObject({
          code: 'BAD_USER_INPUT',
          fields: [{ path: 'input.body', message: 'Must have at most 5 characters; has 6.' }],
        });
      }
    } finally {
      await brief.stop();
    }
  });

  /** Tokens are signed by each app's own key. */
  const signIn = async (where: TestApp): Promise<string> => {
    const Login = graphql(`mutation MessagesLogin($input: LoginInput!) { login(input: $input) { credentials { accessToken } } }`);
    const input = { identifier: 'ada', password: 'correct horse battery staple' };
    return (await where.data(Login, { input })).login.credentials.accessToken;
  };
});

// ---------------------------------------------------------------- reactions

describe('reactions', () => {
  test('are grouped in the order of their first use, as each viewer has had a part in them', async () => {
    const group = await createGroup(ada, [ben, cleo]);
    const message = await send(ada, group.id, 'news');
    const changes = await newKinds(group.id, async () => {
      await react(ben, message.id, '🎉');
      await react(ada, message.id, '❤️');
      // By their code points it would stand behind both, or before.
      await react(ben, message.id, '🚀');
      expect(await react(cleo, message.id, '🎉')).toEqual([
        { emoji: '🎉', count: 2, viewerHasReacted: true },
        { emoji: '❤️', count: 1, viewerHasReacted: false },
        { emoji: '🚀', count: 1, viewerHasReacted: false },
      ]);
      // What is there already is no change.
      await react(cleo, message.id, '🎉');
      await unreact(ben, message.id, '👨‍👩‍👧');
    });
    expect(changes).toEqual(Array.from({ length: 4 }, () => 'ReactionsChanged'));
    expect((await node(ada, message.id))?.reactions).toEqual([
      { emoji: '🎉', count: 2, viewerHasReacted: false },
      { emoji: '❤️', count: 1, viewerHasReacted: true },
      { emoji: '🚀', count: 1, viewerHasReacted: false },
    ]);
    await unreact(ben, message.id, '🎉');
    expect(await unreact(cleo, message.id, '🎉')).toEqual([
      { emoji: '❤️', count: 1, viewerHasReacted: false },
      { emoji: '🚀', count: 1, viewerHasReacted: false },
    ]);
    expect((await node(cleo, message.id))?.editedAt).toBeNull();
  });

  test('count together that mean the same, whatever a keyboard adds', async () => {
    const group = await createGroup(ada, [ben, cleo]);
    const message = await send(ada, group.id, 'news');
    await react(ada, message.id, '\u2764');
    await react(ben, message.id, '\u2764\ufe0f');
    await react(ada, message.id, '\u{1f44d}\ufe0f');
    await react(ben, message.id, '\u{1f44d}');
    expect(await react(cleo, message.id, '\u{1f3f3}\u200d\u{1f308}')).toMatchObject([
      { emoji: '\u2764\ufe0f', count: 2 },
      { emoji: '\u{1f44d}', count: 2 },
      { emoji: '\u{1f3f3}\ufe0f\u200d\u{1f308}', count: 1 },
    ]);
    expect(await unreact(ben, message.id, '\u2764')).toMatchObject([{ emoji: '\u2764\ufe0f', count: 1 }, {}, {}]);
  });

  test('name those who have reacted with an emoji, the latest first', async () => {
    const group = await createGroup(ada, [ben, cleo]);
    const message = await send(ada, group.id, 'news');
    await react(ada, message.id, '🎉');
    await react(cleo, message.id, '🎉');
    await react(ben, message.id, '❤️');
    const reactors = graphql(
      `query MessageReactors($id: ID!, $emoji: String!) { node(id: $id) { ... on Message { reactors(emoji: $emoji) { totalCount nodes { username } } } } }`,
    );
    const of = (emoji: string) => app.data(reactors, { id: message.id, emoji }, ben);
    expect(await of('🎉')).toEqual({ node: { reactors: { totalCount: 2, nodes: [{ username: 'cleo' }, { username: 'ada' }] } } });
    expect(await of('\u2764')).toEqual({ node: { reactors: { totalCount: 1, nodes: [{ username: 'ben' }] } } });
    expect(await of('🚀')).toEqual({ node: { reactors: { totalCount: 0, nodes: [] } } });
  });

  test('reach everyone live, with what each has had a part in', async () => {
    const group = await createGroup(ada, [ben]);
    const message = await send(ada, group.id, 'news');
    const after = (await messages(ada, group.id)).pageInfo.endCursor;
    const [forAda, forBen] = [ada, ben].map((as) => app.connect(as).subscribe(EventsLive, { id: group.id, after }));
    await react(ben, message.id, '👍🏽');
    const expected = (viewerHasReacted: boolean) => ({
      __typename: 'ReactionsChanged',
      message: { ...message, reactions: [{ emoji: '👍🏽', count: 1, viewerHasReacted }] },
    });
    expect((await forAda?.data())?.conversationEvents).toMatchObject(expected(false));
    expect((await forBen?.data())?.conversationEvents).toMatchObject(expected(true));
  });

  test('of many at once are counted right, each true change once', async () => {
    const people = await Promise.all(Array.from({ length: 12 }, (_, index) => app.user(`reactor_${index}`)));
    const group = await createGroup(ada, people);
    const message = await send(ada, group.id, 'hot');
    const changes = await newKinds(group.id, () =>
      Promise.all(
        people.map(async (person, index) => {
          await Promise.all([react(person, message.id, '🔥'), react(person, message.id, '🔥')]);
          if (index % 3 === 0) await Promise.all([unreact(person, message.id, '🔥'), unreact(person, message.id, '🔥')]);
        }),
      ),
    );
    expect(changes).toHaveLength(12 + 4);
    expect((await node(ada, message.id))?.reactions).toEqual([{ emoji: '🔥', count: 8, viewerHasReacted: false }]);
  });

  /** Three more than a message may have. */
  const KINDS = '😀 😁 😂 😃 😄 😅 😆 😇 😈 😉 😊 😋 😌 😍 😎 😏 😐 😑 😒 😓 😔 😕 😖'.split(' ');

  /** A message with as many kinds of reactions as one may have; and what came of those that were tried at once. */
  const reactedInAllKinds = async () => {
    const group = await createGroup(ada, [ben]);
    const message = await send(ada, group.id, 'a wall');
    const results = await Promise.all(KINDS.map((emoji) => app.execute(AddReaction, { input: { messageId: message.id, emoji } }, ada)));
    const { reactions = [] } = (await node(ben, message.id)) ?? {};
    return { message, results, reactions };
  };

  test('are of twenty kinds at most, however many come at once', async () => {
    const { results, reactions } = await reactedInAllKinds();
    const refused = results.filter(({ errors }) => errors !== undefined);
    expect(refused).toHaveLength(3);
    for (const { errors } of refused)
      expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path: 'input.emoji' }] });
    expect(reactions).toHaveLength(20);
  });

  test('of twenty kinds may still be joined, and one that goes makes room', async () => {
    const { message, reactions } = await reactedInAllKinds();
    const [first, ...others] = reactions;
    expect((await react(ben, message.id, others[0]?.emoji ?? ''))[1]).toMatchObject({ count: 2 });
    await unreact(ada, message.id, first?.emoji ?? '');
    const missing = KINDS.find((emoji) => !reactions.some((reaction) => reaction.emoji === emoji)) ?? '';
    expect((await react(ben, message.id, missing)).at(-1)).toEqual({ emoji: missing, count: 1, viewerHasReacted: true });
  });
});

// ---------------------------------------------------------------- mentions

describe('mentions', () => {
  let maryAnn: TestUser;
  beforeAll(async () => {
    maryAnn = await app.user('mary-ann_2');
  });

  test.each<[string, string[]]>([
    ['hello @ben', ['ben']],
    ['@BEN, @ben and (@Ada)!', ['ada', 'ben']],
    ['@ben.\n@mary-ann_2: yes', ['ben', 'mary-ann_2']],
    ['mail ben@ada.example or x@ben', []],
    ['@benedict, @be and @@ben', []],
    ['@cleo is not here, and @nobody_else is nowhere', []],
    ['nobody', []],
    ['`@ben` and\n\n```\n@ada\n```', []],
    ['[@ben](/x), <code>@ben</code> and \\@ben', []],
    ['**@ben**, _@ada_ and @ben', ['ada', 'ben']],
    ['你好@ben你好，@ada님', ['ada', 'ben']],
  ])('of "%s"', async (body, mentioned) => {
    const group = await createGroup(ada, [ben, maryAnn]);
    expect(usernames((await send(ada, group.id, body)).mentions)).toEqual(mentioned);
  });

  test('are resolved when it is written, and anew when it is edited', async () => {
    const group = await createGroup(ada, [ben, dan]);
    const message = await send(ada, group.id, '@ben and @dan');
    expect(usernames(message.mentions)).toEqual(['ben', 'dan']);
    await app.data(Leave, { input: { conversationId: group.id } }, dan);
    expect(usernames((await node(ben, message.id))?.mentions ?? [])).toEqual(['ben', 'dan']);
    expect(usernames((await edit(ada, message.id, '@dan, @ada')).mentions)).toEqual(['ada']);
    expect(usernames((await edit(ada, message.id, 'nobody')).mentions)).toEqual([]);
  });

  test('cost nothing where there are none', async () => {
    const group = await createGroup(ada, [ben]);
    const bare = graphql(`mutation MessagesBare($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }`);
    const statements = await app.countStatements(() => app.data(bare, { input: { conversationId: group.id, body: 'mail a@b' } }, ada));
    // Who asks, the message, the lock behind which the members are read, and the numbering.
    expect(statements.map((sql) => sql.trim().split(/\s/)[0])).toEqual(['SELECT', 'WITH', 'SELECT', 'WITH']);
  });
});

// ---------------------------------------------------------------- what is unread

describe('what is unread', () => {
  test('is what others have written and not deleted', async () => {
    const [uma, vic] = await Promise.all([app.user('uma'), app.user('vic')]);
    const group = await createGroup(uma, [vic]);
    const [one, two] = [await send(uma, group.id, 'one'), await send(uma, group.id, 'two')];
    await send(vic, group.id, 'mine');
    expect(await unread(vic, group.id)).toEqual({ here: 2, inAll: 2 });
    await edit(uma, one.id, 'one, better');
    await react(uma, one.id, '👍');
    expect(await unread(vic, group.id)).toEqual({ here: 2, inAll: 2 });
    await remove(uma, two.id);
    expect(await unread(vic, group.id)).toEqual({ here: 1, inAll: 1 });
    expect(await unread(uma, group.id)).toEqual({ here: 1, inAll: 1 });
  });
});

// ---------------------------------------------------------------- the log

describe('conversationEvents', () => {
  /** Something of everything. */
  const story = async (): Promise<string> => {
    const group = await createGroup(ada, [ben, cleo]);
    const first = await send(ada, group.id, 'first, @ben');
    const second = await send(ben, group.id, 'second', { replyToId: first.id });
    await react(ben, first.id, '👍');
    await edit(ada, first.id, 'first!');
    await react(ada, second.id, '🎉');
    await unreact(ben, first.id, '👍');
    await remove(ben, second.id);
    await app.data(Leave, { input: { conversationId: group.id } }, cleo);
    await send(ada, group.id, 'third');
    return group.id;
  };

  test('are the same by polling and live, page by page, from every cursor', async () => {
    const id = await story();
    const all = await poll(ben, id, { first: 100 });
    expect(all.map(({ __typename }) => __typename)).toEqual([
      'MemberJoined',
      'MemberJoined',
      'MemberJoined',
      'MessageAdded',
      'MessageAdded',
      'ReactionsChanged',
      'MessageEdited',
      'ReactionsChanged',
      'ReactionsChanged',
      'MessageDeleted',
      'MemberLeft',
      'MessageAdded',
    ]);
    expect(all.map(({ __typename }) => __typename)).toEqual(await kinds(id));

    const paged: Event[] = [];
    for (let after: string | undefined; ; after = paged.at(-1)?.cursor) {
      const page = await poll(ben, id, { after, first: 5 });
      paged.push(...page);
      if (page.length < 5) break;
    }
    expect(paged).toEqual(all);

    const socket = app.connect(ben);
    for (const index of all.keys()) {
      const live = socket.subscribe(EventsLive, { id, after: all[index]?.cursor });
      const rest = all.slice(index + 1);
      const events = await live.take(rest.length);
      expect(events.map(({ conversationEvents }) => conversationEvents)).toEqual(rest);
      expect(await poll(ben, id, { after: all[index]?.cursor, first: 100 })).toEqual(rest);
      live.stop();
    }
    expect(await poll(ben, id, { first: 3 })).toEqual(all.slice(0, 3));
    expect(await poll(ben, id, { after: all.at(-1)?.cursor })).toEqual([]);
  });

  test('carry the same cursors as history and messageAdded', async () => {
    const id = await story();
    const added = (await poll(ben, id)).flatMap((event) => (event.__typename === 'MessageAdded' ? [event] : []));
    const { edges } = await messages(ben, id);
    expect(edges.map(({ cursor, node: message }) => ({ cursor, message }))).toEqual(
      added.map(({ cursor, message }) => ({ cursor, message })),
    );
    const Added = graphql(
      `subscription MessagesAdded($id: ID!, $after: String) { messageAdded(conversationId: $id, after: $after) { cursor message { ...MessagesMessage } } }`,
    );
    const live = app.connect(ben).subscribe(Added, { id, after: edges[0]?.cursor });
    const events = await live.take(2);
    expect(events.map(({ messageAdded: { cursor, message } }) => ({ cursor, node: message }))).toEqual(edges.slice(1));
    await send(ada, id, 'fourth');
    expect((await live.data()).messageAdded.message.body).toBe('fourth');
  });

  test('refuse what cannot be served', async () => {
    const id = await story();
    const other = await createGroup(ada, [ben]);
    const all = await poll(ben, id);
    for (const args of [{ first: 101 }, { first: -1 }, { after: '' }, { after: 'x' }, { after: other.cursor }]) {
      expect([args, await app.code(EventsPolled, { id, ...args }, ben)]).toEqual([args, 'BAD_USER_INPUT']);
    }
    // A forged cursor: right in every way, and of a seq that is not.
    const beyond = Buffer.from(all.at(-1)?.cursor ?? '', 'base64url');
    beyond.writeUInt32BE(0x7fff_fff0, 11);
    expect(await app.code(EventsPolled, { id, after: beyond.toString('base64url') }, ben)).toBe('CURSOR_EXPIRED');

    // Retention, as it leaves things behind.
    await app.database.query(`Delete FROM event WHERE topic = 'conversation' AND key = $1 AND seq <= 4`, [uuid(id)]);
    await app.database.query(`UPDATE head SET oldest_seq = 5 WHERE topic = 'conversation' AND key = $1`, [uuid(id)]);
    const { errors } = await app.execute(EventsPolled, { id, after: all[0]?.cursor }, ben);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'CURSOR_EXPIRED', oldestCursor: all[3]?.cursor });
    expect(await poll(ben, id, { after: all[3]?.cursor })).toEqual(all.slice(4));
    expect(await poll(ben, id, { first: 2 })).toEqual(all.slice(4, 6));
  });

  test('cost a number of statements that does not depend on the number of rows', async () => {
    const group = await createGroup(ada, [ben]);
    const talk = async (): Promise<void> => {
      const message = await send(ada, group.id, 'hello, @ben');
      const reply = await send(ben, group.id, '@ada, hello', { replyToId: message.id });
      await react(ben, message.id, '👍');
      await react(ada, reply.id, '👋');
      await edit(ada, message.id, 'hello, @ben and @ada');
    };
    await talk();
    const statements = async () => [
      (await app.countStatements(() => poll(ada, group.id, { first: 100 }))).length,
      (await app.countStatements(() => messages(ada, group.id, { search: 'HELLO', last: 100 }))).length,
    ];
    const before = await statements();
    for (let index = 0; index < 5; index += 1) await talk();
    expect(await statements()).toEqual(before);
  });
});

// ---------------------------------------------------------------- searching

describe('searching a conversation', () => {
  test('finds what contains the text, page by page, with the cursors of the whole', async () => {
    const group = await createGroup(ada, [ben]);
    for (let index = 0; index < 9; index += 1)
      await send(index % 2 ? ada : ben, group.id, `${index % 3 === 0 ? 'Apfelmüsli' : 'bread'} ${index} 100%`);
    const gone = await send(ada, group.id, 'apfel, deleted');
    await remove(ada, gone.id);
    const whole = await messages(ada, group.id);
    const hits = whole.edges.filter(({ node: { body } }) => body.startsWith('Apfel'));

    const found = await messages(ada, group.id, { search: 'APFELMÜ' });
    expect(found).toMatchObject({ totalCount: 3, edges: hits });
    const last = await messages(ada, group.id, { search: 'apfel', last: 2 });
    expect(last).toMatchObject({ edges: hits.slice(1), pageInfo: { hasPreviousPage: true } });
    const rest = await messages(ada, group.id, { search: 'apfel', last: 2, before: last.pageInfo.startCursor });
    expect(rest).toMatchObject({ edges: hits.slice(0, 1), pageInfo: { hasPreviousPage: false } });
    expect(bodies(await messages(ada, group.id, { search: '5 100%' }))).toEqual(['bread 5 100%']);
    expect(bodies(await messages(ada, group.id, { search: '_' }))).toEqual([]);
    expect((await messages(ada, group.id, { search: '' })).totalCount).toBe(10);
    for (const search of ['x'.repeat(101), '\u0000'])
      expect(await app.code(Messages, { id: group.id, search }, ada)).toBe('BAD_USER_INPUT');
  });
});
