import { afterAll, beforeAll } from 'vitest';
import { describeCost } from './hazards-cost.contract.js';
import { startOwnRedis, type OwnRedis } from './hazard-world.js';

let redis: OwnRedis;
beforeAll(async () => {
  redis = await startOwnRedis();
});
afterAll(() => redis.stop());

describeCost('memory bus', () => ({}), 1);
describeCost('two servers, Redis', () => redis.env, 2);
