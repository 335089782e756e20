import { generateKeyPairSync } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { graphql, present } from '../kit/graphql.js';
import { secretIn, startSmtp, type TestSmtp } from '../kit/smtp.js';

const PASSWORD = 'correct horse battery staple';
const OTHER = 'seven umbrellas in a teapot';
const env = {
  MAIL_FROM: 'mail@lyceum.example',
  PASSWORD_MIN_SCORE: '3',
  JWT_PRIVATE_KEY: generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
};
let smtp: TestSmtp;
let app: TestApp;
let now = Date.now();

beforeAll(async () => {
  smtp = await startSmtp();
  app = await startTestApp({ env: { ...env, SMTP_URL: smtp.url }, clock: { now: () => now } });
});
afterAll(async () => {
  await app.stop();
  await smtp.stop();
});

const Register = graphql(`mutation PasswordRegister($input: RegisterInput!) {
  register(input: $input) { user { id username } credentials { accessToken refreshToken } }
}`);
const Login = graphql(`mutation PasswordLogin($input: LoginInput!) { login(input: $input) { credentials { accessToken refreshToken } } }`);
const Refresh = graphql(
  `mutation PasswordRefresh($input: RefreshSessionInput!) { refreshSession(input: $input) { credentials { accessToken } } }`,
);
const Estimate = graphql(
  `mutation PasswordEstimate($input: EstimatePasswordInput!) { estimatePassword(input: $input) { score isStrongEnough weakness } }`,
);
const Change = graphql(
  `mutation PasswordChange($input: ChangePasswordInput!) { changePassword(input: $input) { credentials { accessToken refreshToken } } }`,
);
const Ask = graphql(`mutation PasswordAsk($input: RequestPasswordResetInput!) { requestPasswordReset(input: $input) { ok } }`);
const Reset = graphql(`mutation PasswordReset($input: ResetPasswordInput!) { resetPassword(input: $input) { user { username } } }`);
const Verify = graphql(`mutation PasswordVerify($input: VerifyEmailInput!) { verifyEmail(input: $input) { user { username } } }`);
const Mine = graphql(`query PasswordMine { me { email emailVerified } }`);

const register = async (username: string, password = PASSWORD): Promise<TestUser> => {
  const input = { username, email: `${username}@example.com`, password };
  const { user, credentials } = (await app.data(Register, { input })).register;
  return { ...user, token: credentials.accessToken, refreshToken: present(credentials.refreshToken) };
};
const verified = async (username: string): Promise<TestUser> => {
  const user = await register(username);
  const [mail] = await smtp.mailsTo(`${username}@example.com`);
  await app.data(Verify, { input: { token: secretIn(mail ?? {}) } });
  return user;
};
const signIn = async (user: TestUser, password = PASSWORD): Promise<TestUser> => {
  const { credentials } = (await app.data(Login, { input: { identifier: user.username, password } })).login;
  return { ...user, token: credentials.accessToken, refreshToken: present(credentials.refreshToken) };
};
const isSignedIn = async (user: TestUser): Promise<boolean> => {
  const answers = [await app.execute(Mine, {}, user), await app.execute(Refresh, { input: { refreshToken: user.refreshToken } })];
  return answers.every(({ errors }) => errors === undefined);
};
const estimate = async (password: string, more: object = {}) =>
  (await app.data(Estimate, { input: { password, ...more } })).estimatePassword;
const fieldOf = async (response: Promise<{ errors?: readonly { extensions?: Readonly<Record<string, unknown>> }[] | undefined }>) =>
  ((await response).errors?.[0]?.extensions?.['fields'] as object[] | undefined)?.[0];
const ask = (email: string) => app.data(Ask, { input: { email } });
const askedBy = async (username: string, count = 2): Promise<string> => {
  await ask(`${username}@example.com`);
  return secretIn((await smtp.mailsTo(`${username}@example.com`, count)).at(-1) ?? {});
};
const reset = (token: string, newPassword = OTHER) => app.execute(Reset, { input: { token, newPassword } });

describe('a new password', () => {
  it.each([
    ['one of the commonest', 'iloveyou', 'COMMON'],
    ['one of the commonest with signs for letters', 'P@ssw0rd1', 'COMMON'],
    ['keys side by side', 'qwertzuiop', 'KEYBOARD'],
    ['one letter, two hundred times', 'a'.repeat(200), 'REPETITION'],
    ['a date', '19900101', 'DATE'],
    ['the own names and a year', 'weak.lovelace1815', 'PERSONAL'],
    ['the own address', 'weak@example.com', 'PERSONAL'],
  ])('is not %s', async (_what, password, weakness) => {
    const input = { username: 'weak', email: 'weak@example.com', displayName: 'Ada Lovelace', password };
    expect(await fieldOf(app.execute(Register, { input }))).toMatchObject({
      path: 'input.password',
      code: 'TOO_WEAK',
      params: { min: 3, weakness },
    });
  });

  it.each(['correct horse battery staple', 'x7#Kq9!vLm2', 'fünf zahme Otter am Zaun', '海の見える静かな図書館で'])(
    'may be %j',
    async (password) => {
      expect(await estimate(password)).toEqual({ score: 4, isStrongEnough: true, weakness: null });
    },
  );

  it('is estimated in bounded time, whatever it is, while others are served', async () => {
    const hostile = Array.from({ length: 12 }, (_, n) => '4@8({[<36!1|0$5+7%2'.repeat(11).slice(n, n + 200));
    const before = performance.eventLoopUtilization();
    expect(await Promise.all(hostile.map((password) => estimate(password)))).toHaveLength(12);
    expect(performance.eventLoopUtilization(before).utilization).toBeLessThan(0.5);
  });
});

describe('changing the password', () => {
  it('ends all other sessions, and gives this one other tokens', async () => {
    const here = await verified('changer');
    const there = await signIn(here);
    const { changePassword } = await app.data(Change, { input: { currentPassword: PASSWORD, newPassword: OTHER } }, here);
    expect(await isSignedIn(there)).toBe(false);
    expect(await app.code(Refresh, { input: { refreshToken: here.refreshToken } })).toBe('UNAUTHENTICATED');
    const refreshToken = present(changePassword.credentials.refreshToken);
    expect(await isSignedIn({ ...here, token: changePassword.credentials.accessToken, refreshToken })).toBe(true);
    expect(await app.code(Login, { input: { identifier: 'changer', password: PASSWORD } })).toBe('UNAUTHENTICATED');
    expect((await smtp.mailsTo('changer@example.com', 2))[1]?.subject).toBe('Your password has been changed');
  });

  it('takes the present one, and a strong one', async () => {
    const user = await register('keeper');
    const change = (currentPassword: string, newPassword: string) => app.execute(Change, { input: { currentPassword, newPassword } }, user);
    expect(await fieldOf(change('wrong', OTHER))).toMatchObject({ path: 'input.currentPassword', code: 'NOT_ALLOWED' });
    expect(await fieldOf(change(PASSWORD, 'keeper2026'))).toMatchObject({ path: 'input.newPassword', code: 'TOO_WEAK' });
    expect(await isSignedIn(await signIn(user))).toBe(true);
  });
});

describe('a forgotten password', () => {
  it('is replaced by a link that was mailed, which ends all sessions and is good once', async () => {
    const user = await verified('forgetful');
    const secret = await askedBy('forgetful');
    expect((await reset(secret)).data?.resetPassword?.user.username).toBe('forgetful');
    expect(await isSignedIn(user)).toBe(false);
    expect(await isSignedIn(await signIn(user, OTHER))).toBe(true);
    expect((await smtp.mailsTo('forgetful@example.com', 3))[2]?.subject).toBe('Your password has been changed');
    expect(await fieldOf(reset(secret))).toMatchObject({ path: 'input.token', code: 'NOT_FOUND' });
  });

  it('is not replaced by a weak one, which leaves the link good', async () => {
    await verified('hasty');
    const secret = await askedBy('hasty');
    expect(await fieldOf(reset(secret, 'hasty1234'))).toMatchObject({ path: 'input.newPassword', code: 'TOO_WEAK' });
    expect((await reset(secret)).errors).toBeUndefined();
  });

  it('is not replaced by a link that has ended, or was sent before the password changed', async () => {
    const user = await verified('slow');
    const first = await askedBy('slow');
    now += 60 * 60 * 1_000;
    expect(await fieldOf(reset(first))).toMatchObject({ code: 'NOT_FOUND' });
    const second = await askedBy('slow', 3);
    await app.data(Change, { input: { currentPassword: PASSWORD, newPassword: OTHER } }, await signIn(user));
    expect(await fieldOf(reset(second))).toMatchObject({ code: 'NOT_FOUND' });
  });

  it('is replaced by way of an address that was never confirmed, which confirms it', async () => {
    const user = await register('unconfirmed');
    await smtp.mailsTo('unconfirmed@example.com');
    await reset(await askedBy('unconfirmed'));
    expect((await app.data(Mine, {}, await signIn(user, OTHER))).me).toEqual({ email: 'unconfirmed@example.com', emailVerified: true });
  });

  it('asks the database for the same whether or not there is an account', async () => {
    await verified('existing');
    const statements: string[] = [];
    const asking = await startTestApp({
      env: { ...env, JOB_CONCURRENCY: '0' },
      database: app.database,
      onStatement: (sql) => statements.push(sql),
    });
    const askedFor = async (document: typeof Ask | typeof Register, input: object): Promise<string[]> => {
      statements.length = 0;
      await asking.data(document as typeof Ask, { input: input as { email: string } });
      return [...statements];
    };
    try {
      const known = await askedFor(Ask, { email: 'existing@example.com' });
      expect(known.length).toBeGreaterThan(0);
      expect(await askedFor(Ask, { email: 'missing@example.com' })).toEqual(known);
      const account = { password: PASSWORD, username: 'newcomer1', email: 'existing@example.com' };
      const registered = await askedFor(Register, account);
      expect(await askedFor(Register, { ...account, username: 'newcomer2', email: 'nobody@example.com' })).toEqual(registered);
    } finally {
      await asking.stop();
    }
    await ask('nobody.at.all@example.com');
    await verified('afterwards');
    expect(smtp.mails.flatMap(({ recipients }) => recipients)).not.toContain('nobody.at.all@example.com');
  });
});
