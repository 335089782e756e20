/**
 * `npm run bench:fanout`: one event to many subscribers, by Lyceum and by others, on this machine in one run.
 * `--quick` is a smoke run, `--rounds=n` plays another number of rounds, `--subscribers=100,1000` these sizes alone. `--only=subscribing` measures
 * nothing but what it takes to subscribe with a history.
 * `--against=/path/to/checkout` has the Lyceum of another checkout, which is built already, play in the same rounds, on a database of its own,
 * and says how this one compares with it; Mercurius and Socket.IO stay away then.
 */
import { cpus } from 'node:os';
import { startChild } from './child.js';
import {
  acrossProcesses,
  lyceumMemory,
  memoryPerSubscriber,
  openRedis,
  statementsPerEvent,
  subscribing,
  type Bytes,
  type Subscribing,
} from './fanout-extras.js';
import {
  BEFORE,
  isLyceum,
  NAMES,
  playRound,
  startEntrant,
  summarise,
  type Entrant,
  type Name,
  type Round,
  type Size,
} from './fanout-rounds.js';
import { report, type Alone, type FanoutFigures } from './fanout-report.js';
import { median, short, table } from './figures.js';
import type { LoadClient } from './load-client.js';
import { createWorld, keepResults, type World } from './world.js';

const quick = process.argv.includes('--quick');
const rounds = Number(/--rounds=(\d+)/.exec(process.argv.join(' '))?.[1] ?? (quick ? 1 : 5));
const chosen = /--subscribers=([\d,]+)/.exec(process.argv.join(' '))?.[1]?.split(',').map(Number) ?? null;
const allSizes: readonly Size[] = quick
  ? [
      { subscribers: 50, burst: 100, slowBurst: 20, steady: 10, intervalMs: 20 },
      { subscribers: 200, burst: 100, slowBurst: 20, steady: 5, intervalMs: 50 },
    ]
  : [
      { subscribers: 100, burst: 600, slowBurst: 200, steady: 40, intervalMs: 50 },
      { subscribers: 1_000, burst: 300, slowBurst: 60, steady: 20, intervalMs: 100 },
      { subscribers: 5_000, burst: 60, slowBurst: 12, steady: 6, intervalMs: 500 },
    ];
const onlySubscribing = process.argv.includes('--only=subscribing');
const sizes = allSizes.filter(({ subscribers }) => !onlySubscribing && (chosen?.includes(subscribers) ?? true));

const say = (what: string): void => console.log(`${new Date().toISOString().slice(11, 19)}  ${what}`);

const against = /--against=(\S+)/.exec(process.argv.join(' '))?.[1] ?? null;
const names: readonly Name[] = against === null ? NAMES : ['lyceum', BEFORE, 'graphql-ws', 'bare ws'];

const world = await createWorld();
const before = against === null ? null : await createWorld({ checkout: against });
const worldOf = (name: Name): World => (name === BEFORE && before !== null ? before : world);
const client = await startChild<LoadClient>('./load-client.ts');
const redis = await openRedis();
const entrants: Entrant[] = [];
try {
  for (const name of names) entrants.push(await startEntrant(name, worldOf(name)));

  const memory = new Map<Name, Bytes>();
  for (const entrant of onlySubscribing ? [] : entrants) {
    say(`memory of idle subscribers: ${entrant.name}`);
    memory.set(entrant.name, await memoryPerSubscriber(client, entrant, quick ? 200 : 1_000));
  }

  const played = new Map<number, Map<Name, Round[]>>();
  for (const size of sizes) {
    const bySize = new Map(names.map((name): [Name, Round[]] => [name, []]));
    played.set(size.subscribers, bySize);
    // One round to warm up, which does not count.
    for (let round = quick ? 1 : 0; round <= rounds; round += 1) {
      say(`${size.subscribers} subscribers, round ${round} of ${rounds}`);
      // Each begins in its turn, so that nobody always follows the same neighbour.
      for (let place = 0; place < entrants.length; place += 1) {
        const entrant = entrants[(place + round) % entrants.length];
        if (!entrant) continue;
        const result = await playRound(client, entrant, size);
        if (round > 0) bySize.get(entrant.name)?.push(result);
      }
    }
  }

  say('subscribing');
  const history = 50;
  const times = new Map<Name, Subscribing[]>();
  for (let round = 0; round < (onlySubscribing ? rounds : quick ? 1 : 3); round += 1) {
    for (const entrant of entrants) {
      if (!isLyceum(entrant.name) && entrant.name !== 'graphql-ws') continue;
      const took = await subscribing(client, entrant, quick ? 100 : 1_000, history);
      times.set(entrant.name, [...(times.get(entrant.name) ?? []), took]);
    }
  }
  const subscribed = (name: Name): Subscribing => {
    const taken = times.get(name) ?? [];
    return {
      perSecond: median(taken.map(({ perSecond }) => perSecond)),
      cpuPerSubscribe: median(taken.map(({ cpuPerSubscribe }) => cpuPerSubscribe)),
    };
  };

  if (onlySubscribing) {
    const of = (name: Name): string[] => [name, short(subscribed(name).perSecond), short(subscribed(name).cpuPerSubscribe)];
    console.log(`\n${table([[`${history} events of history`, 'subscribes/s', 'CPU ms of each'], ...[...times.keys()].map(of)])}`);
  } else {
    for (const { server } of entrants) await server.stop();
    const alone = async (name: Name): Promise<Alone> => {
      const own = worldOf(name);
      say(`memory of sockets and subscriptions: ${name}`);
      const fresh = await startEntrant(name, own);
      const lyceumBytes = await lyceumMemory(client, fresh, quick ? 10 : 50, 100);
      await fresh.server.stop();
      say(`statements of an event: ${name}`);
      const statements = await statementsPerEvent(client, own, redis?.url ?? null, quick ? [1, 50] : [1, 100, 1_000]);
      say(`the way to another process: ${name}`);
      const across = redis === null ? null : await acrossProcesses(client, own, redis.url, quick ? 20 : 200);
      return { memory: lyceumBytes, statements, across, subscribed: subscribed(name) };
    };

    const figures: FanoutFigures = {
      machine: { node: process.version, cpu: cpus()[0]?.model ?? '', cores: cpus().length },
      at: new Date().toISOString(),
      sizes,
      rounds: [...played].map(([subscribers, bySize]) => ({
        subscribers,
        contenders: [...bySize].map(([name, all]) => ({ name, ...summarise(all), all })),
      })),
      memory: Object.fromEntries(memory),
      lyceum: await alone('lyceum'),
      before: before === null ? null : await alone(BEFORE),
      history,
      recipeSubscribed: subscribed('graphql-ws'),
    };
    console.log(`\n${report(figures)}`);
    await keepResults(quick ? 'fanout-quick' : 'fanout', figures);
  }
} finally {
  await client.stop();
  await Promise.all(entrants.map(({ server }) => server.stop()));
  await world.close();
  await before?.close();
  await redis?.stop();
}
