import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { JOIN_CODE_ALPHABET } from '../../src/domains/conversations/join-codes.js';
import { parseId } from '../../src/graphql/ids.js';
import { COUNTED, startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { graphql } from '../kit/graphql.js';
import { createTalk, type Talk } from '../kit/talk.js';

let app: TestApp;
let talk: Talk;
let ada: TestUser;
let ben: TestUser;

beforeAll(async () => {
  // Of guesses there are as many as in production, and each address is somebody else's.
  app = await startTestApp({ env: { ...COUNTED, TRUST_PROXY: 'true' } });
  talk = createTalk(app);
  [ada, ben] = await Promise.all([app.user('ada'), app.user('ben')]);
});
afterAll(() => app.stop());

const uuid = (globalId: string): string => parseId(globalId).id;
const join = (as: TestUser, code: string, passcode?: string | null) => talk.act(as, 'joinRoom', { code, passcode }, 'conversation { id }');
const leave = (as: TestUser, conversationId: string) => talk.act(as, 'leaveConversation', { conversationId }, '__typename');

/** Codes that open nothing while no room is made. */
const freeCodes = async (count: number): Promise<string[]> => {
  const taken = await app.database.query<{ join_code: string }>('SELECT join_code FROM conversation WHERE join_code IS NOT NULL');
  const used = new Set(taken.map(({ join_code }) => join_code));
  const letters = JOIN_CODE_ALPHABET.split('');
  return letters
    .flatMap((one) => letters.map((other) => `${one}${other}${one}${other}`))
    .filter((code) => !used.has(code))
    .slice(0, count);
};

/** Keeps the app waiting for something in the database. */
const hold = async (lock: string, values: unknown[] = []) => {
  const holder = new pg.Client(app.database.url);
  await holder.connect();
  await holder.query('BEGIN');
  await holder.query(lock, values);
  return {
    query: (sql: string, more: unknown[]) => holder.query(sql, more),
    /** Until so many statements wait for a lock. */
    waiters: (count: number) =>
      expect
        .poll(
          async () =>
            (await app.database.query(`SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`))
              .length,
        )
        .toBe(count),
    release: async () => {
      await holder.query('COMMIT');
      await holder.end();
    },
  };
};

// ---------------------------------------------------------------- passcodes

describe('a passcode', () => {
  const Outline = graphql(`query RoomsOutline($code: String!) { room(code: $code) { title hasPasscode } }`);

  test('is asked of those who come, and of nobody who is in already', async () => {
    const room = await talk.room(ada, { title: 'Closed', passcode: 'open sesame' });
    expect(await app.data(Outline, { code: room.joinCode })).toEqual({ room: { title: 'Closed', hasPasscode: true } });
    const { errors } = await app.execute(
      'mutation ($code: String!) { joinRoom(input: { code: $code }) { __typename } }',
      { code: room.joinCode },
      ben,
    );
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path: 'input.passcode' }] });
    expect(await talk.code(ben, 'joinRoom', { code: room.joinCode, passcode: 'closed sesame' })).toBe('FORBIDDEN');
    expect(await talk.read(ada, room.id, 'memberCount')).toEqual({ memberCount: 1 });
    await join(ben, room.joinCode, 'open sesame');
    await join(ben, room.joinCode);
    expect(await talk.read(ben, room.id, 'memberCount hasPasscode')).toEqual({ memberCount: 2, hasPasscode: true });
    const [stored] = await app.database.query('SELECT * FROM conversation WHERE id = $1', [uuid(room.id)]);
    expect(JSON.stringify(stored)).not.toContain('sesame');
  });

  test('is changed and taken away by the owner', async () => {
    const room = await talk.room(ada, { passcode: 'first' });
    const set = (passcode: string | null) =>
      talk.act(ada, 'setRoomPasscode', { conversationId: room.id, passcode }, 'conversation { hasPasscode }');
    expect(await set('second')).toEqual({ conversation: { hasPasscode: true } });
    expect(await talk.code(ben, 'joinRoom', { code: room.joinCode, passcode: 'first' })).toBe('FORBIDDEN');
    await join(ben, room.joinCode, 'second');
    await leave(ben, room.id);
    // Who was in once needs it again.
    expect(await talk.code(ben, 'joinRoom', { code: room.joinCode })).toBe('BAD_USER_INPUT');
    expect(await set(null)).toEqual({ conversation: { hasPasscode: false } });
    await join(ben, room.joinCode, 'anything');
    await leave(ben, room.id);
    await join(ben, room.joinCode);
  });

  test('belongs to the request that made the room', async () => {
    const rooms = await Promise.all(Array.from({ length: 3 }, () => talk.room(ada, { passcode: 'sesame', clientId: 'closed-1' })));
    expect(new Set(rooms.map(({ id }) => id)).size).toBe(1);
    expect(await talk.code(ada, 'createRoom', { clientId: 'closed-1' })).toBe('CONFLICT');
  });

  test.each([
    ['too short', 'abc'],
    ['too long', 'x'.repeat(65)],
    ['of two lines', 'abc\ndef'],
  ])('is refused when it is %s', async (_what, passcode) => {
    const room = await talk.room(ada);
    expect(await talk.code(ada, 'createRoom', { passcode })).toBe('BAD_USER_INPUT');
    expect(await talk.code(ada, 'setRoomPasscode', { conversationId: room.id, passcode })).toBe('BAD_USER_INPUT');
    expect(await talk.code(ada, 'joinRoom', { code: room.joinCode, passcode })).toBe('BAD_USER_INPUT');
  });
});

// ---------------------------------------------------------------- guessing

describe('guessing', () => {
  let addresses = 0;
  const address = (): Record<string, string> => ({ 'x-forwarded-for': `10.0.0.${(addresses += 1)}` });
  const Join = graphql(
    `mutation RoomsJoin($code: String!, $passcode: String) { joinRoom(input: { code: $code, passcode: $passcode }) { conversation { id } } }`,
  );
  const Room = graphql(`query RoomsRoom($code: String!) { room(code: $code) { title } }`);

  const outcome = async (query: string, variables: object, as: TestUser | undefined, headers: Record<string, string>): Promise<unknown> => {
    const { data, errors } = await app.execute(query, variables, { headers, ...(as === undefined ? {} : { token: as.token }) });
    const extensions = errors?.[0]?.extensions;
    if (extensions?.['code'] === 'RATE_LIMITED') expect(extensions['retryAfterMs']).toBeGreaterThan(0);
    return extensions?.['code'] ?? (Object.values(data ?? {})[0] === null ? 'null' : 'ok');
  };

  const USED_UP = 100;
  const useUp = async (here: Record<string, string>): Promise<void> => {
    const codes = await freeCodes(USED_UP);
    expect(new Set(await Promise.all(codes.map((code) => outcome(Room.toString(), { code }, undefined, here))))).toEqual(new Set(['null']));
  };

  test('codes is bounded for each user, by joining and by looking, from wherever', async () => {
    const [guesser, room] = [await app.user('guesser'), await talk.room(ada)];
    const codes = await freeCodes(22);
    expect(await outcome(Join.toString(), { code: room.joinCode }, guesser, address())).toBe('ok');
    const outcomes = [];
    for (const [index, code] of codes.entries())
      outcomes.push(await outcome((index % 2 ? Room : Join).toString(), { code }, guesser, address()));
    // The first, and twenty more.
    expect(outcomes.slice(0, 21)).toEqual(Array.from({ length: 21 }, (_, index) => (index % 2 ? 'null' : 'NOT_FOUND')));
    expect(outcomes[21]).toBe('RATE_LIMITED');
    // The right one is then no better, and nobody else is any worse.
    expect(await outcome(Join.toString(), { code: room.joinCode }, guesser, address())).toBe('RATE_LIMITED');
    expect(await outcome(Room.toString(), { code: room.joinCode }, guesser, address())).toBe('RATE_LIMITED');
    expect(await outcome(Join.toString(), { code: room.joinCode }, ben, address())).toBe('ok');
  });

  test('codes is bounded for who is not signed in by their address; what cannot be a code is no guess', async () => {
    const [here, room] = [address(), await talk.room(ada)];
    for (let index = 0; index < 5; index += 1) expect(await outcome(Room.toString(), { code: '0000' }, undefined, here)).toBe('null');
    for (let index = 0; index < 5; index += 1) expect(await outcome(Room.toString(), { code: room.joinCode }, undefined, here)).toBe('ok');
    await useUp(here);
    expect(await outcome(Room.toString(), { code: room.joinCode }, undefined, here)).toBe('RATE_LIMITED');
    expect(await outcome(Room.toString(), { code: room.joinCode }, undefined, address())).toBe('ok');
  });

  test('codes from an address never refuses the right one of somebody else there, however new', async () => {
    const [here, room, guesser] = [address(), await talk.room(ada), await app.user('prankster')];
    const [wrong = '', other = ''] = await freeCodes(2);
    await useUp(here);
    const newcomer = await app.user('newcomer');
    for (const query of [Room, Join]) expect(await outcome(query.toString(), { code: room.joinCode }, newcomer, here)).toBe('ok');
    // A first wrong one is free, once and for good, also in a call that is undone; then there is nothing left here.
    const again = `mutation ($code: String!) { joinRoom(input: { code: $code, clientId: "once" }) { __typename } }`;
    expect(await outcome(again, { code: wrong }, guesser, here)).toBe('NOT_FOUND');
    expect(await outcome(Join.toString(), { code: other }, guesser, here)).toBe('RATE_LIMITED');
    expect(await app.database.query('SELECT kind FROM code_guess WHERE user_id = $1', [uuid(guesser.id)])).toEqual([{ kind: 'ROOM' }]);
    // Of many at the same moment one is the first.
    const crowd = await app.user('crowd');
    const outcomes = await Promise.all((await freeCodes(10)).map((code) => outcome(Room.toString(), { code }, crowd, here)));
    expect(outcomes.filter((each) => each === 'null')).toHaveLength(1);
  });

  test('passcodes is bounded for each user, of however many rooms; to have none is no guess', async () => {
    const guesser = await app.user('passer');
    const here = address();
    const rooms = await Promise.all([talk.room(ada, { passcode: 'sesame' }), talk.room(ada, { passcode: 'sesame' })]);
    const guess = (index: number, passcode?: string) =>
      outcome(Join.toString(), { code: rooms[index % 2]?.joinCode, passcode }, guesser, here);
    for (let index = 0; index < 3; index += 1) expect(await guess(index)).toBe('BAD_USER_INPUT');
    const outcomes = await Promise.all(Array.from({ length: 13 }, (_, index) => guess(index, `guess ${index}`)));
    expect(outcomes.filter((each) => each === 'FORBIDDEN')).toHaveLength(11);
    expect(outcomes.filter((each) => each === 'RATE_LIMITED')).toHaveLength(2);
    expect(await guess(0, 'sesame')).toBe('RATE_LIMITED');
    expect(await outcome(Join.toString(), { code: rooms[0].joinCode, passcode: 'sesame' }, ben, here)).toBe('ok');
  });
});

// ---------------------------------------------------------------- where history and live meet

describe('joinRoom', () => {
  const SELECTIONS = [
    'messages(last: 100) { edges { node { body } } } cursor title',
    'title cursor messages(last: 100) { edges { node { body } } }',
    'members(first: 100) { edges { node { user { username } } } } messages(last: 100) { edges { node { body } } } cursor title',
  ] as const;
  const Events = graphql(`subscription RoomsEvents($id: ID!, $after: String) { conversationEvents(conversationId: $id, after: $after) {
    __typename cursor ... on MessageAdded { message { body } } ... on MemberJoined { user { username } } ... on ConversationRenamed { conversation { title } } } }`);
  interface Joined {
    readonly conversation: {
      readonly cursor: string;
      readonly title: string;
      readonly messages: { edges: { node: { body: string } }[] };
      readonly members?: { edges: { node: { user: { username: string } } }[] };
    };
  }
  /** What somebody has made of what they were given and of what came after. */
  interface View {
    readonly bodies: string[];
    readonly usernames: string[];
    readonly title: string;
  }
  let comers = 0;

  /** What one comes to who was given `joined` and follows the room from its cursor to `end`. */
  const viewOf = async (as: TestUser, roomId: string, { conversation }: Joined, end: string): Promise<View> => {
    const bodies = conversation.messages.edges.map(({ node }) => node.body);
    const usernames = new Set(conversation.members?.edges.map(({ node }) => node.user.username));
    let { title, cursor } = conversation;
    if (cursor !== end) {
      const live = app.connect(as).subscribe(Events, { id: roomId, after: cursor });
      while (cursor !== end) {
        const { conversationEvents: event } = await live.data();
        ({ cursor } = event);
        if ('message' in event && !bodies.includes(event.message.body)) bodies.push(event.message.body);
        if ('user' in event) usernames.add(event.user.username);
        if (event.__typename === 'ConversationRenamed') title = event.conversation?.title ?? title;
      }
    }
    return { bodies, usernames: [...usernames].sort(), title };
  };

  /** Four join while messages are sent and the room is renamed. @returns what each has in the end, and what there is */
  const joinMeanwhile = async (selection: string): Promise<{ readonly views: readonly View[]; readonly all: View }> => {
    const crowd = await Promise.all(Array.from({ length: 4 }, () => app.user(`comer_${(comers += 1)}`)));
    const room = await talk.room(ada, { title: 'at first' });
    const joining: Promise<Joined>[] = [];
    const renaming: Promise<unknown>[] = [];
    const bodies = Array.from({ length: 12 }, (_, index) => `message ${index}`);
    for (const [index, body] of bodies.entries()) {
      await talk.send(ada, room.id, body);
      const comer = index % 3 === 1 ? crowd[(index - 1) / 3] : undefined;
      if (comer === undefined) continue;
      joining.push(talk.act<Joined>(comer, 'joinRoom', { code: room.joinCode }, `conversation { ${selection} }`));
      renaming.push(talk.act(ada, 'renameConversation', { conversationId: room.id, title: `title ${index}` }, '__typename'));
    }
    const joined = await Promise.all(joining);
    await Promise.all(renaming);
    const { cursor, title } = await talk.read<{ cursor: string; title: string }>(ada, room.id, 'cursor title');
    const views = await Promise.all(joined.map((each, index) => viewOf(crowd[index] ?? ada, room.id, each, cursor)));
    return { views, all: { bodies, usernames: ['ada', ...crowd.map(({ username }) => username)].sort(), title } };
  };

  test.each(SELECTIONS)('leaves no hole between its messages and what comes after its cursor: %s', async (selection) => {
    const { views, all } = await joinMeanwhile(selection);
    expect(views.map(({ bodies }) => bodies)).toEqual(views.map(() => all.bodies));
  });

  test('leaves no hole between its members and title and what comes after its cursor', async () => {
    const { views, all } = await joinMeanwhile(SELECTIONS[2]);
    expect(views).toEqual(views.map(() => all));
  });
});

describe('Conversation.cursor', () => {
  test.each([
    'title memberCount members { totalCount } messages { totalCount } unreadCount cursor',
    'cursor unreadCount messages { totalCount } members { totalCount } memberCount title',
  ])('is read no later than what stands beside it: %s', async (selection) => {
    const [room, comer] = [await talk.room(ada, { title: 'before' }), await app.user(`comer_${selection.length}_${selection.charAt(0)}`)];
    const held = await hold('LOCK TABLE head IN ACCESS EXCLUSIVE MODE');
    const asked = talk.read<Record<string, unknown>>(ada, room.id, selection);
    await held.waiters(1);
    // Something happens while the log is about to be looked at: as the rows would be written.
    const id = uuid(room.id);
    await held.query(`UPDATE conversation SET title = 'after' WHERE id = $1`, [id]);
    await held.query(
      'INSERT INTO conversation_member (id, conversation_id, user_id, last_read_seq) VALUES (gen_random_uuid(), $1, $2, 2)',
      [id, uuid(comer.id)],
    );
    await held.query(`INSERT INTO message (id, conversation_id, author_id, body, seq) VALUES (gen_random_uuid(), $1, $2, 'hello', 3)`, [
      id,
      uuid(comer.id),
    ]);
    await held.query(`UPDATE head SET last_seq = 3 WHERE topic = 'conversation' AND key = $1`, [id]);
    await held.release();
    const { cursor, ...rest } = await asked;
    expect(cursor).not.toBe(room.cursor);
    expect(rest).toEqual({ title: 'after', memberCount: 2, members: { totalCount: 2 }, messages: { totalCount: 1 }, unreadCount: 1 });
  });
});

// ---------------------------------------------------------------- the end

describe('a room that all have left', () => {
  const archive = () => app.runTask('conversations.archiveEmptyRooms');
  /** As if its last member had left so long ago. */
  const age = (id: string, hours: number) =>
    app.database.query(`UPDATE conversation SET empty_since = empty_since - $2 * interval '1 hour' WHERE id = $1`, [uuid(id), hours]);
  const emptySince = async (id: string): Promise<Date | null> =>
    (await app.database.query<{ empty_since: Date | null }>('SELECT empty_since FROM conversation WHERE id = $1', [uuid(id)]))[0]
      ?.empty_since ?? null;

  test('is archived in time: its code is free, and its history stays with those who wrote it', async () => {
    const [cleo, dan] = await Promise.all([app.user('cleo'), app.user('dan')]);
    const room = await talk.room(cleo, { title: 'Gone', passcode: 'sesame' });
    const group = await talk.group(cleo, []);
    await join(dan, room.joinCode, 'sesame');
    const said = await talk.send(cleo, room.id, 'remember me');
    await leave(cleo, room.id);
    await leave(dan, room.id);
    await leave(cleo, group.id);
    await age(room.id, 23);
    await archive();
    const find = () => app.data('query ($code: String!) { room(code: $code) { id } }', { code: room.joinCode });
    expect(await find()).toEqual({ room: { id: room.id } });
    await age(room.id, 2);
    await archive();
    expect(await find()).toEqual({ room: null });
    expect(await talk.code(cleo, 'joinRoom', { code: room.joinCode, passcode: 'sesame' })).toBe('NOT_FOUND');

    const History = graphql(
      `query RoomsHistory { me { messageHistory { edges { node { id body conversation { id title archivedAt memberCount } } } } } }`,
    );
    const conversation = { id: room.id, title: 'Gone', archivedAt: expect.any(String) as string, memberCount: 0 };
    expect(await app.data(History, {}, cleo)).toEqual({
      me: { messageHistory: { edges: [{ node: { id: said.id, body: 'remember me', conversation } }] } },
    });
    expect(await talk.read(cleo, room.id, 'title archivedAt joinCode')).toEqual({
      title: 'Gone',
      archivedAt: conversation.archivedAt,
      joinCode: null,
    });
    // One who only listened has nothing of it, and a group has no end.
    expect(await app.data('query ($id: ID!) { conversation(id: $id) { title } }', { id: room.id }, dan)).toEqual({ conversation: null });
    expect(await emptySince(group.id)).toBeNull();
    const codes = await app.database.query('SELECT 1 FROM conversation WHERE join_code = $1', [room.joinCode]);
    expect(codes).toEqual([]);
  });

  test('goes on when somebody comes back before', async () => {
    const room = await talk.room(ada);
    await join(ben, room.joinCode);
    await leave(ada, room.id);
    expect(await emptySince(room.id)).toBeNull();
    await leave(ben, room.id);
    expect(await emptySince(room.id)).toBeInstanceOf(Date);
    await age(room.id, 100);
    await join(ada, room.joinCode);
    expect(await emptySince(room.id)).toBeNull();
    await archive();
    expect(await talk.read(ada, room.id, 'archivedAt joinCode')).toEqual({ archivedAt: null, joinCode: room.joinCode });
  });

  test('is not archived while somebody is coming in', async () => {
    const room = await talk.room(ada);
    await leave(ada, room.id);
    await age(room.id, 100);
    // Who joins stands at the door: their row is written, and their event is about to be numbered.
    const held = await hold(`SELECT 1 FROM head WHERE topic = 'conversation' AND key = $1 FOR UPDATE`, [uuid(room.id)]);
    const joining = join(ben, room.joinCode);
    await held.waiters(1);
    const archiving = archive();
    await held.waiters(2);
    await held.release();
    await Promise.all([joining, archiving]);
    expect(await talk.read(ben, room.id, 'archivedAt joinCode')).toEqual({ archivedAt: null, joinCode: room.joinCode });
  });

  test('is either archived or joined when both happen at once', async () => {
    const racer = await app.user('racer');
    const rooms = await Promise.all(Array.from({ length: 12 }, () => talk.room(ada)));
    for (const { id } of rooms) {
      await leave(ada, id);
      await age(id, 100);
    }
    const [codes] = await Promise.all([
      Promise.all(rooms.map(({ joinCode }) => talk.code(racer, 'joinRoom', { code: joinCode }))),
      archive(),
    ]);
    for (const [index, { id }] of rooms.entries()) {
      const [row] = await app.database.query<{ archived: boolean; members: number; coded: boolean }>(
        `SELECT archived_at IS NOT NULL AS archived, join_code IS NOT NULL AS coded, empty_since,
           (SELECT count(*)::int FROM conversation_member WHERE conversation_id = conversation.id) AS members
         FROM conversation WHERE id = $1`,
        [uuid(id)],
      );
      const joined = codes[index] === undefined;
      if (!joined) expect(codes[index]).toBe('NOT_FOUND');
      expect(row).toEqual({ archived: !joined, coded: joined, members: joined ? 1 : 0, empty_since: null });
    }
  });
});
