import { browserStorage } from '../../api/storage.js';

/** What the browser keeps while somebody is at another server. */
interface Attempt {
  readonly secret: string;
  readonly purpose: 'SIGN_IN' | 'LINK';
  /** Where to go on afterwards. */
  readonly then: string | null;
  readonly expiresAt: string;
}

/** For all tabs: some servers go on in another one than they were asked in. */
const PREFIX = 'lyceum:oidc:';

const read = (key: string): Attempt | null => {
  const kept = browserStorage.getItem(key);
  try {
    return kept === null ? null : (JSON.parse(kept) as Attempt);
  } catch {
    return null;
  }
};

export const keepAttempt = (state: string, attempt: Attempt): void => {
  for (const key of browserStorage.keys())
    if (key.startsWith(PREFIX) && !(Date.parse(read(key)?.expiresAt ?? '') > Date.now())) browserStorage.removeItem(key);
  browserStorage.setItem(PREFIX + state, JSON.stringify(attempt));
};

/** The attempt with this state; null for one that this browser has not begun. */
export const findAttempt = (state: string): Attempt | null => read(PREFIX + state);

/** It is good once. */
export const forgetAttempt = (state: string): void => browserStorage.removeItem(PREFIX + state);
