import {
  defaultTypeResolver,
  GraphQLError,
  isObjectType,
  locatedError,
  responsePathAsArray,
  type GraphQLAbstractType,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  type ResponsePath,
} from 'graphql';
import { inspect } from 'graphql/jsutils/inspect.js';
import type { Compiler } from './compile.js';
import { argumentsOf, type FieldPlan, type GivenArguments, type ObjectPlan, type OperationPlan, type Shape, type Values } from './plan.js';
import { Waiting } from './waiting.js';

/** One execution of an operation. */
export interface Execution {
  readonly schema: GraphQLSchema;
  readonly compiler: Compiler;
  readonly plan: OperationPlan;
  readonly rootValue: unknown;
  readonly contextValue: unknown;
  readonly variableValues: Values;
  readonly errors: GraphQLError[];
  /** The arguments with variables that have been worked out, which are the same for all objects of a list. */
  readonly known: Map<GivenArguments, Values>;
}

type Path = ResponsePath;
/** Null where nothing is asked that is given it; see `FieldPlan.asksType`. */
type Info = GraphQLResolveInfo;

/** Executes what is selected of an object. @throws the located error of a field that must not be null */
export const executeFields = (x: Execution, { fields, blank }: ObjectPlan, source: unknown, path: Path | undefined): unknown => {
  const result: Record<string, unknown> = { ...blank };
  let waiting: Waiting | null = null;
  for (const field of fields) {
    let value: unknown;
    try {
      value = executeField(x, field, source, path);
    } catch (error) {
      if (waiting === null) throw error;
      return waiting.failLater(error);
    }
    if (value instanceof Waiting) {
      waiting ??= new Waiting(x.errors, result);
      waiting.for(value, field.name, field, pathOf(field, path), field.shape.isNonNull);
    } else result[field.name] = value;
  }
  return waiting ?? result;
};

/**
 * @param around the path of the object
 * @returns the field's value in the result, or what waits for it
 * @throws its located error, when it must not be null
 */
export const executeField = (x: Execution, field: FieldPlan, source: unknown, around: Path | undefined): unknown => {
  const { shape, fromRow } = field;
  try {
    const held = fromRow === null ? undefined : fromRow(source, x.contextValue);
    if (held !== undefined) {
      if (held === null ? !shape.isNonNull : shape.kind === 'leaf' && shape.isItself(held)) return held;
      return completeAny(x, field, held, pathOf(field, around), null);
    }
    const path = pathOf(field, around);
    const info = infoOf(x, field, path);
    return completeAny(x, field, field.resolve(source, argumentsOf(field, x.variableValues, x.known), x.contextValue, info), path, info);
  } catch (error) {
    return failed(x, field, shape, pathOf(field, around), error);
  }
};

const completeAny = (x: Execution, field: FieldPlan, value: unknown, path: Path, given: Info | null): unknown => {
  const info = given === null && field.asksType ? infoOf(x, field, path) : given;
  return isPromise(value) ? later(x, field, field.shape, info, path, value) : complete(x, field, field.shape, info, path, value);
};

export const pathOf = ({ name, parentType }: FieldPlan, around: Path | undefined): Path => ({
  prev: around,
  key: name,
  typename: parentType.name,
});

const infoOf = ({ schema, plan, rootValue, variableValues }: Execution, { field, nodes, parentType }: FieldPlan, path: Path): Info => ({
  fieldName: field.name,
  fieldNodes: nodes,
  returnType: field.type,
  parentType,
  path,
  schema,
  fragments: plan.fragments,
  rootValue,
  operation: plan.operation,
  variableValues,
});

/** What an error makes of a value: null, if its type allows that. @throws the located error */
const failed = (x: Execution, { nodes }: FieldPlan, { isNonNull }: Shape, path: Path, error: unknown): null => {
  const located = locatedError(error, nodes, responsePathAsArray(path));
  if (isNonNull) throw located;
  x.errors.push(located);
  return null;
};

const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  (typeof value === 'object' || typeof value === 'function') && typeof (value as { then?: unknown } | null)?.then === 'function';

/** Calls `go` with what a promise gives. */
const whenThere = <Value>(x: Execution, promise: PromiseLike<Value>, go: (value: Value) => unknown): Waiting => {
  const waiting = new Waiting(x.errors);
  // Another's promise may call back at once, before it is known where its value stands.
  const native = promise instanceof Promise ? (promise as Promise<Value>) : Promise.resolve(promise);
  native.then(
    (value) => waiting.resume(() => go(value)),
    (error: unknown) => waiting.fail(error),
  );
  return waiting;
};

const later = (x: Execution, field: FieldPlan, shape: Shape, info: Info | null, path: Path, promise: PromiseLike<unknown>): Waiting =>
  whenThere(x, promise, (value) => complete(x, field, shape, info, path, value));

/** Makes of a value that a resolver gave what stands in the result. */
const complete = (x: Execution, field: FieldPlan, shape: Shape, info: Info | null, path: Path, value: unknown): unknown => {
  if (value instanceof Error) throw value;
  if (value === null || value === undefined) {
    if (shape.isNonNull) throw new Error(`Cannot return null for non-nullable field ${field.parentType.name}.${field.field.name}.`);
    return null;
  }
  switch (shape.kind) {
    case 'leaf':
      return shape.isItself(value) ? value : serialized(shape.type, value);
    case 'object':
      return completeObject(x, field, shape.type, info, path, value);
    case 'list':
      return completeList(x, field, shape.item, info, path, value);
    case 'abstract':
      return completeAbstract(x, field, shape.type, info, path, value);
  }
};

const serialized = (type: Extract<Shape, { kind: 'leaf' }>['type'], value: unknown): unknown => {
  const result: unknown = type.serialize(value);
  if (result === null || result === undefined)
    throw new Error(
      `Expected \`${inspect(type)}.serialize(${inspect(value)})\` to return non-nullable value, returned: ${inspect(result)}`,
    );
  return result;
};

const completeList = (x: Execution, field: FieldPlan, shape: Shape, info: Info | null, path: Path, value: unknown): unknown => {
  if (!isIterable(value))
    throw new GraphQLError(`Expected Iterable, but did not find one for field "${field.parentType.name}.${field.field.name}".`);
  const result: unknown[] = [];
  let waiting: Waiting | null = null;
  for (const item of value) {
    const at: Path = { prev: path, key: result.length, typename: undefined };
    let completed: unknown;
    try {
      completed = isPromise(item) ? later(x, field, shape, info, at, item) : complete(x, field, shape, info, at, item);
    } catch (error) {
      try {
        completed = failed(x, field, shape, at, error);
      } catch (located) {
        // The items before it are not waited for.
        waiting?.abandon();
        throw located;
      }
    }
    if (completed instanceof Waiting) (waiting ??= new Waiting(x.errors, result)).for(completed, result.length, field, at, shape.isNonNull);
    result.push(completed);
  }
  return waiting ?? result;
};

const isIterable = (value: unknown): value is Iterable<unknown> =>
  Array.isArray(value) ||
  (typeof value === 'object' && value !== null && Symbol.iterator in value && typeof value[Symbol.iterator] === 'function');

const completeAbstract = (
  x: Execution,
  field: FieldPlan,
  type: GraphQLAbstractType,
  info: Info | null,
  path: Path,
  value: unknown,
): unknown => {
  const found = (type.resolveType ?? defaultTypeResolver)(value, x.contextValue, info as Info, type);
  const go = (name: unknown): unknown => completeObject(x, field, runtimeTypeOf(x.schema, field, type, value, name), info, path, value);
  return isPromise(found) ? whenThere(x, found, go) : go(found);
};

/** The type that an object of an abstract type has said to be. @throws GraphQLError when it is none of those */
const runtimeTypeOf = (
  schema: GraphQLSchema,
  field: FieldPlan,
  abstract: GraphQLAbstractType,
  value: unknown,
  name: unknown,
): GraphQLObjectType => {
  const { nodes } = field;
  const where = `field "${field.parentType.name}.${field.field.name}"`;
  if (name === null || name === undefined) {
    throw new GraphQLError(
      `Abstract type "${abstract.name}" must resolve to an Object type at runtime for ${where}. Either the "${abstract.name}" type should provide a "resolveType" function or each possible type should provide an "isTypeOf" function.`,
      { nodes },
    );
  }
  if (isObjectType(name))
    throw new GraphQLError(
      'Support for returning GraphQLObjectType from resolveType was removed in graphql-js@16.0.0 please return type name instead.',
    );
  if (typeof name !== 'string') {
    throw new GraphQLError(
      `Abstract type "${abstract.name}" must resolve to an Object type at runtime for ${where} with value ${inspect(value)}, received "${inspect(name)}".`,
    );
  }
  const type = schema.getType(name);
  if (type === undefined)
    throw new GraphQLError(`Abstract type "${abstract.name}" was resolved to a type "${name}" that does not exist inside the schema.`, {
      nodes,
    });
  if (!isObjectType(type))
    throw new GraphQLError(`Abstract type "${abstract.name}" was resolved to a non-object type "${name}".`, { nodes });
  if (!schema.isSubType(abstract, type))
    throw new GraphQLError(`Runtime Object type "${type.name}" is not a possible type for "${abstract.name}".`, { nodes });
  return type;
};

const completeObject = (
  x: Execution,
  field: FieldPlan,
  type: GraphQLObjectType,
  info: Info | null,
  path: Path,
  value: unknown,
): unknown => {
  const plan = field.selections.get(type) ?? x.compiler.below(field, x.plan.fragments, type, x.variableValues);
  if (type.isTypeOf) {
    const go = (is: boolean): unknown => {
      if (!is) throw new GraphQLError(`Expected value of type "${type.name}" but got: ${inspect(value)}.`, { nodes: field.nodes });
      return executeFields(x, plan, value, path);
    };
    const is = type.isTypeOf(value, x.contextValue, info as Info);
    return isPromise(is) ? whenThere(x, is, go) : go(is);
  }
  return executeFields(x, plan, value, path);
};
