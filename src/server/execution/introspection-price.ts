import {
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isLeafType,
  isObjectType,
  TypeMetaFieldDef,
  type GraphQLField,
  type GraphQLSchema,
} from 'graphql';
import type { Price } from '../../graphql/price.js';

/** An object of the introspection: it lies in memory, and no row is read for it. */
const OBJECT = 0.05;
const LEAF = 0.02;

/** A type that is asked for by its name may be the largest, which has so many times as many fields as others have. */
const LARGEST = 6;

/** The prices of the fields of introspection types, as `Type.field`: the lists are as long as those of the schema are. */
export type IntrospectionPrices = (typeName: string, field: GraphQLField<unknown, unknown>) => Price;

const mean = (lengths: readonly number[]): number =>
  lengths.length === 0 ? 0 : lengths.reduce((sum, length) => sum + length, 0) / lengths.length;

/** The prices for one schema. A list that every type has, such as its fields, counts by its mean: `types { fields }` holds as many as there are. */
export const introspectionPrices = (schema: GraphQLSchema): IntrospectionPrices => {
  const types = Object.values(schema.getTypeMap());
  const fieldsOf = types.flatMap((type) => (isObjectType(type) || isInterfaceType(type) ? [Object.values(type.getFields())] : []));
  const lengths: Readonly<Record<string, number>> = {
    '__Schema.types': types.length,
    '__Schema.directives': schema.getDirectives().length,
    '__Type.fields': Math.ceil(mean(fieldsOf.map((fields) => fields.length))),
    '__Type.inputFields': Math.ceil(mean(types.filter(isInputObjectType).map((type) => Object.keys(type.getFields()).length))),
    '__Type.enumValues': Math.ceil(mean(types.filter(isEnumType).map((type) => type.getValues().length))),
    // Most types are not made of others, and few of a type that is made of others again.
    '__Type.ofType': 0.5,
    '__Type.interfaces': 1,
    '__Type.possibleTypes': Math.ceil(mean(types.filter(isInterfaceType).map((type) => schema.getPossibleTypes(type).length))),
    '__Field.args': Math.ceil(mean(fieldsOf.flat().map(({ args }) => args.length))),
    '__Directive.args': Math.ceil(mean(schema.getDirectives().map(({ args }) => args.length))),
  };
  return (typeName, { name, type }) => {
    const items = name === TypeMetaFieldDef.name ? LARGEST : (lengths[`${typeName}.${name}`] ?? 1);
    return { own: isLeafType(getNamedType(type)) ? LEAF : items * OBJECT, items };
  };
};
