import { createHash, randomUUID } from 'node:crypto';
import { GraphQLError } from 'graphql';
import { SignJWT, type JSONWebKeySet } from 'jose';
import type { Clock } from '../../clock.js';
import type { SigningKeys } from '../../access/signing-keys.js';
import type { Config } from '../../config.js';
import type { TokenIssuer } from '../../context.js';
import { coded } from '../../errors.js';
import { isUuid } from '../../db/uuid.js';
import { createSignedTokenReader, type SignedClaims } from './signed-token.js';

/** The user and session of an access token. */
export interface TokenSubject {
  readonly userId: string;
  readonly sessionId: string;
}

export interface Tokens extends TokenIssuer {
  /** Verifies an access token. @throws TokenError `expired` when only its age is wrong, otherwise `invalid` */
  readonly verify: (token: string) => Promise<TokenSubject & { readonly expiresAt: Date }>;
  /** The public keys, for other services that verify tokens. */
  readonly jwks: () => JSONWebKeySet;
}

/** UNAUTHENTICATED because of a token. A client can replace an expired token by refreshing its session; an invalid one stays invalid. */
export class TokenError extends GraphQLError {
  readonly reason: 'invalid' | 'expired';

  constructor(reason: 'invalid' | 'expired', words?: string) {
    const { message, extensions } = coded(
      'UNAUTHENTICATED',
      words ??
        (reason === 'expired' ? 'The access token has expired. Refresh the session.' : 'The access token is not valid. Sign in again.'),
      { reason },
    );
    super(message, { extensions });
    this.reason = reason;
  }
}

/** The most verified tokens that are remembered; with one more, all are forgotten. */
const MAX_VERIFIED = 10_000;

/** The verified claims of a token. Its age is checked at each use. */
interface Verified extends TokenSubject {
  /** In seconds. */
  readonly exp: number;
  readonly nbf: number;
}

/** Creates the signer and verifier of access tokens. */
export const createTokens = ({
  config,
  keys,
  clock,
}: {
  readonly config: Pick<Config, 'jwt'>;
  readonly keys: SigningKeys;
  readonly clock: Clock;
}): Tokens => {
  const { issuer, audience, accessTtlSeconds } = config.jwt;
  const read = createSignedTokenReader({ keyOf: (kid) => keys.find(kid), issuer, audience });
  const verify = async (token: string): Promise<Verified> => {
    const claims = await read(token);
    const subject = claims && subjectOf(claims);
    if (claims === null || subject === null) throw new TokenError('invalid');
    return { ...subject, exp: claims.exp, nbf: claims.nbf ?? 0 };
  };
  /** The verified tokens by their digests: a client sends its token with each request, and verifying the signature costs 0.1 ms each time. */
  const verified = new Map<string, Verified>();

  return {
    issue: async ({ userId, sessionId }) => {
      // The claims are whole seconds. Rounding up gives a token its full lifetime, or up to a second more.
      const expiry = Math.ceil(clock.now() / 1_000) + accessTtlSeconds;
      const { alg, kid, privateKey } = keys.current();
      const token = await new SignJWT({ sid: sessionId })
        .setProtectedHeader({ alg, kid, typ: 'JWT' })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject(userId)
        .setJti(randomUUID())
        .setIssuedAt(Math.floor(clock.now() / 1_000))
        .setExpirationTime(expiry)
        .sign(privateKey);
      return { token, expiresAt: new Date(expiry * 1_000) };
    },
    verify: async (token) => {
      const digest = createHash('sha256').update(token).digest('base64');
      const known = verified.get(digest) ?? (await verify(token));
      const seconds = Math.floor(clock.now() / 1_000);
      if (known.nbf > seconds) throw new TokenError('invalid');
      if (known.exp <= seconds) throw new TokenError('expired');
      if (verified.size >= MAX_VERIFIED) verified.clear();
      verified.set(digest, known);
      const { userId, sessionId, exp } = known;
      return { userId, sessionId, expiresAt: new Date(exp * 1_000) };
    },
    jwks: () => ({ keys: keys.all().map(({ jwk }) => jwk) }),
  };
};

const subjectOf = ({ sub, sid }: SignedClaims): TokenSubject | null =>
  typeof sub === 'string' && isUuid(sub) && typeof sid === 'string' && isUuid(sid) ? { userId: sub, sessionId: sid } : null;
