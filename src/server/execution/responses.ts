import type { ExecutionResult } from 'graphql';
import type { FetchAPI, Plugin } from 'graphql-yoga';
import { codeOf, coded, ERROR_CODES, type ErrorCode } from '../../errors.js';
import { EVENT_STREAM, eventStreamHeaders, singleEvent } from '../http/event-stream.js';
import { negotiate } from '../http/negotiate.js';
import { publicResult } from './public-result.js';
import { isFound, type FoundSubscription } from './subscribe.js';

const JSON_TYPE = 'application/json';
/** In the order of preference for clients that accept anything. */
const MEDIA_TYPES = [JSON_TYPE, 'application/graphql-response+json', EVENT_STREAM];

/**
 * Errors of a well-formed request. A client that accepts `application/json` expects status 200 for them, and a reader of an event stream
 * expects an event.
 */
const REQUEST_ERRORS: ReadonlySet<ErrorCode | null> = new Set([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'OPERATION_TOO_COMPLEX',
  'BAD_USER_INPUT',
]);

/**
 * Turns results into responses according to the GraphQL-over-HTTP specification and the distinct connections mode of graphql-sse. It
 * replaces Yoga's own result processors: errors are JSON whatever the client accepts, with the HTTP status of their code. The response to a subscription
 * is only its head; what follows is up to `onSubscription`.
 */
export const useResponses = (): Plugin<object, SubscriptionContext> => ({
  onResultProcess: (process) => {
    const { request, result, serverContext } = process;
    const accept = request.headers.get('accept');
    if (isFound(result)) {
      if (negotiate(accept, [EVENT_STREAM]) !== null && serverContext.onSubscription !== undefined) {
        serverContext.onSubscription(result);
        process.setResultProcessor((_, api) => new api.Response(null, { headers: eventStreamHeaders() }), EVENT_STREAM);
      } else {
        // The subscription has been opened and will not be read.
        result.leave();
        process.setResultProcessor(
          (_, api) => json(api, notAcceptable('A subscription needs "Accept: text/event-stream", or a WebSocket.')),
          JSON_TYPE,
        );
      }
      return;
    }
    const single = result as ExecutionResult;
    const type = negotiate(accept, MEDIA_TYPES);
    if (type === null)
      return process.setResultProcessor((_, api) => json(api, notAcceptable(`Accept one of ${MEDIA_TYPES.join(', ')}.`)), JSON_TYPE);
    const { status, headers } = failureOf(single);
    if (type !== EVENT_STREAM) {
      const legacy = type === JSON_TYPE && REQUEST_ERRORS.has(codeOf(single.errors?.[0]));
      return process.setResultProcessor((_, api) => json(api, single, { status: legacy ? 200 : status, headers, type }), type);
    }
    // An EventSource in a browser cannot read the body of a failed response, so errors in the document are sent as an event.
    if (status === 200 || REQUEST_ERRORS.has(codeOf(single.errors?.[0])))
      return process.setResultProcessor((_, api) => new api.Response(singleEvent(single), { headers: eventStreamHeaders() }), type);
    process.setResultProcessor((_, api) => json(api, single, { status, headers }), type);
  },
});

/** What the HTTP server passes to the pipeline for the responses. */
export interface SubscriptionContext {
  /** Takes a subscription whose response is an event stream. Whoever takes it must close it. */
  readonly onSubscription?: (found: FoundSubscription) => void;
}

interface HttpHints {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The status of a result: 200, unless no field was executed. */
const failureOf = ({
  data,
  errors = [],
}: ExecutionResult): { readonly status: number; readonly headers: Readonly<Record<string, string>> } => {
  const [error] = errors;
  if (data !== undefined || error === undefined || errors.some(({ path }) => path !== undefined)) return { status: 200, headers: {} };
  const { status = ERROR_CODES[codeOf(error) ?? 'INTERNAL'].status, headers = {} } = (error.extensions['http'] ?? {}) as HttpHints;
  return { status, headers };
};

const notAcceptable = (message: string): ExecutionResult => ({
  errors: [coded('BAD_REQUEST', message, { http: { status: 406 } })],
});

const json = (
  api: FetchAPI,
  result: ExecutionResult,
  {
    status,
    headers,
    type,
  }: { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly type?: string } = failureOf(result),
): Response =>
  new api.Response(JSON.stringify(publicResult(result)), {
    status,
    headers: { ...headers, ...retryAfter(result), 'content-type': `${type ?? JSON_TYPE}; charset=utf-8`, 'cache-control': 'no-store' },
  });

/** The Retry-After header: the longest wait that one of the errors asks for, in whole seconds. */
const retryAfter = ({ errors = [] }: ExecutionResult): { readonly 'retry-after'?: string } => {
  const waits = errors.map(({ extensions }) => Number(extensions['retryAfterMs'])).filter((wait) => wait > 0);
  return waits.length === 0 ? {} : { 'retry-after': String(Math.ceil(Math.max(...waits) / 1_000)) };
};
