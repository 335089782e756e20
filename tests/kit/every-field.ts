import {
  getNamedType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  getNullableType,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql';
import { isConnection } from '../../src/graphql/price.js';

/*
 * Operations that are made from a schema: a path from Query to each of its fields, so that no field can be forgotten by whoever looks at all of
 * them.
 */

/**
 * The literals of arguments, by `Type.field.argument`. They may depend on the name of the type that is wanted of an interface; null when that
 * is not to be reached in this way.
 */
export type Literals = Readonly<Record<string, (target: string | undefined) => string | null>>;

type AnyField = GraphQLField<unknown, unknown>;

/** One step from an object to what a field of it gives. */
interface Step {
  readonly on: GraphQLObjectType;
  readonly field: AnyField;
}

/** A field that a query can reach, and how. */
export interface Reached extends Step {
  /** `Type.field` */
  readonly name: string;
  readonly path: readonly Step[];
}

/** How many items a page of the paths has. */
export const PAGE = 20;

const isList = ({ type }: AnyField): boolean => isListType(getNullableType(type)) || isConnection(getNamedType(type));

/** The object types of what a field gives: those of an interface are many; of a connection they are those of its nodes. */
const targetsOf = (schema: GraphQLSchema, { type }: AnyField): readonly GraphQLObjectType[] => {
  const named = getNamedType(type);
  if (isConnection(named)) return [nodeTypeOf(named as GraphQLObjectType)];
  if (isInterfaceType(named)) return [...schema.getPossibleTypes(named)];
  return isObjectType(named) ? [named] : [];
};

const nodeTypeOf = (connection: GraphQLObjectType): GraphQLObjectType =>
  getNamedType(connection.getFields()['nodes']?.type) as GraphQLObjectType;

/**
 * Every field that a query can reach, with the shortest path to it that leads through a list, so that it is resolved for many objects at once.
 * The parts of connections are not among them.
 */
export const reachedFields = (schema: GraphQLSchema, literals: Literals): readonly Reached[] => {
  const query = schema.getQueryType();
  if (!query) return [];
  const paths = new Map<GraphQLObjectType, readonly Step[]>([[query, []]]);
  const lengthOf = (path: readonly Step[]): number => {
    const lists = path.filter(({ field }) => isList(field)).length;
    return path.length + (lists === 0 ? 0.9 : (lists - 1) / 2);
  };
  for (let grown = true; grown;) {
    grown = false;
    for (const [on, path] of [...paths])
      for (const field of Object.values(on.getFields()))
        for (const target of targetsOf(schema, field)) {
          if (field.args.some((arg) => literals[`${on.name}.${field.name}.${arg.name}`]?.(target.name) === null)) continue;
          const longer = [...path, { on, field }];
          const known = paths.get(target);
          if (known !== undefined && lengthOf(known) <= lengthOf(longer)) continue;
          paths.set(target, longer);
          grown = true;
        }
  }
  return [...paths].flatMap(([on, path]) =>
    Object.values(on.getFields()).map((field) => ({ on, field, path, name: `${on.name}.${field.name}` })),
  );
};

const isRequired = ({ type, defaultValue }: GraphQLArgument): boolean => isNonNullType(type) && defaultValue === undefined;

/**
 * A field with its arguments: those that have a literal, and the size of a page.
 * @param given literals of its own, by the names of its arguments
 * @throws when a required argument has no literal
 */
export const callOf = (
  { on, field }: Step,
  literals: Literals,
  { target, given = {} }: { readonly target?: string | undefined; readonly given?: Readonly<Record<string, string>> } = {},
): string => {
  const args = field.args.flatMap((arg) => {
    const name = `${on.name}.${field.name}.${arg.name}`;
    const literal = given[arg.name] ?? literals[name]?.(target) ?? (arg.name === 'first' ? String(PAGE) : undefined);
    if (literal !== undefined) return [`${arg.name}: ${literal}`];
    if (isRequired(arg)) throw new Error(`There is no literal for ${name}.`);
    return [];
  });
  return `${field.name}${args.length === 0 ? '' : `(${args.join(', ')})`}`;
};

/** What is selected of a composite value: as little as there is, of each item of a list. */
export const leastOf = (type: GraphQLNamedType): string => {
  if (isLeafType(type)) return '';
  return isConnection(type) ? '{ nodes { __typename } }' : '{ __typename }';
};

/** An operation that selects this of each object that has the field. */
export const selecting = ({ on, path }: Pick<Reached, 'on' | 'path'>, literals: Literals, selection: string): string =>
  path.reduceRight((inner, step, index) => {
    const type = getNamedType(step.field.type);
    const target = path[index + 1]?.on ?? on;
    const around = isConnection(type) ? `{ nodes ${inner} }` : isInterfaceType(type) ? `{ ... on ${target.name} ${inner} }` : inner;
    return `{ ${callOf(step, literals, { target: target.name })} ${around} }`;
  }, `{ ${selection} }`);

/** An operation with this field alone, and as little of what it gives as there is. */
export const operationOf = (reached: Reached, literals: Literals): string => {
  const selection = `${callOf(reached, literals)} ${leastOf(getNamedType(reached.field.type))}`;
  return reached.path.length === 0 ? `{ ${selection} }` : selecting(reached, literals, selection);
};

/** How deep the made-up operations nest, by levels of meaning. */
const MAX_DEPTH = 3;

/**
 * A made-up operation.
 * @param pick a number from 0 to `most`
 */
export const selectionAt = (schema: GraphQLSchema, literals: Literals, pick: (most: number) => number): string => {
  let names = 0;
  const setOf = (type: GraphQLNamedType, depth: number): string => {
    if (isConnection(type)) {
      const node = nodeTypeOf(type as GraphQLObjectType);
      const items = pick(1) === 0 ? `nodes ${setOf(node, depth)}` : `edges { cursor node ${setOf(node, depth)} }`;
      return `{ ${items}${pick(3) === 0 ? ' totalCount' : ''} }`;
    }
    if (isInterfaceType(type)) {
      const targets = schema.getPossibleTypes(type);
      const target = targets[pick(targets.length - 1)];
      return target === undefined ? '{ __typename }' : `{ ... on ${target.name} ${setOf(target, depth)} }`;
    }
    if (!isObjectType(type)) return '';
    const all = Object.values(type.getFields()).filter((field) => depth < MAX_DEPTH || isLeafType(getNamedType(field.type)));
    const chosen = Array.from({ length: 1 + pick(3) }, () => all[pick(all.length - 1)]);
    const selections = chosen.flatMap((field) => {
      if (field === undefined) return [];
      names += 1;
      const named = getNamedType(field.type);
      const inner = isLeafType(named) ? '' : setOf(named, depth + 1);
      const target = /^\{ \.\.\. on (\w+)/.exec(inner)?.[1];
      if (field.args.some((arg) => literals[`${type.name}.${field.name}.${arg.name}`]?.(target) === null)) return [];
      return [`f${names}: ${callOf({ on: type, field }, literals, { target, given: givenFor(field, pick) })} ${inner}`];
    });
    return `{ __typename ${selections.join(' ')} }`;
  };
  const query = schema.getQueryType();
  return query ? setOf(query, 0) : '';
};

/** A page of any size up to {@link PAGE}, where a field takes one. */
const givenFor = ({ args }: AnyField, pick: (most: number) => number): Readonly<Record<string, string>> =>
  args.some(({ name }) => name === 'first') ? { first: String(1 + pick(PAGE - 1)) } : {};
