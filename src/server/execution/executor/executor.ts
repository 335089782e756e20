import {
  execute,
  GraphQLError,
  getVariableValues,
  getOperationAST,
  OperationTypeNode,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLSchema,
} from 'graphql';
import { fragmentsIn } from '../collect-fields.js';
import { conditionsIn, createCompiler } from './compile.js';
import type { ObjectPlan, OperationPlan, Values } from './plan.js';
import { executeField, executeFields, pathOf, type Execution } from './run.js';
import { Waiting } from './waiting.js';

/** What an operation is executed with. Documents must be valid. */
export type ExecutorArgs = Pick<ExecutionArgs, 'document' | 'operationName' | 'variableValues' | 'rootValue' | 'contextValue'>;

export type Executor = (args: ExecutorArgs) => Promise<ExecutionResult> | ExecutionResult;

/** What is known of a document. It lives as long as the document does, which the cache of documents bounds. */
interface Known {
  readonly fragments: OperationPlan['fragments'];
  /** The variables on which it depends what is selected. */
  readonly conditions: readonly string[];
  /** By the name of the operation and the values of those. */
  readonly plans: Map<string, OperationPlan>;
}

/** The most fields that are planned in all documents; with one more, all plans are forgotten and made again when they are needed. About 25 MB. */
const MAX_FIELDS = 50_000;
/** The length of the key of a plan that takes as much memory as a field. */
const KEY_LENGTH = 200;
/** graphql-js' own. */
const MAX_VARIABLE_ERRORS = 50;

/**
 * Creates what takes the place of `execute` of graphql-js for one schema. Its results are the same, errors and their order included (see
 * `tests/properties/executor.test.ts`), but what follows from the document alone is worked out once, and there are no promises but those of the
 * resolvers. What has become null is not resolved any further.
 */
export const createExecutor = (schema: GraphQLSchema, maxFields = MAX_FIELDS): Executor => {
  let documents = new WeakMap<DocumentNode, Known>();
  let fields = 0;
  const compiler = createCompiler(schema, () => (fields += 1));

  const knownOf = (document: DocumentNode): Known => {
    if (fields > maxFields) {
      documents = new WeakMap();
      fields = 0;
    }
    let known = documents.get(document);
    if (known === undefined)
      documents.set(document, (known = { fragments: fragmentsIn(document), conditions: conditionsIn(document), plans: new Map() }));
    return known;
  };

  const planOf = (document: DocumentNode, operation: OperationPlan['operation'], variables: Values): OperationPlan => {
    const { fragments, conditions, plans } = knownOf(document);
    const key = `${operation.name?.value ?? ''} ${conditions.map((name) => String(variables[name])).join()}`;
    let plan = plans.get(key);
    if (plan === undefined) {
      plans.set(key, (plan = { operation, fragments, root: null }));
      fields += 1 + key.length / KEY_LENGTH;
    }
    return plan;
  };

  return (args) => {
    const { document, operationName, variableValues: given, rootValue, contextValue } = args;
    const operation = getOperationAST(document, operationName);
    // It says what is wrong.
    if (!operation) return execute({ ...args, schema });
    const { variableDefinitions = [] } = operation;
    const variables = getVariableValues(schema, variableDefinitions, given ?? {}, { maxErrors: MAX_VARIABLE_ERRORS });
    if (variables.errors !== undefined) return { errors: variables.errors };
    const { coerced } = variables;
    const errors: GraphQLError[] = [];
    const plan = planOf(document, operation, coerced);
    return perform({ schema, compiler, plan, rootValue, contextValue, variableValues: coerced, errors, known: new Map() });
  };
};

const perform = (x: Execution): Promise<ExecutionResult> | ExecutionResult => {
  const { errors, plan, rootValue } = x;
  const respond = (data: unknown): ExecutionResult => {
    const given = data as NonNullable<ExecutionResult['data']> | null;
    return errors.length === 0 ? { data: given } : { errors, data: given };
  };
  const fail = (error: unknown): ExecutionResult => {
    errors.push(error as GraphQLError);
    return respond(null);
  };
  try {
    const root = rootOf(x);
    if (plan.operation.operation === OperationTypeNode.MUTATION) return executeSerially(x, root, rootValue).then(respond, fail);
    const data = executeFields(x, root, rootValue, undefined);
    return data instanceof Waiting ? settled(data).then(respond, fail) : respond(data);
  } catch (error) {
    return fail(error);
  }
};

const rootOf = ({ schema, compiler, plan, variableValues }: Execution): ObjectPlan => {
  const { operation, fragments } = plan;
  if (plan.root !== null) return plan.root;
  const type = schema.getRootType(operation.operation);
  if (!type) throw new GraphQLError(`Schema is not configured to execute ${operation.operation} operation.`, { nodes: operation });
  return (plan.root = compiler.root(operation, fragments, type, variableValues));
};

const executeSerially = async (x: Execution, { fields, blank }: ObjectPlan, rootValue: unknown): Promise<unknown> => {
  const result: Record<string, unknown> = { ...blank };
  for (const field of fields) {
    const value = executeField(x, field, rootValue, undefined);
    if (value instanceof Waiting) {
      const around = new Waiting(x.errors, result);
      around.for(value, field.name, field, pathOf(field, undefined), field.shape.isNonNull);
      await settled(around);
    } else result[field.name] = value;
  }
  return result;
};

const settled = (waiting: Waiting): Promise<unknown> => new Promise((done, failed) => waiting.tell({ done, failed }));
