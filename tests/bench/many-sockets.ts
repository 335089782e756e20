/**
 * `npm run bench:sockets`: 10,000 sockets over three built servers on one PostgreSQL and one Redis; each subscribes, one event reaches
 * all, and the servers drain. `--sockets=n` takes another number, `--drain=ms` another time for the drain. With `--storm` it is one server, whose
 * sockets are cut at once and come back within five seconds; `--per-conversation=n` says how many of them follow the same, and
 * `--against=/path/to/checkout` measures another checkout, which is built already, in the same run.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '../../src/db/embedded/embedded.js';
import { createLog } from '../../src/observability/log.js';
import { execute } from '../kit/client.js';
import { startServerProcess, type ServerProcess } from '../kit/process.js';
import { urlOf } from '../kit/postgres-address.js';
import { startRedis } from '../kit/redis.js';
import { startChild, type Child } from './child.js';
import { now } from './clock.js';
import type { Crowd } from './crowd.js';
import { median, quantile, short, table } from './figures.js';
import { runStorm } from './storm.js';
import { keepResults } from './world.js';

const option = (name: string, fallback: number): number =>
  Number(new RegExp(`--${name}=(\\d+)`).exec(process.argv.join(' '))?.[1] ?? fallback);
const sockets = option('sockets', 10_000);
const drainMs = option('drain', 10_000);
const SERVERS = 3;
const CROWDS = 2;
const USERS = 50;
const EVENTS = 5;
const TIMEOUT_MS = 120_000;
/** What a process opens beside its sockets: connections to the database, files. */
const SPARE_FILES = 200;

const say = (what: string): void => console.log(`${new Date().toISOString().slice(11, 19)}  ${what}`);

/** Node raises its own limit as far as the system lets it, so the hard limit is the one that counts. */
const checkFiles = (): void => {
  const needed = Math.ceil(sockets / Math.min(SERVERS, CROWDS)) + SPARE_FILES;
  const limit = process.platform === 'win32' ? 'unlimited' : execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim();
  say(`each process may open ${limit} files and needs ${needed}`);
  if (limit !== 'unlimited' && Number(limit) < needed)
    throw new Error(`Too few files: run \`ulimit -n ${needed}\` as root before, or take --sockets=n.`);
};

const ask = async <Data>(url: string, query: string, variables: object, token?: string): Promise<Data> => {
  const { data, errors } = await execute<Data>(url, query, variables, token === undefined ? {} : { token });
  if (!data) throw new Error(`A server answered ${JSON.stringify(errors)}`);
  return data;
};

/** Resident memory of a process in MiB; NaN where there is no `ps`. */
const memoryOf = ({ child }: ServerProcess): number => {
  try {
    return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(child.pid)], { encoding: 'utf8' })) / 1_024;
  } catch {
    return Number.NaN;
  }
};

const SEND = `mutation ($id: ID!, $body: String!) { sendMessage(input: { conversationId: $id, body: $body }) { cursor } }`;

const runThreeServers = async (): Promise<void> => {
  checkFiles();
  const dataDir = await mkdtemp(join(tmpdir(), 'lyceum-sockets-'));
  const postgres = await startEmbeddedPostgres({ dataDir, log: createLog('silent'), durable: false });
  const redis = await startRedis();
  const servers: ServerProcess[] = [];
  const crowds: Child<Crowd>[] = [];
  try {
    const env = {
      DATABASE_URL: urlOf(postgres.address),
      REDIS_URL: redis.url,
      DATA_DIR: dataDir,
      LOG_LEVEL: 'warn',
      DRAIN_MS: String(drainMs),
      JWT_ACCESS_TTL_SECONDS: '86400',
      // All of them come from one address here.
      MAX_SOCKETS_PER_ADDRESS: String(sockets),
    };
    // The first one alone makes the key that all use.
    for (let n = 0; n < SERVERS; n += 1) servers.push(await startServerProcess(env));
    const urls = servers.map(({ url }) => url);
    const url = urls[0] ?? '';
    const idle = servers.map(memoryOf);

    const tokens: string[] = [];
    while (tokens.length < USERS) {
      const { joinAsGuest } = await ask<{ joinAsGuest: { credentials: { accessToken: string } } }>(
        url,
        `mutation { joinAsGuest(input: { displayName: "One of many" }) { credentials { accessToken } } }`,
        {},
      );
      tokens.push(joinAsGuest.credentials.accessToken);
    }
    const [owner = '', ...others] = tokens;
    const { createRoom } = await ask<{ createRoom: { conversation: { id: string; joinCode: string; cursor: string } } }>(
      url,
      `mutation { createRoom(input: { title: "Room" }) { conversation { id joinCode cursor } } }`,
      {},
      owner,
    );
    const { id, joinCode } = createRoom.conversation;
    for (const token of others)
      await ask(url, `mutation ($code: String!) { joinRoom(input: { code: $code }) { conversation { id } } }`, { code: joinCode }, token);
    // Each socket gets this one at once, which shows that it has subscribed.
    const { conversation } = await ask<{ conversation: { cursor: string } }>(
      url,
      `query ($id: ID!) { conversation(id: $id) { cursor } }`,
      { id },
      owner,
    );
    await ask(url, SEND, { id, body: 'welcome' }, owner);

    say(`connecting ${sockets} sockets to ${SERVERS} servers`);
    for (let n = 0; n < CROWDS; n += 1) crowds.push(await startChild<Crowd>('./crowd.ts'));
    const subscribe = {
      query: `subscription ($id: ID!, $after: String) { messageAdded(conversationId: $id, after: $after) { cursor message { id body createdAt author { id username } } } }`,
      variables: { id, after: conversation.cursor },
    };
    const counts = crowds.map((_, index) => Math.floor(sockets / CROWDS) + (index < sockets % CROWDS ? 1 : 0));
    const connecting = now();
    await Promise.all(crowds.map((crowd, index) => crowd.call('gather', { urls, tokens, subscribe, count: counts[index] ?? 0 })));
    const connectMs = now() - connecting;
    const full = servers.map(memoryOf);

    say('all have subscribed; sending');
    const first: number[] = [];
    const middle: number[] = [];
    const last: number[] = [];
    for (let n = 0; n < EVENTS; n += 1) {
      const sentAt = now();
      const [, ...times] = await Promise.all([
        ask(urls[n % SERVERS] ?? '', SEND, { id, body: `event ${n}` }, owner),
        ...crowds.map((crowd) => crowd.call('received', { timeoutMs: TIMEOUT_MS })),
      ]);
      const latencies = times.flat().map((at) => at - sentAt);
      first.push(quantile(latencies, 0));
      middle.push(median(latencies));
      last.push(quantile(latencies, 1));
    }

    say('stopping all three');
    const stoppedAt = now();
    const exits = Promise.all(servers.map((server) => server.end('SIGTERM').then((code) => ({ code, ms: now() - stoppedAt }))));
    const closes = (await Promise.all(crowds.map((crowd) => crowd.call('closed', { timeoutMs: drainMs + TIMEOUT_MS })))).flat();
    const ends = await exits;
    const wrong = closes.filter(({ reason }) => reason !== '1012 Service restart');
    if (wrong.length > 0) throw new Error(`${wrong.length} sockets were not closed with 1012: ${wrong[0]?.reason}`);
    if (ends.some(({ code }) => code !== 0)) throw new Error(`The servers ended with ${ends.map(({ code }) => code).join(', ')}`);
    const tenths = Array.from({ length: 10 }, () => 0);
    for (const { at } of closes) {
      const tenth = Math.min(9, Math.floor(((at - stoppedAt) / Math.max(drainMs, 1)) * 10));
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    const errors = servers.flatMap(({ output }) =>
      output()
        .split('\n')
        .filter((line) => /"level":"(warn|error|fatal)"/.test(line)),
    );

    const figures = {
      machine: { node: process.version, cpus: cpus().length, model: cpus()[0]?.model },
      sockets,
      servers: SERVERS,
      redis: redis.kind,
      connectMs,
      connectsPerSecond: (sockets / connectMs) * 1_000,
      memoryPerSocketKiB: ((full.reduce((sum, value) => sum + value, 0) - idle.reduce((sum, value) => sum + value, 0)) * 1_024) / sockets,
      eventMs: { first: median(first), median: median(middle), last: median(last) },
      drain: { drainMs, closesPerTenth: tenths, lastExitMs: Math.max(...ends.map(({ ms }) => ms)) },
      warnings: errors.length,
    };
    console.log(
      `\n${table([
        [`${sockets} sockets, ${SERVERS} servers, ${figures.redis}`, ''],
        ['connected, authenticated and subscribed in', `${short(connectMs / 1_000)} s`],
        ['that is, a second', short(figures.connectsPerSecond)],
        ['resident memory of the servers a socket', `${short(figures.memoryPerSocketKiB)} KiB`],
        [`one event, from the mutation to the first socket (median of ${EVENTS})`, `${short(figures.eventMs.first)} ms`],
        ['… to half of them', `${short(figures.eventMs.median)} ms`],
        ['… to the last', `${short(figures.eventMs.last)} ms`],
        [`closed with 1012 in each tenth of ${drainMs} ms, least and most`, `${Math.min(...tenths)}, ${Math.max(...tenths)}`],
        ['from SIGTERM to the exit of the last server, with 0', `${short(figures.drain.lastExitMs / 1_000)} s`],
        ['warnings and errors in the logs', String(errors.length)],
      ])}`,
    );
    for (const line of errors.slice(0, 5)) console.log(line);
    await keepResults('many-sockets', figures);
  } finally {
    for (const crowd of crowds) await crowd.stop();
    await Promise.all(servers.map((server) => server.end('SIGKILL')));
    await redis.stop();
    await postgres.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
};

if (process.argv.includes('--storm')) {
  const given = option('sockets', 0);
  const against = /--against=(\S+)/.exec(process.argv.join(' '))?.[1] ?? null;
  await runStorm({ sockets: given === 0 ? null : given, perConversation: option('per-conversation', 36), against });
} else await runThreeServers();
