import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { refuse } from './send.js';
import type { AddressLimit } from '../websocket/limits.js';

/** The TCP connections of the HTTP server. */
export interface HttpConnections {
  /** Connections without a request so far, which browsers open in advance. Node counts them as busy. */
  readonly unused: ReadonlySet<Socket>;
  /** Whether the connection was refused: it has been answered already, and its requests are ignored. */
  readonly isRefused: (socket: Socket) => boolean;
}

/**
 * Watches the TCP connections of a server.
 * @param addresses counts connections by address until they close or become a WebSocket; null when all come from a proxy
 */
export const watchConnections = (server: Server, addresses: AddressLimit | null): HttpConnections => {
  const unused = new Set<Socket>();
  const refused = new WeakSet<Socket>();
  const leaves = new WeakMap<Socket, () => void>();
  const leave = (socket: Socket): void => {
    unused.delete(socket);
    leaves.get(socket)?.();
  };
  server.on('connection', (socket) => {
    if (addresses !== null) {
      const leaveAddress = addresses.enter(socket.remoteAddress ?? '');
      if (leaveAddress === null) {
        refused.add(socket);
        refuse(socket, 429, 'RATE_LIMITED', 'Your address has as many connections open as it may. Close one first.', {
          'retry-after': '1',
        });
        return;
      }
      leaves.set(socket, leaveAddress);
    }
    unused.add(socket);
    socket.once('close', () => leave(socket));
  });
  server.prependListener('request', ({ socket }: IncomingMessage) => unused.delete(socket));
  server.on('upgrade', ({ socket }) => leave(socket));
  return { unused, isRefused: (socket) => refused.has(socket) };
};
