/**
 * `npm run bench:soak`: connections that come and go for minutes while messages are written, and what the server's heap does meanwhile.
 * `--minutes=n` (3), `--quick` is a smoke run.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { startChild } from './child.js';
import { median, short, table } from './figures.js';
import type { ResumingClient } from './resuming-client.js';
import { createWorld, keepResults } from './world.js';

const quick = process.argv.includes('--quick');
const minutes = Number(/--minutes=([\d.]+)/.exec(process.argv.join(' '))?.[1] ?? (quick ? 0.4 : 3));
const clients = quick ? 50 : 300;
const stepMs = 200;
/** Of all clients, at each step. */
const share = 0.05;
const awayMs = 1_000;
const samples = 30;
/** A heap that has grown by no more since the first third counts as flat: the noise of what is under way while it is measured. */
const FLAT_BYTES = 2 * 1_048_576;

interface Sample {
  readonly seconds: number;
  readonly heap: number;
  readonly rss: number;
  readonly streams: number;
  readonly subscribers: number;
}

const world = await createWorld();
const client = await startChild<ResumingClient>('./resuming-client.ts');
try {
  const server = await world.lyceum();
  const { subscribers } = await server.call('subscribers', { count: clients, back: 0, spread: 1 });
  const empty = await server.call('hub');
  await client.call('start', { url: await server.call('url'), subscribers, next: 0, record: false });

  const series: Sample[] = [];
  const startedAt = performance.now();
  const everyMs = (minutes * 60_000) / samples;
  let written = 0;
  while (series.length < samples) {
    await server.call('write', { first: written, count: 3 });
    written += 3;
    await client.call('interrupt', { share, ways: ['cut', 'close', 'complete'], awayMs });
    await delay(stepMs);
    const elapsed = performance.now() - startedAt;
    if (elapsed < (series.length + 1) * everyMs) continue;
    const { heap, rss } = await server.call('memory');
    const { streams, subscribers: present } = await server.call('hub');
    series.push({ seconds: elapsed / 1_000, heap, rss, streams, subscribers: present });
  }
  await client.call('settled', { next: written, timeoutMs: 60_000 });
  const tally = await client.call('tally', { next: written });
  await client.call('close');
  await server.call('deserted');
  const left = await server.call('hub');
  const after = await server.call('memory');

  const third = Math.floor(samples / 3);
  const heaps = series.map(({ heap }) => heap);
  const growth = median(heaps.slice(-third)) - median(heaps.slice(third, 2 * third));
  const flat = growth <= FLAT_BYTES;
  const clean = left.streams === empty.streams && left.groups === empty.groups && left.subscribers === empty.subscribers;
  const mib = (bytes: number): string => (bytes / 1_048_576).toFixed(1);
  console.log(
    table([
      ['s', 'heap MiB', 'RSS MiB', 'streams', 'subscribers'],
      ...series.map(({ seconds, heap, rss, streams, subscribers: present }) => [
        seconds.toFixed(0),
        mib(heap),
        mib(rss),
        String(streams),
        String(present),
      ]),
      ['all gone', mib(after.heap), mib(after.rss), String(left.streams - empty.streams), String(left.subscribers - empty.subscribers)],
    ]),
  );
  console.log(
    `\nThe heap of the last third is ${mib(growth)} MiB above the second's: ${flat ? 'flat' : 'NOT FLAT'}. ` +
      `Of the hub ${clean ? 'nothing is' : 'SOMETHING IS'} left. ` +
      `${short(tally.received)} deliveries, ${tally.lost} lost, ${tally.repeated} twice.`,
  );
  await keepResults(quick ? 'soak-quick' : 'soak', {
    at: new Date().toISOString(),
    minutes,
    clients,
    series,
    after,
    growth,
    flat,
    left,
    empty,
    ...tally,
  });
  if (!flat || !clean || tally.lost > 0 || tally.repeated > 0) process.exitCode = 1;
} finally {
  await client.stop();
  await world.close();
}
