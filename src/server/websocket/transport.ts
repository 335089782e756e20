import { MessageType, type Server as ProtocolServer } from 'graphql-ws';
import type { WebSocket } from 'ws';
import type { Log } from '../../observability/log.js';
import type { HangUp } from '../execution/hang-up.js';
import { CLOSE } from './close-codes.js';
import type { Expected, Waits } from './listened-time.js';
import type { SendQueue } from './send-queue.js';
import { MessageError, readMessage, type Message } from './message.js';

/** The connection of a client. */
export interface Peer {
  readonly socket: WebSocket;
  /** All outgoing frames go through this queue, which keeps their order. */
  readonly sendQueue: SendQueue;
  /** Operations without a result so far, by their ids. */
  readonly running: Map<string, HangUp>;
  /** Refusals that are not told yet; while there are any, nothing is read. */
  held: number;
  /** Whether it will be closed for what its client has done. */
  isDismissed: boolean;
}

/** How long a peer may take to answer a close frame before its connection is destroyed, in milliseconds. */
const CLOSE_TIMEOUT_MS = 2_000;

/** Closes a socket after its queued frames; nothing follows them. The connection is gone soon after, whatever the peer does. */
export const close = ({ socket, sendQueue }: Peer, code: number, reason: string): void => {
  if (socket.readyState !== socket.OPEN) return;
  sendQueue.flush();
  sendQueue.close();
  socket.close(code, reason);
  const impatience = setTimeout(() => socket.terminate(), CLOSE_TIMEOUT_MS);
  socket.once('close', () => clearTimeout(impatience));
};

/** The timeouts of peers, in {@link ListenedTime}. */
export interface Patience {
  /** For the `connection_init`. */
  readonly init: Waits;
  /** Between one ping and the next. */
  readonly ping: Waits;
}

/**
 * Connects a socket to the protocol. It replaces the adapter of graphql-ws for ws, which prints failures to the console. A peer that has
 * not answered a ping when the next one is due is disconnected, unless its send queue is blocked.
 *
 * @param mayRead told of the size of each message before it is read, in bytes; false when it is not to be read, and the socket has been closed
 * @param pong returns the payload of the answer to a protocol ping
 * @param dismiss closes a socket for what its client has done
 */
export const bind = <Extra extends Peer>(
  protocol: ProtocolServer<Extra>,
  extra: Extra,
  mayRead: (extra: Extra, bytes: number) => boolean,
  pong: (extra: Extra, payload: unknown) => Promise<unknown>,
  dismiss: (extra: Extra, code: number, reason: string) => void,
  patience: Patience,
  log: Log,
): void => {
  const { socket, sendQueue } = extra;
  const send = (frame: string): void => {
    if (socket.readyState === socket.OPEN) sendQueue.text(frame);
  };
  const init: Expected = { onDue: () => close(extra, CLOSE.initTimeout, 'Connection initialisation timeout') };
  patience.init.begin(init);
  const closed = protocol.opened(
    {
      protocol: socket.protocol,
      send,
      onPing: async (payload) => send(JSON.stringify({ type: MessageType.Pong, payload: await pong(extra, payload) })),
      close: (code: number = CLOSE.internal, reason = '') => (code === (CLOSE.internal as number) ? close : dismiss)(extra, code, reason),
      onMessage: (handle) => {
        socket.on('message', (data: Buffer, isBinary) => {
          // Messages that arrive after the socket was closed are ignored.
          if (socket.readyState !== socket.OPEN || extra.isDismissed) return;
          if (isBinary) return dismiss(extra, CLOSE.badRequest, 'Messages are text');
          if (!mayRead(extra, data.length)) return;
          const message = read(data);
          if (message instanceof MessageError) return dismiss(extra, CLOSE.badRequest, message.message);
          if (message.type === MessageType.ConnectionInit) patience.init.end(init);
          // The library forgets the operation, but tells nobody before it has a result.
          if (message.type === MessageType.Complete) extra.running.get(String(message.id))?.end();
          // The library accepts a parsed message; only its types say otherwise.
          handle(message as unknown as string).catch((error: unknown) => {
            // A well-formed message that only servers may send: the library throws an internal error for it.
            if (String(error).includes('Unexpected message of type')) return dismiss(extra, CLOSE.badRequest, 'Invalid message received');
            log.error({ err: error instanceof Error ? error : String(error) }, 'a message of a socket could not be handled');
            close(extra, CLOSE.internal, 'Internal server error');
          });
        });
      },
    },
    extra,
  );
  let answered = true;
  const keepAlive: Expected = {
    onDue: () => {
      // While the queue is blocked, the ping would wait behind it and the last pong may be delayed by it: progress is then checked by the
      // send queue.
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
  // ws reports violations of the WebSocket protocol (an oversized frame, invalid UTF-8) by this event and closes the socket itself.
  socket.on('error', (error) => log.debug({ err: error.message }, 'a socket broke'));
  socket.once('close', (code, reason) => {
    patience.init.end(init);
    patience.ping.end(keepAlive);
    for (const hangUp of extra.running.values()) hangUp.end();
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
