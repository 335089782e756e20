import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** What proxies and clients make: uuids, hexadecimal, base64, with a prefix perhaps. */
const WELL_FORMED = /^[\w.:/+=-]{1,128}$/;

export const REQUEST_ID = 'x-request-id';

/** By what a request is known in everybody's logs: the client's own word if it is well-formed, else a new one. */
export const requestIdOf = (request: IncomingMessage): string => {
  const given = request.headers[REQUEST_ID];
  return typeof given === 'string' && WELL_FORMED.test(given) ? given : randomUUID();
};
