import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, hkdfSync, randomUUID, type KeyObject } from 'node:crypto';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { GraphQLError } from 'graphql';
import { calculateJwkThumbprint, exportJWK, SignJWT, type JSONWebKeySet } from 'jose';
import type { Clock } from '../../clock.js';
import { ConfigError, type Config } from '../../config.js';
import type { TokenIssuer } from '../../context.js';
import { coded } from '../../errors.js';
import { hasCode } from '../../observability/failures.js';
import type { Log } from '../../observability/log.js';
import { isUuid } from '../../db/uuid.js';
import { createSignedTokenReader, type SignedClaims, type TokenAlgorithm } from './signed-token.js';

/** The user and session of an access token. */
export interface TokenSubject {
  readonly userId: string;
  readonly sessionId: string;
}

export interface Tokens extends TokenIssuer {
  /** Verifies an access token. @throws TokenError `expired` when only its age is wrong, otherwise `invalid` */
  readonly verify: (token: string) => TokenSubject & { readonly expiresAt: Date };
  /**
   * Derives a symmetric key of 32 bytes from the signing key. It is the same in every process that has the signing key, and tells nothing of
   * it nor of a key with another label.
   */
  readonly deriveKey: (label: string) => Uint8Array;
  /** The public key, for other services that verify tokens. */
  readonly jwks: JSONWebKeySet;
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

/**
 * Creates the signer and verifier of access tokens, with the configured key or with one that is generated in the data directory.
 * @throws ConfigError for a key that is neither Ed25519 nor P-256
 */
export const createTokens = async (options: {
  readonly config: Pick<Config, 'dataDir' | 'jwt'>;
  readonly clock: Clock;
  readonly log: Log;
}): Promise<Tokens> => {
  const { clock } = options;
  const { issuer, audience, accessTtlSeconds } = options.config.jwt;
  const { privateKey, alg } = await loadKey(options.config, options.log);
  const publicKey = createPublicKey(privateKey);
  const jwk = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint(jwk);

  const read = createSignedTokenReader({ publicKey, alg, issuer, audience });
  const verify = (token: string): Verified => {
    const claims = read(token);
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
    verify: (token) => {
      const digest = createHash('sha256').update(token).digest('base64');
      const known = verified.get(digest) ?? verify(token);
      const seconds = Math.floor(clock.now() / 1_000);
      if (known.nbf > seconds) throw new TokenError('invalid');
      if (known.exp <= seconds) throw new TokenError('expired');
      if (verified.size >= MAX_VERIFIED) verified.clear();
      verified.set(digest, known);
      const { userId, sessionId, exp } = known;
      return { userId, sessionId, expiresAt: new Date(exp * 1_000) };
    },
    deriveKey: (label) => new Uint8Array(hkdfSync('sha256', privateKey.export({ type: 'pkcs8', format: 'der' }), '', label, 32)),
    jwks: { keys: [{ ...jwk, kid, alg, use: 'sig' }] },
  };
};

const subjectOf = ({ sub, sid }: SignedClaims): TokenSubject | null =>
  typeof sub === 'string' && isUuid(sub) && typeof sid === 'string' && isUuid(sid) ? { userId: sub, sessionId: sid } : null;

interface SigningKey {
  readonly privateKey: KeyObject;
  readonly alg: TokenAlgorithm;
}

const loadKey = async ({ jwt, dataDir }: Pick<Config, 'dataDir' | 'jwt'>, log: Log): Promise<SigningKey> => {
  if (jwt.privateKey !== null) return parseKey(jwt.privateKey, 'JWT_PRIVATE_KEY');
  const path = join(dataDir, 'jwt-key.pem');
  const pem = (await readIfThere(path)) ?? (await generateKey(dataDir, path, log));
  return parseKey(pem, path);
};

const parseKey = (pem: string, source: string): SigningKey => {
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(pem);
  } catch {
    // The cause is left out because it might quote the key.
    throw new ConfigError(`${source} is not a private key in PKCS#8 PEM form.`);
  }
  if (privateKey.asymmetricKeyType === 'ed25519') return { privateKey, alg: 'EdDSA' };
  if (privateKey.asymmetricKeyDetails?.namedCurve === 'prime256v1') return { privateKey, alg: 'ES256' };
  throw new ConfigError(`${source} must be an Ed25519 or a P-256 key.`);
};

const readIfThere = async (path: string): Promise<string | null> => {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    throw error;
  }
};

/**
 * Writes a new key to a temporary file and links it to its place, which succeeds for one process only. Of several processes that start
 * together, all use the key of the first, and none reads an incomplete file.
 */
const generateKey = async (dataDir: string, path: string, log: Log): Promise<string> => {
  await mkdir(dataDir, { recursive: true });
  const draft = `${path}.${randomUUID()}`;
  const { privateKey } = generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  try {
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(privateKey);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(draft, path);
    log.info({ path }, 'a key for access tokens was generated');
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  } finally {
    await rm(draft, { force: true });
  }
  return await readFile(path, 'utf8');
};
