import {
  defaultFieldResolver,
  getDirectiveValues,
  GraphQLIncludeDirective,
  GraphQLSkipDirective,
  isAbstractType,
  Kind,
  SchemaMetaFieldDef,
  TypeMetaFieldDef,
  TypeNameMetaFieldDef,
  visit,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  type InlineFragmentNode,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { fromRowOf, type FromRow } from '../../../graphql/from-row.js';
import { asksType, createShapes, type FieldPlan, type GivenArguments, type ObjectPlan, type Resolver, type Values } from './plan.js';

type Fragments = Readonly<Record<string, FragmentDefinitionNode>>;
type Collected = Map<string, FieldNode[]>;

/** The variables of an operation and of its fragments that `@skip` and `@include` ask. */
export const conditionsIn = (document: DocumentNode): readonly string[] => {
  const found = new Set<string>();
  visit(document, {
    Directive: ({ name, arguments: given = [] }) => {
      if (name.value !== GraphQLSkipDirective.name && name.value !== GraphQLIncludeDirective.name) return;
      for (const { value } of given) if (value.kind === Kind.VARIABLE) found.add(value.name.value);
    },
  });
  return [...found];
};

export const fragmentsIn = (document: DocumentNode): Fragments => {
  const fragments = Object.create(null) as Record<string, FragmentDefinitionNode>;
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments[definition.name.value] = definition;
  return fragments;
};

/** Plans selections of a schema. */
export interface Compiler {
  /** @throws GraphQLError when `@skip` or `@include` cannot be decided */
  readonly root: (operation: OperationDefinitionNode, fragments: Fragments, type: GraphQLObjectType, variables: Values) => ObjectPlan;
  /** What is selected of the objects of a field that have this type. @throws the same */
  readonly below: (field: FieldPlan, fragments: Fragments, type: GraphQLObjectType, variables: Values) => ObjectPlan;
}

/** @param onField called for each field that is planned, as a measure of the memory that plans take */
export const createCompiler = (schema: GraphQLSchema, onField: () => void): Compiler => {
  const shapeOf = createShapes();
  const planOf = (type: GraphQLObjectType, collected: Collected): ObjectPlan => {
    const fields: FieldPlan[] = [];
    for (const [name, nodes] of collected) {
      const [node] = nodes;
      const field = node && fieldOf(schema, type, node.name.value);
      if (!field) continue;
      onField();
      const shape = shapeOf(field.type);
      fields.push({
        name,
        parentType: type,
        field,
        nodes,
        resolve: (field.resolve ?? defaultFieldResolver) as Resolver,
        fromRow: field.resolve ? fromRowOf(field.resolve) : propertyOf(field.name),
        shape,
        asksType: asksType(shape),
        given: givenTo(field, node),
        selections: new Map(),
      });
    }
    return { type, fields, blank: Object.fromEntries(fields.map(({ name }) => [name, undefined])) };
  };
  return {
    root: ({ selectionSet }, fragments, type, variables) => planOf(type, collect(schema, fragments, variables, type, [selectionSet])),
    below: (field, fragments, type, variables) => {
      const sets = field.nodes.flatMap(({ selectionSet }) => (selectionSet ? [selectionSet] : []));
      const plan = planOf(type, collect(schema, fragments, variables, type, sets));
      field.selections.set(type, plan);
      return plan;
    },
  };
};

/** What the default resolver gives, unless it is a method. */
const propertyOf =
  (name: string): FromRow =>
  (row) => {
    if (typeof row !== 'object' || row === null) return undefined;
    const value = (row as Values)[name];
    return typeof value === 'function' ? undefined : value;
  };

const givenTo = (field: GraphQLField<unknown, unknown>, { arguments: given = [] }: FieldNode): GivenArguments => ({
  isNone: field.args.length === 0,
  hasVariables: given.some(({ value }) => {
    let found = false;
    visit(value, { Variable: () => void (found = true) });
    return found;
  }),
  constant: null,
});

const fieldOf = (schema: GraphQLSchema, type: GraphQLObjectType, name: string): GraphQLField<unknown, unknown> | undefined => {
  if (name === TypeNameMetaFieldDef.name) return TypeNameMetaFieldDef;
  if (type === schema.getQueryType()) {
    if (name === SchemaMetaFieldDef.name) return SchemaMetaFieldDef;
    if (name === TypeMetaFieldDef.name) return TypeMetaFieldDef;
  }
  return type.getFields()[name];
};

/** The fields of these selections that an object of this type has, by their names in the result, in the order of the specification. */
const collect = (
  schema: GraphQLSchema,
  fragments: Fragments,
  variables: Values,
  type: GraphQLObjectType,
  sets: readonly SelectionSetNode[],
): Collected => {
  const collected: Collected = new Map();
  const spread = new Set<string>();
  const applies = ({ typeCondition }: InlineFragmentNode | FragmentDefinitionNode): boolean => {
    if (typeCondition === undefined) return true;
    const of = schema.getType(typeCondition.name.value);
    return of === type || (isAbstractType(of) && schema.isSubType(of, type));
  };
  const walk = ({ selections }: SelectionSetNode): void => {
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) {
        if (!isIncluded(selection, variables)) continue;
        const name = (selection.alias ?? selection.name).value;
        const nodes = collected.get(name);
        if (nodes === undefined) collected.set(name, [selection]);
        else nodes.push(selection);
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        if (isIncluded(selection, variables) && applies(selection)) walk(selection.selectionSet);
      } else {
        const name = selection.name.value;
        if (spread.has(name) || !isIncluded(selection, variables)) continue;
        spread.add(name);
        const fragment = fragments[name];
        if (fragment !== undefined && applies(fragment)) walk(fragment.selectionSet);
      }
    }
  };
  for (const set of sets) walk(set);
  return collected;
};

const isIncluded = (node: SelectionNode, variables: Values): boolean =>
  (node.directives ?? []).length === 0 ||
  (getDirectiveValues(GraphQLSkipDirective, node, variables)?.['if'] !== true &&
    getDirectiveValues(GraphQLIncludeDirective, node, variables)?.['if'] !== false);
