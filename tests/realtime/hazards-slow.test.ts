import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestApp } from '../kit/app.js';
import { busOf, bytesInUse, createReader, createWorld, Messages, openRaw, type RawSocket, type World } from './hazard-world.js';

/** Messages that are committed at a time, and the bytes of each: a few rounds are more than a connection holds. */
const BATCH = 100;
const BODY = 4_000;
const NOTHING = { streams: 0, groups: 0, subscribers: 0 };
const numbers = (from: number, count: number): number[] => Array.from({ length: count }, (_, n) => from + n);

const numberOf = (body: string | undefined): number => Number.parseInt(body ?? '', 10);
const numbersOf = ({ received }: RawSocket): number[] =>
  received.flatMap(({ type, payload }) => (type === 'next' ? [numberOf(payload?.data?.messageAdded.message.body)] : []));
const lastCursorOf = ({ received }: RawSocket): string | undefined =>
  received.findLast(({ type }) => type === 'next')?.payload?.extensions?.cursor;

describe('slow consumers', () => {
  let world: World;
  let app: TestApp;
  let sent = 0;
  beforeAll(async () => {
    world = await createWorld({ apps: 1, env: { SOCKET_STALL_MS: '600000' } });
    [app] = world.apps;
  });
  afterAll(() => world.stop());

  const follow = async (after: string, on = app, who = world.ada): Promise<RawSocket> => {
    const raw = await openRaw(on, who);
    raw.send({ id: 'messages', type: 'subscribe', payload: { query: Messages, variables: { id: world.room, after } } });
    return raw;
  };
  const send = async (): Promise<void> => {
    const seq = await world.insert(sent, BATCH, BODY);
    sent += BATCH;
    for (const each of world.apps) busOf(each).wake({ topic: 'conversation', key: world.key, seq });
  };

  it('H08: one that does not read is told SLOW_CONSUMER, and a resume from its last cursor gives all of it, once and in order', async () => {
    const first = sent;
    const after = await world.cursor();
    const [slow, other] = [await follow(after), await follow(after)];
    await send();
    await expect.poll(() => [slow, other].map((raw) => numbersOf(raw).length)).toEqual([sent - first, sent - first]);
    slow.socket.pause();
    const { subscribers } = app.services.hub.stats();
    // Until there is nowhere left to put it: the others have everything all the time.
    while (app.services.hub.stats().subscribers === subscribers) {
      await send();
      await expect.poll(() => numbersOf(other).length).toBe(sent - first);
    }
    await send();
    slow.socket.resume();
    await expect.poll(() => slow.received.at(-1)?.type).toBe('error');
    expect(slow.received.at(-1)?.payload?.[0]?.extensions?.code).toBe('SLOW_CONSUMER');
    const had = numbersOf(slow);
    expect(had).toEqual(numbers(first, had.length));
    expect(had.length).toBeLessThan(sent - first);

    // In the same socket, under the same id.
    slow.send({
      id: 'messages',
      type: 'subscribe',
      payload: { query: Messages, variables: { id: world.room, after: lastCursorOf(slow) } },
    });
    await expect.poll(() => numbersOf(slow).length).toBe(sent - first);
    await send();
    await expect.poll(() => [slow, other].map((raw) => numbersOf(raw).length)).toEqual([sent - first, sent - first]);
    expect(numbersOf(slow)).toEqual(numbers(first, sent - first));
    expect(numbersOf(other)).toEqual(numbers(first, sent - first));
    for (const { socket } of [slow, other]) socket.terminate();
    await expect.poll(() => app.services.hub.stats()).toEqual(NOTHING);
  });

  it('H08: history that is larger than the queue overflows nobody who reads', async () => {
    const small = await world.addApp({ SOCKET_QUEUE_FRAMES: '32', SOCKET_QUEUE_BYTES: '200000' });
    const reader = createReader(world.ada, world.room, await world.cursor());
    const first = sent;
    // More than a connection takes at once, in what is made into results at once.
    await world.insert(first, 200, 100_000);
    sent += 200;
    reader.connect(small);
    await expect.poll(() => reader.bodies.length).toBe(200);
    expect(reader.bodies.map(numberOf)).toEqual(numbers(first, 200));
    expect(reader.ends).toEqual([]);
    reader.drop();
    await small.stop();
  });

  it.each([{}, { SOCKET_QUEUE_FRAMES: '100', SOCKET_QUEUE_BYTES: '200000' }])(
    'H08: a live burst that is larger than the queue ends nobody who reads %j',
    async (env) => {
      const mine = await world.addApp(env);
      const raw = await follow(await world.cursor(), mine);
      const first = sent;
      await send();
      await expect.poll(() => numbersOf(raw).length).toBe(BATCH);
      // All of it in one transaction.
      const seq = await world.insert(sent, 5_000, 1_024);
      sent += 5_000;
      for (const each of world.apps) busOf(each).wake({ topic: 'conversation', key: world.key, seq });
      await expect.poll(() => numbersOf(raw).length).toBe(sent - first);
      expect(numbersOf(raw)).toEqual(numbers(first, sent - first));
      expect(raw.received.filter(({ type }) => type === 'error')).toEqual([]);
      raw.socket.terminate();
      await mine.stop();
    },
  );

  it('H12: a socket that has stopped reading costs at most 20 MB however much happens, and the others have everything meanwhile', async () => {
    const after = await world.cursor();
    const [stalled, other] = [await follow(after), await follow(after)];
    const first = sent;
    let heard = 0;
    other.socket.on('message', () => (heard += 1));
    const round = async (): Promise<void> => {
      await send();
      // What the other has is counted and let go of, so that it does not count as the server's.
      await expect.poll(() => heard, { interval: 5 }).toBe(sent - first);
      (other.received as unknown[]).length = 0;
    };
    await round();
    await round();
    await expect.poll(() => numbersOf(stalled).length).toBe(sent - first);
    stalled.socket.pause();
    const before = await bytesInUse();
    while (sent - first < 10_000) await round();
    expect((await bytesInUse()) - before).toBeLessThan(20_000_000);
    expect(await app.data('{ __typename }')).toEqual({ __typename: 'Query' });
    for (const { socket } of [stalled, other]) socket.terminate();
    await expect.poll(() => app.services.hub.stats()).toEqual(NOTHING);
  });

  it('H12: a socket that never reads again is closed, and all it had is let go of', async () => {
    const impatient = await world.addApp({ SOCKET_STALL_MS: '2000' });
    const after = await world.cursor();
    const first = sent;
    const [stalled, other] = [await follow(after, impatient, world.ben), await follow(after, impatient)];
    await send();
    await expect.poll(() => [stalled, other].map((raw) => numbersOf(raw).length)).toEqual([BATCH, BATCH]);
    stalled.socket.pause();
    const { subscribers } = impatient.services.hub.stats();
    for (let left = impatient.services.hub.stats(); left.subscribers === subscribers; left = impatient.services.hub.stats()) {
      await send();
      await expect.poll(() => numbersOf(other).length).toBe(sent - first);
    }
    // With the socket goes what is followed for its user, too.
    await expect.poll(() => impatient.services.hub.stats().subscribers).toBe(2);
    stalled.socket.resume();
    expect(await stalled.closed).toBe(1006);
    expect(other.socket.readyState).toBe(other.socket.OPEN);
    other.socket.terminate();
    await impatient.stop();
  });
});
