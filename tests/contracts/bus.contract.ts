import { describe, expect, it, onTestFinished, vi } from 'vitest';
import fc from '../kit/cases.js';
import type { Bus } from '../../src/realtime/bus.js';

/** Two ends of a bus: in one process (the same object twice), or in two. */
export interface BusWorld {
  /** The bus that listens. */
  readonly here: Bus;
  /** The bus that wakes. */
  readonly there: Bus;
  /** Resolves once a wake of `there` for this stream, to which `here` listens, is sure to arrive. */
  connected(topic: string, key: string): Promise<void>;
}

/** What every bus does, whatever carries it. `open` makes a new world; its buses are closed after each test. */
export const busContract = (name: string, open: () => Promise<BusWorld>): void => {
  const setUp = async (): Promise<BusWorld> => {
    const world = await open();
    onTestFinished(async () => {
      await Promise.all([world.here.close(), world.there.close()]);
    });
    return world;
  };

  /** Listens to a stream and keeps what comes, once wakes are sure to arrive. */
  const record = async (world: BusWorld, topic: string, key: string) => {
    const heard: number[] = [];
    const end = world.here.listen(topic, key, (seq) => heard.push(seq));
    await world.connected(topic, key);
    return { heard, end };
  };

  /** Resolves when everything that was woken before has been delivered: wakes of one bus arrive in order. */
  const delivered = async (world: BusWorld): Promise<void> => {
    const fence = await record(world, 'fence', 'fence');
    world.there.wake({ topic: 'fence', key: 'fence', seq: 1 });
    await until(() => expect(fence.heard).toContain(1));
    fence.end();
  };

  describe(`bus contract: ${name}`, () => {
    it('delivers the wakes of a stream, each once and in order', async () => {
      const world = await setUp();
      const { heard } = await record(world, 'message', '1');
      const seqs = Array.from({ length: 500 }, (_, index) => index + 1);
      for (const seq of seqs) world.there.wake({ topic: 'message', key: '1', seq });
      await delivered(world);
      expect(heard).toEqual(seqs);
    });

    it('wakes the listeners of the same process too, but never inside the call', async () => {
      const { here } = await setUp();
      const heard: number[] = [];
      here.listen('message', '1', (seq) => heard.push(seq));
      here.wake({ topic: 'message', key: '1', seq: 7 });
      here.wake({ topic: 'message', key: '1', seq: 8 });
      expect(heard).toEqual([]);
      await until(() => expect(heard).toEqual([7, 8]));
    });

    it('keeps streams apart', async () => {
      const world = await setUp();
      const streams = [
        ['message', '1'],
        ['message', '2'],
        ['message', '11'],
        ['comment', '1'],
        ['a', 'b:c'],
        ['a:b', 'c'],
        ['a%3Ab', 'c'],
        ['', ':'],
        [':', ''],
      ] as const;
      const records = await Promise.all(streams.map(([topic, key]) => record(world, topic, key)));
      expect(world.here.stats().channels).toBe(streams.length);
      streams.forEach(([topic, key], index) => world.there.wake({ topic, key, seq: index }));
      await delivered(world);
      expect(records.map(({ heard }) => heard)).toEqual(streams.map((_, index) => [index]));
    });

    it('takes any text as a key', async () => {
      const world = await setUp();
      const odd = ['a:b:c', '*', 'a*', '[ab]', '?', '\\', ' a b ', '', '\r\n', '\u0000', '__proto__', '%3A', '🦉', 'ы'];
      // The same letter written in two ways: not the same key.
      const keys = [...odd, '\u00e9', 'e\u0301', 'x'.repeat(10_000)];
      const records = await Promise.all(keys.map((key) => record(world, 'odd', key)));
      keys.forEach((key, index) => world.there.wake({ topic: 'odd', key, seq: index }));
      await delivered(world);
      expect(records.map(({ heard }) => heard)).toEqual(keys.map((_, index) => [index]));
    });

    it('serves 200 listeners of one stream, until each has left', async () => {
      const world = await setUp();
      const records = await Promise.all(Array.from({ length: 200 }, () => record(world, 'message', '1')));
      expect(world.here.stats()).toEqual({ channels: 1 });
      world.there.wake({ topic: 'message', key: '1', seq: 1 });
      await delivered(world);
      records.slice(1).forEach(({ end }) => end());
      expect(world.here.stats()).toEqual({ channels: 1 });
      world.there.wake({ topic: 'message', key: '1', seq: 2 });
      await delivered(world);
      records[0]?.end();
      expect(world.here.stats()).toEqual({ channels: 0 });
      world.there.wake({ topic: 'message', key: '1', seq: 3 });
      await delivered(world);
      expect(records.map(({ heard }) => heard)).toEqual(records.map((_, index) => (index === 0 ? [1, 2] : [1])));
    });

    it('lets no throwing listener stop the others', async () => {
      const world = await setUp();
      world.here.listen('message', '1', () => {
        throw new Error('thrown by a listener, on purpose');
      });
      const { heard } = await record(world, 'message', '1');
      world.there.wake({ topic: 'message', key: '1', seq: 1 });
      world.there.wake({ topic: 'message', key: '1', seq: 2 });
      await delivered(world);
      expect(heard).toEqual([1, 2]);
    });

    it('calls nobody who has left, not even for a wake that is under way', async () => {
      const world = await setUp();
      const first = await record(world, 'message', '1');
      const second = await record(world, 'message', '1');
      world.there.wake({ topic: 'message', key: '1', seq: 1 });
      first.end();
      await delivered(world);
      expect(first.heard).toEqual([]);
      expect(second.heard).toEqual([1]);
    });

    it('ends a listener once, however often it is asked', async () => {
      const world = await setUp();
      const first = await record(world, 'message', '1');
      first.end();
      first.end();
      const second = await record(world, 'message', '1');
      first.end();
      expect(world.here.stats()).toEqual({ channels: 1 });
      world.there.wake({ topic: 'message', key: '1', seq: 1 });
      await delivered(world);
      expect([first.heard, second.heard]).toEqual([[], [1]]);
    });

    it('counts one function that listens twice as two listeners', async () => {
      const world = await setUp();
      const heard: number[] = [];
      const listener = (seq: number) => void heard.push(seq);
      const ends = [world.here.listen('message', '1', listener), world.here.listen('message', '1', listener)];
      await world.connected('message', '1');
      world.there.wake({ topic: 'message', key: '1', seq: 1 });
      await delivered(world);
      ends[0]?.();
      world.there.wake({ topic: 'message', key: '1', seq: 2 });
      await delivered(world);
      expect(heard).toEqual([1, 1, 2]);
    });

    it('lets listeners come and go while a wake is delivered', async () => {
      const world = await setUp();
      const heard: string[] = [];
      const ends: (() => void)[] = [];
      ends.push(
        world.here.listen('message', '1', (seq) => {
          heard.push(`first ${seq}`);
          ends.forEach((end) => end());
          world.here.listen('message', '1', (later) => heard.push(`third ${later}`));
        }),
        world.here.listen('message', '1', (seq) => heard.push(`second ${seq}`)),
      );
      await world.connected('message', '1');
      world.there.wake({ topic: 'message', key: '1', seq: 1 });
      await until(() => expect(heard).toEqual(['first 1']));
      await world.connected('message', '1');
      world.there.wake({ topic: 'message', key: '1', seq: 2 });
      await until(() => expect(heard).toEqual(['first 1', 'third 2']));
    });

    it('survives listening, leaving and listening again at once', async () => {
      const world = await setUp();
      for (let round = 0; round < 100; round += 1) {
        world.here.listen('message', '1', () => expect.unreachable())();
      }
      const { heard } = await record(world, 'message', '1');
      world.there.wake({ topic: 'message', key: '1', seq: 1 });
      await delivered(world);
      expect(heard).toEqual([1]);
      expect(world.here.stats()).toEqual({ channels: 1 });
    });

    it('serves exactly those who listen, whatever came before', async () => {
      const world = await setUp();
      const step = fc.record({ key: fc.constantFrom('a', 'b', 'c'), pause: fc.boolean(), leave: fc.boolean() });
      let seq = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
          const present: { key: string; heard: number[]; end: () => void }[] = [];
          for (const { key, pause, leave } of steps) {
            const leaver = leave ? present.findIndex((listener) => listener.key === key) : -1;
            if (leaver >= 0) {
              present.splice(leaver, 1).forEach(({ end }) => end());
            } else {
              const heard: number[] = [];
              present.push({ key, heard, end: world.here.listen('random', key, (n) => heard.push(n)) });
            }
            if (pause) await world.connected('random', present.find((listener) => listener.key === key) ? key : 'none');
          }
          const keys = new Set(present.map(({ key }) => key));
          expect(world.here.stats()).toEqual({ channels: keys.size });
          await Promise.all([...keys].map((key) => world.connected('random', key)));
          seq += 1;
          for (const key of ['a', 'b', 'c']) world.there.wake({ topic: 'random', key, seq });
          await delivered(world);
          expect(present.map(({ heard }) => heard)).toEqual(present.map(() => [seq]));
          present.forEach(({ end }) => end());
          expect(world.here.stats()).toEqual({ channels: 0 });
        }),
        { numRuns: 25 },
      );
    });

    it('is silent after close, which may be asked for twice', async () => {
      const world = await setUp();
      const { heard, end } = await record(world, 'message', '1');
      world.here.wake({ topic: 'message', key: '1', seq: 1 });
      await Promise.all([world.here.close(), world.here.close()]);
      world.here.wake({ topic: 'message', key: '1', seq: 2 });
      world.here.listen('message', '1', (seq) => heard.push(seq))();
      world.here.listen('message', '2', (seq) => heard.push(seq));
      world.here.onGap(() => heard.push(0))();
      end();
      expect(world.here.stats()).toEqual({ channels: 0 });
      expect(heard.filter((seq) => seq !== 1)).toEqual([]);
    });
  });
};

/** Waits for a condition, looking often. */
export const until = <T>(condition: () => T | Promise<T>): Promise<T> => vi.waitFor(condition, { timeout: 60_000, interval: 5 });
