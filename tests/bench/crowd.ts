/** A crowd of sockets in a process of its own, each with one subscription: it notes when each got what, and how each was closed. */
import { serve } from './child.js';
import { now } from './clock.js';
import { openRawSocket, type RawSocket } from './raw-socket.js';

export interface Gathering {
  /** The sockets are spread over these. */
  readonly urls: readonly string[];
  readonly count: number;
  /** They are handed out in turn. */
  readonly tokens: readonly string[];
  /** The payload of each `subscribe`; it gives one result at once. */
  readonly subscribe: object;
}

/** Handshakes under way at a time. */
const CONCURRENCY = 50;

const sockets: RawSocket[] = [];
let receivedAt: number[] = [];
const closes: { readonly at: number; readonly reason: string }[] = [];
let count = 0;
let changed: () => void = () => undefined;

const until = async (done: () => boolean, timeoutMs: number, what: () => string): Promise<void> => {
  await new Promise<void>((resolve, reject) => {
    const timeout = setTimeout(() => reject(new Error(what())), timeoutMs);
    changed = () => {
      if (!done()) return;
      clearTimeout(timeout);
      changed = () => undefined;
      resolve();
    };
    changed();
  });
};

/** Resolves when the socket has its first result. */
const join = (url: string, accessToken: string, subscribe: object): Promise<void> =>
  new Promise((resolve, reject) => {
    let state: 'opening' | 'acknowledged' | 'subscribed' = 'opening';
    const socket = openRawSocket({
      url,
      protocol: 'graphql-transport-ws',
      onOpen: () => socket.send(JSON.stringify({ type: 'connection_init', payload: { accessToken } })),
      onText: (bytes, start, end) => {
        const message = JSON.parse(bytes.toString('utf8', start, end)) as { type: string; payload?: { errors?: unknown } };
        if (state === 'opening') {
          if (message.type !== 'connection_ack') throw new Error(`Instead of an acknowledgement: ${JSON.stringify(message)}`);
          state = 'acknowledged';
          socket.send(JSON.stringify({ id: 's', type: 'subscribe', payload: subscribe }));
          return;
        }
        if (message.type !== 'next' || message.payload?.errors !== undefined)
          throw new Error(`Instead of an event: ${JSON.stringify(message)}`);
        if (state === 'acknowledged') {
          state = 'subscribed';
          resolve();
          return;
        }
        receivedAt.push(now());
        changed();
      },
      onClose: (_opened, reason) => {
        closes.push({ at: now(), reason });
        changed();
        reject(new Error(`A socket was closed before it had subscribed: ${reason}`));
      },
    });
    sockets.push(socket);
  });

const handlers = {
  /** Resolves when every socket has subscribed. */
  gather: async ({ urls, count: wanted, tokens, subscribe }: Gathering): Promise<void> => {
    count = wanted;
    let next = 0;
    const joining = async (): Promise<void> => {
      while (next < wanted) {
        const index = next;
        next += 1;
        await join(urls[index % urls.length] ?? '', tokens[index % tokens.length] ?? '', subscribe);
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, joining));
  },
  /** When each socket received the one event that was sent since the last call. Fails when one gets none, or a second one. */
  received: async ({ timeoutMs }: { readonly timeoutMs: number }): Promise<readonly number[]> => {
    await until(
      () => receivedAt.length >= count,
      timeoutMs,
      () => `${receivedAt.length} of ${count} sockets received the event`,
    );
    if (receivedAt.length > count) throw new Error(`${receivedAt.length} events instead of ${count}`);
    const times = receivedAt;
    receivedAt = [];
    return times;
  },
  /** How and when each socket was closed. */
  closed: async ({ timeoutMs }: { readonly timeoutMs: number }): Promise<typeof closes> => {
    await until(
      () => closes.length >= count,
      timeoutMs,
      () => `${closes.length} of ${count} sockets were closed`,
    );
    return closes;
  },
};

export type Crowd = typeof handlers;
serve(handlers);
