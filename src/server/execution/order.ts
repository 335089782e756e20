import {
  getOperationAST,
  GraphQLError,
  Kind,
  OperationTypeNode,
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
import type { BudgetLeft, CostBudgets } from '../../access/cost-budgets.js';
import { signInError, type SignInRule, type SignInRuleByArgs } from '../../access/viewer.js';
import { timedOut } from '../../db/requester.js';
import { coded } from '../../errors.js';
import { noteOperation, type Visit } from '../../observability/access-log.js';
import { argumentsOf, defaultsOf, type Variables } from './arguments.js';
import type { Cost, CostOf } from './cost.js';
import { variableErrors } from './variables.js';

export type CostLimits = Pick<Config['limits'], 'queryComplexity' | 'queryDepth' | 'eventComplexity' | 'operationTimeoutMs'>;

/** What an operation costs, as `extensions.cost` tells it to those who ask. Everything is in rows. */
interface ToldCost {
  readonly price: number;
  /** The most that one operation may cost. */
  readonly limit: number;
  /** What is left of the payer's budget, and as much as comes back in a minute; null where there is none. */
  readonly budget: BudgetLeft | null;
}

/** The arguments of an operation, and whether its cost is to be told. */
export interface OrderedArgs extends ExecutionArgs {
  readonly asksForCost?: boolean;
}

/** Whether a client asks for the cost: by `{ "cost": true }` in the extensions of its request. */
export const asksForCost = (extensions: Readonly<Record<string, unknown>> | null | undefined): boolean => extensions?.['cost'] === true;

/** The same of an operation by GET, whose parameters Yoga adds to the context. */
const yogaAsks = (contextValue: unknown): boolean =>
  asksForCost((contextValue as { readonly params?: { readonly extensions?: Record<string, unknown> } }).params?.extensions);

/**
 * Executes a validated operation with its checks in the order of all transports: cost, the payer's budget, sign-in, variables, and then the fields, each of
 * which checks viewer, input and subject. The variables are not left to graphql-js, which would tell an anonymous client what is wrong with an
 * input that it may not send, and prints each wrong value whole.
 */
export const inOrder =
  <Result extends object>(
    run: (args: ExecutionArgs) => Result | Promise<Result>,
    costOf: CostOf,
    limits: CostLimits,
    budgets: Pick<CostBudgets, 'charge'>,
    isSubscription = false,
  ) =>
  ({ asksForCost: asks = false, ...args }: OrderedArgs): Result | ExecutionResult | Promise<Result | ExecutionResult> => {
    const cost = costOf(args);
    const { visit } = args.contextValue as Context;
    if (visit !== null) note(visit, args, cost);
    const dear = costError(cost, limits, isSubscription);
    let budget: BudgetLeft | null = null;
    const told = <Some extends object>(result: Some): Some =>
      asks || yogaAsks(args.contextValue) ? withCost(result, { price: cost.price, limit: limits.queryComplexity, budget }) : result;
    if (dear !== null) return told({ errors: [dear] });
    try {
      budget = budgets.charge(args.contextValue as Context, cost.price);
    } catch (error) {
      if (error instanceof GraphQLError) return told({ errors: [error] });
      throw error;
    }
    const wrong = variableErrors(args);
    if (wrong === null) {
      const result = run(args);
      if (!(result instanceof Promise)) return told(result);
      return inTime(result, isMutation(args) || isSubscription ? Infinity : limits.operationTimeoutMs).then(told);
    }
    const notSignedIn = signInErrorOf(args);
    return told({ errors: notSignedIn === null ? wrong : [notSignedIn] });
  };

/** Notes for the access log which operation it is. */
const note = (visit: Visit, { document, operationName }: ExecutionArgs, { price }: Cost): void => {
  const { operation, name } = getOperationAST(document, operationName) ?? {};
  if (operation !== undefined) noteOperation(visit, operation, name?.value ?? null, price);
};

const isMutation = ({ document, operationName }: ExecutionArgs): boolean =>
  getOperationAST(document, operationName)?.operation === OperationTypeNode.MUTATION;

/**
 * The result of a query, or TIMED_OUT when it takes longer than `ms`: a statement that runs then is not waited for. A mutation is, because its
 * client must hear whether it has written.
 */
const inTime = async <Result>(result: Promise<Result>, ms: number): Promise<Result | ExecutionResult> => {
  if (ms === Infinity) return await result;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<ExecutionResult>((resolve) => {
    timer = setTimeout(() => resolve({ errors: [timedOut()] }), ms);
  });
  try {
    return await Promise.race([result, late]);
  } finally {
    clearTimeout(timer);
  }
};

/** A result with its cost; a subscription, which is no result, as it is. */
const withCost = <Result extends object>(result: Result, cost: ToldCost): Result => {
  if (!('data' in result || 'errors' in result)) return result;
  const { extensions } = result as ExecutionResult;
  return { ...result, extensions: { ...extensions, cost } };
};

export const costError = (
  { price, depth }: Cost,
  { queryComplexity, queryDepth, eventComplexity }: CostLimits,
  isSubscription: boolean,
): GraphQLError | null => {
  if (isSubscription && price > eventComplexity) {
    const words = `Each event of the subscription costs ${price}; at most ${eventComplexity} is allowed. Select less of it, and query the rest.`;
    return coded('OPERATION_TOO_COMPLEX', words, { price, limit: eventComplexity });
  }
  if (depth > queryDepth) {
    const words = `The operation is nested ${depth} levels deep; at most ${queryDepth} are allowed.`;
    return coded('OPERATION_TOO_COMPLEX', words, { depth, limit: queryDepth });
  }
  if (price > queryComplexity) {
    const words = `The operation costs ${price}; at most ${queryComplexity} is allowed. Ask for smaller pages or fewer nested lists.`;
    return coded('OPERATION_TOO_COMPLEX', words, { price, limit: queryComplexity });
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
