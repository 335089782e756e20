import { afterAll, beforeAll, expect, test } from 'vitest';
import { RefreshSession } from '../kit/acts.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.stop());

const ME = '{ me { user { username } } }';

/** Moves the end of somebody's one session so many days into the past. */
const age = (user: TestUser, column: 'expires_at' | 'revoked_at', days: number): Promise<unknown> =>
  app.database.query(
    `UPDATE session SET ${column} = now() - make_interval(days => $2) WHERE user_id = (SELECT id FROM "user" WHERE username = $1)`,
    [user.username, days],
  );

test('sessions that ended long ago are forgotten, and no others', async () => {
  const [active, expired, revoked, justExpired] = await Promise.all(
    ['active', 'expired', 'revoked', 'just-expired'].map((name) => app.user(name)),
  );
  if (!active || !expired || !revoked || !justExpired) throw new Error('Four were asked for.');
  await age(expired, 'expires_at', 31);
  await age(revoked, 'revoked_at', 31);
  await age(justExpired, 'expires_at', 29);
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
