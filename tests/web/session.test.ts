import { afterAll, beforeAll, expect, test } from 'vitest';
import { PASSWORD, startTestApp, type TestApp } from '../kit/app.js';
import { like } from '../kit/acts.js';
import { screenshot } from '../kit/browser.js';
import { aGroup, aMessage, aPost, aSession } from '../kit/factories.js';
import { describeWeb } from './kit.js';

describeWeb('a session in a browser', ({ open }) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp({ env: { JWT_ACCESS_TTL_SECONDS: '4' } });
  });
  afterAll(async () => await app.stop());

  const endSessions = async (username: string): Promise<void> => {
    await app.database.query('UPDATE session SET revoked_at = now() WHERE user_id = (SELECT id FROM "user" WHERE username = $1)', [
      username,
    ]);
  };

  test('is renewed for all tabs, seldom by more than one, and nothing live is lost meanwhile', async () => {
    const [ada, ben] = [await app.user('ada'), await app.user('ben')];
    const { id } = await aPost(app, await aSession(app, ada));
    const { page, tab, close, complaints } = await open(app, { as: await aSession(app, ada), path: '/notifications' });
    const used: string[] = [];
    page.context().on('request', async (request) => {
      const { query = '', variables } = (request.postDataJSON() ?? {}) as { query?: string; variables?: { refreshToken?: string | null } };
      // Once it has been renewed, the token is in a cookie.
      if (query.includes('RefreshSession')) used.push(variables?.refreshToken ?? (await request.allHeaders())['cookie'] ?? '');
    });
    const second = await tab('/notifications');
    for (const each of [page, second]) await each.getByText('Nothing yet').waitFor();
    await expect.poll(() => used.length).toBeGreaterThanOrEqual(3);
    // What one tab has written into the storage may come to the other a moment later, which then asks with the same token: the server's grace is for that.
    expect(new Set(used).size).toBeGreaterThanOrEqual(2);
    expect(used).not.toContain('');
    for (const token of new Set(used)) expect(used.filter((each) => each === token).length).toBeLessThanOrEqual(2);
    await like(app, await aSession(app, ben), id);
    for (const each of [page, second]) await each.getByText('ben liked your post').waitFor();
    // A request with a token that has just expired is refused, and sent again with the next one.
    complaints();
    await close();
  });

  test('has its refresh token in a cookie that no script can read, until it is signed out in all tabs', async () => {
    const ida = await app.user('ida');
    const { page, tab, close, complaints } = await open(app, { path: '/sign-in' });
    await page.getByLabel('Username or email address').fill('ida');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect.poll(() => page.evaluate<string | null>('localStorage.getItem("lyceum:session")')).toContain(ida.id);
    const stored = await page.evaluate<string>('localStorage.getItem("lyceum:session") + document.cookie');
    const [cookie] = await page.context().cookies();
    expect(cookie).toMatchObject({ httpOnly: true, secure: true, sameSite: 'Strict', path: '/' });
    expect(cookie?.name).toMatch(/^__Host-lyceum-refresh/);
    expect(stored).toContain('"refreshToken":null');
    expect(stored).not.toContain(cookie?.value);
    const second = await tab('/settings');
    await expect.poll(async () => (await page.context().cookies())[0]?.value, { timeout: 20_000 }).not.toBe(cookie?.value);
    await page.goto(new URL('/settings', page.url()).href);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await second.getByText('You are not signed in.').waitFor();
    expect(await page.context().cookies()).toEqual([]);
    complaints();
    await close();
  });

  test('that expires while somebody writes is renewed without a word: the page, the text and the stream go on', async () => {
    const [eva, ben] = [await app.user('eva'), await app.user('bob')];
    const { id } = await aGroup(app, await aSession(app, eva), [ben], 'Long talk');
    const { page, close, complaints } = await open(app, { as: await aSession(app, eva), path: `/messages/${encodeURIComponent(id)}` });
    const field = page.getByRole('textbox', { name: 'Write to Long talk' });
    await field.fill('What I am about');
    const token = (): Promise<string> => page.evaluate<string>('JSON.parse(localStorage.getItem("lyceum:session")).accessToken');
    const first = await token();
    await expect.poll(token, { timeout: 20_000 }).not.toBe(first);
    await field.pressSequentially(' to say');
    await page.keyboard.press('Enter');
    const history = page.getByRole('list', { name: 'Messages', exact: true });
    await history.locator('article:not([data-state])').getByText('What I am about to say').waitFor();
    await aMessage(app, await aSession(app, ben), id, 'I am listening');
    await history.getByText('I am listening').waitFor();
    expect(await history.locator('article').count()).toBe(2);
    expect(await page.getByText('Reconnecting…').count()).toBe(0);
    complaints();
    await close();
  });

  test('that is ended elsewhere leads to signing in and back to the same place, with what was written', async () => {
    const [lou, ben] = [await app.user('lou'), await app.user('bill')];
    const { id } = await aGroup(app, await aSession(app, lou), [ben], 'Interrupted');
    const path = `/messages/${encodeURIComponent(id)}`;
    const { page, close, complaints } = await open(app, { as: await aSession(app, lou), path: `${path}?panel=members` });
    await page.getByRole('textbox', { name: 'Write to Interrupted' }).fill('Not sent yet');
    await endSessions('lou');
    await page.getByRole('heading', { level: 1, name: 'Messages are for those who are here' }).waitFor();
    await page.getByRole('main').getByRole('link', { name: 'Sign in' }).click();
    await page.getByLabel('Username or email address').fill('lou');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { level: 1, name: 'Interrupted' }).waitFor();
    const { pathname, search } = new URL(page.url());
    expect(pathname + search).toBe(`${path}?panel=members`);
    expect(await page.getByRole('textbox', { name: 'Write to Interrupted' }).inputValue()).toBe('Not sent yet');
    complaints();
    await close();
  });

  test('that has ended on the server is none any more, in all tabs', async () => {
    const zoe = await aSession(app, await app.user('zoe'));
    const { page, tab, close, complaints } = await open(app, { as: zoe, path: '/settings' });
    const second = await tab('/settings');
    await page.getByText('zoe@example.com', { exact: true }).waitFor();
    await endSessions('zoe');
    await page.reload();
    for (const each of [page, second]) await each.getByText('You are not signed in.').waitFor();
    complaints();
    await close();
  });

  test('is listed in the settings, from where the other browsers are signed out', async () => {
    const user = await app.user('yuri');
    const [here, there] = [
      await open(app, { as: await aSession(app, user), path: '/settings' }),
      await open(app, { as: await aSession(app, user), path: '/settings' }),
    ];
    await here.page.getByText('This session').waitFor();
    await screenshot(here.page, 'settings-sessions');
    await here.page.getByRole('button', { name: 'End all other sessions' }).click();
    await there.page.getByText('You are not signed in.').waitFor();
    await here.page.getByRole('button', { name: 'End all other sessions' }).waitFor({ state: 'detached' });
    await here.page.getByText('This session').waitFor();
    for (const { complaints, close } of [here, there]) {
      complaints();
      await close();
    }
  });
});
