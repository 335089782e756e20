import { createHash } from 'node:crypto';
import {
  getArgumentValues,
  getDirectiveValues,
  getNamedType,
  getOperationAST,
  getVariableValues,
  GraphQLIncludeDirective,
  GraphQLSkipDirective,
  isAbstractType,
  isObjectType,
  Kind,
  TypeInfo,
  typeFromAST,
  TypeNameMetaFieldDef,
  visit,
  visitWithTypeInfo,
  type DocumentNode,
  type ExecutionArgs,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  type NamedTypeNode,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  type VariableDefinitionNode,
} from 'graphql';
import { canonical } from '../../graphql/canonical.js';

/**
 * The key of a subscription's selection: two operations have the same key only if they execute alike. It is computed from what graphql-js
 * would execute, not from the text. Fields are collected for each possible type, with fragments and @skip/@include resolved, and arguments
 * are coerced by their types. Thus a variable that is absent, null, or equal to its default gives another key exactly when the resolver
 * sees a difference. The arguments of the root field are left out, because they only select the events.
 */
export type SelectionOf = (args: Pick<ExecutionArgs, 'schema' | 'document' | 'operationName' | 'variableValues'>) => string;

/** Derived data of an operation. The parser's cache returns the same document object for the same text. */
interface Operation {
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  /** The variables that are used outside the arguments of root fields. */
  readonly used: readonly VariableDefinitionNode[];
  /** The selection keys, by the digests of the values of these variables. */
  readonly keys: Map<string, string>;
}

/** How many keys of one operation are cached; beyond that number the cache is cleared. */
const MAX_KEYS = 100;

export const createSelectionOf = (): SelectionOf => {
  const operations = new WeakMap<OperationDefinitionNode, Operation>();
  let alone = 0;

  return ({ schema, document, operationName, variableValues }) => {
    const node = getOperationAST(document, operationName);
    if (!node) throw new Error('The document has no such operation.');
    let operation = operations.get(node);
    if (!operation)
      operations.set(
        node,
        (operation = { fragments: fragmentsOf(document), used: usedVariables(schema, document, node), keys: new Map() }),
      );
    const { used, fragments, keys } = operation;
    const { coerced } = getVariableValues(schema, used, variableValues ?? {});
    // The subscribe itself has refused variables that cannot be coerced.
    if (coerced === undefined) throw new Error('The variables of the subscription are wrong.');
    // Values may be long, so only their digest is kept.
    const id = attempt(() => digest([canonical(coerced)]));
    const known = id === null ? undefined : keys.get(id);
    if (known !== undefined) return known;
    // Coercing an argument may fail at execution, for example a null from a variable in a non-null place. Such a selection is shared by the
    // same text and values only.
    const key = attempt(() => new Planner(schema, fragments, coerced).root(node)) ?? `alone ${(alone += 1)}`;
    if (id === null) return key;
    if (keys.size >= MAX_KEYS) keys.clear();
    keys.set(id, key);
    return key;
  };
};

const attempt = <Result>(make: () => Result): Result | null => {
  try {
    return make();
  } catch {
    return null;
  }
};

const fragmentsOf = (document: DocumentNode): ReadonlyMap<string, FragmentDefinitionNode> =>
  new Map(
    document.definitions.flatMap((definition) =>
      definition.kind === Kind.FRAGMENT_DEFINITION ? [[definition.name.value, definition] as const] : [],
    ),
  );

const usedVariables = (
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): readonly VariableDefinitionNode[] => {
  const names = new Set<string>();
  const types = new TypeInfo(schema);
  visit(
    document,
    visitWithTypeInfo(types, {
      VariableDefinition: () => false,
      Argument: () => (!types.getDirective() && types.getParentType() === schema.getSubscriptionType() ? false : undefined),
      Variable: ({ name }) => void names.add(name.value),
    }),
  );
  return (operation.variableDefinitions ?? []).filter(({ variable }) => names.has(variable.name.value));
};

/** Collects the fields of an operation as the executor does, with the values of its variables. */
class Planner {
  readonly #schema: GraphQLSchema;
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly #variables: Readonly<Record<string, unknown>>;
  /** The selection sets visited so far, numbered, with their digests: nested fragments take time linear in their length. */
  readonly #numbers = new Map<SelectionSetNode, number>();
  readonly #plans = new Map<string, string>();

  constructor(schema: GraphQLSchema, fragments: ReadonlyMap<string, FragmentDefinitionNode>, variables: Readonly<Record<string, unknown>>) {
    this.#schema = schema;
    this.#fragments = fragments;
    this.#variables = variables;
  }

  root({ selectionSet }: OperationDefinitionNode): string {
    const type = this.#schema.getSubscriptionType();
    if (!type) throw new Error('The schema has no subscriptions.');
    return digest([...this.#collect(type, [selectionSet])].map(([alias, nodes]) => this.#field(type, alias, nodes, true)));
  }

  #field(type: GraphQLObjectType, alias: string, nodes: readonly FieldNode[], isRoot: boolean): string {
    const [node] = nodes;
    const name = node?.name.value ?? '';
    const field = name === TypeNameMetaFieldDef.name ? TypeNameMetaFieldDef : type.getFields()[name];
    if (!node || !field) throw new Error(`${type.name} has no field ${name}.`);
    const args = isRoot ? '' : canonical(getArgumentValues(field, node, this.#variables));
    return `${alias}:${name}${args}${this.#plan(
      getNamedType(field.type),
      nodes.flatMap(({ selectionSet }) => selectionSet ?? []),
    )}`;
  }

  /** The digest of what is selected of a value, or of each type that the value may have. */
  #plan(type: GraphQLNamedType, sets: readonly SelectionSetNode[]): string {
    if (isAbstractType(type))
      return `(${this.#schema
        .getPossibleTypes(type)
        .map((each) => `${each.name}${this.#plan(each, sets)}`)
        .join()})`;
    if (!isObjectType(type)) return '';
    const id = `${type.name} ${sets.map((set) => this.#numberOf(set)).join()}`;
    let plan = this.#plans.get(id);
    if (plan === undefined) {
      plan = digest([...this.#collect(type, sets)].map(([alias, nodes]) => this.#field(type, alias, nodes, false)));
      this.#plans.set(id, plan);
    }
    return plan;
  }

  #numberOf(set: SelectionSetNode): number {
    let number = this.#numbers.get(set);
    if (number === undefined) this.#numbers.set(set, (number = this.#numbers.size));
    return number;
  }

  /** The fields of an object by their response names, as section 6.3.2 of the specification collects them. */
  #collect(type: GraphQLObjectType, sets: readonly SelectionSetNode[]): ReadonlyMap<string, FieldNode[]> {
    const fields = new Map<string, FieldNode[]>();
    const visited = new Set<string>();
    const walk = ({ selections }: SelectionSetNode): void => {
      for (const selection of selections) {
        if (!this.#isIncluded(selection)) continue;
        if (selection.kind === Kind.FIELD) {
          const alias = (selection.alias ?? selection.name).value;
          const alike = fields.get(alias);
          if (alike) alike.push(selection);
          else fields.set(alias, [selection]);
        } else if (selection.kind === Kind.INLINE_FRAGMENT) {
          if (!selection.typeCondition || this.#isOf(type, selection.typeCondition)) walk(selection.selectionSet);
        } else if (!visited.has(selection.name.value)) {
          visited.add(selection.name.value);
          const fragment = this.#fragments.get(selection.name.value);
          if (fragment && this.#isOf(type, fragment.typeCondition)) walk(fragment.selectionSet);
        }
      }
    };
    for (const set of sets) walk(set);
    return fields;
  }

  #isIncluded(selection: SelectionNode): boolean {
    if (getDirectiveValues(GraphQLSkipDirective, selection, this.#variables)?.['if'] === true) return false;
    return getDirectiveValues(GraphQLIncludeDirective, selection, this.#variables)?.['if'] !== false;
  }

  #isOf(type: GraphQLObjectType, condition: NamedTypeNode): boolean {
    const wanted = typeFromAST(this.#schema, condition);
    return wanted === type || (isAbstractType(wanted) && this.#schema.isSubType(wanted, type));
  }
}

const digest = (parts: readonly string[]): string => createHash('sha256').update(parts.join(' ')).digest('base64url');
