import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { hasCode } from '../../observability/failures.js';
import { REQUEST_ID, requestIdOf } from './request-id.js';
import { refuse } from './send.js';

interface Refusal {
  readonly status: number;
  readonly message: string;
}

/** By the code of Node's error; any other code is {@link MALFORMED}. */
const REFUSALS: Readonly<Record<string, Refusal>> = {
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, message: 'The request took too long to arrive.' },
  HPE_HEADER_OVERFLOW: { status: 431, message: 'The headers are too large.' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, message: 'The extensions of a chunk are too large.' },
};
const MALFORMED: Refusal = { status: 400, message: 'This is no HTTP/1.1 request.' };

/** Answers violations of HTTP, which never become a request, in JSON with a code. Node's own answers have no body. */
export const answerProtocolErrors = (server: Server): void => {
  /** The latest response of each connection. */
  const responses = new WeakMap<Socket, ServerResponse>();
  /** Connections that were refused; further data on them is ignored. */
  const refused = new WeakSet<Socket>();
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    responses.set(request.socket, response);
    response.once('close', () => responses.delete(request.socket));
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (refused.has(socket)) return;
    if (hasCode(error, 'ECONNRESET') || responses.get(socket)?.headersSent === true) return void socket.destroy();
    refused.add(socket);
    const { status, message } = REFUSALS[error.code ?? ''] ?? MALFORMED;
    refuse(socket, status, 'BAD_REQUEST', message, { [REQUEST_ID]: randomUUID() });
  });
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    socket.on('error', () => undefined);
    refuse(socket, 405, 'BAD_REQUEST', 'This is no proxy.', { allow: 'GET, HEAD, POST, OPTIONS', [REQUEST_ID]: requestIdOf(request) });
  });
};
