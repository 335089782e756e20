import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseId } from '../../src/graphql/ids.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { createTalk, type Talk } from '../kit/talk.js';

let app: TestApp;
let talk: Talk;
let people: Record<'owner' | 'member' | 'other' | 'former' | 'outsider' | 'friend', TestUser>;

beforeAll(async () => {
  app = await startTestApp();
  talk = createTalk(app);
  const [owner, member, other, former, outsider, friend] = await Promise.all([
    app.user('owner'),
    app.user('member'),
    app.user('other'),
    app.user('former'),
    app.user('outsider'),
    app.user('friend'),
  ]);
  people = { owner, member, other, former, outsider, friend };
});
afterAll(() => app.stop());

// ---------------------------------------------------------------- who asks what of which conversation

/** An `ENDED` one is a room that all have left and that has been archived. */
const KINDS = ['DIRECT', 'GROUP', 'ROOM', 'ENDED'] as const;
type Kind = (typeof KINDS)[number];

/** Those who are refused come first, so that what the others change is no matter. In a direct conversation nobody is a former member. */
const ASKERS = ['anonymous', 'outsider', 'former', 'member', 'owner'] as const;
type Asker = (typeof ASKERS)[number];

interface World {
  readonly id: string;
  /** Where its log stood before anything was said. */
  readonly cursor: string;
  readonly joinCode: string;
  /** A message of each who was ever in it. */
  readonly messages: Readonly<Record<string, string>>;
}

const begin = async (kind: Kind): Promise<{ id: string; cursor: string; joinCode: string }> => {
  const { owner, member, other, former } = people;
  if (kind === 'DIRECT') return { ...(await talk.direct(owner, member)), joinCode: '' };
  if (kind === 'GROUP') return { ...(await talk.group(owner, [member, other, former])), joinCode: '' };
  const room = await talk.room(owner, { title: 'Room' });
  for (const each of [member, other, former]) await talk.act(each, 'joinRoom', { code: room.joinCode }, '__typename');
  return room;
};

const build = async (kind: Kind): Promise<World> => {
  const { owner, member, other, former } = people;
  const { id, cursor, joinCode } = await begin(kind);
  const writers = kind === 'DIRECT' ? { owner, member } : { owner, member, other, former };
  const messages: Record<string, string> = {};
  for (const [name, writer] of Object.entries(writers)) messages[name] = (await talk.send(writer, id, `of ${name}`)).id;
  const leavers = { DIRECT: [], GROUP: [former], ROOM: [former], ENDED: [former, other, member, owner] }[kind];
  for (const leaver of leavers) await talk.act(leaver, 'leaveConversation', { conversationId: id }, '__typename');
  if (kind === 'ENDED') {
    await app.database.query(`UPDATE conversation SET empty_since = now() - interval '25 hours' WHERE id = $1`, [parseId(id).id]);
    await app.runTask('conversations.archiveEmptyRooms');
  }
  return { id, cursor, joinCode, messages };
};

type Ask = (as: TestUser | undefined, world: World, asker: Asker) => Promise<unknown>;

/** `ok`, `null` or the code of the error. */
const query =
  (text: string, variables: (world: World, asker: Asker) => object = ({ id }) => ({ id })): Ask =>
  async (as, world, asker) => {
    const { data, errors } = await app.execute(text, variables(world, asker), as);
    if (errors?.[0] !== undefined) return errors[0].extensions?.['code'];
    return Object.values(data ?? {})[0] === null ? 'null' : 'ok';
  };

const mutation =
  (name: string, input: (world: World, asker: Asker) => object): Ask =>
  async (as, world, asker) =>
    (await talk.code(as, name, input(world, asker))) ?? 'ok';

/** Whether the first event comes. */
const subscription =
  (text: string): Ask =>
  async (as, { id, cursor }) => {
    const socket = app.connect(as);
    const events = socket.subscribe(`subscription ($id: ID!${text.includes('$after') ? ', $after: String' : ''}) { ${text} }`, {
      id,
      after: cursor,
    });
    try {
      const { errors } = await events.next().catch(async () => ({ errors: (await events.ended) as { extensions: { code: string } }[] }));
      return errors?.[0]?.extensions?.['code'] ?? 'ok';
    } finally {
      await socket.close();
    }
  };

const of = (field: string) => `query ($id: ID!) { conversation(id: $id) { ${field} } }`;
const message = (who: string) => (world: World) => ({ messageId: world.messages[who] });
const own = (world: World, asker: Asker) => ({ messageId: world.messages[asker] ?? world.messages['owner'] });

/** Rows of outcomes in the order of ASKERS. What is not somebody's does not exist for them. */
const IN = 'UNAUTHENTICATED NOT_FOUND NOT_FOUND ok ok';
const NOWHERE = 'UNAUTHENTICATED NOT_FOUND NOT_FOUND NOT_FOUND NOT_FOUND';
const NOBODY = 'UNAUTHENTICATED NOT_FOUND NOT_FOUND FORBIDDEN FORBIDDEN';
const OWNER = 'UNAUTHENTICATED NOT_FOUND NOT_FOUND FORBIDDEN ok';
const WRONG_KIND = 'UNAUTHENTICATED NOT_FOUND NOT_FOUND BAD_USER_INPUT BAD_USER_INPUT';
const SEEN = 'UNAUTHENTICATED null null ok ok';
/** Whoever has left knows what they have written themselves. */
const OWN = 'UNAUTHENTICATED NOT_FOUND FORBIDDEN ok ok';

const members = { DIRECT: IN, GROUP: IN, ROOM: IN, ENDED: NOWHERE };
const owner = { DIRECT: WRONG_KIND, GROUP: OWNER, ROOM: OWNER, ENDED: NOWHERE };
const seen = { DIRECT: SEEN, GROUP: SEEN, ROOM: SEEN, ENDED: 'UNAUTHENTICATED null FORBIDDEN FORBIDDEN FORBIDDEN' };

const RULES: readonly (readonly [string, Ask, Readonly<Record<Kind, string>>])[] = [
  // ------------------------------ see
  ['see its outline', query(of('id kind title memberCount archivedAt lastMessageAt')), { ...seen, ENDED: 'UNAUTHENTICATED null ok ok ok' }],
  [
    'see it as a node',
    query('query ($id: ID!) { node(id: $id) { id } }'),
    { DIRECT: 'null null null ok ok', GROUP: 'null null null ok ok', ROOM: 'null null null ok ok', ENDED: 'null null ok ok ok' },
  ],
  ['see its messages', query(of('messages { totalCount }')), seen],
  ['see its members', query(of('members { totalCount }')), seen],
  ['see how many are here', query(of('onlineCount')), seen],
  ['see where its log stands', query(of('cursor')), seen],
  ['poll its events', query('query ($id: ID!) { conversationEvents(conversationId: $id) { cursor } }'), members],
  ['follow its events', subscription('conversationEvents(conversationId: $id, after: $after) { cursor }'), members],
  ['follow its messages', subscription('messageAdded(conversationId: $id, after: $after) { cursor }'), members],
  [
    'see a message of another as a node',
    query('query ($id: ID!) { node(id: $id) { id } }', (world, asker) => ({ id: world.messages[asker === 'owner' ? 'member' : 'owner'] })),
    { DIRECT: 'null null null ok ok', GROUP: 'null null null ok ok', ROOM: 'null null null ok ok', ENDED: 'null null null null null' },
  ],
  [
    "see one's own message as a node",
    query('query ($id: ID!) { node(id: $id) { id } }', (world, asker) => ({ id: own(world, asker).messageId })),
    { DIRECT: 'null null null ok ok', GROUP: 'null null ok ok ok', ROOM: 'null null ok ok ok', ENDED: 'null null ok ok ok' },
  ],
  // ------------------------------ say
  ['send', mutation('sendMessage', ({ id }) => ({ conversationId: id, body: 'said' })), members],
  ['mark as read', mutation('markRead', ({ id, cursor }) => ({ conversationId: id, cursor })), members],
  [
    'react',
    mutation('addReaction', (world) => ({ ...message('owner')(world), emoji: '👍' })),
    { ...members, ENDED: 'UNAUTHENTICATED NOT_FOUND NOT_FOUND NOT_FOUND FORBIDDEN' },
  ],
  [
    "edit one's own message",
    mutation('editMessage', (world, asker) => ({ ...own(world, asker), body: 'edited' })),
    { DIRECT: IN, GROUP: OWN, ROOM: OWN, ENDED: 'UNAUTHENTICATED NOT_FOUND FORBIDDEN FORBIDDEN FORBIDDEN' },
  ],
  [
    'edit a message of another',
    mutation('editMessage', (world, asker) => ({ messageId: world.messages[asker === 'owner' ? 'member' : 'owner'], body: 'edited' })),
    { DIRECT: NOBODY, GROUP: NOBODY, ROOM: NOBODY, ENDED: NOWHERE },
  ],
  [
    'delete a message of another',
    mutation('deleteMessage', (world, asker) => ({ messageId: world.messages[asker === 'owner' ? 'member' : 'owner'] })),
    { DIRECT: NOBODY, GROUP: OWNER, ROOM: OWNER, ENDED: NOWHERE },
  ],
  // ------------------------------ who is in it, and what it is
  [
    'add somebody',
    mutation('addMembers', ({ id }) => ({ conversationId: id, memberIds: [people.friend.id] })),
    { DIRECT: WRONG_KIND, GROUP: IN, ROOM: OWNER, ENDED: NOWHERE },
  ],
  ['remove somebody', mutation('removeMember', ({ id }) => ({ conversationId: id, userId: people.other.id })), owner],
  [
    'remove its owner',
    mutation('removeMember', ({ id }) => ({ conversationId: id, userId: people.owner.id })),
    { ...owner, GROUP: OWNER.replace('ok', 'BAD_USER_INPUT'), ROOM: OWNER.replace('ok', 'BAD_USER_INPUT') },
  ],
  ['rename it', mutation('renameConversation', ({ id }) => ({ conversationId: id, title: 'Renamed' })), owner],
  ['pass it on', mutation('transferOwnership', ({ id }) => ({ conversationId: id, userId: people.other.id })), owner],
  [
    'set a passcode',
    mutation('setRoomPasscode', ({ id }) => ({ conversationId: id, passcode: 'sesame' })),
    { ...owner, GROUP: OWNER.replace('ok', 'BAD_USER_INPUT') },
  ],
  ['leave', mutation('leaveConversation', ({ id }) => ({ conversationId: id })), { ...members, DIRECT: WRONG_KIND }],
  [
    'join by its code',
    mutation('joinRoom', ({ joinCode }) => ({ code: joinCode })),
    {
      DIRECT: 'UNAUTHENTICATED NOT_FOUND NOT_FOUND NOT_FOUND NOT_FOUND',
      GROUP: 'UNAUTHENTICATED NOT_FOUND NOT_FOUND NOT_FOUND NOT_FOUND',
      ROOM: 'UNAUTHENTICATED ok ok ok ok',
      ENDED: 'UNAUTHENTICATED NOT_FOUND NOT_FOUND NOT_FOUND NOT_FOUND',
    },
  ],
  [
    'find it by its code',
    query('query ($code: String!) { room(code: $code) { title } }', ({ joinCode }) => ({ code: joinCode })),
    { DIRECT: 'null null null null null', GROUP: 'null null null null null', ROOM: 'ok ok ok ok ok', ENDED: 'null null null null null' },
  ],
  ['follow who of it is here', subscription('presenceChanged(conversationId: $id) { status }'), members],
];

describe('who may', () => {
  test.each(RULES)('%s', async (_what, ask, expected) => {
    const outcomesIn = async (kind: Kind): Promise<string> => {
      const world = await build(kind);
      const outcomes: unknown[] = [];
      for (const asker of ASKERS) outcomes.push(await ask(asker === 'anonymous' ? undefined : people[asker], world, asker));
      return outcomes.join(' ');
    };
    const outcomes = await Promise.all(KINDS.map(async (kind) => [kind, await outcomesIn(kind)] as const));
    expect(Object.fromEntries(outcomes)).toEqual(expected);
  });
});
