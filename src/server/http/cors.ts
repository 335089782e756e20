import type { IncomingMessage, ServerResponse } from 'node:http';

/** Which pages of other origins may call us. */
export interface Cors {
  /** Answers the browser's question: sets the headers; call it before anything is written. */
  readonly allow: (request: IncomingMessage, response: ServerResponse) => void;
  /**
   * Whether whoever sends this request may open a socket, of which browsers ask no question beforehand: those without an origin are no browsers,
   * and a page of the server's own needs no leave.
   */
  readonly admits: (request: IncomingMessage) => boolean;
}

/** How long a browser may remember the answer to a preflight, in seconds. */
const MAX_AGE_S = 600;

/** What an allowed page may read of an answer besides what any page may. */
const EXPOSED = 'Retry-After, X-Request-Id';
/** For a browser that does not say what it wants to send. */
const USUAL_HEADERS = 'Content-Type, Authorization, Accept, Last-Event-ID';
/** A list of header names (RFC 9110, 5.6.2) that a browser may send of its own accord; Node itself bounds how long a header may be. */
const HEADER_NAMES = /^[!#$%&'*+.^`|~\w-]+(?:[ \t]*,[ \t]*[!#$%&'*+.^`|~\w-]+)*$/;
const MAX_HEADER_NAMES_LENGTH = 2_048;

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

/** The names of the headers that the page wants to send: tracing and client awareness have ever new ones, and none of them means anything to us. */
const wantedHeaders = ({ headers }: IncomingMessage): string | null => {
  const wanted = headers['access-control-request-headers'];
  return wanted !== undefined && wanted.length <= MAX_HEADER_NAMES_LENGTH && HEADER_NAMES.test(wanted) ? wanted : null;
};
