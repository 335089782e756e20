import type { ObjectRef } from '@pothos/core';
import type { GraphQLResolveInfo } from 'graphql';
import { queryFromInfo } from '@pothos/plugin-prisma';
import { builder, type Types } from './builder.js';
import type { Context } from '../context.js';
import { planPage, type Connection, type Keyset, type PageArgs, type PageBounds, type PageQuery } from '../db/keyset.js';
import { batchedField } from './loaders.js';

/** A page as its GraphQL type reads it; the total is counted only when it is asked for. */
export interface CountedConnection<Row> extends Connection<Row> {
  readonly totalCount: () => Promise<number>;
}

/** Declares `<name>Connection` and `<name>Edge` for a node type. Each node type has one, shared by all its lists. */
export const connectionType = <Row>(node: ObjectRef<Types, Row>, name: string): ObjectRef<Types, CountedConnection<Row>> =>
  builder.connectionObject(
    {
      type: node,
      name: `${name}Connection`,
      description: `A page of a list of ${name} objects.`,
      fields: (t) => ({
        totalCount: t.int({
          description: 'How many items the whole list has.',
          resolve: (connection) => (connection as unknown as CountedConnection<Row>).totalCount(),
        }),
      }),
    },
    {
      name: `${name}Edge`,
      description: `One item of a list of ${name} objects, and where it stands in the list.`,
    },
  ) as unknown as ObjectRef<Types, CountedConnection<Row>>;

/** What the selection of a connection's nodes needs from their rows, for Prisma; a model's own types check its use. */
export type NodeQuery = { include?: never; select?: never };

/** What a node's selection needs from its row. */
export const nodeQuery = (context: Context, info: GraphQLResolveInfo, typeName: string): NodeQuery =>
  queryFromInfo({ context, info, typeName });

/** By whichever of the two ways a page's nodes are selected, or by both. */
const edgeNodeQuery = (context: Context, info: GraphQLResolveInfo): NodeQuery =>
  queryFromInfo({ context, info, paths: [['edges', 'node'], ['nodes']] });

/**
 * A page of a whole list.
 * @param find runs one statement with the page's conditions, or a plan of its own within the page's bounds, and the selection's needs
 */
export const listPage = async <Row>(
  context: Context,
  info: GraphQLResolveInfo,
  args: PageArgs,
  options: {
    readonly keyset: Keyset<Row>;
    readonly find: (page: PageQuery, query: NodeQuery, bounds: PageBounds) => Promise<readonly Row[]>;
    readonly count: () => Promise<number>;
    readonly fromEnd?: boolean;
  },
): Promise<CountedConnection<Row>> => {
  const page = planPage(options.keyset, args, options.fromEnd);
  const rows = await options.find(page.query, edgeNodeQuery(context, info), page.bounds);
  return { ...page.connect(rows), totalCount: options.count };
};

/**
 * A page of the list that belongs to one parent. Parents that stand beside each other in the response share one statement,
 * whatever their number.
 * @param find gives the page of every parent at once: a relation of the parent's model, read with the page's conditions and the
 *   selection's needs
 * @param count gives a parent's total, batched over the parents
 * @param node the node of a row, where the list's rows only lead to its nodes
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
  // Asked for every parent, though only one's is used: by this Pothos knows that the nodes of each have what is selected.
  const query = edgeNodeQuery(context, info);
  const rows = await batchedField(context, info, options.parentId, async (keys) => {
    const found = await options.find([...keys], page.query, query);
    return new Map(found.map((parent) => [parent.id, parent.rows]));
  });
  const { edges, pageInfo } = page.connect(rows ?? []);
  const nodeOf = options.node ?? ((row: Row) => row as unknown as Node);
  return {
    edges: edges.map(({ cursor, node }) => ({ cursor, node: nodeOf(node) })),
    pageInfo,
    totalCount: () => options.count(context, options.parentId),
  };
};
