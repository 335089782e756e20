/**
 * `npm run bench:jitter`: clients that are all cut off every few seconds while messages are written. Each comes back by itself, with the
 * cursor of the last event it has seen. `--quick` is a smoke run, `--seconds=n` writes for another time.
 */
import { startChild } from './child.js';
import { short, table } from './figures.js';
import type { ResumingClient } from './resuming-client.js';
import { createWorld, keepResults } from './world.js';

const quick = process.argv.includes('--quick');
const seconds = Number(/--seconds=(\d+)/.exec(process.argv.join(' '))?.[1] ?? (quick ? 8 : 60));
const clients = quick ? 100 : 2_000;
/** Time for everyone to come back before they are cut off again, on a machine that has to do all of it by itself. */
const dropEveryMs = quick ? 1_500 : 6_000;
const awayMs = quick ? 300 : 1_000;
const perSecond = 10;

const world = await createWorld();
const client = await startChild<ResumingClient>('./resuming-client.ts');
try {
  const server = await world.lyceum();
  const { subscribers } = await server.call('subscribers', { count: clients, back: 0, spread: 1 });
  await client.call('start', { url: await server.call('url'), subscribers, next: 0, record: true });

  const at: number[] = [];
  const write = async (): Promise<void> => {
    at.push(await server.call('write', { first: at.length, count: 1 }));
  };
  await write();
  await client.call('settled', { next: 1, timeoutMs: 120_000 });
  console.log(`${short(clients)} clients are there`);

  const startedAt = performance.now();
  let drops = 0;
  while (performance.now() - startedAt < seconds * 1_000) {
    await write();
    const elapsed = performance.now() - startedAt;
    if (elapsed > (drops + 1) * dropEveryMs) {
      drops += 1;
      await client.call('interrupt', { share: 1, ways: ['cut'], awayMs });
      console.log(`${short(elapsed / 1_000)} s: all cut off, ${at.length} events written`);
    }
    const due = startedAt + ((at.length - 1) * 1_000) / perSecond;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
  }
  await client.call('settled', { next: at.length, timeoutMs: 60_000 });
  const tally = await client.call('tally', { next: at.length });
  const { replay, live } = await client.call('latencies', { at });
  await client.call('close');

  const expected = clients * at.length;
  const delivered = (100 * (expected - tally.lost)) / expected;
  const figures = { at: new Date().toISOString(), clients, seconds, drops, events: at.length, expected, ...tally, delivered, replay, live };
  console.log(
    `\n${table([
      [`${short(clients)} clients, cut off ${drops} times while ${at.length} events were written`, ''],
      ['deliveries', short(tally.received)],
      ['delivered', `${delivered} %`],
      ['lost or out of order', String(tally.lost)],
      ['twice', String(tally.repeated)],
      ['replayed', short(replay.count)],
      ['replay, from the subscribe: median ms', short(replay.median)],
      ['replay, from the subscribe: p99 ms', short(replay.p99)],
      ['live, from the commit: median ms', short(live.median)],
      ['live, from the commit: p99 ms', short(live.p99)],
      ['connections the server refused', String(tally.refused)],
    ])}`,
  );
  await keepResults(quick ? 'jitter-quick' : 'jitter', figures);
  if (tally.lost > 0 || tally.repeated > 0 || tally.received !== expected) process.exitCode = 1;
} finally {
  await client.stop();
  await world.close();
}
