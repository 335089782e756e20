/** The subscribers of a benchmark, all in this process: they count, and tell how long what they got was under way. */
import { serve } from './child.js';
import { now } from './clock.js';
import { ordinalIn } from './event.js';
import { median, quantile } from './figures.js';
import { openRawSocket, type RawSocket } from './raw-socket.js';

export type Dialect = 'graphql' | 'socket.io' | 'ws';

export interface Subscriber {
  /** The payload of `connection_init`. */
  readonly init?: object;
  /** The payloads of its `subscribe` messages. */
  readonly subscribe?: readonly object[];
}

export interface Opening {
  readonly url: string;
  readonly dialect: Dialect;
  readonly subscribers: readonly Subscriber[];
}

/** Handshakes under way at a time. */
const CONCURRENCY = 64;

interface Peer extends Subscriber {
  readonly socket: RawSocket;
  received: number;
}

let peers: Peer[] = [];
let total = 0;
let lastAt = 0;
let sampling = false;
let ordinals: number[] = [];
let times: number[] = [];
let closing = false;
let open = 0;
let waiting: { readonly total: number; readonly resolve: () => void } | null = null;

const onData = (peer: Peer, bytes: Buffer, start: number, end: number, at: number): void => {
  // One that is seen to be in order stands for all; reading each would make the client the slower part of a burst.
  if (sampling || peer === peers[0]) {
    const ordinal = ordinalIn(bytes, start, end);
    if (ordinal < 0) throw new Error(`Not an event: ${bytes.toString('utf8', start, Math.min(end, start + 500))}`);
    if (sampling) {
      ordinals.push(ordinal);
      times.push(at);
    }
  }
  peer.received += 1;
  total += 1;
  lastAt = at;
  if (waiting && total >= waiting.total) {
    waiting.resolve();
    waiting = null;
  }
};

/** Connects one and resolves when the server has acknowledged it. */
const connectOne = ({ url, dialect }: Opening, subscriber: Subscriber): Promise<Peer> =>
  new Promise((resolve, reject) => {
    let ready = false;
    const socket = openRawSocket({
      url,
      protocol: dialect === 'graphql' ? 'graphql-transport-ws' : null,
      onOpen: () => {
        open += 1;
        if (dialect === 'graphql') socket.send(JSON.stringify({ type: 'connection_init', payload: subscriber.init }));
        else if (dialect === 'ws') begin();
      },
      onText: (bytes, start, end, at) => {
        if (ready && dialect === 'socket.io' && end - start === 1) socket.send('3');
        else if (ready) onData(peer, bytes, start, end, at);
        else if (dialect === 'graphql') begin();
        else if (bytes[start] === 0x30) socket.send('40');
        else begin();
      },
      onClose: (opened, reason) => {
        if (opened) open -= 1;
        if (!ready) reject(new Error(`No connection: ${reason}`));
        else if (!closing) throw new Error(`A socket was closed: ${reason}`);
      },
    });
    const peer: Peer = { ...subscriber, socket, received: 0 };
    const begin = (): void => {
      ready = true;
      resolve(peer);
    };
  });

const subscribeAll = (): void => {
  let id = 0;
  for (const { socket, subscribe = [] } of peers) {
    for (const payload of subscribe) {
      id += 1;
      socket.send(JSON.stringify({ id: `s${id}`, type: 'subscribe', payload }));
    }
  }
};

const handlers = {
  /** Connects all; resolves when they are acknowledged. Nobody has subscribed yet. */
  open: async (opening: Opening): Promise<void> => {
    [peers, total, closing] = [[], 0, false];
    let next = 0;
    const connecting = async (): Promise<void> => {
      for (;;) {
        const subscriber = opening.subscribers[next];
        next += 1;
        if (!subscriber) return;
        peers.push(await connectOne(opening, subscriber));
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, connecting));
  },
  /** Sends all `subscribe` messages; tells when it began. */
  subscribe: (): number => {
    const at = now();
    subscribeAll();
    return at;
  },
  /** Resolves when `count` events have been received since the last call, by all together; tells when. */
  received: async ({ count, timeoutMs }: { readonly count: number; readonly timeoutMs: number }): Promise<number> => {
    if (total < count) {
      await new Promise<void>((resolve, reject) => {
        const timeout = setTimeout(() => reject(new Error(`${total} of ${count} events were received`)), timeoutMs);
        waiting = {
          total: count,
          resolve: () => {
            clearTimeout(timeout);
            resolve();
          },
        };
      });
    }
    if (total > count) throw new Error(`${total} instead of ${count} events were received`);
    total = 0;
    return lastAt;
  },
  /** The events that each subscriber has received since it connected. */
  counts: (): { readonly least: number; readonly most: number } => {
    const counts = peers.map(({ received }) => received);
    return { least: Math.min(...counts), most: Math.max(...counts) };
  },
  /** From now on the receipt of each event is noted. */
  sample: (): void => {
    [sampling, ordinals, times] = [true, [], []];
  },
  /** The latencies of what was noted, in milliseconds, when the events from `first` on began at `at`. */
  latencies: ({
    first,
    at,
  }: {
    readonly first: number;
    readonly at: readonly number[];
  }): { readonly median: number; readonly p99: number } => {
    sampling = false;
    const values = times.map((time, index) => time - (at[(ordinals[index] ?? 0) - first] ?? Number.NaN));
    return { median: median(values), p99: quantile(values, 0.99) };
  },
  close: async (): Promise<void> => {
    closing = true;
    for (const { socket } of peers) socket.destroy();
    peers = [];
    while (open > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  },
};

export type LoadClient = typeof handlers;
serve(handlers);
