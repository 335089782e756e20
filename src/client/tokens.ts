import { wait } from './backoff.js';
import type { GetAccessToken } from './session.js';

/** What `login`, `register`, `joinAsGuest` and `refreshSession` give. */
export interface Credentials {
  readonly accessToken: string;
  /** RFC 3339. */
  readonly accessTokenExpiresAt: string;
  /** Null where it travels in a cookie. */
  readonly refreshToken: string | null;
  /** Of a sign-in: tells this device again, and gives no access. */
  readonly deviceToken?: string | null;
}

/** What `refreshSession` gives. */
export interface Renewed extends Credentials {
  /** Whose session it is, by the id of the user: with a cookie it may be that of somebody who has signed in meanwhile. */
  readonly owner?: string;
}

/** Where a browser keeps something for all its tabs: `localStorage`. */
export interface TokenStorage {
  readonly getItem: (key: string) => string | null;
  readonly setItem: (key: string, value: string) => void;
  readonly removeItem: (key: string) => void;
}

export interface TokensOptions {
  readonly storage: TokenStorage;
  /** Under which name; `lyceum:session` unless said otherwise. The device has the same with `:device` behind it. */
  readonly key?: string;
  /**
   * Exchanges a refresh token, or with null that of the cookie, over HTTP and without an access token. Null: the session has ended. A rejection means that there was no answer;
   * everything is kept then.
   */
  readonly refresh: (refreshToken: string | null) => Promise<Renewed | null>;
}

/** The session of one person in all tabs of a browser. */
export interface Tokens {
  /** Whose session it is, by the id of the user; null while nobody is signed in. */
  readonly owner: () => string | null;
  /** The access token at hand, which may have expired; null while nobody is signed in. */
  readonly present: () => string | null;
  /**
   * A fresh token in the place of `stale`. Where another tab has renewed it already, its token is taken; of several tabs that ask at the same
   * time one asks the server. Null when the session has ended; rejects when there was no answer.
   */
  readonly renew: (stale: string) => Promise<string | null>;
  /** For `createResumingClient`, a new one for each client. */
  readonly source: () => GetAccessToken;
  readonly signIn: (owner: string, credentials: Credentials) => void;
  /** What tells this device again, for the next sign-in; it stays when the session ends. Null before the first one. */
  readonly device: () => string | null;
  /** Forgets the session in all tabs; it does not end it on the server. */
  readonly signOut: () => void;
  /** Calls when somebody signs in or out, in this tab or in another. @returns how to stop that */
  readonly onOwner: (listener: () => void) => () => void;
}

interface Kept extends Omit<Credentials, 'deviceToken'> {
  readonly owner: string;
  /** When it came, by the clock of this browser, in milliseconds. */
  readonly receivedAt: number;
}

/** A token with less than this to live, by the clock of this browser, is renewed before it is used, in milliseconds. */
const ABOUT_TO_EXPIRE_MS = 5_000;

/** The time by the clock of this browser, in milliseconds. */
const now = (): number => performance.timeOrigin + performance.now();

/** How long the answer to one tab may be later than the refusal of another that asked at the same time, in milliseconds. */
const OTHER_TAB_MS = 1_000;

/** What is used here of a browser; Node has none of it. */
interface Browser {
  readonly navigator?: {
    readonly locks?: { readonly request: (name: string, work: () => Promise<string | null>) => Promise<string | null> };
  };
  readonly addEventListener?: (type: 'storage', listener: (event: { readonly key: string | null }) => void) => void;
}

/**
 * Keeps the credentials of one person in the storage that all tabs of a browser share, and renews them once for all of them: a refresh token is
 * valid once, and using it again ends the session. One tab renews at a time (Web Locks; pages without TLS have none, where the grace of the
 * server for two at once must do), and looks first whether another has done so meanwhile.
 */
export const createTokens = ({ storage, key = 'lyceum:session', refresh }: TokensOptions): Tokens => {
  const browser = globalThis as Browser;
  const deviceKey = `${key}:device`;
  const listeners = new Set<() => void>();

  const read = (): Kept | null => {
    try {
      const kept = JSON.parse(storage.getItem(key) ?? 'null') as Kept | null;
      return typeof kept?.accessToken === 'string' && typeof kept.owner === 'string' ? kept : null;
    } catch {
      return null;
    }
  };
  let owner = read()?.owner ?? null;

  const tell = (): void => {
    const present = read()?.owner ?? null;
    if (present === owner) return;
    owner = present;
    for (const listener of [...listeners]) listener();
  };
  browser.addEventListener?.('storage', ({ key: changed }) => {
    // Null when all of the storage was cleared.
    if (changed === key || changed === null) tell();
  });
  const write = (of: string, { accessToken, accessTokenExpiresAt, refreshToken, deviceToken }: Credentials): void => {
    const kept: Kept = { accessToken, accessTokenExpiresAt, refreshToken, owner: of, receivedAt: now() };
    if (typeof deviceToken === 'string') storage.setItem(deviceKey, deviceToken);
    storage.setItem(key, JSON.stringify(kept));
    tell();
  };
  const forget = (): void => {
    storage.removeItem(key);
    tell();
  };

  const renewNow = async (stale: string): Promise<string | null> => {
    const kept = read();
    if (kept === null) return null;
    if (kept.accessToken !== stale) return kept.accessToken;
    const fresh = await refresh(kept.refreshToken);
    // Where there are no locks, another tab may have been first, and be about to write down what it got.
    if (fresh === null && !browser.navigator?.locks) await wait(OTHER_TAB_MS, new AbortController().signal);
    const after = read();
    // Signed out meanwhile, or in as somebody else; or another tab was first, where there are no locks.
    if (after?.accessToken !== stale) return after?.accessToken ?? null;
    if (fresh === null) forget();
    else write(fresh.owner ?? kept.owner, fresh);
    return fresh?.accessToken ?? null;
  };

  /** The renewal under way in this tab. */
  let renewing: Promise<string | null> | null = null;
  const renew = (stale: string): Promise<string | null> => {
    const locked = async (): Promise<string | null> => {
      const locks = browser.navigator?.locks;
      try {
        return await (locks ? locks.request(key, () => renewNow(stale)) : renewNow(stale));
      } finally {
        renewing = null;
      }
    };
    const kept = read();
    if (kept === null || kept.accessToken !== stale) return Promise.resolve(kept?.accessToken ?? null);
    return (renewing ??= locked());
  };

  return {
    owner: () => owner,
    present: () => read()?.accessToken ?? null,
    renew,
    source: () => {
      let given: string | null = null;
      return async (reason) => {
        const kept = read();
        if (kept === null) return (given = null);
        const { accessToken, accessTokenExpiresAt, receivedAt } = kept;
        const expiresAt = Date.parse(accessTokenExpiresAt) - ABOUT_TO_EXPIRE_MS;
        // A clock by which it had expired when it came says nothing.
        const looksExpired = now() > expiresAt && receivedAt < expiresAt;
        const isStale = looksExpired || (reason === 'expired' && accessToken === given);
        return (given = isStale ? await renew(accessToken) : accessToken);
      };
    },
    signIn: write,
    device: () => storage.getItem(deviceKey),
    signOut: forget,
    onOwner: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
};
