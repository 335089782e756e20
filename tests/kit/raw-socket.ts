import { WebSocket } from 'ws';
import { deferred } from './deferred.js';

/** A message of graphql-transport-ws, as it stands on the wire. */
export interface RawMessage {
  readonly id?: string;
  readonly type: string;
  readonly payload?: unknown;
}

/** A socket without a client library, for what such a library would never send or show. */
export interface RawSocket {
  readonly socket: WebSocket;
  /** Text and bytes go as they are, all else as JSON. */
  readonly send: (message: unknown) => void;
  /** The next message, in the order in which they came. */
  readonly next: () => Promise<RawMessage>;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

/** @param httpUrl of GraphQL over HTTP */
export const openRawSocket = async (httpUrl: string, protocols: string[] = ['graphql-transport-ws']): Promise<RawSocket> => {
  const socket = new WebSocket(httpUrl.replace(/^http/, 'ws'), protocols);
  const messages: RawMessage[] = [];
  const waiting: ((message: RawMessage) => void)[] = [];
  const opened = deferred<undefined>();
  const closed = deferred<{ code: number; reason: string }>();
  socket.on('open', () => opened.resolve(undefined));
  socket.on('error', opened.reject);
  socket.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString()) as RawMessage;
    const waiter = waiting.shift();
    if (waiter) waiter(message);
    else messages.push(message);
  });
  socket.on('close', (code, reason) => closed.resolve({ code, reason: reason.toString() }));
  await opened.promise;
  return {
    socket,
    send: (message) => socket.send(typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message)),
    next: () => {
      const message = messages.shift();
      return message ? Promise.resolve(message) : new Promise((resolve) => waiting.push(resolve));
    },
    closed: closed.promise,
  };
};
