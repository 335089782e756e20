import fc from '../kit/cases.js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { encodeCursor } from '../../src/realtime/cursor.js';
import { readHeads } from '../../src/realtime/event-log.js';
import type { Member, Sharing } from '../../src/realtime/share.js';
import { logTopic, stateTopic, type StateValue } from '../../src/realtime/topic.js';
import { startTestApp, type TestApp } from '../kit/app.js';
import { deferred } from '../kit/deferred.js';
import { busOf } from '../realtime/hazard-world.js';

/** What may happen to one stream; all that it takes goes on while the next happens. */
type Step =
  /** So many commits, of which nobody is told. */
  | { readonly kind: 'grow'; readonly count: number }
  /** The hub hears how far the stream has grown. */
  | { readonly kind: 'wake' }
  /** Somebody comes with the cursor at this share of the stream, and begins so many statements later. */
  | { readonly kind: 'come'; readonly from: number; readonly later: number }
  | { readonly kind: 'leave'; readonly who: number }
  /** From now on results are under way until `open`. */
  | { readonly kind: 'hold' }
  | { readonly kind: 'open' }
  /** As long as one statement takes. */
  | { readonly kind: 'pass' };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('grow' as const), count: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 4, arbitrary: fc.constant({ kind: 'wake' as const }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('come' as const),
      from: fc.double({ min: 0, max: 1, noNaN: true }),
      later: fc.nat({ max: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), who: fc.nat({ max: 20 }) }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'hold' as const }) },
  { weight: 3, arbitrary: fc.constant({ kind: 'open' as const }) },
  { weight: 4, arbitrary: fc.constant({ kind: 'pass' as const }) },
);

/** A log and a state of this file's own, in the tables of all. */
const numbers = logTopic<{ Grown: object }>('numbers', { kinds: { Grown: 'goes on' } });
const newest = stateTopic<StateValue>('newest', async (prisma, keys) => {
  const heads = await readHeads(prisma, 'newest', keys);
  return new Map([...heads].map(([key, { lastSeq }]) => [key, { version: lastSeq }]));
});
const GROW = `
  WITH grown AS (
    INSERT INTO head (topic, key, last_seq) VALUES ($1, $2, $3::int)
    ON CONFLICT (topic, key) DO UPDATE SET last_seq = head.last_seq + excluded.last_seq RETURNING last_seq, epoch
  ), told AS (
    INSERT INTO event (topic, key, seq, kind, ref, at)
    SELECT $1, $2, last_seq - $3::int + n, 'Grown', '{}', now() FROM grown, generate_series(1, $3::int) n WHERE $1 = 'numbers'
  )
  SELECT epoch FROM grown`;

const range = (after: number, last: number): number[] => Array.from({ length: last - after }, (_, n) => after + n + 1);

let app: TestApp;
let keys = 0;
beforeAll(async () => {
  app = await startTestApp({ env: { STATE_MIN_INTERVAL_MS: '0' } });
});
const streams: { readonly end: () => Promise<void> }[] = [];
afterEach(async () => {
  for (const stream of streams.splice(0)) await stream.end();
  expect(app.services.hub.stats()).toEqual({ streams: 0, groups: 0, subscribers: 0 });
});
afterAll(() => app.stop());

/** Somebody who follows a stream, and the numbers they were delivered. */
interface Follower {
  readonly from: number;
  readonly got: readonly number[];
  readonly errors: readonly unknown[];
  leave: () => void;
  left: boolean;
}

/** A stream of its own, and those who share it in one group. */
const openStream = (topic: 'numbers' | 'newest') => {
  const { hub } = app.services;
  keys += 1;
  const key = `key ${keys}`;
  let epoch: number | null = null;
  let grown = 0;
  let gate = deferred<undefined>();
  gate.resolve(undefined);
  let held = false;
  const underWay: Promise<unknown>[] = [];
  const followers: Follower[] = [];

  const open = (): void => {
    held = false;
    gate.resolve(undefined);
  };
  const rendering = async (out: number): Promise<{ out: number; personal: boolean }> => {
    await gate.promise;
    return { out, personal: false };
  };
  const sharingOf = <Item>(place: (item: Item) => number): Sharing<Item, null, number> => ({
    key: topic,
    audienceId: () => '',
    render: (item) => rendering(place(item)),
  });
  const attach = async (member: Member<null, number>, from: number, later: number): Promise<() => void> => {
    const memberOf = (): Member<null, number> => member;
    if (topic === 'newest') {
      for (let n = 0; n < later; n += 1) await pass();
      const attached = hub.state(newest, [key]).attach(
        sharingOf(({ version }) => version),
        memberOf,
      );
      return () => attached.leave();
    }
    const source = await hub.log(numbers, key, {
      after: encodeCursor(topic, key, { epoch: from === 0 ? null : epoch, seq: from }),
      kinds: ['Grown'],
    });
    for (let n = 0; n < later; n += 1) await pass();
    const attached = source.attach(
      sharingOf(({ seq }) => seq),
      memberOf,
    );
    return () => attached.leave();
  };
  const pass = (): Promise<unknown> => app.database.query('SELECT 1');

  const leave = (follower: Follower): void => {
    follower.left = true;
    follower.leave();
  };

  const stream = {
    followers,
    grown: () => grown,
    pass,
    open,
    settle: () => Promise.all(underWay),
    hold: () => {
      if (held) return;
      held = true;
      gate = deferred<undefined>();
    },
    grow: async (count: number): Promise<void> => {
      const [head] = await app.database.query<{ epoch: number }>(GROW, [topic, key, count]);
      epoch = head?.epoch ?? null;
      grown += count;
    },
    wake: () => busOf(app).wake({ topic, key, seq: grown }),
    /** @param from the place after which they come; of a state it does not matter */
    come: (from: number, later = 0): Follower => {
      const got: number[] = [];
      const errors: unknown[] = [];
      const follower: Follower = { from, got, errors, leave: () => undefined, left: false };
      const member: Member<null, number> = {
        audience: null,
        deliver: (results) => void got.push(...results),
        end: (error) => void errors.push(error),
        room: () => Promise.resolve(),
      };
      followers.push(follower);
      const coming = attach(member, from, later).then((leave) => {
        if (follower.left) leave();
        else follower.leave = leave;
      });
      underWay.push(coming);
      return follower;
    },
    leave,
    /** Lets go of everything. */
    end: async (): Promise<void> => {
      open();
      await Promise.all(underWay);
      for (const follower of followers) leave(follower);
    },
  };
  streams.push(stream);
  return stream;
};

/** Takes the steps, then waits until everyone who has stayed has the last there is. */
const take = async (
  topic: 'numbers' | 'newest',
  steps: readonly Step[],
): Promise<{ readonly grown: number; readonly followers: readonly Omit<Follower, 'leave'>[] }> => {
  const stream = openStream(topic);
  for (const each of steps) {
    if (each.kind === 'grow') await stream.grow(each.count);
    else if (each.kind === 'come') stream.come(Math.floor(each.from * stream.grown()), each.later);
    else if (each.kind === 'leave') {
      const follower = stream.followers[each.who];
      if (follower) stream.leave(follower);
    } else await stream[each.kind]();
  }
  stream.open();
  await stream.settle();
  await stream.grow(1);
  stream.wake();
  const grown = stream.grown();
  const staying = stream.followers.filter(({ left }) => !left);
  await expect
    .poll(() => staying.filter(({ got }) => got.at(-1) !== grown).map(({ from, got, errors }) => ({ from, got, errors })), { interval: 2 })
    .toEqual([]);
  // Nothing of what is still under way may follow.
  await stream.pass();
  const followers = stream.followers.map(({ from, got, errors, left }) => ({ from, got, errors, left }));
  await stream.end();
  return { grown, followers };
};

describe('a group whose members come in the middle of what happens', () => {
  it('H06: gives a batch that begins before a member’s place to that member from its place on', async () => {
    const stream = openStream('numbers');
    await stream.grow(1);
    const first = stream.come(1);
    await stream.settle();
    await stream.grow(1);
    stream.wake();
    await expect.poll(() => first.got).toEqual([2]);
    // The hub has not heard of these; who comes now reads them by itself, and has more than the group.
    await stream.grow(3);
    const ahead = stream.come(0);
    await expect.poll(() => ahead.got).toEqual(range(0, 5));
    // Nor has it of the next, but by then the results of that read are under way.
    stream.hold();
    await stream.grow(2);
    stream.wake();
    await stream.pass();
    const late = stream.come(3);
    await stream.settle();
    await stream.pass();
    stream.open();
    await expect.poll(() => [first, ahead, late].map(({ got }) => got)).toEqual([range(1, 7), range(0, 7), range(3, 7)]);
    await stream.grow(1);
    stream.wake();
    await expect.poll(() => [first, ahead, late].map(({ got }) => got)).toEqual([range(1, 8), range(0, 8), range(3, 8)]);
  });

  it('a value that is made more slowly than the next one is left out', async () => {
    const stream = openStream('newest');
    await stream.grow(1);
    const first = stream.come(0);
    await expect.poll(() => first.got).toEqual([1]);
    stream.hold();
    const late = stream.come(0);
    await stream.settle();
    await stream.pass();
    await stream.grow(1);
    stream.wake();
    await stream.pass();
    stream.open();
    await expect.poll(() => [first, late].map(({ got }) => got.at(-1))).toEqual([2, 2]);
    await stream.grow(1);
    stream.wake();
    await expect.poll(() => [first, late].map(({ got }) => got.at(-1))).toEqual([3, 3]);
    expect(first.got).toEqual([1, 2, 3]);
    expect([
      [1, 2, 3],
      [2, 3],
    ]).toContainEqual(late.got);
  });

  it('H06: whenever they come, gives each of them every event after their cursor, once and in order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 40 }), async (steps) => {
        const { grown, followers } = await take('numbers', steps);
        for (const { from, got, errors, left } of followers) {
          expect(errors).toEqual([]);
          expect(got).toEqual(range(from, left ? from + got.length : grown));
        }
      }),
      { numRuns: 150, interruptAfterTimeLimit: 20_000 },
    );
  });

  it('whenever they come, gives each of them newer and newer values of a state, and the last one', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 40 }), async (steps) => {
        const { followers } = await take('newest', steps);
        for (const { got, errors } of followers) {
          expect(errors).toEqual([]);
          expect(got).toEqual([...new Set(got)].sort((a, b) => a - b));
        }
      }),
      { numRuns: 150, interruptAfterTimeLimit: 20_000 },
    );
  });
});
