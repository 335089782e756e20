import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PASSWORD, startTestApp, type TestApp } from '../kit/app.js';
import { aPost } from '../kit/factories.js';
import { filesIn } from '../kit/zip.js';
import { describeWeb, violationsInBothThemes } from './kit.js';

describeWeb('what is stored about somebody, in a browser', ({ open }) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp();
  });
  afterAll(() => app.stop());

  test('is exported and downloaded in the settings, and then deleted with the account', async () => {
    const user = await app.user('leaving');
    await aPost(app, user, { body: 'What I have said.' });
    const { page, close } = await open(app, { as: user, path: '/settings' });
    await page.getByRole('button', { name: 'Make an export' }).click();
    const button = page.getByRole('button', { name: 'Download the export' });
    await button.waitFor();
    expect(await violationsInBothThemes(page)).toEqual([]);
    const [download] = await Promise.all([page.waitForEvent('download'), button.click()]);
    expect(filesIn(await readFile(await download.path())).get('posts.md')).toContain('What I have said.');
    await page.getByLabel('Who may begin to write to me').selectOption('NOBODY');
    await page.getByRole('button', { name: 'Delete the account' }).click();
    await page.getByLabel('Present password').fill('wrong');
    await page.getByRole('button', { name: 'Delete it for good' }).click();
    await page.getByText('This is not your password.').waitFor();
    await page.getByLabel('Present password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Delete it for good' }).click();
    await page.waitForURL('**/vault');
    const [row] = await app.database.query<{ username: string }>('SELECT username FROM "user" WHERE is_deleted');
    expect(row?.username).toMatch(/^deleted-/);
    await close();
  });

  test('is shown to others as far as one wants, from one moment to the next', async () => {
    const [hiding, looking] = [await app.user('hiding'), await app.user('looking')];
    const [own, other] = [await open(app, { as: hiding, path: '/settings' }), await open(app, { as: looking, path: '/people/hiding' })];
    const here = other.page.getByText('Here now', { exact: true });
    await here.waitFor();
    await own.page.getByLabel('Appear offline to everyone').click();
    await other.page.getByText('Not here', { exact: true }).waitFor();
    await own.page.getByLabel('Appear offline to everyone').click();
    await here.waitFor();
    await own.page.getByLabel('Who sees whether I am here').selectOption('FOLLOWED');
    await other.page.getByText('Not here', { exact: true }).waitFor();
    await Promise.all([own.close(), other.close()]);
  });
});
