import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../kit/app.js';
import { like } from '../kit/acts.js';
import { aPost, aSession } from '../kit/factories.js';
import { describeWeb } from './kit.js';

describeWeb('a session in a browser', ({ open }) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp({ env: { JWT_ACCESS_TTL_SECONDS: '4' } });
  });
  afterAll(async () => await app.stop());

  test('is renewed once for all tabs, each refresh token used once, and nothing live is lost meanwhile', async () => {
    const [ada, ben] = [await app.user('ada'), await app.user('ben')];
    const { id } = await aPost(app, await aSession(app, ada));
    const { page, tab, close, complaints } = await open(app, { as: await aSession(app, ada), path: '/notifications' });
    const used: string[] = [];
    page.context().on('request', (request) => {
      const { query = '', variables } = (request.postDataJSON() ?? {}) as { query?: string; variables?: { refreshToken?: string } };
      if (query.includes('RefreshSession')) used.push(variables?.refreshToken ?? '');
    });
    const second = await tab('/notifications');
    for (const each of [page, second]) await each.getByText('Nothing yet').waitFor();
    await expect.poll(() => used.length).toBeGreaterThanOrEqual(3);
    expect(new Set(used).size).toBe(used.length);
    await like(app, await aSession(app, ben), id);
    for (const each of [page, second]) await each.getByText('ben liked your post').waitFor();
    // A request with a token that has just expired is refused, and sent again with the next one.
    complaints();
    await close();
  });

  test('that has ended on the server is none any more, in all tabs', async () => {
    const zoe = await aSession(app, await app.user('zoe'));
    const { page, tab, close, complaints } = await open(app, { as: zoe, path: '/settings' });
    const second = await tab('/settings');
    await page.getByText('zoe@example.com').waitFor();
    await app.database.query('UPDATE session SET revoked_at = now() WHERE user_id = (SELECT id FROM "user" WHERE username = $1)', ['zoe']);
    await page.reload();
    for (const each of [page, second]) await each.getByText('You are not signed in.').waitFor();
    complaints();
    await close();
  });
});
