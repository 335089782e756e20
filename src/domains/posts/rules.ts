import { RANK } from '../../builder.js';
import type { Viewer } from '../../context.js';

/** Authors edit their own words, and nobody else does. */
export const mayEdit = (viewer: Viewer, item: { readonly authorId: string }): boolean => item.authorId === viewer.id;

/** Authors delete their own words; moderators delete anyone's. */
export const mayDelete = (viewer: Viewer, item: { readonly authorId: string }): boolean =>
  mayEdit(viewer, item) || RANK[viewer.role] >= RANK.MODERATOR;
