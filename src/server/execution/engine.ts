import {
  getOperationAST,
  OperationTypeNode,
  type DocumentNode,
  type ExecutionResult,
  type GraphQLError,
  type GraphQLSchema,
} from 'graphql';
import type { CostBudgets } from '../../access/cost-budgets.js';
import type { Context, Services } from '../../context.js';
import type { AccessWatcher } from '../rights/access-watcher.js';
import { createCostOf } from './cost.js';
import { createDocuments, type Documents } from './documents.js';
import type { Execute } from './execute.js';
import type { Executor } from './executor/executor.js';
import { createMask, type Mask } from './mask.js';
import { asksForCost, costError, inOrder, type OrderedArgs } from './order.js';
import { unknownOperation, type OperationRequest } from './request.js';
import { createSubscribe, isFound, type FoundSubscription, type TransportContext } from './subscribe.js';

/** What comes of an operation: a result, or a subscription that nobody reads yet. Its errors are those that a client may see. */
export type Found = ExecutionResult | FoundSubscription;

type Step = (args: OrderedArgs) => Promise<Found> | Found;

/** An operation of a valid document that only lacks its context. */
export interface Prepared {
  readonly document: DocumentNode;
  readonly operationName: string | null;
  readonly variableValues: Record<string, unknown> | null;
  readonly extensions: Record<string, unknown> | null;
  readonly isSubscription: boolean;
}

/** The steps of an operation. Every transport takes the same ones: a POST and a socket by {@link run}, Yoga one by one. */
export interface Engine {
  readonly schema: GraphQLSchema;
  readonly documents: Documents;
  readonly mask: Mask;
  /** Cost, sign-in, variables, and then the fields; see {@link inOrder}. */
  readonly execute: Step;
  readonly subscribe: Step;
  /**
   * Parses and validates.
   * @returns the mistakes of the document instead of the operation when it is not valid
   * @throws GRAPHQL_PARSE_FAILED, OPERATION_TOO_COMPLEX, BAD_REQUEST when it has no such operation
   */
  readonly prepare: (request: OperationRequest) => Prepared | readonly GraphQLError[];
  /** The error with which {@link execute} would refuse an operation for its cost; null when it would not. */
  readonly tooDear: (prepared: Prepared) => GraphQLError | null;
  readonly run: (prepared: Prepared, context: Context & TransportContext) => Promise<Found> | Found;
}

/** Creates the pipeline that all transports share. */
export const createEngine = (
  schema: GraphQLSchema,
  services: Services,
  watcher: AccessWatcher,
  executor: Executor,
  execute: Execute,
  budgets: CostBudgets,
): Engine => {
  const { limits, schema: secrecy } = services.config;
  const mask = createMask(services);
  const costOf = createCostOf(schema);
  const documents = createDocuments(schema, limits, secrecy);
  const maskErrors = (result: Found): Found =>
    !isFound(result) && result.errors ? { ...result, errors: result.errors.map(mask) } : result;
  const masked =
    (step: Step): Step =>
    (args) => {
      const result = step(args);
      return 'then' in result ? result.then(maskErrors) : maskErrors(result);
    };
  const engine: Engine = {
    schema,
    documents,
    mask,
    execute: masked(inOrder<Found>(execute, costOf, limits, budgets)),
    subscribe: masked(inOrder<Found>(createSubscribe(executor, services, mask, watcher, costOf, budgets), costOf, limits, budgets, true)),
    prepare: ({ query, operationName = null, variables = null, extensions = null }) => {
      const document = documents.parse(query);
      const operation = getOperationAST(document, operationName);
      if (!operation) throw unknownOperation();
      const mistakes = documents.mistakesOf(document);
      if (mistakes.length > 0) return mistakes;
      const isSubscription = operation.operation === OperationTypeNode.SUBSCRIPTION;
      return { document, operationName, variableValues: variables, extensions, isSubscription };
    },
    tooDear: (prepared) => costError(costOf(prepared), limits, prepared.isSubscription),
    run: ({ isSubscription, extensions, ...prepared }, contextValue) =>
      (isSubscription ? engine.subscribe : engine.execute)({ schema, ...prepared, contextValue, asksForCost: asksForCost(extensions) }),
  };
  return engine;
};
