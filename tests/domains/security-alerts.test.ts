import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setRole } from '../../src/domains/admin/roles.js';
import { ADMINISTRATORS, alertAdministrators, securityLog } from '../../src/domains/audit/topics.js';
import { encodeCursor } from '../../src/realtime/cursor.js';
import { sealAudit } from '../../src/domains/audit/seals.js';
import { RefreshSession } from '../kit/acts.js';
import { PASSWORD, startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { graphql, present } from '../kit/graphql.js';
import { startSmtp, type TestSmtp } from '../kit/smtp.js';

const AlertAdded = graphql(`
  subscription AlertAdded($after: String) {
    securityAlertAdded(after: $after) {
      cursor
      at
      kind
      detail
      subject {
        id
      }
    }
  }
`);
const DeleteAccount = graphql(`
  mutation AlertDeleteAccount($password: String!) {
    deleteMyAccount(input: { password: $password }) {
      ok
    }
  }
`);
const Alerts = graphql(`
  query Alerts($before: String) {
    securityAlertCursor
    securityAlerts(before: $before) {
      cursor
      kind
      detail
      subject {
        id
      }
    }
  }
`);
let smtp: TestSmtp;
let app: TestApp;
let now = Date.now();
let admin: TestUser;
beforeAll(async () => {
  smtp = await startSmtp();
  app = await startTestApp({ env: { SMTP_URL: smtp.url, MAIL_FROM: 'mail@lyceum.example' }, clock: { now: () => now } });
  admin = await app.userWithRole('chief', 'ADMIN');
  await app.database.query(
    `UPDATE "user" SET email = 'chief@example.com', email_key = 'chief@example.com', email_verified_at = now() WHERE username = 'chief'`,
  );
});
afterAll(async () => {
  await app.stop();
  await smtp.stop();
});

/** The alerts that `work` leads to. */
const alertsOf = async (work: () => Promise<unknown>, count = 1) => {
  const { securityAlertCursor } = await app.data(Alerts, {}, admin);
  await work();
  const following = app.connect(admin).subscribe(AlertAdded, { after: securityAlertCursor });
  return (await following.take(count)).map(({ securityAlertAdded }) => securityAlertAdded);
};

describe('the list of alerts', () => {
  const cursorsOf = async (before: string | null) => (await app.data(Alerts, { before }, admin)).securityAlerts.map(({ cursor }) => cursor);

  it('goes back before each alert, to the first', async () => {
    await app.services.db.transact(async (tx) => {
      for (let n = 0; n < 60; n += 1) alertAdministrators(tx, 'SIGN_INS_FAILED', { detail: { failures: n } });
    });
    const latest = await cursorsOf(null);
    const earlier = await cursorsOf(latest[0] ?? null);
    expect([latest.length, earlier.length]).toEqual([50, 10]);
    expect(new Set([...earlier, ...latest]).size).toBe(60);
    expect(await cursorsOf(earlier[0] ?? null)).toEqual([]);
  });

  it('takes the cursors of alerts alone', async () => {
    expect(await app.code(Alerts, { before: 'nonsense' }, admin)).toBe('BAD_USER_INPUT');
    const beyond = encodeCursor(securityLog.name, ADMINISTRATORS, { epoch: 1, seq: 9_999 });
    expect(await app.code(Alerts, { before: beyond }, admin)).toBe('CURSOR_EXPIRED');
  });
});

describe('administrators are alerted', () => {
  it('of a role that somebody is given, live, with what it was before', async () => {
    const user = await app.user('risen');
    const { securityAlertCursor } = await app.data(Alerts, {}, admin);
    const following = app.connect(admin).subscribe(AlertAdded, { after: securityAlertCursor });
    await setRole(app.services.db, 'risen', 'MODERATOR');
    const { securityAlertAdded: alert } = present((await following.take(1))[0]);
    expect(alert).toMatchObject({ kind: 'ROLE_CHANGED', subject: { id: user.id } });
    expect(JSON.parse(alert.detail)).toEqual({ before: 'MEMBER', role: 'MODERATOR' });
    expect((await app.data(Alerts, {}, admin)).securityAlerts.at(-1)?.cursor).toBe(alert.cursor);
  });

  it('of a refresh token that comes back', async () => {
    const user = await app.user('copied');
    const alerts = await alertsOf(async () => {
      const first = await app.data(RefreshSession, { refreshToken: user.refreshToken });
      await app.data(RefreshSession, { refreshToken: present(first.refreshSession.credentials.refreshToken) });
      now += 10 * 60_000;
      expect(await app.code(RefreshSession, { refreshToken: user.refreshToken })).toBe('UNAUTHENTICATED');
    });
    expect(alerts).toMatchObject([{ kind: 'REFRESH_TOKEN_CAME_BACK', subject: { id: user.id }, detail: '{}' }]);
  });

  it('of an account that was deleted, since from where it has acted can no longer be read', async () => {
    const user = await app.user('leaving');
    const alerts = await alertsOf(() => app.data(DeleteAccount, { password: PASSWORD }, user));
    expect(alerts).toMatchObject([{ kind: 'AUDIT_KEY_DESTROYED', detail: '{}' }]);
  });

  it('of an audit that was changed, by the look over it at night', async () => {
    await sealAudit(app.services);
    await app.runTask('audit.verify');
    await app.database.query('ALTER TABLE audit_event DISABLE TRIGGER USER');
    await app.database.query(`UPDATE audit_event SET action = 'nothing' WHERE seq = (SELECT min(seq) FROM audit_event)`);
    const [alert] = await alertsOf(() => app.runTask('audit.verify'));
    expect(alert?.kind).toBe('AUDIT_BROKEN');
    expect(JSON.parse(alert?.detail ?? '')).toEqual({ faults: 1, first: expect.stringMatching(/^Seal 1 does not fit/) as string });
  });

  it('of many sign-ins that fail anywhere, once an hour', async () => {
    await app.database.query(
      `INSERT INTO login_guess (subject, origin, failures, at) SELECT sha256(n::text::bytea), sha256('x'), 5000, $1 FROM generate_series(1, 100) n`,
      [new Date(now)],
    );
    const alerts = await alertsOf(async () => {
      await app.runTask('account.lookForGuessing');
      await app.runTask('account.lookForGuessing');
      await setRole(app.services.db, 'risen', 'MEMBER');
    }, 2);
    expect(alerts.map(({ kind }) => kind)).toEqual(['SIGN_INS_FAILED', 'ROLE_CHANGED']);
    expect(JSON.parse(alerts[0]?.detail ?? '')).toEqual({ failures: 500_000, accounts: 100 });
  });
});

describe('alerts', () => {
  it('are for administrators, and end for one who no longer is', async () => {
    const moderator = await app.userWithRole('curious', 'MODERATOR');
    expect(await app.code(Alerts, {}, moderator)).toBe('FORBIDDEN');
    for (const [user, code] of [
      [moderator, 'FORBIDDEN'],
      [undefined, 'UNAUTHENTICATED'],
    ] as const)
      expect((await app.connect(user).subscribe(AlertAdded).next()).errors).toMatchObject([{ extensions: { code } }]);
    const other = await app.userWithRole('other', 'ADMIN');
    const following = app.connect(other).subscribe(AlertAdded, { after: (await app.data(Alerts, {}, admin)).securityAlertCursor });
    await setRole(app.services.db, 'other', 'MEMBER');
    expect(await following.ended).toMatchObject([{ extensions: { code: 'ACCESS_REVOKED' } }]);
  });

  it('are mailed to administrators whose address is confirmed: one mail of a kind in an hour, with how many there were', async () => {
    const roleMails = async (count: number) =>
      (await smtp.mailsTo('chief@example.com', 0)).filter(({ subject }) => subject === 'Security alert: Somebody has another role')
        .length === count;
    await app.runTask('account.mailAlerts');
    await expect.poll(() => roleMails(1)).toBe(true);
    await setRole(app.services.db, 'risen', 'ADMIN');
    await setRole(app.services.db, 'risen', 'MEMBER');
    await app.runTask('account.mailAlerts');
    now += 61 * 60_000;
    await app.runTask('account.mailAlerts');
    await expect.poll(() => roleMails(2)).toBe(true);
    const mails = await smtp.mailsTo('chief@example.com', 0);
    expect(mails.at(-1)?.text).toMatch(/2 times since the last mail/);
    await app.runTask('account.mailAlerts');
    expect(await roleMails(2)).toBe(true);
  });
});
