import { issuerKey } from '../../config.js';
import type { Issuer, Issuers } from '../../integrations/openid.js';

/** The longest token of an issuer that is looked at, in characters. */
const MAX_TOKEN = 16_000;

/**
 * The issuer that a token says it is of, if its tokens are taken here; null for any other, which can only be one of this server. Nothing of it has been
 * verified: it only tells who has to.
 */
export const issuerOfToken = (issuers: Issuers, token: string): Issuer | null => {
  const named = [...issuers.values()].filter(({ settings }) => settings.tokenAudience !== null);
  if (named.length === 0 || token.length > MAX_TOKEN) return null;
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.', 2)[1] ?? '', 'base64url').toString());
    const iss = typeof claims === 'object' && claims !== null && 'iss' in claims ? claims.iss : null;
    if (typeof iss !== 'string') return null;
    return named.find(({ settings }) => issuerKey(settings.issuer) === issuerKey(iss)) ?? null;
  } catch {
    return null;
  }
};
