import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { COUNTED, PASSWORD, startTestApp, type TestApp } from '../kit/app.js';
import { screenshot } from '../kit/browser.js';
import { aGuest, aPost, LogIn } from '../kit/factories.js';
import { graphql } from '../kit/graphql.js';
import { secretIn, startSmtp, type TestSmtp } from '../kit/smtp.js';
import { describeWeb, violationsInBothThemes } from './kit.js';

const STRONG = 'seven umbrellas in a teapot';

describeWeb('an account in a browser', ({ open }) => {
  let smtp: TestSmtp;
  let app: TestApp;
  beforeAll(async () => {
    smtp = await startSmtp();
    app = await startTestApp({ env: { SMTP_URL: smtp.url, MAIL_FROM: 'mail@lyceum.example', PASSWORD_MIN_SCORE: '3' } });
  });
  afterAll(async () => {
    await app.stop();
    await smtp.stop();
  });

  /** The page that the link of the last of so many mails leads to. */
  const linked = async (page: string, address: string, count = 1): Promise<string> =>
    `/${page}#${secretIn((await smtp.mailsTo(address, count)).at(-1) ?? {})}`;

  test('is made with a password that the page estimates, and its address is confirmed by the mail', async () => {
    const { page, tab, complaints, close } = await open(app, { path: '/register' });
    await page.getByLabel('Username').fill('newcomer');
    await page.getByLabel('Email address').fill('newcomer@example.com');
    await page.getByLabel('Password').fill('newcomer1990');
    await page.getByText('It holds your own names or address, and little else.').waitFor();
    expect(await violationsInBothThemes(page)).toEqual([]);
    await page.getByRole('button', { name: 'Make an account' }).click();
    await page.getByText('This is easily guessed.').waitFor();
    await screenshot(page, 'register-weak');
    await page.getByLabel('Password').fill(STRONG);
    await page.getByText('Very hard to guess.').waitFor();
    await page.getByRole('button', { name: 'Make an account' }).click();
    await page.waitForURL('**/feed');
    const second = await tab(await linked('verify-email', 'newcomer@example.com'));
    await screenshot(second, 'verify-email');
    await second.getByRole('button', { name: 'Confirm the address' }).click();
    await second.getByText('newcomer can sign in with it from now on').waitFor();
    await second.getByRole('link', { name: 'Go on' }).click();
    await second.getByRole('button', { name: 'Change the mail address' }).waitFor();
    expect(await second.getByText('waits to be confirmed').count()).toBe(0);
    complaints();
    await close();
  });

  test('whose password is forgotten gets another by mail, whose link is good once', async () => {
    await app.user('forgetful');
    await smtp.mailsTo('forgetful@example.com');
    const { page, tab, complaints, close } = await open(app, { path: '/sign-in' });
    await page.getByRole('link', { name: 'Forgotten?' }).click();
    await page.getByLabel('Email address').fill('forgetful@example.com');
    await page.getByRole('button', { name: 'Send the link' }).click();
    await page.getByText('a mail is on its way').waitFor();
    const path = await linked('reset-password', 'forgetful@example.com', 2);
    const reset = await tab(path);
    await reset.getByLabel('New password').fill(STRONG);
    await reset.getByText('Very hard to guess.').waitFor();
    await screenshot(reset, 'reset-password');
    expect(await violationsInBothThemes(reset)).toEqual([]);
    await reset.getByRole('button', { name: 'Set the password' }).click();
    await reset.getByText('Sign in as forgetful').waitFor();
    const again = await tab(path);
    await again.getByLabel('New password').fill(STRONG);
    await again.getByRole('button', { name: 'Set the password' }).click();
    await again.getByText('This link has been used or has ended').waitFor();
    complaints();
    await close();
  });

  test('gets another address and another password in the settings, and stays signed in', async () => {
    const user = await app.user('mover');
    const { page, complaints, close } = await open(app, { as: user, path: '/settings', width: 390 });
    await page.getByText('mover@example.com waits to be confirmed').waitFor();
    await page.getByLabel('Time zone').selectOption('Europe/Vienna');
    await page.getByLabel('Language of mails').selectOption('de');
    await page.getByRole('button', { name: 'Change the mail address' }).click();
    await page.getByLabel('New mail address').fill('moved@example.com');
    await page.getByLabel('Present password').fill('wrong');
    await page.getByRole('button', { name: 'Send the link', exact: true }).click();
    await page.getByText('This is not your password.').waitFor();
    await page.getByLabel('Present password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Send the link', exact: true }).click();
    await page.getByText('moved@example.com waits to be confirmed').waitFor();
    expect((await smtp.mailsTo('moved@example.com'))[0]?.subject).toBe('Mailadresse bestätigen');
    await page.getByRole('button', { name: 'Change the password' }).click();
    await page.getByLabel('Present password').fill(PASSWORD);
    await page.getByLabel('New password').fill(STRONG);
    await screenshot(page, 'settings-password');
    expect(await violationsInBothThemes(page)).toEqual([]);
    await page.getByRole('button', { name: 'Change the password' }).click();
    await page.getByText('The password is changed').waitFor();
    await page.reload();
    await page.getByText('moved@example.com waits to be confirmed').waitFor();
    complaints();
    await close();
  });

  test('is made of a guest, who keeps what they wrote', async () => {
    const guest = await aGuest(app, 'Wanda');
    await aPost(app, guest, { body: 'Written as a guest' });
    const { page, complaints, close } = await open(app, { as: guest, path: '/settings' });
    await page.getByRole('link', { name: 'Make an account of this guest' }).click();
    await page.getByLabel('Username').fill('wanda');
    await page.getByLabel('Email address').fill('wanda@example.com');
    await page.getByLabel('Password').fill(STRONG);
    await page.getByRole('button', { name: 'Make an account' }).click();
    await page.getByText('You have an account now.').waitFor();
    await page.goto(new URL('/people/wanda', app.url).href);
    await page.getByText('Written as a guest').waitFor();
    complaints();
    await close();
  });

  test('is made by an invitation where one is needed, whose code the address holds', async () => {
    const invited = await startTestApp({ env: { REGISTRATION: 'invitation' } });
    try {
      const { page, complaints, close } = await open(invited, { path: '/register#AAAAAAAAAAAAAAAAAAAAAA', language: 'de' });
      await page.getByLabel('Benutzername').fill('gast');
      await page.getByLabel('E-Mail-Adresse').fill('gast@example.com');
      await page.getByLabel('Passwort').fill(STRONG);
      await screenshot(page, 'register-german');
      await page.getByRole('button', { name: 'Konto anlegen' }).click();
      await page.getByText('Diese Einladung ist verbraucht oder abgelaufen.').waitFor();
      complaints();
      await close();
    } finally {
      await invited.stop();
    }
  });
});

describeWeb('signing in in a browser', ({ open }) => {
  let smtp: TestSmtp;
  let app: TestApp;
  beforeAll(async () => {
    smtp = await startSmtp();
    app = await startTestApp({ env: { ...COUNTED, SMTP_URL: smtp.url, MAIL_FROM: 'mail@lyceum.example', TRUST_PROXY: 'true' } });
  });
  afterAll(async () => {
    await app.stop();
    await smtp.stop();
  });

  const signIn = async (page: Page, username: string, password: string): Promise<void> => {
    await page.getByLabel('Username or email address').fill(username);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
  };

  test('is slowed down after wrong passwords, and told for how long', async () => {
    await app.user('ron');
    const { page, complaints, close } = await open(app, { path: '/sign-in', width: 390 });
    for (let n = 0; n < 9; n += 1) {
      const answered = page.waitForResponse((response) => response.request().method() === 'POST');
      await signIn(page, 'ron', 'wrong');
      await answered;
    }
    await page.getByText(/^Too many wrong passwords\. Try again in .+ seconds?\.$/).waitFor();
    await screenshot(page, 'sign-in-too-often');
    expect(await violationsInBothThemes(page)).toEqual([]);
    complaints();
    await close();
  });

  test('to an account that is suspended says until when and why', async () => {
    await app.user('lea');
    await app.database.query(
      `UPDATE "user" SET suspended_at = now(), suspended_until = '2199-05-01T12:00:00Z', suspension_reason = 'Too loud.' WHERE username = 'lea'`,
    );
    const { page, complaints, close } = await open(app, { path: '/sign-in' });
    await signIn(page, 'lea', PASSWORD);
    await page.getByText(/^This account is suspended until May 1, 2199.* Reason: Too loud\.$/).waitFor();
    complaints();
    await close();
  });

  test('while many guess takes the link of a mail, and from then on the password alone', async () => {
    await app.user('rita');
    // She has never been where the browser is.
    await app.database.query(`UPDATE session SET ip = '10.9.9.9' WHERE user_id = (SELECT id FROM "user" WHERE username = 'rita')`);
    // They came from somewhere else.
    await app.database.query(`UPDATE session SET origin = NULL WHERE user_id = (SELECT id FROM "user" WHERE username = 'rita')`);
    const verify = secretIn((await smtp.mailsTo('rita@example.com'))[0] ?? {});
    const { page, tab, complaints, close } = await open(app, { path: `/verify-email#${verify}` });
    await page.getByRole('button', { name: 'Confirm the address' }).click();
    await page.getByText('rita can sign in with it from now on').waitFor();
    const guesses = Array.from({ length: 55 }, (_, n) =>
      app.execute(LogIn.toString(), { identifier: 'rita', password: 'no' }, { headers: { 'x-forwarded-for': `10.3.${n % 11}.1` } }),
    );
    await Promise.all(guesses);
    await page.goto(new URL('/sign-in', app.url).href);
    await signIn(page, 'rita', PASSWORD);
    await page.getByText('a mail with a link to sign in is on its way').waitFor();
    await screenshot(page, 'sign-in-by-mail');
    const mails = await smtp.mailsTo('rita@example.com', 3);
    const link = mails.find(({ subject }) => subject === 'Sign in with this link');
    const opened = await tab(`/confirm-sign-in#${secretIn(link ?? {})}`);
    await opened.getByRole('heading', { level: 1, name: 'Sign in by mail' }).waitFor();
    await screenshot(opened, 'confirm-sign-in');
    expect(await violationsInBothThemes(opened)).toEqual([]);
    await opened.getByRole('button', { name: 'Sign in' }).click();
    await opened.waitForURL('**/feed');
    const device = await opened.evaluate<string | null>('localStorage.getItem("lyceum:session:device")');
    const input = { identifier: 'rita', password: PASSWORD, deviceToken: device };
    const elsewhere = { headers: { 'x-forwarded-for': '10.4.0.1' } };
    expect((await app.execute(SignInAgain.toString(), { input }, elsewhere)).errors).toBeUndefined();
    complaints();
    await close();
  });
});

const SignInAgain = graphql(`
  mutation WebAccountSignIn($input: LoginInput!) {
    login(input: $input) {
      user {
        id
      }
    }
  }
`);
