import { createClient } from 'graphql-sse';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
// Before the app.
import { createGate } from '../kit/extra-fields.js';
import { setRole } from '../../src/domains/admin/roles.js';
import { tokensOf } from '../kit/tokens.js';
import { LogOut, RefreshSession, cursorOf, joinRoom, leaveConversation, logOut } from '../kit/acts.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import type { GraphQLResponse, TestSubscription } from '../kit/client.js';
import { createTestDatabase, type TestDatabase } from '../kit/database.js';
import { aMessage, aPost, aRoom, aSession } from '../kit/factories.js';
import type { ResultOf } from '../kit/graphql.js';
import { LikeCountChanged, MessageAdded } from '../kit/subscriptions.js';

// Fields that only these tests have, so their data has no generated types.
const SEEN = `subscription ($id: ID!, $after: String) { messageAdded(conversationId: $id, after: $after) { message { body author { seenBy forModerators } } } }`;
const GATED = `subscription ($id: ID!, $gate: String!) { messageAdded: gatedMessageAdded(conversationId: $id, gate: $gate) { message { body } } }`;
const FOR_MODERATORS = `{ users(first: 1) { edges { node { forModerators } } } }`;

type MessageEvent = ResultOf<typeof MessageAdded>;

const revoked = [{ extensions: { code: 'ACCESS_REVOKED' } }];

/** Does something again and again until something else has happened; how often. */
const until = async (event: Promise<unknown>, work: (time: number) => Promise<unknown>): Promise<number> => {
  const state = { over: false };
  void event.then(() => (state.over = true));
  let times = 0;
  while (!state.over) await work((times += 1));
  return times;
};

/** What holds wherever a right was withdrawn. `env` gives both apps the bus to use. */
export const describeRights = (name: string, env: () => Readonly<Record<string, string>>, apps: 1 | 2): void => {
  describe(`rights, ${name}`, () => {
    let database: TestDatabase;
    let here: TestApp;
    let there: TestApp;
    let ada: TestUser;
    let ben: TestUser;
    let users = 0;

    beforeAll(async () => {
      database = await createTestDatabase();
      here = await startTestApp({ database, env: env() });
      // The same key for both, as processes that serve together have.
      there = apps === 1 ? here : await startTestApp({ database, env: { ...env(), DATA_DIR: here.services.config.dataDir } });
      [ada, ben] = await Promise.all([here.user('ada'), here.user('ben')]);
    });
    afterAll(async () => {
      if (there !== here) await there.stop();
      await here.stop();
      // Whatever was followed for those who were here is let go of.
      expect(here.services.hub.stats()).toMatchObject({ streams: 0, subscribers: 0 });
      await database.drop();
    });

    const newUser = (): Promise<TestUser> => here.user(`user${(users += 1)}`);

    const roomOf = async (...members: readonly TestUser[]): Promise<string> => {
      const { id, joinCode } = await aRoom(here, ada);
      for (const member of members) await joinRoom(here, member, joinCode);
      return id;
    };
    const say = (id: string, body: string, user = ada): Promise<unknown> => aMessage(there, user, id, body);
    const bodies = async (subscription: TestSubscription<MessageEvent>, count: number): Promise<string[]> =>
      (await subscription.take(count)).map(({ messageAdded }) => messageAdded.message.body);
    const signIn = (user: TestUser): Promise<TestUser> => aSession(here, user);
    /** The results of one subscription over server-sent events, each as it comes, until it is complete. */
    const bySse = (user: TestUser, variables: { readonly id: string; readonly after: string | undefined }) =>
      createClient({ url: here.url, retryAttempts: 0, headers: { authorization: `Bearer ${user.token}` } }).iterate<MessageEvent>({
        query: MessageAdded.toString(),
        variables,
      });

    /** The same user with a token of the same session that is good for a second or two. */
    const briefly = async (user: TestUser): Promise<TestUser> => {
      const tokens = await tokensOf(here, { accessTtlSeconds: 1 });
      const { sub = '', sid } = decodeJwt<{ sid: string }>(user.token);
      return { ...user, token: (await tokens.issue({ userId: sub, sessionId: sid })).token };
    };

    describe('H05: one who leaves', () => {
      it('gets ACCESS_REVOKED, then nothing, and nobody else is disturbed', async () => {
        const [room, other] = await Promise.all([roomOf(ben), roomOf(ben)]);
        const [bens, adas] = [here.connect(ben), here.connect(ada)];
        const [after, afterOther] = [await cursorOf(here, ada, room), await cursorOf(here, ada, other)];
        const left = bens.subscribe(MessageAdded, { id: room, after });
        const stays = bens.subscribe(MessageAdded, { id: other, after: afterOther });
        const adaStays = adas.subscribe(MessageAdded, { id: room, after });
        await say(room, 'for both');
        expect(await bodies(left, 1)).toEqual(['for both']);
        expect(await bodies(adaStays, 1)).toEqual(['for both']);

        await leaveConversation(there, ben, room);
        expect(await left.ended).toMatchObject(revoked);
        for (const body of ['one', 'two', 'three']) await say(room, body);
        await say(other, 'elsewhere');
        expect(await bodies(adaStays, 3)).toEqual(['one', 'two', 'three']);
        expect(await bodies(stays, 1)).toEqual(['elsewhere']);
        expect(left.waiting()).toBe(0);
        expect(await bens.execute('{ me { user { username } } }')).toMatchObject({ data: { me: { user: { username: 'ben' } } } });
        expect((await bens.subscribe(MessageAdded, { id: room, after }).next()).errors).toMatchObject([
          { extensions: { code: 'NOT_FOUND' } },
        ]);
        await Promise.all([bens.close(), adas.close()]);
      });

      it('gets it over server-sent events too', async () => {
        const room = await roomOf(ben);
        const results = bySse(ben, { id: room, after: await cursorOf(here, ben, room) });
        await say(room, 'hello');
        expect(await results.next()).toMatchObject({ value: { data: { messageAdded: { message: { body: 'hello' } } } } });
        await leaveConversation(there, ben, room);
        expect(await results.next()).toMatchObject({ value: { errors: revoked } });
        expect(await results.next()).toMatchObject({ done: true });
      });

      it('gets it also when they leave between the asking of the rules and the answer', async () => {
        const room = await roomOf(ben);
        const gateName = `${apps}-${room}`;
        const gate = createGate(gateName);
        const socket = here.connect(ben);
        const ordinary = socket.subscribe(MessageAdded, { id: room, after: await cursorOf(here, ben, room) });
        await say(room, 'both may see this');
        await ordinary.data();
        const late = socket.subscribe<MessageEvent>(GATED, { id: room, gate: gateName });
        await gate.reached;
        await leaveConversation(there, ben, room);
        // This process has heard of it, and done what there was to do.
        expect(await ordinary.ended).toMatchObject(revoked);
        gate.open();
        expect(await late.ended).toMatchObject(revoked);
        await say(room, 'gone');
        await socket.execute('{ __typename }');
        expect(late.waiting()).toBe(0);
        await socket.close();
      });

      it('is refused or gets it, whichever comes first, and sees nothing of what is said then', async () => {
        const rooms = await Promise.all(Array.from({ length: 12 }, () => roomOf(ben)));
        const socket = here.connect(ben);
        await socket.opened;
        await Promise.all(
          rooms.map(async (room, index) => {
            const left = index % 2 === 0 ? null : leaveConversation(there, ben, room);
            const subscription = socket.subscribe(MessageAdded, { id: room });
            await (left ?? leaveConversation(there, ben, room));
            const end = (await subscription.ended) as { extensions: { code: string } }[] | undefined;
            // A subscription that is refused has one result, which says so.
            const errors = end ?? (await subscription.next()).errors;
            expect(['NOT_FOUND', 'ACCESS_REVOKED']).toContain(errors?.[0]?.extensions?.['code']);
            await say(room, 'unseen');
            expect(subscription.waiting()).toBe(0);
          }),
        );
        await socket.execute('{ __typename }');
        await socket.close();
      });
    });

    describe('a session that is over', () => {
      it('closes its sockets with 4401 and ends its streams; other sessions of the same user go on', async () => {
        const user = await newUser();
        const [phone, laptop] = [await signIn(user), await signIn(user)];
        const room = await roomOf(user);
        const after = await cursorOf(here, ada, room);
        const [first, second, other] = [here.connect(phone), here.connect(phone), here.connect(laptop)];
        const ended = first.subscribe(MessageAdded, { id: room, after });
        const goesOn = other.subscribe(MessageAdded, { id: room, after });
        const stream = bySse(phone, { id: room, after });
        await second.opened;
        await say(room, 'before');
        expect(await bodies(ended, 1)).toEqual(['before']);
        expect(await bodies(goesOn, 1)).toEqual(['before']);
        expect(await stream.next()).toMatchObject({ value: { data: { messageAdded: { message: { body: 'before' } } } } });

        await logOut(there, phone);
        expect(await first.closed).toBe(4401);
        expect(await second.closed).toBe(4401);
        expect(await stream.next()).toMatchObject({ value: { errors: [{ extensions: { code: 'UNAUTHENTICATED', reason: 'invalid' } }] } });
        expect(await stream.next()).toMatchObject({ done: true });
        await say(room, 'after');
        expect(await bodies(goesOn, 1)).toEqual(['after']);
        expect(ended.waiting()).toBe(0);
        await other.close();
      });

      it('because its refresh token came back closes its sockets too', async () => {
        const user = await newUser();
        const socket = here.connect(user);
        await socket.opened;
        await there.data(RefreshSession, { refreshToken: user.refreshToken });
        await database.query(`UPDATE session SET rotated_at = rotated_at - interval '11 seconds' WHERE user_id = $1`, [
          decodeJwt(user.token).sub,
        ]);
        expect(await there.code(RefreshSession, { refreshToken: user.refreshToken })).toBe('UNAUTHENTICATED');
        expect(await socket.closed).toBe(4401);
      });

      it('lets no socket stay that is opened at the same time', async () => {
        const user = await newUser();
        await Promise.all(
          Array.from({ length: 12 }, async (_, index) => {
            const session = await signIn(user);
            const early = index % 2 === 0 ? here.connect(session) : null;
            const logout = logOut(there, session);
            const socket = early ?? here.connect(session);
            await logout;
            expect(await socket.closed).toBe(4401);
          }),
        );
      });

      it('answers the logout that came over the socket before it closes it', async () => {
        const user = await newUser();
        const socket = here.connect(user);
        expect(await socket.execute(LogOut)).toMatchObject({ data: { logout: { ok: true } } });
        expect(await socket.closed).toBe(4401);
      });
    });

    describe('another role', () => {
      it('counts for what the socket asks next and for what it follows', async () => {
        const user = await newUser();
        await setRole(there.services.db, user.username, 'MODERATOR');
        const room = await roomOf(user);
        const socket = here.connect(user);
        const seen = socket.subscribe<{ messageAdded: { message: { author: { seenBy: string; forModerators: string | null } } } }>(SEEN, {
          id: room,
          after: await cursorOf(here, user, room),
        });
        const code = async (): Promise<unknown> => (await socket.execute(FOR_MODERATORS)).errors?.[0]?.extensions?.['code'];
        expect(await code()).toBeUndefined();
        await say(room, 'to a moderator');
        expect((await seen.data()).messageAdded.message.author).toEqual({
          seenBy: `ada seen by ${user.username} as MODERATOR`,
          forModerators: 'the file of ada',
        });

        await setRole(there.services.db, user.username, 'MEMBER');
        await expect.poll(code).toBe('FORBIDDEN');
        await say(room, 'to a member');
        const result: GraphQLResponse = await seen.next();
        expect(result.data).toMatchObject({
          messageAdded: { message: { author: { seenBy: `ada seen by ${user.username} as MEMBER`, forModerators: null } } },
        });
        expect(result.errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
        await socket.close();
      });
    });

    describe('H04: a token that expires', () => {
      it('is told in the acknowledgement when it does', async () => {
        const brief = await briefly(ben);
        const socket = here.connect(brief);
        expect((await socket.opened)['accessTokenExpiresAt']).toBe(new Date((decodeJwt(brief.token).exp ?? 0) * 1_000).toISOString());
        await socket.close();
      });

      it('closes the socket with 4403, and a resume misses nothing', async () => {
        const room = await roomOf(ben);
        const socket = here.connect(await briefly(ben));
        const before = socket.subscribe(MessageAdded, { id: room, after: await cursorOf(here, ben, room) });
        await say(room, 'one');
        const seen = [await before.data()];
        // Messages go on all the while.
        const sent = 1 + (await until(socket.closed, (n) => say(room, `more ${n}`)));
        expect(await socket.closed).toBe(4403);
        await say(room, 'the last');
        while (before.waiting() > 0) seen.push(await before.data());

        const again = here.connect(ben);
        const resumed = again.subscribe(MessageAdded, { id: room, after: seen.at(-1)?.messageAdded.cursor });
        seen.push(...(await resumed.take(sent + 1 - seen.length)));
        expect(seen.map(({ messageAdded }) => messageAdded.message.body)).toEqual([
          'one',
          ...Array.from({ length: sent - 1 }, (_, n) => `more ${n + 1}`),
          'the last',
        ]);
        await again.close();
      });

      it('and is renewed by a ping leaves no hole in the stream', async () => {
        const room = await roomOf(ben);
        const brief = await briefly(ben);
        const [socket, witness] = [here.connect(brief), here.connect(brief)];
        const stream = socket.subscribe(MessageAdded, { id: room, after: await cursorOf(here, ben, room) });
        await say(room, 'message 1');
        const seen = await bodies(stream, 1);
        expect(await socket.ping({ accessToken: ben.token })).toEqual({
          accessTokenExpiresAt: new Date((decodeJwt(ben.token).exp ?? 0) * 1_000).toISOString(),
        });
        // The other socket has the same token and is not renewed: it tells when the token has expired.
        const meanwhile = await until(witness.closed, (n) => say(room, `message ${n + 1}`));
        expect(await witness.closed).toBe(4403);
        const sent = meanwhile + 2;
        await say(room, `message ${sent}`);
        seen.push(...(await bodies(stream, sent - 1)));
        expect(seen).toEqual(Array.from({ length: sent }, (_, n) => `message ${n + 1}`));
        expect(await socket.execute('{ me { user { username } } }')).toMatchObject({ data: { me: { user: { username: 'ben' } } } });
        await socket.close();
      });

      it('ends a stream of server-sent events; a resume misses nothing', async () => {
        const room = await roomOf(ben);
        const results = bySse(await briefly(ben), { id: room, after: await cursorOf(here, ben, room) });
        await say(room, 'one');
        const first = await results.next();
        const cursor = (first.value as { data?: MessageEvent }).data?.messageAdded.cursor;
        expect(await results.next()).toMatchObject({ value: { errors: [{ extensions: { code: 'UNAUTHENTICATED', reason: 'expired' } }] } });
        expect(await results.next()).toMatchObject({ done: true });
        await say(room, 'two');
        const resumed = bySse(ben, { id: room, after: cursor });
        expect(await resumed.next()).toMatchObject({ value: { data: { messageAdded: { message: { body: 'two' } } } } });
        await resumed.return?.();
      });

      it('does not outlive its session: renewed with a token of a new one, the socket survives the end of the old one', async () => {
        const user = await newUser();
        const fresh = await signIn(user);
        const [socket, witness] = [here.connect(user), here.connect(user)];
        await Promise.all([socket.opened, witness.opened]);
        await socket.ping({ accessToken: fresh.token });
        await logOut(there, user);
        expect(await witness.closed).toBe(4401);
        expect(await socket.execute('{ me { user { username } } }')).toMatchObject({ data: { me: { user: { username: user.username } } } });
        await logOut(there, fresh);
        expect(await socket.closed).toBe(4401);
      });
    });

    describe('a ping with a token that does not fit closes the socket:', () => {
      it.each<[string, () => Promise<[TestUser | undefined, unknown]>, number]>([
        ['no token at all', () => Promise.resolve([ben, 'nonsense']), 4401],
        ['not even text', () => Promise.resolve([ben, 7]), 4401],
        ["somebody else's", () => Promise.resolve([ben, ada.token]), 4401],
        ['in a socket opened without one', () => Promise.resolve([undefined, ben.token]), 4401],
        [
          'of a session that is over',
          async () => {
            const over = await signIn(ben);
            await logOut(there, over);
            return [ben, over.token];
          },
          4401,
        ],
        [
          'expired',
          async () => {
            const brief = await briefly(ben);
            const socket = here.connect(brief);
            await socket.closed;
            return [ben, brief.token];
          },
          4403,
        ],
      ])('%s', async (_name, make, code) => {
        const [user, accessToken] = await make();
        const socket = here.connect(user);
        await socket.opened;
        void socket.ping({ accessToken });
        expect(await socket.closed).toBe(code);
      });
    });

    it('a stream that everyone may follow needs no token, and none of this', async () => {
      const { id } = await aPost(here, ada);
      const socket = here.connect();
      expect((await socket.opened)['accessTokenExpiresAt']).toBeNull();
      const likes = socket.subscribe(LikeCountChanged, { id });
      expect((await likes.data()).likeCountChanged.count).toBe(0);
      expect(await socket.ping({ accessToken: null })).toEqual({ accessToken: null });
      await socket.close();
    });
  });
};
