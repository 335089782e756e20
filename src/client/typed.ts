import { print, type DocumentNode } from 'graphql';
import type { Client, FormattedExecutionResult, Sink } from 'graphql-ws';

/**
 * A document that knows its result and its variables, as GraphQL Code Generator writes it: `TypedDocumentNode`, or `TypedDocumentString` of its string
 * mode.
 */
export type TypedDocument<Data, Variables> = (DocumentNode | { readonly toString: () => string }) & {
  readonly __apiType?: (variables: Variables) => Data;
};

type Result<Data> = FormattedExecutionResult<Data>;

/** A client whose results and variables have the types of the document. */
export interface TypedClient {
  /** Follows a subscription, or asks a query. @returns how to leave it */
  readonly subscribe: <Data, Variables extends Readonly<Record<string, unknown>>>(
    document: TypedDocument<Data, Variables>,
    variables: Variables,
    sink: Sink<Result<Data>>,
  ) => () => void;
  /** The same as an iteration, which throws what ends it and leaves when its reader does. */
  readonly iterate: <Data, Variables extends Readonly<Record<string, unknown>>>(
    document: TypedDocument<Data, Variables>,
    variables: Variables,
  ) => AsyncIterableIterator<Result<Data>>;
}

/**
 * Gives a client of `createResumingClient`, or any of graphql-ws, documents of GraphQL Code Generator. A module of its own, since it needs the
 * printer of `graphql`, which who sends texts does without.
 */
export const typed = (client: Pick<Client, 'subscribe' | 'iterate'>): TypedClient => {
  /** Each document is printed once. */
  const texts = new WeakMap<object, string>();
  const textOf = (document: TypedDocument<unknown, never>): string => {
    if (typeof document === 'string') return document;
    const text = texts.get(document) ?? ('kind' in document ? print(document) : document.toString());
    texts.set(document, text);
    return text;
  };
  return {
    subscribe: <Data, Variables extends Readonly<Record<string, unknown>>>(
      document: TypedDocument<Data, Variables>,
      variables: Variables,
      sink: Sink<Result<Data>>,
    ) => client.subscribe<Data>({ query: textOf(document), variables: { ...variables } }, sink),
    iterate: <Data, Variables extends Readonly<Record<string, unknown>>>(document: TypedDocument<Data, Variables>, variables: Variables) =>
      client.iterate<Data>({ query: textOf(document), variables: { ...variables } }) as AsyncIterableIterator<Result<Data>>,
  };
};
