import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PASSWORD, startTestApp, type TestApp } from '../kit/app.js';
import { screenshot } from '../kit/browser.js';
import { aSecondFactor } from '../kit/factories.js';
import { freePort } from '../kit/free-port.js';
import { codeAt, STEP_MS } from '../kit/totp.js';
import { describeWeb, violationsInBothThemes } from './kit.js';

describeWeb('a second factor in a browser', ({ open }) => {
  let now = Date.now();
  let app: TestApp;
  /** Passkeys belong to a domain, which an address of numbers is not. */
  let site: { readonly url: string };
  beforeAll(async () => {
    const port = await freePort();
    site = { url: `http://localhost:${port}` };
    const env = { PORT: String(port), PUBLIC_URL: site.url, REQUIRE_SECOND_FACTOR: 'MODERATOR' };
    app = await startTestApp({ env, clock: { now: () => now } });
  });
  afterAll(() => app.stop());

  const signIn = async (page: Page, username: string): Promise<void> => {
    await page.goto(new URL('/sign-in', site.url).href);
    await page.getByLabel('Username or email address').fill(username);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  };
  const signOut = async (page: Page): Promise<void> => {
    await page.goto(new URL('/settings', site.url).href);
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await page.waitForURL('**/vault');
  };

  test('is set up with an app, and recovery codes are shown once', async () => {
    const user = await app.userWithRole('cleo', 'ADMIN');
    const { page, complaints, close } = await open(site, { as: user, path: '/settings' });
    await page.getByText('Your role needs a second factor here').waitFor();
    await page.getByRole('button', { name: 'Set up an app' }).click();
    await page.getByLabel('Present password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Go on' }).click();
    const secret = await page.getByLabel('Or type this into the app').inputValue();
    expect(await violationsInBothThemes(page)).toEqual([]);
    await page.getByRole('img', { name: 'The seed of the codes' }).scrollIntoViewIfNeeded();
    await screenshot(page, 'settings-second-factor');
    await page.getByLabel('Code', { exact: true }).fill('000000');
    await page.getByRole('button', { name: 'Turn the codes on' }).click();
    await page.getByText('This code is wrong').waitFor();
    await page.getByLabel('Code', { exact: true }).fill(codeAt(secret, now));
    await page.getByRole('button', { name: 'Turn the codes on' }).click();
    await page.getByText('Your recovery codes').waitFor();
    expect(await page.getByText('Your role needs a second factor here').count()).toBe(0);
    expect(await violationsInBothThemes(page)).toEqual([]);
    await screenshot(page, 'settings-recovery-codes');
    await page.getByRole('button', { name: 'I have kept them' }).click();
    await page.getByText('10 recovery codes are left.').waitFor();
    await page.getByRole('button', { name: 'Turn the codes off' }).click();
    await page.getByLabel('Present password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Turn the codes off' }).click();
    await page.getByText('No app makes codes for this account.').waitFor();
    complaints();
    await close();
  });

  test('is asked for by a sign-in, which takes a code or a recovery code', async () => {
    const { secret, recoveryCodes } = await aSecondFactor(app, await app.user('clara'), now);
    const { page, complaints, close } = await open(site, { path: '/sign-in' });
    await signIn(page, 'clara');
    await page.getByText('Your account has a second factor.').waitFor();
    expect(await violationsInBothThemes(page)).toEqual([]);
    await screenshot(page, 'sign-in-second-factor');
    const finish = async (code: string): Promise<void> => {
      await page.getByLabel('Code').fill(code);
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    };
    await finish('000000');
    await page.getByText('This code is wrong').waitFor();
    now += STEP_MS;
    await finish(codeAt(secret, now));
    await page.waitForURL('**/feed');
    await signOut(page);
    await signIn(page, 'clara');
    await finish(recoveryCodes[0] ?? '');
    await page.waitForURL('**/feed');
    complaints();
    await close();
  });

  /** Gives the browser an authenticator in software, and somebody a passkey in it. @returns what takes it away, for whoever has the tab next */
  const withPasskey = async (page: Page): Promise<() => Promise<unknown>> => {
    const session = await page.context().newCDPSession(page);
    await session.send('WebAuthn.enable');
    await session.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        ...{ protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true },
        ...{ isUserVerified: true, automaticPresenceSimulation: true },
      },
    });
    await page.getByRole('button', { name: 'Add a passkey' }).click();
    await page.getByLabel('Name of the passkey').fill('This laptop');
    await page.getByLabel('Present password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Add a passkey' }).click();
    await page.getByRole('button', { name: 'I have kept them' }).click();
    return async () => await session.send('WebAuthn.disable');
  };

  test('is a passkey, which has a name and is removed', async () => {
    const user = await app.user('pascal');
    const { page, complaints, close } = await open(site, { as: user, path: '/settings' });
    const takeAway = await withPasskey(page);
    await page.getByRole('button', { name: 'Rename the passkey This laptop' }).click();
    await page.getByLabel('Name of the passkey').fill('Blue laptop');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('button', { name: 'Rename the passkey Blue laptop' }).waitFor();
    expect(await violationsInBothThemes(page)).toEqual([]);
    await page.getByRole('heading', { name: 'Passkeys' }).scrollIntoViewIfNeeded();
    await screenshot(page, 'settings-passkeys');
    await page.getByRole('button', { name: 'Remove the passkey Blue laptop' }).click();
    await page.getByLabel('Present password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Remove', exact: true }).click();
    await page.getByText('You have none.').waitFor();
    await signOut(page);
    await page.goto(new URL('/sign-in', site.url).href);
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
    await page.getByText('This passkey is not known here any more.').waitFor();
    await takeAway();
    complaints();
    await close();
  });

  test('is a passkey, which signs in by itself and as the second step', async () => {
    const user = await app.user('pauline');
    const { page, complaints, close } = await open(site, { as: user, path: '/settings' });
    const takeAway = await withPasskey(page);
    await signOut(page);
    await page.goto(new URL('/sign-in', site.url).href);
    await page.getByRole('button', { name: 'Sign in with a passkey' }).waitFor();
    expect(await violationsInBothThemes(page)).toEqual([]);
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
    await page.waitForURL('**/feed');
    await signOut(page);
    await signIn(page, 'pauline');
    await page.getByText('Your account has a second factor.').waitFor();
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
    await page.waitForURL('**/feed');
    await takeAway();
    complaints();
    await close();
  });

  test('is taken away by an administrator from whoever has lost it', async () => {
    const [chief, lost] = [await app.userWithRole('chief', 'ADMIN'), await app.user('lostit')];
    await aSecondFactor(app, chief, now);
    await aSecondFactor(app, lost, now);
    const { page, complaints, close } = await open(site, { as: chief, path: '/people/lostit' });
    await page.getByRole('button', { name: 'Remove the second factor' }).click();
    await page.getByText('Make sure first that it is them who ask.').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove the second factor' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    complaints();
    await close();
    const theirs = await open(site, { path: '/sign-in' });
    await signIn(theirs.page, 'lostit');
    await theirs.page.waitForURL('**/feed');
    await theirs.close();
  });
});
