import SchemaBuilder, { BasePlugin, isThenable, type PothosOutputFieldConfig, type SchemaTypes } from '@pothos/core';
import type { GraphQLFieldResolver } from 'graphql';
import { withFromRow } from './from-row.js';
import { encodeId } from './ids.js';

/*
 * A Pothos plugin that resolves what a row holds from the row, synchronously. The plugins below it ask for more: the Prisma plugin, whether
 * its own plan has loaded the row, which is a look into several maps for each field of each row; the Relay plugin makes a promise for each
 * id. A column or a relation that the row does not hold is left to them. So a row that a mutation or an event has in memory needs no plan
 * either.
 */

type Resolver = GraphQLFieldResolver<unknown, object, object>;

/** What a field reads of its row, and nothing else: columns, or a relation without arguments. Null for any other field. */
const readsOf = <Types extends SchemaTypes>({
  kind,
  extensions = {},
  args,
  pothosOptions,
}: PothosOutputFieldConfig<Types>): readonly string[] | null => {
  if (kind !== 'PrismaObject') return null;
  const { pothosPrismaSelect: select, pothosPrismaRelationField: relation } = extensions as {
    readonly pothosPrismaSelect?: unknown;
    readonly pothosPrismaRelationField?: { readonly name: string };
  };
  if (relation !== undefined) {
    const isWhole = Object.keys(args).length === 0 && (pothosOptions as { readonly query?: unknown }).query === undefined;
    return isWhole ? [relation.name] : null;
  }
  if (typeof select !== 'object' || select === null) return null;
  return Object.values(select).every((wanted) => wanted === true) ? Object.keys(select) : null;
};

/** Whether a field gives what it reads as it is: a column, or the row of a relation. */
const isExposed = <Types extends SchemaTypes>({ extensions = {}, pothosOptions }: PothosOutputFieldConfig<Types>): boolean => {
  const { pothosPrismaVariant: column, pothosPrismaRelationField: relation } = extensions as {
    readonly pothosPrismaVariant?: unknown;
    readonly pothosPrismaRelationField?: unknown;
  };
  return (column !== undefined || relation !== undefined) && (pothosOptions as { readonly resolve?: unknown }).resolve === undefined;
};

class HeldPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override wrapResolve(resolver: Resolver, fieldConfig: PothosOutputFieldConfig<Types>): Resolver {
    if (fieldConfig.name === 'id') return this.globalId(fieldConfig.parentType) ?? resolver;
    const reads = readsOf(fieldConfig);
    const own = fieldConfig.resolve as Resolver | undefined;
    if (reads === null || own === undefined) return resolver;
    const [only, ...others] = reads;
    if (only === undefined || others.length > 0)
      return (row, args, context, info) =>
        (reads.every((name) => (row as Row)[name] !== undefined) ? own : resolver)(row, args, context, info);
    const held: Resolver = (row, args, context, info) => ((row as Row)[only] === undefined ? resolver : own)(row, args, context, info);
    return isExposed(fieldConfig) ? withFromRow(held, (row) => (row as Row)[only]) : held;
  }

  /** The resolver of a node's `id`; null for a type that is no node. */
  private globalId(typeName: string): Resolver | null {
    const { pothosOptions } = this.buildCache.getTypeConfig(typeName);
    const { id } = pothosOptions as { readonly id?: { readonly resolve?: Resolver } };
    const own = id?.resolve;
    if (own === undefined) return null;
    const encode = (raw: unknown): string => encodeId(typeName, String(raw));
    const resolver: Resolver = (row, args, context, info) => {
      const raw = own(row, args, context, info);
      return isThenable(raw) ? raw.then(encode) : encode(raw);
    };
    // An id has no arguments, and an author's function is given the row alone.
    return withFromRow(resolver, (row, context) => resolver(row, {}, context as object, undefined as never));
  }
}

type Row = Readonly<Record<string, unknown>>;

declare global {
  export namespace PothosSchemaTypes {
    // The type parameter is that of the interface which this declaration is merged into.

    export interface Plugins<Types extends SchemaTypes> {
      held: HeldPlugin<Types>;
    }
  }
}

const HELD = 'held';
SchemaBuilder.registerPlugin(HELD, HeldPlugin);

/** To be given before the plugins whose work it saves, and after those that check something. */
export default HELD;
