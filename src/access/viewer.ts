import type { GraphQLError } from 'graphql';
import type { Context, Principal, Viewer } from '../context.js';
import type { Role } from '../db/generated/prisma/client.js';
import { coded } from '../errors.js';

export const notSignedIn = () => coded('UNAUTHENTICATED', 'Sign in first.');
export const notAllowed = () => coded('FORBIDDEN', 'Your role does not allow this.');

/**
 * The viewer of a context whose field demands one.
 * @throws UNAUTHENTICATED
 */
export const viewerOf = ({ viewer }: Context): Viewer => {
  if (viewer === null) throw notSignedIn();
  return viewer;
};

/**
 * The principal of a context whose field demands one.
 * @throws UNAUTHENTICATED
 */
export const principalOf = ({ principal }: Context): Principal => {
  if (principal === null) throw notSignedIn();
  return principal;
};

/** GUEST may read and write where guests may; the further roles each include the ones before. AGENT works conversations. */
const RANK: Readonly<Record<Role, number>> = { GUEST: 0, MEMBER: 1, AGENT: 2, MODERATOR: 3, ADMIN: 4 };

/** Whether somebody has at least this role. */
export const hasRole = (viewer: Pick<Viewer, 'role'>, role: Role): boolean => RANK[viewer.role] >= RANK[role];

/** Who may call a field: whoever has signed in, or whoever has at least a role; without either, anyone. */
export interface SignInRule {
  readonly signedIn?: boolean;
  readonly role?: Role;
}

/** Why a viewer does not satisfy a rule; null when they do. */
export const signInError = ({ signedIn = false, role }: SignInRule, viewer: Viewer | null): GraphQLError | null => {
  if (!signedIn && role === undefined) return null;
  if (viewer === null) return notSignedIn();
  return role === undefined || hasRole(viewer, role) ? null : notAllowed();
};
