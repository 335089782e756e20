import type { Cache, OptimisticMutationConfig, Resolver, UpdateResolver, Variables } from '@urql/exchange-graphcache';

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
 * An update that reads of its result what every document with this field selects: `update<{ likePost: { post: { id: string } } | null }>(…)`. What a document
 * leaves out is undefined there, so say it in `operations.ts` too.
 */
export const update =
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- each update says by it what it reads
  <Result>(act: (result: Result, args: Variables, cache: Cache) => void): UpdateResolver =>
    (parent, args, cache) =>
      act(parent as Result, args, cache);
