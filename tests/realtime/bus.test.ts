import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import fc from '../kit/cases.js';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createLog } from '../../src/observability/log.js';
import { createMemoryBus } from '../../src/realtime/memory-bus.js';
import { createRedisBus } from '../../src/realtime/redis-bus.js';
import type { Bus } from '../../src/realtime/bus.js';
import { busContract, until } from '../contracts/bus.contract.js';
import { redisKind, startRedis, type TestRedis } from '../kit/redis.js';

const log = createLog('silent');
const kind = redisKind();

/** What the buses of this file run on. One server for all that leaves it alone. */
let shared: TestRedis;
let admin: Redis;
beforeAll(async () => {
  shared = await startRedis();
  admin = new Redis(shared.url);
});
afterAll(async () => {
  admin.disconnect();
  await shared.stop();
});

const newPrefix = (): string => `test-${randomUUID()}:`;

/** A bus that is closed after the test; patient for a short while only, so that faults are seen soon. */
const openBus = (url: string, prefix: string): Bus => {
  const bus = createRedisBus({ url, prefix, log, patienceMs: 300 });
  onTestFinished(() => bus.close());
  return bus;
};

const up = (...buses: Bus[]): Promise<void> => until(() => expect(buses.map(({ state }) => state)).toEqual(buses.map(() => 'UP')));

const subscribers = async (redis: Redis, channel: string): Promise<unknown> => (await redis.pubsub('NUMSUB', channel))[1];

/** Resolves once Redis has `count` subscribers for the channel. */
const subscribed = (redis: Redis, channel: string, count = 1): Promise<void> =>
  until(async () => expect(await subscribers(redis, channel)).toBe(count));

const channelsOf = async (redis: Redis, prefix: string): Promise<unknown[]> =>
  ((await redis.pubsub('CHANNELS', `${prefix}*`)) as string[]).sort();

/** The channel of a stream whose topic has neither a colon nor a percent sign. */
const channel = (prefix: string, topic: string, key: string): string => `${prefix}${topic}:${key}`;

const recordGaps = (bus: Bus): string[] => {
  const gaps: string[] = [];
  bus.onGap((stream) => gaps.push(stream ? `${stream.topic}/${stream.key}` : 'all'));
  return gaps;
};

const recordWakes = (bus: Bus, topic: string, key: string): number[] => {
  const heard: number[] = [];
  bus.listen(topic, key, (seq) => heard.push(seq));
  return heard;
};

busContract('in the process', () => {
  const bus = createMemoryBus({ log });
  return Promise.resolve({ here: bus, there: bus, connected: () => Promise.resolve() });
});

busContract(`Redis (${kind}), one process`, async () => {
  const bus = openBus(shared.url, newPrefix());
  await up(bus);
  return { here: bus, there: bus, connected: () => Promise.resolve() };
});

busContract(`Redis (${kind}), two processes`, async () => {
  const prefix = newPrefix();
  const here = openBus(shared.url, prefix);
  const there = openBus(shared.url, prefix);
  await up(here, there);
  return {
    here,
    there,
    // Channels are subscribed in order, and a channel that is subscribed now may be one that was left a moment ago:
    // what was asked for after it tells that all before is settled.
    connected: async () => {
      const key = randomUUID();
      const end = here.listen('probe', key, () => undefined);
      await subscribed(admin, channel(prefix, 'probe', key));
      end();
    },
  };
});

describe('memory bus', () => {
  it('is always UP', async () => {
    const bus = createMemoryBus({ log });
    expect(bus.state).toBe('UP');
    await bus.close();
  });
});

describe(`redis bus (${kind})`, () => {
  it('carries wakes both ways between processes, and to no other prefix', async () => {
    const prefix = newPrefix();
    const buses = [openBus(shared.url, prefix), openBus(shared.url, prefix), openBus(shared.url, newPrefix())] as const;
    await up(...buses);
    const heard = buses.map((bus) => recordWakes(bus, 'message', '1'));
    await subscribed(admin, channel(prefix, 'message', '1'), 2);
    buses[0].wake({ topic: 'message', key: '1', seq: 1 });
    await until(() => expect(heard[1]).toEqual([1]));
    buses[1].wake({ topic: 'message', key: '1', seq: 2 });
    await until(() => expect(heard).toEqual([[1, 2], [1, 2], []]));
  });

  it('wakes its own process once, not again when Redis brings the message back', async () => {
    const prefix = newPrefix();
    const [one, two] = [openBus(shared.url, prefix), openBus(shared.url, prefix)];
    await up(one, two);
    const heard = recordWakes(one, 'message', '1');
    await subscribed(admin, channel(prefix, 'message', '1'));
    one.wake({ topic: 'message', key: '1', seq: 1 });
    await until(() => expect(heard).toEqual([1]));
    const echo = recordWakes(two, 'message', '1');
    await subscribed(admin, channel(prefix, 'message', '1'), 2);
    one.wake({ topic: 'message', key: '1', seq: 2 });
    await until(() => expect(echo).toEqual([2]));
    // Comes after everything that Redis brought back of the first two.
    two.wake({ topic: 'message', key: '1', seq: 3 });
    await until(() => expect(heard).toEqual([1, 2, 3]));
  });

  it('H02 H03: holds one channel for a stream, whoever listens, and none when the last one has left', async () => {
    const prefix = newPrefix();
    const bus = openBus(shared.url, prefix);
    await up(bus);
    const ends = Array.from({ length: 200 }, (_, index) => bus.listen('message', String(index % 2), () => undefined));
    const both = ['0', '1'].map((key) => channel(prefix, 'message', key));
    await until(async () => expect(await channelsOf(admin, prefix)).toEqual(both));
    expect(await subscribers(admin, channel(prefix, 'message', '1'))).toBe(1);
    ends.forEach((end) => end());
    await until(async () => expect(await channelsOf(admin, prefix)).toEqual([]));
  });

  it('H02: leaves no channel behind, whatever comes before a subscription is confirmed', async () => {
    const prefix = newPrefix();
    const bus = openBus(shared.url, prefix);
    await up(bus);
    const step = fc.record({ key: fc.constantFrom('a', 'b', 'c'), leave: fc.boolean(), pause: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const present: { key: string; end: () => void }[] = [];
        for (const { key, leave, pause } of steps) {
          const leaver = leave ? present.findIndex((listener) => listener.key === key) : -1;
          if (leaver >= 0) present.splice(leaver, 1).forEach(({ end }) => end());
          else present.push({ key, end: bus.listen('random', key, () => undefined) });
          if (pause) await admin.ping();
        }
        const expected = [...new Set(present.map(({ key }) => channel(prefix, 'random', key)))].sort();
        await until(async () => expect(await channelsOf(admin, prefix)).toEqual(expected));
        present.forEach(({ end }) => end());
        await until(async () => expect(await channelsOf(admin, prefix)).toEqual([]));
      }),
      { numRuns: 25 },
    );
  });

  it('tells the gap once connected, and once a stream is subscribed, but not again for a second listener', async () => {
    const prefix = newPrefix();
    const bus = openBus(shared.url, prefix);
    const gaps = recordGaps(bus);
    bus.onGap(() => {
      throw new Error('thrown by a gap listener, on purpose');
    });
    await until(() => expect(gaps).toEqual(['all']));
    bus.listen('message', 'a:b', () => undefined);
    await until(() => expect(gaps).toEqual(['all', 'message/a:b']));
    expect(await subscribers(admin, channel(prefix, 'message', 'a:b'))).toBe(1);
    bus.listen('message', 'a:b', () => undefined);
    // Left before it was confirmed: nobody is there to be told.
    bus.listen('message', 'left', () => undefined)();
    bus.listen('message', '2', () => undefined);
    await until(() => expect(gaps).toEqual(['all', 'message/a:b', 'message/2']));
  });

  it('ends a gap listener', async () => {
    const bus = openBus(shared.url, newPrefix());
    const [gaps, kept] = [[] as unknown[], recordGaps(bus)];
    const end = bus.onGap((stream) => gaps.push(stream));
    end();
    end();
    await until(() => expect(kept).toEqual(['all']));
    expect(gaps).toEqual([]);
  });

  it('ignores messages that are none', async () => {
    const prefix = newPrefix();
    const [one, two] = [openBus(shared.url, prefix), openBus(shared.url, prefix)];
    await up(one, two);
    const heard = recordWakes(one, 'message', '1');
    const name = channel(prefix, 'message', '1');
    await subscribed(admin, name);
    const noJson = ['', 'x', '{', '\u0000', 'x'.repeat(100_000)];
    const noWake = ['null', '7', '{}', '[]', '[1]', '["1","x"]', '[1.5,"x"]', '[1,2]', '[1,"x",3,4]', '[1e99,"x"]'];
    for (const message of [...noJson, ...noWake]) {
      expect(await admin.publish(name, message)).toBe(1);
    }
    two.wake({ topic: 'message', key: '1', seq: 5 });
    await until(() => expect(heard).toEqual([5]));
  });

  it('stays DOWN and lives where nobody speaks its language', async () => {
    const bus = openBus(shared.url.replace('redis://', 'rediss://'), newPrefix());
    const heard = recordWakes(bus, 'message', '1');
    bus.wake({ topic: 'message', key: '1', seq: 1 });
    await until(() => expect(heard).toEqual([1]));
    expect(bus.state).toBe('DOWN');
  });

  it('H30: leaves nothing behind that keeps a process alive, connected or not', async () => {
    const script = `
      import { createLog } from './src/observability/log.ts';
      import { createRedisBus } from './src/realtime/redis-bus.ts';
      for (const [url, state] of [[process.argv[1], 'UP'], ['redis://127.0.0.1:1', 'DOWN']]) {
        const bus = createRedisBus({ url, prefix: '${newPrefix()}', log: createLog('silent') });
        bus.listen('message', '1', () => undefined);
        do await new Promise(setImmediate); while (bus.state !== state);
        bus.wake({ topic: 'message', key: '1', seq: 1 });
        await bus.close();
      }
      const left = process.getActiveResourcesInfo().filter((name) => /Timeout|TCP|Immediate/.test(name));
      process.stdout.write(JSON.stringify(left));`;
    const child = promisify(execFile)(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script, shared.url], {
      timeout: 60_000,
    });
    expect((await child).stdout).toBe('[]');
  });
});

// A server that others share is not killed for a test.
describe.skipIf(kind === 'TEST_REDIS_URL')(`redis bus under faults (${kind})`, () => {
  /** A server of the test's own. */
  const ownRedis = async (): Promise<TestRedis> => {
    const redis = await startRedis();
    onTestFinished(() => redis.stop());
    return redis;
  };
  const adminOf = (redis: TestRedis): Redis => {
    const client = new Redis(redis.url);
    client.on('error', () => undefined);
    onTestFinished(() => client.disconnect());
    return client;
  };

  it('H13: starts without Redis, serves its own process, and joins when Redis is there', async () => {
    const redis = await ownRedis();
    await redis.kill();
    const prefix = newPrefix();
    const [one, two] = [openBus(redis.url, prefix), openBus(redis.url, prefix)];
    const gaps = recordGaps(one);
    const heard = recordWakes(one, 'message', '1');
    one.listen('message', 'left', () => undefined)();
    one.wake({ topic: 'message', key: '1', seq: 1 });
    await until(() => expect(heard).toEqual([1]));
    expect([one.state, gaps]).toEqual(['DOWN', []]);

    await redis.restart();
    await until(() => expect(gaps).toEqual(['all']));
    await up(one, two);
    expect(await channelsOf(adminOf(redis), prefix)).toEqual([channel(prefix, 'message', '1')]);
    two.wake({ topic: 'message', key: '1', seq: 2 });
    await until(() => expect(heard).toEqual([1, 2]));
  });

  it('H13: hears again after Redis was killed and restarted, what was asked for meanwhile included', async () => {
    const redis = await ownRedis();
    const prefix = newPrefix();
    const [one, two] = [openBus(redis.url, prefix), openBus(redis.url, prefix)];
    const gaps = recordGaps(one);
    const old = recordWakes(one, 'message', 'old');
    const end = one.listen('message', 'ended', () => undefined);
    await up(one, two);
    await until(() => expect(gaps).toContain('all'));
    gaps.length = 0;

    for (let round = 1; round <= 3; round += 1) {
      await redis.kill();
      await until(() => expect([one.state, two.state]).toEqual(['DOWN', 'DOWN']));
      const fresh = recordWakes(one, 'message', `new ${round}`);
      end();
      one.wake({ topic: 'message', key: 'old', seq: round * 10 });
      one.wake({ topic: 'message', key: `new ${round}`, seq: 1 });
      await until(() => expect([old.at(-1), fresh]).toEqual([round * 10, [1]]));

      await redis.restart();
      await until(() => expect(gaps).toEqual(Array.from({ length: round }, () => 'all')));
      await up(one, two);
      two.wake({ topic: 'message', key: 'old', seq: round * 10 + 1 });
      two.wake({ topic: 'message', key: `new ${round}`, seq: 2 });
      await until(() => expect([old.at(-1), fresh]).toEqual([round * 10 + 1, [1, 2]]));
    }
    expect(await channelsOf(adminOf(redis), prefix)).toEqual(
      ['new 1', 'new 2', 'new 3', 'old'].map((key) => channel(prefix, 'message', key)),
    );
  });

  /** Listeners that come and go, fifty in a turn of the loop; `present` are those who are there, with how each leaves. */
  const createChurn = (bus: Bus) => {
    const present = new Map<string, () => void>();
    let step = 0;
    const churn = async (): Promise<void> => {
      for (let calls = 0; calls < 50; calls += 1, step += 1) {
        const key = String((step * 7) % 31);
        const end = present.get(key);
        if (end) end();
        if (end) present.delete(key);
        else
          present.set(
            key,
            bus.listen('message', key, () => undefined),
          );
        bus.wake({ topic: 'message', key, seq: step });
      }
      await new Promise(setImmediate);
    };
    return { present, churn };
  };

  it('H13: leaves no channel behind when listeners come and go while Redis does', async () => {
    const redis = await ownRedis();
    const prefix = newPrefix();
    const bus = openBus(redis.url, prefix);
    const { present, churn } = createChurn(bus);
    let faults = Promise.resolve();
    for (let round = 0; round < 3; round += 1) {
      await until(async () => {
        await churn();
        expect(bus.state).toBe('UP');
      });
      await churn();
      faults = redis.kill();
      await until(async () => {
        await churn();
        expect(bus.state).toBe('DOWN');
      });
      await faults;
      faults = redis.restart();
    }
    await faults;
    await up(bus);
    const client = adminOf(redis);
    const expected = [...present.keys()].map((key) => channel(prefix, 'message', key)).sort();
    await until(async () => expect(await channelsOf(client, prefix)).toEqual(expected));
    expect(bus.stats()).toEqual({ channels: present.size });
    for (const end of present.values()) end();
    await until(async () => expect(await channelsOf(client, prefix)).toEqual([]));
  });

  it('H13: brings the highest seq of each stream to the others once Redis is back', async () => {
    const redis = await ownRedis();
    const prefix = newPrefix();
    const [one, two] = [openBus(redis.url, prefix), openBus(redis.url, prefix)];
    await up(one, two);
    // Only the connection that publishes is cut, so that nobody else has a reason to look for what was missed.
    const client = adminOf(redis);
    const heard = recordWakes(two, 'message', '1');
    await subscribed(client, channel(prefix, 'message', '1'));
    const gaps = recordGaps(two);
    const list = String(await client.client('LIST'));
    const publishers = list.split('\n').filter((line) => line.includes(`name=${prefix}publisher`));
    expect(publishers).toHaveLength(2);
    for (const line of publishers) await client.client('KILL', 'ID', /id=(\d+)/.exec(line)?.[1] ?? '');
    await until(() => expect(one.state).toBe('DOWN'));
    one.wake({ topic: 'message', key: '1', seq: 8 });
    one.wake({ topic: 'message', key: '1', seq: 9 });
    one.wake({ topic: 'message', key: '1', seq: 7 });
    await until(() => expect(heard).toEqual([9]));
    expect(gaps).toEqual([]);
  });

  it('H13: notices a Redis that is silent, and one that speaks again', async () => {
    const redis = await ownRedis();
    const prefix = newPrefix();
    const [one, two] = [openBus(redis.url, prefix), openBus(redis.url, prefix)];
    const heard = recordWakes(one, 'message', '1');
    await up(one, two);
    redis.pause();
    await until(() => expect([one.state, two.state]).toEqual(['DOWN', 'DOWN']));
    const gaps = recordGaps(one);
    one.wake({ topic: 'message', key: '1', seq: 1 });
    await until(() => expect(heard).toEqual([1]));
    redis.resume();
    await until(() => expect(gaps).toContain('all'));
    await up(one, two);
    two.wake({ topic: 'message', key: '1', seq: 2 });
    await until(() => expect(heard).toContain(2));
  });

  it('lives with a Redis that refuses, and is subscribed once it no longer does', async () => {
    const redis = await ownRedis();
    const prefix = newPrefix();
    const client = adminOf(redis);
    const [one, two] = [openBus(redis.url, prefix), openBus(redis.url, prefix)];
    await up(one, two);
    await client.call('ACL', 'SETUSER', 'default', 'resetchannels');
    const gaps = recordGaps(one);
    const heard = recordWakes(one, 'message', '1');
    one.wake({ topic: 'message', key: '1', seq: 1 });
    two.wake({ topic: 'message', key: '1', seq: 1 });
    // Both refusals have been answered: replies come in order, and Redis counts them.
    await until(async () => expect(await client.info('errorstats')).toMatch(/errorstat_NOPERM:count=[3-9]/));
    expect(heard).toEqual([1]);
    await client.call('ACL', 'SETUSER', 'default', 'allchannels');
    await until(() => expect(gaps).toContain('message/1'));
    two.wake({ topic: 'message', key: '1', seq: 2 });
    await until(() => expect(heard).toEqual([1, 2]));
  });

  it('subscribes thousands of streams again', async () => {
    const redis = await ownRedis();
    const prefix = newPrefix();
    const [one, two] = [openBus(redis.url, prefix), openBus(redis.url, prefix)];
    const woken = new Set<number>();
    for (let index = 0; index < 2_500; index += 1) {
      one.listen('message', String(index), (seq) => woken.add(seq));
    }
    await up(one, two);
    await redis.kill();
    await until(() => expect([one.state, two.state]).toEqual(['DOWN', 'DOWN']));
    const gaps = recordGaps(one);
    await redis.restart();
    await until(() => expect(gaps).toEqual(['all']));
    await up(two);
    for (let index = 0; index < 2_500; index += 1) two.wake({ topic: 'message', key: String(index), seq: index });
    await until(() => expect(woken.size).toBe(2_500));
  });

  it('lets wakes out before it closes: what is under way, what waits for the first connection, and what waits for one that was lost', async () => {
    const prefix = newPrefix();
    const there = openBus(shared.url, prefix);
    await up(there);
    const heard = recordWakes(there, 'viewer', '1');
    await subscribed(admin, channel(prefix, 'viewer', '1'));

    const connected = openBus(shared.url, prefix);
    await up(connected);
    for (let seq = 1; seq <= 1_000; seq += 1) connected.wake({ topic: 'viewer', key: '1', seq });
    await connected.close();
    await until(() => expect(heard).toEqual(Array.from({ length: 1_000 }, (_, index) => index + 1)));

    // As a command does that has something to say as soon as it runs, and nothing else to do.
    const brief = openBus(shared.url, prefix);
    expect(brief.state).toBe('DOWN');
    brief.wake({ topic: 'viewer', key: '1', seq: 1_001 });
    await brief.close();
    await until(() => expect(heard.at(-1)).toBe(1_001));

    const cut = openBus(shared.url, prefix);
    await up(cut);
    const list = String(await admin.client('LIST')).split('\n');
    const ids = list.filter((line) => line.includes(`name=${prefix}publisher`)).map((line) => Number(/id=(\d+)/.exec(line)?.[1]));
    // The newest is this bus's. The wake is under way, or not sent yet, when its connection goes.
    const gone = admin.client('KILL', 'ID', Math.max(...ids));
    cut.wake({ topic: 'viewer', key: '1', seq: 1_002 });
    const closed = cut.close();
    await gone;
    await closed;
    await until(() => expect(heard.at(-1)).toBe(1_002));
  });

  it('H30: closes quickly while it connects, waits to connect again, or waits for a silent Redis', async () => {
    const redis = await ownRedis();
    const closeSoon = async (bus: Bus): Promise<void> => {
      const before = performance.now();
      await bus.close();
      expect(performance.now() - before).toBeLessThan(1_000);
      expect(bus.state).toBe('DOWN');
    };
    const open = (): Bus => createRedisBus({ url: redis.url, prefix: newPrefix(), log });
    const buses = [open(), open(), open()] as const;
    for (const bus of buses) bus.listen('message', '1', () => undefined);
    await closeSoon(open());
    await up(...buses);
    redis.pause();
    buses[0].listen('message', '2', () => undefined);
    buses[0].wake({ topic: 'message', key: '2', seq: 1 });
    await closeSoon(buses[0]);
    const connecting = open();
    await new Promise(setImmediate);
    await closeSoon(connecting);
    await redis.kill();
    await closeSoon(buses[1]);
    await until(() => expect(buses[2].state).toBe('DOWN'));
    await closeSoon(buses[2]);
    await closeSoon(open());
  });
});
