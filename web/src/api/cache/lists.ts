import type { Cache, Entity, FieldArgs, Resolver } from '@urql/exchange-graphcache';
import { stringifyVariables } from 'urql';

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
  const nodes: unknown = cache.resolve(connection, 'nodes');
  return Array.isArray(nodes) ? (nodes as unknown[]).filter((node) => typeof node === 'string') : [];
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

/**
 * Puts an object behind the last of a list that is read from its start (`first`) to its end, such as comments. Where the end has not been read yet, it comes with
 * the page that has it.
 */
export const putBehind = (cache: Cache, { owner, field, when = always }: ListOf, node: Entity): void => {
  const key = cache.keyOfEntity(node);
  const pages = pagesIn(cache, owner, field).filter(({ args }) => when(args));
  if (key === null || pages.some((page) => nodesIn(cache, page).includes(key))) return;
  for (const page of pages) {
    if (pageInfoOf(cache, page.connection).hasNextPage) continue;
    cache.link(page.connection, 'nodes', [...nodesIn(cache, page), key]);
  }
};

interface PageInfoInCache {
  readonly hasNextPage: boolean;
  readonly endCursor: string | null;
}

const pageInfoOf = (cache: Cache, connection: string): PageInfoInCache => {
  const info = cache.resolve(connection, 'pageInfo');
  if (typeof info !== 'string') return { hasNextPage: false, endCursor: null };
  const endCursor = cache.resolve(info, 'endCursor');
  return { hasNextPage: cache.resolve(info, 'hasNextPage') === true, endCursor: typeof endCursor === 'string' ? endCursor : null };
};

const PAGING: readonly string[] = ['first', 'last', 'after', 'before'];
/** By what a list is filtered and ordered: equal whatever the order in which it is said, as the keys of the cache are. */
const filtersOf = (args: NonNullable<FieldArgs>): string =>
  stringifyVariables(Object.fromEntries(Object.entries(args).filter(([name, value]) => !PAGING.includes(name) && value !== null)));

/**
 * The pages of a list as one: the first, then each that was asked for behind the end of the one before. When the first is read again and ends elsewhere, those
 * behind it are read again as they are needed: joined as they were, they would hide what lies between. It answers for a page that has not been read, too, so a
 * further page is asked for by `cache-and-network`.
 */
export const chainOfPages: Resolver = (_parent, args, cache, { parentKey, fieldName }) => {
  const filters = filtersOf(args);
  const pages = pagesIn(cache, parentKey, fieldName).filter((page) => filtersOf(page.args) === filters);
  const firsts = pages.filter(isFirst);
  const first = firsts.find((page) => page.args['first'] === args['first']) ?? firsts.at(-1);
  if (!first) {
    // Its beginning was forgotten. What was asked for stands there until its end comes near, and what comes then is the start of the list.
    const asked = pages.find((page) => page.args['after'] === args['after']);
    if (!asked) return undefined;
    const pageInfo = { __typename: 'PageInfo', hasNextPage: true, endCursor: null, hasPreviousPage: true, startCursor: null };
    return { __typename: cache.resolve(asked.connection, '__typename'), nodes: nodesIn(cache, asked), pageInfo };
  }
  const nodes = new Set<string>();
  let end: PageInfoInCache = { hasNextPage: false, endCursor: null };
  let page: PageInCache | undefined = first;
  while (page) {
    for (const node of nodesIn(cache, page)) nodes.add(node);
    end = pageInfoOf(cache, page.connection);
    const { endCursor } = end;
    page = endCursor === null ? undefined : pages.find(({ args: { after } }) => after === endCursor);
  }
  return {
    __typename: cache.resolve(first.connection, '__typename'),
    nodes: [...nodes],
    pageInfo: { __typename: 'PageInfo', ...end, hasPreviousPage: false, startCursor: null },
  };
};

/** All objects that are known of the lists of a field. */
export const nodesOf = (cache: Cache, { owner, field, when = always }: ListOf): ReadonlySet<string> =>
  new Set(pagesIn(cache, owner, field).flatMap((page) => (when(page.args) ? nodesIn(cache, page) : [])));

/** Has every page of a list read again when it is shown: for what an event has made wrong as a whole. */
export const forgetList = (cache: Cache, owner: Entity, field: string): void => {
  for (const found of cache.inspectFields(owner)) if (found.fieldName === field) cache.invalidate(owner, field, found.arguments);
};
