import {
  getArgumentValues,
  GraphQLBoolean,
  GraphQLFloat,
  GraphQLID,
  GraphQLInt,
  GraphQLString,
  isAbstractType,
  isLeafType,
  isListType,
  isNonNullType,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLAbstractType,
  type GraphQLField,
  type GraphQLFieldResolver,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type OperationDefinitionNode,
} from 'graphql';
import type { FromRow } from '../../../graphql/from-row.js';

/*
 * What an operation does, worked out from its document before it is executed: for each selection the fields of each type that its objects may
 * have, in their order, with their definitions and what their types demand. graphql-js finds all of that again for each execution, and some of it
 * for each object.
 */

export type Values = Readonly<Record<string, unknown>>;
export type Resolver = GraphQLFieldResolver<unknown, unknown>;

/** What a type demands of a value. */
export type Shape = { readonly isNonNull: boolean } & (
  | { readonly kind: 'leaf'; readonly type: GraphQLLeafType; readonly isItself: (value: unknown) => boolean }
  | { readonly kind: 'list'; readonly item: Shape }
  | { readonly kind: 'object'; readonly type: GraphQLObjectType }
  | { readonly kind: 'abstract'; readonly type: GraphQLAbstractType }
);

/** A field at a place of an operation, of objects of one type. */
export interface FieldPlan {
  /** Its name in the result. */
  readonly name: string;
  readonly parentType: GraphQLObjectType;
  readonly field: GraphQLField<unknown, unknown>;
  /** The same array in all executions, so it names the place; see `batchedField`. */
  readonly nodes: readonly FieldNode[];
  readonly resolve: Resolver;
  /** What it gives of an object that holds it; null where only the resolver knows. */
  readonly fromRow: FromRow | null;
  readonly shape: Shape;
  /** Whether its type, or that of its items, is found by functions that are given info. */
  readonly asksType: boolean;
  readonly given: GivenArguments;
  /** What is selected of its objects, by their type; made when an object of that type is first met. */
  readonly selections: Map<GraphQLObjectType, ObjectPlan>;
}

/** What is selected of objects of one type. */
export interface ObjectPlan {
  readonly type: GraphQLObjectType;
  readonly fields: readonly FieldPlan[];
  /** An object with the names of all fields: a copy of it need not grow, and has its fields in their order, whichever is there first. */
  readonly blank: Values;
}

/** An operation of a document, with one choice of what `@skip` and `@include` leave. */
export interface OperationPlan {
  readonly operation: OperationDefinitionNode;
  readonly fragments: Readonly<Record<string, FragmentDefinitionNode>>;
  root: ObjectPlan | null;
}

/** The arguments that a field is given in an operation. */
export interface GivenArguments {
  readonly isNone: boolean;
  readonly hasVariables: boolean;
  /** What they are when they have no variables; null until they are first needed. */
  constant: Values | null;
}

/** The arguments of a field as they are in an execution. @throws GraphQLError when a value does not fit */
export const argumentsOf = ({ field, nodes: [node], given }: FieldPlan, variables: Values, known: Map<GivenArguments, Values>): Values => {
  if (given.isNone || node === undefined) return {};
  // A copy each time: a resolver may change what it is given.
  if (given.constant !== null) return { ...given.constant };
  const before = known.get(given);
  if (before !== undefined) return { ...before };
  const values = getArgumentValues(field, node, variables);
  if (given.hasVariables) known.set(given, values);
  else given.constant = values;
  return { ...values };
};

const isString = (value: unknown): boolean => typeof value === 'string';
const isBoolean = (value: unknown): boolean => typeof value === 'boolean';
const isFinite = (value: unknown): boolean => Number.isFinite(value);
const isInt = (value: unknown): boolean => typeof value === 'number' && (value | 0) === value;
const never = (): boolean => false;

/** The values that `serialize` gives back as they are. */
const THEMSELVES = new Map<GraphQLLeafType, (value: unknown) => boolean>([
  [GraphQLString, isString],
  [GraphQLID, isString],
  [GraphQLBoolean, isBoolean],
  [GraphQLFloat, isFinite],
  [GraphQLInt, isInt],
]);

/** Whether the type of an object with this shape is found by functions. */
export const asksType = (shape: Shape): boolean =>
  shape.kind === 'list'
    ? asksType(shape.item)
    : shape.kind === 'abstract' || (shape.kind === 'object' && typeof shape.type.isTypeOf === 'function');

/** Finds the shape of each type, once. */
export const createShapes = (): ((type: GraphQLOutputType) => Shape) => {
  const shapes = new Map<GraphQLOutputType, Shape>();
  const shapeOf = (type: GraphQLOutputType): Shape => {
    let shape = shapes.get(type);
    if (shape === undefined) shapes.set(type, (shape = makeShape(type)));
    return shape;
  };
  const makeShape = (given: GraphQLOutputType): Shape => {
    const isNonNull = isNonNullType(given);
    const type = isNonNull ? given.ofType : given;
    if (isListType(type)) return { isNonNull, kind: 'list', item: shapeOf(type.ofType) };
    if (isLeafType(type)) return { isNonNull, kind: 'leaf', type, isItself: THEMSELVES.get(type) ?? never };
    return isAbstractType(type) ? { isNonNull, kind: 'abstract', type } : { isNonNull, kind: 'object', type };
  };
  return shapeOf;
};
