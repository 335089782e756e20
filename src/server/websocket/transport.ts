import { MessageType, type Server as ProtocolServer } from 'graphql-ws';
import type { WebSocket } from 'ws';
import type { Log } from '../../observability/log.js';
import { CLOSE } from './close-codes.js';
import type { Awaited, Waits } from './listened-time.js';
import type { SendQueue } from './send-queue.js';
import { MessageError, readMessage, type Message } from './message.js';

/** One peer's connection. */
export interface Peer {
  readonly socket: WebSocket;
  /** Whatever is sent to the peer goes through here, so that it keeps its order. */
  readonly sendQueue: SendQueue;
}

/** How long a peer has to answer a close frame before its connection is cut, in milliseconds. */
const CLOSE_TIMEOUT_MS = 2_000;

/** Closes a socket. What was queued for the peer before is theirs; nothing follows it. The socket is gone soon after, whatever the peer does. */
export const close = ({ socket, sendQueue }: Peer, code: number, reason: string): void => {
  if (socket.readyState !== socket.OPEN) return;
  sendQueue.flush();
  sendQueue.close();
  socket.close(code, reason);
  const impatience = setTimeout(() => socket.terminate(), CLOSE_TIMEOUT_MS);
  socket.once('close', () => clearTimeout(impatience));
};

/** How long peers are waited for; the times are those in which the server has listened. */
export interface Patience {
  /** Until the `connection_init`. */
  readonly init: Waits;
  /** From one ping to the next. */
  readonly ping: Waits;
}

/**
 * Carries the frames of one socket to and from the protocol. It is graphql-ws' own adapter for ws but for its failures, which it
 * prints to the console. A peer that has not answered one ping when the next is due is cut, unless it is busy taking what was sent before.
 *
 * @param pong the payload that a protocol's ping is answered with
 */
export const bind = <Extra extends Peer>(
  protocol: ProtocolServer<Extra>,
  extra: Extra,
  pong: (extra: Extra, payload: unknown) => Promise<unknown>,
  patience: Patience,
  log: Log,
): void => {
  const { socket, sendQueue } = extra;
  const send = (frame: string): void => {
    if (socket.readyState === socket.OPEN) sendQueue.text(frame);
  };
  const init: Awaited = { onDue: () => close(extra, CLOSE.initTimeout, 'Connection initialisation timeout') };
  patience.init.begin(init);
  const closed = protocol.opened(
    {
      protocol: socket.protocol,
      send,
      onPing: async (payload) => send(JSON.stringify({ type: MessageType.Pong, payload: await pong(extra, payload) })),
      close: (code = CLOSE.internal, reason = '') => close(extra, code, reason),
      onMessage: (handle) => {
        socket.on('message', (data: Buffer, isBinary) => {
          // What a peer goes on sending until it has seen that it was closed.
          if (socket.readyState !== socket.OPEN) return;
          if (isBinary) return close(extra, CLOSE.badRequest, 'Messages are text');
          const message = read(data);
          if (message instanceof MessageError) return close(extra, CLOSE.badRequest, message.message);
          if (message.type === MessageType.ConnectionInit) patience.init.end(init);
          // The library takes what is parsed already; only its types say otherwise.
          handle(message as unknown as string).catch((error: unknown) => {
            // A well-formed message of the kind that only servers send; the library throws what it says of any other message.
            if (String(error).includes('Unexpected message of type')) return close(extra, CLOSE.badRequest, 'Invalid message received');
            log.error({ err: error instanceof Error ? error : String(error) }, 'a message of a socket could not be handled');
            close(extra, CLOSE.internal, 'Internal server error');
          });
        });
      },
    },
    extra,
  );
  let answered = true;
  const keepAlive: Awaited = {
    onDue: () => {
      // The ping would lie behind, and the answer to the last one may, what the peer has still to take: the send queue sees whether it does.
      if (sendQueue.isBlocked()) answered = true;
      else if (!answered) return socket.terminate();
      else {
        answered = false;
        if (socket.readyState === socket.OPEN) socket.ping();
      }
      patience.ping.begin(keepAlive);
    },
  };
  patience.ping.begin(keepAlive);
  socket.on('pong', () => (answered = true));
  // ws reports a peer's violations of the WebSocket protocol (an oversized frame, bad UTF-8) here, and closes the socket itself.
  socket.on('error', (error) => log.debug({ err: error.message }, 'a socket broke'));
  socket.once('close', (code, reason) => {
    patience.init.end(init);
    patience.ping.end(keepAlive);
    sendQueue.close();
    closed(code, reason.toString('utf8')).catch((error: unknown) => {
      log.error({ err: error instanceof Error ? error : String(error) }, 'a socket could not be cleaned up after');
    });
  });
};

const read = (data: Buffer): Message | MessageError => {
  try {
    return readMessage(data.toString('utf8'));
  } catch (error) {
    if (error instanceof MessageError) return error;
    throw error;
  }
};
