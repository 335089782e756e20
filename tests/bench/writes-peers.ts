/** The mutations of Lyceum beside the same rows written by hand: what a message and a like cost in the server and in the database. */
import { isDeepStrictEqual } from 'node:util';
import { queryAt } from '../kit/postgres-address.js';
import { median, short, table } from './figures.js';
import { createObserver } from './observer.js';
import { actsOf } from './queries/acts.js';
import { LYCEUM, type Peer } from './queries/peers.js';
import { gameTable, type Game } from './queries/report.js';
import { playRounds, playTurn, questionsOf, ratioOf, type Turn } from './queries/rounds.js';
import { LARGE, SMALL } from './queries/seed.js';
import { setStage, type Stage } from './queries/stage.js';
import type { Read } from './queries/words.js';

export interface PeerOptions {
  readonly small: boolean;
  readonly rounds: number;
  readonly seconds: number;
  readonly against: string | null;
  readonly say: (what: string) => void;
}

/** Marks the games in which a COMMIT does not wait for the disk. */
const STAR = ' *';
const WRITERS = ['lyceum', 'lyceum before', 'postgraphile', 'mercurius', 'bare'];
const CONNECTIONS = [1, 20];

const TABLES = ['message', 'event', 'post_like', 'notification', 'notification_actor'];

/** How many rows the tables have that the acts write to. */
const countRows = async ({ world }: Stage): Promise<Readonly<Record<string, number>>> => {
  const counts = TABLES.map((name) => `(SELECT count(*)::int FROM ${name}) AS ${name}`);
  const [rows = {}] = await queryAt<Record<string, number>>(
    world.postgres,
    `SELECT ${counts.join(', ')}, (SELECT sum(like_count)::int FROM post) AS likes`,
  );
  return rows;
};

/** How many acts of each kind have been asked for: the next ones go on from there, since none may come twice. */
const done = new Map<string, number>();

const SAMPLE = 40;

/** Has each peer do as many acts, and fails unless they write as many rows. */
const compareRows = async (stage: Stage, peers: readonly Peer[], act: Read): Promise<void> => {
  const { table: at } = stage;
  let expected: readonly [string, object] | null = null;
  for (const peer of peers) {
    const from = done.get(act.name) ?? 0;
    const questions = (await questionsOf(at, peer, act, from)) ?? [];
    const before = await countRows(stage);
    await at.client.call('ask', { url: peer.url, questions: questions.slice(0, SAMPLE) });
    done.set(act.name, from + SAMPLE);
    const after = await countRows(stage);
    const written = Object.fromEntries(Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)]));
    expected ??= [peer.name, written];
    if (!isDeepStrictEqual(expected[1], written))
      throw new Error(`${act.name}: ${expected[0]} writes ${JSON.stringify(expected[1])} and ${peer.name} ${JSON.stringify(written)}.`);
  }
};

const playAct = async (
  stage: Stage,
  act: Read,
  { connections, seconds }: { readonly connections: number; readonly seconds: number },
  peer: Peer,
) => {
  const from = done.get(act.name) ?? 0;
  const questions = (await questionsOf(stage.table, peer, act, from)) ?? [];
  // Or a turn would pay for what the one before it has left to an index of texts.
  await queryAt(stage.world.postgres, `VACUUM ${[...TABLES, 'head', 'post', 'conversation'].join(', ')}`);
  const turn: Turn = await playTurn(stage.table, peer, questions, { connections, seconds, pattern: 'turn' });
  done.set(act.name, from + turn.requests + turn.refused);
  return turn;
};

const GOALS_AT = 20;

const goals = (games: readonly Game[]): string[][] => {
  const of = (name: string, peer: string): readonly Turn[] =>
    games.find((game) => game.name === name && game.connections === GOALS_AT)?.played.get(peer) ?? [];
  return ['', STAR].flatMap((star) => {
    const sent = ratioOf(of(`sendMessage${star}`, LYCEUM), of(`sendMessage${star}`, 'mercurius'), 'perSecond');
    const likes = of(`likePost${star}`, LYCEUM);
    return [
      [`sendMessage${star}, acts/s of Mercurius`, `${short(sent)}x`, '0.55x', '0.8x'],
      [
        `likePost${star}, CPU in all`,
        `${short(median(likes.map(({ serverMs, databaseMs }) => serverMs + databaseMs)))} ms`,
        '<= 3 ms',
        '<= 2.5 ms',
      ],
    ];
  });
};

/** Plays all peers and prints what they did. */
export const playPeers = async ({ small, rounds, seconds, against, say }: PeerOptions): Promise<object> => {
  const amounts = small ? SMALL : LARGE;
  console.log('The same rows by others; in brackets what Lyceum has of it. * COMMIT does not wait for the disk.');
  const stage = await setStage({ amounts, peers: WRITERS, against, durable: true, say });
  const observer = await createObserver(stage.world.postgres);
  try {
    const games: Game[] = [];
    for (const act of actsOf(amounts)) {
      await compareRows(stage, stage.peers, act);
      for (const peer of stage.peers) await playAct(stage, act, { connections: 4, seconds }, peer);
      for (const durable of [true, false]) {
        await observer.commitToDisk(durable);
        for (const connections of CONNECTIONS) {
          say(`${act.name}, ${connections} at a time${durable ? '' : ', not waiting for the disk'}`);
          const played = await playRounds(stage.peers, rounds, (peer) => playAct(stage, act, { connections, seconds }, peer));
          const game = { name: `${act.name}${durable ? '' : STAR}`, connections, played };
          console.log(`\n${gameTable(game)}\n`);
          games.push(game);
        }
      }
      await observer.commitToDisk(true);
    }
    console.log(table([['must reach', 'is', 'at least', 'aim'], ...goals(games)]));
    return { amounts, games: games.map(({ played, ...game }) => ({ ...game, played: Object.fromEntries(played) })) };
  } finally {
    await observer.close();
    await stage.close();
  }
};
