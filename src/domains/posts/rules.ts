import type { Viewer } from '../../context.js';
import { hasRole } from '../../access/viewer.js';

/*
 * Posts are public, also to users whom the author has blocked. Such users may not comment on the post, nor reply to comments of a user from
 * whom a block separates them. Their likes count, but nobody is notified of them. Comments from before the block stay, and their authors
 * may edit and delete them.
 */

/** Only the author may edit a post or comment. */
export const mayEdit = (viewer: Viewer, item: { readonly authorId: string }): boolean => item.authorId === viewer.id;

/** The author may delete a post or comment, and so may moderators. */
export const mayDelete = (viewer: Viewer, item: { readonly authorId: string }): boolean =>
  mayEdit(viewer, item) || hasRole(viewer, 'MODERATOR');

/** The two rules, for the fields that tell the viewer what they may do. */
export const EDITING = { may: mayEdit, as: 'its author' } as const;
export const DELETING = { may: mayDelete, as: 'its author or a moderator' } as const;
