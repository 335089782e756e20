import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../kit/database.js';
import { codeOf, repeat, startProductionServer, type Line, type ProductionServer } from '../kit/production.js';
import { startRedis, type TestRedis } from '../kit/redis.js';

let database: TestDatabase;
let redis: TestRedis;
let admin: Redis;
let production: ProductionServer;
beforeAll(async () => {
  database = await createTestDatabase();
  redis = await startRedis();
  admin = new Redis(redis.url);
  // With a limit on every act, so that each asks Redis to count it.
  production = await startProductionServer({ DATABASE_URL: database.url, REDIS_URL: redis.url, RATE_LIMIT_FACTOR: '1000' });
});
afterAll(async () => {
  await production.stop();
  admin.disconnect();
  await redis.stop();
  await database.drop();
});

/** Writes until something holds. @returns how the writes were answered, each once */
const writeUntil = async (holds: () => boolean): Promise<unknown[]> => {
  const answers = new Set<unknown>();
  const write = async (): Promise<void> => {
    for (const answer of await repeat(4, production.write)) answers.add(codeOf(answer));
    expect(holds()).toBe(true);
  };
  await vi.waitFor(write, { timeout: 60_000, interval: 50 });
  return [...answers];
};

const isReminder = ({ msg }: Line): boolean => msg.startsWith('still: ');

/**
 * Harms Redis, goes on writing until the first reminder, mends it, and goes on until it is over.
 * @returns how the writes were answered, and what was said of the condition
 */
const throughout = async (condition: string, harm: () => Promise<unknown>, mend: () => Promise<unknown>) => {
  const before = production.told(condition).length;
  const told = (): Line[] => production.told(condition).slice(before);
  await harm();
  const answers = await writeUntil(() => told().some(isReminder));
  const { components } = await production.readiness();
  await mend();
  answers.push(...(await writeUntil(() => told().some(({ reason }) => reason === undefined))));
  return { answers: [...new Set(answers)], told: told(), components };
};

type Course = Awaited<ReturnType<typeof throughout>>;

/** What holds for every such fault. */
const itIsToldOnce = (course: () => Course, reason: RegExp, began: string, over: string): void => {
  it('is told once when it begins, with the reason, then at intervals, and when it is over', () => {
    const { told } = course();
    expect(told.map(({ msg }) => msg)).toEqual([began, ...told.filter(isReminder).map(() => `still: ${began}`), over]);
    for (const line of told.slice(0, -1)) expect(line.reason).toMatch(reason);
    // The pauses are ten seconds, twenty and so on.
    expect(told[1]?.forMs).toBeGreaterThanOrEqual(10_000);
    expect(told.length).toBeLessThan(6);
  });

  it('keeps no request from its answer', () => {
    expect(course().answers).toEqual([undefined]);
  });

  it('is nothing else that an operator is warned of, and all that is printed is JSON', () => {
    expect(production.lines().filter(({ level, condition }) => level !== 'info' && condition === undefined)).toEqual([]);
  });
};

describe('a Redis that has reached maxmemory and removes nothing', () => {
  let course: Course;
  beforeAll(async () => {
    course = await throughout(
      'redis-limits',
      async () => {
        await admin.config('SET', 'maxmemory-policy', 'noeviction');
        await admin.config('SET', 'maxmemory', '1');
      },
      () => admin.config('SET', 'maxmemory', '0'),
    );
  });

  itIsToldOnce(() => course, /OOM/, 'Redis does not count; each process counts its own', 'Redis counts again');

  it('still wakes other processes', () => {
    expect(course.components).toEqual({ database: 'UP', bus: 'UP' });
  });
});

describe('a Redis whose password has changed', () => {
  let course: Course;
  beforeAll(async () => {
    course = await throughout(
      'redis',
      async () => {
        await admin.config('SET', 'requirepass', 'another');
        for (const type of ['NORMAL', 'PUBSUB']) await admin.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes');
      },
      () => admin.config('SET', 'requirepass', ''),
    );
  });

  itIsToldOnce(() => course, /NOAUTH/, 'Redis is away; trying again until it is back', 'Redis is back');

  it('is told by /readyz, while the server can serve', () => {
    expect(course.components).toEqual({ database: 'UP', bus: 'DOWN' });
  });
});
