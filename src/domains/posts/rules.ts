import type { Viewer } from '../../context.js';
import { hasRole } from '../../access/viewer.js';

/*
 * What is posted is public, also to those whom its author has blocked. They do not comment under it, nor answer a comment of somebody with
 * whom they are kept apart: both would be addressed by it. Their likes count, as they say nothing, and their author is told of none
 * of them. What they wrote before stays, and theirs to edit and delete.
 */

/** Authors edit their own words, and nobody else does. */
export const mayEdit = (viewer: Viewer, item: { readonly authorId: string }): boolean => item.authorId === viewer.id;

/** Authors delete their own words; moderators delete anyone's. */
export const mayDelete = (viewer: Viewer, item: { readonly authorId: string }): boolean =>
  mayEdit(viewer, item) || hasRole(viewer, 'MODERATOR');
