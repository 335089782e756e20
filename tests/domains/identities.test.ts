import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PASSWORD, startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aGuest } from '../kit/factories.js';
import { graphql, present } from '../kit/graphql.js';
import { CLIENT, startProvider, type TestProvider } from '../kit/oidc-provider.js';
import { secretIn, startSmtp, type TestSmtp } from '../kit/smtp.js';

let smtp: TestSmtp;
let provider: TestProvider;
let app: TestApp;
let now = Date.now();

beforeAll(async () => {
  smtp = await startSmtp();
  provider = await startProvider(['https://lyceum.example/sign-in/oidc']);
  const issuers = [{ name: 'house', label: 'The House', issuer: provider.issuer, ...CLIENT }];
  const env = {
    OIDC_ISSUERS: JSON.stringify(issuers),
    PUBLIC_URL: 'https://lyceum.example',
    SMTP_URL: smtp.url,
    MAIL_FROM: 'mail@lyceum.example',
    JWT_ACCESS_TTL_SECONDS: '3600',
  };
  app = await startTestApp({ env, clock: { now: () => now } });
});
afterAll(async () => {
  await app.stop();
  await provider.stop();
  await smtp.stop();
});

const Start = graphql(`mutation IdentityStart($input: StartOidcInput!) { startOidc(input: $input) { url secret } }`);
const Link = graphql(`mutation IdentityLink($input: LinkIdentityInput!) {
  linkIdentity(input: $input) { identity { id subject } me { identities { subject } } }
}`);
const Unlink = graphql(
  `mutation IdentityUnlink($id: ID!) { unlinkIdentity(input: { identityId: $id }) { identityId me { identities { id } } } }`,
);
const Login = graphql(`mutation IdentityLogin($input: LoginWithOidcInput!) {
  loginWithOidc(input: $input) { user { id } credentials { accessToken } signUp { token } }
}`);
const Register = graphql(`mutation IdentityRegister($input: RegisterWithOidcInput!) {
  registerWithOidc(input: $input) { user { id } credentials { accessToken } }
}`);
const Mine = graphql(`query IdentityMine { me { hasPassword identities { id } } }`);
const ChangePassword = graphql(`mutation IdentityPassword($input: ChangePasswordInput!) {
  changePassword(input: $input) { credentials { accessToken } }
}`);
const ChangeEmail = graphql(`mutation IdentityEmail($input: ChangeEmailInput!) { changeEmail(input: $input) { me { pendingEmail } } }`);
const Confirm = graphql(`mutation IdentityConfirm($input: VerifyEmailInput!) { verifyEmail(input: $input) { user { id } } }`);

type As = Pick<TestUser, 'token'>;
const begin = (as?: As, purpose: 'LINK' | 'SIGN_IN' = 'LINK', password: string | null = PASSWORD) =>
  app.execute(Start, { input: { issuer: 'house', purpose, password } }, as);
const comeBack = async (sub: string, begun: Awaited<ReturnType<typeof begin>>) => {
  provider.person = { sub };
  const { url, secret } = present(begun.data?.startOidc);
  const query = await provider.travel(url);
  return { state: query.get('state') ?? '', code: query.get('code') ?? '', iss: query.get('iss'), secret };
};
const link = async (as: As, sub: string) => app.execute(Link, { input: await comeBack(sub, await begin(as)) }, as);
const linked = async (as: As, sub: string): Promise<string> => present((await link(as, sub)).data?.linkIdentity).identity.id;
const signIn = async (sub: string) =>
  (await app.data(Login, { input: await comeBack(sub, await begin(undefined, 'SIGN_IN')) })).loginWithOidc;
/** Somebody with an identity and nothing else. */
const withoutPassword = async (username: string): Promise<As> => {
  const { token } = present((await signIn(username)).signUp);
  const { credentials } = (await app.data(Register, { input: { token, username } })).registerWithOidc;
  return { token: present(credentials).accessToken };
};
const codeOf = ({ errors }: { readonly errors?: readonly { readonly extensions?: object }[] }) => errors?.[0]?.extensions;

describe('an identity', () => {
  it('is linked by a viewer who shows that the account is theirs, and signs in from then on; its owner is told', async () => {
    const ada = await app.user('ada');
    await app.data(Confirm, { input: { token: secretIn((await smtp.mailsTo('ada@example.com'))[0] ?? {}) } });
    expect(codeOf(await begin(ada, 'LINK', 'wrong'))).toMatchObject({ fields: [{ path: 'input.password', code: 'NOT_ALLOWED' }] });
    expect(codeOf(await begin(ada, 'LINK', null))).toMatchObject({ fields: [{ path: 'input.password', code: 'REQUIRED' }] });
    expect((await link(ada, 'a')).data?.linkIdentity).toMatchObject({ identity: { subject: 'a' }, me: { identities: [{ subject: 'a' }] } });
    expect((await signIn('a')).user?.id).toBe(ada.id);
    expect((await smtp.mailsTo('ada@example.com', 2))[1]?.subject).toBe('Your account has another way to sign in');
  });

  it('is linked once, and to one account', async () => {
    const [bob, eve] = [await app.user('bob'), await app.user('eve')];
    expect(await linked(bob, 'b')).toBe(await linked(bob, 'b'));
    expect(codeOf(await link(eve, 'b'))).toMatchObject({ code: 'CONFLICT', reason: 'IDENTITY_TAKEN' });
  });

  it('is not linked by another than who has begun, nor signed in by what was begun to link it', async () => {
    const [carl, mallory] = [await app.user('carl'), await app.user('mallory')];
    const input = await comeBack('m', await begin(mallory));
    const ended = { code: 'BAD_USER_INPUT', fields: [{ path: 'input.state', code: 'NOT_FOUND' }] };
    expect(codeOf(await app.execute(Link, { input }, carl))).toMatchObject(ended);
    expect(codeOf(await app.execute(Login, { input }))).toMatchObject(ended);
    expect((await app.execute(Link, { input }, mallory)).errors).toBeUndefined();
  });

  it('is linked neither by nobody nor by a guest', async () => {
    expect(codeOf(await begin())).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(codeOf(await begin(await aGuest(app)))).toMatchObject({ code: 'FORBIDDEN' });
  });

  it('that was unlinked signs in no more', async () => {
    const dora = await app.user('dora');
    const id = await linked(dora, 'd');
    expect((await app.data(Unlink, { id }, dora)).unlinkIdentity).toEqual({ identityId: id, me: { identities: [] } });
    expect((await signIn('d')).user).toBeNull();
    expect(await app.code(Unlink, { id }, dora)).toBe('NOT_FOUND');
  });

  it('of somebody else is not there', async () => {
    const [finn, gina] = [await app.user('finn'), await app.user('gina')];
    const id = await linked(finn, 'f');
    expect(await app.code(Unlink, { id }, gina)).toBe('NOT_FOUND');
    expect(await app.data('query ($id: ID!) { node(id: $id) { id } }', { id }, gina)).toEqual({ node: null });
    expect(await app.data('query ($id: ID!) { node(id: $id) { id } }', { id }, finn)).toEqual({ node: { id } });
  });
});

describe('who has no password', () => {
  it('does not lose the last way in', async () => {
    const solo = await withoutPassword('solo');
    const [identity] = present((await app.data(Mine, {}, solo)).me).identities;
    const id = present(identity).id;
    expect(codeOf(await app.execute(Unlink, { id }, solo))).toMatchObject({ code: 'CONFLICT', reason: 'LAST_WAY_IN' });
    const other = present(
      (await app.execute(Link, { input: await comeBack('solo2', await begin(solo, 'LINK', null)) }, solo)).data?.linkIdentity,
    );
    const codes = await Promise.all([id, other.identity.id].map((each) => app.code(Unlink, { id: each }, solo)));
    expect(codes).toHaveLength(2);
    expect(new Set(codes)).toEqual(new Set(['CONFLICT', undefined]));
  });

  it('sets the first one, and an address, a moment after signing in', async () => {
    const fresh = await withoutPassword('fresh');
    expect((await app.data(ChangeEmail, { input: { email: 'fresh@example.com' } }, fresh)).changeEmail.me.pendingEmail).toBe(
      'fresh@example.com',
    );
    const { changePassword } = await app.data(ChangePassword, { input: { newPassword: PASSWORD } }, fresh);
    const { accessToken: token } = changePassword.credentials;
    expect(present((await app.data(Mine, {}, { token })).me).hasPassword).toBe(true);
    expect(await app.code(ChangePassword, { input: { newPassword: 'another one of mine' } }, { token })).toBe('BAD_USER_INPUT');
  });

  it('is asked to sign in again when that was a while ago', async () => {
    const stale = await withoutPassword('stale');
    now += 16 * 60_000;
    expect(codeOf(await app.execute(ChangeEmail, { input: { email: 'stale@example.com' } }, stale))).toMatchObject({
      code: 'FORBIDDEN',
      reason: 'SIGN_IN_AGAIN',
    });
    now = Date.now();
  });
});
