import { expect, it } from 'vitest';
import { createLog } from '../../src/observability/log.js';
import { createFairTurns } from '../../src/db/fair-turns.js';
import { toEvent, type AnyEvent } from '../../src/realtime/event-log.js';
import { logReader, type Reader } from '../../src/realtime/readers.js';
import { Stream } from '../../src/realtime/stream.js';
import { Group } from '../../src/realtime/group.js';
import { WHOLE } from '../../src/realtime/share.js';
import { deferred } from '../kit/deferred.js';

const event = (seq: number): AnyEvent => toEvent('numbers', 'one', { seq, kind: 'Grown', ref: null, at: new Date(0), epoch: 1 });

/** A stream of a log whose rows are these, and what it has handed on. */
const open = (rows: AnyEvent[], gate: Promise<unknown>) => {
  const reader: Reader<AnyEvent> = {
    ...logReader(null as never, 'numbers'),
    read: (_key, known) => {
      const items = rows.filter(({ seq }) => seq > known.seq);
      return Promise.resolve({ items, head: { seq: items.at(-1)?.seq ?? known.seq, epoch: 1, at: 0 }, more: false });
    },
  };
  const stream = new Stream<AnyEvent>('numbers', 'one', reader, createLog('silent'));
  const handed: number[] = [];
  const group = new Group<AnyEvent, null, number>({
    sharing: {
      key: 'numbers',
      audienceId: () => '',
      render: async ({ seq }) => {
        await gate;
        return { out: seq, personal: false };
      },
    },
    view: WHOLE,
    stream,
    heavy: createFairTurns(1),
    personalKeys: new Set(),
    id: 'numbers',
  });
  const member = {
    audience: null,
    deliver: (seqs: readonly number[]) => void handed.push(...seqs),
    end: () => undefined,
    room: () => Promise.resolve(),
  };
  group.join({ member, position: 0, end: () => undefined, leave: () => undefined });
  stream.groups.set('numbers', group as never);
  stream.settle(0);
  return { stream, handed };
};

it('H07: what this process has committed stands for a read only as far as nobody else has committed in between', async () => {
  const rows = [1, 2].map(event);
  const gate = deferred<undefined>();
  const { stream, handed } = open(rows, gate.promise);
  // While the first two are made into results, this process commits the third and the fifth, and another one the fourth.
  rows.push(event(3));
  stream.hear([event(3)]);
  rows.push(event(4));
  stream.wake(4);
  rows.push(event(5));
  stream.hear([event(5)]);
  gate.resolve(undefined);
  await expect.poll(() => handed).toEqual([1, 2, 3, 4, 5]);
  expect(stream.position).toBe(5);
});

it('what comes twice or out of order is handed on once and in order', async () => {
  const rows = [event(1)];
  const gate = deferred<undefined>();
  const { stream, handed } = open(rows, gate.promise);
  rows.push(...[2, 3, 4].map(event));
  for (const seq of [2, 4, 3, 2]) stream.hear([event(seq)]);
  gate.resolve(undefined);
  await expect.poll(() => handed).toEqual([1, 2, 3, 4]);
});
