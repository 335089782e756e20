/**
 * `npm run chaos`: writers and readers around three servers, a PostgreSQL and a Redis, while one fault after the other happens. At the end
 * everything acknowledged is compared with everything delivered: nothing lost, nothing twice, in order. The exit code is 1 when something
 * is not so.
 *
 * `--seconds=n` (120): how long faults happen. `--faults=a,b`: these alone. `--seed=n`: the faults in the order of an earlier run.
 */
import { setMaxListeners } from 'node:events';
import { parseArgs } from 'node:util';
import { startCluster, type Cluster } from './cluster.js';
import { FAULTS, faultsInTurn } from './faults.js';
import { createLedger, type Entry, type LogStream } from './ledger.js';
import { createRandom } from './random.js';
import { startReaders, type Readers } from './readers.js';
import { report } from './report.js';
import { rest, setScene, type Scene, type Stage } from './scene.js';
import { createTimeline } from './timeline.js';
import { startWriters, type Writers } from './writers.js';

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '120' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
    faults: { type: 'string', default: Object.keys(FAULTS).join(',') },
  },
});
const seconds = Number(options.seconds);
const seed = Number(options.seed);
const names = options.faults.split(',');

/** Before the first fault, so that readers are there and have something behind them. */
const WARM_UP_MS = 3_000;
/** Between two faults. */
const QUIET_MS = { least: 300, most: 1_500 };
/** Long, for machines that do much else meanwhile; a fault is over when all are ready. */
const READY_MS = 90_000;
/** How long readers may need at the end until they have everything: long, for machines that do much else meanwhile. */
const SETTLE_MS = 120_000;
/** Between two writes at the end, for those who follow from now and were not there for the first. */
const CLOSING_MS = 3_000;

const say = (what: string): void => console.log(`${new Date().toISOString().slice(11, 19)}  ${what}`);

const leaving = new AbortController();
setMaxListeners(0, leaving.signal);
const interrupt = (): void => {
  // The second time there is no patience left; what was started ends with this process.
  if (leaving.signal.aborted) process.exit(130);
  say('stopping');
  process.exitCode = 130;
  leaving.abort();
};
process.on('SIGINT', interrupt);
process.on('SIGTERM', interrupt);

const truthOf =
  ({ postgres }: Cluster) =>
  async ({ topic, key }: LogStream): Promise<readonly Entry[]> => {
    const rows = await postgres.query<{ seq: number; kind: string; ref: Readonly<Record<string, string>> | null }>(
      'SELECT seq, kind, ref FROM event WHERE topic = $1 AND key = $2 ORDER BY seq',
      [topic, key],
    );
    return rows.map(({ seq, kind, ref }) => ({ seq, kind, subject: ref?.['messageId'] ?? ref?.['commentId'] ?? ref?.['userId'] ?? '' }));
  };

/** Resolves when everybody has everything, or the time is up. */
const settle = async ({ cluster, timeline, leave }: Stage, { streams }: Scene, writers: Writers, readers: Readers): Promise<void> => {
  const truth = truthOf(cluster);
  const until = timeline.now() + SETTLE_MS;
  while (timeline.now() < until && !leave.aborted) {
    await Promise.all(streams.map((stream) => writers.writeOnce(stream)));
    const ends = new Map<LogStream, number>();
    for (const stream of streams) ends.set(stream, (await truth(stream)).at(-1)?.seq ?? 0);
    const isBehind = (): boolean => readers.all.some(({ views }) => views.some((view) => view.last() !== ends.get(view.stream)));
    const patience = timeline.now() + CLOSING_MS;
    while (isBehind() && timeline.now() < patience) await rest(50, leave);
    if (!isBehind() && (await readers.counts.differences()).length === 0) return;
  }
};

const run = async (stage: Stage): Promise<void> => {
  const { cluster, ledger, timeline, leave } = stage;
  const random = createRandom(seed);
  const scene = await setScene(stage);
  const writers = startWriters(stage, scene, random.fork());
  const readers = startReaders(stage, scene, random.fork());
  await rest(WARM_UP_MS, leave);
  const until = timeline.now() + seconds * 1_000;
  for (const { name, fault, random: chance } of faultsInTurn(names, random.fork())) {
    if (timeline.now() > until || leave.aborted) break;
    say(name);
    const end = timeline.begin(name);
    await fault({ ...stage, readers: readers.all }, chance);
    end();
    for (const server of await cluster.notReady(READY_MS))
      ledger.find('process', `${server} is not ready ${READY_MS / 1_000} s after ${name}`);
    await rest(chance.between(QUIET_MS.least, QUIET_MS.most), leave);
  }
  say('no more faults');
  await writers.stop();
  await settle(stage, scene, writers, readers);
  if (leave.aborted) return;
  await ledger.judge(truthOf(cluster));
  for (const text of await readers.counts.differences()) ledger.find('missed', text);
  await readers.stop();
  await report(seed, stage);
  if (ledger.findings().length > 0) process.exitCode = 1;
};

say(`seed ${seed}, ${seconds} s of ${names.join(', ')}`);
const timeline = createTimeline();
const ledger = createLedger(timeline);
const cluster = await startCluster((server, code) => ledger.find('process', `${server} ended by itself with ${code}`));
try {
  await run({ cluster, ledger, timeline, leave: leaving.signal });
} finally {
  leaving.abort();
  await cluster.stop();
}
process.exit();
