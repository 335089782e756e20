import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { codeOf, coded } from '../../src/errors.js';
import { Following } from '../../src/realtime/log-subscription.js';
import { accessRevoked } from '../../src/realtime/share.js';
import { follow as next, Life, LIFE, type LifeEvent, type LifeState } from '../../src/realtime/subscription-life.js';
import { stateTopic, type StateValue } from '../../src/realtime/topic.js';
import { deferred } from '../kit/deferred.js';
import { follow } from './follow.js';
import { busOf, createWorld, type World } from './hazard-world.js';

const ROWS = Object.entries(LIFE).flatMap(([state, row]) =>
  Object.entries(row).map(([event, to]) => ({ state: state as LifeState, event: event as LifeEvent, to: to })),
);

describe('the table', () => {
  it.each(ROWS.filter(({ to }) => to !== null))('leads from $state by $event to $to', ({ state, event, to }) => {
    expect(next(state, event)).toBe(to);
  });

  it.each(ROWS.filter(({ to }) => to === null))('knows of no $event while $state', ({ state, event }) => {
    expect(() => next(state, event)).toThrow(`A subscription that is ${state} cannot be told "${event}".`);
  });
});

/** Enough that the groups of a stream that are held up have more waiting than they keep. */
const MANY = 1_800;
const MAX_SELECTIONS = 30;

let world: World;
let head: number;
/** What subscriptions have gone through, as `state event`. */
const walked = new Set<string>();
/** And the keys of subscriptions to a state. */
const walkedByStates = new Set<string>();
beforeAll(async () => {
  world = await createWorld({ apps: 1, env: { MAX_SELECTIONS_PER_STREAM: `${MAX_SELECTIONS}` } });
  const pass = Object.getOwnPropertyDescriptor(Life.prototype, 'pass')?.value as (this: Life, event: LifeEvent) => boolean;
  vi.spyOn(Life.prototype, 'pass').mockImplementation(function (this: Life, event) {
    (this instanceof Following ? walked : walkedByStates).add(`${this.state} ${event}`);
    return pass.call(this, event);
  });
  head = await world.insert(0, 3);
});
afterAll(async () => {
  vi.restoreAllMocks();
  await world.stop();
});

const insert = async (count: number): Promise<void> => {
  head = await world.insert(head, count);
};
const wake = (): void => busOf(world.apps[0]).wake({ topic: 'conversation', key: world.key, seq: head });
const noResult = () => Promise.reject(coded('NOT_FOUND', 'No result.'));

describe('a subscription', () => {
  it('reads what it has missed, is then given what happens, and ends once', async () => {
    const [app] = world.apps;
    const { attached, seqs, ends } = await follow(app, world.key, { selection: 'whole', after: world.start });
    await expect.poll(() => attached.state).toBe('live');
    await insert(1);
    wake();
    await expect.poll(() => seqs.at(-1)).toBe(head);
    attached.leave();
    for (const error of [null, accessRevoked(), new Error('late')]) attached.end(error);
    attached.leave();
    expect([attached.state, ends]).toEqual(['ended', []]);
  });

  it('is over before it begins for one who follows too many selections, and where the server stops', async () => {
    const [app] = world.apps;
    const owned = [];
    for (let count = 0; count <= MAX_SELECTIONS; count += 1)
      owned.push(await follow(app, world.key, { selection: `${count}`, owner: 'ada' }));
    expect(owned.at(-1)?.ends).toMatchObject([{ extensions: { code: 'RATE_LIMITED' } }]);
    for (const { attached } of owned) attached.leave();
    const other = await world.addApp();
    const { attached, ends } = await follow(other, world.key, { selection: 'stopped', beforeAttach: () => other.services.hub.stop() });
    expect([attached.state, ends]).toEqual(['ended', []]);
  });

  it('ends in what it has missed', async () => {
    const [app] = world.apps;
    const after = world.start;
    const over = await follow(app, world.key, { selection: 'over', after, endsFor: (seq) => (seq === head ? 'everyone' : null) });
    const failing = await follow(app, world.key, { selection: 'failing', after, render: noResult });
    const gate = deferred<undefined>();
    const revoked = await follow(app, world.key, {
      selection: 'revoked',
      after,
      userId: 'ada',
      endsFor: (seq) => (seq === head ? { userId: 'ada' } : null),
      room: () => gate.promise,
    });
    // Somebody who has left before and come back is not ended by the history of that, but by what comes while they read it.
    await insert(1);
    wake();
    await expect.poll(() => revoked.attached.stream.position).toBe(head);
    gate.resolve(undefined);
    const leaving = await follow(app, world.key, { selection: 'leaving', after, room: () => new Promise(() => undefined) });
    leaving.attached.leave();
    await expect
      .poll(() => [over.ends, failing.ends, revoked.ends, leaving.ends])
      .toMatchObject([[null], [{ extensions: { code: 'NOT_FOUND' } }], [{ extensions: { code: 'ACCESS_REVOKED' } }], []]);
  });

  it('ends by what happens', async () => {
    const [app] = world.apps;
    const last = head + 1;
    const over = await follow(app, world.key, { selection: 'over', endsFor: (seq) => (seq === last ? 'everyone' : null) });
    const revoked = await follow(app, world.key, {
      selection: 'revoked',
      userId: 'ada',
      endsFor: (seq) => (seq === last ? { userId: 'ada' } : null),
    });
    const failing = await follow(app, world.key, { selection: 'failing', render: noResult });
    await expect.poll(() => [over, revoked, failing].map(({ attached }) => attached.state)).toEqual(['live', 'live', 'live']);
    await insert(1);
    wake();
    await expect
      .poll(() => [over.ends, revoked.ends, failing.ends])
      .toMatchObject([[null], [{ extensions: { code: 'ACCESS_REVOKED' } }], [{ extensions: { code: 'NOT_FOUND' } }]]);
  });

  it('ends in what its group reads again', async () => {
    const [app] = world.apps;
    const gate = deferred<undefined>();
    const first = head + 1;
    // In the first of the pages that are read again.
    const last = head + 550;
    const held = async (seq: number) => {
      if (seq === first) await gate.promise;
    };
    const over = await follow(app, world.key, { selection: 'over', render: held, endsFor: (seq) => (seq === last ? 'everyone' : null) });
    const revoked = await follow(app, world.key, {
      selection: 'revoked',
      render: held,
      userId: 'ada',
      endsFor: (seq) => (seq === last ? { userId: 'ada' } : null),
    });
    const failing = await follow(app, world.key, { selection: 'failing', render: (seq) => (seq === last ? noResult() : held(seq)) });
    const leaving = await follow(app, world.key, { selection: 'leaving', render: held });
    const all = [over, revoked, failing, leaving];
    await expect.poll(() => all.map(({ attached }) => attached.state)).toEqual(all.map(() => 'live'));
    await insert(MANY);
    wake();
    await expect.poll(() => all.map(({ attached }) => attached.state)).toEqual(all.map(() => 'behind'));
    leaving.attached.leave();
    gate.resolve(undefined);
    await expect
      .poll(() => [over.ends, revoked.ends, failing.ends])
      .toMatchObject([[null], [{ extensions: { code: 'ACCESS_REVOKED' } }], [{ extensions: { code: 'NOT_FOUND' } }]]);
    expect([over.seqs.at(-1), revoked.seqs.at(-1), failing.seqs.at(-1), leaving.seqs]).toEqual([last, last, last - 1, []]);
  });

  it('of a group with more waiting than it keeps loses nothing: it is read again, in order', async () => {
    const [app] = world.apps;
    const gate = deferred<undefined>();
    const room = deferred<undefined>();
    const first = head + 1;
    const selection = 'slow';
    const render = async (seq: number) => {
      if (seq === first) await gate.promise;
    };
    const slow = await follow(app, world.key, { selection, render });
    const quick = await follow(app, world.key, { selection: 'quick' });
    const replaying = await follow(app, world.key, { selection, render, after: world.start, room: () => room.promise });
    await expect.poll(() => [slow, quick].map(({ attached }) => attached.state)).toEqual(['live', 'live']);
    await insert(MANY);
    wake();
    await expect.poll(() => slow.attached.state).toBe('behind');
    await expect.poll(() => quick.seqs).toHaveLength(MANY);
    const latecomer = await follow(app, world.key, { selection, render });
    await expect.poll(() => latecomer.attached.state).toBe('live');
    gate.resolve(undefined);
    await expect.poll(() => slow.attached.state).toBe('live');
    expect(replaying.attached.state).toBe('replaying');
    room.resolve(undefined);
    await insert(1);
    wake();
    const expected = Array.from({ length: MANY + 1 }, (_, n) => first + n);
    await expect.poll(() => [slow, quick, replaying, latecomer].map(({ seqs }) => seqs.at(-1))).toEqual([head, head, head, head]);
    expect([slow.seqs, quick.seqs, replaying.seqs.slice(-expected.length), latecomer.seqs]).toEqual([expected, expected, expected, [head]]);
    expect(new Set(replaying.seqs).size).toBe(replaying.seqs.length);
  });

  it('that takes not all at once reads the rest of it from the log, in order and once, whether its group is behind or not', async () => {
    const [app] = world.apps;
    const gate = deferred<undefined>();
    const first = head + 1;
    const selection = 'little';
    const render = async (seq: number) => {
      if (seq === first + 10) await gate.promise;
    };
    const little = await follow(app, world.key, { selection, render, takes: (results) => Math.min(3, results.length) });
    await expect.poll(() => little.attached.state).toBe('live');
    await insert(10);
    wake();
    const numbers = (count: number) => Array.from({ length: count }, (_, n) => first + n);
    await expect.poll(() => little.seqs).toEqual(numbers(10));
    await expect.poll(() => little.attached.state).toBe('live');
    await insert(MANY);
    wake();
    await expect.poll(() => little.attached.state).toBe('behind');
    gate.resolve(undefined);
    await expect.poll(() => little.seqs.length).toBe(10 + MANY);
    expect(little.seqs).toEqual(numbers(10 + MANY));
    little.attached.leave();
  });

  it('has gone through every transition of the table by now', () => {
    expect([...walked].sort()).toEqual(ROWS.flatMap(({ state, event, to }) => (to === null ? [] : `${state} ${event}`)).sort());
  });
});

describe('a subscription to a state', () => {
  /** The states of a topic of their own: how each key is read, and what its result is. */
  const createStates = (name: string) => {
    const values = new Map<string, StateValue>();
    let held: Promise<unknown> | null = null;
    const topic = stateTopic<StateValue>(name, async (_prisma, keys) => {
      const gate = held;
      held = null;
      await gate;
      return new Map(keys.flatMap((key) => (values.has(key) ? [[key, values.get(key) as StateValue] as const] : [])));
    });
    const attach = (keys: readonly string[], { render = () => Promise.resolve(), owner = 'ada', selection = 'all' } = {}) => {
      const seen: string[] = [];
      const ends: unknown[] = [];
      const source = world.apps[0].services.hub.state(topic, keys);
      const attached = source.attach(
        {
          key: selection,
          audienceId: () => '',
          ownerOf: () => owner,
          render: async (value) => {
            await render();
            return { out: value.version, personal: false };
          },
        },
        (key) => ({
          audience: null,
          deliver: (results) => void seen.push(...results.map((version) => `${key} ${version}`)),
          end: (error) => void ends.push(error === null ? null : codeOf(error)),
          room: () => Promise.resolve(),
        }),
      );
      return { source, attached, seen, ends };
    };
    return {
      attach,
      set: (key: string, version: number) => void values.set(key, { version }),
      /** The next reading waits for it. */
      hold: (gate: Promise<unknown>) => void (held = gate),
      remove: (key: string, seq: number): void => {
        values.delete(key);
        busOf(world.apps[0]).wake({ topic: name, key, seq });
      },
    };
  };

  it('lives by the table in each of its keys, and goes on while one of them is there', async () => {
    const states = createStates('several');
    for (const key of ['one', 'two', 'three']) states.set(key, 1);
    const { source, seen, ends } = states.attach(['one', 'two']);
    await expect.poll(() => seen).toEqual(['one 1', 'two 1']);
    states.remove('one', 2);
    await expect.poll(() => walkedByStates.has('live completed')).toBe(true);
    expect(ends).toEqual([]);
    source.follow(['three']);
    await expect.poll(() => seen.at(-1)).toBe('three 1');
    states.remove('three', 2);
    await expect.poll(() => ends).toEqual([null]);
  });

  it('hears nothing of a key that it follows no longer, however the reading of that ends', async () => {
    const states = createStates('dropped');
    states.set('kept', 1);
    states.set('dropped', 1);
    const gate = deferred<undefined>();
    let isFirst = true;
    const render = (): Promise<void> => {
      if (!isFirst) return Promise.resolve();
      isFirst = false;
      return gate.promise.then(noResult);
    };
    const { source, attached, seen, ends } = states.attach(['dropped'], { render });
    await expect.poll(() => isFirst).toBe(false);
    source.follow(['kept']);
    await expect.poll(() => seen).toEqual(['kept 1']);
    gate.resolve(undefined);
    states.set('later', 1);
    source.follow(['kept', 'later']);
    await expect.poll(() => seen).toEqual(['kept 1', 'later 1']);
    expect(ends).toEqual([]);
    attached.leave();
  });

  it('ends in all of its keys by what ends it: before, while and after they are read', async () => {
    const states = createStates('ended');
    states.set('key', 1);
    const live = [null, null].map(() => states.attach(['key']));
    await expect.poll(() => live.map(({ seen }) => seen)).toEqual([['key 1'], ['key 1']]);
    const reading = [accessRevoked(), coded('NOT_FOUND', 'Gone.')].map((error) => {
      states.hold(new Promise(() => undefined));
      return { error, ...states.attach(['key']) };
    });
    for (const { attached, error } of reading) attached.end(error);
    live[0]?.attached.end(accessRevoked());
    live[1]?.attached.end(coded('NOT_FOUND', 'Gone.'));
    expect([...reading, ...live].map(({ ends }) => ends)).toEqual([['ACCESS_REVOKED'], ['NOT_FOUND'], ['ACCESS_REVOKED'], ['NOT_FOUND']]);
    const many = Array.from({ length: MAX_SELECTIONS + 1 }, (_, n) => states.attach(['key'], { owner: 'ben', selection: `${n}` }));
    expect(many.at(-1)?.ends).toEqual(['RATE_LIMITED']);
    for (const { attached } of many) attached.leave();
  });

  it('is over with its value, also where that is just being read', async () => {
    const states = createStates('gone');
    states.set('key', 1);
    const live = states.attach(['key']);
    await expect.poll(() => live.seen).toEqual(['key 1']);
    const gate = deferred<undefined>();
    states.hold(gate.promise);
    const reading = states.attach(['key']);
    states.remove('key', 2);
    await expect.poll(() => [live.ends, reading.ends]).toEqual([[null], [null]]);
    gate.resolve(undefined);
  });

  it('has gone through every transition of the table that there is for it', () => {
    const ended = ['completed', 'revoked', 'failed', 'left'];
    expect([...walkedByStates].sort()).toEqual(
      ['opening attached', 'opening failed', 'replaying caughtUp', ...ended.flatMap((end) => [`live ${end}`, `replaying ${end}`])].sort(),
    );
  });
});
