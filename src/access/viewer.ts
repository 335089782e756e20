import type { GraphQLError } from 'graphql';
import type { Context, Principal, Scopes, Viewer } from '../context.js';
import type { Role } from '../db/generated/prisma/client.js';
import { coded } from '../errors.js';
import type { Scope } from './scopes.js';

export const notSignedIn = () => coded('UNAUTHENTICATED', 'Sign in first.');
/** Of a role that is too low, be it for want of a second factor. */
export const notAllowed = (principal: Pick<Principal, 'lacksFactor'> | null = null) =>
  principal?.lacksFactor === true
    ? coded('FORBIDDEN', 'Your role needs a second factor here. Set one up first.', { reason: 'SECOND_FACTOR_REQUIRED' })
    : coded('FORBIDDEN', 'Your role does not allow this.');
/** Of a key, whose owner may be allowed what it is not. */
const notInScope = (scope: MutationScope) =>
  scope === 'SESSION'
    ? coded('FORBIDDEN', 'An API key cannot do this: sign in.')
    : coded('FORBIDDEN', `The API key lacks the scope ${scope}, or its owner the role for this.`, { scope });

/**
 * The viewer, for fields that require one.
 * @throws UNAUTHENTICATED
 */
export const viewerOf = ({ viewer }: Context): Viewer => {
  if (viewer === null) throw notSignedIn();
  return viewer;
};

/**
 * The principal, for fields that require one.
 * @throws UNAUTHENTICATED
 */
export const principalOf = ({ principal }: Context): Principal => {
  if (principal === null) throw notSignedIn();
  return principal;
};

/**
 * The session of the principal, for what only somebody who has signed in may do.
 * @throws UNAUTHENTICATED, FORBIDDEN for an API key
 */
export const sessionOf = (context: Context): { readonly sessionId: string } => {
  const { via } = principalOf(context);
  if (via.kind !== 'session') throw notInScope('SESSION');
  return via;
};

/**
 * The rank of each role: a role may do everything that a lower one may. GUEST is an account without a password; AGENT answers support
 * conversations.
 */
const RANK: Readonly<Record<Role, number>> = { GUEST: 0, MEMBER: 1, AGENT: 2, MODERATOR: 3, ADMIN: 4 };

/** Whether the viewer has at least this role. Somebody who is not signed in has none. */
export const hasRole = (viewer: Pick<Viewer, 'role'> | null, role: Role): boolean => viewer !== null && RANK[viewer.role] >= RANK[role];

/** What is left of a role within scopes. */
export const roleWithin = (scopes: Scopes, role: Role): Role =>
  scopes === 'ALL' || scopes.includes('ADMIN') || !hasRole({ role }, 'MODERATOR') ? role : 'MEMBER';

/** The roles that an operator may require a second factor for, each with what is left of it, and of those above it, without one. */
const WITHOUT_FACTOR = { MEMBER: 'GUEST', MODERATOR: 'MEMBER', ADMIN: 'MODERATOR' } as const satisfies Partial<Record<Role, Role>>;

/** What is left of a role without a second factor. @param from the least role that needs one; null when none does */
export const roleWithoutFactor = (role: Role, from: keyof typeof WITHOUT_FACTOR | null): Role =>
  from === null || !hasRole({ role }, from) ? role : WITHOUT_FACTOR[from];

/** What a mutation needs of a credential: a scope, or that it is a session. */
export type MutationScope = Scope | 'SESSION';

const isWithin = (scopes: Scopes, scope: MutationScope): boolean => scopes === 'ALL' || (scope !== 'SESSION' && scopes.includes(scope));

/** Who may use a field: anyone signed in, anyone with at least a role, or without either everyone. */
export interface SignInRule {
  readonly signedIn?: boolean;
  readonly role?: Role;
  /** Of a field that changes something: what it needs of a credential that is not good for everything. */
  readonly scope?: MutationScope;
}

/** The rule of a field whose arguments decide it. It must expect any values, since it is also asked about arguments that are wrong. */
export type SignInRuleByArgs = (args: Readonly<Record<string, unknown>>) => SignInRule;

/** The error that tells why a principal may not use the field; null when it may. */
export const signInError = ({ signedIn = false, role, scope }: SignInRule, principal: Principal | null): GraphQLError | null => {
  if (!signedIn && role === undefined) return null;
  if (principal === null) return notSignedIn();
  const { viewer, scopes } = principal;
  if (scope !== undefined && !isWithin(scopes, scope)) return notInScope(scope);
  if (role === undefined || hasRole(viewer, role)) return null;
  return scopes === 'ALL' ? notAllowed(principal) : notInScope('ADMIN');
};
