import type { ToldRule } from '../access/rules.js';
import type { Context } from '../context.js';

/**
 * The options of a field such as `viewerCanEdit`, which tells what the rule that decides about the act says of the viewer. Nobody can do anything with
 * what is deleted.
 */
export const viewerCan = <Item>(act: 'edit' | 'delete', { may, as }: ToldRule<Item>) => ({
  description: `Whether the viewer may ${act} it, as ${as}.`,
  resolve: (item: Item & object & { readonly deletedAt?: Date | null }, _args: object, { viewer }: Context): boolean =>
    (item.deletedAt ?? null) === null && may(viewer, item),
});
