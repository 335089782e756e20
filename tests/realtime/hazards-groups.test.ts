import { afterAll, beforeAll, expect, it } from 'vitest';
import { conversationLog } from '../../src/domains/conversations/topics.js';
import type { Member, Sharing } from '../../src/realtime/share.js';
import { deferred } from '../kit/deferred.js';
import { busOf, createWorld, type World } from './hazard-world.js';

let world: World;
beforeAll(async () => {
  world = await createWorld({ apps: 1 });
});
afterAll(() => world.stop());

/** A subscriber of a group of its own, who is delivered seqs. */
const follow = async (key: string, render: Sharing<{ readonly seq: number }, null, number>['render']) => {
  const seqs: number[] = [];
  const errors: unknown[] = [];
  const member: Member<null, number> = {
    audience: null,
    deliver: (results) => void seqs.push(...results),
    end: (error) => void errors.push(error),
    room: () => Promise.resolve(),
  };
  const source = await world.apps[0].services.hub.log(conversationLog, world.key, { kinds: ['MessageAdded'] });
  const attached = source.attach({ key, audienceId: () => '', render }, () => member);
  return { seqs, errors, leave: () => attached.leave() };
};

it('results that cannot be made end those who wait for them, and cost nobody else an event or its place', async () => {
  const [app] = world.apps;
  const { hub } = app.services;
  const standing = hub.stats();
  const send = async (first: number, count: number): Promise<void> => {
    busOf(app).wake({ topic: 'conversation', key: world.key, seq: await world.insert(first, count) });
  };
  const gate = deferred<undefined>();
  const made: number[] = [];
  const slow = await follow('slow', async ({ seq }) => {
    made.push(seq);
    if (made.length === 1) await gate.promise;
    return { out: seq, personal: false };
  });
  const failing = await follow('failing', () => Promise.reject(new Error('No result.')));
  const quick = await follow('quick', ({ seq }) => Promise.resolve({ out: seq, personal: false }));

  await send(0, 2);
  await expect.poll(() => failing.errors).toEqual([new Error('No result.')]);
  await expect.poll(() => quick.seqs).toHaveLength(2);
  // The slow ones are still at the first: what happens now comes after it.
  await send(2, 3);
  await hub.reconcile();
  gate.resolve(undefined);
  await expect.poll(() => [slow.seqs.length, quick.seqs.length]).toEqual([5, 5]);
  const [first = 0] = quick.seqs;
  const expected = Array.from({ length: 5 }, (_, n) => first + n);
  expect([slow.seqs, quick.seqs, made]).toEqual([expected, expected, expected]);
  expect([slow.errors, quick.errors, failing.seqs]).toEqual([[], [], []]);
  slow.leave();
  quick.leave();
  expect(hub.stats()).toEqual(standing);
});
