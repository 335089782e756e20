import { afterAll, beforeAll } from 'vitest';
import { startRedis, type TestRedis } from '../kit/redis.js';
import { describeRights } from './rights.contract.js';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

describeRights('one process, memory bus', () => ({}), 1);
describeRights('two servers, Redis', () => ({ REDIS_URL: redis.url }), 2);
// Nothing carries the wakes: the comparison with the heads alone brings what was withdrawn.
describeRights('two servers without a bus', () => ({ RECONCILE_MS: '50' }), 2);
