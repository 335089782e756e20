import { createClient, type Client } from 'graphql-ws';
import { WebSocket } from 'ws';
import { deferred, type Deferred } from './deferred.js';
import { textOf, type Given, type TypedText } from './graphql.js';

export interface GraphQLError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: Readonly<Record<string, unknown>>;
}

export interface GraphQLResponse<Data = Record<string, unknown>> {
  readonly data?: Data | null;
  readonly errors?: readonly GraphQLError[];
  readonly extensions?: Readonly<Record<string, unknown>>;
  /** The HTTP status; 0 over a socket. */
  readonly status: number;
}

export interface ClientOptions {
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Gives the request up. */
  readonly signal?: AbortSignal;
}

/** One operation over HTTP POST. */
export const execute = async <Data = Record<string, unknown>>(
  url: string,
  query: string | TypedText<Data, never>,
  variables: object = {},
  { token, headers = {}, signal }: ClientOptions = {},
): Promise<GraphQLResponse<Data>> => {
  const response = await fetch(url, {
    method: 'POST',
    ...(signal === undefined ? {} : { signal }),
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: JSON.stringify({ query: textOf(query), variables }),
  });
  return { ...((await response.json()) as GraphQLResponse<Data>), status: response.status };
};

/** A subscription whose results wait to be read, so that none is missed. */
export interface TestSubscription<Data = Record<string, unknown>> {
  /** The next result; rejects when the subscription has ended. */
  readonly next: () => Promise<GraphQLResponse<Data>>;
  /** The next result's data; rejects when it has errors. */
  readonly data: () => Promise<Data>;
  /** The next `count` results' data. */
  readonly take: (count: number) => Promise<Data[]>;
  /** Results received and not yet read. */
  readonly waiting: () => number;
  /** Resolves when it has ended; with what it ended with when that was an error. */
  readonly ended: Promise<unknown>;
  /** Tells the server to stop. */
  readonly stop: () => void;
}

export interface TestSocket {
  readonly client: Client;
  /** Resolves when the server has acknowledged the connection, with its payload; rejects with the close event. */
  readonly opened: Promise<Record<string, unknown>>;
  readonly subscribe: {
    <Data, Variables>(document: TypedText<Data, Variables>, ...given: Given<Variables>): TestSubscription<Data>;
    <Data = Record<string, unknown>>(query: string, variables?: object): TestSubscription<Data>;
  };
  /** One query or mutation over the socket. */
  readonly execute: {
    <Data, Variables>(document: TypedText<Data, Variables>, ...given: Given<Variables>): Promise<GraphQLResponse<Data>>;
    <Data = Record<string, unknown>>(query: string, variables?: object): Promise<GraphQLResponse<Data>>;
  };
  /** Sends a ping of the protocol; resolves with the payload of the pong. */
  readonly ping: (payload?: object) => Promise<unknown>;
  /** Resolves with the code when the socket is closed. */
  readonly closed: Promise<number>;
  /** Closes cleanly. */
  readonly close: () => Promise<void>;
  /** Cuts the connection without a word. */
  readonly terminate: () => void;
}

/** A real graphql-ws client that does not reconnect. */
export const connect = (httpUrl: string, token?: string, params: Readonly<Record<string, unknown>> = {}): TestSocket => {
  const opened = deferred<Record<string, unknown>>();
  const closed = deferred<number>();
  opened.promise.catch(() => undefined);
  const pings: Deferred<unknown>[] = [];
  let raw: WebSocket | null = null;
  const client = createClient({
    url: httpUrl.replace(/^http/, 'ws'),
    webSocketImpl: WebSocket,
    lazy: false,
    retryAttempts: 0,
    connectionParams: token === undefined ? params : { ...params, accessToken: token },
    on: {
      opened: (socket) => (raw = socket as WebSocket),
      connected: (_socket, payload) => opened.resolve(payload ?? {}),
      pong: (received, payload) => (received ? pings.shift()?.resolve(payload) : undefined),
      closed: (event) => {
        opened.reject(event);
        closed.resolve((event as { code: number }).code);
      },
    },
    onNonLazyError: () => undefined,
  });
  const subscribe = <Data>(query: string | TypedText<Data, never>, variables: object = {}): TestSubscription<Data> => {
    const results: GraphQLResponse<Data>[] = [];
    const waiting: Deferred<GraphQLResponse<Data>>[] = [];
    const ended = deferred<unknown>();
    let end: { readonly reason: unknown } | null = null;
    const finish = (reason?: unknown): void => {
      end ??= { reason };
      for (const waiter of waiting.splice(0)) waiter.reject(new Error(`The subscription has ended: ${JSON.stringify(reason)}`));
      ended.resolve(reason);
    };
    const stop = client.subscribe<Data>(
      { query: textOf(query), variables: variables as Record<string, unknown> },
      {
        next: (result) => {
          const response = { ...(result as object), status: 0 } as GraphQLResponse<Data>;
          const waiter = waiting.shift();
          if (waiter) waiter.resolve(response);
          else results.push(response);
        },
        error: finish,
        complete: () => finish(),
      },
    );
    const next = async (): Promise<GraphQLResponse<Data>> => {
      const result = results.shift();
      if (result) return result;
      if (end) throw new Error(`The subscription has ended: ${JSON.stringify(end.reason)}`);
      const waiter = deferred<GraphQLResponse<Data>>();
      waiting.push(waiter);
      return await waiter.promise;
    };
    const data = async (): Promise<Data> => {
      const result = await next();
      if (result.errors || !result.data) throw new Error(`The event has errors: ${JSON.stringify(result)}`);
      return result.data;
    };
    return {
      next,
      data,
      take: async (count) => {
        const taken: Data[] = [];
        while (taken.length < count) taken.push(await data());
        return taken;
      },
      waiting: () => results.length,
      ended: ended.promise,
      stop,
    };
  };
  return {
    client,
    opened: opened.promise,
    ping: async (payload) => {
      await opened.promise;
      const answer = deferred<unknown>();
      pings.push(answer);
      raw?.send(JSON.stringify({ type: 'ping', payload }));
      return await answer.promise;
    },
    closed: closed.promise,
    subscribe,
    execute: <Data>(query: string | TypedText<Data, never>, variables?: object) => subscribe(query, variables).next(),
    close: async () => {
      await client.dispose();
    },
    terminate: () => raw?.terminate(),
  };
};
