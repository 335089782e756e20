import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { hash } from '@node-rs/argon2';
import { createRemoteJWKSet, jwtVerify, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config.js';
import { TokenError, type Tokens } from '../../src/domains/account/tokens.js';
import { setRole } from '../../src/domains/admin/roles.js';
import type { RegisterInput } from '../generated/texts/graphql.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { graphql, present } from '../kit/graphql.js';
import type { GraphQLResponse } from '../kit/client.js';
import { tokensWith } from '../kit/tokens.js';

const PASSWORD = 'correct horse battery staple';

const pemOf = ({ privateKey: key }: { readonly privateKey: KeyObject }): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();
const ed25519 = (): string => pemOf(generateKeyPairSync('ed25519'));

const privateKey = ed25519();
let app: TestApp;

beforeAll(async () => {
  app = await startTestApp({ env: { JWT_PRIVATE_KEY: privateKey } });
});
afterAll(async () => {
  await app.stop();
});

const Register = graphql(
  `mutation AccountRegister($input: RegisterInput!) { register(input: $input) { user { id username displayName role bio } credentials { accessToken accessTokenExpiresAt refreshToken } } }`,
);
const Login = graphql(
  `mutation AccountLogin($input: LoginInput!) { login(input: $input) { user { id username displayName role bio } credentials { accessToken accessTokenExpiresAt refreshToken } } }`,
);
const Guest = graphql(
  `mutation AccountGuest($input: JoinAsGuestInput!) { joinAsGuest(input: $input) { user { id username displayName role bio } credentials { accessToken accessTokenExpiresAt refreshToken } } }`,
);
const Refresh = graphql(
  `mutation AccountRefresh($input: RefreshSessionInput!) { refreshSession(input: $input) { credentials { accessToken accessTokenExpiresAt refreshToken } } }`,
);
const Profile = graphql(
  `mutation AccountProfile($input: UpdateProfileInput!) { updateProfile(input: $input) { user { displayName bio } } }`,
);
const Me = graphql(`query AccountMe { me { id email deviceCount user { id username displayName role } } }`);
const Users = graphql(`query AccountUsers($search: String, $first: Int, $after: String, $last: Int, $before: String) {
  users(search: $search, first: $first, after: $after, last: $last, before: $before) {
    totalCount edges { cursor node { username } } pageInfo { hasNextPage hasPreviousPage endCursor }
  }
}`);

const register = async (input: RegisterInput) => (await app.data(Register, { input })).register;
const login = async (identifier: string, password = PASSWORD) => (await app.data(Login, { input: { identifier, password } })).login;
const refresh = (refreshToken: string | null) => app.execute(Refresh, { input: { refreshToken: present(refreshToken) } });
const refreshed = async (refreshToken: string | null) => present((await refresh(refreshToken)).data?.refreshSession).credentials;
const codeOf = (response: GraphQLResponse): unknown => response.errors?.[0]?.extensions?.['code'];
const fieldsOf = (response: GraphQLResponse): unknown => response.errors?.[0]?.extensions?.['fields'];
const pathsOf = (response: GraphQLResponse): string[] => (fieldsOf(response) as { path: string }[]).map(({ path }) => path);
const whoIs = async (token: string): Promise<string | null> =>
  present((await app.execute(Me, {}, { token })).data).me?.user.username ?? null;

/** What the server signs with, at another time or for another audience. */
const forge = (changes: { readonly now?: number; readonly key?: string; readonly env?: Record<string, string> } = {}): Promise<Tokens> =>
  tokensWith(changes.key ?? privateKey, loadConfig({ NODE_ENV: 'test', ...changes.env }), { now: () => changes.now ?? Date.now() });

const sessionOf = async (refreshToken: string | null): Promise<{ id: string; userId: string; revoked: boolean }> => {
  const digest = createHash('sha256').update(present(refreshToken)).digest();
  const [row] = await app.database.query<{ id: string; userId: string; revoked: boolean }>(
    `SELECT id, user_id AS "userId", revoked_at IS NOT NULL AS revoked
     FROM session WHERE refresh_hash = $1 OR previous_hash = $1`,
    [digest],
  );
  if (row === undefined) throw new Error('There is no such session.');
  return row;
};

describe('register', () => {
  it('makes a member who is signed in', async () => {
    const { user, credentials } = await register({
      username: 'Ada',
      email: ' Ada@Example.com ',
      password: PASSWORD,
      displayName: '  Ada L.  ',
    });
    expect(user).toMatchObject({ username: 'Ada', displayName: 'Ada L.', role: 'MEMBER', bio: null });
    const { me } = await app.data(Me, {}, { token: credentials.accessToken });
    expect(me).toMatchObject({ email: 'Ada@Example.com', deviceCount: 0, user: { id: user.id, username: 'Ada' } });
    expect(me['id']).not.toBe(user.id);
    expect(Date.parse(credentials.accessTokenExpiresAt)).toBeGreaterThan(Date.now());
  });

  it('takes the username for a display name when there is none', async () => {
    expect((await register({ username: 'plain', email: 'plain@example.com', password: PASSWORD })).user.displayName).toBe('plain');
  });

  it('names all mistakes at once', async () => {
    const response = await app.execute(Register, {
      input: { username: '1x', email: 'nowhere', password: 'short', displayName: ' ' },
    });
    expect(codeOf(response)).toBe('BAD_USER_INPUT');
    expect(pathsOf(response)).toEqual(['input.username', 'input.email', 'input.password', 'input.displayName']);
  });

  it.each([
    ['a username that is too short', { username: 'ab' }, 'input.username'],
    ['a username that is too long', { username: 'a'.repeat(31) }, 'input.username'],
    ['a username with a space', { username: 'a b c' }, 'input.username'],
    ['a username with a letter that only looks Latin', { username: 'аdmin' }, 'input.username'],
    ['a username that ends with a line feed', { username: 'line\n' }, 'input.username'],
    ['a username of guests', { username: 'Guest-abc' }, 'input.username'],
    ['an address without a domain', { email: 'a@b' }, 'input.email'],
    ['an address that is too long', { email: `${'a'.repeat(64)}@${'b'.repeat(200)}.com` }, 'input.email'],
    ['a password of 7', { password: '1234567' }, 'input.password'],
    ['a password of 201', { password: 'x'.repeat(201) }, 'input.password'],
    ['a display name of 101', { displayName: 'x'.repeat(101) }, 'input.displayName'],
    ['a display name of two lines', { displayName: 'a\nb' }, 'input.displayName'],
    ['a display name that turns the writing around', { displayName: 'a\u202eb' }, 'input.displayName'],
    ['a display name nobody can see', { displayName: '\u200b\u200d' }, 'input.displayName'],
  ])('refuses %s', async (_what, change, path) => {
    const input = { username: 'valid', email: 'valid@example.com', password: PASSWORD, ...change };
    const response = await app.execute(Register, { input });
    expect(codeOf(response)).toBe('BAD_USER_INPUT');
    expect(pathsOf(response)).toEqual([path]);
  });

  it('counts code points, not UTF-16 units', async () => {
    const { user } = await register({
      username: 'emoji',
      email: 'emoji@example.com',
      password: PASSWORD,
      displayName: '🦊'.repeat(100),
    });
    expect(user.displayName).toBe('🦊'.repeat(100));
  });

  it('names what is taken, whatever the case', async () => {
    await register({ username: 'Taken', email: 'taken@example.com', password: PASSWORD });
    const again = await app.execute(Register, {
      input: { username: 'tAKEN', email: 'other@example.com', password: PASSWORD },
    });
    expect(codeOf(again)).toBe('CONFLICT');
    expect(pathsOf(again)).toEqual(['input.username']);
  });

  it('gives a name to one of many who want it at once', async () => {
    const attempts = await Promise.all(
      Array.from({ length: 6 }, (_, index) =>
        app.execute(Register, {
          input: { username: index % 2 ? 'Racer' : 'racer', email: `racer${index}@example.com`, password: PASSWORD },
        }),
      ),
    );
    expect(attempts.filter(({ errors }) => errors === undefined)).toHaveLength(1);
    const losers = attempts.filter(({ errors }) => errors !== undefined);
    expect(new Set(losers.map(codeOf))).toEqual(new Set(['CONFLICT']));
    expect(new Set(losers.flatMap(pathsOf))).toEqual(new Set(['input.username']));
  });

  it('keeps no password and no refresh token as it is', async () => {
    const { credentials } = await register({ username: 'secret', email: 'secret@example.com', password: PASSWORD });
    const [row] = await app.database.query<{ text: string; hash: string }>(
      `SELECT u::text || s::text AS text, u.password_hash AS hash
       FROM "user" u JOIN session s ON s.user_id = u.id WHERE u.username = 'secret'`,
    );
    expect(row?.hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(row?.text).not.toContain(PASSWORD);
    expect(row?.text).not.toContain(credentials.refreshToken);
  });

  it('remembers where a session was opened', async () => {
    const { data } = await app.execute(
      Register,
      { input: { username: 'traveller', email: 'traveller@example.com', password: PASSWORD } },
      { headers: { 'user-agent': 'Test/1.0' } },
    );
    const { id } = await sessionOf(data?.register?.credentials.refreshToken ?? '');
    const [row] = await app.database.query<{ agent: string; ip: string }>('SELECT user_agent AS agent, ip FROM session WHERE id = $1', [
      id,
    ]);
    expect(row?.agent).toBe('Test/1.0');
    expect(row?.ip).toMatch(/127\.0\.0\.1|::1/);
  });
});

describe('login', () => {
  let user: TestUser;
  beforeAll(async () => {
    user = await app.user('Grace');
    await app.database.query(`UPDATE "user" SET email = pending_email, email_key = pending_email_key WHERE username = 'Grace'`);
  });

  it.each(['Grace', 'gRACE', ' grace ', 'grace@example.com', 'GRACE@EXAMPLE.COM'])('takes %j for the same person', async (identifier) => {
    expect((await login(identifier)).user.id).toBe(user.id);
  });

  it('takes the same password in another normal form', async () => {
    await register({ username: 'cafe', email: 'cafe@example.com', password: 'caf\u00e9-caf\u00e9' });
    expect((await login('cafe', 'cafe\u0301-cafe\u0301')).user.username).toBe('cafe');
  });

  it('says the same whatever is wrong, and opens no session', async () => {
    const { joinAsGuest } = await app.data(Guest, { input: { displayName: 'No password' } });
    const before = await app.database.query('SELECT id FROM session');
    const answers = await Promise.all(
      [
        ['Grace', 'wrong password'],
        ['Grace', ''],
        ['nobody', PASSWORD],
        ['nobody@example.com', PASSWORD],
        ['', PASSWORD],
        ['a\0@example.com', PASSWORD],
        ['not a name', PASSWORD],
        [joinAsGuest.user.username, ''],
      ].map(([identifier = '', password = '']) => app.execute(Login, { input: { identifier, password } })),
    );
    expect(new Set(answers.map(codeOf))).toEqual(new Set(['UNAUTHENTICATED']));
    expect(new Set(answers.map(({ errors }) => errors?.[0]?.message)).size).toBe(1);
    expect(await app.database.query('SELECT id FROM session')).toEqual(before);
  });

  it('hashes again what was hashed with other parameters', async () => {
    await app.user('oldtimer');
    const weak = await hash(PASSWORD, { memoryCost: 8_192, timeCost: 1, parallelism: 1 });
    await app.database.query(`UPDATE "user" SET password_hash = $1 WHERE username = 'oldtimer'`, [weak]);
    await login('oldtimer');
    const [row] = await app.database.query<{ hash: string }>(`SELECT password_hash AS hash FROM "user" WHERE username = 'oldtimer'`);
    expect(row?.hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    await login('oldtimer');
  });

  it('serves many at once', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => login('Grace')));
    expect(new Set(all.map(({ user: { id } }) => id))).toEqual(new Set([user.id]));
  });
});

describe('joinAsGuest', () => {
  it('needs nothing but a name', async () => {
    const { joinAsGuest } = await app.data(Guest, { input: { displayName: ' Zoë 🦊 ' } });
    expect(joinAsGuest.user).toMatchObject({ displayName: 'Zoë 🦊', role: 'GUEST' });
    expect(joinAsGuest.user.username).toMatch(/^guest-[a-z2-9]{6}$/);
    const { me } = await app.data(Me, {}, { token: joinAsGuest.credentials.accessToken });
    expect(me).toMatchObject({ email: null, user: { role: 'GUEST' } });
  });

  it('refuses an empty name', async () => {
    const response = await app.execute(Guest, { input: { displayName: '' } });
    expect(codeOf(response)).toBe('BAD_USER_INPUT');
    expect(pathsOf(response)).toEqual(['input.displayName']);
  });
});

describe('refreshSession', () => {
  it('gives new credentials for the same session', async () => {
    const { refreshToken, username } = await app.user('refresher');
    const { id } = await sessionOf(refreshToken);
    const credentials = await refreshed(refreshToken);
    expect(credentials.refreshToken).not.toBe(refreshToken);
    expect(await whoIs(credentials.accessToken)).toBe(username);
    expect((await sessionOf(credentials.refreshToken)).id).toBe(id);
    expect((await refreshed(credentials.refreshToken)).refreshToken).not.toBe(credentials.refreshToken);
  });

  it('gives all who exchange a token at once the same next one, as it does two tabs', async () => {
    const { refreshToken, username } = await app.user('twotabs');
    const all = await Promise.all(Array.from({ length: 8 }, () => refreshed(refreshToken)));
    expect(new Set(all.map((each) => each.refreshToken)).size).toBe(1);
    expect(await whoIs(all[7]?.accessToken ?? '')).toBe(username);
    expect((await refreshed(all[0]?.refreshToken ?? '')).refreshToken).not.toBe(all[0]?.refreshToken);
  });

  it('refuses a session that has ended by itself, and its access tokens', async () => {
    const { refreshToken, token } = await app.user('sleeper');
    const { id } = await sessionOf(refreshToken);
    await app.database.query(`UPDATE session SET expires_at = now() - interval '1 second' WHERE id = $1`, [id]);
    expect(codeOf(await refresh(refreshToken))).toBe('UNAUTHENTICATED');
    expect(await app.code(Me, {}, { token })).toBe('UNAUTHENTICATED');
  });

  it('refuses what is no refresh token', async () => {
    expect(codeOf(await refresh('nonsense'))).toBe('UNAUTHENTICATED');
    for (const input of [{}, { refreshToken: null }, { refreshToken: '' }]) {
      const response = await app.execute(Refresh, { input });
      expect(codeOf(response)).toBe('BAD_USER_INPUT');
      expect(pathsOf(response)).toEqual(['input.refreshToken']);
    }
  });
});

describe('logout', () => {
  const Logout = graphql(`mutation AccountLogout { logout { ok } }`);

  it('ends this session and no other', async () => {
    const user = await app.user('leaver');
    const other = await login('leaver');
    expect(await app.data(Logout, {}, user)).toEqual({ logout: { ok: true } });
    expect(await app.code(Me, {}, user)).toBe('UNAUTHENTICATED');
    expect(codeOf(await refresh(user.refreshToken))).toBe('UNAUTHENTICATED');
    expect(await whoIs(other.credentials.accessToken)).toBe('leaver');
  });

  it('needs a session', async () => {
    expect(await app.code(Logout)).toBe('UNAUTHENTICATED');
  });
});

describe('access tokens', () => {
  it('can be verified by anyone with the published key', async () => {
    const { token, id } = await app.user('public');
    const jwks = createRemoteJWKSet(new URL('/.well-known/jwks.json', app.url));
    const { payload, protectedHeader } = await jwtVerify(token, jwks, { issuer: 'lyceum', audience: 'lyceum' });
    expect(Buffer.from(id, 'base64url').toString()).toBe(`User:${payload.sub}`);
    expect(protectedHeader.alg).toBe('EdDSA');
    const published = await (await fetch(new URL('/.well-known/jwks.json', app.url))).text();
    expect(published).not.toContain('"d"');
  });

  const issue = async (tokens: Tokens, whom: { readonly userId: string; readonly sessionId: string }): Promise<string> =>
    (await tokens.issue(whom)).token;
  /** As a server would take it that verifies with the published key whatever the algorithm. */
  const signedWithPublishedKey = ({ jwks }: Tokens, { userId, sessionId }: { readonly userId: string; readonly sessionId: string }) =>
    new SignJWT({ sid: sessionId })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT', kid: jwks().keys[0]?.kid ?? '' })
      .setSubject(userId)
      .setIssuer('lyceum')
      .setAudience('lyceum')
      .setExpirationTime('1h')
      .sign(Buffer.from(JSON.stringify(jwks().keys[0])));

  it('are refused when something is wrong with them', async () => {
    const user = await app.user('victim');
    const { id: sessionId, userId } = await sessionOf(user.refreshToken);
    const stranger = await sessionOf((await app.user('stranger')).refreshToken);
    const subject = { userId, sessionId };
    const honest = await forge();
    expect(await whoIs(await issue(honest, subject))).toBe('victim');

    const [header = '', payload = '', signature = ''] = user.token.split('.');
    const bad = {
      'another key': await issue(await forge({ key: ed25519() }), subject),
      'another issuer': await issue(await forge({ env: { JWT_ISSUER: 'elsewhere' } }), subject),
      'another audience': await issue(await forge({ env: { JWT_AUDIENCE: 'elsewhere' } }), subject),
      'an expired one of another issuer': await issue(await forge({ now: 0, env: { JWT_ISSUER: 'elsewhere' } }), subject),
      "another user than the session's": await issue(honest, { userId: stranger.userId, sessionId }),
      'no such session': await issue(honest, { userId, sessionId: '00000000-0000-7000-8000-000000000000' }),
      'ids that are none': await issue(honest, { userId: 'x', sessionId: 'y' }),
      'no algorithm': `${Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')}.${payload}.`,
      'the public key as a secret': await signedWithPublishedKey(honest, subject),
      'another payload': `${header}.${Buffer.from('{}').toString('base64url')}.${signature}`,
      nonsense: 'nonsense',
    };
    for (const [what, token] of Object.entries(bad)) {
      const response = await app.execute(Me, {}, { token });
      expect({
        what,
        code: codeOf(response),
        reason: response.errors?.[0]?.extensions?.['reason'],
        data: response.data ?? null,
      }).toEqual({
        what,
        code: 'UNAUTHENTICATED',
        reason: 'invalid',
        data: null,
      });
    }
  });

  it('are refused with another reason when they have expired', async () => {
    const { id: sessionId, userId } = await sessionOf((await app.user('late')).refreshToken);
    const token = await issue(await forge({ now: Date.now() - 3_600_000 }), { userId, sessionId });
    const expired = await app.execute(Me, {}, { token });
    expect(codeOf(expired)).toBe('UNAUTHENTICATED');
    expect(expired.errors?.[0]?.extensions?.['reason']).toBe('expired');
  });

  it('expire at their time, however often they were found good before', async () => {
    let now = Date.now();
    const { issue, verify } = await tokensWith(privateKey, loadConfig({ NODE_ENV: 'test' }), { now: () => now });
    const { token, expiresAt } = await issue(
      await sessionOf((await app.user('aging')).refreshToken).then(({ id, userId }) => ({ sessionId: id, userId })),
    );
    for (const time of [now, now, expiresAt.getTime() - 1]) {
      now = time;
      expect((await verify(token)).expiresAt).toEqual(expiresAt);
    }
    now = expiresAt.getTime();
    await expect(verify(token)).rejects.toMatchObject({ reason: 'expired' });
  });

  it('do not stand in the way of whoever gets a new one', async () => {
    const user = await app.user('stale');
    const subject = await sessionOf(user.refreshToken);
    const { token } = await (await forge({ now: Date.now() - 3_600_000 })).issue({ userId: subject.userId, sessionId: subject.id });
    for (const as of [{ token }, { token: 'nonsense' }]) {
      const signedIn = await app.data(Login, { input: { identifier: 'stale', password: PASSWORD } }, as);
      await app.data(Refresh, { input: { refreshToken: signedIn.login.credentials.refreshToken } }, as);
      await app.data(Guest, { input: { displayName: 'Guest' } }, as);
      const input = {
        username: `stale${as.token.length}`,
        email: `stale${as.token.length}@example.com`,
        password: PASSWORD,
      };
      await app.data(Register, { input }, as);
      expect(await app.code(Profile, { input: { bio: 'x' } }, as)).toBe('UNAUTHENTICATED');
    }
  });

  it('say whose they are with one statement', async () => {
    const user = await app.user('frugal');
    const statements = await app.countStatements(() => app.data('{ __typename }', {}, user));
    expect(statements).toHaveLength(1);
  });

  it('may be signed with P-256, and with nothing weaker or unknown', async () => {
    const subject = {
      userId: '00000000-0000-7000-8000-000000000001',
      sessionId: '00000000-0000-7000-8000-000000000002',
    };
    const tokens = await forge({ key: pemOf(generateKeyPairSync('ec', { namedCurve: 'P-256' })) });
    expect(tokens.jwks().keys[0]?.alg).toBe('ES256');
    expect(await tokens.verify((await tokens.issue(subject)).token)).toMatchObject(subject);
    const edwards = await (await forge()).issue(subject);
    await expect(tokens.verify(edwards.token)).rejects.toThrow(TokenError);
    await expect(forge({ key: pemOf(generateKeyPairSync('rsa', { modulusLength: 2048 })) })).rejects.toThrow(/Ed25519 or a P-256/);
    await expect(forge({ key: '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----' })).rejects.toThrow(/JWT_PRIVATE_KEY is not/);
  });
});

describe('user and users', () => {
  it('finds a user by the name in any case, and nobody else', async () => {
    const { id } = await app.user('Findable');
    const query = graphql(`query AccountQuery($username: String!) { user(username: $username) { id username } }`);
    expect(await app.data(query, { username: 'fINDABLE' })).toEqual({ user: { id, username: 'Findable' } });
    for (const username of ['nobody-at-all', '', 'x', 'a\0b', '%']) expect(await app.data(query, { username })).toEqual({ user: null });
    const node = graphql(`query AccountNode($id: ID!) { node(id: $id) { id ... on User { username } } }`);
    expect(await app.data(node, { id })).toEqual({ node: { id, username: 'Findable' } });
    const unknown = Buffer.from('User:00000000-0000-7000-8000-000000000000').toString('base64url');
    expect(await app.data(node, { id: unknown })).toEqual({ node: null });
  });

  it('never shows an address or a password', async () => {
    for (const field of ['email', 'passwordHash', 'password', 'usernameKey']) {
      expect(await app.code(`{ user(username: "Grace") { ${field} } }`)).toBe('GRAPHQL_VALIDATION_FAILED');
    }
    const statements = await app.countStatements(() => app.data('{ users(first: 5) { edges { node { id username } } } }'));
    expect(statements.join()).not.toMatch(/password_hash|email/);
  });

  const names = async (variables: object): Promise<string[]> => {
    const { users } = await app.data(Users, variables);
    return users.edges.map(({ node }) => node.username);
  };

  it('searches usernames and display names, with wildcards as plain characters', async () => {
    await register({ username: 'Xylo-one', email: 'x1@example.com', password: PASSWORD, displayName: 'Ünal 100%' });
    await register({ username: 'Xylo_two', email: 'x2@example.com', password: PASSWORD, displayName: 'back\\slash' });
    expect(await names({ search: 'xYLO' })).toEqual(['Xylo-one', 'Xylo_two']);
    expect(await names({ search: ' xylo_ ' })).toEqual(['Xylo_two']);
    expect(await names({ search: '100%' })).toEqual(['Xylo-one']);
    expect(await names({ search: '0%0' })).toEqual([]);
    expect(await names({ search: 'üNAL' })).toEqual(['Xylo-one']);
    expect(await names({ search: 'K\\S' })).toEqual(['Xylo_two']);
    const response = await app.execute(Users, { search: 'x'.repeat(101) });
    expect(codeOf(response)).toBe('BAD_USER_INPUT');
    expect(pathsOf(response)).toEqual(['search']);
    expect(await app.code(Users, { search: 'a\0b' })).toBe('BAD_USER_INPUT');
  });

  it('H26: pages are the whole list, in both directions, also among those who joined at the same moment', async () => {
    const expected = Array.from({ length: 7 }, (_, index) => `pager${index}`);
    for (const username of expected)
      await app.data(Register, { input: { username, email: `${username}@example.com`, password: PASSWORD } });
    await app.database.query(`UPDATE "user" SET created_at = '2026-01-01' WHERE username LIKE 'pager%'`);
    type Page = {
      users: {
        totalCount: number;
        edges: { cursor: string; node: { username: string } }[];
        pageInfo: Record<string, unknown>;
      };
    };
    const forward: string[] = [];
    let after: string | null = null;
    for (;;) {
      const { users }: Page = await app.data(Users, { search: 'pager', first: 3, after });
      expect(users.totalCount).toBe(7);
      forward.push(...users.edges.map(({ node }) => node.username));
      if (users.pageInfo['hasNextPage'] !== true) break;
      after = users.pageInfo['endCursor'] as string;
    }
    expect([...forward].sort()).toEqual(expected);
    const backward: string[] = [];
    let before: string | null = null;
    for (;;) {
      const { users }: Page = await app.data(Users, { search: 'pager', last: 3, before });
      backward.unshift(...users.edges.map(({ node }) => node.username));
      if (users.pageInfo['hasPreviousPage'] !== true) break;
      before = users.edges[0]?.cursor ?? null;
    }
    expect(backward).toEqual(forward);
  });
});

describe('me and updateProfile', () => {
  it('is null for whoever is not signed in', async () => {
    expect(await app.data(Me)).toEqual({ me: null });
  });

  it('is one statement', async () => {
    const user = await app.user('thrifty');
    const statements = await app.countStatements(() => app.data('{ me { id email user { id username bio } } }', {}, user));
    // One for the token, one for the row.
    expect(statements).toHaveLength(2);
  });

  it('counts the devices of live processes only', async () => {
    const user = await app.user('devices');
    const { userId } = await sessionOf(user.refreshToken);
    const alive = '00000000-0000-7000-8000-00000000000a';
    const dead = '00000000-0000-7000-8000-00000000000d';
    await app.database.query(
      `INSERT INTO presence_lease (process_id, expires_at)
       VALUES ($1, now() + interval '1 hour'), ($2, now() + interval '1 hour')`,
      [alive, dead],
    );
    await app.database.query(
      `INSERT INTO presence_device (process_id, user_id, device_ids) VALUES ($1, $3, '{a,b}'), ($2, $3, '{b,c,d,e}')`,
      [alive, dead, userId],
    );
    const count = async (): Promise<unknown> =>
      (await app.data(graphql(`query AccountDevices { me { deviceCount } }`), {}, user)).me.deviceCount;
    expect(await count()).toBe(5);
    await app.database.query(`UPDATE presence_lease SET expires_at = now() - interval '1 millisecond' WHERE process_id = $1`, [dead]);
    expect(await count()).toBe(2);
    await app.database.query(`DELETE FROM presence_lease WHERE process_id IN ($1, $2)`, [alive, dead]);
  });

  it('changes what is given', async () => {
    const user = await app.user('changer');
    const update = async (input: object): Promise<unknown> => (await app.data(Profile, { input }, user)).updateProfile.user;
    expect(await update({ bio: ' Two\r\nlines ' })).toEqual({ displayName: 'changer', bio: 'Two\nlines' });
    expect(await update({ displayName: 'New' })).toEqual({ displayName: 'New', bio: 'Two\nlines' });
    expect(await update({})).toEqual({ displayName: 'New', bio: 'Two\nlines' });
    expect(await update({ bio: null, displayName: null })).toEqual({ displayName: 'New', bio: null });
    expect(await update({ bio: '  ' })).toEqual({ displayName: 'New', bio: null });
  });

  it('refuses what is too much, and whoever is not signed in', async () => {
    const user = await app.user('talker');
    const response = await app.execute(Profile, { input: { displayName: '', bio: 'x'.repeat(1_001) } }, user);
    expect(codeOf(response)).toBe('BAD_USER_INPUT');
    expect(pathsOf(response)).toEqual(['input.displayName', 'input.bio']);
    expect(await app.code(Profile, { input: { bio: 'x' } })).toBe('UNAUTHENTICATED');
  });
});

describe('setRole', () => {
  it('makes the first administrator, at once', async () => {
    const user = await app.user('Founder');
    await setRole(app.services.db, 'fOUNDER', 'ADMIN');
    expect(await app.data(Me, {}, user)).toMatchObject({ me: { user: { role: 'ADMIN' } } });
    await expect(setRole(app.services.db, 'nobody-at-all', 'ADMIN')).rejects.toMatchObject({
      extensions: { code: 'NOT_FOUND' },
    });
  });
});
