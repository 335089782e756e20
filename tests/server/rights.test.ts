import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../kit/app.js';
import { logOut } from '../kit/acts.js';

const TRY_AGAIN_LATER = 1013;

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ env: { RECONCILE_MS: '50' } });
});
afterAll(() => app.stop());

test("a socket whose session is looked up while the following of its user's rights ends is followed from there", async () => {
  const user = await app.user('ada');
  const earlier = app.connect(user);
  await earlier.opened;
  const holder = new pg.Client(app.database.url);
  await holder.connect();
  await holder.query('BEGIN; LOCK TABLE session IN ACCESS EXCLUSIVE MODE');
  const entering = app.connect(user);
  const waits = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  await expect.poll(async () => (await app.database.query(waits)).length).toBeGreaterThan(0);
  // An event after a hole: the log cannot be followed over it.
  await app.database.query(`
    WITH grown AS (
      INSERT INTO head (topic, key, last_seq, oldest_seq) SELECT 'rights', id::text, 5, 5 FROM "user" WHERE username = 'ada' RETURNING topic, key
    ) INSERT INTO event (topic, key, seq, kind, ref) SELECT topic, key, 5, 'RoleChanged', 'null' FROM grown`);
  expect(await earlier.closed).toBe(TRY_AGAIN_LATER);
  await holder.query('COMMIT');
  await holder.end();
  await entering.opened;
  await logOut(app, user);
  expect(await entering.closed).toBe(4401);
});
