import { createRemoteJWKSet, customFetch, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey, type JWTVerifyResult } from 'jose';
import type * as OpenIdClient from 'openid-client';
import type { Clock } from '../clock.js';
import type { Config, IssuerSettings } from '../config.js';
import type { GraphQLError } from 'graphql';
import { coded } from '../errors.js';
import { createCondition } from '../observability/condition.js';
import { reasonOf } from '../observability/failures.js';
import type { Log } from '../observability/log.js';

/** What a server sees to between the two ends of a sign-in. */
export interface CodeFlow {
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

/** What an issuer says of somebody. */
export interface IssuerClaims {
  /** Who they are there, for good. */
  readonly subject: string;
  readonly email: string | null;
  readonly isEmailVerified: boolean;
  /** What they are called there, one or more, the likeliest username first. */
  readonly usernames: readonly string[];
  readonly displayName: string | null;
}

/** The claims of a token that an issuer has made for this server. */
export interface IssuedToken {
  readonly claims: IssuerClaims;
  /** Long ago where the token does not say. */
  readonly issuedAt: Date;
  readonly expiresAt: Date;
}

/** One that signs people in for this server, by OpenID Connect. Nothing is asked of it before it is needed. */
export interface Issuer {
  readonly settings: IssuerSettings;
  /** Where a browser is sent to sign in there. @throws UNAVAILABLE */
  readonly authorizationUrl: (flow: CodeFlow) => Promise<string>;
  /**
   * Exchanges the code that a browser came back with.
   * @param iss the parameter of that name that it came back with (RFC 9207)
   * @throws UNAUTHENTICATED for a code that the issuer does not take, or for an answer that is not meant for this sign-in; UNAVAILABLE
   */
  readonly exchange: (flow: CodeFlow, answer: { readonly code: string; readonly iss: string | null }) => Promise<IssuerClaims>;
  /** Reads an access token. @returns null for one that is not good; `expired` when its age alone is wrong. @throws UNAVAILABLE */
  readonly readToken: (token: string) => Promise<IssuedToken | 'expired' | null>;
}

/** The issuers of the configuration, by their names. */
export type Issuers = ReadonlyMap<string, Issuer>;

/** How long an issuer may take for one answer, in milliseconds. */
const ANSWER_MS = 5_000;
/** How large its answers may be, in bytes. */
const MAX_ANSWER = 1_000_000;
/** How long what it says of itself, and its keys, are believed without asking again, in milliseconds. */
const KEPT_MS = 60 * 60 * 1_000;
/** How long it is not asked again after it could not be reached, in milliseconds. */
const LEFT_ALONE_MS = 2_000;
/** How long keys are not asked for again, whatever keys are named, in milliseconds: tokens with made-up names are as many as somebody likes. */
const KEYS_COOLDOWN_MS = 3_000;
/** By how much the clocks of two machines may differ, in seconds. */
const CLOCK_TOLERANCE = 10;
/** Signatures that need the issuer's private key. What is made with a shared secret, or with nothing, proves nothing. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'];
/** The longest that is taken of a text that an issuer says. */
const MAX_TEXT = 500;

/** What is known of an issuer once it was asked. */
interface Known {
  readonly lib: typeof OpenIdClient;
  readonly configuration: OpenIdClient.Configuration;
  /** The name that its tokens bear. */
  readonly issuer: string;
  readonly keys: JWTVerifyGetKey;
  readonly until: number;
}

export const createIssuers = ({ oidc }: Pick<Config, 'oidc'>, clock: Clock, log: Log): Issuers =>
  new Map(oidc.issuers.map((settings) => [settings.name, createIssuer(settings, clock, log)]));

/** Why there is no answer of an issuer that can be used: it cannot be reached, or has a fault of its own. */
class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

const isNoAnswer = (error: unknown): boolean => {
  // Libraries wrap what `fetch` has thrown.
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth += 1)
    if (cause instanceof NoAnswer) return true;
  return false;
};

/** Like `fetch`, for answers of a limited length. @throws NoAnswer */
const ask = async (url: string, init?: RequestInit): Promise<Response> => {
  let response: Response;
  let body: Uint8Array<ArrayBuffer>;
  try {
    response = await fetch(url, init);
    body = await readLimited(response);
  } catch (cause) {
    throw new NoAnswer(reasonOf(cause), { cause });
  }
  if (response.status >= 500) throw new NoAnswer(`it answers ${response.status}`);
  const { status, statusText, headers } = response;
  return new Response(status === 204 || status === 304 ? null : body, { status, statusText, headers });
};

const readLimited = async (response: Response): Promise<Uint8Array<ArrayBuffer>> => {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > MAX_ANSWER) throw new Error('its answer is too long');
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
};

const createIssuer = (settings: IssuerSettings, clock: Clock, log: Log): Issuer => {
  const { name, clientId, clientSecret, tokenAudience } = settings;
  const away = createCondition({
    log,
    name: `oidc-${name}`,
    began: `the issuer ${name} gives no answer that can be used: nobody signs in by it`,
    over: `the issuer ${name} answers again`,
  });
  let known: Known | null = null;
  let asking: Promise<Known> | null = null;

  /** Has the issuer asked, unless it was away a moment ago: whoever needs it then is told so without waiting. */
  const patiently = <Arguments extends unknown[], Answer>(work: (...given: Arguments) => Promise<Answer>) => {
    let againAt = -Infinity;
    return async (...given: Arguments): Promise<Answer> => {
      if (performance.now() < againAt) throw new NoAnswer('it was away a moment ago');
      try {
        return await work(...given);
      } catch (error) {
        againAt = performance.now() + LEFT_ALONE_MS;
        throw error;
      }
    };
  };

  /** Answers in the words of the server for an issuer that gives no answer. @throws UNAVAILABLE */
  const answered = async <Answer>(work: () => Promise<Answer>): Promise<Answer> => {
    try {
      const answer = await work();
      away.clear(0);
      return answer;
    } catch (error) {
      if (!isNoAnswer(error)) throw error;
      away.hold(reasonOf(error));
      // Without its cause, which would be taken for one of the database's.
      throw coded('UNAVAILABLE', `${settings.label} cannot be reached at the moment. Try again later.`, { issuer: name });
    }
  };

  const discover = patiently(async (): Promise<Known> => {
    // Not loaded where nobody signs in by it.
    const lib = await import('openid-client');
    const url = new URL(settings.issuer);
    const configuration = await lib
      .discovery(url, clientId, undefined, authOf(lib, clientSecret), {
        [lib.customFetch]: ask as OpenIdClient.CustomFetch,
        timeout: ANSWER_MS / 1_000,
        // eslint-disable-next-line @typescript-eslint/no-deprecated -- Deprecated so that it stands out: the configuration takes it on this machine alone.
        execute: url.protocol === 'http:' ? [lib.allowInsecureRequests] : [],
      })
      .catch((cause: unknown) => {
        throw new NoAnswer(reasonOf(cause), { cause });
      });
    const metadata = configuration.serverMetadata();
    if (metadata.jwks_uri === undefined) throw new NoAnswer('it names no keys');
    const keys = createRemoteJWKSet(new URL(metadata.jwks_uri), {
      cooldownDuration: KEYS_COOLDOWN_MS,
      cacheMaxAge: KEPT_MS,
      timeoutDuration: ANSWER_MS,
      [customFetch]: patiently(ask),
    });
    return { lib, configuration, issuer: metadata.issuer, keys, until: performance.now() + KEPT_MS };
  });

  /** What is known of the issuer; many who need it at once ask together. @throws NoAnswer */
  const know = async (): Promise<Known> => {
    if (known !== null && known.until > performance.now()) return known;
    asking ??= discover().finally(() => (asking = null));
    try {
      known = await asking;
    } catch (error) {
      // What was right an hour ago most likely is.
      if (known === null) throw error;
    }
    return known;
  };

  /** What a token says whose signature, issuer, audience and time are right; null, or `expired`, for another. @throws NoAnswer */
  const verify = async ({ issuer, keys }: Known, token: string, audience: string): Promise<JWTVerifyResult | 'expired' | null> => {
    try {
      return await jwtVerify(token, keys, {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        currentDate: new Date(clock.now()),
        clockTolerance: CLOCK_TOLERANCE,
        requiredClaims: ['sub', 'exp'],
      });
    } catch (error) {
      if (!(error instanceof errors.JOSEError) || OF_ITS_KEYS.has(error.code))
        throw isNoAnswer(error) ? error : new NoAnswer(reasonOf(error));
      log.info({ issuer: name, reason: error.code }, 'a token of an issuer was refused');
      return error instanceof errors.JWTExpired ? 'expired' : null;
    }
  };

  /** The error of a code that is not taken, or of an answer that is not meant for who has asked. */
  const refused = (error: unknown): GraphQLError => {
    log.warn({ issuer: name, reason: reasonOf(error) }, 'a sign-in by an issuer was refused');
    return coded('UNAUTHENTICATED', `${settings.label} has not confirmed this sign-in. Begin again.`, { reason: 'ISSUER_REFUSED' });
  };

  const exchange = async (
    present: Known,
    { redirectUri, ...flow }: CodeFlow,
    answer: { readonly code: string; readonly iss: string | null },
  ) => {
    const { lib, configuration } = present;
    const callback = new URL(redirectUri);
    callback.searchParams.set('code', answer.code);
    callback.searchParams.set('state', flow.state);
    if (answer.iss !== null) callback.searchParams.set('iss', answer.iss);
    const tokens = await lib.authorizationCodeGrant(configuration, callback, {
      expectedState: flow.state,
      expectedNonce: flow.nonce,
      pkceCodeVerifier: flow.codeVerifier,
      idTokenExpected: true,
    });
    // The library has looked at the claims, and leaves the signature to the connection.
    const verified = await verify(present, tokens.id_token ?? '', clientId);
    if (verified === null || verified === 'expired') throw new Error('the ID token is not signed as it should be');
    const { payload } = verified;
    const subject = payload.sub ?? '';
    const more =
      configuration.serverMetadata().userinfo_endpoint === undefined || saysAll(payload)
        ? {}
        : await lib.fetchUserInfo(configuration, tokens.access_token, subject);
    return claimsOf({ ...payload, ...more, sub: subject });
  };

  return {
    settings,
    authorizationUrl: ({ redirectUri, state, nonce, codeVerifier }) =>
      answered(async () => {
        const { lib, configuration } = await know();
        const { href } = lib.buildAuthorizationUrl(configuration, {
          redirect_uri: redirectUri,
          scope: settings.scopes,
          state,
          nonce,
          code_challenge: await lib.calculatePKCECodeChallenge(codeVerifier),
          code_challenge_method: 'S256',
        });
        return href;
      }),
    exchange: (flow, answer) =>
      answered(async () => {
        const present = await know();
        try {
          return await exchange(present, flow, answer);
        } catch (error) {
          if (isNoAnswer(error)) throw error;
          // The operator has to act; whoever signs in can do nothing.
          if (error instanceof present.lib.ResponseBodyError && error.error !== 'invalid_grant')
            throw new NoAnswer(`it refuses this server: ${error.error}`, { cause: error });
          throw refused(error);
        }
      }),
    readToken: (token) =>
      answered(async () => {
        if (tokenAudience === null) return null;
        const verified = await verify(await know(), token, tokenAudience);
        if (verified === null || verified === 'expired') return verified;
        const { payload, protectedHeader } = verified;
        // An ID token says who somebody is to whoever asked for it; it is no key.
        if (payload['nonce'] !== undefined || !TOKEN_TYPES.has(protectedHeader.typ?.toLowerCase() ?? 'jwt')) return null;
        return { claims: claimsOf(payload), issuedAt: dateOf(payload.iat), expiresAt: dateOf(payload.exp) };
      }),
  };
};

const dateOf = (seconds: number | undefined): Date => new Date((seconds ?? 0) * 1_000);

/** The types of access tokens: of RFC 9068, and of those before it. */
const TOKEN_TYPES: ReadonlySet<string> = new Set(['at+jwt', 'application/at+jwt', 'jwt']);

/** What is no fault of the token: the keys could not be read. */
const OF_ITS_KEYS: ReadonlySet<string> = new Set(['ERR_JOSE_GENERIC', 'ERR_JWKS_INVALID', 'ERR_JWKS_TIMEOUT']);

/** How this server shows who it is: by a secret in the header, unless the issuer takes it in the form alone; without one, by PKCE. */
const authOf = (lib: typeof OpenIdClient, clientSecret: string | null): OpenIdClient.ClientAuth =>
  clientSecret === null
    ? lib.None()
    : (server, ...rest) => {
        const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
        const auth = methods.includes('client_secret_basic') ? lib.ClientSecretBasic(clientSecret) : lib.ClientSecretPost(clientSecret);
        auth(server, ...rest);
      };

const saysAll = (claims: JWTPayload): boolean => ['email', 'name', 'preferred_username'].every((claim) => claims[claim] !== undefined);

const textOf = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' && value.length <= MAX_TEXT && !value.includes('\u0000') ? value : null;

/** What is used of what an issuer says. */
const claimsOf = (claims: JWTPayload): IssuerClaims => {
  const subject = textOf(claims.sub);
  if (subject === null) throw new Error('it does not say who somebody is');
  const email = textOf(claims['email']);
  const usernames = [textOf(claims['preferred_username']), textOf(claims['nickname']), email].map((name) => name?.split('@', 1)[0] ?? '');
  return {
    subject,
    email,
    // Some say it in words.
    isEmailVerified: email !== null && (claims['email_verified'] === true || claims['email_verified'] === 'true'),
    usernames: usernames.filter((username) => username !== ''),
    displayName: textOf(claims['name']),
  };
};
