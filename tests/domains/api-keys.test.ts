import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { logOut } from '../kit/acts.js';
import { PASSWORD, startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { openEventStream } from '../kit/event-stream.js';
import { aGuest, anApiKey, aPost, CreateApiKey, CreatePost } from '../kit/factories.js';
import { graphql } from '../kit/graphql.js';

const MyKeys = graphql(`
  query MyKeys {
    me {
      user {
        username
        role
      }
      apiKeys {
        id
        name
        start
        scopes
        expiresAt
        lastUsedAt
        current
      }
    }
  }
`);
const RevokeKey = graphql(`
  mutation RevokeKey($apiKeyId: ID!) {
    revokeApiKey(input: { apiKeyId: $apiKeyId }) {
      ok
      me {
        apiKeys {
          id
        }
      }
    }
  }
`);
const DeletePostByKey = graphql(`
  mutation DeletePostByKey($id: ID!) {
    deletePost(input: { id: $id }) {
      postId
    }
  }
`);
const ChangePasswordAwayFromKeys = graphql(`
  mutation ChangePasswordAwayFromKeys($input: ChangePasswordInput!) {
    changePassword(input: $input) {
      credentials {
        accessToken
      }
    }
  }
`);
const NameOfKeys = graphql(`
  query NameOfKeys {
    auditLog(action: "createApiKey", first: 1) {
      nodes {
        detail
        subjectId
        subject {
          id
        }
      }
    }
  }
`);
const PresenceFollowed = `subscription ($ids: [ID!]!) { presenceChanged(userIds: $ids) { status } }`;

const INVALID_TOKEN = 4401;
const DAY_MS = 24 * 60 * 60 * 1_000;

let app: TestApp;
let time = 0;
beforeAll(async () => {
  app = await startTestApp({ clock: { now: () => Date.now() + time } });
});
afterAll(() => app.stop());

let people = 0;
const somebody = (): Promise<TestUser> => app.user(`owner${(people += 1)}`);
const keysOf = async (as: TestUser) => (await app.data(MyKeys, {}, as)).me.apiKeys;
const setRole = (user: TestUser, role: string): Promise<unknown> =>
  app.database.query('UPDATE "user" SET role = $2::role WHERE username = $1', [user.username, role]);

describe('an API key', () => {
  it('is shown once, and stored as a digest', async () => {
    const owner = await somebody();
    const { apiKey, secret, me } = (await app.data(CreateApiKey, { input: { name: 'Import', scopes: ['WRITE_KNOWLEDGE'] } }, owner))
      .createApiKey;
    expect(secret).toMatch(/^lyc_[0-9A-Za-z]{49}$/);
    expect(apiKey).toMatchObject({ name: 'Import', start: secret.slice(0, 8), scopes: ['READ', 'WRITE_KNOWLEDGE'], lastUsedAt: null });
    expect(me.apiKeys).toEqual([{ id: apiKey.id }]);
    const [row] = await app.database.query<{ all: string }>('SELECT api_key::text AS all FROM api_key ORDER BY created_at DESC LIMIT 1');
    expect(row?.all).not.toContain(secret.slice(8));
  });

  it('is its owner over HTTP, over an event stream and on a socket', async () => {
    const key = await anApiKey(app, await somebody());
    expect((await app.data(MyKeys, {}, key)).me.user.username).toBe(key.username);
    const stream = await openEventStream(app, key, { query: PresenceFollowed, variables: { ids: [key.id] } });
    await expect.poll(() => stream.events.length).toBeGreaterThan(0);
    stream.leave();
    const socket = app.connect(key);
    expect(await socket.opened).toMatchObject({ viewer: { username: key.username } });
    expect((await socket.execute(MyKeys)).data?.me?.apiKeys).toMatchObject([{ current: true }]);
  });

  it('is no key when a character of it is another, and none is looked up for it', async () => {
    const { token } = await anApiKey(app, await somebody());
    const other = token.replace(/.$/, (last) => (last === 'x' ? 'y' : 'x'));
    const statements = await app.countStatements(async () => {
      expect(await app.execute(MyKeys, {}, { token: other })).toMatchObject({
        status: 401,
        errors: [{ extensions: { code: 'UNAUTHENTICATED', reason: 'invalid' } }],
      });
    });
    expect(statements).toEqual([]);
  });

  it('is not good in the place of a refresh token, nor in an open socket of a session', async () => {
    const owner = await somebody();
    const key = await anApiKey(app, owner);
    expect(await app.code(`mutation { refreshSession(input: { refreshToken: "${key.token}" }) { credentials { accessToken } } }`)).toBe(
      'UNAUTHENTICATED',
    );
    const socket = app.connect(owner);
    await socket.opened;
    void socket.ping({ accessToken: key.token });
    expect(await socket.closed).toBe(INVALID_TOKEN);
  });

  it('tells when it was last used, and writes that down once in ten minutes', async () => {
    const owner = await somebody();
    const key = await anApiKey(app, owner);
    await app.data(MyKeys, {}, key);
    const [first] = await keysOf(owner);
    expect(first?.lastUsedAt).not.toBeNull();
    const updates = async (): Promise<number> =>
      (await app.countStatements(() => app.data(MyKeys, {}, key))).filter((sql) => sql.startsWith('UPDATE')).length;
    expect(await updates()).toBe(0);
    time += 10 * 60 * 1_000;
    expect([await updates(), await updates()]).toEqual([1, 0]);
    time = 0;
  });

  it('ends at its time, which is within a year', async () => {
    const owner = await somebody();
    const make = (days: number) =>
      app.execute(
        CreateApiKey,
        { input: { name: 'k', scopes: ['READ'], expiresAt: new Date(Date.now() + days * DAY_MS).toISOString() } },
        owner,
      );
    expect((await make(-1)).errors?.[0]?.extensions?.['fields']).toMatchObject([{ path: 'input.expiresAt', code: 'TOO_SMALL' }]);
    expect((await make(400)).errors?.[0]?.extensions?.['fields']).toMatchObject([{ path: 'input.expiresAt', code: 'TOO_LARGE' }]);
    const { data } = await make(2);
    const token = data?.createApiKey?.secret ?? '';
    expect(await app.code(MyKeys, {}, { token })).toBeUndefined();
    time += 3 * DAY_MS;
    expect(await app.code(MyKeys, {}, { token })).toBe('UNAUTHENTICATED');
    time = 0;
  });

  it('closes its socket at its time as one that is not good, for there is no fresh one', async () => {
    const owner = await somebody();
    const expiresAt = new Date(Date.now() + 1_500).toISOString();
    const { secret } = (await app.data(CreateApiKey, { input: { name: 'short', scopes: ['READ'], expiresAt } }, owner)).createApiKey;
    const socket = app.connect({ ...owner, token: secret });
    await socket.opened;
    expect(await socket.closed).toBe(INVALID_TOKEN);
  });

  it('is one of twenty at the most, also when they are made at once', async () => {
    const owner = await somebody();
    const input = { name: 'k', scopes: ['READ' as const] };
    const answers = await Promise.all(Array.from({ length: 24 }, () => app.execute(CreateApiKey, { input }, owner)));
    const codes = answers.flatMap(({ errors = [] }) => errors.map(({ extensions }) => extensions?.['code']));
    expect(codes).toEqual(Array.from({ length: 4 }, () => 'CONFLICT'));
    expect(await keysOf(owner)).toHaveLength(20);
  });

  it('is made by members, with the scopes of their role', async () => {
    const input = { name: 'k', scopes: ['READ' as const] };
    expect(await app.code(CreateApiKey, { input }, await aGuest(app))).toBe('FORBIDDEN');
    const owner = await somebody();
    const wrong = await app.execute(CreateApiKey, { input: { ...input, scopes: ['ADMIN'] } }, owner);
    expect(wrong.errors?.[0]?.extensions).toMatchObject({ fields: [{ path: 'input.scopes', code: 'NOT_ALLOWED' }] });
    expect(await app.code(CreateApiKey, { input: { ...input, scopes: [] } }, owner)).toBe('BAD_USER_INPUT');
    expect(await keysOf(owner)).toEqual([]);
  });

  it('is audited when it is made and when it ends', async () => {
    const chief = await app.userWithRole(`chief${(people += 1)}`, 'ADMIN');
    const { keyId } = await anApiKey(app, chief, ['WRITE_POSTS']);
    const [made] = (await app.data(NameOfKeys, {}, chief)).auditLog.nodes;
    expect(made).toMatchObject({ subjectId: keyId, subject: { id: keyId } });
    expect(JSON.parse(made?.detail ?? '')).toMatchObject({ scopes: 'READ WRITE_POSTS' });
    await app.data(RevokeKey, { apiKeyId: keyId }, chief);
    expect(await app.database.query(`SELECT 1 FROM audit_event WHERE action = 'revokeApiKey'`)).toHaveLength(1);
  });
});

describe('what a key may do', () => {
  it('is to read, and what its scopes name, which is told before what is wrong with the input', async () => {
    const owner = await somebody();
    const reading = await anApiKey(app, owner);
    const refused = { code: 'FORBIDDEN', scope: 'WRITE_POSTS' };
    expect((await app.execute(CreatePost, { input: { body: 'b' } }, reading)).errors?.[0]?.extensions).toEqual(refused);
    expect((await app.execute(CreatePost, { input: { body: '' } }, reading)).errors?.[0]?.extensions).toEqual(refused);
    const other = await anApiKey(app, owner, ['WRITE_KNOWLEDGE']);
    expect(await app.code('mutation ($input: CreatePostInput!) { createPost(input: $input) { post { id } } }', { input: 7 }, other)).toBe(
      'FORBIDDEN',
    );
    expect(await app.database.query('SELECT 1 FROM post')).toEqual([]);
    expect(await app.code(CreatePost, { input: { body: 'b' } }, await anApiKey(app, owner, ['WRITE_POSTS']))).toBeUndefined();
  });

  it('is never to make or end credentials, whatever its scopes are', async () => {
    const owner = await app.userWithRole(`mighty${(people += 1)}`, 'ADMIN');
    const all = ['WRITE_ACCOUNT', 'WRITE_POSTS', 'AGENT', 'ADMIN'] as const;
    const key = await anApiKey(app, owner, [...all]);
    expect(await app.code(CreateApiKey, { input: { name: 'k', scopes: ['READ'] } }, key)).toBe('FORBIDDEN');
    expect(await app.code(RevokeKey, { apiKeyId: key.keyId }, key)).toBe('FORBIDDEN');
    expect(await app.code(ChangePasswordAwayFromKeys, { input: { currentPassword: PASSWORD, newPassword: `${PASSWORD} b` } }, key)).toBe(
      'FORBIDDEN',
    );
    for (const name of ['logout', 'resendVerification'])
      expect(await app.code(`mutation { ${name} { ok } }`, {}, key), name).toBe('FORBIDDEN');
    for (const rest of ['revokeAllSessions(input: {}) { endedCount }', 'createInvitation(input: {}) { code }'])
      expect(await app.code(`mutation { ${rest} }`, {}, key), rest).toBe('FORBIDDEN');
    expect(await keysOf(owner)).toHaveLength(1);
  });

  it('is what a member may, unless it has the scope ADMIN', async () => {
    const moderator = await app.userWithRole(`mod${(people += 1)}`, 'MODERATOR');
    const { id } = await aPost(app, await somebody());
    const plain = await anApiKey(app, moderator, ['WRITE_POSTS']);
    expect(await app.code(DeletePostByKey, { id }, plain)).toBe('FORBIDDEN');
    const mighty = await anApiKey(app, moderator, ['WRITE_POSTS', 'ADMIN']);
    expect((await app.data(DeletePostByKey, { id }, mighty)).deletePost).toEqual({ postId: id });
    const chief = await app.userWithRole(`chief${(people += 1)}`, 'ADMIN');
    expect(await app.code('{ auditLog { nodes { id } } }', {}, await anApiKey(app, chief))).toBe('FORBIDDEN');
    expect(await app.code('{ auditLog { nodes { id } } }', {}, await anApiKey(app, chief, ['ADMIN']))).toBeUndefined();
  });

  it('goes with the role of its owner', async () => {
    const moderator = await app.userWithRole(`was${(people += 1)}`, 'MODERATOR');
    const key = await anApiKey(app, moderator, ['WRITE_POSTS', 'ADMIN']);
    const { id } = await aPost(app, await somebody());
    await setRole(moderator, 'MEMBER');
    expect(await app.code(DeletePostByKey, { id }, key)).toBe('FORBIDDEN');
  });
});

describe('the end of a key reaches its open sockets and streams', () => {
  const Suspend = graphql(`
    mutation SuspendOwner($userId: ID!) {
      suspendUser(input: { userId: $userId }) {
        user {
          id
        }
      }
    }
  `);
  const Disconnect = graphql(`
    mutation DisconnectOwner($userId: ID!) {
      disconnectUser(input: { userId: $userId }) {
        endedCount
      }
    }
  `);
  const ends: Readonly<Record<string, (owner: TestUser, keyId: string) => Promise<unknown>>> = {
    'that is revoked': (owner, apiKeyId) => app.data(RevokeKey, { apiKeyId }, owner),
    'whose owner is suspended': async ({ id }) =>
      app.data(Suspend, { userId: id }, await app.userWithRole(`judge${(people += 1)}`, 'ADMIN')),
    'whose owner is disconnected': async ({ id }) =>
      app.data(Disconnect, { userId: id }, await app.userWithRole(`judge${(people += 1)}`, 'ADMIN')),
    'whose owner changes their password': (owner) =>
      app.data(ChangePasswordAwayFromKeys, { input: { currentPassword: PASSWORD, newPassword: `${PASSWORD} again` } }, owner),
  };

  it.each(Object.entries(ends))('%s', async (_what, end) => {
    const owner = await somebody();
    const key = await anApiKey(app, owner, ['WRITE_POSTS']);
    const socket = app.connect(key);
    await socket.opened;
    const stream = await openEventStream(app, key, { query: PresenceFollowed, variables: { ids: [owner.id] } });
    await end(owner, key.keyId);
    expect(await socket.closed).toBe(INVALID_TOKEN);
    await stream.closed;
    expect(['UNAUTHENTICATED', 'LOCKED']).toContain(await app.code(CreatePost, { input: { body: 'b' } }, key));
  });

  it('and its owner goes on, as another key does', async () => {
    const owner = await somebody();
    const [ended, kept] = [await anApiKey(app, owner), await anApiKey(app, owner)];
    const [mine, other] = [app.connect(owner), app.connect(kept)];
    await Promise.all([mine.opened, other.opened]);
    const { me } = (await app.data(RevokeKey, { apiKeyId: ended.keyId }, owner)).revokeApiKey;
    expect(me.apiKeys).toEqual([{ id: kept.keyId }]);
    expect((await mine.execute(MyKeys)).data?.me?.apiKeys).toHaveLength(1);
    await logOut(app, owner);
    expect(await mine.closed).toBe(INVALID_TOKEN);
    expect((await other.execute(MyKeys)).data?.me?.apiKeys).toHaveLength(1);
  });

  it('and is not for others to bring about', async () => {
    const { keyId } = await anApiKey(app, await somebody());
    expect(await app.code(RevokeKey, { apiKeyId: keyId }, await somebody())).toBe('NOT_FOUND');
  });
});
