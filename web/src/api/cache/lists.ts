import type { Cache, Entity, FieldArgs } from '@urql/exchange-graphcache';

/** A page of a list that has been read: where the cache has it, and by which arguments it was asked for. */
interface PageInCache {
  readonly connection: string;
  readonly args: NonNullable<FieldArgs>;
}

const pagesIn = (cache: Cache, owner: Entity, field: string): PageInCache[] =>
  cache.inspectFields(owner).flatMap(({ fieldName, fieldKey, arguments: args }) => {
    const connection = fieldName === field ? cache.resolve(owner, fieldKey) : null;
    return typeof connection === 'string' ? [{ connection, args: args ?? {} }] : [];
  });

const nodesIn = (cache: Cache, { connection }: PageInCache): string[] => {
  const nodes = cache.resolve(connection, 'nodes');
  return Array.isArray(nodes) ? nodes.filter((node) => typeof node === 'string') : [];
};

const isFirst = ({ args }: PageInCache): boolean => !args['after'] && !args['before'] && typeof args['last'] !== 'number';
const isLast = ({ args }: PageInCache): boolean => !args['after'] && !args['before'] && typeof args['last'] === 'number';

interface ListOf {
  /** What has the list: `'Query'`, or an object: `{ __typename: 'Post', id }`. */
  readonly owner: Entity;
  /** Its field: `comments`. The pages of it must have been asked for by `nodes { id … }`, which have keys; edges have none. */
  readonly field: string;
  /** To which of the lists of this field it belongs, where arguments filter or order it; to all when left out. */
  readonly when?: (args: NonNullable<FieldArgs>) => boolean;
}

const always = (): boolean => true;

/** Takes an object out of every list of a field. */
export const removeNode = (cache: Cache, { owner, field, when = always }: ListOf, node: Entity): void => {
  const key = cache.keyOfEntity(node);
  for (const page of pagesIn(cache, owner, field)) {
    const nodes = nodesIn(cache, page);
    if (when(page.args) && nodes.some((each) => each === key))
      cache.link(
        page.connection,
        'nodes',
        nodes.filter((each) => each !== key),
      );
  }
};

const put = (cache: Cache, list: ListOf, node: Entity, isPlace: (page: PageInCache) => boolean, atStart: boolean): void => {
  const key = cache.keyOfEntity(node);
  const { owner, field, when = always } = list;
  if (key === null) return;
  removeNode(cache, list, node);
  for (const page of pagesIn(cache, owner, field)) {
    if (!isPlace(page) || !when(page.args)) continue;
    const nodes = nodesIn(cache, page);
    cache.link(page.connection, 'nodes', atStart ? [key, ...nodes] : [...nodes, key]);
  }
};

/** Puts an object first in a list that is read from its start (`first`), or moves it there. The object itself has been written by what carried it. */
export const putFirst = (cache: Cache, list: ListOf, node: Entity): void => put(cache, list, node, isFirst, true);

/** Puts an object last in a list that is read from its end (`last`), such as messages, or moves it there. */
export const putLast = (cache: Cache, list: ListOf, node: Entity): void => put(cache, list, node, isLast, false);

/** Has every page of a list read again when it is shown: for what an event has made wrong as a whole. */
export const forgetList = (cache: Cache, owner: Entity, field: string): void => {
  for (const found of cache.inspectFields(owner)) if (found.fieldName === field) cache.invalidate(owner, field, found.arguments);
};
