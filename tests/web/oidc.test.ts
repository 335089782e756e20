import { afterAll, beforeAll, expect, test } from 'vitest';
import { PASSWORD, startTestApp, type TestApp } from '../kit/app.js';
import { screenshot } from '../kit/browser.js';
import { aGuest } from '../kit/factories.js';
import { freePort } from '../kit/free-port.js';
import { PUBLIC_CLIENT, startProvider, type TestProvider } from '../kit/oidc-provider.js';
import { describeWeb, violationsInBothThemes, type OpenOptions, type WebPage } from './kit.js';

describeWeb('sign-in by another server in a browser', ({ open }) => {
  let provider: TestProvider;
  let app: TestApp;
  beforeAll(async () => {
    const port = await freePort();
    const origin = `http://127.0.0.1:${port}`;
    provider = await startProvider([`${origin}/sign-in/oidc`]);
    const issuers = [
      { name: 'house', label: 'The House', issuer: provider.issuer, clientId: PUBLIC_CLIENT },
      { name: 'away', label: 'Nowhere', issuer: 'http://127.0.0.1:9', clientId: 'lyceum' },
    ];
    app = await startTestApp({ env: { PORT: String(port), PUBLIC_URL: origin, OIDC_ISSUERS: JSON.stringify(issuers) } });
  });
  afterAll(async () => {
    await app.stop();
    await provider.stop();
  });
  /** Opens a page of a browser that is not signed in at the provider. */
  const arrive = async (options: OpenOptions): Promise<WebPage> => {
    const opened = await open(app, { ...options, elsewhere: [new URL(provider.issuer).host] });
    await opened.page.context().clearCookies();
    return opened;
  };

  test('makes an account with a name of one’s own, and lets its owner in again', async () => {
    provider.person = { sub: 'grace', name: 'Grace Hopper', preferred_username: 'grace' };
    const { page, complaints, close } = await arrive({ path: '/sign-in?then=/settings' });
    await page.getByRole('button', { name: 'Go on with The House' }).waitFor();
    expect(await violationsInBothThemes(page)).toEqual([]);
    await screenshot(page, 'sign-in-oidc');
    await page.getByRole('button', { name: 'Go on with The House' }).click();
    await page.getByText('The House has shown who you are').waitFor();
    expect(new URL(page.url()).search).toBe('');
    expect(await page.getByLabel('Username').inputValue()).toBe('grace');
    expect(await violationsInBothThemes(page)).toEqual([]);
    await screenshot(page, 'sign-in-oidc-name');
    await page.getByLabel('Username').fill('admin');
    await page.getByRole('button', { name: 'Make an account' }).click();
    await page.getByText('reserved').waitFor();
    await page.getByLabel('Username').fill('admiral');
    await page.getByRole('button', { name: 'Make an account' }).click();
    await page.waitForURL('**/settings');
    await page.getByRole('button', { name: 'Set a password' }).waitFor();
    await page.getByRole('button', { name: 'No longer sign in with The House' }).click();
    await page.getByText('It is the only way to sign in to your account').waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.goto(new URL('/sign-in', app.url).href);
    await page.getByRole('button', { name: 'Go on with The House' }).click();
    await page.waitForURL('**/feed');
    complaints();
    await close();
  });

  test('is added to an account in the settings, and taken away', async () => {
    provider.person = { sub: 'ada', email: 'ada@example.com' };
    const ada = await app.user('ada');
    const { page, complaints, close } = await arrive({ as: ada, path: '/settings', language: 'de', width: 390 });
    await page.getByRole('button', { name: 'Auch mit The House anmelden' }).click();
    await page.getByLabel('Jetziges Passwort').fill('wrong');
    await page.getByRole('button', { name: 'Auch mit The House anmelden' }).click();
    await page.getByText('Das ist nicht dein Passwort.').waitFor();
    await page.getByLabel('Jetziges Passwort').fill(PASSWORD);
    await page.getByRole('button', { name: 'Auch mit The House anmelden' }).click();
    await page.getByRole('button', { name: 'Nicht mehr mit The House anmelden' }).waitFor();
    expect(await violationsInBothThemes(page)).toEqual([]);
    await screenshot(page, 'settings-identities-de');
    await page.getByRole('button', { name: 'Nicht mehr mit The House anmelden' }).click();
    await page.getByText('Du meldest dich über keinen davon an.').waitFor();
    complaints();
    await close();
  });

  test('gives a guest an account', async () => {
    provider.person = { sub: 'wanderer' };
    const guest = await aGuest(app, 'Wanderer');
    const { page, complaints, close } = await arrive({ as: guest, path: '/register' });
    await page.getByRole('button', { name: 'Go on with The House' }).click();
    await page.getByText('The House has shown who you are').waitFor();
    await page.getByText('What you have written stays yours').waitFor();
    await page.getByLabel('Username').fill('wanderer');
    await page.getByRole('button', { name: 'Make an account' }).click();
    await page.waitForURL('**/settings');
    await page.getByText('@wanderer').waitFor();
    complaints();
    await close();
  });

  test('says what went wrong, and signs in nobody who was led to the end of it', async () => {
    const { page, tab, complaints, close } = await arrive({ path: '/sign-in' });
    await page.getByRole('button', { name: 'Go on with Nowhere' }).click();
    await page.getByRole('alert').getByText('UNAVAILABLE').waitFor();
    const cancelled = await tab('/sign-in/oidc?error=access_denied&state=x');
    await cancelled.getByText('The sign-in was cancelled.').waitFor();
    const led = await tab('/sign-in/oidc?code=of-somebody-else&state=begun-elsewhere');
    await led.getByText('was begun in another browser').waitFor();
    complaints();
    await close();
  });
});
