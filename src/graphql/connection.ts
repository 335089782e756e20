import type { ObjectRef } from '@pothos/core';
import type { GraphQLResolveInfo } from 'graphql';
import { queryFromInfo } from '@pothos/plugin-prisma';
import { builder, type Types } from './builder.js';
import type { Context } from '../context.js';
import type PrismaTypes from '../db/generated/pothos-types.js';
import { planPage, type Connection, type Edge, type Keyset, type Page, type PageArgs, type PageBounds } from '../db/keyset.js';
import { type ChildList, type ListRelation, type ModelName, type Part, type Related, type RootList, type RowOf } from '../db/lists.js';
import { withColumns, type Selection } from '../db/list-rows.js';
import { batchedField, batchedRow } from './loaders.js';
import { nodeSelection } from './node-selection.js';
import { capped, COUNTED_ROWS, MAX_COUNT } from '../db/count.js';
import { COUNT, CURSOR } from './price.js';

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
        price: { own: CURSOR },
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
        price: COUNT,
        description: `How many items the whole list has, counted up to ${MAX_COUNT}.`,
        resolve: async (page) => capped(await page.totalCount()),
      }),
      totalCountIsCapped: t.boolean({
        price: COUNT,
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

/** What is read of the nodes of a connection, which can be selected by `edges { node }`, by `nodes`, or by both. */
const readOfNodes = (context: Context, info: GraphQLResolveInfo): Selection => {
  const planned = (): NodeQuery => queryFromInfo({ context, info, paths: [['edges', 'node'], ['nodes']] });
  return nodeSelection(info) ?? planned();
};

interface PageOptions<Row> {
  readonly keyset: Keyset<Row>;
  /** Whether a page without arguments is the last one. */
  readonly fromEnd?: boolean;
}

/**
 * A keyset page of a list that has no parent.
 * @param list null when there is nothing in it
 * @param also columns that are read beside what is selected
 */
export const listPage = async <Model extends ModelName>(
  context: Context,
  info: GraphQLResolveInfo,
  args: PageArgs,
  options: PageOptions<RowOf<Model>> & {
    readonly list: RootList<Model> | null;
    readonly also?: readonly (keyof RowOf<Model> & string)[];
    /** Counts a list that is not counted as it is read, up to {@link COUNTED_ROWS}. */
    readonly count?: () => Promise<number>;
  },
): Promise<CountedConnection<RowOf<Model>>> => {
  const { keyset, list } = options;
  const { lists } = context.db;
  const page = planPage(keyset, args, options.fromEnd);
  const part = partOf(keyset, page);
  const rows = list === null ? [] : await lists.root(list, part, withColumns(readOfNodes(context, info), options.also ?? []));
  const whole: Part = { columns: keyset.columns, bounds: NO_BOUNDS, take: COUNTED_ROWS };
  const count = options.count ?? (async () => (list === null ? 0 : await lists.count(list, whole)));
  let total: Promise<number> | null = null;
  return { ...page.connect(rows), totalCount: () => (total ??= count()) };
};

const NO_BOUNDS: PageBounds = { after: null, before: null, backward: false };

const partOf = <Row>({ columns }: Keyset<Row>, { bounds, take }: Page<Row>): Part => ({ columns, bounds, take });

/** The name of a relation to one row, for lists whose rows are links to their nodes. */
type NodeRelation<Model extends ModelName> = keyof PrismaTypes[Model]['Relations'] & string;

interface ChildOptions<Row> extends PageOptions<Row> {
  readonly parentId: string;
  /** A parent's total up to {@link COUNTED_ROWS}, batched over the parents. */
  readonly count: (context: Context, parentId: string) => Promise<number>;
}

/**
 * A keyset page of a list that belongs to a parent, such as the comments of a post. All parents at the same place of the response share one
 * statement.
 */
export const childPage = async <Model extends ModelName, Relation extends ListRelation<Model>>(
  context: Context,
  info: GraphQLResolveInfo,
  args: PageArgs,
  options: ChildOptions<RowOf<Related<Model, Relation>>> & { readonly list: ChildList<Model, Relation> },
): Promise<CountedConnection<RowOf<Related<Model, Relation>>>> => {
  const { list } = options;
  return await pageOf(context, info, args, options, (parentIds, part) =>
    context.db.lists.children(list, parentIds, part, readOfNodes(context, info)),
  );
};

/**
 * The first row of a list that belongs to a parent, such as the last message of a conversation; null when there is none. The list is the same for every
 * viewer. All parents at the same place of the response share one statement.
 */
export const firstChild = <Model extends ModelName, Relation extends ListRelation<Model>>(
  context: Context,
  info: GraphQLResolveInfo,
  typeName: string,
  {
    list,
    parentId,
    keyset,
  }: Pick<ChildOptions<RowOf<Related<Model, Relation>>>, 'parentId' | 'keyset'> & { readonly list: ChildList<Model, Relation> },
): Promise<RowOf<Related<Model, Relation>> | null> =>
  batchedRow(context, info, parentId, async (anyones, parentIds) => {
    const part: Part = { columns: keyset.columns, bounds: NO_BOUNDS, take: 1 };
    const rows = await anyones.db.lists.children(list, parentIds, part, nodeQuery(anyones, info, typeName));
    return new Map([...rows].flatMap(([id, [first]]) => (first === undefined ? [] : [[id, first]])));
  });

/**
 * {@link childPage} for a list whose rows are links to its nodes, such as the followers of a user.
 * @param node the relation of a link to its node
 */
export const linkedPage = async <Model extends ModelName, Relation extends ListRelation<Model>, Node>(
  context: Context,
  info: GraphQLResolveInfo,
  args: PageArgs,
  options: ChildOptions<RowOf<Related<Model, Relation>>> & {
    readonly list: ChildList<Model, Relation>;
    readonly node: NodeRelation<Related<Model, Relation>>;
  },
): Promise<CountedConnection<Node>> => {
  const { list, node } = options;
  const { edges, ...page } = await pageOf(context, info, args, options, (parentIds, part) =>
    context.db.lists.children(list, parentIds, part, { select: { [node]: readOfNodes(context, info) } }),
  );
  return {
    ...page,
    edges: edges.map(({ cursor, node: link }) => ({ cursor, node: (link as unknown as Readonly<Record<string, Node>>)[node] as Node })),
  };
};

const pageOf = async <Row>(
  context: Context,
  info: GraphQLResolveInfo,
  args: PageArgs,
  { parentId, keyset, count, fromEnd }: ChildOptions<Row>,
  read: (parentIds: readonly string[], part: Part) => Promise<ReadonlyMap<string, readonly Row[]>>,
): Promise<CountedConnection<Row>> => {
  const page = planPage(keyset, args, fromEnd);
  const rows = await batchedField(context, info, parentId, (parentIds) => read(parentIds, partOf(keyset, page)));
  const { edges, hasNextPage, hasPreviousPage } = page.connect(rows ?? []);
  return { edges, hasNextPage, hasPreviousPage, totalCount: () => count(context, parentId) };
};
