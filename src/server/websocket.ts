import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { GraphQLError, type DocumentNode, type FormattedExecutionResult, type GraphQLFormattedError, type GraphQLSchema } from 'graphql';
import { CloseCode } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Services, Viewer } from '../context.js';
import { TokenError } from '../domains/account/tokens.js';
import { encodeId } from '../ids.js';
import { clientAddress } from './address.js';
import type { Authenticate, GraphQLServer, RequestContext } from './graphql.js';

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

interface Extra {
  readonly socket: WebSocket;
  readonly request: IncomingMessage;
  /** The peer, once the handshake is done. */
  viewer?: Viewer | null;
  leave?: () => void;
}

/** The steps of the pipeline, which the library leaves untyped. */
interface Enveloped {
  readonly schema: GraphQLSchema;
  readonly parse: (source: string) => DocumentNode;
  readonly validate: (schema: GraphQLSchema, document: DocumentNode) => readonly GraphQLError[];
  readonly contextFactory: () => unknown;
  readonly execute: (args: unknown) => never;
  readonly subscribe: (args: unknown) => never;
}

const PATH = '/graphql';

/** How long a peer has for its `connection_init`, in milliseconds; graphql-ws' own default is the same. */
const INIT_TIMEOUT_MS = 3_000;

/** graphql-transport-ws on the path of the HTTP endpoint. */
export const createSocketServer = ({ http, graphql, services, authenticate, onPresent }: SocketOptions): SocketServer => {
  const { config, clock, log } = services;
  const sockets = new WebSocketServer({ noServer: true, maxPayload: config.limits.requestBytes });
  const onUpgrade = (request: IncomingMessage, stream: Duplex, head: Buffer): void => {
    stream.on('error', (error) => log.debug({ err: error.message }, 'a socket broke while it was opened'));
    if (new URL(request.url ?? '/', 'http://localhost').pathname !== PATH) {
      stream.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, stream, head, (socket) => {
      // ws reports a peer's protocol violations (an oversized frame, bad UTF-8) here, after it has closed the socket.
      socket.on('error', (error) => log.debug({ err: error.message }, 'a socket broke'));
      sockets.emit('connection', socket, request);
    });
  };
  http.on('upgrade', onUpgrade);

  useServer<Record<string, unknown>, Extra & Record<PropertyKey, unknown>>(
    {
      connectionInitWaitTimeout: INIT_TIMEOUT_MS,
      onConnect: async ({ connectionParams, extra }) => {
        const token = connectionParams?.['accessToken'];
        try {
          // What is not even text is a token that can never be valid.
          extra.viewer = token === undefined || token === null ? null : await authenticate(typeof token === 'string' ? token : '');
        } catch (error) {
          if (!(error instanceof TokenError)) {
            log.warn({ err: String(error) }, 'a socket could not be authenticated');
            extra.socket.close(TRY_AGAIN_LATER, 'Try again later');
          } else if (error.reason === 'expired') extra.socket.close(CloseCode.Forbidden, 'Token expired');
          else extra.socket.close(CloseCode.Unauthorized, 'Invalid token');
          return false;
        }
        // The peer may have gone while its token was looked up; then nobody would ever end its presence.
        if (extra.viewer && extra.socket.readyState === extra.socket.OPEN) extra.leave = onPresent(extra.viewer.id);
        return {
          connectionId: randomUUID(),
          serverTime: new Date(clock.now()).toISOString(),
          viewer: extra.viewer && { id: encodeId('User', extra.viewer.id), username: extra.viewer.username },
        };
      },
      onClose: ({ extra }) => extra.leave?.(),
      onError: (_context, _id, _payload, errors) => errors.map(withoutHttp),
      onNext: (_context, _id, _payload, _args, result) =>
        result.errors && ({ ...result, errors: result.errors.map(withoutHttp) } as FormattedExecutionResult),
      onSubscribe: async ({ extra }, _id, params) => {
        const request: RequestContext = {
          socket: {
            viewer: extra.viewer ?? null,
            client: {
              ip: clientAddress(extra.request, config.trustProxy),
              userAgent: extra.request.headers['user-agent']?.slice(0, 500) ?? null,
            },
          },
        };
        const { schema, execute, subscribe, contextFactory, parse, validate } = graphql.getEnveloped({ ...request, params }) as Enveloped;
        let document: DocumentNode;
        try {
          document = parse(params.query);
        } catch (error) {
          // Thrown on, it would close the whole socket for one operation's mistake.
          if (error instanceof GraphQLError) return [error];
          throw error;
        }
        const errors = validate(schema, document);
        if (errors.length > 0) return errors;
        return {
          schema,
          document,
          operationName: params.operationName,
          variableValues: params.variables,
          contextValue: await contextFactory(),
          rootValue: { execute, subscribe },
        };
      },
      execute: (args) => (args.rootValue as { execute: (args: unknown) => never }).execute({ ...args, rootValue: undefined }),
      subscribe: (args) => (args.rootValue as { subscribe: (args: unknown) => never }).subscribe({ ...args, rootValue: undefined }),
    },
    sockets,
  );

  return {
    stop: async () => {
      http.off('upgrade', onUpgrade);
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

/** Statuses and headers are for HTTP alone. */
const withoutHttp = (error: GraphQLError): GraphQLFormattedError => {
  const { extensions, ...formatted } = error.toJSON();
  const { http: _, ...rest } = extensions ?? {};
  return { ...formatted, extensions: rest };
};

const SERVICE_RESTART = 1012;
const TRY_AGAIN_LATER = 1013;
/** How long a peer has to answer a close frame before its connection is cut. */
const CLOSE_TIMEOUT_MS = 2_000;
