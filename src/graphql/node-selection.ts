import {
  getNamedType,
  getNullableType,
  isObjectType,
  Kind,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  type SelectionSetNode,
} from 'graphql';
import type { Selection } from '../db/list-rows.js';
import { appliesTo } from './type-condition.js';

/*
 * What must be read of the nodes of a list, from the document alone. Pothos' own plan answers the same for any field, but anew for each execution, and
 * it reads all columns of most types. Where a list has only fields that hold a column or a row, and fields whose resolver may read all of a row, no
 * plan is needed: `held.ts` resolves them from the row.
 */

type Info = Pick<GraphQLResolveInfo, 'schema' | 'fragments' | 'fieldNodes' | 'returnType'>;
type Field = GraphQLField<unknown, unknown>;

/** What is to be read of a row: columns, or all of them, and rows that it names. */
interface Wanted {
  isWhole: boolean;
  readonly columns: Set<string>;
  readonly relations: Map<string, Wanted>;
}

/** By the place of the document, whose array is the same in all executions; see `FieldPlan.nodes`. */
const known = new WeakMap<readonly FieldNode[], Selection | null>();

/**
 * The selection of the nodes of a connection, by `edges { node }`, by `nodes`, or by both; null where only Pothos knows it. What `@skip` and
 * `@include` leave out is read, too, so that it depends on no variable.
 */
export const nodeSelection = (info: Info): Selection | null => {
  const before = known.get(info.fieldNodes);
  if (before !== undefined) return before;
  const selection = findSelection(info);
  known.set(info.fieldNodes, selection);
  return selection;
};

const findSelection = ({ schema, fragments, fieldNodes, returnType }: Info): Selection | null => {
  const connection = getNamedType(returnType);
  if (!isObjectType(connection)) return null;
  const walk = createWalk(schema, fragments);
  const wanted = nothing();
  const inRow: Visit = ({ type }, { selectionSet }) => {
    const node = getNamedType(type);
    return isObjectType(node) && selectionSet !== undefined && walk.row(node, selectionSet, wanted);
  };
  const inEdge: Visit = (field, node) => field.name !== 'node' || inRow(field, node);
  const inConnection: Visit = (field, node) => {
    if (field.name === 'nodes') return inRow(field, node);
    const edge = getNamedType(field.type);
    return (
      field.name !== 'edges' || (isObjectType(edge) && node.selectionSet !== undefined && walk.fields(edge, node.selectionSet, inEdge))
    );
  };
  const isKnown = fieldNodes.every(({ selectionSet }) => selectionSet !== undefined && walk.fields(connection, selectionSet, inConnection));
  return isKnown ? selectionOf(wanted) : null;
};

const nothing = (): Wanted => ({ isWhole: false, columns: new Set(), relations: new Map() });

const selectionOf = ({ isWhole, columns, relations }: Wanted): Selection => {
  const rows = [...relations].map(([name, wanted]): [string, unknown] => [name, selectionOf(wanted)]);
  return isWhole
    ? { include: Object.fromEntries(rows) }
    : { select: Object.fromEntries([...[...columns].map((name): [string, unknown] => [name, true]), ...rows]) };
};

/** @returns whether to go on */
type Visit = (field: Field, node: FieldNode) => boolean;

interface Walk {
  /** Calls `visit` for each field that is selected of an object of this type. @returns false as soon as it does, or where a fragment is missing */
  readonly fields: (type: GraphQLObjectType, set: SelectionSetNode, visit: Visit) => boolean;
  /** Adds what is selected of a row. @returns false where only Pothos knows it */
  readonly row: (type: GraphQLObjectType, set: SelectionSetNode, wanted: Wanted) => boolean;
}

const createWalk = (schema: GraphQLSchema, fragments: Readonly<Record<string, FragmentDefinitionNode>>): Walk => {
  const fields: Walk['fields'] = (type, { selections }, visit) =>
    selections.every((selection) => {
      if (selection.kind === Kind.FIELD) {
        if (selection.name.value === '__typename') return true;
        const field = type.getFields()[selection.name.value];
        return field !== undefined && visit(field, selection);
      }
      const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments[selection.name.value];
      if (fragment === undefined) return false;
      return !appliesTo(schema, fragment, type) || fields(type, fragment.selectionSet, visit);
    });

  const row: Walk['row'] = (type, set, wanted) =>
    isRow(type) &&
    fields(type, set, (field, { selectionSet }) => {
      const reads = readsOf(type, field);
      if (reads === null) return false;
      if (reads.kind === 'whole') wanted.isWhole = true;
      else if (reads.kind === 'columns') for (const name of reads.names) wanted.columns.add(name);
      else {
        const inner = getNamedType(field.type);
        const below = wanted.relations.get(reads.name) ?? nothing();
        wanted.relations.set(reads.name, below);
        return isObjectType(inner) && selectionSet !== undefined && row(inner, selectionSet, below);
      }
      return true;
    });

  return { fields, row };
};

type Reads =
  | { readonly kind: 'whole' }
  | { readonly kind: 'columns'; readonly names: readonly string[] }
  | { readonly kind: 'relation'; readonly name: string };

/** What Pothos' plugin for Prisma has noted of a type. */
interface TypeNotes {
  readonly pothosPrismaModel?: string;
  readonly pothosPrismaSelect?: Readonly<Record<string, unknown>>;
  readonly pothosPrismaInclude?: object;
  readonly pothosPrismaFieldMap?: { readonly relations: ReadonlyMap<string, unknown> };
  readonly pothosOptions?: { readonly id?: { readonly resolve?: (row: object) => unknown } };
}

/** The same of a field: the column that it exposes, or its relation; and what it selects beside that. */
interface FieldNotes {
  readonly pothosPrismaVariant?: string;
  readonly pothosPrismaSelect?: unknown;
  readonly pothosPrismaRelationField?: { readonly name: string };
  readonly pothosOptions?: { readonly query?: unknown };
}

const isRow = ({ extensions }: GraphQLObjectType): boolean => {
  const { pothosPrismaModel, pothosPrismaInclude } = extensions as TypeNotes;
  return pothosPrismaModel !== undefined && pothosPrismaInclude === undefined;
};

const readsOf = (type: GraphQLObjectType, { name, args, extensions, type: fieldType }: Field): Reads | null => {
  const {
    pothosPrismaVariant: column,
    pothosPrismaSelect: select,
    pothosPrismaRelationField: relation,
    pothosOptions,
  } = extensions as FieldNotes;
  if (relation !== undefined) {
    const isOne = args.length === 0 && pothosOptions?.query === undefined && isObjectType(getNullableType(fieldType));
    return isOne ? { kind: 'relation', name: relation.name } : null;
  }
  if (column !== undefined) return { kind: 'columns', names: [column] };
  const { pothosPrismaSelect: ofType, pothosPrismaFieldMap: model, pothosOptions: options } = type.extensions as TypeNotes;
  if (name === 'id' && options?.id?.resolve !== undefined) return columnsReadBy(options.id.resolve);
  // Any other resolver may read what its type has of each row.
  if (typeof select === 'function') return null;
  const named = Object.entries({ ...ofType, ...(select as object | undefined) });
  if (named.some(([each, wanted]) => wanted !== true || model?.relations.has(each) === true)) return null;
  return ofType === undefined ? { kind: 'whole' } : { kind: 'columns', names: named.map(([each]) => each) };
};

/** The columns of which an id is made: those for which its resolver asks a row. */
const columnsReadBy = (resolve: (row: object) => unknown): Reads => {
  const names = new Set<string>();
  const row = new Proxy(
    {},
    {
      get: (_row, name) => {
        names.add(String(name));
        return '';
      },
    },
  );
  resolve(row);
  return { kind: 'columns', names: [...names] };
};
