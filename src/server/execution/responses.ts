import type { ExecutionResult } from 'graphql';
import type { FetchAPI, Plugin } from 'graphql-yoga';
import { codeOf, coded, ERROR_CODES, type ErrorCode } from '../../errors.js';
import type { Mask } from './mask.js';
import { negotiate } from '../http/negotiate.js';
import { publicResult } from './public-result.js';
import { resultsOf } from './stream-delivery.js';
import { isFound } from './subscribe.js';

const JSON_TYPE = 'application/json';
const EVENT_STREAM = 'text/event-stream';
/** In the order in which they are chosen for those who take anything. */
const MEDIA_TYPES = [JSON_TYPE, 'application/graphql-response+json', EVENT_STREAM];

/** Failures of a well-formed request. A client of `application/json` expects 200 for them, and one of a stream an event. */
const OF_THE_DOCUMENT: ReadonlySet<ErrorCode | null> = new Set([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'OPERATION_TOO_COMPLEX',
  'BAD_USER_INPUT',
]);

/**
 * Turns results into responses as the GraphQL-over-HTTP specification and the distinct connections mode of graphql-sse say, in
 * place of Yoga's own ways: errors are JSON whatever was asked for, and each is told with the status of its code.
 *
 * @param pingMs how often a comment is sent through an event stream, in milliseconds
 * @param queueLimit results that may wait for the reader of an event stream
 */
export const useResponses = (mask: Mask, pingMs: number, queueLimit: number): Plugin => ({
  onResultProcess: (process) => {
    const { request, result } = process;
    const accept = request.headers.get('accept');
    if (isFound(result)) {
      if (negotiate(accept, [EVENT_STREAM]) !== null)
        process.setResultProcessor(() => eventStream(resultsOf(result, queueLimit), mask, pingMs), EVENT_STREAM);
      else {
        // Nobody will read it.
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
      const legacy = type === JSON_TYPE && OF_THE_DOCUMENT.has(codeOf(single.errors?.[0]));
      return process.setResultProcessor((_, api) => json(api, single, { status: legacy ? 200 : status, headers, type }), type);
    }
    // A reader of events in a browser does not see the body of a failed response: mistakes in a document are told as an event.
    if (status === 200 || OF_THE_DOCUMENT.has(codeOf(single.errors?.[0])))
      return process.setResultProcessor(() => eventStream(once(single), mask, pingMs), type);
    process.setResultProcessor((_, api) => json(api, single, { status, headers }), type);
  },
});

async function* once(result: ExecutionResult): AsyncGenerator<ExecutionResult> {
  yield await Promise.resolve(result);
}

interface HttpHints {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The status of a result: 200, unless no field was executed at all. */
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

/** In whole seconds, as HTTP tells it: the longest that one of the errors asks to be waited. */
const retryAfter = ({ errors = [] }: ExecutionResult): { readonly 'retry-after'?: string } => {
  const waits = errors.map(({ extensions }) => Number(extensions['retryAfterMs'])).filter((wait) => wait > 0);
  return waits.length === 0 ? {} : { 'retry-after': String(Math.ceil(Math.max(...waits) / 1_000)) };
};

/** The results as server-sent events, ended by `complete`; leaving the stream leaves the results. */
const eventStream = (results: AsyncIterable<ExecutionResult>, mask: Mask, pingMs: number): Response => {
  const encoder = new TextEncoder();
  const iterator = results[Symbol.asyncIterator]();
  let keepAlive: NodeJS.Timeout | undefined;
  let left = false;
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      // A first comment lets the headers through proxies that wait for a body.
      controller.enqueue(encoder.encode(COMMENT));
      keepAlive = setInterval(() => {
        // Not behind what the peer has not taken yet.
        if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(COMMENT));
      }, pingMs);
    },
    pull: async (controller) => {
      const next = await iterator.next().catch((error: unknown): IteratorResult<ExecutionResult> => ({ value: { errors: [mask(error)] } }));
      if (left) return;
      if (next.done !== true) {
        const cursor = next.value.extensions?.['cursor'];
        // A browser's EventSource sends the last id again, as Last-Event-ID, when it comes back.
        const id = typeof cursor === 'string' ? `id: ${cursor}\n` : '';
        controller.enqueue(encoder.encode(`event: next\n${id}data: ${JSON.stringify(publicResult(next.value))}\n\n`));
        return;
      }
      clearInterval(keepAlive);
      controller.enqueue(encoder.encode('event: complete\ndata:\n\n'));
      controller.close();
    },
    cancel: async () => {
      left = true;
      clearInterval(keepAlive);
      await iterator.return?.();
    },
  });
  return new Response(body, {
    headers: {
      'content-type': `${EVENT_STREAM}; charset=utf-8`,
      'cache-control': 'no-cache, no-transform',
      // nginx would hold events back until its buffer is full.
      'x-accel-buffering': 'no',
    },
  });
};

const COMMENT = ':\n\n';
