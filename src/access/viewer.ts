import type { Context, Principal, Viewer } from '../context.js';
import type { Role } from '../db/generated/prisma/client.js';
import { coded } from '../errors.js';

export const notSignedIn = () => coded('UNAUTHENTICATED', 'Sign in first.');

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
