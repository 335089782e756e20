/** Mutations that all meet in one place, beside the same ones spread over many, and what bounds them. */
import { cpus } from 'node:os';
import { startChild } from './child.js';
import { median, short, table } from './figures.js';
import { createObserver, type Observed } from './observer.js';
import { createWorld } from './world.js';
import type { Transport, Writers, Writing, Written } from './writers.js';

export interface PlaceOptions {
  readonly quick: boolean;
  readonly rounds: number;
  readonly transport: Transport;
  readonly say: (what: string) => void;
}

const writers = 50;
const places = 50;

const LOADS: readonly (Omit<Writing, 'seconds'> & { readonly name: string })[] = [
  { name: 'likes, one post', act: 'like', hot: true },
  { name: `likes, ${places} posts`, act: 'like', hot: false },
  { name: 'messages, one conversation', act: 'send', hot: true },
  { name: `messages, ${places} conversations`, act: 'send', hot: false },
];

interface Played extends Written {
  readonly load: string;
  readonly durable: boolean;
  readonly serverCpuMs: number;
  readonly observed: Observed;
}

/** Plays it and prints what was found. */
export const playPlaces = async ({ quick, rounds, transport, say }: PlaceOptions): Promise<object> => {
  const seconds = quick ? 1 : 4;
  const users = quick ? 200 : 1_000;
  const world = await createWorld({ durable: true });
  const observer = await createObserver(world.postgres);
  const client = await startChild<Writers>('./writers.ts');
  try {
    const server = await world.lyceum();
    const url = (await server.call('url')).replace('ws', 'http');
    say(`${users} users, ${places} posts, ${places} conversations of ${writers} members`);
    await client.call('gather', { url, transport, users, writers, places });

    const measured = async <Result>(work: () => Promise<Result>) => {
      const before = await server.call('cpu');
      const result = await observer.during(work);
      return { ...result, serverCpuMs: (await server.call('cpu')) - before };
    };

    const played: Played[] = [];
    // One round to warm up, which does not count.
    for (let round = quick ? 1 : 0; round <= rounds; round += 1) {
      for (const durable of [true, false]) {
        await observer.commitToDisk(durable);
        for (const { name, ...load } of LOADS) {
          say(`round ${round} of ${rounds}: ${name}${durable ? '' : ', not waiting for the disk'}`);
          const result = await measured(() => client.call('write', { ...load, seconds }));
          if (round > 0) played.push({ load: name, durable, ...result });
        }
      }
    }
    await observer.commitToDisk(true);
    say(`${users} users like one post at once`);
    const crowd = await measured(() => client.call('crowd'));
    await server.call('stop');
    await server.stop();

    say('statements of an act');
    const counting = await world.lyceum({ env: { BENCH_COUNT: '1' } });
    const others = await startChild<Writers>('./writers.ts');
    const statements = new Map<string, number>();
    try {
      await others.call('gather', {
        url: (await counting.call('url')).replace('ws', 'http'),
        transport,
        users: 2 * writers,
        writers,
        places,
      });
      for (const { name, ...load } of LOADS) {
        await counting.call('statements');
        const { acts } = await others.call('write', { ...load, seconds, alone: true });
        const sent = await counting.call('statements');
        // Prisma names a COMMIT among its statements, and no BEGIN.
        statements.set(name, (sent.length + sent.filter((sql) => sql === 'COMMIT').length) / acts);
      }
    } finally {
      await others.stop();
    }

    const of = (name: string, durable: boolean): Played[] => played.filter((each) => each.load === name && each.durable === durable);
    const middle = (all: readonly Played[], value: (each: Played) => number): number => median(all.map(value));
    const rate = ({ acts, seconds: took }: Pick<Written, 'acts' | 'seconds'>): number => acts / took;
    const summaries = LOADS.flatMap(({ name }) =>
      [true, false].map((durable) => {
        const all = of(name, durable);
        return {
          load: name,
          durable,
          perSecond: middle(all, rate),
          medianMs: middle(all, (each) => each.median),
          p99Ms: middle(all, ({ p99 }) => p99),
          serverCpuMs: middle(all, ({ serverCpuMs, acts }) => serverCpuMs / acts),
          serverCpuShare: middle(all, ({ serverCpuMs, seconds: took }) => serverCpuMs / took / 10),
          clientCpuShare: middle(all, ({ clientCpuMs, seconds: took }) => clientCpuMs / took / 10),
          waits: {
            lock: middle(all, ({ observed }) => observed.waits.lock),
            disk: middle(all, ({ observed }) => observed.waits.disk),
            server: middle(all, ({ observed }) => observed.waits.server),
            work: middle(all, ({ observed }) => observed.waits.work),
          },
          syncsPerAct: middle(all, ({ observed, acts }) => observed.syncs / acts),
          syncMs: middle(all, ({ observed }) => observed.syncMs),
          readP99Ms: middle(all, ({ read }) => read.p99),
          statements: statements.get(name) ?? Number.NaN,
        };
      }),
    );
    /** Rounds are compared with themselves: what else the machine does differs from one to the next. */
    const ratio = (hot: number, spread: number, durable: boolean): number => {
      const [one = [], other = []] = [hot, spread].map((index) => of(LOADS[index]?.name ?? '', durable));
      return median(one.map((each, round) => rate(each) / rate(other[round] ?? each)));
    };
    const ratios = [true, false].map((durable) => ({ durable, likes: ratio(0, 1, durable), messages: ratio(2, 3, durable) }));

    const figures = {
      machine: { node: process.version, cpu: cpus()[0]?.model ?? '', cores: cpus().length },
      at: new Date().toISOString(),
      transport,
      writers,
      places,
      rounds,
      seconds,
      summaries,
      ratios,
      crowd: { users, ...crowd },
      played,
    };
    console.log(
      `\n${writers} writers over ${transport}, each waiting for its answer; medians of ${rounds} rounds of ${seconds} s\n\n${table([
        [
          '',
          'acts/s',
          'median ms',
          'p99 ms',
          'read p99 ms',
          'statements',
          'server CPU ms',
          'server CPU',
          'client CPU',
          'disk syncs',
          'sync ms',
        ],
        ...summaries.map((each) => [
          `${each.load}${each.durable ? '' : ' *'}`,
          short(each.perSecond),
          short(each.medianMs),
          short(each.p99Ms),
          short(each.readP99Ms),
          short(each.statements),
          short(each.serverCpuMs),
          `${short(each.serverCpuShare)} %`,
          `${short(each.clientCpuShare)} %`,
          short(each.syncsPerAct),
          short(each.syncMs),
        ]),
      ])}\n\nTransactions under way, on average\n${table([
        ['', 'wait for a row', 'for the disk', 'for the server', 'at work'],
        ...summaries.map(({ load, durable, waits }) => [
          `${load}${durable ? '' : ' *'}`,
          ...[waits.lock, waits.disk, waits.server, waits.work].map((value) => value.toFixed(1)),
        ]),
      ])}\n\n${table([
        ['one place to many, by the acts a second', 'likes', 'messages'],
        ...ratios.map(({ durable, likes, messages }) => [durable ? 'durable' : '*', short(likes), short(messages)]),
      ])}\n\nStatements, CPU and disk syncs are those of one act. * COMMIT does not wait for the disk.\n\n${table([
        [`${users} users like one post at once: all succeeded`, ''],
        ['the last is answered after', `${short(crowd.seconds)} s`],
        ['queries meanwhile: median, p99', `${short(crowd.read.median)} ms, ${short(crowd.read.p99)} ms`],
        ['counts that a subscriber got, the last one true', String(crowd.told)],
      ])}`,
    );
    return figures;
  } finally {
    await client.stop();
    await observer.close();
    await world.close();
  }
};
