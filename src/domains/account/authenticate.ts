import { randomSecretDigest } from '../../access/secret-digest.js';
import { ALL_SCOPES, knownScopes } from '../../access/scopes.js';
import { roleWithin, roleWithoutFactor } from '../../access/viewer.js';
import type { Principal, Scopes, Services, Via } from '../../context.js';
import { createCoalescer } from '../../db/coalesce.js';
import { Prisma, type Role } from '../../db/generated/prisma/client.js';
import { joinHead } from '../../realtime/event-log.js';
import { isApiKey } from './api-key-secret.js';
import { noteUse, USE_NOTED_EVERY_MS } from './api-keys.js';
import type { Credential } from './credentials.js';
import { hasFactor } from './factors.js';
import { identify } from './identities.js';
import { issuerOfToken } from './issuer-tokens.js';
import { locked, suspensionOf, type StoredSuspension } from './standing.js';
import type { Issuer } from '../../integrations/openid.js';
import { rightsLog } from './topics.js';
import { TokenError, type Tokens } from './tokens.js';

/** Makes principals from credentials, and refreshes them. */
export interface Authenticator {
  /**
   * The principal of a credential. One SQL statement looks up all callers that wait while an earlier statement runs.
   * @throws TokenError; a token whose session has ended, and a key that has, is `invalid`
   * @throws LOCKED while the account is suspended
   */
  readonly authenticate: (credential: Credential) => Promise<Principal>;
  /**
   * The same principals in their present state, in the same order, looked up by one SQL statement for each kind of credential; null for a principal
   * whose session, key or identity has ended or whose account is suspended.
   */
  readonly refreshPrincipals: (principals: readonly Principal[]) => Promise<(Principal | null)[]>;
}

/** A credential that is good, and whose it is. */
interface Found {
  /** Of the session, the key or the identity. */
  readonly means: string;
  readonly id: string;
  readonly username: string;
  readonly role: Role;
  readonly epoch: number | null;
  readonly seq: number | null;
  /** Whether they have a second factor, where the operator asks for one. */
  readonly hasFactor: boolean;
  /** Null for an account that is in use. */
  readonly suspension: StoredSuspension | null;
}

interface FoundIdentity extends Found {
  /** Tokens from before are refused; null where all are good. */
  readonly tokensFrom: Date | null;
}

interface FoundKey extends Found {
  /** SHA-256 of the secret, in hex. */
  readonly hash: string;
  readonly scopes: readonly string[];
  readonly expiresAt: Date;
  readonly lastUsedAt: Date | null;
}

/** The most sessions, or keys, that one statement looks up. */
const MOST_TOGETHER = 1_000;

const badKey = (): TokenError => new TokenError('invalid', 'The API key is not good: it was revoked, it has ended, or it never was one.');

export const createAuthenticator = (
  services: Pick<Services, 'db' | 'clock' | 'log' | 'config' | 'issuers'> & { readonly tokens: Pick<Tokens, 'verify'> },
): Authenticator => {
  const { db, clock, log, tokens, issuers } = services;
  const { requireSecondFactor } = services.config;
  const factor = requireSecondFactor === null ? Prisma.sql`true` : hasFactor(Prisma.sql`holder.id`);
  const holderOf = (now: Date): Prisma.Sql => Prisma.sql`
    holder.id, holder.username, holder.role::text AS role, head.epoch, head.last_seq AS seq, ${suspensionOf(Prisma.sql`holder`, now)} AS suspension,
    ${factor} AS "hasFactor"`;
  const head = joinHead(rightsLog.name, Prisma.sql`holder.id::text`);

  /** The valid sessions among these, with their users, and with the head of the user's rights log at the time of the statement. */
  const findSessions = async (ids: readonly string[]): Promise<ReadonlyMap<string, Found>> => {
    if (ids.length === 0) return new Map();
    const now = new Date(clock.now());
    const rows = await db.prisma.$queryRaw<Found[]>`
      SELECT session.id AS means, ${holderOf(now)}
      FROM session
      JOIN "user" holder ON holder.id = session.user_id
      ${head}
      WHERE session.id = ANY(${[...new Set(ids)]}::uuid[]) AND session.revoked_at IS NULL AND session.expires_at > ${now}`;
    return new Map(rows.map((row) => [row.means, row]));
  };

  /** The same of keys. */
  const findKeys = async (among: Prisma.Sql): Promise<readonly FoundKey[]> => {
    const now = new Date(clock.now());
    return await db.prisma.$queryRaw<FoundKey[]>`
      SELECT api_key.id AS means, encode(api_key.secret_hash, 'hex') AS hash, api_key.scopes, api_key.expires_at AS "expiresAt",
        api_key.last_used_at AS "lastUsedAt", ${holderOf(now)}
      FROM api_key
      JOIN "user" holder ON holder.id = api_key.user_id
      ${head}
      WHERE ${among} AND api_key.revoked_at IS NULL AND api_key.expires_at > ${now}`;
  };

  const findUsedKeys = async (hashes: readonly string[]): Promise<ReadonlyMap<string, FoundKey>> => {
    const rows = await findKeys(
      Prisma.sql`api_key.secret_hash IN (SELECT decode(hash, 'hex') FROM unnest(${[...new Set(hashes)]}::text[]) AS given (hash))`,
    );
    const now = clock.now();
    const isDue = ({ lastUsedAt }: FoundKey): boolean => (lastUsedAt?.getTime() ?? 0) <= now - USE_NOTED_EVERY_MS;
    const due = rows.filter(isDue).map(({ means }) => means);
    await noteUse({ db, log }, due, new Date(now));
    return new Map(rows.map((row) => [row.hash, row]));
  };

  const findKeysById = async (ids: readonly string[]): Promise<ReadonlyMap<string, FoundKey>> => {
    if (ids.length === 0) return new Map();
    const rows = await findKeys(Prisma.sql`api_key.id = ANY(${[...new Set(ids)]}::uuid[])`);
    return new Map(rows.map((row) => [row.means, row]));
  };

  /** The same of identities, by which tokens of issuers are somebody's here. */
  const findIdentities = async (ids: readonly string[]): Promise<ReadonlyMap<string, FoundIdentity>> => {
    if (ids.length === 0) return new Map();
    const rows = await db.prisma.$queryRaw<FoundIdentity[]>`
      SELECT identity.id AS means, identity.tokens_from AS "tokensFrom", ${holderOf(new Date(clock.now()))}
      FROM identity
      JOIN "user" holder ON holder.id = identity.user_id
      ${head}
      WHERE identity.id = ANY(${[...new Set(ids)]}::uuid[])`;
    return new Map(rows.map((row) => [row.means, row]));
  };

  // After a restart thousands of clients reconnect within seconds. A statement for each would take all connections of the database.
  const sessionsTogether = createCoalescer<string, ReadonlyMap<string, Found>>((_all, ids) => findSessions(ids), MOST_TOGETHER);
  const keysTogether = createCoalescer<string, ReadonlyMap<string, FoundKey>>((_all, hashes) => findUsedKeys(hashes), MOST_TOGETHER);

  const identitiesTogether = createCoalescer<string, ReadonlyMap<string, FoundIdentity>>((_all, ids) => findIdentities(ids), MOST_TOGETHER);

  const principalOf = ({ id, username, epoch, seq, ...found }: Found, via: Via, scopes: Scopes, expiresAt: Date): Principal => {
    const role = found.hasFactor ? found.role : roleWithoutFactor(found.role, requireSecondFactor);
    return {
      viewer: { id, username, role: roleWithin(scopes, role) },
      lacksFactor: role !== found.role,
      via,
      scopes,
      expiresAt,
      asOf: { epoch, seq: seq ?? 0 },
    };
  };
  const ofSession = (found: Found, expiresAt: Date): Principal =>
    principalOf(found, { kind: 'session', sessionId: found.means }, 'ALL', expiresAt);
  const ofKey = (found: FoundKey): Principal =>
    principalOf(found, { kind: 'apiKey', apiKeyId: found.means }, knownScopes(found.scopes), found.expiresAt);

  const ofIdentity = (found: FoundIdentity, issuedAt: Date, expiresAt: Date): Principal | null =>
    found.tokensFrom !== null && issuedAt < found.tokensFrom
      ? null
      : principalOf(found, { kind: 'issuer', identityId: found.means, issuedAt }, ALL_SCOPES, expiresAt);

  const bySession = async (token: string): Promise<Principal> => {
    const { userId, sessionId, expiresAt } = await tokens.verify(token);
    const found = (await sessionsTogether('', sessionId)).get(sessionId);
    if (found?.id !== userId) throw new TokenError('invalid');
    if (found.suspension !== null) throw locked(found.suspension);
    return ofSession(found, expiresAt);
  };
  const byKey = async (secret: string): Promise<Principal> => {
    if (!isApiKey(secret)) throw badKey();
    const hash = Buffer.from(randomSecretDigest(secret)).toString('hex');
    const found = (await keysTogether('', hash)).get(hash);
    if (found === undefined) throw badKey();
    if (found.suspension !== null) throw locked(found.suspension);
    return ofKey(found);
  };

  const byIssuer = async (issuer: Issuer, token: string): Promise<Principal> => {
    const read = await issuer.readToken(token);
    if (read === null || read === 'expired') throw new TokenError(read ?? 'invalid');
    const identity = await identify(services, issuer, read.claims);
    const found = identity && (await identitiesTogether('', identity.id)).get(identity.id);
    if (!found) throw new TokenError('invalid', 'Nobody here has the identity that the token is of.');
    if (found.suspension !== null) throw locked(found.suspension);
    const principal = ofIdentity(found, read.issuedAt, read.expiresAt);
    if (principal === null) throw new TokenError('invalid', 'The token is from before its owner was signed out everywhere.');
    return principal;
  };

  return {
    authenticate: async ({ kind, token }) => {
      if (kind === 'apiKey') return await byKey(token);
      const issuer = issuerOfToken(issuers, token);
      return await (issuer === null ? bySession(token) : byIssuer(issuer, token));
    },
    refreshPrincipals: async (principals) => {
      const means = principals.map(({ via }) => via);
      const [sessions, keys, identities] = await Promise.all([
        findSessions(means.flatMap((via) => (via.kind === 'session' ? via.sessionId : []))),
        findKeysById(means.flatMap((via) => (via.kind === 'apiKey' ? via.apiKeyId : []))),
        findIdentities(means.flatMap((via) => (via.kind === 'issuer' ? via.identityId : []))),
      ]);
      return principals.map(({ via, viewer, expiresAt }) => {
        const session = via.kind === 'session' ? sessions.get(via.sessionId) : undefined;
        const key = via.kind === 'apiKey' ? keys.get(via.apiKeyId) : undefined;
        const identity = via.kind === 'issuer' ? identities.get(via.identityId) : undefined;
        const found = session ?? key ?? identity;
        if (found?.id !== viewer.id || found.suspension !== null) return null;
        if (key !== undefined) return ofKey(key);
        return identity === undefined || via.kind !== 'issuer'
          ? ofSession(found, expiresAt)
          : ofIdentity(identity, via.issuedAt, expiresAt);
      });
    },
  };
};
