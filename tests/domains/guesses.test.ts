import { generateKeyPairSync } from 'node:crypto';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COUNTED, PASSWORD, startTestApp, type TestApp } from '../kit/app.js';
import { graphql, present } from '../kit/graphql.js';
import type { GuessConfirmMutation, GuessLoginMutation } from '../generated/texts/graphql.js';
import { askFrom, newAddress, type Outcome } from '../kit/origins.js';
import { secretIn, startSmtp, type TestSmtp } from '../kit/smtp.js';

/** Each address is somebody else's here. */
const ENV = {
  ...COUNTED,
  TRUST_PROXY: 'true',
  MAIL_FROM: 'mail@lyceum.example',
  JWT_PRIVATE_KEY: generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
};
const FREE = 5;
const HUNTED = 50;
const QUARTER_MS = 15 * 60_000;
const NOBODY = { id: '', username: '', refreshToken: '' };
const DAY_MS = 24 * 60 * 60_000;

const Login = graphql(`
  mutation GuessLogin($input: LoginInput!) {
    login(input: $input) {
      user {
        id
      }
      credentials {
        accessToken
        refreshToken
        deviceToken
      }
    }
  }
`);
const Confirm = graphql(`
  mutation GuessConfirm($input: ConfirmSignInInput!) {
    confirmSignIn(input: $input) {
      user {
        username
      }
      credentials {
        accessToken
        deviceToken
      }
    }
  }
`);
const Verify = graphql(`mutation GuessVerify($input: VerifyEmailInput!) { verifyEmail(input: $input) { user { username } } }`);
const Change = graphql(
  `mutation GuessChange($input: ChangePasswordInput!) { changePassword(input: $input) { credentials { accessToken } } }`,
);
const Unlock = graphql(`mutation GuessUnlock($userId: ID!) { unlockUser(input: { userId: $userId }) { user { id } } }`);
const Suspend = graphql(`mutation GuessSuspend($userId: ID!) { suspendUser(input: { userId: $userId }) { user { id } } }`);

let now = Date.now();

/** What a guess may learn, which must not depend on whether there is such an account. */
interface Guessed extends Pick<Outcome, 'code' | 'reason' | 'message'> {
  readonly retryAfterMs: unknown;
}
const IN = { code: undefined };
const WRONG = { code: 'UNAUTHENTICATED', reason: undefined, message: 'The name or the password is wrong.' };
const DELAYED = { code: 'RATE_LIMITED' };
const BY_MAIL = { code: 'UNAUTHENTICATED', reason: 'CONFIRM_BY_MAIL' };

const login = async (
  app: TestApp,
  address: string,
  identifier: string,
  password: string,
  deviceToken: string | null = null,
): Promise<Guessed> => {
  const { code, reason, message, extensions } = await askFrom(app, address, Login, { identifier, password, deviceToken });
  return { code, reason, retryAfterMs: extensions['retryAfterMs'], message };
};
const times = async (count: number, work: () => Promise<Guessed>): Promise<Guessed[]> => {
  const outcomes: Guessed[] = [];
  for (let n = 0; n < count; n += 1) outcomes.push(await work());
  return outcomes;
};
/** Guesses from many addresses, until more than so many were wrong. */
const hunt = async (app: TestApp, identifier: string, count = HUNTED + 1): Promise<void> => {
  const from = Array.from({ length: Math.ceil(count / FREE) }, newAddress);
  for (const outcome of await Promise.all(
    Array.from({ length: count }, (_, n) => login(app, from[n % from.length] ?? '', identifier, 'no')),
  ))
    expect(outcome).toMatchObject({ code: 'UNAUTHENTICATED' });
};
const deviceOf = async (app: TestApp, identifier: string, deviceToken: string | null = null): Promise<string> =>
  present((await app.data(Login, { input: { identifier, password: PASSWORD, deviceToken } })).login.credentials.deviceToken);

/** What the server does for a guess, but for the values in it. */
const workOf = async (of: TestApp, identifier: string, password = 'no', from = newAddress()): Promise<unknown> => {
  let outcome: Guessed | undefined;
  const statements = await of.countStatements(async () => (outcome = await login(of, from, identifier, password)));
  return { outcome, statements };
};

const lines: Record<string, unknown>[] = [];
const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) });
let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ env: ENV, clock: { now: () => now }, log });
});
afterAll(() => app.stop());

describe('who guesses at a password', () => {
  it('waits longer and longer after five wrong ones, up to a quarter of an hour, and is forgotten after a day', async () => {
    await app.user('ben');
    const from = newAddress();
    const guess = (password = 'no') => login(app, from, 'ben', password);
    for (const outcome of await times(FREE, guess)) expect(outcome).toMatchObject(WRONG);
    for (const wait of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 512_000, QUARTER_MS, QUARTER_MS]) {
      expect(await guess()).toMatchObject(WRONG);
      expect(await guess(PASSWORD)).toMatchObject({ ...DELAYED, retryAfterMs: wait });
      now += wait;
    }
    expect(await guess()).toMatchObject(WRONG);
    now += DAY_MS + 1;
    for (const outcome of await times(FREE, guess)) expect(outcome).toMatchObject(WRONG);
    expect(await guess(PASSWORD)).toMatchObject(IN);
  });

  it('has all of it forgotten by the right one, also that of a suspended account', async () => {
    const [user, admin] = [await app.user('cid'), await app.userWithRole('judge', 'ADMIN')];
    const from = newAddress();
    for (let round = 0; round < 2; round += 1) {
      for (const outcome of await times(FREE, () => login(app, from, 'cid', 'no'))) expect(outcome).toMatchObject(WRONG);
      expect(await login(app, from, 'cid', PASSWORD)).toMatchObject(IN);
    }
    await app.data(Suspend, { userId: user.id }, admin);
    for (let round = 0; round < 2; round += 1) {
      for (const outcome of await times(FREE, () => login(app, from, 'cid', 'no'))) expect(outcome).toMatchObject(WRONG);
      expect(await login(app, from, 'cid', PASSWORD)).toMatchObject({ code: 'LOCKED' });
    }
  });

  it('gets no further by guessing many times at once', async () => {
    await app.user('dee');
    const from = newAddress();
    const outcomes = await Promise.all(Array.from({ length: 4 * FREE }, () => login(app, from, 'dee', 'no')));
    expect(outcomes.filter(({ code }) => code === 'UNAUTHENTICATED')).toHaveLength(FREE + 1);
    expect(outcomes.filter(({ code }) => code === 'RATE_LIMITED')).toHaveLength(3 * FREE - 1);
  });

  it('gets no further by many fields of one document', async () => {
    await app.user('eve');
    const from = newAddress();
    const fields = [1, 2].map((n) => `g${n}: login(input: { identifier: "eve", password: "no ${n}" }) { user { id } }`);
    const guessed = async () => {
      const { errors } = await app.execute(`mutation { ${fields.join('\n')} }`, {}, { headers: { 'x-forwarded-for': from } });
      return errors?.map(({ extensions }) => extensions?.['code']);
    };
    const wrong = ['UNAUTHENTICATED', 'UNAUTHENTICATED'];
    expect([await guessed(), await guessed(), await guessed()]).toEqual([wrong, wrong, wrong]);
    expect(await guessed()).toEqual(['RATE_LIMITED', 'RATE_LIMITED']);
    // More of them cost more than one document may.
    fields.push(...fields.map((field) => `more_${field}`));
    expect(await guessed()).toEqual(['OPERATION_TOO_COMPLEX']);
  });

  it('gets no further by many operations of one socket', async () => {
    await app.user('fay');
    const socket = app.connect();
    const operations = Array.from({ length: 10 }, () => socket.execute(Login, { input: { identifier: 'fay', password: 'no' } }));
    const codes = (await Promise.all(operations)).map(({ errors }) => errors?.[0]?.extensions?.['code']);
    expect(codes.filter((code) => code === 'UNAUTHENTICATED')).toHaveLength(FREE + 1);
    expect(codes.filter((code) => code === 'RATE_LIMITED')).toHaveLength(10 - FREE - 1);
  });

  it('waits in each process, and after a restart', async () => {
    await app.user('gus');
    const from = newAddress();
    const start = () => startTestApp({ env: ENV, clock: { now: () => now }, database: app.database });
    const other = await start();
    await times(FREE - 2, () => login(app, from, 'gus', 'no'));
    await times(3, () => login(other, from, 'gus', 'no'));
    expect(await login(app, from, 'gus', PASSWORD)).toMatchObject(DELAYED);
    await other.stop();
    const again = await start();
    expect(await login(again, from, 'gus', PASSWORD)).toMatchObject(DELAYED);
    await again.stop();
  });

  it('waits no longer once an administrator has unlocked the account', async () => {
    const [user, admin] = [await app.user('hal'), await app.userWithRole('warden', 'ADMIN')];
    const from = newAddress();
    await times(FREE + 1, () => login(app, from, 'hal', 'no'));
    expect(await login(app, from, 'hal', PASSWORD)).toMatchObject(DELAYED);
    await app.data(Unlock, { userId: user.id }, admin);
    expect(await login(app, from, 'hal', PASSWORD)).toMatchObject(IN);
  });

  it('leaves nothing behind after a day', async () => {
    await login(app, newAddress(), 'nobody-else', 'no');
    now += DAY_MS + 1;
    await login(app, newAddress(), 'nobody-else', 'no');
    await app.runTask('account.sweepGuesses');
    expect(await app.database.query('SELECT failures FROM login_guess')).toEqual([{ failures: 1 }]);
  });

  it('has twice as many free ones with RATE_LIMIT_FACTOR=2, and nothing but free ones with 0', async () => {
    const start = (factor: string) =>
      startTestApp({ env: { ...ENV, RATE_LIMIT_FACTOR: factor }, clock: { now: () => now }, database: app.database });
    const [twice, never] = [await start('2'), await start('0')];
    for (const outcome of await times(2 * FREE + 1, () => login(twice, '10.250.0.1', 'nobody', 'no'))) expect(outcome).toMatchObject(WRONG);
    expect(await login(twice, '10.250.0.1', 'nobody', 'no')).toMatchObject(DELAYED);
    for (const outcome of await times(2 * FREE + 1, () => login(never, '10.250.0.1', 'nobody', 'no'))) expect(outcome).toMatchObject(WRONG);
    await Promise.all([twice.stop(), never.stop()]);
  });

  it('waits by session where they are signed in, and the other sessions do not', async () => {
    const thief = await app.user('ida');
    const { login: own } = await app.data(Login, { input: { identifier: 'ida', password: PASSWORD } });
    const change = (token: string, currentPassword: string) =>
      app.code(Change, { input: { currentPassword, newPassword: PASSWORD } }, { ...thief, token });
    for (let n = 0; n <= FREE; n += 1) expect(await change(thief.token, 'no')).toBe('BAD_USER_INPUT');
    expect(await change(thief.token, PASSWORD)).toBe('RATE_LIMITED');
    expect(await change(own.credentials.accessToken, PASSWORD)).toBeUndefined();
  });
});

describe('whose account is guessed at', () => {
  const home = newAddress();
  let device: string;
  beforeAll(async () => {
    await app.user('kim');
    expect(await login(app, home, 'kim', PASSWORD)).toMatchObject(IN);
    device = await deviceOf(app, 'kim');
    await hunt(app, 'kim');
  });

  it('is at once let in by the right password, from wherever', async () => {
    expect(await login(app, newAddress(), 'KIM', PASSWORD)).toMatchObject(IN);
  });

  it('gets in from a device that signed in before, whatever others do behind its address', async () => {
    const from = newAddress();
    await times(FREE, () => login(app, from, 'kim', 'no'));
    expect(await login(app, from, 'kim', PASSWORD)).toMatchObject(DELAYED);
    expect(await login(app, from, 'kim', PASSWORD, device)).toMatchObject(IN);
  });

  it('may mistype where they have signed in before, as ever, and elsewhere waits half a minute after the second time', async () => {
    for (const outcome of await times(FREE, () => login(app, home, 'kim', 'no'))) expect(outcome).toMatchObject(WRONG);
    expect(await login(app, home, 'kim', PASSWORD)).toMatchObject(IN);
    const away = newAddress();
    for (const outcome of await times(2, () => login(app, away, 'kim', 'no'))) expect(outcome).toMatchObject(WRONG);
    expect(await login(app, away, 'kim', PASSWORD)).toMatchObject({ ...DELAYED, retryAfterMs: 30_000 });
    now += 60 * 60_000 + 1;
    const later = newAddress();
    for (const outcome of await times(FREE, () => login(app, later, 'kim', 'no'))) expect(outcome).toMatchObject(WRONG);
    expect(await login(app, later, 'kim', PASSWORD)).toMatchObject(IN);
  });

  it('is not met by what one address guesses at everybody, but for the wait of an address that is not known', async () => {
    const hunter = newAddress();
    await Promise.all(Array.from({ length: 101 }, (_, n) => login(app, hunter, `nobody-${n}`, 'no')));
    for (const name of ['mia', 'moe']) await app.user(name);
    expect(await login(app, hunter, 'mia', PASSWORD)).toMatchObject(IN);
    for (const outcome of await times(2, () => login(app, hunter, 'moe', 'no'))) expect(outcome).toMatchObject(WRONG);
    expect(await login(app, hunter, 'moe', PASSWORD)).toMatchObject({ ...DELAYED, retryAfterMs: 30_000 });
  });
});

describe('a device token', () => {
  it('is good for each of the accounts that signed in there, and for no other', async () => {
    for (const name of ['nia', 'noa']) await app.user(name);
    const first = await deviceOf(app, 'nia');
    const both = await deviceOf(app, 'noa', first);
    const from = newAddress();
    for (const name of ['nia', 'noa']) await times(FREE + 1, () => login(app, from, name, 'no'));
    expect(await login(app, from, 'noa', PASSWORD, first)).toMatchObject(DELAYED);
    expect(await login(app, from, 'noa', PASSWORD, `${both.slice(0, -1)}x`)).toMatchObject(IN);
    expect(await login(app, from, 'nia', PASSWORD, `${both.slice(0, -1)}x`)).toMatchObject(DELAYED);
    expect(await login(app, from, 'nia', PASSWORD, both)).toMatchObject(IN);
  });
});

describe('nobody learns', () => {
  it('whether there is an account of a name, by words or by work', async () => {
    await app.user('opal');
    const nobody = await workOf(app, 'nobody-here');
    expect(nobody).toMatchObject({ outcome: WRONG });
    expect(await workOf(app, 'opal')).toEqual(nobody);
    await hunt(app, 'opal');
    await hunt(app, 'nobody-there');
    // The first of an hour tells the owner, or nobody.
    for (const name of ['opal', 'nobody-there']) await login(app, newAddress(), name, 'no');
    expect(await workOf(app, 'opal')).toEqual(await workOf(app, 'nobody-there'));
  });

  it('whose a mail address is by trying which name waits with it', async () => {
    await app.user('pia');
    await app.database.query(`UPDATE "user" SET email = 'pia@example.com', email_key = 'pia@example.com' WHERE username = 'pia'`);
    const from = newAddress();
    await times(FREE + 1, () => login(app, from, 'pia@example.com', 'no'));
    expect(await login(app, from, 'PIA@example.com', PASSWORD)).toMatchObject(DELAYED);
    expect(await login(app, from, 'pia', 'no')).toMatchObject(WRONG);
    expect(await login(app, from, 'pia', PASSWORD)).toMatchObject(IN);
    expect(await login(app, from, 'pia@example.com', PASSWORD)).toMatchObject(IN);
  });
});

describe('the log', () => {
  it('has a line for each failed sign-in, refusal and wait, and nothing that was typed', async () => {
    const [user, admin] = [await app.user('quin'), await app.userWithRole('quaestor', 'ADMIN')];
    const from = newAddress();
    lines.length = 0;
    await login(app, from, 'no such name', 'hunter2');
    await times(FREE + 1, () => login(app, from, 'quin', 'hunter2'));
    await login(app, from, 'quin', 'hunter2');
    await app.data(Suspend, { userId: user.id }, admin);
    await login(app, newAddress(), 'quin', PASSWORD);
    const [{ id: userId } = { id: '' }] = await app.database.query<{ id: string }>(`SELECT id FROM "user" WHERE username = 'quin'`);
    const told = lines.filter(({ msg }) => String(msg).startsWith('a sign-in'));
    expect(told.map(({ msg }) => /failed|has to wait|suspended/.exec(String(msg))?.[0])).toEqual([
      ...Array.from({ length: FREE + 2 }, () => 'failed'),
      'has to wait',
      'suspended',
    ]);
    expect(told[0]).toMatchObject({ userId: null, ip: from });
    expect(told[1]).toMatchObject({ userId, ip: from, requestId: expect.stringMatching(/./) as string });
    expect(JSON.stringify(lines)).not.toMatch(/hunter2|no such name|correct horse/);
  });
});

describe('where mails are sent, an account that many guess at', () => {
  const home = newAddress();
  const atHome = { headers: { 'x-forwarded-for': home } };
  let smtp: TestSmtp;
  let mailing: TestApp;
  /** Another process, which runs no jobs. */
  let idle: TestApp;
  beforeAll(async () => {
    smtp = await startSmtp();
    const env = { ...ENV, SMTP_URL: smtp.url };
    mailing = await startTestApp({ env, clock: { now: () => now } });
    idle = await startTestApp({ env: { ...env, JOB_CONCURRENCY: '0' }, clock: { now: () => now }, database: mailing.database });
    await mailing.user('ria');
    await mailing.data(Verify, { input: { token: await linkOf('Confirm your mail address') } });
    await hunt(mailing, 'ria');
  });
  afterAll(async () => {
    await idle.stop();
    await mailing.stop();
    await smtp.stop();
  });
  const SIGN_IN = 'Sign in with this link';
  /** The link of the newest mail with a subject, of which there are so many. */
  const linkOf = async (subject: string, count = 1): Promise<string> => secretIn(await smtp.mailWith(subject, { number: count }));
  const confirm = (token: string) => mailing.execute<GuessConfirmMutation>(Confirm.toString(), { input: { token } }, atHome);

  it('answers a right and a wrong password alike where it is not known, and a name that nobody has', async () => {
    await hunt(mailing, 'nobody-at-all');
    // The first of a day tells the owner, or nobody.
    for (const name of ['ria', 'nobody-at-all']) expect(await login(mailing, newAddress(), name, 'no')).toMatchObject(BY_MAIL);
    const wrong = await workOf(idle, 'ria');
    expect(wrong).toMatchObject({ outcome: BY_MAIL });
    expect(await workOf(idle, 'ria', PASSWORD)).toEqual(wrong);
    expect(await workOf(idle, 'nobody-at-all', PASSWORD)).toEqual(wrong);
    await linkOf(SIGN_IN);
    await linkOf('Somebody is guessing at your password');
    const alerts = await mailing.database.query(
      `SELECT ref->'subject'->>'type' AS type FROM event WHERE kind = 'ACCOUNT_ATTACKED' ORDER BY seq`,
    );
    expect(alerts).toEqual([{ type: 'User' }, { type: null }]);
  });

  it('lets in by the mailed link, once, and knows that place and that device from then on', async () => {
    expect(await login(mailing, home, 'ria', PASSWORD)).toMatchObject(BY_MAIL);
    const token = await linkOf(SIGN_IN, 2);
    const { data } = await confirm(token);
    expect(data?.confirmSignIn?.user.username).toBe('ria');
    expect((await confirm(token)).errors?.[0]?.extensions).toMatchObject({ fields: [{ path: 'input.token', code: 'NOT_FOUND' }] });
    expect(await login(mailing, home, 'ria', PASSWORD)).toMatchObject(IN);
    const device = present(data?.confirmSignIn?.credentials.deviceToken);
    // A device that is known is no news to its owner.
    const signIn = async () => expect(await login(idle, newAddress(), 'ria', PASSWORD, device)).toMatchObject(IN);
    expect((await idle.countStatements(signIn)).filter((sql) => sql.includes('add_job'))).toEqual([]);
  });

  it('has links that end with the password they were sent for', async () => {
    await login(mailing, newAddress(), 'ria', PASSWORD);
    const link = await linkOf(SIGN_IN, 3);
    const input = { identifier: 'ria', password: PASSWORD };
    const { data } = await mailing.execute<GuessLoginMutation>(Login.toString(), { input }, atHome);
    const token = present(data?.login?.credentials.accessToken);
    const changed = { currentPassword: PASSWORD, newPassword: `${PASSWORD}, and another` };
    await mailing.data(Change, { input: changed }, { ...NOBODY, token });
    expect((await confirm(link)).errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT' });
  });

  it('lets in by the password whoever has no address that was confirmed', async () => {
    await mailing.user('sam');
    await hunt(mailing, 'sam');
    expect(await login(mailing, newAddress(), 'sam', 'no')).toMatchObject(BY_MAIL);
    expect(await login(mailing, newAddress(), 'sam', PASSWORD)).toMatchObject(IN);
  });
});
