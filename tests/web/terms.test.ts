import { afterAll, beforeAll, expect, test } from 'vitest';
import { PASSWORD, startTestApp, type TestApp } from '../kit/app.js';
import { createTestDatabase, type TestDatabase } from '../kit/database.js';
import { freePort } from '../kit/free-port.js';
import { describeWeb, violationsInBothThemes } from './kit.js';

describeWeb('terms, in a browser', ({ open }) => {
  let database: TestDatabase;
  let before: TestApp;
  let app: TestApp;
  beforeAll(async () => {
    database = await createTestDatabase();
    before = await startTestApp({ database });
    const terms = { TERMS_VERSION: '2027-01', TERMS_URL: 'https://example.com/terms' };
    app = await startTestApp({ database, env: { ...terms, DATA_DIR: before.services.config.dataDir } });
  });
  afterAll(async () => {
    await app.stop();
    await before.stop();
    await database.drop();
  });

  test('are accepted by a box when one registers', async () => {
    const { page, close } = await open(app, { path: '/register' });
    await page.getByLabel('Username').fill('newcomer');
    await page.getByLabel('Email').fill('newcomer@example.com');
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    const send = page.getByRole('button', { name: 'Make an account' });
    await send.click();
    await page.getByText('The terms must be accepted.').waitFor();
    expect(await page.getByRole('link', { name: 'the terms' }).getAttribute('href')).toBe('https://example.com/terms');
    await page.getByLabel('I accept the terms.').check();
    await send.click();
    await page.waitForURL((url) => !url.pathname.startsWith('/register'));
    const [row] = await database.query<{ version: string }>(`SELECT terms_version AS version FROM "user" WHERE username = 'newcomer'`);
    expect(row?.version).toBe('2027-01');
    await close();
  });

  test('that are new stand before every page but the settings, until they are accepted', async () => {
    const user = await before.user('resident');
    const { page, close } = await open(app, { as: user, path: '/feed' });
    const heading = page.getByRole('heading', { name: 'There are new terms' });
    await heading.waitFor();
    expect(await violationsInBothThemes(page)).toEqual([]);
    await page.getByRole('link', { name: 'in the settings' }).click();
    await page.getByRole('button', { name: 'Delete the account' }).waitFor();
    await page.goBack();
    await page.getByRole('button', { name: 'I accept them' }).click();
    await heading.waitFor({ state: 'detached' });
    await page.getByRole('heading', { name: 'Feed' }).waitFor();
    await close();
  });

  test('that are new stand before an open page once the server has started with them', async () => {
    const port = String(await freePort());
    const shared = { PORT: port, DATA_DIR: before.services.config.dataDir };
    const old = await startTestApp({ database, env: shared });
    const user = await before.user('reader');
    const { page, close, complaints } = await open(old, { as: user, path: '/feed' });
    await page.getByRole('heading', { name: 'Feed' }).waitFor();
    await expect.poll(() => old.services.hub.stats().subscribers).toBeGreaterThan(0);
    await old.stop();
    const fresh = await startTestApp({ database, env: { ...shared, TERMS_VERSION: '2028-01', TERMS_URL: 'https://example.com/terms' } });
    await page.getByRole('heading', { name: 'There are new terms' }).waitFor();
    complaints();
    await close();
    await fresh.stop();
  });

  test('that are new stand before an open page once something was refused for want of them', async () => {
    const user = await before.user('writer');
    const accept = (version: string) => database.query(`UPDATE "user" SET terms_version = $1 WHERE username = 'writer'`, [version]);
    await accept('2027-01');
    const { page, close, complaints } = await open(app, { as: user, path: '/feed' });
    await page.getByRole('textbox', { name: 'Write a post' }).fill('Something to say');
    await accept('2026-01');
    await page.getByRole('button', { name: 'Post', exact: true }).click();
    await page.getByRole('heading', { name: 'There are new terms' }).waitFor();
    await page.getByRole('button', { name: 'I accept them' }).click();
    expect(await page.getByRole('textbox', { name: 'Write a post' }).inputValue()).toBe('Something to say');
    complaints();
    await close();
  });
});
