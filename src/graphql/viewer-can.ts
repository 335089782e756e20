import type { Context, Viewer } from '../context.js';

/**
 * The resolver of a field such as `viewerCanEdit`: what the rule that decides about the act says of the viewer. Somebody who is not signed in
 * can do nothing, and nobody can do anything with what is deleted.
 */
export const viewerCan =
  <Item extends object>(rule: (viewer: Viewer, item: Item) => boolean) =>
  (item: Item & { readonly deletedAt?: Date | null }, _args: object, { viewer }: Context): boolean =>
    viewer !== null && (item.deletedAt ?? null) === null && rule(viewer, item);
