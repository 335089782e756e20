import DataLoader from 'dataloader';
import type { GraphQLResolveInfo } from 'graphql';
import type { Context } from '../context.js';

const loaderFor = <Key, Value>({ loaded }: Context, id: unknown, make: () => DataLoader<Key, Value>): DataLoader<Key, Value> => {
  const known = loaded.get(id) as DataLoader<Key, Value> | undefined;
  if (known) return known;
  const loader = make();
  loaded.set(id, loader);
  return loader;
};

/** Clears the loaders of an operation after a write, so that later fields of the same operation read the new state. */
export const forgetLoaded = (context: Context): void => context.loaded.clear();

/**
 * A value that many rows of a response need, loaded for all of them by one statement.
 * @param load gets distinct keys; a key that is not in its result gets the value `missing`
 */
export const batched = <Value>(
  load: (context: Context, keys: readonly string[]) => Promise<ReadonlyMap<string, Value>>,
  missing: Value,
): ((context: Context, key: string) => Promise<Value>) => {
  const id = Symbol('loader');
  return (context, key) =>
    loaderFor<string, Value>(
      context,
      id,
      () =>
        new DataLoader(async (keys) => {
          const values = await load(context, keys);
          return keys.map((each) => values.get(each) ?? missing);
        }),
    ).load(key);
};

/**
 * The same for a field that has arguments or a selection of its own: all rows that resolve this place of the query share one call of
 * `load`.
 */
export const batchedField = <Value>(
  context: Context,
  info: GraphQLResolveInfo,
  key: string,
  load: (keys: readonly string[]) => Promise<ReadonlyMap<string, Value>>,
): Promise<Value | undefined> =>
  // The array of field nodes is the key of the loader: graphql-js passes the same array to all rows of a list, and another array at another
  // place of the query.
  loaderFor<string, Value | undefined>(
    context,
    info.fieldNodes,
    () =>
      new DataLoader(async (keys) => {
        const values = await load(keys);
        return keys.map((each) => values.get(each));
      }),
  ).load(key);
