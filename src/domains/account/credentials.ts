import { looksLikeApiKey } from './api-key-secret.js';
import { TokenError } from './tokens.js';

/** A credential that has not been verified yet: an access token of a session, or the secret of an API key. */
export interface Credential {
  readonly kind: 'token' | 'apiKey';
  readonly token: string;
}

/** Wherever an access token can stand, an API key can. */
export const tokenCredential = (token: string): Credential => ({ kind: looksLikeApiKey(token) ? 'apiKey' : 'token', token });

/**
 * The credential in the headers of a request or in the parameters of a connection: the header Authorization in any case, or the parameter
 * `accessToken`, which no header is named; null when there is none.
 * @throws TokenError for a malformed credential
 */
export const credentialOf = (given: Readonly<Record<string, unknown>>): Credential | null => {
  const token = given['accessToken'] ?? null;
  const header =
    Object.entries(given).find(([name, value]) => name.toLowerCase() === 'authorization' && value !== null && value !== undefined)?.[1] ??
    null;
  if (token === null && header === null) return null;
  if (typeof token === 'string') return tokenCredential(token);
  const bearer = token === null && typeof header === 'string' ? /^Bearer +(\S+)$/i.exec(header)?.[1] : undefined;
  if (bearer === undefined) throw new TokenError('invalid', 'The Authorization header must be of the form "Bearer <accessToken>".');
  return tokenCredential(bearer);
};
