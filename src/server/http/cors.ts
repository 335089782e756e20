import type { IncomingMessage, ServerResponse } from 'node:http';

/** Cross-origin access. */
export interface Cors {
  /** Sets the CORS headers of a response; it must be called before anything is written. */
  readonly allow: (request: IncomingMessage, response: ServerResponse) => void;
  /**
   * Whether a request may open a WebSocket, for which browsers send no preflight. A request without an Origin is not from a browser, and a
   * page of the server's own origin is always allowed.
   */
  readonly admits: (request: IncomingMessage) => boolean;
}

/** How long a browser may cache the answer to a preflight, in seconds. */
const MAX_AGE_S = 600;

/** The response headers that an allowed page may read beyond the default ones. */
const EXPOSED = 'Retry-After, X-Request-Id';
/** The allowed headers when a preflight names none. */
const USUAL_HEADERS = 'Content-Type, Authorization, Accept, Last-Event-ID';
/** A list of header names (RFC 9110, 5.6.2), as browsers send it. Node limits the length of a header. */
const HEADER_NAMES = /^[!#$%&'*+.^`|~\w-]+(?:[ \t]*,[ \t]*[!#$%&'*+.^`|~\w-]+)*$/;
const MAX_HEADER_NAMES_LENGTH = 2_048;

/**
 * Creates the CORS policy.
 * @param origins the allowed origins; `*` allows any page, but without cookies; an empty list allows none
 */
export const createCors = (origins: readonly string[]): Cors => {
  const any = origins.includes('*');
  return {
    allow: (request, response) => {
      if (origins.length === 0) return;
      // The response depends on the origin, so caches must store one for each.
      if (!any) response.appendHeader('vary', 'Origin');
      const { origin } = request.headers;
      if (origin === undefined || !(any || origins.includes(origin))) return;
      response.setHeader('access-control-allow-origin', any ? '*' : origin);
      if (!any) response.setHeader('access-control-allow-credentials', 'true');
      response.setHeader('access-control-expose-headers', EXPOSED);
      if (request.method !== 'OPTIONS') return;
      response.appendHeader('vary', 'Access-Control-Request-Headers');
      response.setHeader('access-control-allow-methods', 'GET, POST, OPTIONS');
      response.setHeader('access-control-allow-headers', wantedHeaders(request) ?? USUAL_HEADERS);
      response.setHeader('access-control-max-age', String(MAX_AGE_S));
    },
    admits: ({ headers: { origin, host } }) =>
      origin === undefined || any || origins.includes(origin) || (URL.canParse(origin) && new URL(origin).host === host?.toLowerCase()),
  };
};

/**
 * The header names of a preflight. All are allowed: tracing and client awareness bring ever new ones, and none of them has a meaning here.
 */
const wantedHeaders = ({ headers }: IncomingMessage): string | null => {
  const wanted = headers['access-control-request-headers'];
  return wanted !== undefined && wanted.length <= MAX_HEADER_NAMES_LENGTH && HEADER_NAMES.test(wanted) ? wanted : null;
};
