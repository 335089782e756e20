import { parseArgs } from 'node:util';
import { PEERS } from './peers.js';

const HELP = `npm run bench:queries -- [options]

Reads of Lyceum and of others, in one run and on the same tables: requests a second, latency, CPU of server and database.

  --small               2,000 entries and posts instead of 50,000
  --shape=other         the same kinds of question with other names, arguments, fields and sizes
  --reads=a,b           these alone: hello, node, list, nested, feed, inbox
  --peers=a,b           these alone: ${PEERS.join(', ')}
  --connections=1,20    so many requests at a time; 1, 20 and 200 by default
  --rounds=n            3 by default; medians of them are printed
  --seconds=n           of each turn; 2 by default
  --against=<checkout>  the Lyceum of another checkout, which is built already, plays too, as "lyceum before"
  --no-sharing          leaves out equal reads beside different ones
  --help                this

Peers that have no words for a question sit it out. PostGraphile and its Node are fetched from npm into .artifacts/ at the first run.
The figures are written to tests/bench/results/. The machine should have nothing else to do.`;

export interface Options {
  readonly small: boolean;
  readonly shape: 'main' | 'other';
  readonly reads: readonly string[] | null;
  readonly peers: readonly string[];
  readonly connections: readonly number[];
  readonly rounds: number;
  readonly seconds: number;
  readonly against: string | null;
  readonly sharing: boolean;
}

/** Reads the command line; null when it asks for help, which has been printed then. @throws for what it does not know */
export const readOptions = (args: readonly string[]): Options | null => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      small: { type: 'boolean', default: false },
      shape: { type: 'string', default: 'main' },
      reads: { type: 'string' },
      peers: { type: 'string' },
      connections: { type: 'string', default: '1,20,200' },
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '2' },
      against: { type: 'string' },
      'no-sharing': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return null;
  }
  const { shape } = values;
  if (shape !== 'main' && shape !== 'other') throw new Error('--shape is main or other.');
  const peers = values.peers?.split(',') ?? PEERS;
  const unknown = peers.filter((peer) => !PEERS.includes(peer));
  if (unknown.length > 0) throw new Error(`There is no ${unknown.join(', ')} among ${PEERS.join(', ')}.`);
  return {
    small: values.small,
    shape,
    reads: values.reads?.split(',') ?? null,
    peers,
    connections: values.connections.split(',').map(Number),
    rounds: Number(values.rounds),
    seconds: Number(values.seconds),
    against: values.against ?? null,
    sharing: !values['no-sharing'],
  };
};
