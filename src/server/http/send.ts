import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ErrorCode } from '../../errors.js';

type Headers = Readonly<Record<string, string>>;

const JSON_HEADERS: Headers = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' };

export const sendJson = (response: ServerResponse, status: number, body: unknown, headers: Headers = {}): void => {
  const text = JSON.stringify(body);
  response.writeHead(status, { ...JSON_HEADERS, 'content-length': String(Buffer.byteLength(text)), ...headers }).end(text);
};

/** Answers a request that never became an operation, in the form of a GraphQL response. */
export const sendError = (response: ServerResponse, status: number, code: ErrorCode, message: string, headers: Headers = {}): void =>
  sendJson(response, status, errorBody(code, message), headers);

/**
 * Answers with a status for which a library has no body, such as Yoga's for what it does not know.
 * @param headers those of the library
 */
export const sendBare = (response: ServerResponse, status: number, headers: Headers): void => {
  const { 'content-length': _length, 'content-type': _type, ...others } = headers;
  sendError(response, status, status < 500 ? 'BAD_REQUEST' : 'INTERNAL', `${STATUS_CODES[status] ?? 'Something went wrong'}.`, others);
};

const errorBody = (code: ErrorCode, message: string): object => ({ errors: [{ message, extensions: { code } }] });

/** How long a connection may stay open to deliver its last answer, in milliseconds. */
const LINGER_MS = 1_000;

/**
 * The same for a connection without a response object, because there was no request or it has left HTTP. The answer is written to the
 * connection, which then ends. Data that the peer still sends is read and discarded: closing a socket with unread data would reset it, and
 * the answer would be lost.
 */
export const refuse = (stream: Duplex, status: number, code: ErrorCode, message: string, headers: Headers = {}): void => {
  if (!stream.writable) return void stream.destroy();
  const body = JSON.stringify(errorBody(code, message));
  const all: Headers = {
    ...JSON_HEADERS,
    'x-content-type-options': 'nosniff',
    connection: 'close',
    'content-length': String(Buffer.byteLength(body)),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  stream.resume();
  stream.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${body}`);
  const impatience = setTimeout(() => stream.destroy(), LINGER_MS);
  stream.once('close', () => clearTimeout(impatience));
};
