import type { FieldNullability, InputFieldMap, SchemaTypes, TypeParam } from '@pothos/core';
import { getNamedType, getNullableType, isLeafType, isListType, isObjectType, type GraphQLField } from 'graphql';
import { DEFAULT_PAGE, MAX_PAGE } from '../db/keyset.js';

/**
 * What a field costs, in rows: 1 is the work of reading one row of a page and making an object of it. What is dearer or cheaper than that
 * is given as so many rows.
 */
export interface Price {
  /** The field itself, without what is selected below it; when left out, a row for each item. */
  readonly own?: number;
  /** How many objects a list may hold, or the page of a connection: what is selected of each counts as often. */
  readonly items?: number;
  /** What it costs once at its place in the operation, however many objects have the field: the statement for all of them. */
  readonly once?: number;
}

/**
 * A price, or what it is with these arguments. The arguments are as they were written, before they have been checked: any value is to be
 * expected, and an enum's is its name.
 */
export type FieldPrice = Price | ((args: Arguments) => Price);

declare global {
  export namespace PothosSchemaTypes {
    export interface FieldOptions<
      /* eslint-disable @typescript-eslint/no-unused-vars -- Merged declarations have the same parameters. */
      Types extends SchemaTypes = SchemaTypes,
      ParentShape = unknown,
      Type extends TypeParam<Types> = TypeParam<Types>,
      Nullable extends FieldNullability<Type> = FieldNullability<Type>,
      Args extends InputFieldMap = InputFieldMap,
      ResolveShape = unknown,
      ResolveReturnShape = unknown,
      /* eslint-enable @typescript-eslint/no-unused-vars */
    > {
      /** What the field costs, where the rule for its type does not say it; every list of objects must say how many it may hold. */
      readonly price?: FieldPrice;
    }
  }
}

/** A value of a row that has been read: to resolve it, and its bytes on their way. */
const LEAF = 0.1;
/** What every operation costs before its fields: to be read, checked and answered. */
export const OPERATION = 10;
/** To build, send and answer a statement, without its rows. */
export const STATEMENT = 20;
/** The price of an object or a value that is read for each object that has the field, for all of them in one statement. */
export const READ: Price = { own: 1, once: STATEMENT };
/** A cursor, which holds a digest. */
export const CURSOR = 0.5;
/** A row that is read by its id, when many are: each is a call of its own, whatever the database makes of them. */
export const BY_ID = 10;
/** The price of an object that each object which has the field reads by its id. */
export const LOOKED_UP: Price = { own: BY_ID };
/** Counting the rows of a list, which is to look at each of them, up to a cap; the lists of several parents are shorter, and counted together. */
export const COUNT: Price = { own: 20, once: 80 };
/** Counting what has no parent that others share. */
export const OWN_COUNT: Price = { own: 100 };
/** The same for what belongs to one object, such as a user's followers: seldom so many, and counted for all objects of a list together. */
export const SHORT_COUNT: Price = { own: 3, once: STATEMENT };
/** Looking for words in short texts, which reads more of an index than it finds. */
export const SEARCH = 100;

/** The same in long texts: those that may contain the words are read whole. */
export const TEXT_SEARCH = 1_000;

/** A text of up to 200,000 characters. */
export const LONG_TEXT = 5;
/** The HTML of such a text, which may have to be rendered. What one operation has rendered in all has a bound of its own. */
export const HTML = 15;
/** The HTML of a text of up to some thousand characters. */
export const SHORT_HTML = 3;
/** An act: a transaction with its checks, its events and what it tells others. */
export const WRITE = 200;
/** To hash a password, which is meant to take long. */
export const PASSWORD = 1_500;

/** How many items a page may hold with these arguments. A page that is too large is refused by the check of its arguments. */
export const pageSize = ({ first, last }: Arguments): number => {
  const size = first ?? last ?? DEFAULT_PAGE;
  return typeof size === 'number' ? Math.min(Math.max(size, 0), MAX_PAGE) : MAX_PAGE;
};

type Arguments = Readonly<Record<string, unknown>>;

/** The price of a list of events, whose argument `first` says how many it may hold. */
export const eventsPrice = (args: Arguments): Price => {
  const items = pageSize(args);
  return { items, once: STATEMENT };
};

/**
 * The price of a connection, whose rows are read whatever is selected of them.
 * @param words what is looked for, if anything
 * @param search the price of looking for it
 */
export const pagePrice = (args: Arguments, words: unknown = args['search'], search = SEARCH): Price => {
  const items = pageSize(args);
  return { own: 2 + items + (typeof words === 'string' && words !== '' ? search : 0), items, once: STATEMENT };
};

/** How many values a list in the arguments has; a single one may stand for a list of one. */
export const lengthOf = (value: unknown): number => (Array.isArray(value) ? value.length : 1);

type AnyField = GraphQLField<unknown, unknown>;

/** Whether a type is a page of a list: `edges` and `nodes` hold its items. */
export const isConnection = (type: unknown): boolean => isObjectType(type) && type.name.endsWith('Connection');

/** Without arguments of its own that matter, a price is always the same. */
export const priceOf = (field: AnyField): FieldPrice => {
  const { pothosOptions } = field.extensions as { readonly pothosOptions?: { readonly price?: FieldPrice } };
  if (pothosOptions?.price !== undefined) return pothosOptions.price;
  const type = getNamedType(field.type);
  if (isConnection(type)) return (args) => pagePrice(args);
  return { own: isLeafType(type) ? LEAF : 1 };
};

/** The lists that do not say how many they may hold, as `Type.field`: there must be none. */
export const isUnpricedList = (field: AnyField): boolean => {
  const price = priceOf(field);
  return (
    isListType(getNullableType(field.type)) &&
    !isLeafType(getNamedType(field.type)) &&
    typeof price === 'object' &&
    price.items === undefined
  );
};
