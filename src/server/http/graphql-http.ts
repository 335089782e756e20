import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Connections } from './connections.js';
import type { GraphiQLPage } from '../graphiql/page.js';
import type { Context } from '../../context.js';
import type { ErrorCode } from '../../errors.js';
import type { Visit, VisitOf } from '../../observability/access-log.js';
import type { GraphQLServer } from '../execution/graphql.js';
import { createHangUp, type HangUp } from '../execution/hang-up.js';
import { answerOf, type Answer } from '../execution/responses.js';
import type { FoundSubscription } from '../execution/subscribe.js';
import type { Direct } from './direct.js';
import { COMMIT_HEADER } from '../execution/commit.js';
import { createCompressedBodies, encodingOf, MIN_COMPRESSED_BYTES, type CompressedBodies } from './encoding.js';
import { isKnown, weakTag } from './entity-tag.js';
import { endWithEvents, EVENT_STREAM, type EventStreams } from './event-stream.js';
import { isJson, isUtf8 } from './media-type.js';
import { wantsPage } from './negotiate.js';
import { sendBare, sendError } from './send.js';

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Counts responses that stay open, which are event streams. */
export interface Streams {
  readonly connections: Connections;
  readonly events: EventStreams;
  /** Counts a stream with its address, until it leaves; null when the address has its maximum. */
  readonly enter: (request: IncomingMessage) => { readonly client: Context['client']; readonly leave: () => void } | null;
}

/** What executes the operations of requests. */
export interface Ways {
  readonly direct: Direct;
  readonly yoga: Pick<GraphQLServer, 'handleNodeRequestAndResponse'>;
}

/** Waits until a refusal may be told, or nobody waits for it any more; null when it may be told now. */
export type Hold = (request: IncomingMessage, refusal: ErrorCode, signal: AbortSignal) => Promise<void> | null;

/** Answers with an error, when it may be told. */
export type Refuse = (
  request: IncomingMessage,
  response: ServerResponse,
  ...error: OmitFirst<Parameters<typeof sendError>>
) => Promise<void>;

type OmitFirst<List extends unknown[]> = List extends [unknown, ...infer Rest] ? Rest : never;

/**
 * Handles GraphQL over HTTP with server-sent events, and serves GraphiQL to browsers.
 * @param page null where GraphiQL is off
 */
export const createGraphQLHandler = (
  { direct, yoga }: Ways,
  page: GraphiQLPage | null,
  streams: Streams,
  hold: Hold,
  refuse: Refuse,
  visitOf: VisitOf,
): Handler => {
  const compressed = createCompressedBodies();
  const answer: Handler = async (request, response) => {
    const hangUp = createHangUp();
    response.once('close', () => {
      if (!response.writableFinished) hangUp.end();
    });
    // Yoga knows no HEAD. It is executed as a GET, and Node leaves the body of its answer out.
    const isHead = request.method === 'HEAD';
    if (isHead) request.method = 'GET';
    const found: FoundSubscription[] = [];
    try {
      const given =
        request.method === 'POST'
          ? answerOf(
              await direct(request, hangUp, (cookie) => void response.setHeader('set-cookie', cookie)),
              request.headers.accept ?? null,
            )
          : await byYoga(yoga, request, response, hangUp);
      if (given.found !== null) found.push(given.found);
      const visit = visitOf(request);
      if (visit !== null) visit.code = given.code;
      if (given.refusal !== null) await hold(request, given.refusal, hangUp.signal);
      // Nothing follows the head of an event stream that is asked for by HEAD.
      const subscription = isHead ? undefined : found.pop();
      if (subscription === undefined) await send(given, request, response, compressed);
      else await stream(subscription, given, request, response, streams, visit);
    } finally {
      // Those that have not become a stream.
      for (const each of found) each.leave();
    }
  };
  return async (request, response) => {
    const { method } = request;
    const { host = 'localhost', 'content-type': contentType, 'content-encoding': contentEncoding } = request.headers;
    if (!URL.canParse(`http://${host}/`)) {
      await refuse(request, response, 400, 'BAD_REQUEST', 'The Host header is wrong.');
    } else if (wantsPage(request)) {
      if (page === null)
        await refuse(request, response, 404, 'NOT_FOUND', 'GraphiQL is off here (GRAPHIQL). This is the place of GraphQL: use POST.', {
          vary: 'Accept',
        });
      else await page.send(request, response);
    } else if (method === 'PUT' || (method === 'GET' && isSingleConnection(request))) {
      // The mode of graphql-sse in which a PUT reserves one stream for all operations of a client.
      const words =
        'There is no single connection mode here: open an event stream for each subscription (singleConnection: false), or a WebSocket.';
      await refuse(request, response, method === 'PUT' ? 405 : 400, 'BAD_REQUEST', words, { allow: 'GET, HEAD, POST, OPTIONS' });
    } else if (method !== 'GET' && method !== 'HEAD' && method !== 'POST') {
      await refuse(request, response, 405, 'BAD_REQUEST', 'Use GET or POST.', { allow: 'GET, HEAD, POST, OPTIONS' });
    } else if (method === 'POST' && !isJson(contentType)) {
      // Only JSON is accepted: browsers send forms and plain text to other origins without a preflight.
      await refuse(request, response, 415, 'BAD_REQUEST', 'The content type must be application/json.', {
        'accept-post': 'application/json',
      });
    } else if (method === 'POST' && !isUtf8(contentType)) {
      await refuse(request, response, 415, 'BAD_REQUEST', 'The charset must be utf-8.', { 'accept-post': 'application/json' });
    } else if (contentEncoding !== undefined && contentEncoding.toLowerCase() !== 'identity') {
      await refuse(request, response, 415, 'BAD_REQUEST', 'The content must not be encoded.', { 'accept-encoding': 'identity' });
    } else {
      await answer(request, response);
    }
  };
};

/** Whether a client of graphql-sse brings the token of a reserved stream. */
const isSingleConnection = ({ headers, url = '' }: IncomingMessage): boolean =>
  headers['x-graphql-event-stream-token'] !== undefined || (/[?&]token=/.test(url) && !/[?&](query|extensions|documentId)=/.test(url));

/** Yoga's own function to send a response writes the stack of an unexpected error into it. */
const byYoga = async (yoga: Ways['yoga'], request: IncomingMessage, response: ServerResponse, hangUp: HangUp): Promise<Answer> => {
  const answers: Answer[] = [];
  const onAnswer = (answer: Answer): void => void answers.push(answer);
  const sent = await yoga.handleNodeRequestAndResponse(request, response, { req: request, hangUp, onAnswer });
  const body = await sent.text();
  const [{ found, refusal, code } = { found: null, refusal: 'BAD_REQUEST' as const, code: 'BAD_REQUEST' as const }] = answers;
  return { status: sent.status, headers: Object.fromEntries(sent.headers), body: body === '' ? null : body, found, refusal, code };
};

/** Sends a whole response. */
const send = async (
  { status, headers, body }: Answer,
  request: IncomingMessage,
  response: ServerResponse,
  compressed: CompressedBodies,
): Promise<void> => {
  if (response.destroyed) return;
  if (body === null && status >= 400) sendBare(response, status, headers);
  else if (headers['content-type']?.startsWith(EVENT_STREAM) === true) {
    // Without a length, so that each event is a chunk. It is not compressed: each event would have to be flushed, which leaves little to save.
    const { 'content-length': _length, ...others } = headers;
    response.writeHead(status, others);
    endWithEvents(response, String(body ?? ''));
  } else await sendText(status, headers, body ?? '', request, response, compressed);
};

/** Sends JSON, compressed when that is worth it, or nothing when the client of a GET has it already. */
const sendText = async (
  status: number,
  headers: Readonly<Record<string, string>>,
  text: string | Buffer,
  request: IncomingMessage,
  response: ServerResponse,
  compressed: CompressedBodies,
): Promise<void> => {
  const bytes = Buffer.byteLength(text);
  const isLong = bytes > MIN_COMPRESSED_BYTES;
  const isReading = request.method !== 'POST';
  if (isReading) response.appendHeader('vary', `Accept, Accept-Encoding, Authorization, ${COMMIT_HEADER}`);
  else if (isLong) response.appendHeader('vary', 'Accept-Encoding');
  if (isReading && headers['cache-control'] !== undefined && headers['cache-control'] !== 'no-store') {
    const etag = weakTag(text);
    response.setHeader('etag', etag);
    if (isKnown(request.headers['if-none-match'], etag))
      return void response.writeHead(304, { 'cache-control': headers['cache-control'] }).end();
  }
  const encoding = isLong ? encodingOf(request.headers['accept-encoding']) : 'identity';
  if (encoding === 'identity') return void response.writeHead(status, { ...headers, 'content-length': bytes }).end(text);
  const content = await compressed(text, encoding);
  if (response.destroyed) return;
  response.writeHead(status, { ...headers, 'content-encoding': encoding, 'content-length': content.length }).end(content);
};

/** Sends a subscription as an event stream, unless its connection is gone, the server is stopping or its address has its maximum. */
const stream = async (
  found: FoundSubscription,
  { status, headers }: Answer,
  request: IncomingMessage,
  response: ServerResponse,
  { connections, enter, events }: Streams,
  visit: Visit | null,
): Promise<void> => {
  if (response.destroyed) {
    found.leave();
    return;
  }
  if (connections.stopping()) {
    found.leave();
    sendError(response, 503, 'UNAVAILABLE', 'The server is stopping. Subscribe elsewhere, or again soon.', { 'retry-after': '1' });
    return;
  }
  const entered = enter(request);
  if (entered === null) {
    found.leave();
    sendError(response, 429, 'RATE_LIMITED', 'Your address has as many sockets and event streams open as it may. Close one first.', {
      'retry-after': '1',
    });
    return;
  }
  const gone = connections.add(() => response.destroy());
  response.once('close', () => {
    entered.leave();
    gone();
  });
  response.socket?.setNoDelay(true);
  response.writeHead(status, headers);
  await events.send(found, response, entered.client, visit);
};
