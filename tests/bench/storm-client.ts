/** Sockets that all come back within seconds: of each it is noted what became of it, and when. */
import { serve } from './child.js';
import { now } from './clock.js';
import { openRawSocket, type RawSocket } from './raw-socket.js';
import type { Subscriber } from './load-client.js';

export interface Storm {
  readonly url: string;
  readonly subscribers: readonly Subscriber[];
  /** They begin evenly over this time, in milliseconds. */
  readonly withinMs: number;
  /** The addresses that they come from in turn: one alone has too few ports for all. */
  readonly addresses: readonly string[];
  /** From the last beginning on; whoever has not been acknowledged by then is late. */
  readonly timeoutMs: number;
}

export interface Outcomes {
  /** Connections that ended before they were a WebSocket, by what ended them. */
  readonly resets: Readonly<Record<string, number>>;
  /** WebSockets that were closed before they were acknowledged, by the reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** Those that wait still. */
  readonly waiting: number;
  /** From the beginning of each to its WebSocket, and to its acknowledgement, in milliseconds. */
  readonly openMs: readonly number[];
  readonly ackMs: readonly number[];
}

/** How often those that are due begin, in milliseconds. */
const STEP_MS = 5;

let sockets: RawSocket[] = [];
let open = 0;

const count = (counts: Record<string, number>, key: string): void => {
  counts[key] = (counts[key] ?? 0) + 1;
};

const handlers = {
  storm: async ({ url, subscribers, withinMs, addresses, timeoutMs }: Storm): Promise<Outcomes> => {
    const resets: Record<string, number> = {};
    const refused: Record<string, number> = {};
    const openMs: number[] = [];
    const ackMs: number[] = [];
    let decided = 0;
    const join = ({ init, subscribe = [] }: Subscriber, localAddress: string): void => {
      const beganAt = now();
      let acknowledged = false;
      const socket = openRawSocket({
        url,
        localAddress,
        protocol: 'graphql-transport-ws',
        onOpen: () => {
          open += 1;
          openMs.push(now() - beganAt);
          socket.send(JSON.stringify({ type: 'connection_init', payload: init }));
        },
        onText: () => {
          if (acknowledged) return;
          acknowledged = true;
          decided += 1;
          ackMs.push(now() - beganAt);
          for (const [id, payload] of subscribe.entries()) socket.send(JSON.stringify({ id: `s${id}`, type: 'subscribe', payload }));
        },
        onClose: (opened, reason) => {
          if (opened) open -= 1;
          if (acknowledged) return;
          decided += 1;
          count(opened ? refused : resets, reason.slice(0, 60));
        },
      });
      sockets.push(socket);
    };
    const since = now();
    for (let begun = 0; begun < subscribers.length;) {
      const due = Math.min(subscribers.length, Math.ceil((subscribers.length * (now() - since)) / withinMs));
      for (; begun < due; begun += 1) join(subscribers[begun] ?? {}, addresses[begun % addresses.length] ?? '127.0.0.1');
      await new Promise((resolve) => setTimeout(resolve, STEP_MS));
    }
    const deadline = now() + timeoutMs;
    while (decided < subscribers.length && now() < deadline) await new Promise((resolve) => setTimeout(resolve, STEP_MS));
    return { resets, refused, waiting: subscribers.length - decided, openMs, ackMs };
  },
  /** Resolves when all have been cut; the next storm begins with none. */
  cut: async (): Promise<void> => {
    while (open > 0) await new Promise((resolve) => setTimeout(resolve, STEP_MS));
    sockets = [];
  },
};

export type StormClient = typeof handlers;
serve(handlers);
