import fc from 'fast-check';

/*
 * Random cases. A run of the suites takes the same ones each time, so that a commit passes or fails whoever runs it; `npm run check:long` takes others
 * each time, and a failure prints their seed: `RANDOM_CASES=<seed> npx vitest run <file>` runs them again.
 */
const SEED = 1;
const seed = process.env['RANDOM_CASES'];
fc.configureGlobal(seed === 'new' ? {} : { seed: Number(seed ?? SEED) });

export default fc;
