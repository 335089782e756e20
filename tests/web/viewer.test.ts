import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seedDemoData } from '../../src/demo/seed.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { like } from '../kit/acts.js';
import { screenshot } from '../kit/browser.js';
import { aFollow, aPost } from '../kit/factories.js';
import { startProxy, type Proxy } from '../kit/proxy.js';
import { describeWeb, violations, violationsInBothThemes } from './kit.js';

describeWeb('what concerns the viewer', ({ open }) => {
  let app: TestApp;
  let proxy: Proxy;
  let ben: TestUser;
  beforeAll(async () => {
    app = await startTestApp();
    await seedDemoData(app.services);
    proxy = await startProxy(app.url);
    ben = await app.user('benno');
  });
  afterAll(async () => {
    await proxy.stop();
    await app.stop();
  });

  let count = 0;
  /** Somebody of whom nothing is known yet, with a post. */
  const newcomer = async (): Promise<{ readonly user: TestUser; readonly postId: string }> => {
    const user = await app.user(`newcomer${(count += 1)}`);
    return { user, postId: (await aPost(app, user)).id };
  };
  const badge = (page: Page) => page.getByRole('link', { name: /Notifications/ }).getByText(/unread notification/);

  test('notifications come while one looks, are counted in the rail and the title, and are read in every tab', async () => {
    const { user, postId } = await newcomer();
    const { page, tab, close } = await open(app, { as: user, path: '/notifications' });
    await page.getByText('Nothing yet').waitFor();
    await like(app, ben, postId);
    await page.getByText('benno liked your post').waitFor();
    await badge(page).waitFor();
    await expect.poll(() => page.title()).toBe('(1) Notifications · Lyceum');
    const second = await tab('/vault');
    await badge(second).waitFor();
    await page.getByRole('button', { name: 'Mark all as read' }).click();
    await badge(page).waitFor({ state: 'detached' });
    await page.getByText('benno liked your post').waitFor();
    await page.getByRole('tab', { name: 'Unread' }).click();
    await page.getByText('All read').waitFor();
    expect(new URL(page.url()).search).toBe('?show=unread');
    await page.reload();
    await page.getByText('All read').waitFor();
    await close();
  });

  test('a second happening joins the notification, which stands there once', async () => {
    const { user, postId } = await newcomer();
    const { page, close } = await open(app, { as: user, path: '/notifications' });
    await page.getByText('Nothing yet').waitFor();
    await like(app, ben, postId);
    await page.getByText('benno liked your post').waitFor();
    const { user: other } = await newcomer();
    await like(app, other, postId);
    await page.getByText(`${other.username} and benno liked your post`).waitFor();
    expect(await page.getByRole('main').getByRole('listitem').count()).toBe(1);
    await aFollow(app, ben, user);
    await page.getByText('benno followed you').waitFor();
    expect(await page.getByRole('main').getByRole('listitem').first().textContent()).toContain('followed');
    await screenshot(page, 'web-notifications');
    await close();
  });

  test('what happens while the connection is away is told once it is back, and nothing twice', async () => {
    const { user, postId } = await newcomer();
    const { page, close, complaints } = await open(proxy, { as: user, path: '/notifications' });
    await page.getByText('Nothing yet').waitFor();
    await expect.poll(() => app.services.hub.stats().subscribers).toBeGreaterThan(0);
    await proxy.refuse();
    await page.getByText('Reconnecting…').waitFor();
    await like(app, ben, postId);
    await aFollow(app, ben, user);
    await proxy.resume();
    await page.getByText('benno liked your post').waitFor();
    await page.getByText('benno followed you').waitFor();
    await page.getByText(/^Back\. \d new events?\.$/).waitFor();
    expect(await page.getByRole('main').getByRole('listitem').count()).toBe(2);
    complaints();
    await close();
  });

  test('says at once that the browser is offline, and goes on when it is not', async () => {
    const { user, postId } = await newcomer();
    const { page, close, complaints } = await open(app, { as: user, path: '/notifications' });
    await page.getByText('Nothing yet').waitFor();
    await page.context().setOffline(true);
    await page.getByText('Offline: what you write is kept').waitFor();
    await like(app, ben, postId);
    await page.context().setOffline(false);
    await page.getByText('benno liked your post').waitFor();
    await page.getByText('Offline').waitFor({ state: 'detached' });
    complaints();
    await close();
  });

  test('the palette finds entries, people and commands by the keyboard alone', async () => {
    const { page, close } = await open(app, { as: ben, path: '/settings' });
    await page.getByRole('heading', { level: 1, name: 'Settings' }).waitFor();
    await page.keyboard.press('ControlOrMeta+K');
    const search = page.getByRole('combobox', { name: 'Search and commands' });
    await search.fill('comparing sec');
    await page.getByRole('option', { name: 'Comparing secrets' }).waitFor();
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Comparing secrets' }).waitFor();
    await page.keyboard.press('ControlOrMeta+K');
    await search.fill('chloe');
    await page.getByRole('option', { name: /Chloe/ }).waitFor();
    await search.fill('dark');
    await page.getByRole('option', { name: 'Dark theme' }).waitFor();
    await page.keyboard.press('Enter');
    await expect.poll(() => page.evaluate<string>('document.documentElement.dataset.theme')).toBe('dark');
    await page.keyboard.press('ControlOrMeta+K');
    await search.waitFor();
    await page.keyboard.press('Escape');
    await search.waitFor({ state: 'detached' });
    await close();
  });

  test('? lists the keys, which lead through the places', async () => {
    const { page, close } = await open(app, { path: '/settings' });
    await page.getByRole('heading', { level: 1, name: 'Settings' }).waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.keyboard.press('g');
    await page.keyboard.press('v');
    await page.getByRole('heading', { level: 1, name: 'Vault' }).waitFor();
    await close();
  });

  test('settings change the language and which notifications come, and keep both', async () => {
    const { user } = await newcomer();
    const { page, close } = await open(app, { as: user, path: '/settings' });
    const answered = page.waitForResponse((response) => response.request().postData()?.includes('SetNotificationPreference') === true);
    await page.getByLabel('likes what I wrote').uncheck();
    await answered;
    await page.getByLabel('Language', { exact: true }).selectOption('de');
    await page.getByRole('heading', { level: 1, name: 'Einstellungen' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { level: 1, name: 'Einstellungen' }).waitFor();
    expect(await page.getByLabel('mag, was ich geschrieben habe').isChecked()).toBe(false);
    expect(await page.getByLabel('mir folgt').isChecked()).toBe(true);
    await close();
  });

  test('the page for developers shows what each screen asks', async () => {
    const { page, close } = await open(app, { path: '/developers' });
    await page.locator('summary', { hasText: /^Vault/ }).click();
    await page.getByText('query VaultFilters').waitFor();
    await page.locator('summary', { hasText: 'Lists of posts' }).click();
    await page.getByText('mutation LikePost').waitFor();
    expect(await page.getByRole('link', { name: 'Open GraphiQL' }).getAttribute('href')).toBe('/graphql');
    await close();
  });

  test('has nothing that axe objects to, in both themes, for the viewer and for a visitor', async () => {
    for (const as of [ben, undefined]) {
      const { page, close } = await open(app, as ? { as } : {});
      for (const path of ['/notifications', '/settings', '/developers']) {
        await page.goto(new URL(path, app.url).href);
        await page.getByRole('heading', { level: 1 }).waitFor();
        expect({ path, found: await violationsInBothThemes(page) }).toEqual({ path, found: [] });
      }
      await close();
    }
  });
});
