import type { Cache, OptimisticMutationConfig, Resolver, UpdateResolver } from '@urql/exchange-graphcache';

/** By type and field. */
type Table<Field> = Readonly<Record<string, Readonly<Record<string, Field>>>>;

/** What one area of the product adds to the cache: a file of its own beside this one, listed in `api/cache.ts`. */
export interface AreaOfCache {
  /** What a mutation or an event does beyond the objects that it carries: `{ Subscription: { notificationAdded: (result, args, cache) => … } }`. */
  readonly updates?: Table<UpdateResolver>;
  /** What a mutation shows until its answer comes. */
  readonly optimistic?: OptimisticMutationConfig;
  /** Fields that are read in another way than they were written, such as lists of pages. */
  readonly resolvers?: Table<Resolver>;
}

/**
 * Has every page of a list read again when it is shown next: for what an event has made wrong as a whole.
 * @param of the object that has the list: `'Query'`, or `{ __typename, id }`
 */
export const forgetList = (cache: Cache, of: Parameters<Cache['invalidate']>[0], field: string): void => {
  for (const found of cache.inspectFields(of)) if (found.fieldName === field) cache.invalidate(of, field, found.arguments);
};
