import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seedDemoData } from '../../src/demo/seed.js';
import { PASSWORD, startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { screenshot } from '../kit/browser.js';
import { aGroup } from '../kit/factories.js';
import { describeWeb, violationsInBothThemes } from './kit.js';

/** Everything that the browser keeps for this page. */
const kept = (page: Page): Promise<string> =>
  page.evaluate<string>('(async () => JSON.stringify([localStorage, sessionStorage, await indexedDB.databases(), await caches.keys()]))()');
/** A browser whose settings keep every site from storing anything. */
const FORBIDDEN = `for (const name of ['localStorage', 'sessionStorage'])
  Object.defineProperty(window, name, { get() { throw new DOMException('Access is denied', 'SecurityError'); } });`;

describeWeb('the frame of the web client', ({ open }) => {
  let app: TestApp;
  let zoe: TestUser;
  beforeAll(async () => {
    app = await startTestApp();
    await seedDemoData(app.services);
    zoe = await app.user('zoe');
  });
  afterAll(async () => await app.stop());

  test('shows a visitor the vault, asks no other host, and is not refused anything by its own policy', async () => {
    const { page, close } = await open(app);
    await page.getByRole('heading', { level: 1, name: 'Vault' }).waitFor();
    await page.getByRole('link', { name: /^Comparing secrets/ }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/vault');
    expect(await page.title()).toBe('Vault · Lyceum');
    await screenshot(page, 'web-vault');
    await close();
  });

  test('shows an entry with the HTML that the server has sanitised', async () => {
    const { page, close } = await open(app);
    await page.getByRole('link', { name: /^Comparing secrets/ }).click();
    await page.getByRole('heading', { level: 1, name: 'Comparing secrets' }).waitFor();
    await page.locator('main p').first().waitFor();
    expect(await page.evaluate<string>('document.activeElement.tagName')).toBe('H1');
    await close();
  });

  test('signs in by its form, and goes on to where one was', async () => {
    const { page, close } = await open(app, { path: '/vault?category=cooking' });
    await page.getByRole('link', { name: 'Sign in', exact: true }).click();
    await page.getByLabel('Username or email address').fill('zoe');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('button', { name: 'Account' }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/vault');
    await page.reload();
    await page.getByRole('button', { name: 'Account' }).waitFor();
    await close();
  });

  test('says in words that a password is wrong', async () => {
    const { page, close, complaints } = await open(app, { path: '/sign-in' });
    await page.getByLabel('Username or email address').fill('zoe');
    await page.getByLabel('Password').fill('not her password');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('do not belong together').waitFor();
    complaints();
    await close();
  });

  test('signs out in every tab', async () => {
    const someone = await app.user('someone');
    const { page, tab, close } = await open(app, { as: someone });
    const second = await tab('/vault');
    await second.getByRole('button', { name: 'Account' }).waitFor();
    await page.getByRole('button', { name: 'Account' }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await second.getByRole('link', { name: 'Sign in', exact: true }).waitFor();
    await close();
  });

  test('keeps nothing that was written or looked for, in any tab, once it was signed out after asking', async () => {
    const quiet = await app.user('quiet');
    const { id } = await aGroup(app, quiet, [], 'Whispers');
    const { page, tab, close, complaints } = await open(app, { as: quiet, path: `/messages/${encodeURIComponent(id)}` });
    await page.route('**/graphql', (route) =>
      (route.request().postData() ?? '').includes('mutation SendMessage') ? route.abort() : route.fallback(),
    );
    const field = page.getByRole('textbox', { name: 'Write to Whispers' });
    await field.fill('hush, not sent');
    await field.press('Enter');
    await page.getByText('hush, not sent').waitFor();
    await field.fill('hush, not finished');
    await page.getByRole('link', { name: 'Feed' }).click();
    await page.getByRole('textbox', { name: 'Write a post' }).fill('hush, a post');
    await page.getByRole('link', { name: 'Vault', exact: true }).click();
    await page.getByRole('searchbox').fill('hush, what is it');
    await page.getByText('Nothing fits').waitFor();
    const second = await tab('/vault/new');
    await second.getByLabel('Title').fill('hush, an entry');
    await expect.poll(() => kept(page)).toMatch(/not sent.*an entry|an entry.*not sent/s);
    await second.getByRole('button', { name: 'Account' }).click();
    await second.getByRole('menuitem', { name: 'Sign out' }).click();
    await second.getByRole('button', { name: 'Sign out' }).click();
    for (const each of [page, second]) {
      await each.getByRole('link', { name: 'Sign in', exact: true }).waitFor();
      await each.goto(new URL('/people', app.url).href);
      await each.getByRole('heading', { level: 1 }).waitFor();
      expect(await kept(each)).not.toContain('hush');
    }
    complaints();
    await close();
  });

  test('is used, and keeps a draft as long as the tab is there, where the browser forbids its storage', async () => {
    const { page, close } = await open(app);
    const forbidden = await page.addInitScript(FORBIDDEN);
    await page.goto(new URL('/sign-in', app.url).href);
    await page.getByLabel('Username or email address').fill('zoe');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('link', { name: 'Feed' }).click();
    await page.getByRole('textbox', { name: 'Write a post' }).fill('Not finished');
    await page.getByRole('link', { name: 'Vault', exact: true }).click();
    await page.getByRole('searchbox').waitFor();
    await page.getByRole('link', { name: 'Feed' }).click();
    expect(await page.getByRole('textbox', { name: 'Write a post' }).inputValue()).toBe('Not finished');
    await forbidden.dispose();
    await close();
  });

  test('switches its theme, and keeps it', async () => {
    const { page, close } = await open(app);
    const surface = (): Promise<string> => page.evaluate<string>('getComputedStyle(document.documentElement).backgroundColor');
    const light = await surface();
    await page.getByRole('button', { name: 'Dark theme' }).click();
    await page.getByRole('button', { name: 'Light theme' }).waitFor();
    const dark = await surface();
    expect(dark).not.toBe(light);
    await page.reload();
    expect(await surface()).toBe(dark);
    await close();
  });

  test('speaks German to a German browser', async () => {
    const { page, close } = await open(app, { language: 'de' });
    await page.getByRole('heading', { level: 1, name: 'Wissen' }).waitFor();
    expect(await page.evaluate<string>('document.documentElement.lang')).toBe('de');
    await close();
  });

  test('is used by the keyboard alone', async () => {
    const { page, close } = await open(app);
    await page.getByRole('link', { name: /^Comparing secrets/ }).waitFor();
    await page.keyboard.press('Tab');
    const focused = page.locator(':focus');
    await expect.poll(() => focused.textContent()).toBe('Skip to the page');
    for (const name of ['Vault', 'Feed', 'Messages', 'Notifications', 'Search and commands', 'Dark theme', 'Sign in']) {
      await page.keyboard.press('Tab');
      expect((await focused.getAttribute('aria-label')) ?? (await focused.textContent())).toBe(name);
    }
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor();
    await close();
  });

  test('keeps the place upon reload and back', async () => {
    const { page, close } = await open(app, { path: '/vault' });
    await page.getByRole('list', { name: 'Entries' }).getByRole('link').first().waitFor();
    const middle = (): Promise<string> =>
      page.evaluate<string>('document.elementFromPoint(900, 500)?.closest("a")?.getAttribute("href") ?? ""');
    await expect.poll(middle).toContain('/vault/entries/');
    const before = await middle();
    await page.mouse.move(900, 500);
    const stopped = page.evaluate('new Promise((resolve) => document.addEventListener("scrollend", () => resolve(true), true))');
    await page.mouse.wheel(0, 800);
    await stopped;
    await expect.poll(async () => ['', before].includes(await middle())).toBe(false);
    const there = await middle();
    await page.reload();
    await expect.poll(middle).toBe(there);
    await page.locator(`a[href="${there}"]`).click();
    await page.getByRole('link', { name: /^More by/ }).waitFor();
    await page.goBack();
    await page.getByRole('heading', { level: 1, name: 'Vault' }).waitFor();
    await expect.poll(middle).toBe(there);
    await close();
  });

  test('tells with 404 that an address is of nothing', async () => {
    const { page, close, complaints } = await open(app, { path: '/nowhere' });
    await page.getByRole('heading', { level: 1, name: 'There is nothing here' }).waitFor();
    expect(complaints().join()).toContain('404');
    await page.getByRole('link', { name: 'To the vault' }).click();
    await page.getByRole('heading', { level: 1, name: 'Vault' }).waitFor();
    await close();
  });

  test('says on the page that an answer has failed as a whole, and reads it again when asked', async () => {
    const { page, close } = await open(app);
    await page.route('**/graphql', async (route) => {
      await route.fulfill({
        json: { data: null, errors: [{ message: 'Internal error', extensions: { code: 'INTERNAL', traceId: '4711' } }] },
      });
    });
    await page.reload();
    const notice = page.getByRole('main').getByRole('alert').last();
    await notice.getByText('INTERNAL 4711').waitFor();
    await page.unroute('**/graphql');
    await notice.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('link', { name: /^Comparing secrets/ }).waitFor();
    await close();
  });

  test('has nothing that axe objects to, in both themes', async () => {
    const { page, close } = await open(app, { as: zoe });
    for (const path of ['/vault', '/sign-in', '/register', '/guest', '/vault/entries/comparing-secrets']) {
      await page.goto(new URL(path, app.url).href);
      await page.getByRole('heading', { level: 1 }).waitFor();
      expect({ path, found: await violationsInBothThemes(page) }).toEqual({ path, found: [] });
    }
    await close();
  });
});
