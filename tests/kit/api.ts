import { execute, type ClientOptions, type GraphQLResponse } from './client.js';
import type { Given, Succeeded, TypedText } from './graphql.js';

/** Who executes an operation: a user, who has a token, or a client without one. */
export type As = ClientOptions;

/** Operations of a server, whether the test has started it in its own process or in another. */
export interface Api {
  /** Of GraphQL over HTTP. */
  readonly url: string;
  /** One operation over HTTP. */
  readonly execute: {
    <Data, Variables>(document: TypedText<Data, Variables>, ...given: Given<Variables, As>): Promise<GraphQLResponse<Data>>;
    <Data = Record<string, unknown>>(query: string, variables?: object, as?: As): Promise<GraphQLResponse<Data>>;
  };
  /** The same, which must succeed: its data. */
  readonly data: {
    <Data, Variables>(document: TypedText<Data, Variables>, ...given: Given<Variables, As>): Promise<Succeeded<Data>>;
    <Data = Record<string, unknown>>(query: string, variables?: object, as?: As): Promise<Data>;
  };
  /** The same, which must fail: the code of its first error. */
  readonly code: {
    <Variables>(document: TypedText<unknown, Variables>, ...given: Given<Variables, As>): Promise<unknown>;
    (query: string, variables?: object, as?: As): Promise<unknown>;
  };
}

/** @param url of GraphQL over HTTP */
export const apiAt = (url: string): Api => ({
  url,
  execute: <Data>(query: string | TypedText<Data, never>, variables?: object, as?: As) => execute(url, query, variables, as),
  data: async <Data>(query: string | TypedText<Data, never>, variables?: object, as?: As) => {
    const response = await execute(url, query, variables, as);
    if (response.errors || !response.data) throw new Error(`The operation failed: ${JSON.stringify(response)}`);
    return response.data;
  },
  code: async (query: string | TypedText<unknown, never>, variables?: object, as?: As) =>
    (await execute(url, query, variables, as)).errors?.[0]?.extensions?.['code'],
});
