import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startTestApp, type TestApp } from '../kit/app.js';
import { graphql } from '../kit/graphql.js';
import { secretIn, startSmtp, type TestSmtp } from '../kit/smtp.js';

const PASSWORD = 'correct horse battery staple';
let smtp: TestSmtp;
let app: TestApp;

beforeAll(async () => {
  smtp = await startSmtp();
  app = await startTestApp({
    env: { SMTP_URL: smtp.url, MAIL_FROM: 'Lyceum <mail@lyceum.example>', PUBLIC_URL: 'https://lyceum.example' },
  });
});
afterAll(async () => {
  await app.stop();
  await smtp.stop();
});

const Register = graphql(
  `mutation MailRegister($input: RegisterInput!) { register(input: $input) { user { id } credentials { accessToken } } }`,
);

const Login = graphql(`mutation MailLogin($input: LoginInput!) { login(input: $input) { user { id } } }`);
const Verify = graphql(`mutation MailVerify($input: VerifyEmailInput!) { verifyEmail(input: $input) { user { id } } }`);

const register = async (username: string, more: { email?: string; locale?: string } = {}) => {
  const input = { username, email: `${username}@example.com`, password: PASSWORD, ...more };
  return (await app.data(Register, { input })).register;
};
const waitingJobs = () =>
  app.database.query<{ attempts: number }>(`SELECT attempts FROM graphile_worker.jobs WHERE task_identifier = 'account.verificationMail'`);

describe('a mail', () => {
  it('has its words as text and as HTML, both with the link, and says that it is automatic', async () => {
    await register('reader');
    const [mail] = await smtp.mailsTo('reader@example.com');
    expect(mail).toMatchObject({ subject: 'Confirm your mail address', from: { text: '"Lyceum" <mail@lyceum.example>' } });
    expect(mail?.text).toMatch(
      /the account reader at Lyceum[^]+Confirm the address:\nhttps:\/\/lyceum\.example\/verify-email#[0-9a-f]{64}\n/,
    );
    expect(mail?.html).toContain(`<a href="https://lyceum.example/verify-email#${secretIn(mail ?? {})}"`);
    expect(mail?.html).toMatch(/^<!doctype html>\n<html lang="en">/);
    expect(mail?.headers.get('auto-submitted')).toBe('auto-generated');
  });

  it("is in its reader's language, and in English where the server does not speak that", async () => {
    await register('leserin', { locale: 'de-AT' });
    await register('lectrice', { locale: 'fr' });
    expect((await smtp.mailsTo('leserin@example.com'))[0]?.subject).toBe('Mailadresse bestätigen');
    expect((await smtp.mailsTo('lectrice@example.com'))[0]?.subject).toBe('Confirm your mail address');
  });

  it('goes to an address with a domain in any script', async () => {
    await register('umlaut', { email: 'x@Bücher.example' });
    // The server shows what came as xn--bcher-kva.example.
    expect((await smtp.mailsTo('x@bücher.example'))[0]?.subject).toBe('Confirm your mail address');
  });

  it('waits while the server is away, and comes once when it is back', async () => {
    await smtp.down();
    await register('patient');
    await vi.waitFor(async () => expect((await waitingJobs())[0]?.attempts).toBeGreaterThan(1), { timeout: 60_000, interval: 50 });
    await smtp.up();
    await smtp.mailsTo('patient@example.com');
    await vi.waitFor(async () => expect(await waitingJobs()).toEqual([]), { timeout: 60_000, interval: 50 });
    expect(await smtp.mailsTo('patient@example.com')).toHaveLength(1);
  });

  it('that the server has taken without a word comes again as the same one', async () => {
    smtp.answer('silence');
    await register('unanswered');
    await smtp.mailsTo('unanswered@example.com');
    smtp.answer('taken');
    const [first, second] = await smtp.mailsTo('unanswered@example.com', 2);
    expect(first?.messageId).toMatch(/^<[0-9a-f-]{36}@lyceum\.example>$/);
    expect([second?.messageId, second?.text]).toEqual([first?.messageId, first?.text]);
  });

  it('that the server will never take is given up', async () => {
    smtp.answer('refused');
    await register('refused');
    await smtp.mailsTo('refused@example.com');
    await vi.waitFor(async () => expect(await waitingJobs()).toEqual([]), { timeout: 60_000, interval: 50 });
    smtp.answer('taken');
    expect(await smtp.mailsTo('refused@example.com')).toHaveLength(1);
  });

  it('is not sent for what has failed', async () => {
    await register('once');
    const again = await app.code(Register, { input: { username: 'ONCE', email: 'twice@example.com', password: PASSWORD } });
    expect(again).toBe('CONFLICT');
    await register('after');
    await smtp.mailsTo('after@example.com');
    expect(smtp.mails.flatMap(({ recipients }) => recipients)).not.toContain('twice@example.com');
  });

  it('leaves no secret in the database', async () => {
    await register('hashed');
    const [mail] = await smtp.mailsTo('hashed@example.com');
    const rows = await app.database.query<{ row: string }>('SELECT account_link::text AS row FROM account_link');
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.map(({ row }) => row).join()).not.toContain(secretIn(mail ?? {}));
  });
});

describe('a sign-in', () => {
  const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
  const signIn = async (username: string, userAgent: string): Promise<void> => {
    const { errors } = await app.execute(
      Login,
      { input: { identifier: username, password: PASSWORD } },
      { headers: { 'user-agent': userAgent } },
    );
    expect(errors).toBeUndefined();
  };

  it('from a device that was not there before is told, and later versions of one that was are not', async () => {
    const address = 'visitor@example.com';
    await register('visitor');
    await app.data(Verify, { input: { token: secretIn((await smtp.mailsTo(address))[0] ?? {}) } });
    await signIn('visitor', firefox);
    const mail = (await smtp.mailsTo(address, 2))[1];
    expect(mail?.subject).toBe('A new device has signed in');
    expect(mail?.text).toMatch(/Device: Firefox, Linux\. Address: (127\.0\.0\.1|::1)\. Time: /);
    await signIn('visitor', firefox.replaceAll('140.0', '141.0'));
    await signIn('visitor', 'curl/8.0');
    expect((await smtp.mailsTo(address, 3))[2]?.text).toContain('Device: curl/8.0.');
  });
});

describe('without a mail server', () => {
  it('a mail is a line of the log, with its link', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'warn', base: null }, { write: (line: string) => lines.push(line) });
    const alone = await startTestApp({ log });
    try {
      await alone.user('developer');
      const told = (): object[] => lines.map((line) => JSON.parse(line) as object);
      await expect.poll(told).toContainEqual(
        expect.objectContaining({
          to: 'developer@example.com',
          subject: 'Confirm your mail address',
          link: expect.stringMatching(/^http:\/\/localhost:4000\/verify-email#[0-9a-f]{64}$/) as string,
        }),
      );
    } finally {
      await alone.stop();
    }
  });
});
