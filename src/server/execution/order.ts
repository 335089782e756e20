import { complexityFromQuery } from '@pothos/plugin-complexity';
import {
  getOperationAST,
  getVariableValues,
  GraphQLError,
  Kind,
  parseType,
  type ExecutionArgs,
  type ExecutionResult,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLObjectType,
  type OperationDefinitionNode,
  type SelectionSetNode,
  valueFromASTUntyped,
} from 'graphql';
import type { Config } from '../../config.js';
import type { Context } from '../../context.js';
import { signInError, type SignInRule, type SignInRuleByArgs } from '../../access/viewer.js';
import { coded } from '../../errors.js';
import { isVariableError, variableErrors } from './variables.js';

export type CostLimits = Pick<Config['limits'], 'queryComplexity' | 'queryDepth'>;

/**
 * Executes a validated operation with its checks in the order of all transports: cost, sign-in, variables, and then the fields, each of
 * which checks viewer, input and subject. graphql-js alone would coerce the variables first, and thus tell an anonymous client what is
 * wrong with an input that it may not send.
 */
export const inOrder =
  <Result>(run: (args: ExecutionArgs) => Result, limits: CostLimits) =>
  (args: ExecutionArgs): Result | ExecutionResult | Promise<unknown> => {
    const dear = costError(args, limits);
    if (dear !== null) return { errors: [dear] };
    const reword = (result: unknown): unknown => {
      if (!isVariableError(result as ExecutionResult)) return result;
      const unknown = signInErrorOf(args);
      return { errors: unknown === null ? (variableErrors(args) ?? (result as ExecutionResult).errors) : [unknown] };
    };
    const result: unknown = run(args);
    return (result instanceof Promise ? result.then(reword) : reword(result)) as Result;
  };

interface Cost {
  readonly complexity: number;
  readonly depth: number;
}

/**
 * The cost of an operation with all its fields; null when it cannot be computed because a variable gives an argument an invalid value. Such
 * an operation is refused for the variable.
 */
export const costOf = ({ schema, document, operationName, variableValues }: ExecutionArgs): Cost | null => {
  const operation = getOperationAST(document, operationName);
  if (!operation) return null;
  const fragments = document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION);
  const variables = { ...variableValues };
  // An invalid variable is reported later, and must not hide the cost of the other fields: it is replaced by any valid value that is not
  // null.
  const variableDefinitions = (operation.variableDefinitions ?? []).map((definition) => {
    if (getVariableValues(schema, [definition], variables).errors === undefined) return definition;
    variables[definition.variable.name.value] = [];
    return { ...definition, type: ANY_LIST };
  });
  try {
    return complexityFromQuery(
      { kind: Kind.DOCUMENT, definitions: [{ ...operation, variableDefinitions }, ...fragments] },
      { schema, variables },
    );
  } catch (error) {
    if (error instanceof GraphQLError) return null;
    throw error;
  }
};

const ANY_LIST = parseType('[Boolean]');

const costError = (args: ExecutionArgs, { queryComplexity, queryDepth }: CostLimits): GraphQLError | null => {
  const cost = costOf(args);
  if (cost === null) return null;
  const { complexity, depth } = cost;
  if (depth > queryDepth) {
    const words = `The operation is nested ${depth} levels deep; at most ${queryDepth} are allowed.`;
    return coded('OPERATION_TOO_COMPLEX', words);
  }
  if (complexity > queryComplexity) {
    const words = `The operation costs ${complexity}; at most ${queryComplexity} is allowed. Ask for smaller pages or fewer nested lists.`;
    return coded('OPERATION_TOO_COMPLEX', words);
  }
  return null;
};

/** The error of the first root field that the viewer may not use; null when there is none. */
const signInErrorOf = ({ schema, document, operationName, variableValues, contextValue }: ExecutionArgs): GraphQLError | null => {
  const operation = getOperationAST(document, operationName);
  const type = operation && schema.getRootType(operation.operation);
  if (!operation || !type) return null;
  const { principal } = contextValue as Context;
  const variables = { ...defaultsOf(operation), ...variableValues };
  for (const field of rootFields(operation, document.definitions.filter(isFragment))) {
    const error = signInError(ruleOf(type, field, variables), principal);
    if (error !== null) return new GraphQLError(error.message, { path: [(field.alias ?? field.name).value], extensions: error.extensions });
  }
  return null;
};

/** The sign-in rule of a root field: of mutations and subscriptions from their helpers, of queries from Pothos' scopes. */
const ruleOf = (type: GraphQLObjectType, field: FieldNode, variables: Variables): SignInRule => {
  const { pothosOptions, signInRule } = (type.getFields()[field.name.value]?.extensions ?? {}) as {
    readonly pothosOptions?: { readonly authScopes?: SignInRule };
    readonly signInRule?: SignInRule | SignInRuleByArgs;
  };
  if (typeof signInRule === 'function') return signInRule(givenTo(field, variables));
  return signInRule ?? pothosOptions?.authScopes ?? {};
};

type Variables = Readonly<Record<string, unknown>>;

const defaultsOf = ({ variableDefinitions = [] }: OperationDefinitionNode): Variables =>
  Object.fromEntries(
    variableDefinitions.flatMap(({ variable, defaultValue }) =>
      defaultValue === undefined ? [] : [[variable.name.value, valueFromASTUntyped(defaultValue)]],
    ),
  );

/** The arguments of a field as they were written, whatever their types are. */
const givenTo = ({ arguments: given = [] }: FieldNode, variables: Variables): Variables =>
  Object.fromEntries(given.map(({ name, value }) => [name.value, valueFromASTUntyped(value, variables)]));

const isFragment = (definition: { readonly kind: Kind }): definition is FragmentDefinitionNode =>
  definition.kind === Kind.FRAGMENT_DEFINITION;

const rootFields = (operation: OperationDefinitionNode, fragments: readonly FragmentDefinitionNode[]): readonly FieldNode[] => {
  const found: FieldNode[] = [];
  const seen = new Set<SelectionSetNode>();
  const walk = (set: SelectionSetNode | undefined): void => {
    if (set === undefined || seen.has(set)) return;
    seen.add(set);
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) found.push(selection);
      else if (selection.kind === Kind.INLINE_FRAGMENT) walk(selection.selectionSet);
      else walk(fragments.find(({ name }) => name.value === selection.name.value)?.selectionSet);
    }
  };
  walk(operation.selectionSet);
  return found;
};
