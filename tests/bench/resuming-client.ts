/** Subscribers who are cut off again and again and come back with the cursor they had, all in this process. */
import { serve } from './child.js';
import { now } from './clock.js';
import { ordinalIn } from './event.js';
import { median, quantile } from './figures.js';
import type { Subscriber } from './load-client.js';
import { openRawSocket, type RawSocket } from './raw-socket.js';

/** How a subscriber is interrupted: the connection is cut, or closed as it should be, or only the subscription is completed. */
export type Interruption = 'cut' | 'close' | 'complete';

interface Resuming extends Subscriber {
  socket: RawSocket | null;
  cursor: string | null;
  /** The event that must come next. */
  next: number;
  subscriptions: number;
  /** How the results of its present subscription begin; those of an earlier one may still be under way when it has been completed. */
  head: string;
  subscribedAt: number;
  /** Leaves no connection behind when it is about to come back. */
  comeback: NodeJS.Timeout | null;
}

const CURSOR = Buffer.from('"cursor":"');
const CURSOR_LENGTH = 20;
/** How soon somebody tries again who was not let in, in milliseconds. */
const RETRY_MS = 500;

let url = '';
let all: Resuming[] = [];
let open = 0;
let received = 0;
let lost = 0;
let repeated = 0;
let refused = 0;
let recording = false;
let finished = false;
/** Of each event received: which it was, when it came, and when its receiver had last subscribed. */
let ordinals: number[] = [];
let times: number[] = [];
let since: number[] = [];

const subscribe = (peer: Resuming): void => {
  const [payload] = peer.subscribe ?? [];
  const { query, variables } = payload as { readonly query: string; readonly variables: object };
  peer.subscriptions += 1;
  peer.head = `{"id":"s${peer.subscriptions}",`;
  peer.subscribedAt = now();
  peer.socket?.send(
    JSON.stringify({
      id: `s${peer.subscriptions}`,
      type: 'subscribe',
      payload: { query, variables: { ...variables, ...(peer.cursor === null ? {} : { after: peer.cursor }) } },
    }),
  );
};

const onEvent = (peer: Resuming, bytes: Buffer, start: number, end: number, at: number): void => {
  if (bytes.toString('latin1', start, start + peer.head.length) !== peer.head) return;
  const ordinal = ordinalIn(bytes, start, end);
  if (ordinal < 0) throw new Error(`Not an event: ${bytes.toString('utf8', start, Math.min(end, start + 500))}`);
  const found = bytes.indexOf(CURSOR, start) + CURSOR.length;
  peer.cursor = bytes.toString('latin1', found, found + CURSOR_LENGTH);
  received += 1;
  if (ordinal < peer.next) repeated += 1;
  if (ordinal > peer.next) lost += ordinal - peer.next;
  peer.next = Math.max(peer.next, ordinal + 1);
  if (!recording) return;
  ordinals.push(ordinal);
  times.push(at);
  since.push(peer.subscribedAt);
};

const comeBack = (peer: Resuming, delayMs: number): void => {
  if (peer.comeback || finished) return;
  peer.comeback = setTimeout(() => {
    peer.comeback = null;
    connect(peer);
  }, delayMs);
};

const connect = (peer: Resuming): void => {
  let ready = false;
  const socket = openRawSocket({
    url,
    protocol: 'graphql-transport-ws',
    onOpen: () => {
      open += 1;
      socket.send(JSON.stringify({ type: 'connection_init', payload: peer.init }));
    },
    onText: (bytes, start, end, at) => {
      if (peer.socket !== socket) return;
      if (ready) return onEvent(peer, bytes, start, end, at);
      ready = true;
      subscribe(peer);
    },
    onClose: (opened) => {
      if (opened) open -= 1;
      if (peer.socket !== socket) return;
      // Nobody here has cut it.
      refused += 1;
      peer.socket = null;
      comeBack(peer, RETRY_MS);
    },
  });
  peer.socket = socket;
};

const interrupt = (peer: Resuming, how: Interruption, awayMs: number): void => {
  const { socket } = peer;
  if (!socket) return;
  if (how === 'complete') {
    socket.send(JSON.stringify({ id: `s${peer.subscriptions}`, type: 'complete' }));
    subscribe(peer);
    return;
  }
  peer.socket = null;
  if (how === 'close') socket.close();
  else socket.destroy();
  comeBack(peer, awayMs);
};

const handlers = {
  /** Connects all; the first event that each must get is `next`, after the cursor in its variables. */
  start: ({
    url: to,
    subscribers,
    next,
    record,
  }: {
    readonly url: string;
    readonly subscribers: readonly Subscriber[];
    readonly next: number;
    readonly record: boolean;
  }): void => {
    url = to;
    recording = record;
    all = subscribers.map((subscriber) => ({
      ...subscriber,
      socket: null,
      cursor: null,
      next,
      subscriptions: 0,
      head: '',
      subscribedAt: 0,
      comeback: null,
    }));
    for (const [place, peer] of all.entries()) comeBack(peer, place);
  },
  /** Interrupts a share of them, drawn by lot; each is away for up to `awayMs`. */
  interrupt: ({
    share,
    ways,
    awayMs,
  }: {
    readonly share: number;
    readonly ways: readonly Interruption[];
    readonly awayMs: number;
  }): void => {
    for (const peer of all) {
      if (Math.random() < share) interrupt(peer, ways[Math.floor(Math.random() * ways.length)] ?? 'cut', Math.random() * awayMs);
    }
  },
  /** Resolves when everyone has had every event before `next`, or the time is up. */
  settled: async ({ next, timeoutMs }: { readonly next: number; readonly timeoutMs: number }): Promise<void> => {
    const deadline = now() + timeoutMs;
    while (now() < deadline && !all.every((peer) => peer.next >= next)) await new Promise((resolve) => setTimeout(resolve, 20));
  },
  /** What has come, compared with what should have: every event before `next`, to everyone, once. */
  tally: ({ next }: { readonly next: number }): Tally => ({
    received,
    lost: lost + all.reduce((sum, peer) => sum + Math.max(0, next - peer.next), 0),
    repeated,
    refused,
  }),
  /** How long events were under way, in milliseconds; `at` says when each was committed, from the first one on. */
  latencies: ({ at }: { readonly at: readonly number[] }): { readonly replay: Latency; readonly live: Latency } => {
    const replay: number[] = [];
    const live: number[] = [];
    for (const [index, time] of times.entries()) {
      const committed = at[ordinals[index] ?? 0] ?? Number.NaN;
      const subscribed = since[index] ?? 0;
      if (committed < subscribed) replay.push(time - subscribed);
      else live.push(time - committed);
    }
    return { replay: latency(replay), live: latency(live) };
  },
  close: async (): Promise<void> => {
    finished = true;
    for (const peer of all) {
      if (peer.comeback) clearTimeout(peer.comeback);
      const { socket } = peer;
      peer.socket = null;
      socket?.destroy();
    }
    while (open > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    [all, ordinals, times, since] = [[], [], [], []];
  },
};

export interface Tally {
  readonly received: number;
  readonly lost: number;
  readonly repeated: number;
  /** Times that the server closed a connection or did not let one in. */
  readonly refused: number;
}

export interface Latency {
  readonly count: number;
  readonly median: number;
  readonly p99: number;
}

const latency = (values: readonly number[]): Latency => ({ count: values.length, median: median(values), p99: quantile(values, 0.99) });

export type ResumingClient = typeof handlers;
serve(handlers);
