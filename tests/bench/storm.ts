/** What happens when a server restarts: all of its sockets are cut at once and come back to one process within seconds. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { freePort } from '../kit/free-port.js';
import { startChild, type Child } from './child.js';
import { quantile, short, table } from './figures.js';
import type { LyceumServer } from './servers/lyceum.js';
import type { Outcomes, StormClient } from './storm-client.js';
import { createWorld, keepResults } from './world.js';

export interface StormOptions {
  /** null: as many as one process may open, 18,000 at the most. */
  readonly sockets: number | null;
  /** How many of the sockets follow the same conversation. */
  readonly perConversation: number;
  /** Another checkout, which is built already, that is measured in the same run; null for none. */
  readonly against: string | null;
}

const WISHED = 18_000;
const USERS = 500;
const WITHIN_MS = 5_000;
const TIMEOUT_MS = 120_000;
const POLL_MS = 50;
/** What a process opens beside its sockets: connections to the database, files. */
const SPARE_FILES = 300;

/** Node raises its own limit as far as the system lets it, so the hard limit is the one that counts. */
const filesOf = (): number => {
  const limit = process.platform === 'win32' ? 'unlimited' : execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim();
  return limit === 'unlimited' ? Infinity : Number(limit);
};

/** Ports that a peer of one address may come from. */
const portsOf = (): number => {
  try {
    const [first = 0, last = 0] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s+/).map(Number);
    return last - first;
  } catch {
    return 16_000;
  }
};

/** Half of an address's ports at the most are used: the others belong to connections that have just ended. Only Linux has them all on its loopback. */
const addressesFor = (sockets: number): string[] =>
  process.platform === 'linux'
    ? Array.from({ length: Math.ceil(sockets / (portsOf() / 4)) }, (_, index) => `127.0.0.${index + 2}`)
    : ['127.0.0.1'];

const total = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((sum, one) => sum + one, 0);

export const runStorm = async ({ sockets: wanted, perConversation, against }: StormOptions): Promise<void> => {
  const sockets = wanted ?? Math.min(WISHED, filesOf() - SPARE_FILES);
  const addresses = addressesFor(sockets);
  console.log(`${sockets} sockets of ${USERS} users from ${addresses.length} addresses come within ${WITHIN_MS} ms`);
  const client = await startChild<StormClient>('./storm-client.ts');
  try {
    const figures: Record<string, object> = {};
    for (const [name, checkout] of Object.entries(against === null ? { lyceum: null } : { before: against, lyceum: null }))
      figures[name] = await comeTwice(client, { name, checkout, sockets, perConversation, addresses });
    const machine = { node: process.version, cpus: cpus().length, model: cpus()[0]?.model };
    await keepResults('storm', { machine, sockets, ...figures });
  } finally {
    await client.stop();
  }
};

interface Contest {
  readonly name: string;
  readonly checkout: string | null;
  readonly sockets: number;
  readonly perConversation: number;
  readonly addresses: readonly string[];
}

/** All come to a server calmly, and at once to the next one, after the first has stopped. */
const comeTwice = async (client: Child<StormClient>, { name, checkout, sockets, perConversation, addresses }: Contest): Promise<object> => {
  const world = await createWorld({ checkout });
  const env = {
    PORT: String(await freePort()),
    MAX_OPERATIONS_PER_ADDRESS: '1000000',
    MAX_CONNECTIONS_PER_ADDRESS: '1000000',
    MAX_SOCKETS_PER_ADDRESS: '1000000',
  };
  const conversations = Math.ceil(sockets / perConversation);
  // Such as --cpu-prof, to see what holds it back.
  const flags = (process.env['BENCH_FLAGS'] ?? '').split(' ').filter((flag) => flag !== '');
  const start = async (): Promise<Child<LyceumServer>> => await world.lyceum({ env, flags });
  /** All come; resolves when they have subscribed. */
  const come = async (server: Child<LyceumServer>, withinMs: number): Promise<Coming> => {
    const subscribers = await server.call('quiet', { sockets, subscriptions: 1, conversations, users: USERS });
    await server.call('discount');
    const before = await server.call('memory');
    const cpuBefore = await server.call('cpu');
    const url = await server.call('url');
    const outcomes = await client.call('storm', { url, subscribers, withinMs, addresses, timeoutMs: TIMEOUT_MS });
    // Who was acknowledged is still subscribing.
    const deadline = performance.now() + TIMEOUT_MS;
    while ((await server.call('hub')).subscribers < outcomes.ackMs.length && performance.now() < deadline) await setTimeout(POLL_MS);
    await server.call('answered');
    const cpuMs = ((await server.call('cpu')) - cpuBefore) / sockets;
    const after = await server.call('memory');
    const subscribed = (await server.call('hub')).subscribers;
    return { outcomes, cpuMs, subscribed, rss: (after.rss - before.rss) / sockets, heap: (after.heap - before.heap) / sockets };
  };
  try {
    const first = await start();
    const calm = await come(first, WITHIN_MS * 6);
    console.log(figuresOf(`${name}: the first time, over thirty seconds`, calm));
    await first.stop();
    await client.call('cut');
    const second = await start();
    const storm = await come(second, WITHIN_MS);
    console.log(figuresOf(`${name}: after the restart, within five`, storm));
    await second.stop();
    await client.call('cut');
    return { calm: summaryOf(calm), storm: summaryOf(storm) };
  } finally {
    await world.close();
  }
};

interface Coming {
  readonly outcomes: Outcomes;
  /** CPU of the server's process for each socket, in milliseconds. */
  readonly cpuMs: number;
  readonly subscribed: number;
  readonly rss: number;
  readonly heap: number;
}

const summaryOf = ({ outcomes, ...others }: Coming) => {
  const { resets, refused, waiting, openMs, ackMs } = outcomes;
  const [half, most, last] = [0.5, 0.99, 1].map((part) => quantile(ackMs, part));
  return { ...others, resets, refused, waiting, acknowledged: ackMs.length, lastOpenMs: quantile(openMs, 1), ackMs: { half, most, last } };
};

const figuresOf = (title: string, coming: Coming): string => {
  const { resets, refused, waiting, acknowledged, lastOpenMs, ackMs, cpuMs, subscribed, rss, heap } = summaryOf(coming);
  return `\n${table([
    [title, ''],
    [`reset before the upgrade ${JSON.stringify(resets)}`, short(total(resets))],
    [`refused ${JSON.stringify(refused)}`, short(total(refused))],
    ['still waiting', short(waiting)],
    ['acknowledged', short(acknowledged)],
    ['subscribed in the end', short(subscribed)],
    ['from connect to the upgrade, the slowest', `${short(lastOpenMs)} ms`],
    ['from connect to the acknowledgement, half', `${short(ackMs.half ?? 0)} ms`],
    ['… 99 of 100', `${short(ackMs.most ?? 0)} ms`],
    ['… the slowest', `${short(ackMs.last ?? 0)} ms`],
    ['CPU of the server a socket', `${short(cpuMs)} ms`],
    ['memory of the process a socket', `${short(rss / 1_024)} KiB`],
    ['… of that heap and buffers', `${short(heap / 1_024)} KiB`],
  ])}`;
};
