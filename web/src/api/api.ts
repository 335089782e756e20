import { Client, fetchExchange, mapExchange, subscriptionExchange, type ExecutionResult, type OperationResult } from 'urql';
import { createCommits } from '../../../src/client/commits.js';
import { createResumingClient } from '../../../src/client/resuming-client.js';
import type { Tokens } from '../../../src/client/tokens.js';
import { createCache } from './cache.js';
import { watchConnection, type Connection } from './connection.js';
import { HTTP_URL, SOCKET_URL } from './endpoint.js';
import { SESSION_HEADERS } from './session.js';

/** All that a page asks through. There is a new one whenever somebody signs in or out, so that nobody sees what another was shown. */
export interface Api {
  readonly client: Client;
  readonly connection: Connection;
  readonly terms: Terms;
  readonly dispose: () => void;
}

/** How often something was refused for want of consent: there are other terms since the page has asked. */
export interface Terms {
  readonly refusals: () => number;
  readonly onChange: (listener: () => void) => () => void;
}

const createTerms = (): Terms & { readonly look: (result: OperationResult) => void } => {
  let refusals = 0;
  const listeners = new Set<() => void>();
  return {
    refusals: () => refusals,
    onChange: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    look: ({ error }) => {
      if (error?.graphQLErrors.some(({ extensions }) => extensions['code'] === 'TERMS_NOT_ACCEPTED') !== true) return;
      refusals += 1;
      for (const listener of [...listeners]) listener();
    },
  };
};

const UNAUTHENTICATED = 401;
/** The code with which the server closes a socket whose session has ended. */
const SESSION_ENDED = 4401;

/** The same `fetch` with the token of the session, once more with a fresh one when it has expired. */
const withToken =
  (tokens: Tokens, fetch: typeof globalThis.fetch): typeof globalThis.fetch =>
  async (input, init = {}) => {
    const send = (token: string | null): Promise<Response> => {
      const headers = new Headers({ ...SESSION_HEADERS, ...Object.fromEntries(new Headers(init.headers)) });
      if (token !== null) headers.set('authorization', `Bearer ${token}`);
      return fetch(input, { ...init, headers });
    };
    const token = tokens.present();
    const response = await send(token);
    if (response.status !== UNAUTHENTICATED || token === null) return response;
    const fresh = await tokens.renew(token).catch(() => token);
    return fresh === token ? response : await send(fresh);
  };

const uncached = new WeakMap<Client, Client>();

/**
 * Asks as `client` does, past its cache: that keeps all that it is given for as long as the page is there, which is too much of what somebody
 * scrolls through without end. Whoever asks so keeps what they show.
 */
export const besideCache = (client: Client): Client => uncached.get(client) ?? client;

/** @param onRefused the server says by the socket that the session has ended */
const createApi = (tokens: Tokens, onRefused: () => void): Api => {
  const commits = createCommits(fetch.bind(globalThis));
  const socket = createResumingClient({
    url: SOCKET_URL,
    getAccessToken: tokens.source(),
    commits,
    // Nobody looks at the page while another takes its place within so much: what is followed next finds the socket open.
    lazyCloseTimeout: 2_000,
  });
  socket.on('closed', (event) => {
    if ((event as { readonly code?: number }).code === SESSION_ENDED) onRefused();
  });
  const connection = watchConnection(socket);
  const http = { url: HTTP_URL, fetch: withToken(tokens, commits.fetch), preferGetMethod: false } as const;
  const terms = createTerms();
  const asRead = mapExchange({
    onResult: (result) => {
      terms.look(result);
      // An answer that has failed as a whole may have `data: null`; to the pages there is no data then, as without an answer.
      return result.data === null ? { ...result, data: undefined } : result;
    },
  });
  const client = new Client({
    ...http,
    // What is known is shown at once, and then as it is now.
    requestPolicy: 'cache-and-network',
    exchanges: [
      asRead,
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
  uncached.set(client, new Client({ ...http, requestPolicy: 'network-only', exchanges: [asRead, fetchExchange] }));
  return { client, connection, terms, dispose: () => void socket.dispose() };
};

/** The present {@link Api}, and when it becomes another. */
export interface ApiSource {
  readonly present: () => Api;
  readonly onChange: (listener: () => void) => () => void;
}

/** A session that is refused sooner than this after it was renewed is not renewed again by itself, in milliseconds. */
const RENEWED_AGAIN_MS = 60_000;

export const createApiSource = (tokens: Tokens): ApiSource => {
  const listeners = new Set<() => void>();
  let renewedAt = -Infinity;
  /**
   * Somebody has signed out elsewhere, or ended this session from another device: the page must say so without being asked anything. Renewing tells
   * whether it is over, and then forgets it.
   */
  const askAgain = async (): Promise<void> => {
    const token = tokens.present();
    if (token === null || performance.now() - renewedAt < RENEWED_AGAIN_MS) return;
    renewedAt = performance.now();
    const fresh = await tokens.renew(token).catch(() => token);
    if (fresh !== null && fresh !== token) replace();
  };
  let api = createApi(tokens, () => void askAgain());
  const replace = (): void => {
    const last = api;
    api = createApi(tokens, () => void askAgain());
    for (const listener of [...listeners]) listener();
    last.dispose();
  };
  tokens.onOwner(replace);
  return {
    present: () => api,
    onChange: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
};
