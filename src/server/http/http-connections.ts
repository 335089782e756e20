import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Log } from '../../observability/log.js';
import { refuse } from './send.js';
import type { AddressLimit } from '../websocket/limits.js';

/** The connections below HTTP. */
export interface HttpConnections {
  /** Those that have asked for nothing yet, as browsers open them to be quick later. Node counts them as busy. */
  readonly unused: ReadonlySet<Socket>;
  /** Whether the connection was refused: it has been answered already, and what it asks for is not looked at. */
  readonly isRefused: (socket: Socket) => boolean;
}

/**
 * @param addresses where connections are counted in by the address that they come from, until they end or become a WebSocket; null where they all
 * come from a proxy
 */
export const watchConnections = (server: Server, addresses: AddressLimit | null, log: Log): HttpConnections => {
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
        log.warn({ ip: socket.remoteAddress }, 'a connection was refused: its address has MAX_CONNECTIONS_PER_ADDRESS of them');
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
