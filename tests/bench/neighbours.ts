/**
 * `npm run bench:neighbours`: how long others wait while somebody asks for as much as they can, beside how long they wait without. `--help` lists the
 * options.
 */
import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startChild } from './child.js';
import { now } from './clock.js';
import { median, quantile, short, table } from './figures.js';
import type { Answers, Attacker, Transport } from './neighbours/attacker.js';
import type { BareServer } from './neighbours/bare.js';
import { bodyOf, KINDS } from './neighbours/assaults.js';
import { setWorstStage } from './worst/stage.js';
import { keepResults } from './world.js';

const HELP = `npm run bench:neighbours -- [options]

The latency of one client, and of /healthz, while another one asks for as much as it can, over HTTP, event streams and sockets.

  --attack=text   kinds of attack with this in their names
  --seconds=n     of each attack; 4 by default
  --at-once=n     so many requests of the attacker at a time; 8 by default
  --pause=n       seconds between two attacks, in which budgets fill; 1 by default
  --help          this

Attacker, server, database and the others share this machine. So the same is measured, over HTTP, at a server that answers at once and has nothing
behind it: below the ratio there nobody can get. The figures are written to tests/bench/results/. The aim is a latency within twice that without the
attacker.`;

const TRANSPORTS: readonly Transport[] = ['HTTP', 'SSE', 'WebSocket'];
const AIM = 2;
const QUERY = '{ posts(first: 5) { nodes { id body author { username } } } }';

interface Latency {
  readonly p50: number;
  readonly p95: number;
}
interface Waited {
  readonly query: Latency;
  readonly healthz: Latency;
}
interface Line {
  readonly name: string;
  readonly transport: Transport;
  readonly alone: Waited;
  readonly beside: Waited;
  readonly answers: Answers;
  /** The latency of a bare server beside the same attack over HTTP, as a multiple of its own. */
  readonly floor: number;
}

const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const timed = (url: string, body: string | null): Promise<number> =>
  new Promise((resolve, reject) => {
    const sentAt = now();
    const headers = {
      'x-forwarded-for': '198.51.100.1',
      ...(body === null ? {} : { 'content-type': 'application/json', 'content-length': body.length }),
    };
    const sent = request(url, { agent, method: body === null ? 'GET' : 'POST', headers }, (response) => {
      response.resume();
      response.on('end', () =>
        response.statusCode === 200 ? resolve(now() - sentAt) : reject(new Error(`Answered with ${response.statusCode}.`)),
      );
    });
    sent.on('error', reject);
    sent.end(body ?? undefined);
  });

/** Asks in turn, with a pause after each answer, until told to stop. */
const wait = async (url: string, isOver: () => boolean): Promise<Waited> => {
  const query: number[] = [];
  const healthz: number[] = [];
  const body = JSON.stringify({ query: QUERY });
  const health = new URL('/healthz', url).href;
  while (!isOver()) {
    query.push(await timed(url, body));
    healthz.push(await timed(health, null));
    await delay(5);
  }
  const of = (times: readonly number[]): Latency => ({ p50: median(times), p95: quantile(times, 0.95) });
  return { query: of(query), healthz: of(healthz) };
};

const during = async (url: string, work: Promise<unknown>): Promise<Waited> => {
  let isOver = false;
  const waited = wait(url, () => isOver);
  await work;
  isOver = true;
  return await waited;
};

const linesOf = (lines: readonly Line[]): string => {
  const cell = (one: number, other: number): string => `${short(other)} (${short(other / one)}x)`;
  return table([
    [
      'attack',
      'over',
      'query p50 ms',
      'bare server p50',
      'query p95 ms',
      '/healthz p50 ms',
      '/healthz p95 ms',
      'the attacker was answered',
    ],
    ...lines.map(({ name, transport, alone, beside, answers, floor }) => [
      name,
      transport,
      cell(alone.query.p50, beside.query.p50),
      `${short(floor)}x`,
      cell(alone.query.p95, beside.query.p95),
      cell(alone.healthz.p50, beside.healthz.p50),
      cell(alone.healthz.p95, beside.healthz.p95),
      Object.entries(answers)
        .map(([code, count]) => `${code} ${count}`)
        .join(', '),
    ]),
  ]);
};

const { values } = parseArgs({
  options: {
    attack: { type: 'string', default: '' },
    seconds: { type: 'string', default: '4' },
    'at-once': { type: 'string', default: '8' },
    pause: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
});

const run = async (): Promise<void> => {
  const stage = await setWorstStage({ RATE_LIMIT_FACTOR: '1', TRUST_PROXY: 'true', QUERY_CACHE_BYTES: '67108864' });
  const attacker = await startChild<Attacker>('./neighbours/attacker.ts');
  const seconds = Number(values.seconds);
  const bare = await startChild<BareServer>('./neighbours/bare.ts');
  const bareUrl = await bare.call('url');
  const lines: Line[] = [];
  try {
    await during(stage.url, delay(3_000));
    await during(bareUrl, delay(1_000));
    for (const { name, asked, token } of KINDS) {
      if (!name.includes(values.attack)) continue;
      const attack = { bodies: asked.map(bodyOf), ...(token === undefined ? {} : { token }), atOnce: Number(values['at-once']), seconds };
      const bareAlone = await during(bareUrl, delay((seconds * 1_000) / 2));
      const bareBeside = await during(
        bareUrl,
        attacker.call('assault', { ...attack, url: bareUrl, transport: 'HTTP', address: '203.0.113.0' }),
      );
      const floor = bareBeside.query.p50 / bareAlone.query.p50;
      for (const transport of TRANSPORTS) {
        // Each attack comes from an address of its own, whose budgets are full.
        const address = `203.0.113.${lines.length + 1}`;
        const alone = await during(stage.url, delay((seconds * 1_000) / 2));
        const assault = attacker.call('assault', { ...attack, url: stage.url, transport, address });
        const beside = await during(stage.url, assault);
        lines.push({ name, transport, alone, beside, answers: await assault, floor });
        await delay(Number(values.pause) * 1_000);
      }
    }
    console.log(`\n${linesOf(lines)}\n`);
    const worst = Math.max(...lines.map(({ alone, beside }) => beside.query.p50 / alone.query.p50));
    const bareWorst = Math.max(...lines.map(({ floor }) => floor));
    console.log(`The worst median is ${short(worst)} times that without an attacker (aim: ${AIM}; bare server: ${short(bareWorst)}).`);
    await keepResults('neighbours', { at: new Date().toISOString(), seconds, lines });
  } finally {
    agent.destroy();
    await attacker.stop();
    await bare.stop();
    await stage.close();
  }
};

if (values.help) console.log(HELP);
else await run();
