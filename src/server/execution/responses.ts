import type { ExecutionResult } from 'graphql';
import { codeOf, coded, ERROR_CODES, type ErrorCode } from '../../errors.js';
import { EVENT_STREAM, EVENT_STREAM_HEADERS, singleEvent } from '../http/event-stream.js';
import { negotiate } from '../http/negotiate.js';
import type { Found } from './engine.js';
import { bytesOfResult } from './result-cache.js';
import { COMMIT_HEADER } from './commit.js';
import { publicResult } from './public-result.js';
import { refusalOf } from './refusal.js';
import { isFound, type FoundSubscription } from './subscribe.js';

/** The response to an operation over HTTP. */
export interface Answer {
  readonly status: number;
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Null when only the head is sent and `found` follows. */
  readonly body: string | Buffer | null;
  /** A subscription to be sent as an event stream. Whoever takes it must close it. */
  readonly found: FoundSubscription | null;
  /** See {@link refusalOf}. */
  readonly refusal: ErrorCode | null;
  /** Of its first error. */
  readonly code: ErrorCode | null;
}

const JSON_TYPE = 'application/json';
/** In the order of preference for clients that accept anything. */
const MEDIA_TYPES = [JSON_TYPE, 'application/graphql-response+json', EVENT_STREAM] as const;

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
 * Turns results into responses according to the GraphQL-over-HTTP specification and the distinct connections mode of graphql-sse: errors are
 * JSON whatever the client accepts, with the HTTP status of their code.
 * @param accept the header `Accept`; null when the client accepts anything
 * @param cacheControl the header of a result without errors; nothing else is stored by anybody
 */
export const answerOf = (result: Found, accept: string | null, cacheControl = NO_STORE): Answer => {
  if (isFound(result)) {
    if (negotiate(accept, [EVENT_STREAM]) !== null)
      return { status: 200, headers: EVENT_STREAM_HEADERS, body: null, found: result, refusal: null, code: null };
    // The subscription has been opened and will not be read.
    result.leave();
    return json(notAcceptable('A subscription needs "Accept: text/event-stream", or a WebSocket.'));
  }
  const type = negotiate(accept, MEDIA_TYPES);
  if (type === null) return json(notAcceptable(`Accept one of ${MEDIA_TYPES.join(', ')}.`));
  const failure = failureOf(result);
  const isRequestError = REQUEST_ERRORS.has(codeOf(result.errors?.[0]));
  // An EventSource in a browser cannot read the body of a failed response, so errors in the document are sent as an event.
  if (type === EVENT_STREAM)
    return failure.status === 200 || isRequestError
      ? {
          status: 200,
          headers: EVENT_STREAM_HEADERS,
          body: singleEvent(result),
          found: null,
          refusal: refusalOf(result),
          code: codeOf(result.errors?.[0]),
        }
      : json(result, failure);
  const status = type === JSON_TYPE && isRequestError ? 200 : failure.status;
  return json(result, { ...failure, status, type, ...(result.errors ? {} : { cacheControl }) });
};

const NO_STORE = 'no-store';

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
  if (data !== undefined || error === undefined || errors.some(({ path }) => path !== undefined)) return SUCCESS;
  const { status = ERROR_CODES[codeOf(error) ?? 'INTERNAL'].status, headers = {} } = (error.extensions['http'] ?? {}) as HttpHints;
  return { status, headers };
};

const SUCCESS = { status: 200, headers: {} };

const notAcceptable = (message: string): ExecutionResult => ({
  errors: [coded('BAD_REQUEST', message, { http: { status: 406 } })],
});

interface Head {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly type?: string;
  readonly cacheControl?: string;
}

const json = (
  result: ExecutionResult,
  { status, headers, type = JSON_TYPE, cacheControl = NO_STORE }: Head = failureOf(result),
): Answer => {
  const own = { 'content-type': `${type}; charset=utf-8`, 'cache-control': cacheControl };
  return {
    status,
    // All others come from errors and extensions, which most results have not: to copy five objects takes longer than the rest of this.
    headers:
      result.errors === undefined && result.extensions === undefined
        ? own
        : { ...headers, ...retryAfter(result), ...commitHeader(result), ...ageHeader(result), ...own },
    body: bytesOfResult(result) ?? JSON.stringify(publicResult(result)),
    found: null,
    refusal: refusalOf(result),
    code: codeOf(result.errors?.[0]),
  };
};

const commitHeader = ({ extensions }: ExecutionResult): Readonly<Record<string, string>> =>
  typeof extensions?.['commit'] === 'string' ? { [COMMIT_HEADER]: extensions['commit'] } : {};

/** The Age header of an answer from before the database was away, in whole seconds. */
const ageHeader = ({ extensions }: ExecutionResult): Readonly<Record<string, string>> => {
  const stale = extensions?.['stale'] as { readonly ageMs: number } | undefined;
  return stale === undefined ? {} : { age: String(Math.ceil(stale.ageMs / 1_000)) };
};

/** The Retry-After header: the longest wait that one of the errors asks for, in whole seconds. */
const retryAfter = ({ errors = [] }: ExecutionResult): { readonly 'retry-after'?: string } => {
  const waits = errors.map(({ extensions }) => Number(extensions['retryAfterMs'])).filter((wait) => wait > 0);
  return waits.length === 0 ? {} : { 'retry-after': String(Math.ceil(Math.max(...waits) / 1_000)) };
};
