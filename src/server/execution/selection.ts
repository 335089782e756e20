import { createHash } from 'node:crypto';
import {
  getArgumentValues,
  getNamedType,
  getOperationAST,
  getVariableValues,
  isAbstractType,
  isObjectType,
  TypeInfo,
  TypeNameMetaFieldDef,
  visit,
  visitWithTypeInfo,
  type DocumentNode,
  type ExecutionArgs,
  type FieldNode,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type VariableDefinitionNode,
} from 'graphql';
import { canonical } from '../../graphql/canonical.js';
import { collectFields, fragmentsIn, type Around, type Fragments } from './collect-fields.js';

/**
 * The key of a subscription's selection: two operations have the same key only if they execute alike. It is computed from what graphql-js
 * would execute, not from the text. Fields are collected for each possible type, with fragments and @skip/@include resolved, and arguments
 * are coerced by their types. Thus a variable that is absent, null, or equal to its default gives another key exactly when the resolver
 * sees a difference. The arguments of the root field are left out, because they only select the events.
 */
export type SelectionOf = (args: Pick<ExecutionArgs, 'schema' | 'document' | 'operationName' | 'variableValues'>) => string;

/** Derived data of an operation. The parser's cache returns the same document object for the same text. */
interface Operation {
  readonly fragments: Fragments;
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
        (operation = { fragments: fragmentsIn(document), used: usedVariables(schema, document, node), keys: new Map() }),
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
    const key = attempt(() => new Planner({ schema, fragments, variables: coerced }).root(node)) ?? `alone ${(alone += 1)}`;
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
  readonly #around: Around;
  /** The selection sets visited so far, numbered, with their digests: nested fragments take time linear in their length. */
  readonly #numbers = new Map<SelectionSetNode, number>();
  readonly #plans = new Map<string, string>();

  constructor(around: Around) {
    this.#around = around;
  }

  root({ selectionSet }: OperationDefinitionNode): string {
    const type = this.#around.schema.getSubscriptionType();
    if (!type) throw new Error('The schema has no subscriptions.');
    return digest([...collectFields(this.#around, type, [selectionSet])].map(([alias, nodes]) => this.#field(type, alias, nodes, true)));
  }

  #field(type: GraphQLObjectType, alias: string, nodes: readonly FieldNode[], isRoot: boolean): string {
    const [node] = nodes;
    const name = node?.name.value ?? '';
    const field = name === TypeNameMetaFieldDef.name ? TypeNameMetaFieldDef : type.getFields()[name];
    if (!node || !field) throw new Error(`${type.name} has no field ${name}.`);
    const args = isRoot ? '' : canonical(getArgumentValues(field, node, this.#around.variables));
    return `${alias}:${name}${args}${this.#plan(
      getNamedType(field.type),
      nodes.flatMap(({ selectionSet }) => selectionSet ?? []),
    )}`;
  }

  /** The digest of what is selected of a value, or of each type that the value may have. */
  #plan(type: GraphQLNamedType, sets: readonly SelectionSetNode[]): string {
    if (isAbstractType(type))
      return `(${this.#around.schema
        .getPossibleTypes(type)
        .map((each) => `${each.name}${this.#plan(each, sets)}`)
        .join()})`;
    if (!isObjectType(type)) return '';
    const id = `${type.name} ${sets.map((set) => this.#numberOf(set)).join()}`;
    let plan = this.#plans.get(id);
    if (plan === undefined) {
      plan = digest([...collectFields(this.#around, type, sets)].map(([alias, nodes]) => this.#field(type, alias, nodes, false)));
      this.#plans.set(id, plan);
    }
    return plan;
  }

  #numberOf(set: SelectionSetNode): number {
    let number = this.#numbers.get(set);
    if (number === undefined) this.#numbers.set(set, (number = this.#numbers.size));
    return number;
  }
}

const digest = (parts: readonly string[]): string => createHash('sha256').update(parts.join(' ')).digest('base64url');
