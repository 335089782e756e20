import type { IncomingMessage, ServerResponse } from 'node:http';

/** Answers the browser's question whether pages of other origins may call us. */
export interface Cors {
  /** Sets the headers; call it before anything is written. */
  readonly allow: (request: IncomingMessage, response: ServerResponse) => void;
}

/** How long a browser may remember the answer to a preflight, in seconds. */
const MAX_AGE_S = 600;

/**
 * @param origins those that may call; `*` lets any page call, but not with cookies; none refuses them all
 */
export const createCors = (origins: readonly string[]): Cors => {
  const any = origins.includes('*');
  return {
    allow: (request, response) => {
      if (origins.length === 0) return;
      // The answer differs between origins, so caches must keep them apart.
      if (!any) response.appendHeader('vary', 'Origin');
      const { origin } = request.headers;
      if (origin === undefined || !(any || origins.includes(origin))) return;
      response.setHeader('access-control-allow-origin', any ? '*' : origin);
      if (!any) response.setHeader('access-control-allow-credentials', 'true');
      if (request.method !== 'OPTIONS') return;
      response.setHeader('access-control-allow-methods', 'GET, POST, OPTIONS');
      response.setHeader('access-control-allow-headers', 'Content-Type, Authorization, Accept, Last-Event-ID');
      response.setHeader('access-control-max-age', String(MAX_AGE_S));
    },
  };
};
