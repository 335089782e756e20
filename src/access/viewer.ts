import type { GraphQLError } from 'graphql';
import type { Context, Principal, Viewer } from '../context.js';
import type { Role } from '../db/generated/prisma/client.js';
import { coded } from '../errors.js';

export const notSignedIn = () => coded('UNAUTHENTICATED', 'Sign in first.');
export const notAllowed = () => coded('FORBIDDEN', 'Your role does not allow this.');
export const notInScope = () => coded('FORBIDDEN', 'What you have signed in with may only read.');

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
 * The rank of each role: a role may do everything that a lower one may. GUEST is an account without a password; AGENT answers support
 * conversations.
 */
const RANK: Readonly<Record<Role, number>> = { GUEST: 0, MEMBER: 1, AGENT: 2, MODERATOR: 3, ADMIN: 4 };

/** Whether the viewer has at least this role. */
export const hasRole = (viewer: Pick<Viewer, 'role'>, role: Role): boolean => RANK[viewer.role] >= RANK[role];

/** Who may use a field: anyone signed in, anyone with at least a role, or without either everyone. */
export interface SignInRule {
  readonly signedIn?: boolean;
  readonly role?: Role;
  /** Whether the field changes something, which not every credential is good for. */
  readonly writes?: boolean;
}

/** The rule of a field whose arguments decide it. It must expect any values, since it is also asked about arguments that are wrong. */
export type SignInRuleByArgs = (args: Readonly<Record<string, unknown>>) => SignInRule;

/** The error that tells why a principal may not use the field; null when it may. */
export const signInError = ({ signedIn = false, role, writes = false }: SignInRule, principal: Principal | null): GraphQLError | null => {
  if (!signedIn && role === undefined) return null;
  if (principal === null) return notSignedIn();
  if (role !== undefined && !hasRole(principal.viewer, role)) return notAllowed();
  return writes && principal.scopes !== 'ALL' ? notInScope() : null;
};
