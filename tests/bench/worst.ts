/**
 * `npm run bench:worst`: what the dearest operations that are accepted cost, by kinds that an attacker would think of and by search. `--help`
 * lists the options.
 */
import { schema } from '../../src/process/schema.js';
import { operationOf, reachedFields, selectionAt, selecting, type Reached } from '../kit/every-field.js';
import { FULL_LITERALS } from '../kit/full-database.js';
import { short, table } from './figures.js';
import { isAccepted, largestAccepted } from './worst/accepted.js';
import { ATTACKS } from './worst/attacks.js';
import { readOptions, type Options } from './worst/options.js';
import { setWorstStage, type Asked, type Spent, type WorstStage } from './worst/stage.js';
import { keepResults } from './world.js';

/** What one operation may cost the server, and what it should, in milliseconds of CPU. */
const MOST_MS = 250;
const AIM_MS = 100;
/** The most aliases that are tried of one field. */
const MOST_ALIASES = 500;

interface Line extends Spent {
  readonly name: string;
  readonly size: number;
}

const say = (what: string): void => console.log(`${new Date().toISOString().slice(11, 19)}  ${what}`);

const tableOf = (lines: readonly Line[]): string =>
  table([
    ['operation', 'size', 'price', 'server CPU ms', 'database CPU ms', 'loop held ms', 'bytes', 'µs a row', 'code'],
    ...lines.map(({ name, size, price, serverMs, databaseMs, longestMs, bytes, code }) => [
      name.slice(0, 70),
      String(size),
      short(price),
      short(serverMs),
      short(databaseMs),
      short(longestMs),
      short(bytes),
      short((1_000 * (serverMs + databaseMs)) / price),
      code ?? '',
    ]),
  ]);

const dearest = (lines: readonly Line[], count = lines.length): Line[] =>
  [...lines].sort((one, other) => other.serverMs - one.serverMs).slice(0, count);

const WARM: Asked = {
  query: '{ users(first: 20) { nodes { id username posts(first: 5) { nodes { body comments(first: 3) { nodes { id } } } } } } }',
};

const attack = async (stage: WorstStage, { only, times }: Options): Promise<Line[]> => {
  const lines: Line[] = [];
  for (const { name, who, of, most = 2_000 } of ATTACKS) {
    if (!name.includes(only)) continue;
    const size = largestAccepted(of, most);
    if (size > 0) lines.push({ name, size, ...(await stage.spend(of(size), who, times)) });
    else say(`nothing of "${name}" is accepted`);
  }
  return lines;
};

/** A field as often as it is accepted, of objects that are as many as a page holds. */
const manyOf =
  (field: Reached) =>
  (count: number): Asked => {
    const one = operationOf({ ...field, path: [] }, FULL_LITERALS).slice(2, -2);
    const aliases = Array.from({ length: count }, (_, n) => `a${n}: ${one}`).join(' ');
    return { query: field.path.length === 0 ? `{ ${aliases} }` : selecting(field, FULL_LITERALS, aliases) };
  };

const measureFields = async (stage: WorstStage, { only, times }: Options): Promise<Line[]> => {
  const lines: Line[] = [];
  for (const field of reachedFields(schema, FULL_LITERALS)) {
    if (!field.name.includes(only)) continue;
    const size = largestAccepted(manyOf(field), MOST_ALIASES);
    lines.push({ name: field.name, size, ...(await stage.spend(manyOf(field)(size), 'viewer', times)) });
  }
  return lines;
};

const randomOf = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** Selections that are made up, and added to each other until no more is accepted. */
const makeUp = async (stage: WorstStage, { madeUp, seed }: Options): Promise<Line[]> => {
  const random = randomOf(seed);
  const pick = (most: number): number => Math.floor(random() * (most + 1));
  const lines: Line[] = [];
  for (let n = 0; n < madeUp; n += 1) {
    let asked: Asked = { query: '{ __typename }' };
    for (let parts = 0, refusals = 0; refusals < 5; parts += 1) {
      const part = selectionAt(schema, FULL_LITERALS, pick)
        .slice(2, -2)
        .replaceAll(/\bf(\d+):/g, `p${parts}f$1:`);
      const more: Asked = { query: `${asked.query.slice(0, -2)} ${part} }` };
      if (isAccepted(more)) asked = more;
      else refusals += 1;
    }
    lines.push({ name: asked.query, size: asked.query.length, ...(await stage.spend(asked, 'viewer', 2)) });
  }
  return lines;
};

const run = async (options: Options): Promise<void> => {
  const stage = await setWorstStage();
  try {
    say('warming up');
    for (let round = 0; round < 20; round += 1) await stage.spend(WARM, 'viewer', 10);
    say('attacks');
    const attacks = dearest(await attack(stage, options));
    console.log(`\n${tableOf(attacks)}\n`);
    const fields = options.fields ? await measureFields(stage, options) : [];
    if (fields.length > 0) console.log(`The ten dearest fields, as often as they are accepted:\n\n${tableOf(dearest(fields, 10))}\n`);
    const madeUp = options.fields ? await makeUp(stage, options) : [];
    if (madeUp.length > 0) console.log(`The ten dearest made-up operations (--seed=${options.seed}):\n\n${tableOf(dearest(madeUp, 10))}\n`);
    const worst = dearest([...attacks, ...fields, ...madeUp])[0];
    const reached = worst === undefined || worst.serverMs <= AIM_MS ? 'aim reached' : worst.serverMs <= MOST_MS ? 'reached' : 'NOT REACHED';
    console.log(`The worst: ${short(worst?.serverMs ?? Number.NaN)} ms (at most ${MOST_MS}, aim ${AIM_MS}): ${reached}`);
    await keepResults('worst', {
      at: new Date().toISOString(),
      options,
      attacks,
      fields: dearest(fields, 50),
      madeUp: dearest(madeUp, 10),
    });
    if (worst !== undefined && worst.serverMs > MOST_MS) process.exitCode = 1;
  } finally {
    await stage.close();
  }
};

const options = readOptions(process.argv.slice(2));
if (options !== null) await run(options);
