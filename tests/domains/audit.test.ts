import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { forgetPerson } from '../../src/db/audit.js';
import { sealAudit, verifyAudit } from '../../src/domains/audit/seals.js';
import { PASSWORD, startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { anApiKey, aPost, LogIn } from '../kit/factories.js';
import { graphql, type VariablesOf } from '../kit/graphql.js';
import { parseId } from '../../src/graphql/ids.js';

const AuditLog = graphql(`
  query AuditLog($actor: ID, $subject: ID, $via: AuditVia, $viaId: ID, $action: String, $first: Int, $after: String) {
    auditLog(actor: $actor, subject: $subject, via: $via, viaId: $viaId, action: $action, first: $first, after: $after) {
      totalCount
      pageInfo {
        endCursor
        hasNextPage
      }
      nodes {
        id
        action
        via
        viaId
        ip
        detail
        subjectId
        actor {
          username
        }
        subject {
          id
        }
      }
    }
  }
`);
const AuditedRole = graphql(`
  mutation AuditedRole($userId: ID!, $role: Role!) {
    setUserRole(input: { userId: $userId, role: $role }) {
      user {
        id
      }
    }
  }
`);
const AuditedDeletion = graphql(`
  mutation AuditedDeletion($id: ID!) {
    deletePost(input: { id: $id }) {
      postId
    }
  }
`);
const AuditNode = graphql(`
  query AuditNode($id: ID!) {
    node(id: $id) {
      id
    }
  }
`);

let app: TestApp;
let admin: TestUser;
beforeAll(async () => {
  app = await startTestApp();
  admin = await app.userWithRole('chief', 'ADMIN');
});
afterAll(() => app.stop());

const logOf = async (filter: VariablesOf<typeof AuditLog>) => (await app.data(AuditLog, filter, admin)).auditLog.nodes;
const verify = () => verifyAudit(app.services);
const seal = () => sealAudit(app.services);
/** Changes what was audited, as somebody may who owns the tables. */
const tamper = async (sql: string, ...params: unknown[]): Promise<void> => {
  for (const table of ['audit_event', 'audit_seal']) await app.database.query(`ALTER TABLE ${table} DISABLE TRIGGER ALL`);
  await app.database.query(sql, params);
  for (const table of ['audit_event', 'audit_seal']) await app.database.query(`ALTER TABLE ${table} ENABLE TRIGGER ALL`);
};

describe('the audit', () => {
  it('has who did what to whom, from where, and what changed', async () => {
    const user = await app.user('promoted');
    await app.data(AuditedRole, { userId: user.id, role: 'MODERATOR' }, admin);
    const [event] = await logOf({ subject: user.id, action: 'setUserRole' });
    expect(event).toMatchObject({ actor: { username: 'chief' }, subject: { id: user.id }, subjectId: user.id });
    expect(event?.ip).toMatch(/127\.0\.0\.1$/);
    expect(JSON.parse(event?.detail ?? '')).toEqual({ before: 'MEMBER', role: 'MODERATOR' });
  });

  it('has sign-ins as acts of whoever has signed in', async () => {
    const user = await app.user('coming');
    await app.data(LogIn, { identifier: user.username, password: PASSWORD });
    expect((await logOf({ actor: user.id })).map(({ action }) => action)).toEqual(['login', 'register']);
  });

  it('has nothing of what was refused', async () => {
    const user = await app.user('refused');
    await app.execute(AuditedRole, { userId: user.id, role: 'GUEST' }, admin);
    await app.execute(AuditedRole, { userId: user.id, role: 'ADMIN' }, user);
    expect((await logOf({ subject: user.id })).map(({ action }) => action)).toEqual(['register']);
  });

  it('has what moderators delete of others, and not what people delete of their own', async () => {
    const [author, moderator] = [await app.user('author'), await app.userWithRole('mod', 'MODERATOR')];
    const [own, others] = [await aPost(app, author), await aPost(app, author)];
    await app.data(AuditedDeletion, { id: own.id }, author);
    await app.data(AuditedDeletion, { id: others.id }, moderator);
    const events = await logOf({ action: 'deletePost' });
    expect(events.map(({ subjectId, actor }) => [subjectId, actor?.username])).toEqual([[others.id, 'mod']]);
    expect(JSON.parse(events[0]?.detail ?? '')).toEqual({ authorId: parseId(author.id).id });
  });

  it('has by which session or key somebody acted, and finds what was done by it', async () => {
    const [user, key] = [await app.user('keyed'), await anApiKey(app, admin, ['ADMIN'])];
    await app.data(AuditedRole, { userId: user.id, role: 'MODERATOR' }, key);
    await app.data(AuditedRole, { userId: user.id, role: 'MEMBER' }, admin);
    const [bySession, byKey] = await logOf({ subject: user.id, action: 'setUserRole' });
    expect([byKey?.via, byKey?.viaId]).toEqual(['API_KEY', key.keyId]);
    expect([bySession?.via, parseId(bySession?.viaId ?? '').typename]).toEqual(['SESSION', 'Session']);
    expect(await logOf({ viaId: key.keyId })).toEqual([byKey]);
    expect(await logOf({ via: 'API_KEY', subject: user.id })).toEqual([byKey]);
    expect((await logOf({ via: 'SESSION', viaId: bySession?.viaId, subject: user.id })).length).toBe(1);
  });

  it('does not lay a sign-in to the credential that came with it', async () => {
    const user = await app.user('within');
    await app.data(LogIn, { identifier: user.username, password: PASSWORD }, admin);
    const [event] = await logOf({ actor: user.id, action: 'login' });
    expect([event?.via, event?.viaId]).toEqual([null, null]);
  });

  it('comes in pages', async () => {
    const first = (await app.data(AuditLog, { action: 'register', first: 2 }, admin)).auditLog;
    expect(first.pageInfo.hasNextPage).toBe(true);
    const rest = (await app.data(AuditLog, { action: 'register', first: 100, after: first.pageInfo.endCursor }, admin)).auditLog;
    expect(2 + rest.nodes.length).toBe(first.totalCount);
  });

  it('is for administrators, in a list and by id', async () => {
    const moderator = await app.userWithRole('curious', 'MODERATOR');
    const [event] = await logOf({});
    expect(await app.code(AuditLog, {}, moderator)).toBe('FORBIDDEN');
    expect((await app.data(AuditNode, { id: event?.id ?? '' }, moderator)).node).toBeNull();
    expect((await app.data(AuditNode, { id: event?.id ?? '' }, admin)).node).toEqual({ id: event?.id });
  });

  it.each(['UPDATE audit_event SET action = action', 'DELETE FROM audit_event', 'TRUNCATE audit_event', 'DELETE FROM audit_seal'])(
    'is not changed by %s',
    async (sql) => {
      await expect(app.database.query(sql)).rejects.toThrow(/The audit is never changed/);
    },
  );
});

describe('the seals of the audit', () => {
  it('hold, and cover everything that was audited before', async () => {
    await app.user('sealed');
    await seal();
    const state = await verify();
    expect(state).toMatchObject({ unsealed: 0, faults: [] });
    expect(await verifyAudit(app.services, state.head)).toMatchObject({ faults: [] });
  });

  it('cover events whose transactions have ended in another order than they began', async () => {
    await Promise.all(Array.from({ length: 10 }, async (_, n) => (n % 3 === 0 ? seal() : app.user(`racing${n}`))));
    await seal();
    expect(await verify()).toMatchObject({ unsealed: 0, faults: [] });
  });

  it('still hold when the key of a person is destroyed, from where they have acted is gone', async () => {
    const user = await app.user('forgotten');
    await seal();
    await app.services.db.transact((tx) => forgetPerson(tx, parseId(user.id).id));
    expect((await logOf({ actor: user.id })).map(({ action, ip }) => [action, ip])).toEqual([['register', null]]);
    expect((await verify()).faults).toEqual([]);
  });

  it('hold for events from before it was kept how somebody had shown who they are', async () => {
    await app.database.query(`INSERT INTO audit_event (id, action) VALUES (gen_random_uuid(), 'earlier')`);
    await seal();
    expect((await verify()).faults).toEqual([]);
    await tamper(`UPDATE audit_event SET via = 'SESSION', via_id = gen_random_uuid() WHERE action = 'earlier'`);
    expect((await verify()).faults).toEqual([expect.stringContaining('does not fit its events')]);
    await tamper(`UPDATE audit_event SET via = NULL, via_id = NULL WHERE action = 'earlier'`);
  });

  it.each([
    [
      'an event that was changed',
      `UPDATE audit_event SET action = 'nothing' WHERE seq = 2`,
      `UPDATE audit_event SET action = $1 WHERE seq = 2`,
    ],
    [
      'an origin that was changed',
      `UPDATE audit_event SET origin = '\\x00' WHERE seq = 2`,
      `UPDATE audit_event SET origin = $1 WHERE seq = 2`,
    ],
  ])('show %s', async (what, change, undo) => {
    const column = what.startsWith('an origin') ? 'origin' : 'action';
    const [before] = await app.database.query<Record<string, unknown>>(`SELECT action, origin FROM audit_event WHERE seq = 2`);
    await tamper(change);
    expect((await verify()).faults).toEqual([expect.stringContaining('Seal 1 does not fit its events')]);
    await tamper(undo, before?.[column]);
    expect((await verify()).faults).toEqual([]);
  });

  it('show events that were removed, one or the last ones with their seals', async () => {
    await app.user('removed');
    await seal();
    const { head } = await verify();
    await tamper(`DELETE FROM audit_seal WHERE number = (SELECT max(number) FROM audit_seal)`);
    expect((await verify()).faults).toEqual([]);
    expect((await verifyAudit(app.services, head)).faults).toEqual([expect.stringContaining('cut off')]);
    await tamper(`DELETE FROM audit_event WHERE seq = 2`);
    expect((await verify()).faults).toEqual([expect.stringMatching(/Seal 1 is over \d+ events, and there are \d+/)]);
  });
});
