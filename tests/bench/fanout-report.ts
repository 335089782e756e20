import type { AcrossProcesses, Bytes, LyceumMemory, Statements, Subscribing } from './fanout-extras.js';
import type { Name, Round } from './fanout-rounds.js';
import { median, short, table } from './figures.js';

/** The medians of a contender's rounds, and the rounds. */
type Played = Round & { readonly name: Name; readonly all: readonly Round[] };

/** What a run of bench:fanout has found out. */
export interface FanoutFigures {
  readonly machine: { readonly node: string; readonly cpu: string; readonly cores: number };
  readonly rounds: readonly { readonly subscribers: number; readonly contenders: readonly Played[] }[];
  readonly memory: Readonly<Record<string, Bytes>>;
  readonly lyceumMemory: LyceumMemory;
  readonly statements: readonly Statements[];
  readonly across: AcrossProcesses | null;
  readonly subscribed: { readonly history: number; readonly lyceum: Subscribing; readonly recipe: Subscribing };
}

const kib = ({ heap, rss }: Bytes): string => `${short(heap / 1_024)} KiB (RSS ${short(rss / 1_024)})`;
const NOBODY: Bytes = { heap: Number.NaN, rss: Number.NaN };

/** The tables of a run, and what it reached of what it must reach. */
export const report = (figures: FanoutFigures): string => {
  const { machine, rounds, memory, lyceumMemory, statements, across, subscribed } = figures;
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
      ['acknowledged socket without subscription', kib(lyceumMemory.socket)],
      ['bare ws socket', kib(memory['bare ws'] ?? NOBODY)],
      ['further subscription on a socket, all of one stream', kib(lyceumMemory.sameStream)],
      ['further subscription, streams that other sockets follow too', kib(lyceumMemory.sharedStreams)],
      ['further subscription, a stream of its own', kib(lyceumMemory.ownStream)],
      ...statements.map(({ subscribers, perEvent }): [string, string] => [
        `SQL statements of an event, ${short(subscribers)} subscribers`,
        String(perEvent),
      ]),
      ['commit to receipt on another process, median', across === null ? 'no Redis here' : `${short(across.medianMs)} ms`],
      ['commit to receipt on another process, p99', across === null ? '' : `${short(across.p99Ms)} ms`],
      [
        `subscribes/s with ${subscribed.history} events of history`,
        `${short(subscribed.lyceum.perSecond)} (${short(subscribed.lyceum.cpuPerSubscribe)} ms of CPU each)`,
      ],
      [
        'graphql-ws recipe, without history',
        `${short(subscribed.recipe.perSecond)} (${short(subscribed.recipe.cpuPerSubscribe)} ms of CPU each)`,
      ],
    ]),
  );
  sections.push(table([['must reach', 'is', 'at least', ''], ...goals(figures)]));
  return sections.join('\n\n');
};

/** One line for each threshold. */
const goals = ({ rounds, memory, lyceumMemory, statements, across }: FanoutFigures): string[][] => {
  const contenders = (rounds.find(({ subscribers }) => subscribers === 1_000) ?? rounds.at(-1))?.contenders ?? [];
  const roundsOf = (name: Name): readonly Round[] => contenders.find((each) => each.name === name)?.all ?? [];
  // Round by round, because they stand side by side in time: a machine that is slow for a while is so for both.
  const ratio = (name: Name, figure: keyof Round, own = figure): number =>
    median(roundsOf('lyceum').map((round, index) => round[own] / (roundsOf(name)[index]?.[figure] ?? Number.NaN)));
  const goal = (what: string, is: number, bound: string, reached: boolean, unit = 'x'): string[] => [
    what,
    `${short(is)}${unit}`,
    bound,
    reached ? 'reached' : 'NOT REACHED',
  ];

  const recipe = ratio('graphql-ws', 'deliveriesPerSecond');
  const bare = ratio('bare ws', 'deliveriesPerSecond');
  const latency = ratio('bare ws', 'median', 'medianFromRead');
  const latencyFromCommit = ratio('bare ws', 'median');
  const cpu = ratio('socket.io', 'cpu');
  const perSubscription = Math.max(lyceumMemory.sameStream.heap, lyceumMemory.sharedStreams.heap) / 1_024;
  const perSocket = (lyceumMemory.socket.heap - (memory['bare ws'] ?? NOBODY).heap) / 1_024;
  const counts = statements.map(({ perEvent }) => perEvent);
  const most = Math.max(...counts);
  return [
    goal('deliveries/s of the graphql-ws recipe', recipe, '20x', recipe >= 20),
    goal('deliveries/s of a bare ws loop', bare, '4x', bare >= 4),
    goal('median latency of a bare ws loop, once the hub has the event', latency, '<= 1.3x', latency <= 1.3),
    goal('the same from the commit, the read of the event included', latencyFromCommit, '<= 1.3x', latencyFromCommit <= 1.3),
    goal('CPU of Socket.IO', cpu, '<= 0.33x', cpu <= 1 / 3),
    goal('memory per further subscription', perSubscription, '<= 4 KiB', perSubscription <= 4, ' KiB'),
    goal('memory per socket over a bare ws socket', perSocket, '<= 16 KiB', perSocket <= 16, ' KiB'),
    goal('SQL statements of an event', most, '<= 3, constant', most <= 3 && Math.min(...counts) === most, ''),
    ...(across === null ? [] : [goal('commit to receipt on another process', across.medianMs, '< 10 ms', across.medianMs < 10, ' ms')]),
  ];
};
