import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PASSWORD, startTestApp, type TestApp } from '../kit/app.js';
import { aComment, aPost } from '../kit/factories.js';
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

  test('shows whoever has deleted their account as a deleted user, and links to them no more', async () => {
    const [vanishing, staying] = [await app.user('vanishing'), await app.user('staying')];
    const post = await aPost(app, vanishing, { body: 'To be answered.' });
    await aComment(app, staying, post.id);
    const own = await open(app, { as: vanishing, path: '/settings' });
    const { page, close } = await open(app, { as: staying, path: '/people/vanishing' });
    const other = await open(app, { as: staying, path: `/posts/${post.id}` });
    for (const each of [page, other.page]) await each.getByText('vanishing', { exact: true }).first().waitFor();
    await page.getByText('Here now', { exact: true }).waitFor();
    await own.page.getByRole('button', { name: 'Delete the account' }).click();
    await own.page.getByLabel('Present password').fill(PASSWORD);
    await own.page.getByRole('button', { name: 'Delete it for good' }).click();
    await page.getByRole('heading', { name: 'Deleted user' }).waitFor();
    await page.getByText('This account was deleted.').waitFor();
    expect(
      await page
        .getByRole('link', { name: 'Message', exact: true })
        .or(page.getByRole('button', { name: 'Follow', exact: true }))
        .count(),
    ).toBe(0);
    const card = other.page.getByRole('article', { name: 'Deleted user' });
    await card.getByText('To be answered.').waitFor();
    expect(await card.getByRole('link', { name: 'Deleted user' }).count()).toBe(0);
    await Promise.all([own.close(), other.close(), close()]);
  });
});
