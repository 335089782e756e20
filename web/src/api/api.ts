import { Client, fetchExchange, mapExchange, subscriptionExchange, type ExecutionResult } from 'urql';
import { createCommits } from '../../../src/client/commits.js';
import { createResumingClient } from '../../../src/client/resuming-client.js';
import type { Tokens } from '../../../src/client/tokens.js';
import { createCache } from './cache.js';
import { watchConnection, type Connection } from './connection.js';
import { HTTP_URL, SOCKET_URL } from './endpoint.js';

/** All that a page asks through. There is a new one whenever somebody signs in or out, so that nobody sees what another was shown. */
export interface Api {
  readonly client: Client;
  readonly connection: Connection;
  readonly dispose: () => void;
}

const UNAUTHENTICATED = 401;

/** The same `fetch` with the token of the session, once more with a fresh one when it has expired. */
const withToken =
  (tokens: Tokens, fetch: typeof globalThis.fetch): typeof globalThis.fetch =>
  async (input, init = {}) => {
    const send = (token: string | null): Promise<Response> => {
      const headers = new Headers(init.headers);
      if (token !== null) headers.set('authorization', `Bearer ${token}`);
      return fetch(input, { ...init, headers });
    };
    const token = tokens.present();
    const response = await send(token);
    if (response.status !== UNAUTHENTICATED || token === null) return response;
    const fresh = await tokens.renew(token).catch(() => token);
    return fresh === token ? response : await send(fresh);
  };

export const createApi = (tokens: Tokens): Api => {
  const commits = createCommits(fetch.bind(globalThis));
  const socket = createResumingClient({
    url: SOCKET_URL,
    getAccessToken: tokens.source(),
    commits,
    // Nobody looks at the page while another takes its place within so much: what is followed next finds the socket open.
    lazyCloseTimeout: 2_000,
  });
  const connection = watchConnection(socket);
  const client = new Client({
    url: HTTP_URL,
    fetch: withToken(tokens, commits.fetch),
    preferGetMethod: false,
    // What is known is shown at once, and then as it is now.
    requestPolicy: 'cache-and-network',
    exchanges: [
      // An answer that has failed as a whole may have `data: null`; to the pages there is no data then, as without an answer.
      mapExchange({ onResult: (result) => (result.data === null ? { ...result, data: undefined } : result) }),
      createCache(),
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables }) => ({
          subscribe: (sink) => ({
            unsubscribe: socket.subscribe<ExecutionResult['data']>(
              { query, variables: { ...variables } },
              {
                ...sink,
                next: (result) => {
                  const { extensions } = result as ExecutionResult;
                  // Those of a log have cursors.
                  if (typeof extensions?.['cursor'] === 'string') connection.noteEvent();
                  sink.next(result as ExecutionResult);
                },
              },
            ),
          }),
        }),
      }),
    ],
  });
  return { client, connection, dispose: () => void socket.dispose() };
};

/** The present {@link Api}, and when it becomes another. */
export interface ApiSource {
  readonly present: () => Api;
  readonly onChange: (listener: () => void) => () => void;
}

export const createApiSource = (tokens: Tokens): ApiSource => {
  let api = createApi(tokens);
  const listeners = new Set<() => void>();
  tokens.onOwner(() => {
    const last = api;
    api = createApi(tokens);
    for (const listener of [...listeners]) listener();
    last.dispose();
  });
  return {
    present: () => api,
    onChange: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
};
