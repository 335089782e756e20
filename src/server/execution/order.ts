import { complexityFromQuery } from '@pothos/plugin-complexity';
import {
  getOperationAST,
  getVariableValues,
  GraphQLError,
  Kind,
  parseType,
  type ExecutionArgs,
  type ExecutionResult,
  type FragmentDefinitionNode,
  type GraphQLObjectType,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import type { Config } from '../../config.js';
import type { Context } from '../../context.js';
import { signInError, type SignInRule } from '../../access/viewer.js';
import { coded } from '../../errors.js';
import { isOfVariables, variableErrors } from './variables.js';

export type CostLimits = Pick<Config['limits'], 'queryComplexity' | 'queryDepth'>;

/**
 * Runs an operation that has been validated, in the one order of all transports: what it costs, who has signed in, its variables, and then its
 * fields, each of which asks for its viewer, its input and its subject. graphql-js would look at the variables first, and tell a stranger what
 * is wrong with an input that they may not send.
 */
export const inOrder =
  <Result>(run: (args: ExecutionArgs) => Result, limits: CostLimits) =>
  (args: ExecutionArgs): Result | ExecutionResult | Promise<unknown> => {
    const dear = costError(args, limits);
    if (dear !== null) return { errors: [dear] };
    const reword = (result: unknown): unknown => {
      if (!isOfVariables(result as ExecutionResult)) return result;
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
 * What an operation costs, all of its fields together; null where it cannot be known, because an argument is wrong that a variable gives. It
 * will be refused for that.
 */
export const costOf = ({ schema, document, operationName, variableValues }: ExecutionArgs): Cost | null => {
  const operation = getOperationAST(document, operationName);
  if (!operation) return null;
  const fragments = document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION);
  const variables = { ...variableValues };
  // A variable with a mistake is told of later, and must not hide what all others cost: any value stands for it that is not null.
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

/** Why the first root field that demands more than is there would be refused; null when there is none. */
const signInErrorOf = ({ schema, document, operationName, contextValue }: ExecutionArgs): GraphQLError | null => {
  const operation = getOperationAST(document, operationName);
  const type = operation && schema.getRootType(operation.operation);
  if (!operation || !type) return null;
  const { viewer } = contextValue as Context;
  for (const { name, key } of rootFields(operation, document.definitions.filter(isFragment))) {
    const error = signInError(ruleOf(type, name), viewer);
    if (error !== null) return new GraphQLError(error.message, { path: [key], extensions: error.extensions });
  }
  return null;
};

/** A query or a mutation has its rule from Pothos' scopes, a subscription from `t.topic`. */
const ruleOf = (type: GraphQLObjectType, name: string): SignInRule => {
  const { pothosOptions, signedIn = false } = (type.getFields()[name]?.extensions ?? {}) as {
    readonly pothosOptions?: { readonly authScopes?: SignInRule };
    readonly signedIn?: boolean;
  };
  return pothosOptions?.authScopes ?? { signedIn };
};

const isFragment = (definition: { readonly kind: Kind }): definition is FragmentDefinitionNode =>
  definition.kind === Kind.FRAGMENT_DEFINITION;

const rootFields = (
  operation: OperationDefinitionNode,
  fragments: readonly FragmentDefinitionNode[],
): readonly { readonly name: string; readonly key: string }[] => {
  const found: { name: string; key: string }[] = [];
  const seen = new Set<SelectionSetNode>();
  const walk = (set: SelectionSetNode | undefined): void => {
    if (set === undefined || seen.has(set)) return;
    seen.add(set);
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) found.push({ name: selection.name.value, key: (selection.alias ?? selection.name).value });
      else if (selection.kind === Kind.INLINE_FRAGMENT) walk(selection.selectionSet);
      else walk(fragments.find(({ name }) => name.value === selection.name.value)?.selectionSet);
    }
  };
  walk(operation.selectionSet);
  return found;
};
