import type { IncomingMessage } from 'node:http';
import { CloseCode, type Server as ProtocolServer } from 'graphql-ws';
import type { WebSocket } from 'ws';
import type { Log } from '../log.js';
import type { Outbox } from './outbox.js';
import { KEEP_ALIVE_MS } from './responses.js';

/** One peer's connection, and the request that opened it. */
export interface Peer {
  readonly socket: WebSocket;
  readonly request: IncomingMessage;
  /** Whatever is sent to the peer goes through here, so that it keeps its order. */
  readonly outbox: Outbox;
}

/**
 * Carries the frames of one socket to and from the protocol. It is graphql-ws' own adapter for ws but for its failures, which it
 * prints to the console. A peer that answers no ping within {@link KEEP_ALIVE_MS} is cut.
 */
export const carry = <Extra extends Peer>(protocol: ProtocolServer<Extra>, extra: Extra, log: Log): void => {
  const { socket, outbox } = extra;
  const closed = protocol.opened(
    {
      protocol: socket.protocol,
      send: (frame) => {
        if (socket.readyState === socket.OPEN) outbox.text(frame);
      },
      close: (code, reason) => {
        outbox.flush();
        socket.close(code, reason);
      },
      onMessage: (handle) => {
        socket.on('message', (data: Buffer, isBinary) => {
          if (isBinary) return socket.close(CloseCode.BadRequest, 'Messages are text');
          handle(data.toString('utf8')).catch((error: unknown) => {
            // A well-formed message of the kind that only servers send; the library throws what it says of any other message.
            if (String(error).includes('Unexpected message of type')) return socket.close(CloseCode.BadRequest, 'Invalid message received');
            log.error({ err: error instanceof Error ? error : String(error) }, 'a message of a socket could not be handled');
            socket.close(CloseCode.InternalServerError, 'Internal server error');
          });
        });
      },
    },
    extra,
  );
  let answered = true;
  const keepAlive = setInterval(() => {
    if (!answered) return socket.terminate();
    answered = false;
    if (socket.readyState === socket.OPEN) socket.ping();
  }, KEEP_ALIVE_MS);
  socket.on('pong', () => (answered = true));
  // ws reports a peer's violations of the WebSocket protocol (an oversized frame, bad UTF-8) here, and closes the socket itself.
  socket.on('error', (error) => log.debug({ err: error.message }, 'a socket broke'));
  socket.once('close', (code, reason) => {
    clearInterval(keepAlive);
    outbox.close();
    closed(code, reason.toString('utf8')).catch((error: unknown) => {
      log.error({ err: error instanceof Error ? error : String(error) }, 'a socket could not be cleaned up after');
    });
  });
};
