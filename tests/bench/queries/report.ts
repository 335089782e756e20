import { median, short, table } from '../figures.js';
import { BEFORE, KEPT, LYCEUM, SHARED } from './peers.js';
import { middle, ratioOf, type Played, type Turn } from './rounds.js';

/** All that was played with one question and one number of connections. */
export interface Game {
  readonly name: string;
  readonly connections: number;
  readonly played: Played;
}

/** Connections that all ask the same, or each something of its own, beside one that asks alone. */
export interface Sharing {
  readonly name: string;
  readonly peer: string;
  readonly alone: readonly Turn[];
  readonly equal: readonly Turn[];
  readonly own: readonly Turn[];
}

export const SHARING_CONNECTIONS = 16;

/** One line for each peer; in brackets what Lyceum has of its figure. */
export const gameTable = ({ name, connections, played }: Game): string => {
  const own = played.get(LYCEUM) ?? [];
  const cell = (turns: readonly Turn[], figure: keyof Turn): string =>
    own.length === 0 || turns === own
      ? short(middle(turns, figure))
      : `${short(middle(turns, figure))} (${short(ratioOf(own, turns, figure))}x)`;
  return table([
    [
      `${name}, ${connections} at a time`,
      'requests/s',
      'p50 ms',
      'p99 ms',
      'server CPU ms',
      'database CPU ms',
      'bytes',
      'RSS MiB',
      'refused',
      'client CPU',
    ],
    ...[...played].map(([peer, turns]) => [
      peer,
      cell(turns, 'perSecond'),
      cell(turns, 'p50'),
      cell(turns, 'p99'),
      cell(turns, 'serverMs'),
      cell(turns, 'databaseMs'),
      short(middle(turns, 'bytes')),
      short(middle(turns, 'rss') / 1_048_576),
      short(median(turns.map(({ refused, requests }) => (100 * refused) / (refused + requests)))).concat(' %'),
      `${short(median(turns.map(({ clientCpuMs, seconds }) => clientCpuMs / seconds / 10)))} %`,
    ]),
  ]);
};

export const sharingTable = (sharings: readonly Sharing[]): string =>
  table([
    [
      'requests/s',
      '1 at a time',
      `${SHARING_CONNECTIONS}, equal`,
      `${SHARING_CONNECTIONS}, different`,
      'equal / 1',
      'equal / different',
      'CPU ms, equal',
    ],
    ...sharings.map(({ name, peer, alone, equal, own }) => [
      `${peer}: ${name}`,
      short(middle(alone, 'perSecond')),
      short(middle(equal, 'perSecond')),
      short(middle(own, 'perSecond')),
      `${short(ratioOf(equal, alone, 'perSecond'))}x`,
      `${short(ratioOf(equal, own, 'perSecond'))}x`,
      `${short(middle(equal, 'serverMs'))} + ${short(middle(equal, 'databaseMs'))}`,
    ]),
  ]);

/** What the reads must reach, in words and figures, where both sides have played with as many connections as the goals speak of. */
export const goalsTable = (games: readonly Game[], sharings: readonly Sharing[]): string => {
  const AT = 20;
  const turnsOf = (name: string, peer: string): readonly Turn[] =>
    games.find((game) => game.name === name && game.connections === AT)?.played.get(peer) ?? [];
  const against = (name: string, peer: string, figure: keyof Turn = 'perSecond', own = LYCEUM): number =>
    ratioOf(turnsOf(name, own), turnsOf(name, peer), figure);
  const goal = (what: string, is: number, least: number | null, aim: number, unit = 'x', more = true): string[] => {
    const reached = (bound: number): boolean => (more ? is >= bound : is <= bound);
    const bound = (value: number | null): string => (value === null ? '' : `${more ? '' : '<= '}${value}${unit}`);
    const verdict = reached(aim) ? 'aim reached' : least === null ? '' : reached(least) ? 'reached' : 'NOT REACHED';
    return [what, `${short(is)}${unit}`, bound(least), bound(aim), verdict];
  };
  const shared = sharings.filter(({ peer }) => peer === SHARED);
  const lines = [
    goal('nested, requests/s of PostGraphile', against('nested', 'postgraphile'), 0.7, 1),
    goal('nested, CPU of the server', middle(turnsOf('nested', LYCEUM), 'serverMs'), 2.3, 1.5, ' ms', false),
    goal('nested, CPU of the database', middle(turnsOf('nested', LYCEUM), 'databaseMs'), 0.8, 0.6, ' ms', false),
    goal('list, requests/s of PostGraphile', against('list', 'postgraphile'), 0.9, 1.2),
    goal('hello, CPU of bare Yoga in that of Lyceum', 1 / against('hello', 'yoga', 'serverMs'), 2, 2.5),
    goal('feed, requests/s of Mercurius', against('feed', 'mercurius'), null, 0.7),
    goal('inbox, requests/s of Mercurius', against('inbox', 'mercurius'), null, 0.7),
    goal('nested, kept, requests/s of before', against('nested', BEFORE, 'perSecond', KEPT), 15, 25),
    goal('list, kept, requests/s of before', against('list', BEFORE, 'perSecond', KEPT), 6, 10),
    ...shared.map(({ name, equal, alone }) => goal(`${name}, equal ones to one at a time`, ratioOf(equal, alone, 'perSecond'), 4, 6)),
  ];
  const known = lines.filter(([, is]) => is?.startsWith('–') !== true);
  return known.length === 0 ? '' : table([['must reach', 'is', 'at least', 'aim', ''], ...known]);
};
