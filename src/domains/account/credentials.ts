import { TokenError } from './tokens.js';

/** What somebody shows to say who they are, before anyone has looked it up. */
export interface Credential {
  readonly kind: 'token';
  readonly token: string;
}

export const tokenCredential = (token: string): Credential => ({ kind: 'token', token });

/**
 * The credential among the headers of a request or the parameters of a connection: an Authorization header, in any case, or what
 * `accessToken` is in the parameters, which no header is named; null for none.
 * @throws TokenError for what is there and cannot be a credential
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
