import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JSONWebKeySet } from 'jose';
import type { Log } from '../log.js';
import type { GraphQLServer } from './graphql.js';

/** What `/readyz` answers with: whether this process should be sent traffic, and what it depends on. */
export interface Readiness {
  readonly ready: boolean;
  readonly components: Readonly<Record<string, 'UP' | 'DOWN'>>;
}

export interface HttpOptions {
  readonly graphql: GraphQLServer;
  readonly jwks: JSONWebKeySet;
  readonly readiness: () => Promise<Readiness>;
  readonly log: Log;
}

/** The HTTP server: GraphQL and GraphiQL at /graphql, health at /healthz and /readyz, keys at /.well-known/jwks.json. */
export const createHttpServer = ({ graphql, jwks, readiness, log }: HttpOptions): Server => {
  const routes: Readonly<Record<string, (response: ServerResponse) => Promise<void> | void>> = {
    '/': (response) => void response.writeHead(302, { location: '/graphql' }).end(),
    '/healthz': (response) => sendJson(response, 200, { status: 'ok' }),
    '/readyz': async (response) => {
      const state = await readiness();
      sendJson(response, state.ready ? 200 : 503, state);
    },
    '/.well-known/jwks.json': (response) => sendJson(response, 200, jwks, { 'cache-control': 'public, max-age=300' }),
  };
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    if (path === '/graphql') return void (await graphql(request, response));
    const route = routes[path];
    if (route === undefined) sendJson(response, 404, { error: 'There is nothing here. GraphQL is at /graphql.' });
    else if (request.method !== 'GET' && request.method !== 'HEAD') sendJson(response, 405, { error: 'Use GET.' }, { allow: 'GET, HEAD' });
    else await route(response);
  };
  return createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      log.error({ err: error instanceof Error ? error : String(error) }, 'a request failed');
      if (response.headersSent) response.destroy();
      else sendJson(response, 500, { error: 'Something went wrong on our side.' });
    });
  });
};

const sendJson = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void => {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store', ...headers });
  response.end(JSON.stringify(body));
};

/** @returns the port it listens on, which the system has chosen when `port` is 0 */
export const listen = (server: Server, port: number, host: string): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });

/** Stops accepting, lets running requests finish for `graceMs` milliseconds, then cuts what is left. */
export const close = async (server: Server, graceMs: number): Promise<void> => {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const impatience = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(impatience);
};
