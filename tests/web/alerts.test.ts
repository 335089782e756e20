import { afterAll, beforeAll, expect, test } from 'vitest';
import { alertAdministrators } from '../../src/domains/audit/topics.js';
import { setRole } from '../../src/domains/admin/roles.js';
import { parseId } from '../../src/graphql/ids.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { screenshot } from '../kit/browser.js';
import { describeWeb, violationsInBothThemes } from './kit.js';

describeWeb('alerts', ({ open }) => {
  let app: TestApp;
  let chief: TestUser;
  beforeAll(async () => {
    app = await startTestApp();
    chief = await app.userWithRole('chief', 'ADMIN');
  });
  afterAll(async () => await app.stop());

  const alert = (count: number, detail = 'failures'): Promise<void> =>
    app.services.db.transact(async (tx) => {
      for (let n = 1; n <= count; n += 1) alertAdministrators(tx, 'SIGN_INS_FAILED', { detail: { [detail]: n } });
    });

  /** How many subscriptions somebody has in their browser. */
  const followed = async ({ id }: TestUser): Promise<number> =>
    (await app.services.connections.of(parseId(id).id)).reduce((sum, { subscriptions }) => sum + subscriptions, 0);

  test('an administrator is told of an alert wherever they are, and nobody else is', async () => {
    await app.user('risen');
    const other = await app.user('member');
    const [theirs, member] = [await open(app, { as: chief, path: '/vault' }), await open(app, { as: other, path: '/vault' })];
    // The frame of either follows two things that concern them; that of an administrator the alerts as well.
    await expect.poll(async () => [await followed(chief), await followed(other)]).toEqual([3, 2]);
    const asked: string[] = [];
    member.page.on('request', (request) => void asked.push(request.postData() ?? ''));
    await member.page.reload();
    await member.page.getByRole('heading', { level: 1 }).waitFor();
    await member.page.waitForLoadState('networkidle');
    expect(asked.filter((body) => /ShellViewer/.test(body))).not.toEqual([]);
    // Whoever may not have them does not ask for them, which would be refused.
    expect(asked.filter((body) => /Alert/.test(body))).toEqual([]);
    await setRole(app.services.db, 'risen', 'MODERATOR');
    await theirs.page.getByText('Security alert: Somebody has another role').waitFor();
    expect(await member.page.getByText(/Security alert/).count()).toBe(0);
    await screenshot(theirs.page, 'web-alert-toast');
    await theirs.page.getByRole('button', { name: 'See it' }).click();
    await theirs.page.getByRole('heading', { level: 1, name: 'Security alerts' }).waitFor();
    const item = theirs.page.getByRole('listitem').filter({ hasText: 'Somebody has another role' });
    await item.getByRole('link', { name: 'risen' }).waitFor();
    expect(await item.textContent()).toContain('"before":"MEMBER"');
    expect(await violationsInBothThemes(theirs.page)).toEqual([]);
    await theirs.close();
    await member.close();
  });

  test('the list goes back to the first alert, and grows when one comes', async () => {
    await alert(60);
    const { page, close } = await open(app, { as: chief, path: '/alerts' });
    const items = page.getByRole('main').getByRole('listitem');
    await expect.poll(() => items.count()).toBe(50);
    await page.getByRole('button', { name: 'Show earlier ones' }).click();
    await expect.poll(() => items.count()).toBe(61);
    await expect.poll(() => followed(chief)).toBe(3);
    await alert(1, 'latest');
    await page.getByText('{"latest":1}').waitFor();
    await expect.poll(() => items.count()).toBe(62);
    // The latest stands first, the first of all last.
    expect(await items.first().textContent()).toContain('{"latest":1}');
    expect(await items.last().textContent()).toContain('"role":"MODERATOR"');
    expect(new Set(await items.allTextContents()).size).toBeGreaterThan(60);
    await screenshot(page, 'web-alerts');
    await close();
  });

  test('who is no administrator has no link to it, and is told so at its address', async () => {
    const { page, close } = await open(app, { as: await app.user('curious'), path: '/alerts' });
    await page.getByRole('alert').getByText('FORBIDDEN').waitFor();
    expect(await page.getByRole('link', { name: 'Audit' }).count()).toBe(0);
    await page.getByRole('button', { name: 'Account' }).click();
    await page.getByRole('menuitem', { name: 'Settings' }).waitFor();
    expect(await page.getByRole('menuitem', { name: 'Security alerts' }).count()).toBe(0);
    await close();
  });

  test('it is in German where that is chosen', async () => {
    const { page, close } = await open(app, { as: chief, path: '/alerts', language: 'de' });
    await page.getByRole('heading', { level: 1, name: 'Sicherheitswarnungen' }).waitFor();
    await page.getByText('Viele Anmeldungen sind gescheitert').first().waitFor();
    await close();
  });
});
