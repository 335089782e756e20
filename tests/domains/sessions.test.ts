import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RefreshSession } from '../kit/acts.js';
import { PASSWORD, startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { LogIn } from '../kit/factories.js';
import { graphql } from '../kit/graphql.js';

const MySessions = graphql(`
  query MySessions {
    me {
      sessions {
        id
        userAgent
        ip
        current
      }
    }
  }
`);
const RevokeSession = graphql(`
  mutation RevokeSession($sessionId: ID!) {
    revokeSession(input: { sessionId: $sessionId }) {
      ok
      me {
        sessions {
          id
        }
      }
    }
  }
`);
const RevokeAllSessions = graphql(`
  mutation RevokeAllSessions($keepCurrent: Boolean) {
    revokeAllSessions(input: { keepCurrent: $keepCurrent }) {
      endedCount
    }
  }
`);

const MAX_SESSIONS = 100;

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.stop());

const next = async (refreshToken: string): Promise<string> => {
  const token = (await app.data(RefreshSession, { refreshToken })).refreshSession.credentials.refreshToken;
  if (!token) throw new Error('No refresh token came.');
  return token;
};
const isRefused = async (refreshToken: string): Promise<boolean> =>
  (await app.code(RefreshSession, { refreshToken })) === 'UNAUTHENTICATED';
/** As if the last exchange of somebody's tokens were a minute ago. */
const later = (user: TestUser): Promise<unknown> =>
  app.database.query(
    `UPDATE session SET rotated_at = rotated_at - interval '1 minute' WHERE user_id = (SELECT id FROM "user" WHERE username = $1)`,
    [user.username],
  );
const signIn = async (user: TestUser) => {
  const { login } = await app.data(LogIn, { identifier: user.username, password: PASSWORD });
  return { token: login.credentials.accessToken, refreshToken: login.credentials.refreshToken ?? '' };
};
const sessionsOf = async (as: { readonly token: string }) => (await app.data(MySessions, {}, as)).me.sessions;

describe('H38: a refresh token that was exchanged', () => {
  it.each([1, 2, 3, 5])('ends the session when it comes back after %i exchanges', async (exchanges) => {
    const user = await app.user(`robbed${exchanges}`);
    const chain = [user.refreshToken];
    for (let done = 0; done < exchanges; done += 1) chain.push(await next(chain.at(-1) ?? ''));
    await later(user);
    expect(await isRefused(chain[0] ?? '')).toBe(true);
    for (const token of chain) expect(await isRefused(token)).toBe(true);
    expect(await app.code(MySessions, {}, user)).toBe('UNAUTHENTICATED');
  });

  it('ends it at once when another was exchanged after it, however short ago', async () => {
    const user = await app.user('quick');
    const second = await next(user.refreshToken);
    const third = await next(second);
    expect(await isRefused(user.refreshToken)).toBe(true);
    expect(await isRefused(third)).toBe(true);
  });

  it('gives a client whose answer was lost the same next token, with which it and the other tab go on', async () => {
    const user = await app.user('unlucky');
    const lost = await next(user.refreshToken);
    expect(await next(user.refreshToken)).toBe(lost);
    const third = await next(lost);
    expect(await next(lost)).toBe(third);
    expect(await isRefused(third)).toBe(false);
  });

  it('ends the session when the last one comes back later than that', async () => {
    const user = await app.user('late');
    const second = await next(user.refreshToken);
    await later(user);
    expect(await isRefused(user.refreshToken)).toBe(true);
    expect(await isRefused(second)).toBe(true);
  });

  it('ends no session of others, nor does a token that is made up', async () => {
    const [ada, ben] = [await app.user('ada'), await app.user('ben')];
    const made = ada.refreshToken.slice(0, 43).split('').reverse().join('') + ben.refreshToken.slice(43);
    expect(await isRefused(made)).toBe(true);
    expect(await isRefused(ada.refreshToken)).toBe(false);
    expect(await isRefused(ben.refreshToken)).toBe(false);
  });

  it('of release 0.2 is exchanged for one with a family, and is known when it comes back', async () => {
    const user = await app.user('old');
    const old = 'o'.repeat(43);
    await app.database.query(
      `UPDATE session SET family_hash = NULL, refresh_hash = $2 WHERE user_id = (SELECT id FROM "user" WHERE username = $1)`,
      [user.username, createHash('sha256').update(old).digest()],
    );
    const second = await next(old);
    expect(await next(old)).toBe(second);
    const third = await next(second);
    await later(user);
    expect(await isRefused(second)).toBe(true);
    expect(await isRefused(third)).toBe(true);
  });
});

describe('the sessions of a user', () => {
  it('are listed with where they come from, the present one marked', async () => {
    const user = await app.user('lister');
    const second = await signIn(user);
    const sessions = await sessionsOf(second);
    expect(sessions).toHaveLength(2);
    expect(sessions.map(({ current }) => current)).toEqual([true, false]);
    expect(sessions[0]?.ip).toMatch(/^[\d.:a-f]+$/);
  });

  it('end one by one, which others cannot do', async () => {
    const user = await app.user('ender');
    const second = await signIn(user);
    const [, first] = await sessionsOf(second);
    const sessionId = first?.id ?? '';
    expect(await app.code(RevokeSession, { sessionId }, await app.user('other'))).toBe('NOT_FOUND');
    const { revokeSession } = await app.data(RevokeSession, { sessionId }, second);
    expect(revokeSession.ok).toBe(true);
    expect(revokeSession.me.sessions).toHaveLength(1);
    expect(await app.code(MySessions, {}, user)).toBe('UNAUTHENTICATED');
    expect(await isRefused(user.refreshToken)).toBe(true);
    expect(await sessionsOf(second)).toHaveLength(1);
  });

  it('end all at once, without the present one unless it is asked for', async () => {
    const user = await app.user('leaver');
    const [second, third] = [await signIn(user), await signIn(user)];
    expect(await app.data(RevokeAllSessions, {}, third)).toEqual({ revokeAllSessions: { endedCount: 2 } });
    for (const each of [user, second]) expect(await app.code(MySessions, {}, each)).toBe('UNAUTHENTICATED');
    expect(await sessionsOf(third)).toHaveLength(1);
    expect(await app.data(RevokeAllSessions, { keepCurrent: false }, third)).toEqual({ revokeAllSessions: { endedCount: 1 } });
    expect(await app.code(MySessions, {}, third)).toBe('UNAUTHENTICATED');
  });

  it(`are at most ${MAX_SESSIONS}: one more ends the one that was used least recently`, async () => {
    const user = await app.user('many');
    await app.database.query(
      `INSERT INTO session (id, user_id, refresh_hash, created_at, last_used_at, expires_at)
       SELECT gen_random_uuid(), "user".id, sha256(n::text::bytea), now(), now() + n * interval '1 second', now() + interval '1 day'
       FROM "user", generate_series(1, $2) n WHERE username = $1`,
      [user.username, MAX_SESSIONS - 1],
    );
    const newest = await signIn(user);
    expect(await sessionsOf(newest)).toHaveLength(MAX_SESSIONS);
    expect(await app.code(MySessions, {}, user)).toBe('UNAUTHENTICATED');
  });
});
