import type { IncomingMessage, ServerResponse } from 'node:http';
import { execute, GraphQLError, type GraphQLSchema } from 'graphql';
import { useEngine } from '@envelop/core';
import { createYoga, type Plugin, type YogaServerInstance } from 'graphql-yoga';
import type { OperationBudgets } from '../../access/buckets.js';
import { contextFor, type Context, type Services } from '../../context.js';
import type { Authenticator } from '../../domains/account/authenticate.js';
import { CURSOR_LENGTH } from '../../realtime/cursor.js';
import type { AccessWatcher } from '../rights/access-watcher.js';
import { clientAddress } from '../http/address.js';
import { admission, type Identity } from './admission.js';
import { bytesOfDocument, createDocumentCache } from './document-cache.js';
import { createParser, validateDocument } from './document.js';
import { createCostOf } from './cost.js';
import { inOrder } from './order.js';
import { createMask } from './mask.js';
import { useResponses, type SubscriptionContext } from './responses.js';
import { createSubscribe, type TransportContext } from './subscribe.js';

/** What the transports pass to the pipeline for an operation. */
export interface RequestContext extends SubscriptionContext {
  readonly req?: IncomingMessage;
  readonly res?: ServerResponse;
  /** Set by a WebSocket, whose client was authenticated in the handshake. */
  readonly socket?: Required<TransportContext> & Pick<Context, 'client'>;
  /** Set by {@link admission} for an HTTP request. */
  readonly identity?: Identity;
}

/** The memory of the caches of valid documents and of texts that could not be parsed, in bytes. */
const DOCUMENT_BYTES = 67_108_864;
const ERROR_BYTES = 4_194_304;

export type GraphQLServer = YogaServerInstance<RequestContext, Context>;

/**
 * Creates the pipeline that all transports share: admission, parsing, validation, execution in the fixed order of checks, masking of
 * errors.
 */
export const createGraphQLServer = (
  schema: GraphQLSchema,
  services: Services,
  { authenticate }: Authenticator,
  watcher: AccessWatcher,
  budgets: OperationBudgets,
): GraphQLServer => {
  const { config, log } = services;
  const mask = createMask(services);
  const costOf = createCostOf(schema);
  const subscribe = createSubscribe(services, mask, watcher, costOf);
  const parse = createParser(config.limits);
  const engine = {
    parse,
    validate: validateDocument,
    execute: inOrder(execute, costOf, config.limits),
    subscribe: inOrder(subscribe, costOf, config.limits),
  };
  return createYoga<RequestContext, Context>({
    schema,
    graphqlEndpoint: '/graphql',
    landingPage: false,
    // Yoga's health check matches any URL that ends in the path, such as /graphql?query=…/healthz. No URL ends in a space, so this turns it
    // off.
    healthCheckEndpoint: ' ',
    batching: false,
    multipart: false,
    maxRequestBodySize: config.limits.requestBytes,
    parserAndValidationCache: {
      documentCache: createDocumentCache(DOCUMENT_BYTES, bytesOfDocument),
      errorCache: createDocumentCache(ERROR_BYTES, () => 0),
    },
    // CORS and GraphiQL are served by src/server/http/cors.ts and src/server/graphiql/page.ts.
    cors: false,
    graphiql: false,
    logging: { debug: () => undefined, info: () => undefined, warn: (...args) => log.warn(args.join(' ')), error: () => undefined },
    maskedErrors: { maskError: mask },
    context: (request) => contextOf(services, request),
    plugins: [
      useEngine(engine),
      admission({ schema, parse, budgets, authenticate, trustProxy: config.trustProxy, mask }),
      useCodes(),
      useResponses(),
    ],
  });
};

/**
 * The context of an operation. The principal is known by now: of a WebSocket since its handshake, of an HTTP request since its admission.
 */
const contextOf = (services: Services, { socket, req, identity }: RequestContext): Context & TransportContext => {
  if (socket)
    return { ...contextFor(services, { principal: socket.watch?.principal ?? null, client: socket.client }), watch: socket.watch };
  const client = {
    ip: req ? clientAddress(req, services.config.trustProxy) : null,
    userAgent: req?.headers['user-agent']?.slice(0, 500) ?? null,
  };
  return contextFor(services, { principal: identity?.principal ?? null, client, lastEventId: lastEventIdOf(req) });
};

/**
 * The Last-Event-ID of a request. One that is longer than any cursor is cut: it remains invalid and is refused as `after` would be, without
 * being kept whole.
 */
const lastEventIdOf = (request: IncomingMessage | undefined): string | null => {
  const given = request?.headers['last-event-id'];
  return typeof given === 'string' && given !== '' ? given.slice(0, CURSOR_LENGTH + 1) : null;
};

/** Gives errors of parsing and validation their codes, on every transport. */
const useCodes = (): Plugin => ({
  onParse:
    () =>
    ({ result, replaceParseResult }) => {
      if (result instanceof GraphQLError) replaceParseResult(withCode(result, 'GRAPHQL_PARSE_FAILED'));
    },
  onValidate:
    () =>
    ({ valid, result, setResult }) => {
      if (!valid) setResult((result as GraphQLError[]).map((error) => withCode(error, 'GRAPHQL_VALIDATION_FAILED')));
    },
});

const withCode = (error: GraphQLError, code: 'GRAPHQL_PARSE_FAILED' | 'GRAPHQL_VALIDATION_FAILED'): GraphQLError => {
  error.extensions['code'] ??= code;
  return error;
};
