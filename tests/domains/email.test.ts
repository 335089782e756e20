import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { graphql, present } from '../kit/graphql.js';
import { secretIn, startSmtp, type TestSmtp } from '../kit/smtp.js';

const PASSWORD = 'correct horse battery staple';
let smtp: TestSmtp;
let app: TestApp;
let now = Date.now();

beforeAll(async () => {
  smtp = await startSmtp();
  app = await startTestApp({ env: { SMTP_URL: smtp.url, MAIL_FROM: 'mail@lyceum.example' }, clock: { now: () => now } });
});
afterAll(async () => {
  await app.stop();
  await smtp.stop();
});

const Register = graphql(`mutation EmailRegister($input: RegisterInput!) {
  register(input: $input) { user { id username } credentials { accessToken refreshToken } }
}`);
const Login = graphql(`mutation EmailLogin($input: LoginInput!) { login(input: $input) { user { username } } }`);
const Verify = graphql(`mutation EmailVerify($input: VerifyEmailInput!) { verifyEmail(input: $input) { user { username } } }`);
const Resend = graphql(`mutation EmailResend { resendVerification { ok } }`);
const Change = graphql(
  `mutation EmailChange($input: ChangeEmailInput!) { changeEmail(input: $input) { me { email emailVerified pendingEmail } } }`,
);
const Mine = graphql(`query EmailMine { me { email emailVerified pendingEmail } }`);

const register = async (username: string, email = `${username}@example.com`): Promise<TestUser> => {
  const { user, credentials } = (await app.data(Register, { input: { username, email, password: PASSWORD } })).register;
  return { ...user, token: credentials.accessToken, refreshToken: present(credentials.refreshToken) };
};
const secretTo = async (address: string, count = 1): Promise<string> => secretIn((await smtp.mailsTo(address, count)).at(-1) ?? {});
const verify = (token: string) => app.execute(Verify, { input: { token } });
const verified = async (username: string): Promise<TestUser> => {
  const user = await register(username);
  expect((await verify(await secretTo(`${username}@example.com`))).errors).toBeUndefined();
  return user;
};
const mine = async (as: TestUser) => present((await app.data(Mine, {}, as)).me);
const login = (identifier: string) => app.execute(Login, { input: { identifier, password: PASSWORD } });
const change = (as: TestUser, email: string, password = PASSWORD) => app.execute(Change, { input: { email, password } }, as);
const linkIsRefused = async (token: string): Promise<void> => {
  expect((await verify(token)).errors?.[0]?.extensions).toMatchObject({
    code: 'BAD_USER_INPUT',
    fields: [{ path: 'input.token', code: 'NOT_FOUND' }],
  });
};

describe('the address of a new account', () => {
  it('is its own once the link is opened that was sent there, and signs in from then on', async () => {
    const ada = await register('ada', 'Ada@Example.com');
    expect(await mine(ada)).toEqual({ email: 'Ada@Example.com', emailVerified: false, pendingEmail: 'Ada@Example.com' });
    expect((await login('ada@example.com')).errors?.[0]?.extensions?.['code']).toBe('UNAUTHENTICATED');
    expect((await verify(await secretTo('Ada@example.com'))).data?.verifyEmail?.user.username).toBe('ada');
    expect(await mine(ada)).toEqual({ email: 'Ada@Example.com', emailVerified: true, pendingEmail: null });
    expect((await login('ADA@example.com')).data?.login?.user.username).toBe('ada');
  });

  it('is confirmed once by each link', async () => {
    await register('twice');
    const secret = await secretTo('twice@example.com');
    expect((await Promise.all([verify(secret), verify(secret)])).filter(({ errors }) => errors === undefined)).toHaveLength(1);
    await linkIsRefused(secret);
  });

  it('is not confirmed by a link that has ended, or by none', async () => {
    await register('late');
    const secret = await secretTo('late@example.com');
    now += 3 * 24 * 60 * 60 * 1_000;
    await linkIsRefused(secret);
    await linkIsRefused('0'.repeat(64));
  });

  it('is confirmed by a link that is sent again', async () => {
    const patient = await register('patient');
    await secretTo('patient@example.com');
    expect(await app.data(Resend, {}, patient)).toEqual({ resendVerification: { ok: true } });
    expect((await verify(await secretTo('patient@example.com', 2))).errors).toBeUndefined();
    expect(await app.code(Resend, {}, patient)).toBe('CONFLICT');
  });

  it.each([
    ['buecher', 'x@Bücher.example', 'X@BÜCHER.example', 'x@bücher.example'],
    ['jose', 'jose\u0301@example.org', 'JOSÉ@example.org', 'josé@example.org'],
  ])('of %s is the same in another form', async (username, written, other, envelope) => {
    await register(username, written);
    await verify(await secretTo(envelope));
    expect((await login(other)).data?.login?.user.username).toBe(username);
  });

  it.each([
    'a@b',
    'a..b@example.com',
    'a b@example.com',
    'a@exa mple.com',
    'a@1.2.3.4',
    'a@-x.com',
    'a@x..com',
    '@example.com',
    'a,b@c.de@',
    '"a"@b.de',
  ])('is not %j', async (email) => {
    const { errors } = await app.execute(Register, { input: { username: 'nobody', email, password: PASSWORD } });
    expect(errors?.[0]?.extensions).toMatchObject({ fields: [{ path: 'input.email', code: 'INVALID_FORMAT' }] });
  });
});

describe('an address that somebody else has', () => {
  it('gets the same answer, and its owner is told', async () => {
    await verified('owner');
    const other = await register('intruder', 'OWNER@example.com');
    expect(await mine(other)).toEqual({ email: 'OWNER@example.com', emailVerified: false, pendingEmail: 'OWNER@example.com' });
    const mail = (await smtp.mailsTo('owner@example.com', 2))[1];
    expect(mail?.subject).toBe('You have an account already');
    expect(mail?.text).toContain('your account owner');
    expect(mail?.text).not.toContain('intruder');
    expect((await login('owner@example.com')).data?.login?.user.username).toBe('owner');
  });

  it('is told in the same way when an account asks for it', async () => {
    await verified('holder');
    const asking = await verified('asking');
    expect((await change(asking, 'holder@example.com')).data?.changeEmail?.me.pendingEmail).toBe('holder@example.com');
    expect((await smtp.mailsTo('holder@example.com', 2))[1]?.subject).toBe('You have an account already');
  });

  it('belongs to the first of two who confirm it', async () => {
    await register('first', 'both@example.com');
    await register('second', 'both@example.com');
    const [one, two] = (await smtp.mailsTo('both@example.com', 2)).map(secretIn);
    expect((await verify(one ?? '')).errors).toBeUndefined();
    expect((await verify(two ?? '')).errors?.[0]?.extensions).toMatchObject({
      code: 'CONFLICT',
      fields: [{ path: 'input.token', code: 'TAKEN' }],
    });
  });
});

describe('changing the address', () => {
  it('takes effect with the link to the new one, and tells the old one', async () => {
    const mover = await verified('mover');
    expect((await change(mover, 'moved@example.com')).data?.changeEmail?.me).toEqual({
      email: 'mover@example.com',
      emailVerified: true,
      pendingEmail: 'moved@example.com',
    });
    expect((await login('mover@example.com')).errors).toBeUndefined();
    await verify(await secretTo('moved@example.com'));
    expect((await smtp.mailsTo('mover@example.com', 2))[1]?.subject).toBe('Your mail address has been changed');
    expect((await login('mover@example.com')).errors).toBeDefined();
    expect((await login('moved@example.com')).data?.login?.user.username).toBe('mover');
  });

  it('takes the password', async () => {
    const careful = await verified('careful');
    expect((await change(careful, 'thief@example.com', 'wrong')).errors?.[0]?.extensions).toMatchObject({
      code: 'BAD_USER_INPUT',
      fields: [{ path: 'input.password', code: 'NOT_ALLOWED' }],
    });
    expect(await mine(careful)).toMatchObject({ pendingEmail: null });
  });

  it('leaves no link good for an address that was asked for before', async () => {
    const fickle = await verified('fickle');
    await change(fickle, 'one@example.com');
    const secret = await secretTo('one@example.com');
    await change(fickle, 'two@example.com');
    await linkIsRefused(secret);
    await change(fickle, 'fickle@example.com');
    await linkIsRefused(await secretTo('two@example.com'));
    expect(await mine(fickle)).toEqual({ email: 'fickle@example.com', emailVerified: true, pendingEmail: null });
  });
});
