import type { ServerResponse } from 'node:http';
import type { ErrorCode } from '../errors.js';

type Headers = Readonly<Record<string, string>>;

export const sendJson = (response: ServerResponse, status: number, body: unknown, headers: Headers = {}): void => {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store', ...headers });
  response.end(JSON.stringify(body));
};

/** Answers a request that never became an operation, in the form of a GraphQL response. */
export const sendError = (response: ServerResponse, status: number, code: ErrorCode, message: string, headers: Headers = {}): void =>
  sendJson(response, status, { errors: [{ message, extensions: { code } }] }, headers);
