import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { getOperationAST, type DocumentNode, type ExecutionArgs, type ExecutionResult, type GraphQLError, type GraphQLSchema } from 'graphql';
import { CloseCode, handleProtocols, makeServer, type SubscribePayload } from 'graphql-ws';
import { WebSocketServer } from 'ws';
import type { Context, Services, Viewer } from '../context.js';
import { TokenError } from '../domains/account/tokens.js';
import { coded } from '../errors.js';
import { encodeId } from '../ids.js';
import { clientAddress } from './address.js';
import type { Authenticate, GraphQLServer, RequestContext } from './graphql.js';
import { createMask } from './mask.js';
import { publicError, publicResult } from './responses.js';
import { createCollector, createOutbox } from './outbox.js';
import { deliverTo } from './socket-delivery.js';
import { carry, type Peer } from './socket-transport.js';

export interface SocketServer {
  /** Closes every socket with 1012 (the server restarts) and refuses new ones. */
  readonly stop: () => Promise<void>;
}

export interface SocketOptions {
  readonly http: Server;
  readonly graphql: GraphQLServer;
  readonly services: Services;
  readonly authenticate: Authenticate;
  /** Called when a user's socket is there; what it returns is called when it has gone. */
  readonly onPresent: (userId: string) => () => void;
}

interface Extra extends Peer {
  /** Who the peer is, once the handshake is done. */
  viewer?: Viewer | null;
  leave?: () => void;
}

/** The steps of the pipeline, which the library leaves untyped. */
interface Enveloped {
  readonly schema: GraphQLSchema;
  readonly parse: (source: string) => DocumentNode;
  readonly validate: (schema: GraphQLSchema, document: DocumentNode) => readonly GraphQLError[];
  readonly contextFactory: () => Promise<Context>;
  readonly execute: Run;
  readonly subscribe: Run;
}

type Results = ExecutionResult | AsyncIterableIterator<ExecutionResult>;
type Run = (args: ExecutionArgs) => Promise<Results> | Results;

const PATH = '/graphql';

/** How long a peer has for its `connection_init`, in milliseconds; graphql-ws' own default is the same. */
const INIT_TIMEOUT_MS = 3_000;

/** graphql-transport-ws on the path of the HTTP endpoint. */
export const createSocketServer = ({ http, graphql, services, authenticate, onPresent }: SocketOptions): SocketServer => {
  const { config, clock, log } = services;
  const mask = createMask(log);
  /** The pipeline that an operation was prepared by. */
  const pipelines = new WeakMap<object, Enveloped>();
  const run = async (step: 'execute' | 'subscribe', args: ExecutionArgs): Promise<Results> => {
    try {
      const pipeline = pipelines.get(args);
      if (pipeline === undefined) throw new Error('The operation was not prepared.');
      return await pipeline[step](args);
    } catch (error) {
      return { errors: [mask(error)] };
    }
  };

  const protocol = makeServer<Record<string, unknown>, Extra>({
    connectionInitWaitTimeout: INIT_TIMEOUT_MS,
    onConnect: async ({ connectionParams = {}, extra }) => {
      const { socket } = extra;
      try {
        const token = tokenOf(connectionParams);
        extra.viewer = token === null ? null : await authenticate(token);
      } catch (error) {
        if (!(error instanceof TokenError)) {
          log.warn({ err: String(error) }, 'a socket could not be authenticated');
          socket.close(TRY_AGAIN_LATER, 'Try again later');
        } else if (error.reason === 'expired') socket.close(CloseCode.Forbidden, 'Token expired');
        else socket.close(CloseCode.Unauthorized, 'Invalid token');
        return false;
      }
      // The peer may have gone while its token was looked up; then nobody would ever end its presence.
      if (extra.viewer && socket.readyState === socket.OPEN) extra.leave = onPresent(extra.viewer.id);
      return {
        connectionId: randomUUID(),
        serverTime: new Date(clock.now()).toISOString(),
        viewer: extra.viewer && { id: encodeId('User', extra.viewer.id), username: extra.viewer.username },
      };
    },
    onClose: ({ extra }) => extra.leave?.(),
    // Whatever is thrown here would close the whole socket for one operation's failure.
    onSubscribe: async ({ extra }, id, params) => {
      try {
        const prepared = await prepare(extra, id, params);
        if (!('args' in prepared)) return prepared;
        pipelines.set(prepared.args, prepared.pipeline);
        return prepared.args;
      } catch (error) {
        return [mask(error)];
      }
    },
    execute: (args) => run('execute', args) as Promise<ExecutionResult>,
    subscribe: (args) => run('subscribe', args),
    onError: (_context, _id, _payload, errors) => errors.map(publicError),
    onNext: (_context, _id, _payload, _args, result) => publicResult(result),
  });

  const prepare = async (extra: Extra, id: string, params: SubscribePayload): Promise<readonly GraphQLError[] | { readonly args: ExecutionArgs; readonly pipeline: Enveloped }> => {
    const request: RequestContext = {
      socket: {
        viewer: extra.viewer ?? null,
        client: {
          ip: clientAddress(extra.request, config.trustProxy),
          userAgent: extra.request.headers['user-agent']?.slice(0, 500) ?? null,
        },
        deliver: deliverTo(extra.outbox, id),
      },
    };
    const pipeline = graphql.getEnveloped({ ...request, params }) as unknown as Enveloped;
    const { schema } = pipeline;
    const document = pipeline.parse(params.query);
    const errors = pipeline.validate(schema, document);
    if (errors.length > 0) return errors;
    const operationName = params.operationName ?? null;
    if (!getOperationAST(document, operationName)) throw unknownOperation(operationName);
    const contextValue = await pipeline.contextFactory();
    return { args: { schema, document, operationName, variableValues: params.variables ?? null, contextValue }, pipeline };
  };

  const collector = createCollector(config.delivery.coalesceMs);
  const sockets = new WebSocketServer({ noServer: true, maxPayload: config.limits.requestBytes, handleProtocols });
  let stopping = false;
  const onUpgrade = (request: IncomingMessage, stream: Duplex, head: Buffer): void => {
    stream.on('error', (error) => log.debug({ err: error.message }, 'a socket broke while it was opened'));
    const [path] = (request.url ?? '/').split('?', 1);
    if (stopping) refuse(stream, '503 Service Unavailable');
    else if (path !== PATH) refuse(stream, '404 Not Found');
    else {
      sockets.handleUpgrade(request, stream, head, (socket) => {
        const { maxFrames, maxBytes, stallMs } = config.delivery;
        const outbox = createOutbox({ stream, collector, maxFrames, maxBytes, stallMs, onStall: () => socket.terminate() });
        carry<Extra>(protocol, { socket, request, outbox }, log);
      });
    }
  };
  http.on('upgrade', onUpgrade);

  return {
    stop: async () => {
      stopping = true;
      const closed = [...sockets.clients].map(
        (socket) =>
          new Promise<void>((resolve) => {
            socket.once('close', () => resolve());
            socket.close(SERVICE_RESTART, 'Service restart');
          }),
      );
      const impatience = setTimeout(() => {
        for (const socket of sockets.clients) socket.terminate();
      }, CLOSE_TIMEOUT_MS);
      await Promise.all(closed);
      clearTimeout(impatience);
      sockets.close();
    },
  };
};

/**
 * The token in the payload of `connection_init`: `accessToken`, or an Authorization header as tools send it that pass their headers
 * on; null for none.
 * @throws TokenError for what is there and cannot be a token
 */
const tokenOf = (params: Readonly<Record<string, unknown>>): string | null => {
  const given = params['accessToken'] ?? null;
  if (typeof given === 'string') return given;
  const header = Object.entries(params).find(([name]) => name.toLowerCase() === 'authorization')?.[1] ?? null;
  if (given === null && header === null) return null;
  const token = typeof header === 'string' && given === null ? /^Bearer +(\S+)$/i.exec(header)?.[1] : undefined;
  if (token === undefined) throw new TokenError('invalid');
  return token;
};

const unknownOperation = (name: string | null): GraphQLError =>
  coded('BAD_REQUEST', name === null ? 'Must provide operation name if query contains multiple operations.' : `Unknown operation named "${name}".`);

const refuse = (stream: Duplex, status: string): void => {
  stream.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
};

const SERVICE_RESTART = 1012;
const TRY_AGAIN_LATER = 1013;
/** How long a peer has to answer a close frame before its connection is cut. */
const CLOSE_TIMEOUT_MS = 2_000;
