import { createHmac } from 'node:crypto';
import { generateKeyPair, SignJWT, type JWTPayload } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { PUBLIC_CLIENT, startProvider, type TestProvider } from '../kit/oidc-provider.js';

const AUDIENCE = 'https://api.example';
let provider: TestProvider;
let app: TestApp;
let ada: TestUser;
beforeAll(async () => {
  provider = await startProvider(['https://lyceum.example/sign-in/oidc']);
  const house = { name: 'house', issuer: provider.issuer, clientId: PUBLIC_CLIENT, tokenAudience: AUDIENCE, trustMail: true };
  const away = { name: 'away', issuer: 'http://127.0.0.1:9', clientId: 'lyceum', tokenAudience: AUDIENCE };
  app = await startTestApp({ env: { OIDC_ISSUERS: JSON.stringify([house, away]), PUBLIC_URL: 'https://lyceum.example' } });
  ada = await app.user('ada');
  await app.database.query(
    `INSERT INTO identity (id, user_id, issuer, subject) SELECT gen_random_uuid(), id, $1, 'ada' FROM "user" WHERE username = 'ada'`,
    [provider.issuer],
  );
});
afterAll(async () => {
  await app.stop();
  await provider.stop();
});

const claims = (changes: JWTPayload = {}): JWTPayload => ({
  iss: provider.issuer,
  aud: AUDIENCE,
  sub: 'ada',
  exp: Math.floor(Date.now() / 1_000) + 600,
  ...changes,
});
const tokenOf = (changes?: JWTPayload, header?: { kid?: string; typ?: string }): Promise<string> => provider.sign(claims(changes), header);
const ME = '{ me { user { username } } }';
const ask = async (token: string) => {
  const { data, errors, status } = await app.execute<{ me: { user: { username: string } } | null }>(ME, {}, { token });
  return { name: data?.me?.user.username, status, ...errors?.[0]?.extensions };
};
const REFUSED = { status: 401, code: 'UNAUTHENTICATED', reason: 'invalid' };

describe('a token of an issuer', () => {
  it('is good over HTTP, event streams and sockets, for whoever has the identity', async () => {
    const token = await tokenOf();
    expect(await ask(token)).toEqual({ name: 'ada', status: 200 });
    const stream = await fetch(`${app.url}?query=${encodeURIComponent(ME)}`, {
      headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' },
    });
    expect(await stream.text()).toContain('"username":"ada"');
    const socket = app.connect({ ...ada, token });
    expect(await socket.opened).toMatchObject({ viewer: { username: 'ada' } });
    await socket.close();
  });

  it('writes, and neither hands out nor ends what one signs in with', async () => {
    const as = { token: await tokenOf() };
    expect((await app.execute('mutation { createPost(input: { body: "b" }) { post { id } } }', {}, as)).errors).toBeUndefined();
    expect(await app.code('mutation { revokeAllSessions(input: {}) { endedCount } }', {}, as)).toBe('FORBIDDEN');
  });

  it('finds by its verified mail the account that has confirmed it, and nobody else', async () => {
    await app.user('postal');
    await app.database.query(
      `UPDATE "user" SET email = pending_email, email_key = pending_email_key, email_verified_at = now(), pending_email = NULL, pending_email_key = NULL WHERE username = 'postal'`,
    );
    expect(await ask(await tokenOf({ sub: 'm1', email: 'postal@example.com', email_verified: false }))).toMatchObject(REFUSED);
    expect(await ask(await tokenOf({ sub: 'm2', email: 'postal@example.com', email_verified: true }))).toMatchObject({ name: 'postal' });
    expect(await ask(await tokenOf({ sub: 'stranger' }))).toMatchObject(REFUSED);
  });

  it.each([
    ['for another audience', { aud: 'https://other.example' }, {}],
    ['of another issuer', { iss: 'https://evil.example' }, {}],
    ['that is an ID token', { nonce: 'n' }, {}],
    ['of another type', {}, { typ: 'logout+jwt' }],
    ['of a time to come', { nbf: Math.floor(Date.now() / 1_000) + 600 }, {}],
  ])('is refused %s', async (_what, changes, header) => {
    expect(await ask(await tokenOf(changes, header))).toMatchObject(REFUSED);
  });

  it('is refused when it has expired, so that another is brought', async () => {
    expect(await ask(await tokenOf({ exp: Math.floor(Date.now() / 1_000) - 60 }))).toMatchObject({ ...REFUSED, reason: 'expired' });
  });

  it('is refused with no signature, with the public key for a secret, and with the key of somebody else', async () => {
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const { kid, publicKey } = provider.key();
    const unsigned = `${part({ alg: 'none', kid })}.${part(claims())}.`;
    const body = `${part({ alg: 'HS256', kid })}.${part(claims())}`;
    const secret = publicKey.export({ type: 'spki', format: 'pem' });
    const shared = `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
    const { privateKey } = await generateKeyPair('ES256');
    const foreign = await new SignJWT(claims()).setProtectedHeader({ alg: 'ES256', kid }).sign(privateKey);
    for (const token of [unsigned, shared, foreign]) expect(await ask(token)).toMatchObject(REFUSED);
    expect(await app.connect({ ...ada, token: foreign }).closed).toBe(4401);
  });

  it('of keys that are made up asks the issuer a few times at the most', async () => {
    await ask(await tokenOf());
    const before = provider.asked.filter((path) => path === '/jwks').length;
    const forged = await Promise.all(Array.from({ length: 60 }, (_, n) => tokenOf({}, { kid: `made-up-${n}` })));
    const began = Date.now();
    for (const token of forged) expect(await ask(token)).toMatchObject(REFUSED);
    const most = 2 + Math.ceil((Date.now() - began) / 3_000);
    expect(provider.asked.filter((path) => path === '/jwks').length - before).toBeLessThanOrEqual(most);
  });

  it('is refused, and its socket closed, once the identity is unlinked', async () => {
    const dora = await app.user('dora');
    await app.database.query(
      `INSERT INTO identity (id, user_id, issuer, subject) SELECT gen_random_uuid(), id, $1, 'dora' FROM "user" WHERE username = 'dora'`,
      [provider.issuer],
    );
    const token = await tokenOf({ sub: 'dora' });
    const socket = app.connect({ ...dora, token });
    await socket.opened;
    const { me } = await app.data<{ me: { identities: { id: string }[] } }>('{ me { identities { id } } }', {}, dora);
    expect(me.identities).toHaveLength(1);
    await app.data('mutation ($id: ID!) { unlinkIdentity(input: { identityId: $id }) { identityId } }', { id: me.identities[0]?.id }, dora);
    expect(await socket.closed).toBe(4401);
    expect(await ask(token)).toMatchObject(REFUSED);
  });

  it('is renewed in the open socket by another of the same person, and of nobody else', async () => {
    const soon = Math.ceil(Date.now() / 1_000) + 2;
    const [renewed, forgotten, foreign] = await Promise.all(
      Array.from({ length: 3 }, async () => app.connect({ ...ada, token: await tokenOf({ exp: soon }) })),
    );
    if (!renewed || !forgotten || !foreign) throw new Error('There are no sockets.');
    await Promise.all([renewed.opened, forgotten.opened, foreign.opened]);
    const subscription = renewed.subscribe(`subscription { notificationAdded { unreadCount } }`);
    const exp = soon + 600;
    const expiresAt = new Date(exp * 1_000).toISOString();
    expect(await renewed.ping({ accessToken: await tokenOf({ exp }) })).toEqual({ accessTokenExpiresAt: expiresAt });
    await app.user('frank');
    await app.database.query(
      `INSERT INTO identity (id, user_id, issuer, subject) SELECT gen_random_uuid(), id, $1, 'frank' FROM "user" WHERE username = 'frank'`,
      [provider.issuer],
    );
    void foreign.ping({ accessToken: await tokenOf({ exp, sub: 'frank' }) }).catch(() => undefined);
    expect(await foreign.closed).toBe(4401);
    // By the end of the other, the time of the first token is over.
    expect(await forgotten.closed).toBe(4403);
    expect((await renewed.execute<{ me: { user: { username: string } } }>(ME)).data?.me.user.username).toBe('ada');
    expect(await Promise.race([subscription.ended.then(() => 'ended'), Promise.resolve('open')])).toBe('open');
    await renewed.close();
  });

  it('from before its owner was signed out everywhere is refused, and its socket closed', async () => {
    const eve = await app.user('evelyn');
    await app.database.query(
      `INSERT INTO identity (id, user_id, issuer, subject) SELECT gen_random_uuid(), id, $1, 'evelyn' FROM "user" WHERE username = 'evelyn'`,
      [provider.issuer],
    );
    const seconds = Math.floor(Date.now() / 1_000);
    const [token, undated] = [await tokenOf({ sub: 'evelyn', iat: seconds - 1 }), await tokenOf({ sub: 'evelyn' })];
    const socket = app.connect({ ...eve, token });
    await socket.opened;
    expect(await ask(undated)).toMatchObject({ name: 'evelyn' });
    await app.data('mutation { revokeAllSessions(input: { keepCurrent: true }) { endedCount } }', {}, eve);
    expect(await socket.closed).toBe(4401);
    for (const each of [token, undated]) expect(await ask(each)).toMatchObject(REFUSED);
    expect(await ask(await tokenOf({ sub: 'evelyn', iat: seconds + 60 }))).toMatchObject({ name: 'evelyn' });
  });

  it('of an issuer that is away is told so, and others go on', async () => {
    expect(await ask(await tokenOf({ iss: 'http://127.0.0.1:9' }))).toMatchObject({ status: 503, code: 'UNAVAILABLE' });
    expect(await ask(await tokenOf())).toMatchObject({ name: 'ada' });
  });

  it('of other keys is followed', async () => {
    const old = await tokenOf();
    provider.rotate();
    await expect.poll(async () => (await ask(await tokenOf())).name).toBe('ada');
    expect(await ask(old)).toMatchObject(REFUSED);
  });
});
