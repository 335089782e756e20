import type { Principal, Services } from '../../context.js';
import { createCoalescer } from '../../db/coalesce.js';
import { Prisma, type Role } from '../../db/generated/prisma/client.js';
import { joinHead } from '../../realtime/event-log.js';
import type { Credential } from './credentials.js';
import { locked, suspensionOf, type StoredSuspension } from './standing.js';
import { rightsLog } from './topics.js';
import { TokenError, type Tokens } from './tokens.js';

/** Makes principals from credentials, and refreshes them. */
export interface Authenticator {
  /**
   * The principal of a credential. One SQL statement looks up all callers that wait while an earlier statement runs.
   * @throws TokenError; a token whose session has ended is `invalid`
   * @throws LOCKED while the account is suspended
   */
  readonly authenticate: (credential: Credential) => Promise<Principal>;
  /**
   * The same principals in their present state, in the same order, looked up by one SQL statement; null for a principal whose session has
   * ended or whose account is suspended.
   */
  readonly refreshPrincipals: (principals: readonly Principal[]) => Promise<(Principal | null)[]>;
}

interface Found {
  readonly sessionId: string;
  readonly id: string;
  readonly username: string;
  readonly role: Role;
  readonly epoch: number | null;
  readonly seq: number | null;
  /** Null for an account that is in use. */
  readonly suspension: StoredSuspension | null;
}

/** The most sessions that one statement looks up. */
const MOST_TOGETHER = 1_000;

export const createAuthenticator = ({
  db,
  clock,
  tokens,
}: Pick<Services, 'db' | 'clock'> & { readonly tokens: Pick<Tokens, 'verify'> }): Authenticator => {
  /** The valid sessions among these, with their users, and with the head of the user's rights log at the time of the statement. */
  const findSessions = (ids: readonly string[]): Promise<Found[]> => db.prisma.$queryRaw<Found[]>`
    SELECT session.id AS "sessionId", holder.id, holder.username, holder.role::text AS role, head.epoch, head.last_seq AS seq,
      ${suspensionOf(Prisma.sql`holder`, new Date(clock.now()))} AS suspension
    FROM session
    JOIN "user" holder ON holder.id = session.user_id
    ${joinHead(rightsLog.name, Prisma.sql`holder.id::text`)}
    WHERE session.id = ANY(${ids}::uuid[]) AND session.revoked_at IS NULL AND session.expires_at > ${new Date(clock.now())}`;

  const findById = async (ids: readonly string[]): Promise<ReadonlyMap<string, Found>> =>
    new Map((await findSessions([...new Set(ids)])).map((row) => [row.sessionId, row]));

  // After a restart thousands of clients reconnect within seconds. A statement for each would take all connections of the database.
  const findTogether = createCoalescer<string, ReadonlyMap<string, Found>>((_all, ids) => findById(ids), MOST_TOGETHER);

  const principalOf = ({ sessionId, id, username, role, epoch, seq }: Found, expiresAt: Date): Principal => ({
    viewer: { id, username, role },
    via: { kind: 'session', sessionId },
    scopes: 'ALL',
    expiresAt,
    asOf: { epoch, seq: seq ?? 0 },
  });

  return {
    authenticate: async ({ token }) => {
      const { userId, sessionId, expiresAt } = tokens.verify(token);
      const found = (await findTogether('', sessionId)).get(sessionId);
      if (found?.id !== userId) throw new TokenError('invalid');
      if (found.suspension !== null) throw locked(found.suspension);
      return principalOf(found, expiresAt);
    },
    refreshPrincipals: async (principals) => {
      const found = await findById(principals.map(({ via }) => via.sessionId));
      return principals.map(({ via, viewer, expiresAt }) => {
        const row = found.get(via.sessionId);
        return row?.id === viewer.id && row.suspension === null ? principalOf(row, expiresAt) : null;
      });
    },
  };
};
