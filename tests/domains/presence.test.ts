import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { encodeId, parseId } from '../../src/graphql/ids.js';
import type { PresenceShownFragment as Presence, PresenceStatus } from '../generated/texts/graphql.js';
import { SHORT_GRACE, startTestApp, type TestApp, type TestAppOptions, type TestUser } from '../kit/app.js';
import { graphql, type TypedText } from '../kit/graphql.js';
import type { TestSocket, TestSubscription } from '../kit/client.js';

graphql(`fragment PresenceShown on Presence { id user { username } status lastSeenAt version }`);
const Presence = graphql(`query PresencePresence($userIds: [ID!]!) { presence(userIds: $userIds) { ...PresenceShown } }`);
const Changed = graphql(`subscription PresenceChanged($userIds: [ID!]) { presenceChanged(userIds: $userIds) { ...PresenceShown } }`);

const SetPresence = graphql(`mutation PresenceSet($status: PresenceStatus!) {
  setPresence(input: { status: $status }) { presence { ...PresenceShown } }
}`);

/** Longer than any test: what happens within it does not happen by its end. */
const NEVER_MS = '600000';

const until = (condition: () => unknown): Promise<unknown> => vi.waitFor(condition, { timeout: 60_000, interval: 10 });

/** An app, and what the tests ask of it. */
const start = async (options: TestAppOptions = {}) => {
  const app = await startTestApp({ ...options, env: { ...SHORT_GRACE, PRESENCE_LEASE_MS: NEVER_MS, RECONCILE_MS: '50', ...options.env } });
  const presence = async (...users: TestUser[]): Promise<Presence[]> =>
    (await app.data(Presence, { userIds: users.map(({ id }) => id) })).presence;
  return {
    app,
    presence,
    presenceOf: async (user: TestUser): Promise<Presence | undefined> => (await presence(user))[0],
    deviceCount: async (user: TestUser): Promise<number> =>
      (await app.data(graphql(`query PresenceMe { me { deviceCount } }`), {}, user)).me.deviceCount,
    /** What `setPresence` answers. */
    say: async (user: TestUser, status: PresenceStatus): Promise<Presence> =>
      (await app.data(SetPresence, { status }, user)).setPresence.presence,
    open: async (user: TestUser, deviceId?: string): Promise<TestSocket> => {
      const socket = app.connect(user, deviceId === undefined ? {} : { deviceId });
      await socket.opened;
      return socket;
    },
    follow: (...users: TestUser[]): TestSubscription<{ presenceChanged: Presence }> =>
      app.connect().subscribe(Changed, { userIds: users.map(({ id }) => id) }),
  };
};

type Started = Awaited<ReturnType<typeof start>>;

/** Whether the grace of a user's last device is running. */
const isLeaving = async ({ database }: TestApp, user: TestUser): Promise<boolean> => {
  const rows = await database.query('SELECT 1 FROM presence WHERE user_id = $1 AND offline_due IS NOT NULL', [parseId(user.id).id]);
  return rows.length === 1;
};

const ofUser = ({ username }: TestUser, expected: Partial<Presence>): unknown =>
  expect.objectContaining({ user: { username }, ...expected });

describe('presence', () => {
  let started: Started;
  let ada: TestUser;
  let bob: TestUser;
  let cleo: TestUser;

  beforeAll(async () => {
    started = await start();
    const { app } = started;
    [ada, bob, cleo] = [await app.user('ada'), await app.user('bob'), await app.user('cleo')];
  });

  afterAll(() => started.app.stop());

  it('is OFFLINE in version 0 for who has never been here, and comes in the order of the ids', async () => {
    const { app, presence } = started;
    const answer = await presence(cleo, ada, bob, ada);
    expect(answer.map(({ user }) => user.username)).toEqual(['cleo', 'ada', 'bob', 'ada']);
    const id = encodeId('Presence', parseId(cleo.id).id);
    expect(answer[0]).toEqual({ id, user: { username: 'cleo' }, status: 'OFFLINE', lastSeenAt: null, version: 0 });
    expect(answer[1]).toEqual(answer[3]);
    expect(await presence()).toEqual([]);
    expect(await app.data('{ user(username: "ada") { presence { status user { username } } } }')).toEqual({
      user: { presence: { status: 'OFFLINE', user: { username: 'ada' } } },
    });
  });

  it('of many users costs as many statements as that of two', async () => {
    const { app } = started;
    const nested = graphql(`query PresenceNested($userIds: [ID!]!) {
      presence(userIds: $userIds) { status user { username posts { edges { node { id } } } presence { version } } }
    }`);
    const listed = graphql(`query PresenceListed($first: Int!) {
      users(first: $first) { edges { node { username presence { status user { displayName } } } } }
    }`);
    const cost = async (document: TypedText<unknown, never>, variables: object): Promise<number> =>
      (await app.countStatements(() => app.data(document.toString(), variables))).length;
    expect(await cost(nested, { userIds: [ada.id, bob.id, cleo.id] })).toBe(await cost(nested, { userIds: [ada.id, bob.id] }));
    expect(await cost(listed, { first: 3 })).toBe(await cost(listed, { first: 2 }));
    expect(await cost(Presence, { userIds: [ada.id, bob.id, cleo.id] })).toBe(2);
  });

  it('says which id is wrong', async () => {
    const { app } = started;
    const nobody = encodeId('User', '00000000-0000-7000-8000-000000000000');
    const many = Array.from({ length: 101 }, () => ada.id);
    const refusals: [unknown, string, string?][] = [
      [[ada.id, 'nonsense'], 'BAD_USER_INPUT', 'userIds.1'],
      [[encodeId('Post', parseId(ada.id).id)], 'BAD_USER_INPUT', 'userIds.0'],
      [many, 'BAD_USER_INPUT', 'userIds'],
      [[ada.id, nobody], 'NOT_FOUND'],
    ];
    const socket = app.connect();
    for (const [userIds, code, path] of refusals) {
      for (const { errors } of [
        await app.execute(Presence.toString(), { userIds }),
        await socket.execute(Changed.toString(), { userIds }),
      ]) {
        expect(errors?.[0]?.extensions).toMatchObject({ code, ...(path === undefined ? {} : { fields: [{ path }] }) });
      }
    }
    for (const variables of [{}, { userIds: null }, { userIds: [] }]) {
      const { errors } = await socket.execute(Changed, variables);
      expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path: 'userIds' }] });
    }
    await socket.close();
  });
});

describe('presenceChanged', () => {
  let started: Started;
  let ada: TestUser;
  let bob: TestUser;

  beforeEach(async () => {
    started = await start();
    ada = await started.app.user('ada');
    bob = await started.app.user('bob');
  });

  afterEach(() => started.app.stop());

  it('gives the present state of each at once, then the first device and the last one', async () => {
    const { open, follow, presenceOf } = started;
    const changes = follow(ada, bob);
    const present = (await changes.take(2)).map(({ presenceChanged }) => presenceChanged);
    expect(present).toHaveLength(2);
    for (const user of [ada, bob]) expect(present).toContainEqual(ofUser(user, { status: 'OFFLINE', version: 0 }));

    const socket = await open(ada);
    expect((await changes.data()).presenceChanged).toEqual(ofUser(ada, { status: 'ONLINE', lastSeenAt: null, version: 1 }));
    const before = Date.now();
    await socket.close();
    const { presenceChanged } = await changes.data();
    expect(presenceChanged).toEqual(ofUser(ada, { status: 'OFFLINE', version: 2 }));
    // On the database's clock, which is this machine's; it rounds to milliseconds.
    const lastSeenAt = Date.parse(presenceChanged.lastSeenAt ?? '');
    expect(lastSeenAt).toBeGreaterThanOrEqual(before - 1);
    expect(lastSeenAt).toBeLessThanOrEqual(Date.now() + 1);
    expect(await presenceOf(ada)).toEqual(presenceChanged);
    expect(changes.waiting()).toBe(0);
  });

  it('H16: a second device sends nothing, and closing one of two sends nothing', async () => {
    const { open, follow, presenceOf, deviceCount } = started;
    const changes = follow(ada, bob);
    await changes.take(2);
    const first = await open(ada);
    expect((await changes.data()).presenceChanged).toEqual(ofUser(ada, { status: 'ONLINE' }));
    const second = await open(ada, 'phone');
    await until(async () => expect(await deviceCount(ada)).toBe(2));
    await first.close();
    await until(async () => expect(await deviceCount(ada)).toBe(1));
    // The next that is told is bob, and ada is in the version of her first device.
    await open(bob);
    expect((await changes.data()).presenceChanged).toEqual(ofUser(bob, { status: 'ONLINE' }));
    expect(await presenceOf(ada)).toMatchObject({ status: 'ONLINE', version: 1 });

    second.terminate();
    expect((await changes.data()).presenceChanged).toEqual(ofUser(ada, { status: 'OFFLINE', version: 2 }));
    await until(async () => expect(await deviceCount(ada)).toBe(0));
  });

  it('counts devices and not sockets: those of one session, or with the same deviceId, are one until the last of them has gone', async () => {
    const { app, open, deviceCount } = started;
    const count = (devices: number): Promise<unknown> => until(async () => expect(await deviceCount(bob)).toBe(devices));
    const tabs = await Promise.all(Array.from({ length: 6 }, () => open(bob)));
    await count(1);
    const phone = [await open(bob, 'phone'), await open(bob, 'phone')];
    await count(2);
    const { login } = await app.data(
      graphql(
        `mutation PresenceLogin { login(input: { identifier: "bob", password: "correct horse battery staple" }) { credentials { accessToken } } }`,
      ),
    );
    const again = { ...bob, token: login.credentials.accessToken };
    phone.push(await open(again, 'phone'));
    const elsewhere = await open(again);
    await count(3);
    await phone[0]?.close();
    await elsewhere.close();
    await count(2);
    await phone[1]?.close();
    await phone[2]?.close();
    await count(1);
    for (const tab of tabs) await tab.close();
    await count(0);
  });

  it.each(['', 'x'.repeat(65), 'a b', 'é', 1, {}, ['a']])(
    'takes no deviceId such as %j: the socket is closed with 4400',
    async (deviceId) => {
      expect(await started.app.connect(ada, { deviceId }).closed).toBe(4400);
    },
  );

  it('counts no device without a user', async () => {
    const { app, follow, open } = started;
    const changes = follow(ada);
    await changes.data();
    await app.connect().opened;
    await open(ada);
    expect((await changes.data()).presenceChanged.version).toBe(1);
    expect(await app.database.query('SELECT sum(cardinality(device_ids))::int AS devices FROM presence_device')).toEqual([{ devices: 1 }]);
  });

  it('counts what a process of 0.1.0 has, which is there until it gives way and writes numbers alone', async () => {
    const { app, open, deviceCount } = started;
    await open(ada);
    await until(async () => expect(await deviceCount(ada)).toBe(1));
    const [lease] = await app.database.query<{ id: string }>(
      `INSERT INTO presence_lease (process_id, expires_at) VALUES (gen_random_uuid(), now() + interval '1 hour') RETURNING process_id AS id`,
    );
    await app.database.query('INSERT INTO presence_device (process_id, user_id, devices) VALUES ($1, $2, 2)', [
      lease?.id,
      parseId(ada.id).id,
    ]);
    expect(await deviceCount(ada)).toBe(3);
    // As such a process counts.
    expect(await app.database.query('SELECT sum(devices)::int AS devices FROM presence_device')).toEqual([{ devices: 3 }]);
  });
});

describe('setPresence', () => {
  let started: Started;
  let ada: TestUser;
  let bob: TestUser;

  beforeEach(async () => {
    started = await start();
    ada = await started.app.user('ada');
    bob = await started.app.user('bob');
  });

  afterEach(() => started.app.stop());

  it('is told once for each true change; saying the same twice is saying it once', async () => {
    const { open, follow, say } = started;
    const changes = follow(ada, bob);
    await changes.take(2);
    const socket = await open(ada);
    expect((await changes.data()).presenceChanged).toEqual(ofUser(ada, { status: 'ONLINE', version: 1 }));
    let version = 1;
    expect(await say(ada, 'ONLINE')).toMatchObject({ status: 'ONLINE', version });
    for (const status of ['AWAY', 'ONLINE', 'AWAY'] as const) {
      version += 1;
      const said = await say(ada, status);
      expect(said).toEqual(ofUser(ada, { status, lastSeenAt: null, version }));
      expect(await say(ada, status)).toEqual(said);
      expect((await socket.execute(SetPresence.toString(), { status })).data).toEqual({ setPresence: { presence: said } });
      expect((await changes.data()).presenceChanged).toEqual(said);
    }
    // The next that is told is bob: nothing was told twice.
    await open(bob);
    expect((await changes.data()).presenceChanged).toEqual(ofUser(bob, { status: 'ONLINE', version: 1 }));
    await socket.close();
    expect((await changes.data()).presenceChanged).toEqual(ofUser(ada, { status: 'OFFLINE', version: version + 1 }));
  });

  it('several times in one operation answers each as it was said', async () => {
    const { app, open, presenceOf } = started;
    await open(ada);
    await until(async () => expect(await presenceOf(ada)).toMatchObject({ status: 'ONLINE' }));
    const answer = await app.data(
      `mutation {
        away: setPresence(input: { status: AWAY }) { presence { status version } }
        back: setPresence(input: { status: ONLINE }) { presence { status version } }
      }`,
      {},
      ada,
    );
    expect(answer).toEqual({ away: { presence: { status: 'AWAY', version: 2 } }, back: { presence: { status: 'ONLINE', version: 3 } } });
  });

  it.each([
    ['somebody not signed in', 'AWAY', false, 'UNAUTHENTICATED'],
    ['a user without a device', 'AWAY', true, 'CONFLICT'],
    ['a user without a device', 'ONLINE', true, 'CONFLICT'],
    ['a user', 'OFFLINE', true, 'BAD_USER_INPUT'],
  ])('refuses %s who says %s, and changes nothing', async (_who, status, signedIn, code) => {
    const { app, presenceOf, open } = started;
    const { data, errors } = await app.execute(SetPresence.toString(), { status }, signedIn ? ada : undefined);
    expect(data).toEqual({ setPresence: null });
    expect(errors?.map(({ extensions }) => extensions)).toEqual([
      expect.objectContaining({
        code,
        ...(code === 'BAD_USER_INPUT' ? { fields: [expect.objectContaining({ path: 'input.status' })] } : {}),
      }),
    ]);
    expect(await presenceOf(ada)).toMatchObject({ status: 'OFFLINE', lastSeenAt: null, version: 0 });
    // Nor is it kept for later.
    await open(ada);
    await until(async () => expect(await presenceOf(ada)).toMatchObject({ status: 'ONLINE', version: 1 }));
  });

  it.each<[PresenceStatus, number]>([
    ['ONLINE', 1],
    ['AWAY', 2],
  ])('who says %s is here: devices count, come and go as ever, and whoever comes back is ONLINE', async (status, version) => {
    const { app, open, follow, say, presenceOf, deviceCount } = started;
    const changes = follow(ada);
    await changes.data();
    const first = await open(ada);
    await changes.data();
    const here = await say(ada, status);
    expect(here).toEqual(ofUser(ada, { status, lastSeenAt: null, version }));
    if (version > 1) await changes.data();
    const seen = graphql(`query PresenceSeen { me { deviceCount } user(username: "ada") { presence { status lastSeenAt version } } }`);
    const expectHere = (devices: number): Promise<unknown> =>
      until(async () => {
        const user = { presence: { status, lastSeenAt: null, version } };
        expect(await app.data(seen, {}, ada)).toEqual({ me: { deviceCount: devices }, user });
      });
    await expectHere(1);
    const second = await open(ada, 'phone');
    await expectHere(2);
    await first.close();
    await expectHere(1);
    second.terminate();
    // A second device coming and going was no change: the next that is told is OFFLINE.
    const { presenceChanged: gone } = await changes.data();
    expect(gone).toEqual(ofUser(ada, { status: 'OFFLINE', lastSeenAt: expect.any(String) as string, version: version + 1 }));
    expect(await presenceOf(ada)).toEqual(gone);
    expect(await deviceCount(ada)).toBe(0);
    await open(ada);
    expect((await changes.data()).presenceChanged).toEqual(ofUser(ada, { status: 'ONLINE', lastSeenAt: null, version: version + 2 }));
  });
});

describe('several apps on one database', () => {
  let first: Started;
  let second: Started;
  let ada: TestUser;
  let bob: TestUser;

  const both = async (env: Record<string, string>): Promise<void> => {
    first = await start({ env });
    second = await start({ env, database: first.app.database });
    // Tokens are signed by the app that gave them out; each has a key of its own here.
    ada = await first.app.user('ada');
    bob = await first.app.user('bob');
  };

  /** Signs a user of the first app in to the second. */
  const there = async (user: TestUser): Promise<TestUser> => {
    const { login } = await second.app.data(
      graphql(`mutation PresenceFreshLogin($input: LoginInput!) { login(input: $input) { credentials { accessToken } } }`),
      { input: { identifier: user.username, password: 'correct horse battery staple' } },
    );
    return { ...user, token: login.credentials.accessToken };
  };

  afterEach(async () => {
    await second.app.stop();
    await first.app.stop();
  });

  it('count the devices of all, and tell of the first and the last one', async () => {
    await both({ PRESENCE_GRACE_MS: '0' });
    const [here, elsewhere] = [first.follow(ada), second.follow(ada)];
    for (const changes of [here, elsewhere]) expect((await changes.data()).presenceChanged.status).toBe('OFFLINE');
    const one = await first.open(ada);
    for (const changes of [here, elsewhere]) expect((await changes.data()).presenceChanged).toMatchObject({ status: 'ONLINE', version: 1 });
    const other = await second.open(await there(ada));
    await until(async () => expect(await first.deviceCount(ada)).toBe(2));
    await one.close();
    await until(async () => expect(await first.deviceCount(ada)).toBe(1));
    await other.close();
    for (const changes of [here, elsewhere])
      expect((await changes.data()).presenceChanged).toMatchObject({ status: 'OFFLINE', version: 2 });
  });

  it('count a device that is at several of them once', async () => {
    await both({ PRESENCE_GRACE_MS: '0' });
    const sockets = [await first.open(ada, 'phone'), await second.open(await there(ada), 'phone'), await first.open(ada, 'laptop')];
    await until(async () => expect(await first.deviceCount(ada)).toBe(2));
    await sockets[0]?.close();
    await sockets[2]?.close();
    await until(async () => expect(await first.deviceCount(ada)).toBe(1));
    await sockets[1]?.close();
    await until(async () => expect(await first.deviceCount(ada)).toBe(0));
  });

  it("tell each change by the user's word once, wherever it was said", async () => {
    await both({ PRESENCE_GRACE_MS: '0' });
    const [here, elsewhere] = [first.follow(ada), second.follow(ada)];
    const expectChange = async (status: string, version: number): Promise<void> => {
      for (const changes of [here, elsewhere]) expect((await changes.data()).presenceChanged).toMatchObject({ status, version });
    };
    await expectChange('OFFLINE', 0);
    const socket = await first.open(ada);
    await expectChange('ONLINE', 1);
    const adaThere = await there(ada);
    await second.say(adaThere, 'AWAY');
    await expectChange('AWAY', 2);
    expect(await first.say(ada, 'AWAY')).toMatchObject({ status: 'AWAY', version: 2 });
    await first.say(ada, 'ONLINE');
    await expectChange('ONLINE', 3);
    expect(await second.say(adaThere, 'ONLINE')).toMatchObject({ status: 'ONLINE', version: 3 });
    await second.say(adaThere, 'AWAY');
    await expectChange('AWAY', 4);
    await socket.close();
    await expectChange('OFFLINE', 5);
  });

  it('H16: who reloads while AWAY, to the same or another app, is AWAY, and may say so within the grace', async () => {
    await both({ PRESENCE_GRACE_MS: NEVER_MS });
    let socket = await first.open(ada);
    await until(async () => expect(await first.presenceOf(ada)).toMatchObject({ status: 'ONLINE' }));
    await first.say(ada, 'AWAY');
    for (const [app, user] of [
      [first, ada],
      [second, await there(ada)],
    ] as const) {
      await socket.close();
      await until(async () => expect(await isLeaving(first.app, ada)).toBe(true));
      expect(await first.presenceOf(ada)).toMatchObject({ status: 'AWAY', lastSeenAt: null, version: 2 });
      socket = await app.open(user);
      await until(async () => expect(await isLeaving(first.app, ada)).toBe(false));
      expect(await first.presenceOf(ada)).toMatchObject({ status: 'AWAY', lastSeenAt: null, version: 2 });
    }
    await socket.close();
    await until(async () => expect(await isLeaving(first.app, ada)).toBe(true));
    expect(await first.say(ada, 'ONLINE')).toMatchObject({ status: 'ONLINE', lastSeenAt: null, version: 3 });
    expect(await isLeaving(first.app, ada)).toBe(true);
  });

  it('H16: one that comes back within the grace, to the same or another app, has not been away', async () => {
    await both({ PRESENCE_GRACE_MS: NEVER_MS });
    const changes = first.follow(ada, bob);
    await changes.take(2);
    let socket = await first.open(ada);
    expect((await changes.data()).presenceChanged).toEqual(ofUser(ada, { status: 'ONLINE' }));
    for (const [app, user] of [
      [first, ada],
      [second, await there(ada)],
    ] as const) {
      await socket.close();
      await until(async () => expect(await isLeaving(first.app, ada)).toBe(true));
      expect(await first.presenceOf(ada)).toMatchObject({ status: 'ONLINE', lastSeenAt: null });
      socket = await app.open(user);
      await until(async () => expect(await isLeaving(first.app, ada)).toBe(false));
    }
    await first.open(bob);
    expect((await changes.data()).presenceChanged).toEqual(ofUser(bob, { status: 'ONLINE' }));
    expect(await first.presenceOf(ada)).toMatchObject({ status: 'ONLINE', version: 1 });
  });
});
