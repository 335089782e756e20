import { afterAll, beforeAll } from 'vitest';
import { startOwnRedis, type OwnRedis } from './hazard-world.js';
import { describeOrder } from './hazards-order.contract.js';

let redis: OwnRedis;
beforeAll(async () => {
  redis = await startOwnRedis();
});
afterAll(() => redis.stop());

describeOrder('memory bus', () => ({}), 1);
describeOrder('two servers, Redis', () => redis.env, 2);
