import {
  getNamedType,
  getOperationAST,
  isAbstractType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  Kind,
  OperationTypeNode,
  SchemaMetaFieldDef,
  TypeMetaFieldDef,
  type DocumentNode,
  type ExecutionArgs,
  type FieldNode,
  type FragmentDefinitionNode,
  type FragmentSpreadNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  type InlineFragmentNode,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import { isConnection, OPERATION, priceOf, type Price } from '../../graphql/price.js';
import { argumentsOf, defaultsOf, type Variables } from './arguments.js';
import { introspectionPrices, type IntrospectionPrices } from './introspection-price.js';

export interface Cost {
  /** In rows; see {@link Price}. */
  readonly price: number;
  /**
   * Levels of fields. The `edges` and `node` of a connection are none: they say where an item is, not what it has to do with it. Nor are those
   * of the introspection, whose own query has fifteen.
   */
  readonly depth: number;
}

/** A field whose price depends on variables, or that has such fields below it. */
interface FieldPlan {
  readonly price: Price | ((variables: Variables) => Price);
  readonly below: SetPlan | null;
  /** Whether it is selected of each item of a connection. */
  readonly isOfEach: boolean;
}

/** What one selection set costs for one object of its type. */
interface SetPlan {
  /** Whether it is that of a connection. */
  readonly isConnection: boolean;
  depth: number;
  /** What costs the same whatever the variables are; and what does so of each item, in the selection of a connection. */
  fixed: number;
  fixedOfEach: number;
  /** What costs the same however many objects there are, of all that is fixed. */
  once: number;
  readonly fields: FieldPlan[];
  /** Fragments that apply to every object and whose price depends on variables. */
  readonly always: SetPlan[];
  /** Fragments in the selection of an abstract type that apply to objects of one type: since an object has one type, the dearest type counts. Empty where that is a number, too. */
  readonly byType: Map<string, SetPlan[]>;
}

interface OperationPlan {
  /** What it costs whatever it selects; nothing for an event, which is no operation by itself. */
  readonly base: number;
  readonly set: SetPlan;
  /** The default values of its variables. */
  readonly defaults: Variables;
}

export type CostOf = (args: Pick<ExecutionArgs, 'document' | 'operationName' | 'variableValues'>) => Cost;

/**
 * The cost of operations of one schema without executing them: as much as they cost at the most, whatever rows there are. A document is
 * analysed once, so that what costs the same with all variables is a number from then on. Documents must be valid and not larger than the
 * limits allow; variables may be anything.
 */
export const createCostOf = (schema: GraphQLSchema): CostOf => {
  const introspection = introspectionPrices(schema);
  const plans = new WeakMap<DocumentNode, Map<OperationDefinitionNode, OperationPlan>>();
  return ({ document, operationName, variableValues }) => {
    const operation = getOperationAST(document, operationName);
    if (!operation) return { price: 0, depth: 0 };
    let ofDocument = plans.get(document);
    if (!ofDocument) plans.set(document, (ofDocument = new Map<OperationDefinitionNode, OperationPlan>()));
    let plan = ofDocument.get(operation);
    if (!plan) ofDocument.set(operation, (plan = planOf(schema, document, operation, introspection)));
    return { price: Math.ceil(plan.base + priceOfSet(plan.set, { ...plan.defaults, ...variableValues })), depth: plan.set.depth };
  };
};

const planOf = (
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  introspection: IntrospectionPrices,
): OperationPlan => {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  const known = new Map<FragmentDefinitionNode, SetPlan>();

  const planSet = (set: SelectionSetNode, type: GraphQLNamedType): SetPlan => {
    const plan: SetPlan = {
      isConnection: isConnection(type),
      depth: 0,
      fixed: 0,
      fixedOfEach: 0,
      once: 0,
      fields: [],
      always: [],
      byType: new Map<string, SetPlan[]>(),
    };
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) addField(plan, selection, type);
      else addFragment(plan, selection, type);
    }
    if ([...plan.byType.values()].flat().every(isFixed)) {
      plan.fixed += dearestOf(plan, ({ fixed }) => fixed);
      plan.once += dearestOf(plan, ({ once }) => once);
      plan.byType.clear();
    }
    return plan;
  };

  const addFragment = (plan: SetPlan, node: FragmentSpreadNode | InlineFragmentNode, outer: GraphQLNamedType): void => {
    const fragment = node.kind === Kind.FRAGMENT_SPREAD ? fragments.get(node.name.value) : node;
    const inner = fragment?.typeCondition ? schema.getType(fragment.typeCondition.name.value) : outer;
    if (fragment === undefined || inner === undefined) return;
    const below = fragment.kind === Kind.FRAGMENT_DEFINITION ? planFragment(fragment, inner) : planSet(fragment.selectionSet, inner);
    plan.depth = Math.max(plan.depth, below.depth);
    if (isAbstractType(outer) && isObjectType(inner)) plan.byType.set(inner.name, [...(plan.byType.get(inner.name) ?? []), below]);
    else if (isFixed(below)) {
      plan.fixed += below.fixed;
      plan.fixedOfEach += below.fixedOfEach;
      plan.once += below.once;
    } else plan.always.push(below);
  };

  const planFragment = (fragment: FragmentDefinitionNode, type: GraphQLNamedType): SetPlan => {
    let plan = known.get(fragment);
    if (!plan) known.set(fragment, (plan = planSet(fragment.selectionSet, type)));
    return plan;
  };

  const addField = (plan: SetPlan, node: FieldNode, type: GraphQLNamedType): void => {
    const field = fieldOf(schema, type, node.name.value);
    if (field === null) {
      if (!isRoot(type)) plan.fixed += TYPE_NAME;
      return;
    }
    const below = node.selectionSet ? planSet(node.selectionSet, getNamedType(field.type)) : null;
    const place = placeOf(type, field.name);
    plan.depth = Math.max(plan.depth, (below?.depth ?? 0) + (place === 'field' && !isIntrospectionType(type) ? 1 : 0));
    const price = place === 'field' ? planPrice(node, field, type, introspection) : FREE;
    const isOfEach = place === 'items';
    if (typeof price === 'function' || (below !== null && !isFixed(below))) plan.fields.push({ price, below, isOfEach });
    else {
      const once = (price.once ?? 0) + (below?.once ?? 0);
      plan.once += once;
      plan[isOfEach ? 'fixedOfEach' : 'fixed'] += priceOfField(price, below, {}, 1) - once;
    }
  };

  const type = schema.getRootType(operation.operation);
  const isRoot = (of: GraphQLNamedType): boolean => of === type;
  return {
    base: operation.operation === OperationTypeNode.SUBSCRIPTION ? 0 : OPERATION,
    set: type ? planSet(operation.selectionSet, type) : NOTHING,
    defaults: defaultsOf(operation),
  };
};

const NOTHING: SetPlan = { isConnection: false, depth: 0, fixed: 0, fixedOfEach: 0, once: 0, fields: [], always: [], byType: new Map() };
/** The name of an object's type, which is known without reading anything; that of the root is in the price of the operation. */
const TYPE_NAME = 0.05;
/** The rows of a page are in the price of its connection. */
const FREE: Price = { own: 0 };

/** What a field of a connection or an edge is: the way to the items, to the node of one, or a field like any other. */
const placeOf = (type: GraphQLNamedType, name: string): 'items' | 'node' | 'field' => {
  if (isConnection(type) && (name === 'edges' || name === 'nodes')) return 'items';
  return type.name.endsWith('Edge') && name === 'node' ? 'node' : 'field';
};

const fieldOf = (schema: GraphQLSchema, type: GraphQLNamedType, name: string): AnyField | null => {
  if (name === SchemaMetaFieldDef.name && type === schema.getQueryType()) return SchemaMetaFieldDef;
  if (name === TypeMetaFieldDef.name && type === schema.getQueryType()) return TypeMetaFieldDef;
  // `__typename` is known of every object.
  return isObjectType(type) || isInterfaceType(type) ? (type.getFields()[name] ?? null) : null;
};

type AnyField = GraphQLField<unknown, unknown>;

const planPrice = (
  node: FieldNode,
  field: AnyField,
  type: GraphQLNamedType,
  introspection: IntrospectionPrices,
): Price | ((variables: Variables) => Price) => {
  if (isIntrospectionType(type) || field.name.startsWith('__')) return introspection(type.name, field);
  const price = priceOf(field);
  if (typeof price === 'object') return price;
  const given = (variables: Variables): Variables => ({ ...argumentDefaults(field), ...argumentsOf(node, variables) });
  return hasVariables(node.arguments) ? (variables) => price(given(variables)) : price(given({}));
};

const argumentDefaults = ({ args }: AnyField): Variables =>
  Object.fromEntries(args.flatMap(({ name, defaultValue }) => (defaultValue === undefined ? [] : [[name, defaultValue]])));

const hasVariables = (node: unknown): boolean => {
  if (Array.isArray(node)) return node.some(hasVariables);
  const { kind, value, values, fields } = (node ?? {}) as { readonly kind?: string; value?: unknown; values?: unknown; fields?: unknown };
  return (
    kind === Kind.VARIABLE || (typeof value === 'object' && hasVariables(value)) || hasVariables(values ?? []) || hasVariables(fields ?? [])
  );
};

const isFixed = ({ fields, always, byType }: SetPlan): boolean => fields.length === 0 && always.length === 0 && byType.size === 0;

/** @param objects how many have the field */
const priceOfField = (
  { items = 1, own = items, once = 0 }: Price,
  below: SetPlan | null,
  variables: Variables,
  objects: number,
): number => {
  const price = once + objects * own;
  if (below === null) return price;
  return price + (below.isConnection ? priceOfSet(below, variables, objects, items) : priceOfSet(below, variables, objects * items));
};

/**
 * @param objects of how many it is selected
 * @param items how many items each of them has, in the selection of a connection
 */
const priceOfSet = (set: SetPlan, variables: Variables, objects = 1, items = 1): number => {
  let price = set.once + objects * (set.fixed + items * set.fixedOfEach);
  for (const field of set.fields) {
    const of = typeof field.price === 'function' ? field.price(variables) : field.price;
    price += priceOfField(of, field.below, variables, field.isOfEach ? objects * items : objects);
  }
  for (const plan of set.always) price += priceOfSet(plan, variables, objects, items);
  return set.byType.size === 0 ? price : price + dearestOf(set, (plan) => priceOfSet(plan, variables, objects));
};

const dearestOf = ({ byType }: SetPlan, priceOf: (plan: SetPlan) => number): number =>
  Math.max(0, ...[...byType.values()].map((plans) => plans.reduce((sum, plan) => sum + priceOf(plan), 0)));
