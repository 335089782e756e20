import { parseArgs } from 'node:util';

const HELP = `npm run bench:worst -- [options]

What the dearest operations that are accepted cost the server and the database: each kind of attack in the largest size that the limits allow,
and then operations that are made up of the fields that are dearest for their price.

  --only=text      attacks and fields with this in their names
  --times=n        how often each is asked; 3 by default
  --made-up=n      so many made-up operations; 50 by default
  --seed=n         of those; told at the end
  --no-fields      leaves out the fields and what is made of them
  --help           this

The figures are written to tests/bench/results/. The exit code is 1 when one of the attacks costs the server more than 250 ms.`;

export interface Options {
  readonly only: string;
  readonly times: number;
  readonly madeUp: number;
  readonly seed: number;
  readonly fields: boolean;
}

/** Reads the command line; null when it asks for help, which has been printed then. @throws for what it does not know */
export const readOptions = (args: readonly string[]): Options | null => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', default: '' },
      times: { type: 'string', default: '3' },
      'made-up': { type: 'string', default: '50' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      'no-fields': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return null;
  }
  const { only, times, seed } = values;
  return { only, times: Number(times), madeUp: Number(values['made-up']), seed: Number(seed), fields: !values['no-fields'] };
};
