import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Connections } from './connections.js';
import type { GraphiQLPage } from '../graphiql/page.js';
import type { GraphQLServer } from '../execution/graphql.js';
import { negotiate } from './negotiate.js';
import { sendError } from './send.js';

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Counts responses that stay open, which are event streams. */
export interface Streams {
  readonly connections: Connections;
  /** Counts a stream of an address until the returned function is called; null when the address has its maximum. */
  readonly enter: (request: IncomingMessage) => (() => void) | null;
}

/** Handles GraphQL over HTTP with server-sent events, and serves GraphiQL to browsers. */
export const createGraphQLHandler =
  (graphql: GraphQLServer, page: GraphiQLPage, streams: Streams): Handler =>
  async (request, response) => {
    const { method } = request;
    const { host = 'localhost', accept, 'content-type': contentType, 'content-encoding': contentEncoding } = request.headers;
    if (!URL.canParse(`http://${host}/`)) {
      sendError(response, 400, 'BAD_REQUEST', 'The Host header is wrong.');
    } else if ((method === 'GET' || method === 'HEAD') && negotiate(accept ?? null, ['application/json', 'text/html']) === 'text/html') {
      await page.send(request, response);
    } else if (method !== 'GET' && method !== 'POST') {
      sendError(response, 405, 'BAD_REQUEST', 'Use GET or POST.', { allow: 'GET, POST, OPTIONS' });
    } else if (method === 'POST' && !isJson(contentType)) {
      // Only JSON is accepted: browsers send forms and plain text to other origins without a preflight.
      sendError(response, 415, 'BAD_REQUEST', 'The content type must be application/json.', { 'accept-post': 'application/json' });
    } else if (contentEncoding !== undefined && contentEncoding !== 'identity') {
      sendError(response, 415, 'BAD_REQUEST', 'The content must not be encoded.', { 'accept-encoding': 'identity' });
    } else {
      await send(
        await graphql.handleNodeRequestAndResponse(request, response, { req: request, res: response }),
        request,
        response,
        streams,
      );
    }
  };

const isJson = (contentType = ''): boolean => /^\s*application\/json\s*(;|$)/i.test(contentType);

/**
 * Sends a response. Yoga's own function writes the stack of an unexpected error into the response, and goes on reading results after the
 * client has disconnected.
 */
const send = async (
  answer: Response,
  request: IncomingMessage,
  response: ServerResponse,
  { connections, enter }: Streams,
): Promise<void> => {
  const headers = Object.fromEntries(answer.headers);
  if (headers['content-type']?.startsWith('text/event-stream') !== true || answer.body === null) {
    const body = await answer.text();
    if (!response.destroyed) response.writeHead(answer.status, headers).end(body);
    return;
  }
  const reader = answer.body.getReader();
  // Cancelling ends the subscription at once, even while it waits for an event.
  const leave = (): void => void reader.cancel().catch(() => undefined);
  if (response.destroyed) {
    leave();
    return;
  }
  if (connections.stopping()) {
    leave();
    sendError(response, 503, 'UNAVAILABLE', 'The server is stopping. Subscribe elsewhere, or again soon.', { 'retry-after': '1' });
    return;
  }
  const leaveAddress = enter(request);
  if (leaveAddress === null) {
    leave();
    sendError(response, 429, 'RATE_LIMITED', 'Your address has as many sockets and event streams open as it may. Close one first.', {
      'retry-after': '1',
    });
    return;
  }
  const gone = connections.add(() => response.destroy());
  response.once('close', () => {
    leaveAddress();
    gone();
    leave();
  });
  response.socket?.setNoDelay(true);
  response.writeHead(answer.status, headers);
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    if (!response.write(chunk.value)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
  }
  response.end();
};
