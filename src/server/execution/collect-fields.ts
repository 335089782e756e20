import {
  getDirectiveValues,
  GraphQLIncludeDirective,
  GraphQLSkipDirective,
  Kind,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLObjectType,
  type GraphQLSchema,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { appliesTo } from '../../graphql/type-condition.js';

export type Fragments = Readonly<Record<string, FragmentDefinitionNode>>;

/** The fragments of a document by their names. */
export const fragmentsIn = (document: DocumentNode): Fragments => {
  const fragments = Object.create(null) as Record<string, FragmentDefinitionNode>;
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments[definition.name.value] = definition;
  return fragments;
};

/** What the fields of a selection depend on beside the selection itself. */
export interface Around {
  readonly schema: GraphQLSchema;
  readonly fragments: Fragments;
  readonly variables: Readonly<Record<string, unknown>>;
}

/**
 * The fields of these selections that an object of this type has, by their names in the result, in the order of section 6.3.2 of the
 * specification.
 * @throws GraphQLError when `@skip` or `@include` cannot be decided
 */
export const collectFields = (
  { schema, fragments, variables }: Around,
  type: GraphQLObjectType,
  sets: readonly SelectionSetNode[],
): ReadonlyMap<string, FieldNode[]> => {
  const collected = new Map<string, FieldNode[]>();
  const spread = new Set<string>();
  const walk = ({ selections }: SelectionSetNode): void => {
    for (const selection of selections) {
      if (!isIncluded(selection, variables)) continue;
      if (selection.kind === Kind.FIELD) {
        const name = (selection.alias ?? selection.name).value;
        const nodes = collected.get(name);
        if (nodes === undefined) collected.set(name, [selection]);
        else nodes.push(selection);
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        if (appliesTo(schema, selection, type)) walk(selection.selectionSet);
      } else if (!spread.has(selection.name.value)) {
        spread.add(selection.name.value);
        const fragment = fragments[selection.name.value];
        if (fragment !== undefined && appliesTo(schema, fragment, type)) walk(fragment.selectionSet);
      }
    }
  };
  for (const set of sets) walk(set);
  return collected;
};

const isIncluded = (node: SelectionNode, variables: Around['variables']): boolean =>
  (node.directives ?? []).length === 0 ||
  (getDirectiveValues(GraphQLSkipDirective, node, variables)?.['if'] !== true &&
    getDirectiveValues(GraphQLIncludeDirective, node, variables)?.['if'] !== false);
