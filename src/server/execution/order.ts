import {
  getOperationAST,
  GraphQLError,
  Kind,
  type ExecutionArgs,
  type ExecutionResult,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLObjectType,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import type { Config } from '../../config.js';
import type { Context } from '../../context.js';
import { signInError, type SignInRule, type SignInRuleByArgs } from '../../access/viewer.js';
import { coded } from '../../errors.js';
import { argumentsOf, defaultsOf, type Variables } from './arguments.js';
import type { Cost, CostOf } from './cost.js';
import { variableErrors } from './variables.js';

export type CostLimits = Pick<Config['limits'], 'queryComplexity' | 'queryDepth'>;

/**
 * Executes a validated operation with its checks in the order of all transports: cost, sign-in, variables, and then the fields, each of
 * which checks viewer, input and subject. The variables are not left to graphql-js, which would tell an anonymous client what is wrong with an
 * input that it may not send, and prints each wrong value whole.
 */
export const inOrder =
  <Result>(run: (args: ExecutionArgs) => Result, costOf: CostOf, limits: CostLimits) =>
  (args: ExecutionArgs): Result | ExecutionResult => {
    const dear = costError(costOf(args), limits);
    if (dear !== null) return { errors: [dear] };
    const wrong = variableErrors(args);
    if (wrong === null) return run(args);
    const notSignedIn = signInErrorOf(args);
    return { errors: notSignedIn === null ? wrong : [notSignedIn] };
  };

export const costError = ({ price, depth }: Cost, { queryComplexity, queryDepth }: CostLimits): GraphQLError | null => {
  if (depth > queryDepth) {
    const words = `The operation is nested ${depth} levels deep; at most ${queryDepth} are allowed.`;
    return coded('OPERATION_TOO_COMPLEX', words);
  }
  if (price > queryComplexity) {
    const words = `The operation costs ${price}; at most ${queryComplexity} is allowed. Ask for smaller pages or fewer nested lists.`;
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
  if (typeof signInRule === 'function') return signInRule(argumentsOf(field, variables));
  return signInRule ?? pothosOptions?.authScopes ?? {};
};

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
