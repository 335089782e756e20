import { afterAll, beforeAll } from 'vitest';
import { startOwnRedis, type OwnRedis } from './hazard-world.js';
import { describeLeaks, streamChannels } from './hazards-leaks.contract.js';

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
  (app) => Promise.resolve(Array.from({ length: streamChannels(app) }, () => 'a stream')),
);
describeLeaks(
  'two servers, Redis',
  () => redis.env,
  2,
  () => redis.channels(),
);
