import type { IncomingMessage } from 'node:http';
import type { DocumentNode } from 'graphql';
import { useEngine } from '@envelop/core';
import { createYoga, type Plugin, type YogaServerInstance } from 'graphql-yoga';
import type { Context, Principal, Services } from '../../context.js';
import { coded } from '../../errors.js';
import type { VisitOf } from '../../observability/access-log.js';
import { contextOfRequest } from '../http/request-context.js';
import type { Admission } from './admission.js';
import type { Engine, Found } from './engine.js';
import type { HangUp } from './hang-up.js';
import { COMMIT_HEADER } from './commit.js';
import { answerOf, type Answer } from './responses.js';
import { bytesOfResult } from './result-cache.js';
import { isFound } from './subscribe.js';

/** What the HTTP server passes to Yoga with a request. */
export interface RequestContext {
  readonly req: IncomingMessage;
  readonly hangUp: HangUp;
  /** Takes the answer from which the response is made. Whoever takes it must close its subscription. */
  readonly onAnswer: (answer: Answer) => void;
  /** Set by {@link useAdmission}. */
  readonly principal?: Principal | null;
}

export type GraphQLServer = YogaServerInstance<RequestContext, Context>;

/**
 * The shell of Yoga, for operations by GET: it reads them from the URL and refuses mutations. All that it does with them are the functions of the
 * {@link Engine}, of the {@link Admission} and of {@link answerOf}, which a POST calls without this shell (see `http/direct.ts`).
 */
export const createGraphQLServer = (engine: Engine, admission: Admission, services: Services, visitOf: VisitOf): GraphQLServer =>
  createYoga<RequestContext, Context>({
    schema: engine.schema,
    graphqlEndpoint: '/graphql',
    landingPage: false,
    // Yoga's health check matches any URL that ends in the path, such as /graphql?query=…/healthz. No URL ends in a space, so this turns it
    // off.
    healthCheckEndpoint: ' ',
    batching: false,
    multipart: false,
    maxRequestBodySize: services.config.limits.requestBytes,
    // The engine remembers documents.
    parserAndValidationCache: false,
    // CORS and GraphiQL are served by src/server/http/cors.ts and src/server/graphiql/page.ts.
    cors: false,
    graphiql: false,
    logging: {
      debug: () => undefined,
      info: () => undefined,
      warn: (...args) => services.log.warn(args.join(' ')),
      error: () => undefined,
    },
    maskedErrors: { maskError: engine.mask },
    context: ({ req, principal = null, hangUp, params }) =>
      contextOfRequest(services, req, principal, hangUp, params.extensions, { visit: visitOf(req) }),
    plugins: [
      useEngine({
        parse: engine.documents.parse,
        validate: (_schema: unknown, document: DocumentNode) => engine.documents.mistakesOf(document),
        execute: engine.execute,
        subscribe: engine.subscribe,
      }),
      useAdmission(admission),
      useAnswers(services.config.realtime.reconcileMs),
    ],
  });

const useAdmission = (admission: Admission): Plugin<object, RequestContext> => ({
  onRequestParse: ({ url, requestParser, setRequestParser, serverContext: { req } }) => {
    admission.enter(req);
    if (requestParser === undefined) return;
    setRequestParser(async (request) => {
      try {
        // Yoga does not know the id of a document.
        const documentId = url.searchParams.get('documentId');
        const params = await requestParser(request);
        return documentId === null ? params : Object.assign(params, { documentId });
      } catch (error) {
        // Malformed parameters in the URL are a bad request; Yoga would let the SyntaxError of JSON.parse through as an internal error.
        const told =
          error instanceof SyntaxError ? coded('BAD_REQUEST', 'The parameters "variables" and "extensions" must be JSON.') : error;
        throw await admission.unreadable(req, told);
      }
    });
  },
  onParams: async ({ params, setParams, context }) => {
    const { principal, operation } = await admission.admit(context.req, params);
    Object.assign(context, { principal });
    setParams(operation);
  },
});

/**
 * Replaces Yoga's own result processors.
 * @param publicMs how long caches on the way may keep a public result, in milliseconds
 */
const useAnswers = (publicMs: number): Plugin<object, RequestContext> => ({
  onResultProcess: (process) => {
    const { request, result, serverContext } = process;
    const given = result as Found;
    const isPublic = !isFound(given) && bytesOfResult(given) !== null;
    const cacheControl = cacheControlOf(serverContext.req, isPublic ? publicMs : 0);
    const answer = answerOf(given, request.headers.get('accept'), cacheControl);
    const { status, headers, body } = answer;
    serverContext.onAnswer(answer);
    process.setResultProcessor(
      (_, api) => new api.Response(body as BodyInit | null, { status, headers: { ...headers } }),
      headers['content-type'] ?? '',
    );
  },
});

/**
 * A client may keep the result of a GET, but must ask each time whether it is still the same: it is executed again and compared. What was answered to
 * somebody in particular is kept by that client alone. A result that is proven to be the same for all who are not signed in, and whose document is named
 * by its hash, may be given by everybody on the way for as long as this process may give it.
 */
const cacheControlOf = ({ headers, url = '' }: IncomingMessage, publicMs: number): string => {
  if (headers.authorization !== undefined) return 'private, no-cache';
  const seconds = Math.floor(publicMs / 1_000);
  const isNamed = !new URL(url, 'http://localhost').searchParams.has('query');
  return isNamed && seconds > 0 && headers[COMMIT_HEADER] === undefined ? `public, max-age=${seconds}` : 'no-cache';
};
