import type { Child } from '../child.js';
import { median } from '../figures.js';
import { assertSame, collect } from './answers.js';
import type { Load, Loaded, QueryClient, Question } from './client.js';
import type { Peer } from './peers.js';
import { cpuOf, cpuOfPostgres, rssOf } from './processes.js';
import type { Read } from './words.js';

/** What one peer did with one question for a while. */
export interface Turn extends Loaded {
  readonly perSecond: number;
  /** CPU of the server's process, and of all processes of the database: milliseconds a request. */
  readonly serverMs: number;
  readonly databaseMs: number;
  /** Bytes of the server's process, afterwards. */
  readonly rss: number;
}

/** What a run has at hand. */
export interface Table {
  readonly client: Child<QueryClient>;
  readonly postmaster: number;
  /** Of those who are signed in. */
  readonly tokens: readonly string[];
}

/**
 * The variants of a question in a peer's words; null when it has none.
 * @param from the place of the first one
 */
export const questionsOf = async ({ client, tokens }: Table, peer: Peer, read: Read, from = 0): Promise<readonly Question[] | null> => {
  const words = read.words[peer.dialect];
  if (words === undefined) return null;
  const { query, variables = () => ({}), cursors: cursorQuery } = words;
  const listed =
    cursorQuery === undefined
      ? []
      : await client.call('ask', { url: peer.url, questions: [{ body: { query: cursorQuery }, token: null }] });
  const cursors = listed.flatMap((body) => collect(JSON.parse(body), 'cursor'));
  return Array.from({ length: read.variants }, (_, index) => ({
    body: { query, variables: variables(from + index, cursors) },
    token: read.signedIn ? (tokens[(from + index) % tokens.length] ?? null) : null,
  }));
};

/** Asks every peer that has words for it some of the variants, which also warms it up, and fails unless they answer the same. */
export const compareAnswers = async ({ client }: Table, read: Read, asked: ReadonlyMap<Peer, readonly Question[]>): Promise<void> => {
  // Who speaks no Lyceum has nothing to say but its type's name.
  const places = [...new Set([0, 1, Math.floor(read.variants / 2), read.variants - 1])].filter((place) => place < read.variants);
  const bodies = new Map<Peer, string[]>();
  for (const [peer, questions] of asked) {
    const chosen = places.flatMap((place) => questions[place] ?? []);
    bodies.set(peer, await client.call('ask', { url: peer.url, questions: chosen }));
  }
  for (const [index, place] of places.entries())
    assertSame(`${read.name} ${place}`, new Map([...bodies].map(([{ name }, given]) => [name, given[index] ?? ''])));
};

/** A peer's turn. */
export const playTurn = async (
  { client, postmaster }: Table,
  peer: Peer,
  questions: readonly Question[],
  { connections, ...load }: Load & { readonly connections: number },
): Promise<Turn> => {
  await client.call('open', { url: peer.url, questions, count: connections });
  const cpu = async () => ({ server: await cpuOf(peer.pid), database: await cpuOfPostgres(postmaster) });
  const before = await cpu();
  const loaded = await client.call('load', load);
  const after = await cpu();
  await client.call('close');
  const each = (before: number, after: number): number => (after - before) / loaded.requests;
  return {
    ...loaded,
    perSecond: loaded.requests / loaded.seconds,
    serverMs: each(before.server, after.server),
    databaseMs: each(before.database, after.database),
    rss: await rssOf(peer.pid),
  };
};

/** The turns of the peers in some rounds, by their names. */
export type Played = ReadonlyMap<string, readonly Turn[]>;

/**
 * Lets everybody play in rounds, each beginning in its turn, so that nobody always follows the same neighbour.
 * @param turn plays one turn of one peer in one round
 */
export const playRounds = async (
  peers: readonly Peer[],
  rounds: number,
  turn: (peer: Peer, round: number) => Promise<Turn>,
): Promise<Played> => {
  const played = new Map(peers.map(({ name }): [string, Turn[]] => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (let place = 0; place < peers.length; place += 1) {
      const peer = peers[(place + round) % peers.length];
      if (peer) played.get(peer.name)?.push(await turn(peer, round));
    }
  }
  return played;
};

export const middle = (turns: readonly Turn[], figure: keyof Turn): number => median(turns.map((turn) => turn[figure]));

/** Round by round, because they stand side by side in time: a machine that is slow for a while is so for both. */
export const ratioOf = (one: readonly Turn[], other: readonly Turn[], figure: keyof Turn): number =>
  median(one.map((turn, round) => turn[figure] / (other[round]?.[figure] ?? Number.NaN)));
