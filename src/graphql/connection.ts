import type { ObjectRef } from '@pothos/core';
import type { GraphQLResolveInfo } from 'graphql';
import { queryFromInfo } from '@pothos/plugin-prisma';
import { builder, type Types } from './builder.js';
import type { Context } from '../context.js';
import { planPage, type Connection, type Edge, type Keyset, type PageArgs, type PageBounds, type PageQuery } from '../db/keyset.js';
import { batchedField } from './loaders.js';
import { capped, COUNTED_ROWS, MAX_COUNT } from '../db/count.js';
import { COUNT } from './price.js';

/** The value behind a connection type. The total is counted only when it is selected, up to {@link COUNTED_ROWS}, and a cursor is made only then. */
export interface CountedConnection<Row> extends Connection<Row> {
  readonly totalCount: () => Promise<number>;
}

const PageInfo = builder.objectRef<Connection<unknown>>('PageInfo').implement({
  description: 'Where a page lies in its list.',
  fields: (t) => ({
    hasNextPage: t.exposeBoolean('hasNextPage', {
      description: 'Whether there are items after this page. A page of no items (`first: 0`) tells by it whether there are any.',
    }),
    hasPreviousPage: t.exposeBoolean('hasPreviousPage', {
      description: 'Whether there are items before this page; of `last: 0`, whether there are any.',
    }),
    startCursor: t.string({
      nullable: true,
      description: 'The cursor of the first item; null on an empty page.',
      resolve: ({ edges }) => edges[0]?.cursor() ?? null,
    }),
    endCursor: t.string({
      nullable: true,
      description: 'The cursor of the last item; null on an empty page.',
      resolve: ({ edges }) => edges.at(-1)?.cursor() ?? null,
    }),
  }),
});

/** Declares `<name>Connection` and `<name>Edge` for a node type. Each node type has one pair, shared by all fields that list it. */
export const connectionType = <Row>(node: ObjectRef<Types, Row>, name: string): ObjectRef<Types, CountedConnection<Row>> => {
  const edge = builder.objectRef<Edge<Row>>(`${name}Edge`);
  edge.implement({
    description: `One item of a list of ${name} objects, and where it stands in the list.`,
    fields: (t) => ({
      node: t.field({ type: node, description: 'The item.', resolve: (each) => each.node as never }),
      cursor: t.string({
        description: 'Where the item stands in the list: give it as `after` or `before`.',
        resolve: (each) => each.cursor(),
      }),
    }),
  });
  const connection = builder.objectRef<CountedConnection<Row>>(`${name}Connection`);
  connection.implement({
    description: `A page of a list of ${name} objects.`,
    fields: (t) => ({
      pageInfo: t.field({ type: PageInfo, description: 'Where this page lies in the list.', resolve: (page) => page }),
      edges: t.field({ type: [edge], description: 'The items of this page.', resolve: (page) => page.edges }),
      nodes: t.field({
        type: [node],
        description: 'The items of this page, for those who need no cursor of each: `edges { node }` without the edges.',
        resolve: (page) => page.edges.map((each) => each.node) as never,
      }),
      totalCount: t.int({
        price: { own: COUNT },
        description: `How many items the whole list has, counted up to ${MAX_COUNT}.`,
        resolve: async (page) => capped(await page.totalCount()),
      }),
      totalCountIsCapped: t.boolean({
        price: { own: COUNT },
        description: 'Whether the list has more items than `totalCount` says, which stops counting there.',
        resolve: async (page) => (await page.totalCount()) > MAX_COUNT,
      }),
    }),
  });
  return connection;
};

/**
 * The `include` or `select` by which Prisma reads what the selected fields of a connection's nodes need. The type is neutral; each model's
 * own types check its use.
 */
export type NodeQuery = { include?: never; select?: never };

/** The `include` or `select` for the selected fields of a single node. */
export const nodeQuery = (context: Context, info: GraphQLResolveInfo, typeName: string): NodeQuery =>
  queryFromInfo({ context, info, typeName });

/** The same for a connection, whose nodes can be selected by `edges { node }`, by `nodes`, or by both. */
const edgeNodeQuery = (context: Context, info: GraphQLResolveInfo): NodeQuery =>
  queryFromInfo({ context, info, paths: [['edges', 'node'], ['nodes']] });

/**
 * A keyset page of a list that has no parent.
 * @param find runs one statement, either with the Prisma conditions of the page (`page`) or as SQL of its own within the page's bounds, and
 *   loads what the selection needs (`query`)
 */
export const listPage = async <Row>(
  context: Context,
  info: GraphQLResolveInfo,
  args: PageArgs,
  options: {
    readonly keyset: Keyset<Row>;
    readonly find: (page: PageQuery, query: NodeQuery, bounds: PageBounds) => Promise<readonly Row[]>;
    /** Counts the list, in its order, since Prisma would take another one, and up to a number of rows. */
    readonly count: (rows: Pick<PageQuery, 'orderBy' | 'take'>) => Promise<number>;
    readonly fromEnd?: boolean;
  },
): Promise<CountedConnection<Row>> => {
  const page = planPage(options.keyset, args, options.fromEnd);
  const rows = await options.find(page.query, edgeNodeQuery(context, info), page.bounds);
  let total: Promise<number> | null = null;
  return { ...page.connect(rows), totalCount: () => (total ??= options.count({ orderBy: page.query.orderBy, take: COUNTED_ROWS })) };
};

/**
 * A keyset page of a list that belongs to a parent, such as the comments of a post. All parents at the same place of the response share one
 * statement.
 * @param find reads the page of every parent at once, usually through a relation of the parent's Prisma model
 * @param count gives a parent's total up to {@link COUNTED_ROWS}, batched over the parents
 * @param node maps a row to its node, for lists whose rows are links to the nodes
 */
export const childPage = async <Row, Node = Row>(
  context: Context,
  info: GraphQLResolveInfo,
  args: PageArgs,
  options: {
    readonly parentId: string;
    readonly keyset: Keyset<Row>;
    readonly find: (
      parentIds: string[],
      page: PageQuery,
      query: NodeQuery,
    ) => Promise<readonly { readonly id: string; readonly rows: readonly Row[] }[]>;
    readonly count: (context: Context, parentId: string) => Promise<number>;
    readonly fromEnd?: boolean;
    readonly node?: (row: Row) => Node;
  },
): Promise<CountedConnection<Node>> => {
  const page = planPage(options.keyset, args, options.fromEnd);
  const rows = await batchedField(context, info, options.parentId, async (keys) => {
    const found = await options.find([...keys], page.query, edgeNodeQuery(context, info));
    return new Map(found.map((parent) => [parent.id, parent.rows]));
  });
  const connection = page.connect(rows ?? []);
  const nodeOf = options.node ?? ((row: Row) => row as unknown as Node);
  return {
    ...connection,
    edges: connection.edges.map(({ cursor, node }) => ({ cursor, node: nodeOf(node) })),
    totalCount: () => options.count(context, options.parentId),
  };
};
