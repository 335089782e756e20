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
 * What a subscription selects of each event, as a key that two operations have in common only when they execute alike: it is made of what
 * graphql-js would execute, not of what was written. Fields are collected for each type that may come, fragments and conditions resolved,
 * and arguments coerced by their types, so that a variable left out, one that is null and one that has its default differ where the resolver
 * sees a difference, and nowhere else. The root field's arguments are left out, because they only say which events.
 */
export type SelectionOf = (args: Pick<ExecutionArgs, 'schema' | 'document' | 'operationName' | 'variableValues'>) => string;

/** What is known of an operation, whose document the parser's cache makes the same object for the same text. */
interface Operation {
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  /** The variables that stand anywhere but in arguments of root fields. */
  readonly used: readonly VariableDefinitionNode[];
  /** The keys that were made of it, by the values of these variables. */
  readonly keys: Map<string, string>;
}

/** Keys of one operation that are kept: beyond it all are forgotten, and made again when they are asked for. */
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
    // Whoever gives values that cannot be coerced is told so by the subscribe itself.
    if (coerced === undefined) throw new Error('The variables of the subscription are wrong.');
    const id = attempt(() => canonical(coerced));
    const known = id === null ? undefined : keys.get(id);
    if (known !== undefined) return known;
    // An argument may fail when it is executed, such as null from a variable where none may be: so it does for the same text and values alone.
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

/** Follows an operation as the executor does, with the values of its variables. */
class Planner {
  readonly #schema: GraphQLSchema;
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly #variables: Readonly<Record<string, unknown>>;
  /** The selections that were seen, numbered, and what came of them: fragments in fragments cost no more than they are long. */
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

  /** What is selected of a value: one digest, or one for each type that it may have. */
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

  /** The fields of an object, by the names that they have in the result, as section 6.3.2 of the specification collects them. */
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
