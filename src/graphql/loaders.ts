import DataLoader from 'dataloader';
import type { GraphQLResolveInfo } from 'graphql';
import type { Context, Viewer } from '../context.js';

type Loaded = Context['loaded'];

const loaderFor = <Key, Value>(loaded: Loaded, id: unknown, make: () => DataLoader<Key, Value>): DataLoader<Key, Value> => {
  const known = loaded.get(id) as DataLoader<Key, Value> | undefined;
  if (known) return known;
  const loader = make();
  loaded.set(id, loader);
  return loader;
};

/** Clears the loaders of an operation after a write, so that later fields of the same operation read the new state. */
export const forgetLoaded = ({ loaded, loadedByKeys }: Context): void => {
  loaded.clear();
  loadedByKeys.clear();
};

/** What a value may be made from that is the same for every viewer. */
export type Reads = Pick<Context, 'db'>;

const byKeys = <Value>(load: (keys: readonly string[]) => Promise<ReadonlyMap<string, Value>>, missing: Value): DataLoader<string, Value> =>
  new DataLoader(async (keys) => {
    const values = await load(keys);
    return keys.map((each) => values.get(each) ?? missing);
  });

/**
 * A value that many rows of a response need, loaded for all of them by one statement. It is the same for every viewer: the events that are shown at the same
 * time to many viewers share the statement.
 * @param load gets distinct keys; a key that is not in its result gets the value `missing`
 */
export const batched = <Value>(
  load: (reads: Reads, keys: readonly string[]) => Promise<ReadonlyMap<string, Value>>,
  missing: Value,
): ((context: Context, key: string) => Promise<Value>) => {
  const id = Symbol('loader');
  return ({ loadedByKeys, db }, key) =>
    loaderFor<string, Value>(loadedByKeys, id, () => byKeys((keys) => load({ db }, keys), missing)).load(key);
};

/** The same for a value that depends on the viewer, or on there being none. */
export const batchedForAnyViewer = <Value>(
  load: (reads: Reads & { readonly viewer: Viewer | null }, keys: readonly string[]) => Promise<ReadonlyMap<string, Value>>,
  missing: Value,
): ((context: Context, key: string) => Promise<Value>) => {
  const id = Symbol('loader');
  return async ({ loaded, db, viewer }, key) =>
    await loaderFor<string, Value>(loaded, id, () => byKeys((keys) => load({ db, viewer }, keys), missing)).load(key);
};

/** The same for a value that is `missing` where nobody is signed in. */
export const batchedForViewer = <Value>(
  load: (reads: Reads & { readonly viewer: Viewer }, keys: readonly string[]) => Promise<ReadonlyMap<string, Value>>,
  missing: Value,
): ((context: Context, key: string) => Promise<Value>) =>
  batchedForAnyViewer(
    ({ db, viewer }, keys) => (viewer === null ? Promise.resolve(new Map<string, Value>()) : load({ db, viewer }, keys)),
    missing,
  );

/** What is asked for a user about something, such as one of their conversations. */
export interface OfUser {
  readonly userId: string;
  readonly id: string;
}

/**
 * The same as {@link batchedForViewer} by a statement that serves many users at a time: for what an event shows that many viewers get at the same time.
 * @returns the values of a statement, each with whose it is and what it is about
 */
export const batchedForViewers = <Value>(
  load: (reads: Reads, asked: readonly OfUser[]) => Promise<readonly (readonly [OfUser, Value])[]>,
  missing: Value,
): ((context: Context, id: string) => Promise<Value>) => {
  const nameOf = ({ userId, id }: OfUser): string => `${userId}\0${id}`;
  const loadByName = batched<Value>(async (reads, names) => {
    const asked = names.map((name) => {
      const [userId = '', id = ''] = name.split('\0');
      return { userId, id };
    });
    return new Map((await load(reads, asked)).map(([of, value]) => [nameOf(of), value]));
  }, missing);
  return async (context, id) => (context.viewer === null ? missing : await loadByName(context, nameOf({ userId: context.viewer.id, id })));
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
  loaderFor(context.loaded, info.fieldNodes, () => byKeys<Value | undefined>(load, undefined)).load(key);

/** Reading the viewer of it fails. In an execution for everyone it is seen there too. */
const withoutViewer = (context: Context): Context => {
  const refuse = (name: 'viewer' | 'principal'): PropertyDescriptor => ({
    get: () => {
      void context[name];
      throw new Error('What is read for several viewers must not depend on one.');
    },
  });
  return Object.create(context, { viewer: refuse('viewer'), principal: refuse('principal') }) as Context;
};

/**
 * The same for a row that is the same for every viewer: it is read once for all who are shown it at the same time. Each gets an object of their own, by which
 * Pothos remembers what was loaded with it.
 * @param load gets a context of which the viewer cannot be read, and must use no other
 */
export const batchedRow = async <Row extends object>(
  context: Context,
  info: GraphQLResolveInfo,
  key: string,
  load: (context: Context, keys: readonly string[]) => Promise<ReadonlyMap<string, Row>>,
): Promise<Row | null> => {
  const row = await loaderFor(context.loadedByKeys, info.fieldNodes, () =>
    byKeys<Row | null>((keys) => load(withoutViewer(context), keys), null),
  ).load(key);
  return row && { ...row };
};
