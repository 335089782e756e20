/**
 * `npm run bench:writes`: mutations that all meet in one place beside the same ones spread over many, and then beside the same rows written
 * by others. The database is as durable as in production; for comparison, it also plays with commits that do not wait for the disk.
 */
import { parseArgs } from 'node:util';
import { playPeers } from './writes-peers.js';
import { playPlaces } from './writes-places.js';
import { keepResults } from './world.js';

const HELP = `npm run bench:writes -- [options]

  --quick               a smoke run
  --rounds=n            another number of rounds than 5, or 3 of the peers
  --transport=socket    the writers of the places send over a socket for each user
  --only=places         one place beside many, and nothing else
  --only=peers          sendMessage and likePost beside PostGraphile, Mercurius and a bare server, and nothing else
  --against=<checkout>  the Lyceum of another checkout, which is built already, is one more peer
  --help                this`;

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    transport: { type: 'string', default: 'http' },
    only: { type: 'string' },
    against: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const { quick, only, against = null } = values;
const rounds = (usual: number): number => Number(values.rounds ?? (quick ? 1 : usual));
const name = (part: string): string => (quick ? `${part}-quick` : part);
const say = (what: string): void => console.log(`${new Date().toISOString().slice(11, 19)}  ${what}`);

if (values.help) console.log(HELP);
else {
  if (only !== 'peers') {
    const transport = values.transport === 'socket' ? 'socket' : 'http';
    await keepResults(name('writes'), await playPlaces({ quick, rounds: rounds(5), transport, say }));
  }
  if (only !== 'places')
    await keepResults(name('writes-peers'), await playPeers({ small: quick, rounds: rounds(3), seconds: quick ? 0.5 : 2, against, say }));
}
