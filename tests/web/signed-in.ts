import type { BrowserContextOptions } from 'playwright-core';
import type { TestUser } from '../kit/app.js';

/** Under which name the client keeps a session, and what of it (src/client/tokens.ts). */
export const SESSION = 'lyceum:session';
export const sessionOf = ({ id, token, refreshToken }: TestUser): string =>
  JSON.stringify({
    owner: id,
    accessToken: token,
    accessTokenExpiresAt: new Date(Date.now() + 600_000).toISOString(),
    refreshToken,
    receivedAt: Date.now(),
  });

/** The settings of a browser in which somebody is signed in. */
export const signedIn = (origin: string, user: TestUser): Pick<BrowserContextOptions, 'storageState'> => ({
  storageState: { cookies: [], origins: [{ origin, localStorage: [{ name: SESSION, value: sessionOf(user) }] }] },
});
