import { afterAll, beforeAll } from 'vitest';
import { busOf, startOwnRedis, type OwnRedis } from './hazard-world.js';
import { describeLeaks } from './hazards-leaks.contract.js';

let redis: OwnRedis;
beforeAll(async () => {
  redis = await startOwnRedis();
});
afterAll(() => redis.stop());

// A bus within the process has no channels but its listeners.
describeLeaks(
  'memory bus',
  () => ({}),
  1,
  (app) => Promise.resolve(Array.from({ length: busOf(app).stats().channels }, () => 'a stream')),
);
describeLeaks(
  'two servers, Redis',
  () => redis.env,
  2,
  () => redis.channels(),
);
