import { startChild, type Child } from './child.js';
import { SELECTION } from './event.js';
import { median } from './figures.js';
import type { Dialect, LoadClient, Subscriber } from './load-client.js';
import type { Contending, Published } from './servers/contender.js';
import type { LyceumServer } from './servers/lyceum.js';
import type { World } from './world.js';

export const NAMES = ['lyceum', 'graphql-ws', 'mercurius', 'socket.io', 'bare ws'] as const;
/** The Lyceum of another checkout. */
export const BEFORE = 'lyceum before';
export type Name = (typeof NAMES)[number] | typeof BEFORE;

export const isLyceum = (name: Name): boolean => name === 'lyceum' || name === BEFORE;

/** One server under comparison. */
export interface Entrant {
  readonly name: Name;
  readonly server: Child<Contending>;
  readonly url: string;
  readonly dialect: Dialect;
  readonly subscribers: (count: number) => Promise<{ readonly subscribers: readonly Subscriber[]; readonly replayed: number }>;
  /** One that executes for each subscriber gets shorter bursts, or a run would take an hour. */
  readonly slow: boolean;
}

const PEER_SUBSCRIBE = `subscription ($conversationId: ID!, $after: String) { messageAdded(conversationId: $conversationId, after: $after) ${SELECTION} }`;

const peerSubscribers = (dialect: Dialect) => (count: number) =>
  Promise.resolve({
    subscribers: Array.from({ length: count }, (_, index): Subscriber =>
      dialect === 'graphql'
        ? { init: {}, subscribe: [{ query: PEER_SUBSCRIBE, variables: { conversationId: 'conversation', after: `cursor${index}` } }] }
        : {},
    ),
    replayed: 0,
  });

/** Cursors that differ from subscriber to subscriber: up to nine events behind. */
const SPREAD = 10;

/** @param world whose Lyceum it is, for a Lyceum */
export const startEntrant = async (name: Name, world: World, env: Readonly<Record<string, string>> = {}): Promise<Entrant> => {
  if (name === 'lyceum' || name === BEFORE) {
    const server = await world.lyceum({ env });
    return {
      name,
      server: server as unknown as Child<Contending>,
      url: await server.call('url'),
      dialect: 'graphql',
      subscribers: (count) => server.call('subscribers', { count, back: 0, spread: SPREAD }),
      slow: false,
    };
  }
  const file = { 'graphql-ws': 'graphql-ws', mercurius: 'mercurius', 'socket.io': 'socket-io', 'bare ws': 'bare-ws' }[name];
  const dialect: Dialect = name === 'socket.io' ? 'socket.io' : name === 'bare ws' ? 'ws' : 'graphql';
  const server = await startChild<Contending>(`./servers/${file}.ts`);
  return {
    name,
    server,
    url: await server.call('url'),
    dialect,
    subscribers: peerSubscribers(dialect),
    slow: name === 'graphql-ws' || name === 'mercurius',
  };
};

export const lyceumOf = ({ server }: Entrant): Child<LyceumServer> => server;

/** How much of each is asked at one number of subscribers. */
export interface Size {
  readonly subscribers: number;
  readonly burst: number;
  readonly slowBurst: number;
  readonly steady: number;
  readonly intervalMs: number;
}

/** What one contender did in one round. Times in milliseconds. */
export interface Round {
  readonly deliveriesPerSecond: number;
  /** Of CPU, for 1,000 deliveries. */
  readonly cpu: number;
  readonly median: number;
  readonly p99: number;
  /** From the moment that the hub had read the event, where that is another one. */
  readonly medianFromRead: number;
}

const PATIENCE_MS = 120_000;
let ordinal = 0;

/** Connects so many subscribers and waits until each of them would be told of an event. */
export const connect = async (client: Child<LoadClient>, entrant: Entrant, count: number): Promise<void> => {
  const { subscribers, replayed } = await entrant.subscribers(count);
  await client.call('open', { url: entrant.url, dialect: entrant.dialect, subscribers });
  if (entrant.dialect === 'graphql') await entrant.server.call('discount');
  await client.call('subscribe');
  await client.call('received', { count: replayed, timeoutMs: PATIENCE_MS });
  await entrant.server.call('subscribed', { count });
};

export const disconnect = async (client: Child<LoadClient>, { server }: Entrant): Promise<void> => {
  await client.call('close');
  await server.call('deserted');
};

const burst = async (client: Child<LoadClient>, { server }: Entrant, subscribers: number, events: number) => {
  const first = ordinal;
  ordinal += events;
  const { at, cpuMs } = await server.call('publish', { first, count: events });
  const deliveries = events * subscribers;
  const lastAt = await client.call('received', { count: deliveries, timeoutMs: PATIENCE_MS });
  const cpu = (await server.call('cpu')) - cpuMs;
  return { deliveriesPerSecond: (deliveries / (lastAt - at)) * 1_000, cpu: (cpu / deliveries) * 1_000 };
};

const steady = async (client: Child<LoadClient>, { server }: Entrant, { subscribers, steady: events, intervalMs }: Size) => {
  const first = ordinal;
  ordinal += events;
  await client.call('sample');
  const published: readonly Published[] = await server.call('steady', { first, count: events, intervalMs });
  await client.call('received', { count: events * subscribers, timeoutMs: PATIENCE_MS });
  const at = published.map((each) => each.at);
  const latencies = await client.call('latencies', { first, at });
  const delay = median(published.map((each) => (each.readAt ?? each.at) - each.at));
  return { ...latencies, medianFromRead: latencies.median - delay };
};

/** One contender's turn: subscribers come, a burst, events one at a time, subscribers go. */
export const playRound = async (client: Child<LoadClient>, entrant: Entrant, size: Size): Promise<Round> => {
  await connect(client, entrant, size.subscribers);
  // The first events after so many handshakes would pay for their garbage.
  await entrant.server.call('memory');
  const sent = await burst(client, entrant, size.subscribers, entrant.slow ? size.slowBurst : size.burst);
  const latencies = await steady(client, entrant, size);
  const { least, most } = await client.call('counts');
  // Cursors differ, and with them what was replayed.
  if (most - least > (isLyceum(entrant.name) ? SPREAD - 1 : 0))
    throw new Error(`${entrant.name}: some received ${least} events, others ${most}.`);
  await disconnect(client, entrant);
  return { ...sent, ...latencies };
};

/** The median of each figure. */
export const summarise = (rounds: readonly Round[]): Round => ({
  deliveriesPerSecond: median(rounds.map((round) => round.deliveriesPerSecond)),
  cpu: median(rounds.map((round) => round.cpu)),
  median: median(rounds.map((round) => round.median)),
  p99: median(rounds.map((round) => round.p99)),
  medianFromRead: median(rounds.map((round) => round.medianFromRead)),
});
