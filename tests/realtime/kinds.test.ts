import { afterAll, beforeAll } from 'vitest';
import { describeKinds } from './kinds.contract.js';
import { startOwnRedis, type OwnRedis } from './hazard-world.js';

let redis: OwnRedis;
beforeAll(async () => {
  redis = await startOwnRedis();
});
afterAll(() => redis.stop());

describeKinds('memory bus', () => ({}), 1);
describeKinds('two servers, Redis', () => redis.env, 2);
