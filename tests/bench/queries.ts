/**
 * `npm run bench:queries`: reads of Lyceum, of PostGraphile, of Mercurius with SQL written by hand, of a bare server and of bare Yoga, in one
 * run and on the same tables. `--help` lists the options.
 */
import { cpus } from 'node:os';
import { readOptions, type Options } from './queries/options.js';
import { isLyceum, type Peer } from './queries/peers.js';
import { readsOf } from './queries/reads.js';
import { gameTable, goalsTable, SHARING_CONNECTIONS, sharingTable, type Game, type Sharing } from './queries/report.js';
import { compareAnswers, playRounds, playTurn, questionsOf, type Played, type Table } from './queries/rounds.js';
import { LARGE, SMALL } from './queries/seed.js';
import { setStage } from './queries/stage.js';
import type { Question } from './queries/client.js';
import type { Read } from './queries/words.js';
import { keepResults } from './world.js';

const say = (what: string): void => console.log(`${new Date().toISOString().slice(11, 19)}  ${what}`);

/** What each peer that has words for it is asked; their answers have been compared. */
const ask = async (table: Table, peers: readonly Peer[], read: Read): Promise<ReadonlyMap<Peer, readonly Question[]>> => {
  const asked = new Map<Peer, readonly Question[]>();
  for (const peer of peers) {
    const questions = await questionsOf(table, peer, read);
    if (questions !== null) asked.set(peer, questions);
  }
  await compareAnswers(table, read, asked);
  return asked;
};

const WARM = { connections: 4, seconds: 2, pattern: 'turn' } as const;

const playRead = async (table: Table, read: Read, asked: ReadonlyMap<Peer, readonly Question[]>, options: Options): Promise<Game[]> => {
  const { connections: sizes, rounds, seconds } = options;
  // What is compiled, planned and prepared once does not count.
  for (const [peer, questions] of asked) await playTurn(table, peer, questions, WARM);
  const games: Game[] = [];
  for (const connections of sizes) {
    say(`${read.name}, ${connections} at a time`);
    const played = await playRounds([...asked.keys()], rounds, (peer) =>
      playTurn(table, peer, asked.get(peer) ?? [], { connections, seconds, pattern: 'turn' }),
    );
    const game = { name: read.name, connections, played };
    console.log(`\n${gameTable(game)}\n`);
    games.push(game);
  }
  return games;
};

/** Equal reads of whoever may share them, beside different ones. */
const playSharing = async (
  table: Table,
  read: Read,
  asked: ReadonlyMap<Peer, readonly Question[]>,
  options: Options,
): Promise<Sharing[]> => {
  say(`${read.name}, equal and different ones`);
  const lyceums = [...asked.keys()].filter(({ name }) => isLyceum(name));
  const { rounds, seconds } = options;
  const play = (connections: number, pattern: 'equal' | 'own'): Promise<Played> =>
    playRounds(lyceums, rounds, (peer) => playTurn(table, peer, asked.get(peer) ?? [], { connections, seconds, pattern }));
  const alone = await play(1, 'equal');
  const equal = await play(SHARING_CONNECTIONS, 'equal');
  const own = await play(SHARING_CONNECTIONS, 'own');
  const of = (played: Played, peer: Peer) => played.get(peer.name) ?? [];
  return lyceums.map((peer) => ({ name: read.name, peer: peer.name, alone: of(alone, peer), equal: of(equal, peer), own: of(own, peer) }));
};

const SHARED = ['list', 'nested'];

const run = async (options: Options): Promise<void> => {
  const amounts = options.small ? SMALL : LARGE;
  const machine = { node: process.version, cpu: cpus()[0]?.model ?? '', cores: cpus().length };
  const { rounds, seconds } = options;
  console.log(
    `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}. Medians of ${rounds} rounds of ${seconds} s. CPU is that of one request.`,
  );
  console.log('In brackets what Lyceum has of it.');
  const stage = await setStage({ amounts, peers: options.peers, against: options.against, durable: false, say });
  try {
    const reads = readsOf(options.shape, amounts).filter(({ name }) => options.reads?.includes(name) ?? true);
    const games: Game[] = [];
    const sharings: Sharing[] = [];
    for (const read of reads) {
      const asked = await ask(stage.table, stage.peers, read);
      games.push(...(await playRead(stage.table, read, asked, options)));
      if (options.sharing && SHARED.includes(read.name)) sharings.push(...(await playSharing(stage.table, read, asked, options)));
    }
    console.log([...(sharings.length > 0 ? [sharingTable(sharings)] : []), goalsTable(games, sharings)].join('\n\n'));
    await keepResults(options.small ? 'queries-small' : 'queries', {
      machine,
      at: new Date().toISOString(),
      options,
      amounts,
      games: games.map(({ played, ...game }) => ({ ...game, played: Object.fromEntries(played) })),
      sharings,
    });
  } finally {
    await stage.close();
  }
};

const options = readOptions(process.argv.slice(2));
if (options !== null) await run(options);
