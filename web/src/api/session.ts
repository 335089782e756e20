import { stringifyDocument } from 'urql';
import { sessionHeaders } from '../../../src/client/cookie-mode.js';
import { createTokens, type Credentials, type Renewed } from '../../../src/client/tokens.js';
import { HTTP_URL } from './endpoint.js';
import { RefreshSession } from './operations.js';
import { browserStorage } from './storage.js';

interface RefreshAnswer {
  readonly data?: { readonly refreshSession?: { readonly credentials: Credentials; readonly user: { readonly id: string } } | null } | null;
  readonly errors?: readonly { readonly extensions?: { readonly code?: string } }[];
}

/** Of every request: by them the refresh token stays out of reach of every script, where the browser keeps such cookies. */
export const SESSION_HEADERS = sessionHeaders();

/** Outside of the client of the pages, whose every request would wait for it. */
const refresh = async (refreshToken: string | null): Promise<Renewed | null> => {
  const response = await fetch(HTTP_URL, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json', ...SESSION_HEADERS },
    body: JSON.stringify({ query: stringifyDocument(RefreshSession), variables: { refreshToken } }),
  });
  const { data, errors } = (await response.json()) as RefreshAnswer;
  if (data?.refreshSession) return { ...data.refreshSession.credentials, owner: data.refreshSession.user.id };
  // A suspended account is told until when, and why, when its user signs in again.
  if (['UNAUTHENTICATED', 'LOCKED'].includes(errors?.[0]?.extensions?.code ?? '')) return null;
  throw new Error('The session could not be renewed.');
};

/** The session of this browser, in all of its tabs. */
export const tokens = createTokens({ storage: browserStorage, refresh });
