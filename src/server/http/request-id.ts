import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** The form of ids that proxies and clients generate: UUIDs, hexadecimal, base64, possibly with a prefix. */
const WELL_FORMED = /^[\w.:/+=-]{1,128}$/;

export const REQUEST_ID = 'x-request-id';

/** The id of a request in its answer and in all logs: the client's own x-request-id if it is well formed, otherwise a new one, which it then has. */
export const requestIdOf = (request: IncomingMessage): string => {
  const given = request.headers[REQUEST_ID];
  if (typeof given === 'string' && WELL_FORMED.test(given)) return given;
  return (request.headers[REQUEST_ID] = randomUUID());
};
