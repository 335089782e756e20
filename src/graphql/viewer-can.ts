import type { Context, Viewer } from '../context.js';

/** A rule that decides about an act, and as what somebody may do it, in words. */
interface Rule<Item> {
  readonly may: (viewer: Viewer, item: Item) => boolean;
  readonly as: string;
}

/**
 * The options of a field such as `viewerCanEdit`, which tells what the rule that decides about the act says of the viewer. Somebody who is not
 * signed in can do nothing, and nobody can do anything with what is deleted.
 */
export const viewerCan = <Item extends object>(act: 'edit' | 'delete', { may, as }: Rule<Item>) => ({
  description: `Whether the viewer may ${act} it, as ${as}.`,
  resolve: (item: Item & { readonly deletedAt?: Date | null }, _args: object, { viewer }: Context): boolean =>
    viewer !== null && (item.deletedAt ?? null) === null && may(viewer, item),
});
