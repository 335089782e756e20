import type { IncomingMessage } from 'node:http';

/**
 * The client's address. Behind a trusted proxy it is the last one in X-Forwarded-For, which the proxy itself has added; the earlier ones
 * were sent by the client.
 */
export const clientAddress = (request: IncomingMessage, trustProxy: boolean): string | null => {
  const forwarded = trustProxy ? request.headers['x-forwarded-for'] : undefined;
  const last = forwarded === undefined ? undefined : String(forwarded).split(',').at(-1)?.trim();
  return last !== undefined && last !== '' ? last : (request.socket.remoteAddress ?? null);
};
