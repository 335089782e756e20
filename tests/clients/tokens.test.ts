import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTokens, type Credentials, type Tokens, type TokenStorage } from '../../src/client/tokens.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { graphql } from '../kit/graphql.js';

const RefreshTokens = graphql(`
  mutation RefreshTokens($refreshToken: String!) {
    refreshSession(input: { refreshToken: $refreshToken }) {
      credentials {
        accessToken
        accessTokenExpiresAt
        refreshToken
      }
    }
  }
`);

describe('the session that the tabs of a browser share', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp();
  });
  afterAll(() => app.stop());

  let storage: TokenStorage;
  let user: TestUser;
  let asked: number;
  let answers: boolean;
  let number = 0;
  const tab = (): Tokens =>
    createTokens({
      storage,
      refresh: async (refreshToken): Promise<Credentials | null> => {
        asked += 1;
        if (!answers) throw new Error('There is no network.');
        const { data } = await app.execute(RefreshTokens, { refreshToken: refreshToken ?? '' });
        return (data?.refreshSession?.credentials as Credentials | undefined) ?? null;
      },
    });
  const signIn = (tokens: Tokens, deviceToken: string | null = null): void =>
    tokens.signIn(user.id, {
      deviceToken,
      accessToken: user.token,
      accessTokenExpiresAt: new Date(Date.now() + 600_000).toISOString(),
      refreshToken: user.refreshToken,
    });

  beforeEach(async () => {
    const kept = new Map<string, string>();
    storage = {
      getItem: (key) => kept.get(key) ?? null,
      setItem: (key, value) => void kept.set(key, value),
      removeItem: (key) => void kept.delete(key),
    };
    user = await app.user(`tabs${(number += 1)}`);
    [asked, answers] = [0, true];
  });

  it('is there in a tab that is opened later', () => {
    signIn(tab());
    const later = tab();
    expect([later.owner(), later.present()]).toEqual([user.id, user.token]);
  });

  it('leaves behind what tells the device, and nothing else, when it ends', () => {
    const tokens = tab();
    expect(tokens.device()).toBeNull();
    signIn(tokens, 'the device');
    tokens.signOut();
    expect([tokens.present(), tokens.device(), tab().device()]).toEqual([null, 'the device', 'the device']);
    signIn(tokens);
    expect(tokens.device()).toBe('the device');
  });

  it('is renewed once for those of one tab who ask at the same time', async () => {
    const tokens = tab();
    signIn(tokens);
    const [one, other] = await Promise.all([tokens.renew(user.token), tokens.renew(user.token)]);
    expect(one).toBe(other);
    expect(one).not.toBe(user.token);
    expect(asked).toBe(1);
  });

  it('outlives two tabs that renew it at the same time without locks: both go on with what one of them got', async () => {
    const [one, other] = [tab(), tab()];
    signIn(one);
    const [first, second] = await Promise.all([one.renew(user.token), other.renew(user.token)]);
    expect(first).toBe(second);
    expect([one.owner(), one.present()]).toEqual([user.id, first]);
    expect(await app.code('{ me { id } }', {}, { token: first ?? '' })).toBeUndefined();
  });

  it('takes what another tab has renewed already, and asks nobody', async () => {
    const [one, other] = [tab(), tab()];
    signIn(one);
    const fresh = await one.renew(user.token);
    expect(await other.renew(user.token)).toBe(fresh);
    expect(asked).toBe(1);
  });

  it('gives a client that says its token has expired another one, and one that has not the one at hand', async () => {
    const tokens = tab();
    signIn(tokens);
    const source = tokens.source();
    expect(await source('initial')).toBe(user.token);
    const fresh = await source('expired');
    expect(fresh).not.toBe(user.token);
    // Another client of the same tab still has the first.
    expect(await tokens.renew(user.token)).toBe(fresh);
    expect(asked).toBe(1);
  });

  it('stays when there is no answer', async () => {
    const tokens = tab();
    signIn(tokens);
    answers = false;
    await expect(tokens.renew(user.token)).rejects.toThrow('no network');
    expect(tokens.owner()).toBe(user.id);
    answers = true;
    expect(await tokens.renew(user.token)).not.toBeNull();
  });

  it('is forgotten when the server says that it has ended, and whoever listens is told', async () => {
    const tokens = tab();
    signIn(tokens);
    await app.database.query('UPDATE session SET revoked_at = now()');
    const owners: (string | null)[] = [];
    tokens.onOwner(() => owners.push(tokens.owner()));
    expect(await tokens.renew(user.token)).toBeNull();
    expect([tokens.owner(), tokens.present(), ...owners]).toEqual([null, null, null]);
  });

  it('is none where the storage holds nonsense', () => {
    storage.setItem('lyceum:session', '{"accessToken":7');
    expect([tab().owner(), tab().present()]).toEqual([null, null]);
  });
});
