import {
  defaultFieldResolver,
  GraphQLIncludeDirective,
  GraphQLSkipDirective,
  Kind,
  SchemaMetaFieldDef,
  TypeMetaFieldDef,
  TypeNameMetaFieldDef,
  visit,
  type DocumentNode,
  type FieldNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import { fromRowOf, type FromRow } from '../../../graphql/from-row.js';
import { collectFields, type Fragments } from '../collect-fields.js';
import { asksType, createShapes, type FieldPlan, type GivenArguments, type ObjectPlan, type Resolver, type Values } from './plan.js';

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
  const planOf = (type: GraphQLObjectType, collected: ReadonlyMap<string, FieldNode[]>): ObjectPlan => {
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
    root: ({ selectionSet }, fragments, type, variables) =>
      planOf(type, collectFields({ schema, fragments, variables }, type, [selectionSet])),
    below: (field, fragments, type, variables) => {
      const sets = field.nodes.flatMap(({ selectionSet }) => (selectionSet ? [selectionSet] : []));
      const plan = planOf(type, collectFields({ schema, fragments, variables }, type, sets));
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
