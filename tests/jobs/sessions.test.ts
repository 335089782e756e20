import { afterAll, beforeAll, expect, test } from 'vitest';
import { RefreshSession } from '../kit/acts.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ env: { SESSION_KEPT: '20d', ADDRESS_KEPT: '10d' } });
});
afterAll(() => app.stop());

const ME = '{ me { user { username } } }';

/** Moves the beginning or the end of somebody's one session so many days into the past. */
const age = (user: TestUser, column: 'created_at' | 'expires_at' | 'revoked_at', days: number): Promise<unknown> =>
  app.database.query(
    `UPDATE session SET ${column} = now() - make_interval(days => $2) WHERE user_id = (SELECT id FROM "user" WHERE username = $1)`,
    [user.username, days],
  );

test('sessions that ended long ago are forgotten, and no others', async () => {
  const [active, expired, revoked, justExpired] = await Promise.all(
    ['active', 'expired', 'revoked', 'just-expired'].map((name) => app.user(name)),
  );
  if (!active || !expired || !revoked || !justExpired) throw new Error('Four were asked for.');
  await age(expired, 'expires_at', 21);
  await age(revoked, 'revoked_at', 21);
  await age(justExpired, 'expires_at', 19);
  await app.runTask('account.sweepSessions');

  const left = await app.database.query<{ username: string }>(
    'SELECT username FROM session JOIN "user" ON "user".id = user_id ORDER BY username',
  );
  expect(left.map(({ username }) => username)).toEqual(['active', 'just-expired']);
  expect(await app.data(ME, {}, active)).toEqual({ me: { user: { username: 'active' } } });
  expect(await app.execute(RefreshSession, { refreshToken: active.refreshToken })).toMatchObject({
    data: { refreshSession: { credentials: {} } },
  });
  expect(await app.code(RefreshSession, { refreshToken: expired.refreshToken })).toBe('UNAUTHENTICATED');
});

test('sessions that began long ago go on, and say no more from where', async () => {
  const [older, newer] = [await app.user('older'), await app.user('newer')];
  await age(older, 'created_at', 11);
  await age(newer, 'created_at', 9);
  await app.runTask('account.sweepSessions');
  const kept = await app.database.query<{ username: string; ip: string | null; agent: string | null }>(
    `SELECT username, ip, user_agent AS agent FROM session JOIN "user" ON "user".id = user_id WHERE username IN ('older', 'newer') ORDER BY username`,
  );
  expect(kept).toEqual([
    { username: 'newer', ip: '127.0.0.1', agent: 'node' },
    { username: 'older', ip: null, agent: null },
  ]);
  expect(await app.data(ME, {}, older)).toEqual({ me: { user: { username: 'older' } } });
});
