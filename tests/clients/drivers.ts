import { ApolloClient, ApolloLink, CombinedGraphQLErrors, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { Client as UrqlClient, fetchExchange, subscriptionExchange, type OperationResult } from '@urql/core';
import { getOperationAST, OperationTypeNode, print, type DocumentNode } from 'graphql';
import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createWsClient, type Client as WsClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { Queue } from '../../src/realtime/queue.js';

/** What a test asks of each client, in the client's own way. */
export interface Driver {
  /** One query or mutation. */
  readonly run: <Data, Variables extends Record<string, unknown>>(
    document: TypedDocumentNode<Data, Variables>,
    variables: Variables,
  ) => Promise<Outcome<Data>>;
  /** One subscription; `return()` ends it. */
  readonly follow: <Data, Variables extends Record<string, unknown>>(
    document: TypedDocumentNode<Data, Variables>,
    variables: Variables,
  ) => AsyncIterator<Outcome<Data>, unknown>;
  readonly close: () => Promise<void>;
}

export interface Outcome<Data> {
  readonly data: Data | null | undefined;
  /** Of the errors, in their order. */
  readonly codes: readonly unknown[];
}

/** A result as it travels. */
interface Result<Data> {
  readonly data?: Data | null | undefined;
  readonly errors?: readonly { readonly extensions?: Readonly<Record<string, unknown>> | undefined }[] | undefined;
}

const outcome = <Data>({ data, errors = [] }: Result<Data>): Outcome<Data> => ({
  data,
  codes: errors.map(({ extensions }) => extensions?.['code']),
});

const kindOf = (document: DocumentNode): OperationTypeNode | undefined => getOperationAST(document)?.operation;

const authorization = (token?: string): Record<string, string> => (token === undefined ? {} : { authorization: `Bearer ${token}` });

const connect = (url: string, token?: string): WsClient =>
  createWsClient({
    url: url.replace(/^http/, 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: token === undefined ? {} : { accessToken: token },
  });

/** @apollo/client: queries and mutations over HTTP, subscriptions over a socket. */
export const apolloClient = (
  url: string,
  token?: string,
  socket: WsClient = connect(url, token),
): { readonly apollo: ApolloClient; readonly close: () => Promise<void> } => {
  const apollo = new ApolloClient({
    cache: new InMemoryCache(),
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      new GraphQLWsLink(socket),
      new HttpLink({ uri: url, headers: authorization(token) }),
    ),
  });
  return {
    apollo,
    close: async () => {
      apollo.stop();
      await socket.dispose();
    },
  };
};

const apollo = (url: string, token?: string, socket?: WsClient): Driver => {
  const { apollo: client, close } = apolloClient(url, token, socket);
  const outcomeOf = <Data>({ data, error }: { data?: Data | null | undefined; error?: unknown }): Outcome<Data> =>
    outcome({ data, errors: CombinedGraphQLErrors.is(error) ? error.errors : undefined });
  return {
    run: async (document, variables) =>
      kindOf(document) === OperationTypeNode.MUTATION
        ? outcomeOf(await client.mutate({ mutation: document, variables, errorPolicy: 'all' }))
        : outcomeOf(await client.query({ query: document, variables, errorPolicy: 'all' })),
    follow: <Data, Variables extends Record<string, unknown>>(document: TypedDocumentNode<Data, Variables>, variables: Variables) => {
      const results = new Queue<Outcome<Data>>();
      const subscription = client.subscribe<Data, Variables>({ query: document, variables }).subscribe({
        next: (result) => results.push(outcomeOf(result as { data?: Data; error?: unknown })),
        error: (error: unknown) => results.end(error),
        complete: () => results.end(),
      });
      return leaving(results, () => subscription.unsubscribe());
    },
    close,
  };
};

/** @urql/core, in the same way. */
export const urqlClient = (url: string, token?: string, socket: WsClient = connect(url, token)): UrqlClient =>
  new UrqlClient({
    url,
    preferGetMethod: false,
    fetchOptions: () => ({ headers: authorization(token) }),
    exchanges: [
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query = '', ...request }) => ({
          subscribe: (sink) => ({
            unsubscribe: socket.subscribe(
              { query, ...(request.variables ? { variables: request.variables as Record<string, unknown> } : {}) },
              sink as never,
            ),
          }),
        }),
      }),
    ],
  });

const urql = (url: string, token?: string, socket: WsClient = connect(url, token)): Driver => {
  const client = urqlClient(url, token, socket);
  const outcomeOf = <Data>({ data, error }: OperationResult<Data>): Outcome<Data> => outcome({ data, errors: error?.graphQLErrors });
  return {
    run: async (document, variables) =>
      outcomeOf(
        kindOf(document) === OperationTypeNode.MUTATION
          ? await client.mutation(document, variables).toPromise()
          : await client.query(document, variables).toPromise(),
      ),
    follow: <Data, Variables extends Record<string, unknown>>(document: TypedDocumentNode<Data, Variables>, variables: Variables) => {
      const results = new Queue<Outcome<Data>>();
      const subscription = client.subscription(document, variables).subscribe((result) => results.push(outcomeOf(result)));
      return leaving(results, () => subscription.unsubscribe());
    },
    close: async () => {
      await socket.dispose();
    },
  };
};

/** graphql-ws and graphql-sse alike: everything is an iteration of results. */
const iterating = (
  iterate: (request: { query: string; variables: Record<string, unknown> }) => AsyncIterableIterator<unknown>,
  close: () => Promise<void>,
): Driver => {
  const follow: Driver['follow'] = <Data, Variables extends Record<string, unknown>>(
    document: TypedDocumentNode<Data, Variables>,
    variables: Variables,
  ) => {
    const results = iterate({ query: print(document), variables });
    return {
      next: async () => {
        const { done, value } = await results.next();
        return done === true ? { done, value: undefined } : { done: false, value: outcome(value as Result<Data>) };
      },
      return: async () => (await results.return?.()) ?? { done: true, value: undefined },
    } as AsyncIterator<Outcome<Data>, unknown>;
  };
  return {
    run: async (document, variables) => {
      const results = follow(document, variables);
      const result = await results.next();
      await results.return?.();
      if (result.done === true) throw new Error('There was no result.');
      return result.value;
    },
    follow,
    close,
  };
};

const graphqlWs = (url: string, token?: string, client: WsClient = connect(url, token)): Driver => {
  return iterating(
    (request) => client.iterate(request),
    async () => client.dispose(),
  );
};

const graphqlSse = (url: string, token?: string): Driver => {
  const client = createSseClient({ url, headers: authorization(token), retryAttempts: 0 });
  return iterating(
    (request) => client.iterate(request),
    async () => client.dispose(),
  );
};

const leaving = <Item>(results: Queue<Item>, leave: () => void): AsyncIterator<Item, unknown> => ({
  next: () => results.next(),
  return: async () => {
    leave();
    return await results.return();
  },
});

/** Those that speak over a graphql-ws client, which may be one of another kind. */
export const SOCKET_DRIVERS: Readonly<Record<string, (url: string, token?: string, socket?: WsClient) => Driver>> = {
  '@apollo/client': apollo,
  '@urql/core': urql,
  'graphql-ws': graphqlWs,
};

export const DRIVERS: Readonly<Record<string, (url: string, token?: string) => Driver>> = {
  ...SOCKET_DRIVERS,
  'graphql-sse': graphqlSse,
};
