import type { IncomingMessage } from 'node:http';

/**
 * The client's address. Behind a proxy that is trusted it is the last one in X-Forwarded-For: the one the proxy itself has seen; those
 * before it are the client's own words.
 */
export const clientAddress = (request: IncomingMessage, trustProxy: boolean): string | null => {
  const forwarded = trustProxy ? request.headers['x-forwarded-for'] : undefined;
  const last = String(forwarded ?? '')
    .split(',')
    .at(-1)
    ?.trim();
  return last !== undefined && last !== '' ? last : (request.socket.remoteAddress ?? null);
};
