import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { parse } from 'graphql';
import type { TypedDocumentString } from '../generated/texts/graphql.js';

/** Types a document that is written as a text: `npm run codegen` generates the types of each one. Not for `tests/clients/operations.ts`. */
export { graphql } from '../generated/texts/gql.js';

/** The text of an operation, with the types of its data and of its variables. */
export type TypedText<Data, Variables> = TypedDocumentString<Data, Variables>;

export type { ResultOf, VariablesOf } from '@graphql-typed-document-node/core';

/** The arguments after a document: its variables, which may be left out when none is required, and then `Rest`. */
export type Given<Variables, Rest = never> =
  Record<string, never> extends Variables ? [variables?: Variables, rest?: Rest] : [variables: Variables, rest?: Rest];

/**
 * Data without errors. A root field that fails is null beside an error, so here it is not null. A query whose answer is null for what does not
 * exist (`node`, `user`) has data of these types too: compare it as a whole, or use `execute`.
 */
export type Succeeded<Data> = { [Field in keyof Data]: NonNullable<Data[Field]> };

/** @throws for a text that has been changed since the types were generated */
export const textOf = (document: string | TypedText<unknown, never>): string => {
  if (typeof document === 'string') return document;
  if (document instanceof String) return document.toString();
  throw new Error('The types of this document are not generated yet: run `npm run codegen`.');
};

/** The same document as clients that normalise take it, such as Apollo's. */
export const parsed = <Data, Variables>(document: TypedText<Data, Variables>): TypedDocumentNode<Data, Variables> =>
  parse(textOf(document));

/** A value that a test knows to be there. @throws when it is not */
export const present = <Value>(value: Value): NonNullable<Value> => {
  if (value === null || value === undefined) throw new Error('A value that should be there is missing.');
  return value;
};
