/**
 * H13 at its full length: one process writes, clients follow on another, and Redis is killed in the middle and away for half a minute, then
 * started again. Every write must commit, every event come once and in order, also meanwhile. `--quick` is a smoke run, `--seconds=n`
 * keeps Redis away for another time. Run it with `npx tsx tests/bench/redis-away.ts`, on what `npm run generate` has built.
 */
import { startRedis } from '../kit/redis.js';
import { startChild } from './child.js';
import { short, table } from './figures.js';
import type { ResumingClient } from './resuming-client.js';
import { createWorld, keepResults } from './world.js';

const quick = process.argv.includes('--quick');
const seconds = Number(/--seconds=(\d+)/.exec(process.argv.join(' '))?.[1] ?? (quick ? 3 : 30));
/** Before Redis goes, and after it is back. */
const aroundSeconds = quick ? 2 : 10;
const clients = quick ? 50 : 500;
const perSecond = 20;

const redis = await startRedis();
const world = await createWorld();
const client = await startChild<ResumingClient>('./resuming-client.ts');
try {
  const env = { REDIS_URL: redis.url };
  const writer = await world.lyceum({ env });
  const reader = await world.lyceum({ env });
  const { subscribers } = await reader.call('subscribers', { count: clients, back: 0, spread: 1 });
  await client.call('start', { url: await reader.call('url'), subscribers, next: 0, record: true });

  const at: number[] = [];
  const writeFor = async (duration: number): Promise<void> => {
    const startedAt = performance.now();
    for (let n = 1; performance.now() - startedAt < duration * 1_000; n += 1) {
      at.push(await writer.call('write', { first: at.length, count: 1 }));
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, startedAt + (n * 1_000) / perSecond - performance.now())));
    }
  };
  const settle = async (): Promise<number> => {
    await client.call('settled', { next: at.length, timeoutMs: 60_000 });
    return (await client.call('tally', { next: at.length })).lost;
  };
  await writeFor(1);
  await settle();
  console.log(`${short(clients)} clients are there`);
  await writeFor(aroundSeconds);
  await redis.kill();
  const before = at.length;
  await writeFor(seconds);
  const meanwhile = at.length - before;
  // Redis is still away.
  const late = await settle();
  await redis.restart();
  await writeFor(aroundSeconds);
  await settle();
  const tally = await client.call('tally', { next: at.length });
  const { live } = await client.call('latencies', { at });
  await client.call('close');

  const expected = clients * at.length;
  console.log(
    `\n${table([
      [`${short(clients)} clients, ${at.length} events, Redis away for ${seconds} s of them (${meanwhile} events)`, ''],
      ['deliveries', short(tally.received)],
      ['missing while Redis was still away', String(late)],
      ['lost or out of order', String(tally.lost)],
      ['twice', String(tally.repeated)],
      ['connections the server closed', String(tally.refused)],
      ['from the commit: median ms', short(live.median)],
      ['from the commit: p99 ms', short(live.p99)],
    ])}`,
  );
  await keepResults(quick ? 'redis-away-quick' : 'redis-away', {
    at: new Date().toISOString(),
    clients,
    seconds,
    events: at.length,
    meanwhile,
    expected,
    late,
    ...tally,
    live,
  });
  if (late > 0 || tally.lost > 0 || tally.repeated > 0 || tally.refused > 0 || tally.received !== expected) process.exitCode = 1;
} finally {
  await client.stop();
  await world.close();
  await redis.stop();
}
