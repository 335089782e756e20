import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aGuest } from '../kit/factories.js';
import { graphql, present } from '../kit/graphql.js';
import { CLIENT, PUBLIC_CLIENT, startProvider, type Person, type TestProvider } from '../kit/oidc-provider.js';
import { secretIn, startSmtp, type TestSmtp } from '../kit/smtp.js';
import { codeAt, STEP_MS } from '../kit/totp.js';

const RETURN = 'https://lyceum.example/sign-in/oidc';
let smtp: TestSmtp;
let provider: TestProvider;
let app: TestApp;
let now = Date.now();

beforeAll(async () => {
  smtp = await startSmtp();
  provider = await startProvider([RETURN, 'https://app.example/back']);
  const issuers = [
    { name: 'house', label: 'The House', issuer: provider.issuer, ...CLIENT, trustMail: true, redirectUris: ['https://app.example/back'] },
    { name: 'away', issuer: 'http://127.0.0.1:9', clientId: 'lyceum' },
  ];
  const env = {
    OIDC_ISSUERS: JSON.stringify(issuers),
    PUBLIC_URL: 'https://lyceum.example',
    SMTP_URL: smtp.url,
    MAIL_FROM: 'mail@lyceum.example',
  };
  app = await startTestApp({ env, clock: { now: () => now } });
});
afterAll(async () => {
  await app.stop();
  await provider.stop();
  await smtp.stop();
});
beforeEach(() => {
  provider.tamper = null;
  provider.forger = null;
  now = Date.now();
});

const Issuers = graphql(`query OidcIssuersListed { oidcIssuers { name label makesAccounts } }`);
const Start = graphql(`mutation OidcStart($input: StartOidcInput!) { startOidc(input: $input) { url state secret expiresAt } }`);
const Login = graphql(`mutation OidcLogin($input: LoginWithOidcInput!) {
  loginWithOidc(input: $input) { user { id username } credentials { accessToken refreshToken deviceToken } signUp { token username displayName email issuer { label } } }
}`);
const Register = graphql(`mutation OidcRegister($input: RegisterWithOidcInput!) {
  registerWithOidc(input: $input) { user { id username displayName role } credentials { accessToken refreshToken } }
}`);
const Mine = graphql(`query OidcMine { me { email emailVerified hasPassword identities { subject email issuerUrl issuer { name } } } }`);
const Suspend = graphql(`mutation OidcSuspend($userId: ID!) { suspendUser(input: { userId: $userId, reason: "spam" }) { user { id } } }`);
const StartTotp = graphql(`mutation OidcStartTotp { startTotp(input: {}) { secret } }`);
const ConfirmTotp = graphql(`mutation OidcConfirmTotp($code: String!) { confirmTotp(input: { code: $code }) { recoveryCodes } }`);
const FinishLogin = graphql(`mutation OidcFinishLogin($input: FinishLoginInput!) { finishLogin(input: $input) { user { username } } }`);
const Invite = graphql(`mutation OidcInvite { createInvitation(input: {}) { code } }`);
const Confirm = graphql(`mutation OidcConfirm($input: VerifyEmailInput!) { verifyEmail(input: $input) { user { id } } }`);

const begin = async (issuer = 'house', more: object = {}) => (await app.data(Start, { input: { issuer, ...more } })).startOidc;
/** What a browser has when it is back from the provider, as this person. */
const comeBack = async (person: Person, begun?: { url: string; secret: string }) => {
  provider.person = person;
  const { url, secret } = begun ?? (await begin());
  const query = await provider.travel(url);
  return { state: query.get('state') ?? '', code: query.get('code') ?? '', iss: query.get('iss'), secret };
};
const finish = (input: Awaited<ReturnType<typeof comeBack>>) => app.execute(Login, { input });
const outcomeOf = async (person: Person) => {
  const { data, errors } = await finish(await comeBack(person));
  expect(errors).toBeUndefined();
  return present(data?.loginWithOidc);
};
/** Makes an account by the provider. */
const member = async (person: Person, username: string): Promise<TestUser> => {
  const { token } = present((await outcomeOf(person)).signUp);
  const { user, credentials } = (await app.data(Register, { input: { token, username } })).registerWithOidc;
  const { accessToken, refreshToken } = present(credentials);
  return { id: user.id, username, token: accessToken, refreshToken: present(refreshToken) };
};
const refusal = async (input: Awaited<ReturnType<typeof comeBack>>) => (await finish(input)).errors?.[0]?.extensions;
const ENDED = { code: 'BAD_USER_INPUT', fields: [{ path: 'input.state', code: 'NOT_FOUND' }] };
const REFUSED = { code: 'UNAUTHENTICATED', reason: 'ISSUER_REFUSED' };

describe('somebody who comes by an issuer', () => {
  it('finds it on the page of sign-in', async () => {
    expect((await app.data(Issuers)).oidcIssuers).toEqual([
      { name: 'house', label: 'The House', makesAccounts: true },
      { name: 'away', label: 'away', makesAccounts: true },
    ]);
  });

  it('chooses a name, has an account without a password, and signs in to it from then on', async () => {
    const grace = { sub: 'grace', email: 'Grace@navy.example', email_verified: true, preferred_username: 'grace', name: 'Grace Hopper' };
    const { user, credentials, signUp } = await outcomeOf(grace);
    expect([user, credentials]).toEqual([null, null]);
    expect(signUp).toMatchObject({
      username: 'grace',
      displayName: 'Grace Hopper',
      email: 'Grace@navy.example',
      issuer: { label: 'The House' },
    });
    const made = await app.data(Register, { input: { token: present(signUp).token, username: 'admiral' } });
    expect(made.registerWithOidc.user).toMatchObject({ username: 'admiral', displayName: 'Grace Hopper', role: 'MEMBER' });
    const token = present(made.registerWithOidc.credentials).accessToken;
    expect((await app.data(Mine, {}, { token })).me).toEqual({
      email: 'Grace@navy.example',
      emailVerified: true,
      hasPassword: false,
      identities: [{ subject: 'grace', email: 'Grace@navy.example', issuerUrl: provider.issuer, issuer: { name: 'house' } }],
    });
    expect((await outcomeOf(grace)).user?.username).toBe('admiral');
    const acts = await app.database.query<{ action: string }>('SELECT action FROM audit_event ORDER BY id');
    expect(acts.map(({ action }) => action)).toEqual(expect.arrayContaining(['linkIdentity', 'registerWithOidc', 'loginWithOidc']));
  });

  it('is asked for the second factor that the account has', async () => {
    const person = { sub: 'thorough' };
    const user = await member(person, 'thorough');
    const { secret } = (await app.data(StartTotp, {}, user)).startTotp;
    await app.data(ConfirmTotp, { code: codeAt(secret, now) }, user);
    const { reason, methods, signInToken } = (await refusal(await comeBack(person))) ?? {};
    expect({ reason, methods }).toEqual({ reason: 'SECOND_FACTOR', methods: ['TOTP', 'RECOVERY_CODE'] });
    const input = { token: String(signInToken), code: codeAt(secret, now + STEP_MS) };
    expect((await app.data(FinishLogin, { input })).finishLogin.user.username).toBe('thorough');
  });

  it('may have neither a name nor a mail address there', async () => {
    const { signUp } = await outcomeOf({ sub: '12345' });
    expect(signUp).toMatchObject({ username: null, displayName: null, email: null });
    const made = await app.data(Register, { input: { token: present(signUp).token, username: 'numbered' } });
    expect(made.registerWithOidc.user.displayName).toBe('numbered');
  });

  it('is asked by mail whether an address is theirs that the issuer has not verified', async () => {
    const user = await member({ sub: 'unsure', email: 'unsure@example.com', email_verified: false }, 'unsure');
    expect((await app.data(Mine, {}, user)).me).toMatchObject({ email: 'unsure@example.com', emailVerified: false });
    await app.data(Confirm, { input: { token: secretIn((await smtp.mailsTo('unsure@example.com'))[0] ?? {}) } });
    expect(present((await app.data(Mine, {}, user)).me).emailVerified).toBe(true);
  });

  it.each([
    ['a name that is taken', 'admiral', 'CONFLICT', 'TAKEN', 'chooser_a'],
    ['a name that can be taken for another', 'adrniral', 'CONFLICT', 'MISLEADING', 'chooser_b'],
    ['a reserved name', 'admin', 'BAD_USER_INPUT', 'RESERVED', 'chooser_c'],
  ])('cannot choose %s, and may choose again', async (_what, username, code, field, other) => {
    const { signUp } = await outcomeOf({ sub: other });
    const token = present(signUp).token;
    expect((await app.execute(Register, { input: { token, username } })).errors?.[0]?.extensions).toMatchObject({
      code,
      fields: [{ path: 'input.username', code: field }],
    });
    expect((await app.execute(Register, { input: { token, username: other } })).errors).toBeUndefined();
  });

  it('makes one account, however often it is asked for', async () => {
    const { signUp } = await outcomeOf({ sub: 'twice' });
    const { token } = present(signUp);
    const codes = await Promise.all(['twice_a', 'twice_b'].map((username) => app.code(Register, { input: { token, username } })));
    expect(codes).toHaveLength(2);
    expect(new Set(codes)).toEqual(new Set(['CONFLICT', undefined]));
  });

  it('makes none with a token that was made up, changed, or is old', async () => {
    const { signUp } = await outcomeOf({ sub: 'slow' });
    const { token } = present(signUp);
    const [body = '', signature = ''] = token.split('.');
    const changed = Buffer.from(Buffer.from(body, 'base64url').toString().replace('slow', 'fast')).toString('base64url');
    for (const bad of ['', 'x.y', `${changed}.${signature}`, body])
      expect(await app.code(Register, { input: { token: bad, username: 'slow' } })).toBe('BAD_USER_INPUT');
    now += 31 * 60_000;
    expect(await app.code(Register, { input: { token, username: 'slow' } })).toBe('BAD_USER_INPUT');
  });

  it('as a guest keeps what they are, and has an account', async () => {
    const guest = await aGuest(app, 'Wanderer');
    const { signUp } = await outcomeOf({ sub: 'wanderer', name: 'Somebody Else' });
    const input = { token: present(signUp).token, username: 'wanderer' };
    const { registerWithOidc } = await app.data(Register, { input }, guest);
    expect(registerWithOidc).toMatchObject({ user: { id: guest.id, displayName: 'Wanderer', role: 'MEMBER' }, credentials: null });
    expect((await outcomeOf({ sub: 'wanderer' })).user?.id).toBe(guest.id);
  });

  it('to a suspended account is told so', async () => {
    const user = await member({ sub: 'loud' }, 'loud');
    await app.data(Suspend, { userId: user.id }, await app.userWithRole('chief', 'ADMIN'));
    expect(await refusal(await comeBack({ sub: 'loud' }))).toMatchObject({ code: 'LOCKED', reason: 'spam' });
  });

  it('from a device that is new is told of it by mail', async () => {
    await member({ sub: 'mobile', email: 'mobile@example.com', email_verified: true }, 'mobile');
    const input = await comeBack({ sub: 'mobile', email: 'mobile@example.com', email_verified: true });
    await app.data(Login, { input }, { headers: { 'user-agent': 'Lynx/2.9' } });
    expect((await smtp.mailsTo('mobile@example.com'))[0]?.subject).toBe('A new device has signed in');
  });
});

describe('a mail address that an issuer has verified', () => {
  const confirmed = async (username: string): Promise<TestUser> => {
    const user = await app.user(username);
    await app.data(Confirm, { input: { token: secretIn((await smtp.mailsTo(`${username}@example.com`))[0] ?? {}) } });
    return user;
  };

  it('finds the account that has confirmed it, whose owner is told', async () => {
    const { id } = await confirmed('owner');
    expect((await outcomeOf({ sub: 'o', email: 'OWNER@example.com', email_verified: true })).user?.id).toBe(id);
    expect((await smtp.mailsTo('owner@example.com', 2))[1]?.text).toContain('sign in to your account owner at Lyceum with The House');
    expect((await outcomeOf({ sub: 'o' })).user?.id).toBe(id);
  });

  it('finds no account that has not confirmed it', async () => {
    await app.user('hijacker');
    expect((await outcomeOf({ sub: 'h', email: 'hijacker@example.com', email_verified: true })).user).toBeNull();
  });

  it('finds none when the issuer has not verified it after all', async () => {
    await confirmed('careful');
    expect((await outcomeOf({ sub: 'c', email: 'careful@example.com', email_verified: false })).user).toBeNull();
  });
});

describe('what comes back from an issuer', () => {
  it('is good once', async () => {
    const input = await comeBack({ sub: 'once' });
    expect((await finish(input)).errors).toBeUndefined();
    expect(await refusal(input)).toMatchObject(ENDED);
  });

  it('is good in the browser that has begun, and in no other', async () => {
    const input = await comeBack({ sub: 'attacker' });
    const { secret } = await begin();
    expect(await refusal({ ...input, secret })).toMatchObject(ENDED);
    expect((await finish(input)).errors).toBeUndefined();
  });

  it('is good for ten minutes', async () => {
    const input = await comeBack({ sub: 'sleepy' });
    now += 601_000;
    expect(await refusal(input)).toMatchObject(ENDED);
  });

  it('has a code that was not used before, and is of this sign-in', async () => {
    const used = await comeBack({ sub: 'replayed' });
    await finish(used);
    const other = await comeBack({ sub: 'replayed' });
    expect(await refusal({ ...other, code: used.code })).toMatchObject(REFUSED);
    const [one, two] = [await comeBack({ sub: 'replayed' }), await comeBack({ sub: 'replayed' })];
    expect(await refusal({ ...one, code: two.code })).toMatchObject(REFUSED);
  });

  it('names the issuer that was asked', async () => {
    const input = await comeBack({ sub: 'mixed' });
    expect(await refusal({ ...input, iss: 'https://evil.example' })).toMatchObject(REFUSED);
  });

  it.each([
    ['of another issuer', { iss: 'https://evil.example' }],
    ['for another audience', { aud: PUBLIC_CLIENT }],
    ['with another nonce', { nonce: 'of another sign-in' }],
    ['that has expired', { exp: Math.floor(Date.now() / 1_000) - 3_600 }],
  ])('is no ID token %s', async (_what, changes) => {
    provider.tamper = (claims) => ({ ...claims, ...changes });
    expect(await refusal(await comeBack({ sub: 'forged' }))).toMatchObject(REFUSED);
  });

  it('is no ID token with the signature of somebody else', async () => {
    provider.tamper = (claims) => claims;
    provider.forger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    expect(await refusal(await comeBack({ sub: 'signed' }))).toMatchObject(REFUSED);
    provider.forger = null;
    expect(await refusal(await comeBack({ sub: 'signed' }))).toBeUndefined();
  });

  it('may go to another address that the operator has named, and to no other', async () => {
    const begun = await begin('house', { redirectUri: 'https://app.example/back' });
    expect(new URL(begun.url).searchParams.get('redirect_uri')).toBe('https://app.example/back');
    expect((await finish(await comeBack({ sub: 'elsewhere' }, begun))).errors).toBeUndefined();
    expect(
      (await app.execute(Start, { input: { issuer: 'house', redirectUri: 'https://evil.example/' } })).errors?.[0]?.extensions,
    ).toMatchObject({
      code: 'BAD_USER_INPUT',
      fields: [{ path: 'input.redirectUri', code: 'NOT_ALLOWED' }],
    });
  });

  it('leaves nothing behind', async () => {
    await begin();
    now += 601_000;
    await app.runTask('account.sweepOidc');
    expect(await app.database.query('SELECT 1 FROM oidc_attempt')).toEqual([]);
  });
});

describe('an issuer', () => {
  it('that is away makes only its own sign-in fail', async () => {
    const { errors } = await app.execute(Start, { input: { issuer: 'away' } });
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'UNAVAILABLE', issuer: 'away' });
    expect((await outcomeOf({ sub: 'grace' })).user?.username).toBe('admiral');
  });

  it('that goes away between is tried again by who begins anew', async () => {
    const input = await comeBack({ sub: 'grace' });
    await provider.beAway(true);
    expect(await refusal(input)).toMatchObject({ code: 'UNAVAILABLE', issuer: 'house' });
    await provider.beAway(false);
    expect((await outcomeOf({ sub: 'grace' })).user?.username).toBe('admiral');
  });

  it('that takes the secret in the form alone gets it there', async () => {
    const strict = await startProvider([RETURN], 'client_secret_post');
    const env = {
      OIDC_ISSUERS: JSON.stringify([{ name: 'strict', issuer: strict.issuer, ...CLIENT }]),
      PUBLIC_URL: 'https://lyceum.example',
    };
    const other = await startTestApp({ env, database: app.database });
    try {
      strict.person = { sub: 'poster' };
      const { url, secret } = (await other.data(Start, { input: { issuer: 'strict' } })).startOidc;
      const query = await strict.travel(url);
      const input = { state: query.get('state') ?? '', code: query.get('code') ?? '', iss: query.get('iss'), secret };
      const { data, errors } = await other.execute(Login, { input });
      expect(errors).toBeUndefined();
      expect(data?.loginWithOidc?.signUp?.token).toEqual(expect.any(String));
      expect(strict.authorizations).toEqual([null]);
    } finally {
      await other.stop();
      await strict.stop();
    }
  });

  it('that nobody knows is refused', async () => {
    expect(await app.code(Start, { input: { issuer: 'nobody' } })).toBe('BAD_USER_INPUT');
  });

  it('that has other keys is followed', async () => {
    provider.rotate();
    await expect.poll(async () => (await finish(await comeBack({ sub: 'grace' }))).data?.loginWithOidc?.user?.username).toBe('admiral');
  });
});

describe.each([
  ['makes no accounts', { createAccounts: false }, {}],
  ['is of a server that makes none', {}, { REGISTRATION: 'closed' }],
])('an issuer that %s', (_what, settings, env) => {
  it('lets in who has one, and nobody else', async () => {
    const issuers = JSON.stringify([{ name: 'house', issuer: provider.issuer, clientId: PUBLIC_CLIENT, ...settings }]);
    const other = await startTestApp({
      env: { ...env, OIDC_ISSUERS: issuers, PUBLIC_URL: 'https://lyceum.example' },
      database: app.database,
    });
    const come = async (person: Person) => {
      const input = await comeBack(person, (await other.data(Start, { input: { issuer: 'house' } })).startOidc);
      return await other.execute(Login, { input });
    };
    try {
      expect((await come({ sub: 'grace' })).data?.loginWithOidc?.user?.username).toBe('admiral');
      expect((await come({ sub: 'stranger' })).errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN', reason: 'NO_ACCOUNT' });
    } finally {
      await other.stop();
    }
  });
});

describe('where one needs an invitation', () => {
  it('an account by an issuer needs one, too, and the address of who is unknown is confirmed by mail', async () => {
    const issuers = JSON.stringify([{ name: 'house', issuer: provider.issuer, clientId: PUBLIC_CLIENT }]);
    const env = { REGISTRATION: 'invitation', OIDC_ISSUERS: issuers, PUBLIC_URL: 'https://lyceum.example' };
    const other = await startTestApp({ env, database: app.database });
    try {
      const begun = (await other.data(Start, { input: { issuer: 'house' } })).startOidc;
      const { data } = await other.execute(Login, { input: await comeBack({ sub: 'invited' }, begun) });
      const input = { token: present(data?.loginWithOidc?.signUp).token, username: 'invited' };
      const { errors } = await other.execute(Register, { input });
      expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path: 'input.invitation', code: 'REQUIRED' }] });
      const chief = await app.userWithRole('inviter', 'ADMIN');
      const { code: invitation } = (await app.data(Invite, {}, chief)).createInvitation;
      const made = await other.data(Register, { input: { ...input, invitation } });
      expect(made.registerWithOidc.user.username).toBe('invited');
    } finally {
      await other.stop();
    }
  });
});
