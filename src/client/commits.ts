import type { Client, FormattedExecutionResult, Sink, SubscribePayload } from 'graphql-ws';
import { isSubscription } from './operation.js';

/**
 * The writes that a client has been told of. A server may give a query an answer that it has kept; whoever shows it the last writes they know is
 * not given one from before these, whichever process answers.
 */
export interface Commits {
  /** What is to be sent with the next operation, as the header `x-lyceum-commit` or as `extensions.commit`; null before the first write. */
  readonly known: () => string | null;
  /** What an answer has brought. */
  readonly heard: (commit: unknown) => void;
  /** The same `fetch`, which sends what is known and notes what comes. */
  readonly fetch: typeof globalThis.fetch;
  /** The same `subscribe` of a socket, likewise. */
  readonly subscribe: (subscribe: Client['subscribe']) => Client['subscribe'];
}

const HEADER = 'x-lyceum-commit';
/** Of how many processes the last write is remembered; the server reads no more. */
const PROCESSES = 8;

/** One of these is shared by all clients of one person: the socket and the one over HTTP. */
export const createCommits = (fetch: typeof globalThis.fetch = globalThis.fetch): Commits => {
  /** By process, the last heard of at the end. */
  const last = new Map<string, string>();
  const known = (): string | null => (last.size === 0 ? null : [...last.values()].join());
  const heard = (commit: unknown): void => {
    if (typeof commit !== 'string' || commit === '') return;
    for (const each of commit.split(',')) {
      const [origin = ''] = each.split('.');
      last.delete(origin);
      last.set(origin, each);
    }
    for (const origin of last.keys()) {
      if (last.size <= PROCESSES) break;
      last.delete(origin);
    }
  };
  return {
    known,
    heard,
    fetch: async (input, init = {}) => {
      const commit = known();
      const headers = new Headers(init.headers ?? (input instanceof Request ? input.headers : {}));
      if (commit !== null) headers.set(HEADER, commit);
      const response = await fetch(input, { ...init, headers });
      heard(response.headers.get(HEADER));
      return response;
    },
    subscribe:
      (subscribe) =>
      <Data, Extensions>(payload: SubscribePayload, sink: Sink<FormattedExecutionResult<Data, Extensions>>) => {
        if (isSubscription(payload.query, payload.operationName)) return subscribe(payload, sink);
        const commit = known();
        const request = commit === null ? payload : { ...payload, extensions: { commit, ...payload.extensions } };
        return subscribe<Data, Extensions>(request, {
          ...sink,
          next: (result) => {
            heard((result.extensions as { readonly commit?: unknown } | undefined)?.commit);
            sink.next(result);
          },
          error: (problem) => sink.error(problem),
          complete: () => sink.complete(),
        });
      },
  };
};
