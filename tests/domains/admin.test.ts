import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RefreshSession } from '../kit/acts.js';
import { PASSWORD, startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { LogIn } from '../kit/factories.js';
import { graphql } from '../kit/graphql.js';

const WhoAmI = graphql(`query AdminWhoAmI { me { user { id role } } }`);
const SetRole = graphql(`
  mutation AdminSetRole($userId: ID!, $role: Role!, $clientId: String) {
    setUserRole(input: { userId: $userId, role: $role, clientId: $clientId }) {
      user {
        role
      }
    }
  }
`);
const Suspend = graphql(`
  mutation AdminSuspend($userId: ID!, $until: DateTime, $reason: String) {
    suspendUser(input: { userId: $userId, until: $until, reason: $reason }) {
      user {
        suspension {
          until
          reason
        }
      }
    }
  }
`);
const Unlock = graphql(`
  mutation AdminUnlock($userId: ID!) {
    unlockUser(input: { userId: $userId }) {
      user {
        suspension {
          until
        }
      }
    }
  }
`);
const Disconnect = graphql(`
  mutation AdminDisconnect($userId: ID!) {
    disconnectUser(input: { userId: $userId }) {
      endedCount
    }
  }
`);
const SuspensionOf = graphql(`
  query AdminSuspensionOf($id: ID!) {
    user(id: $id) {
      suspension {
        at
        until
        reason
      }
    }
  }
`);

let app: TestApp;
let admin: TestUser;
let time = 0;

beforeAll(async () => {
  app = await startTestApp({ clock: { now: () => Date.now() + time } });
  admin = await app.userWithRole('chief', 'ADMIN');
});
afterAll(() => app.stop());

let people = 0;
const somebody = (): Promise<TestUser> => app.user(`person${(people += 1)}`);
const errorOf = async (answer: Promise<{ readonly errors?: readonly { readonly extensions?: unknown }[] }>): Promise<unknown> =>
  (await answer).errors?.[0]?.extensions ?? null;

describe('setUserRole', () => {
  it('gives a member the rights of a moderator at once, and takes them again', async () => {
    const user = await somebody();
    expect((await app.data(SetRole, { userId: user.id, role: 'MODERATOR' }, admin)).setUserRole).toEqual({ user: { role: 'MODERATOR' } });
    expect((await app.data(WhoAmI, {}, user)).me.user.role).toBe('MODERATOR');
    await app.data(SetRole, { userId: user.id, role: 'MEMBER' }, admin);
    expect((await app.data(WhoAmI, {}, user)).me.user.role).toBe('MEMBER');
  });

  it.each(['GUEST', 'AGENT'] as const)('gives nobody the role %s', async (role) => {
    const user = await somebody();
    expect(await errorOf(app.execute(SetRole, { userId: user.id, role }, admin))).toMatchObject({
      code: 'BAD_USER_INPUT',
      fields: [{ path: 'input.role', code: 'NOT_ALLOWED' }],
    });
  });

  it('leaves one administrator at least, also when two take the role from each other at once', async () => {
    const own = await startTestApp();
    const [one, other] = [await own.userWithRole('one', 'ADMIN'), await own.userWithRole('other', 'ADMIN')];
    const answers = await Promise.all([
      own.execute(SetRole, { userId: other.id, role: 'MEMBER' }, one),
      own.execute(SetRole, { userId: one.id, role: 'MEMBER' }, other),
    ]);
    const left = answers.flatMap(({ errors }, index) => (errors === undefined ? [[one, other][index] as TestUser] : []));
    expect(left).toHaveLength(1);
    const [last] = left as [TestUser];
    expect(await errorOf(own.execute(SetRole, { userId: last.id, role: 'MEMBER' }, last))).toMatchObject({ code: 'CONFLICT' });
    await own.stop();
  });

  it('is for administrators', async () => {
    const [user, moderator] = [await somebody(), await app.userWithRole(`mod${people}`, 'MODERATOR')];
    for (const by of [user, moderator])
      expect(await errorOf(app.execute(SetRole, { userId: user.id, role: 'ADMIN' }, by))).toMatchObject({ code: 'FORBIDDEN' });
  });
});

describe('a suspended account', () => {
  const until = () => new Date(Date.now() + time + 60_000).toISOString();

  it('is answered LOCKED with the time and the reason, by whatever it proves who it is', async () => {
    const user = await somebody();
    const end = until();
    await app.data(Suspend, { userId: user.id, until: end, reason: 'Spam' }, admin);
    const locked = { code: 'LOCKED', until: end, reason: 'Spam' };
    expect(await errorOf(app.execute(WhoAmI, {}, user))).toMatchObject(locked);
    expect(await errorOf(app.execute(LogIn, { identifier: user.username, password: PASSWORD }))).toMatchObject(locked);
    expect(await errorOf(app.execute(RefreshSession, { refreshToken: user.refreshToken }))).toMatchObject(locked);
    expect(await app.connect(user).closed).toBe(4401);
  });

  it('tells nothing to somebody who does not know the password', async () => {
    const user = await somebody();
    await app.data(Suspend, { userId: user.id }, admin);
    expect(await errorOf(app.execute(LogIn, { identifier: user.username, password: 'a wrong one' }))).toMatchObject({
      code: 'UNAUTHENTICATED',
    });
  });

  it('loses its open sockets at once', async () => {
    const user = await somebody();
    const socket = app.connect(user);
    await socket.opened;
    await app.data(Suspend, { userId: user.id }, admin);
    expect(await socket.closed).toBe(4401);
  });

  it('is open again when its time is over, with the sessions from before', async () => {
    const user = await somebody();
    await app.data(Suspend, { userId: user.id, until: until() }, admin);
    time += 61_000;
    expect((await app.data(WhoAmI, {}, user)).me.user.id).toBe(user.id);
    expect((await app.data(SuspensionOf, { id: user.id }, admin)).user.suspension).toBeNull();
  });

  it('is opened by unlockUser, which may be repeated', async () => {
    const user = await somebody();
    await app.data(Suspend, { userId: user.id }, admin);
    for (let times = 0; times < 2; times += 1)
      expect((await app.data(Unlock, { userId: user.id }, admin)).unlockUser).toEqual({ user: { suspension: null } });
    expect((await app.data(WhoAmI, {}, user)).me.user.id).toBe(user.id);
  });

  it('is shown as such to moderators only', async () => {
    const [user, other] = [await somebody(), await somebody()];
    const moderator = await app.userWithRole(`looker${people}`, 'MODERATOR');
    await app.data(Suspend, { userId: user.id, reason: 'Spam' }, admin);
    const seenBy = async (by?: TestUser) => (await app.data(SuspensionOf, { id: user.id }, by)).user.suspension;
    expect(await seenBy(moderator)).toMatchObject({ until: null, reason: 'Spam' });
    expect(await seenBy(other)).toBeNull();
    expect(await seenBy()).toBeNull();
  });

  it('is nobody’s own, and of a time to come', async () => {
    const user = await somebody();
    const past = new Date(Date.now() + time - 1_000).toISOString();
    expect(await errorOf(app.execute(Suspend, { userId: admin.id }, admin))).toMatchObject({
      fields: [{ path: 'input.userId', code: 'NOT_ALLOWED' }],
    });
    expect(await errorOf(app.execute(Suspend, { userId: user.id, until: past }, admin))).toMatchObject({
      fields: [{ path: 'input.until', code: 'TOO_SMALL' }],
    });
    expect((await app.data(WhoAmI, {}, user)).me.user.id).toBe(user.id);
  });
});

describe('disconnectUser', () => {
  it('ends all sessions of a user and closes their sockets, and lets them sign in again', async () => {
    const user = await somebody();
    await app.data(LogIn, { identifier: user.username, password: PASSWORD });
    const socket = app.connect(user);
    await socket.opened;
    expect((await app.data(Disconnect, { userId: user.id }, admin)).disconnectUser).toEqual({ endedCount: 2 });
    expect(await socket.closed).toBe(4401);
    expect(await errorOf(app.execute(WhoAmI, {}, user))).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect((await app.execute(LogIn, { identifier: user.username, password: PASSWORD })).errors).toBeUndefined();
  });
});
