import type { AcrossProcesses, Bytes, LyceumMemory, Statements, Subscribing } from './fanout-extras.js';
import { BEFORE, type Name, type Round, type Size } from './fanout-rounds.js';
import { median, short, table } from './figures.js';

/** The medians of a contender's rounds, and the rounds. */
type Played = Round & { readonly name: Name; readonly all: readonly Round[] };

/** What was measured of one Lyceum by itself. */
export interface Alone {
  readonly memory: LyceumMemory;
  readonly statements: readonly Statements[];
  readonly across: AcrossProcesses | null;
  readonly subscribed: Subscribing;
}

/** What a run of bench:fanout has found out. */
export interface FanoutFigures {
  readonly machine: { readonly node: string; readonly cpu: string; readonly cores: number };
  readonly at: string;
  readonly sizes: readonly Size[];
  readonly rounds: readonly { readonly subscribers: number; readonly contenders: readonly Played[] }[];
  readonly memory: Readonly<Record<string, Bytes>>;
  readonly lyceum: Alone;
  /** The Lyceum of another checkout, where there is one. */
  readonly before: Alone | null;
  /** Events that were there already when Lyceum's subscribers came. */
  readonly history: number;
  readonly recipeSubscribed: Subscribing;
}

const kib = ({ heap, rss }: Bytes): string => `${short(heap / 1_024)} KiB (RSS ${short(rss / 1_024)})`;
const NOBODY: Bytes = { heap: Number.NaN, rss: Number.NaN };

/** The tables of a run, and what it reached of what it must reach. */
export const report = (figures: FanoutFigures): string => {
  const { machine, rounds, memory, lyceum: alone, history, recipeSubscribed } = figures;
  const { statements, across, subscribed } = alone;
  const sections = [
    `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}. Medians of the rounds; in brackets what Lyceum has of it.`,
  ];

  for (const { subscribers, contenders } of rounds) {
    const lyceum = contenders.find(({ name }) => name === 'lyceum');
    const cell = (value: number, own: number | undefined): string => `${short(value)} (${short((own ?? Number.NaN) / value)}x)`;
    sections.push(
      table([
        [
          `${short(subscribers)} subscribers`,
          'deliveries/s, burst',
          'CPU ms / 1,000, burst',
          'median ms, steady',
          'p99 ms, steady',
          'idle subscriber',
        ],
        ...contenders.map((each) => [
          each.name,
          cell(each.deliveriesPerSecond, lyceum?.deliveriesPerSecond),
          cell(each.cpu, lyceum?.cpu),
          cell(each.median, lyceum?.median),
          cell(each.p99, lyceum?.p99),
          kib(memory[each.name] ?? NOBODY),
        ]),
      ]),
    );
    if (lyceum) sections.push(`Lyceum, counted from the moment that the event has been read: ${short(lyceum.medianFromRead)} ms.`);
  }

  sections.push(
    table([
      ['Lyceum', ''],
      ['acknowledged socket without subscription', kib(alone.memory.socket)],
      ['bare ws socket', kib(memory['bare ws'] ?? NOBODY)],
      ['further subscription on a socket, all of one stream', kib(alone.memory.sameStream)],
      ['further subscription, streams that other sockets follow too', kib(alone.memory.sharedStreams)],
      ['further subscription, a stream of its own', kib(alone.memory.ownStream)],
      ...statements.map(({ subscribers, perEvent }): [string, string] => [
        `SQL statements of an event, ${short(subscribers)} subscribers`,
        String(perEvent),
      ]),
      ['commit to receipt on another process, median', across === null ? 'no Redis here' : `${short(across.medianMs)} ms`],
      ['commit to receipt on another process, p99', across === null ? '' : `${short(across.p99Ms)} ms`],
      [
        `subscribes/s with ${history} events of history`,
        `${short(subscribed.perSecond)} (${short(subscribed.cpuPerSubscribe)} ms of CPU each)`,
      ],
      [
        'graphql-ws recipe, without history',
        `${short(recipeSubscribed.perSecond)} (${short(recipeSubscribed.cpuPerSubscribe)} ms of CPU each)`,
      ],
    ]),
  );
  if (figures.before !== null)
    sections.push(table([['Lyceum', 'before', 'after', 'after / before'], ...comparison(figures, figures.before)]));
  sections.push(table([['must reach', 'is', 'at least', ''], ...goals(figures)]));
  return sections.join('\n\n');
};

/** Round by round, because they stand side by side in time: a machine that is slow for a while is so for both. */
const ratioOf = (one: readonly Round[], other: readonly Round[], figure: keyof Round, own = figure): number =>
  median(one.map((round, index) => round[own] / (other[index]?.[figure] ?? Number.NaN)));

/** One line for each figure of this Lyceum and of the other checkout's. */
const comparison = ({ rounds, memory, lyceum: after }: FanoutFigures, before: Alone): string[][] => {
  const line = (what: string, old: number, now: number, ratio = now / old): string[] => [what, short(old), short(now), `${short(ratio)}x`];
  const figuresOf: readonly (readonly [string, keyof Round])[] = [
    ['deliveries/s, burst', 'deliveriesPerSecond'],
    ['CPU ms / 1,000, burst', 'cpu'],
    ['median ms, steady', 'median'],
    ['p99 ms, steady', 'p99'],
  ];
  const bytes = (what: string, old: Bytes | undefined, now: Bytes | undefined): string[][] => [
    line(`${what}, KiB`, (old?.heap ?? Number.NaN) / 1_024, (now?.heap ?? Number.NaN) / 1_024),
    line('… of the process', (old?.rss ?? Number.NaN) / 1_024, (now?.rss ?? Number.NaN) / 1_024),
  ];
  return [
    ...rounds.flatMap(({ subscribers, contenders }) => {
      const [own, other] = ['lyceum', BEFORE].map((name) => contenders.find((each) => each.name === name));
      if (!own || !other) return [];
      return figuresOf.map(([what, figure]) =>
        line(`${short(subscribers)} subscribers: ${what}`, other[figure], own[figure], ratioOf(own.all, other.all, figure)),
      );
    }),
    ...bytes('idle subscriber', memory[BEFORE], memory['lyceum']),
    ...bytes('socket without subscription', before.memory.socket, after.memory.socket),
    ...bytes('further subscription, one stream', before.memory.sameStream, after.memory.sameStream),
    ...bytes('further subscription, shared streams', before.memory.sharedStreams, after.memory.sharedStreams),
    ...bytes('further subscription, a stream of its own', before.memory.ownStream, after.memory.ownStream),
    ...after.statements.map(({ subscribers, perEvent }, index) =>
      line(`SQL statements of an event, ${short(subscribers)} subscribers`, before.statements[index]?.perEvent ?? Number.NaN, perEvent),
    ),
    line('commit to receipt on another process, median ms', before.across?.medianMs ?? Number.NaN, after.across?.medianMs ?? Number.NaN),
    line('subscribes/s', before.subscribed.perSecond, after.subscribed.perSecond),
    line('CPU ms of a subscribe', before.subscribed.cpuPerSubscribe, after.subscribed.cpuPerSubscribe),
  ];
};

/** One line for each threshold. */
const goals = ({ rounds, memory, lyceum }: FanoutFigures): string[][] => {
  const { memory: lyceumMemory, statements, across } = lyceum;
  const [few, many = few] = rounds.map(({ subscribers, contenders }) => ({
    label: `${short(subscribers)} subscribers`,
    of: (name: Name): readonly Round[] => contenders.find((each) => each.name === name)?.all ?? [],
  }));
  if (!few || !many) return [];
  const goal = (what: string, is: number, bound: string, reached: boolean, unit = 'x'): string[] => [
    what,
    `${short(is)}${unit}`,
    bound,
    reached ? 'reached' : 'NOT REACHED',
  ];
  const atLeast = (what: string, is: number, bound: number): string[] => goal(what, is, `${bound}x`, is >= bound);
  const atMost = (what: string, is: number, bound: number): string[] => goal(what, is, `<= ${bound}x`, is <= bound);

  const against = ({ of }: typeof few, name: Name, figure: keyof Round): number => ratioOf(of('lyceum'), of(name), figure);
  const perSubscription = Math.max(lyceumMemory.sameStream.heap, lyceumMemory.sharedStreams.heap) / 1_024;
  const perSocket = (lyceumMemory.socket.heap - (memory['bare ws'] ?? NOBODY).heap) / 1_024;
  const counts = statements.map(({ perEvent }) => perEvent);
  const most = Math.max(...counts);
  return [
    ...[
      { size: few, latency: 1.25 },
      { size: many, latency: 1.2 },
    ].flatMap(({ size, latency }) => [
      atLeast(`${size.label}: deliveries/s of the graphql-ws recipe`, against(size, 'graphql-ws', 'deliveriesPerSecond'), 20),
      atLeast(`${size.label}: deliveries/s of a bare ws loop`, against(size, 'bare ws', 'deliveriesPerSecond'), 4),
      atMost(`${size.label}: median latency of a bare ws loop, from the commit`, against(size, 'bare ws', 'median'), latency),
    ]),
    ...(many.of('socket.io').length > 0 ? [atMost('CPU of Socket.IO', against(many, 'socket.io', 'cpu'), 0.33)] : []),
    goal('memory per further subscription', perSubscription, '<= 4 KiB', perSubscription <= 4, ' KiB'),
    goal('memory per socket over a bare ws socket', perSocket, '<= 16 KiB', perSocket <= 16, ' KiB'),
    goal('SQL statements of an event', most, '<= 3, constant', most <= 3 && Math.min(...counts) === most, ''),
    ...(across === null ? [] : [goal('commit to receipt on another process', across.medianMs, '< 10 ms', across.medianMs < 10, ' ms')]),
  ];
};
