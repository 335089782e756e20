import {
  getOperationAST,
  Kind,
  print,
  valueFromASTUntyped,
  visit,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type ObjectFieldNode,
  type SelectionNode,
  type ValueNode,
} from 'graphql';

/**
 * What a subscription wants to see of each event, in a normal form that is equal for all that select the same, however their texts
 * are written: fragments are inlined, the variables it uses replaced by their values, names of operations and variables
 * dropped, and the root field's arguments left out, because they only say which events.
 * @param variables as given by the client; those that are left out have the defaults of the operation
 */
export const selectionOf = (
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Readonly<Record<string, unknown>>,
): string => {
  const operation = getOperationAST(document, operationName);
  if (!operation) throw new Error('The document has no such operation.');
  const usesVariables = variablesWithin(document);
  const cacheKey = `${operationName ?? ''}\0${usesVariables.length === 0 ? '' : JSON.stringify(usesVariables.map((name) => variables[name]))}`;
  let known = selections.get(document);
  if (!known) selections.set(document, (known = new Map<string, string>()));
  const cached = known.get(cacheKey);
  if (cached !== undefined) return cached;

  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  const values = new Map<string, unknown>();
  for (const { variable, defaultValue } of operation.variableDefinitions ?? []) {
    const name = variable.name.value;
    if (name in variables) values.set(name, variables[name]);
    else if (defaultValue) values.set(name, valueFromASTUntyped(defaultValue));
  }
  const inlined = inline(operation.selectionSet.selections, fragments);
  const bare = inlined.map((selection) => withoutArguments(selection));
  const normal: DocumentNode = visit(
    {
      kind: Kind.DOCUMENT,
      definitions: [
        { kind: Kind.OPERATION_DEFINITION, operation: operation.operation, selectionSet: { kind: Kind.SELECTION_SET, selections: bare } },
      ],
    } as DocumentNode,
    {
      // An argument whose variable was not given counts as left out.
      Argument: (node) => (node.value.kind === Kind.VARIABLE && !values.has(node.value.name.value) ? null : undefined),
      ObjectField: (node) => (node.value.kind === Kind.VARIABLE && !values.has(node.value.name.value) ? null : undefined),
      Variable: (node) => literal(values.get(node.name.value)),
    },
  );
  const selection = print(normal);
  if (known.size >= MAX_CACHED) known.clear();
  known.set(cacheKey, selection);
  return selection;
};

/** By document, which the parser's cache makes the same object for the same text; then by operation and the variables' values. */
const selections = new WeakMap<DocumentNode, Map<string, string>>();
const MAX_CACHED = 100;

const usedVariables = new WeakMap<DocumentNode, readonly string[]>();

/** The variables that stand anywhere but in arguments of root fields; those only say which stream is meant. */
const variablesWithin = (document: DocumentNode): readonly string[] => {
  const known = usedVariables.get(document);
  if (known) return known;
  const names = new Set<string>();
  const collect = { Variable: (node: { readonly name: { readonly value: string } }) => void names.add(node.name.value) };
  const rootFields = new Set<FieldNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.OPERATION_DEFINITION) {
      for (const selection of definition.selectionSet.selections) if (selection.kind === Kind.FIELD) rootFields.add(selection);
    }
  }
  visit(document, {
    VariableDefinition: () => false,
    Field: (node) => {
      if (!rootFields.has(node)) return undefined;
      for (const directive of node.directives ?? []) visit(directive, collect);
      if (node.selectionSet) visit(node.selectionSet, collect);
      return false;
    },
    ...collect,
  });
  const used = [...names].sort();
  usedVariables.set(document, used);
  return used;
};

/** Fragments become inline fragments: the same selection, wherever its parts were written. */
const inline = (selections: readonly SelectionNode[], fragments: ReadonlyMap<string, FragmentDefinitionNode>): SelectionNode[] =>
  selections.map((selection): SelectionNode => {
    if (selection.kind === Kind.FRAGMENT_SPREAD) {
      const fragment = fragments.get(selection.name.value);
      if (!fragment) throw new Error(`There is no fragment ${selection.name.value}.`);
      return {
        kind: Kind.INLINE_FRAGMENT,
        typeCondition: fragment.typeCondition,
        directives: selection.directives ?? [],
        selectionSet: { kind: Kind.SELECTION_SET, selections: inline(fragment.selectionSet.selections, fragments) },
      };
    }
    if (!selection.selectionSet) return selection;
    return { ...selection, selectionSet: { kind: Kind.SELECTION_SET, selections: inline(selection.selectionSet.selections, fragments) } };
  });

const withoutArguments = (selection: SelectionNode): SelectionNode => {
  if (selection.kind === Kind.FIELD) return { ...selection, arguments: [] };
  if (selection.kind === Kind.FRAGMENT_SPREAD) return selection;
  return {
    ...selection,
    selectionSet: { kind: Kind.SELECTION_SET, selections: selection.selectionSet.selections.map(withoutArguments) },
  };
};

/** A variable's value as it would have been written. What only its type tells (an enum from a string) both forms may stand for. */
const literal = (value: unknown): ValueNode => {
  if (value === null || value === undefined) return { kind: Kind.NULL };
  if (typeof value === 'boolean') return { kind: Kind.BOOLEAN, value };
  if (typeof value === 'number') return Number.isInteger(value) ? { kind: Kind.INT, value: String(value) } : { kind: Kind.FLOAT, value: String(value) };
  if (typeof value === 'string') return { kind: Kind.STRING, value };
  if (Array.isArray(value)) return { kind: Kind.LIST, values: value.map(literal) };
  const fields = Object.entries(value as Record<string, unknown>).map(
    ([name, inner]): ObjectFieldNode => ({ kind: Kind.OBJECT_FIELD, name: { kind: Kind.NAME, value: name }, value: literal(inner) }),
  );
  return { kind: Kind.OBJECT, fields };
};
