import type { Context, Viewer } from './context.js';
import { coded } from './errors.js';

/**
 * The viewer of a context whose field demands one.
 * @throws UNAUTHENTICATED
 */
export const viewerOf = ({ viewer }: Context): Viewer => {
  if (viewer === null) throw coded('UNAUTHENTICATED', 'Sign in first.');
  return viewer;
};
