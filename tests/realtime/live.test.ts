import { afterAll, beforeAll } from 'vitest';
import { startRedis, type TestRedis } from '../kit/redis.js';
import { describeLive } from './live.contract.js';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

describeLive('one process, memory bus', () => ({}), 1);
describeLive('one process, Redis', () => ({ REDIS_URL: redis.url }), 1);
describeLive('two servers, Redis', () => ({ REDIS_URL: redis.url }), 2);
// Nothing carries the wakes: the comparison with the heads alone brings every event, later.
describeLive('two servers without a bus', () => ({ RECONCILE_MS: '50' }), 2);
