import type { IncomingMessage, ServerResponse } from 'node:http';
import { execute, getOperationAST, GraphQLError, Kind, OperationTypeNode, type ExecutionArgs, type GraphQLSchema } from 'graphql';
import { useEngine } from '@envelop/core';
import { createYoga, type Plugin, type YogaServerInstance } from 'graphql-yoga';
import { contextFor, type Context, type Services } from '../../context.js';
import type { Authenticator } from '../../domains/account/authenticate.js';
import { credentialOf } from '../../domains/account/credentials.js';
import { coded } from '../../errors.js';
import { CURSOR_LENGTH } from '../../realtime/cursor.js';
import type { AccessWatcher } from '../rights/access-watcher.js';
import { clientAddress } from '../http/address.js';
import { bytesOfDocument, createDocumentCache } from './document-cache.js';
import { parseDocument, validateDocument } from './document.js';
import { createMask, type Mask } from './mask.js';
import { useResponses } from './responses.js';
import { createSubscribe, type TransportContext } from './subscribe.js';
import { withVariableErrors } from './variables.js';

/** What the transports add to the context before an operation runs. */
export interface RequestContext {
  readonly req?: IncomingMessage;
  readonly res?: ServerResponse;
  /** Set by the socket, which has authenticated its peer already. */
  readonly socket?: Required<TransportContext> & Pick<Context, 'client'>;
}

/** What is held of documents that were parsed and found valid, and of texts that could not be parsed, in bytes. */
const DOCUMENT_BYTES = 67_108_864;
const ERROR_BYTES = 4_194_304;

interface Authenticated extends Context, TransportContext {
  /** Why the request's token was refused. */
  readonly refused: GraphQLError | null;
}

export type GraphQLServer = YogaServerInstance<RequestContext, Context>;

/** The one pipeline behind every transport: authenticate, parse, validate, execute, mask. */
export const createGraphQLServer = (
  schema: GraphQLSchema,
  services: Services,
  { authenticate }: Authenticator,
  watcher: AccessWatcher,
): GraphQLServer => {
  const { config, log } = services;
  const mask = createMask(services);
  const subscribe = createSubscribe(services, mask, watcher);
  const engine = {
    parse: parseDocument,
    validate: validateDocument,
    execute: withVariableErrors(execute),
    subscribe: withVariableErrors(subscribe),
  };
  return createYoga<RequestContext, Context>({
    schema,
    graphqlEndpoint: '/graphql',
    landingPage: false,
    // It answers any address that ends so, /graphql?query=…/healthz too; no address ends with a space.
    healthCheckEndpoint: ' ',
    batching: false,
    multipart: false,
    maxRequestBodySize: config.limits.requestBytes,
    parserAndValidationCache: {
      documentCache: createDocumentCache(DOCUMENT_BYTES, bytesOfDocument),
      errorCache: createDocumentCache(ERROR_BYTES, () => 0),
    },
    // Ours: src/server/http/cors.ts and src/server/graphiql/page.ts.
    cors: false,
    graphiql: false,
    logging: { debug: () => undefined, info: () => undefined, warn: (...args) => log.warn(args.join(' ')), error: () => undefined },
    maskedErrors: { maskError: mask },
    context: (request): Promise<Authenticated> => makeContext(services, authenticate, request),
    plugins: [
      useEngine(engine),
      useParameters(),
      useCodes(),
      useTokens(mask),
      useResponses(mask, config.delivery.pingMs, config.realtime.queueLimit),
    ],
  });
};

const makeContext = async (
  services: Services,
  authenticate: Authenticator['authenticate'],
  request: RequestContext,
): Promise<Authenticated> => {
  const { socket, req } = request;
  if (socket)
    return {
      ...contextFor(services, { principal: socket.watch?.principal ?? null, client: socket.client }),
      watch: socket.watch,
      refused: null,
    };
  const client = {
    ip: req ? clientAddress(req, services.config.trustProxy) : null,
    userAgent: req?.headers['user-agent']?.slice(0, 500) ?? null,
  };
  const lastEventId = lastEventIdOf(req);
  try {
    const credential = credentialOf(req?.headers ?? {});
    const principal = credential && (await authenticate(credential));
    return { ...contextFor(services, { principal, client, lastEventId }), refused: null };
  } catch (error) {
    // Kept for the moment when it is known what is asked: some mutations need no viewer.
    if (error instanceof GraphQLError) return { ...contextFor(services, { principal: null, client }), refused: error };
    throw error;
  }
};

/** Of one that is longer than any cursor no more is kept than shows that it is none: it is refused as `after` would be. */
const lastEventIdOf = (request: IncomingMessage | undefined): string | null => {
  const given = request?.headers['last-event-id'];
  return typeof given === 'string' && given !== '' ? given.slice(0, CURSOR_LENGTH + 1) : null;
};

/** Parameters that cannot be read are the caller's mistake: Yoga lets JSON.parse throw for those in the address. */
const useParameters = (): Plugin => ({
  onRequestParse: ({ requestParser, setRequestParser }) => {
    if (requestParser === undefined) return;
    setRequestParser(async (request) => {
      try {
        return await requestParser(request);
      } catch (error) {
        if (error instanceof SyntaxError) throw coded('BAD_REQUEST', 'The parameters "variables" and "extensions" must be JSON.');
        throw error;
      }
    });
  },
});

/** Errors of the parser and of the validation carry their code on every transport. */
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

/** A refused token refuses the operation, unless it consists of mutations that need no viewer, such as signing in. */
const useTokens = (mask: Mask): Plugin => {
  const guard = ({ args, setResultAndStopExecution }: Guarded): void => {
    const { refused } = args.contextValue as Partial<Authenticated>;
    if (!refused || isViewerless(args)) return;
    setResultAndStopExecution({ errors: [mask(refused)] });
  };
  return {
    onExecute: (payload) => guard(payload),
    onSubscribe: (payload) => guard(payload),
  };
};

interface Guarded {
  readonly args: ExecutionArgs;
  readonly setResultAndStopExecution: (result: { errors: GraphQLError[] }) => void;
}

const isViewerless = ({ schema, document, operationName }: ExecutionArgs): boolean => {
  const operation = getOperationAST(document, operationName);
  const fields = schema.getMutationType()?.getFields() ?? {};
  return (
    operation?.operation === OperationTypeNode.MUTATION &&
    operation.selectionSet.selections.every(
      (selection) => selection.kind === Kind.FIELD && fields[selection.name.value]?.extensions['viewerless'] === true,
    )
  );
};
