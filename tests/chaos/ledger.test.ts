import { describe, expect, it } from 'vitest';
import { createLedger, type Entry, type Ledger, type LogStream } from './ledger.js';
import { createRandom } from './random.js';
import { createTimeline } from './timeline.js';

const room: LogStream = { name: 'room 1', topic: 'conversation', key: 'key', id: 'id' };
const added = (seq: number): Entry => ({ seq, kind: 'MessageAdded', subject: `m${seq}` });
const LOG = [1, 2, 3, 4, 5].map(added);

const create = (): Ledger => createLedger(createTimeline());
const judged = async (ledger: Ledger, log: readonly Entry[] = LOG): Promise<string[]> => {
  await ledger.judge(async () => log);
  return ledger.findings().map(({ kind }) => kind);
};
/** A reader that has read the first event as its list, and was told others. */
const told = (ledger: Ledger, ...seqs: readonly number[]) => {
  const view = ledger.open('reader', room);
  view.list([added(1)]);
  for (const seq of seqs) view.take(added(seq));
  return view;
};
const acknowledge = (ledger: Ledger, { kind, subject }: Entry): void => ledger.acknowledge({ stream: room, kind, subject, by: 'writer' });

describe('a ledger', () => {
  it('finds nothing where everything came in order and once', async () => {
    const ledger = create();
    for (const entry of LOG) acknowledge(ledger, entry);
    told(ledger, 2, 3, 4, 5);
    expect(await judged(ledger)).toEqual([]);
  });

  it('finds what was acknowledged and is not in the log', async () => {
    const ledger = create();
    acknowledge(ledger, added(6));
    told(ledger, 2, 3, 4, 5);
    expect(await judged(ledger)).toEqual(['lost']);
  });

  it('finds what is twice in the log', async () => {
    const ledger = create();
    acknowledge(ledger, added(5));
    told(ledger, 2, 3, 4, 5).take({ ...added(5), seq: 6 });
    expect(await judged(ledger, [...LOG, { ...added(5), seq: 6 }])).toEqual(['twice']);
  });

  it('finds an end that never came', async () => {
    const ledger = create();
    told(ledger, 2, 3, 4);
    expect(await judged(ledger)).toEqual(['missed']);
  });

  it('finds a hole, where it was and what is in it', async () => {
    const ledger = create();
    told(ledger, 2, 4, 5);
    expect(await judged(ledger)).toEqual(['disorder', 'missed']);
  });

  it('finds what came twice', async () => {
    const ledger = create();
    told(ledger, 2, 3, 3, 4, 5);
    expect(await judged(ledger)).toEqual(['twice']);
  });

  it('lets a stock client be told again from its list on', async () => {
    const ledger = create();
    const view = told(ledger, 2, 3);
    view.rewind();
    for (const seq of [2, 3, 4, 5]) view.take(added(seq));
    expect(await judged(ledger)).toEqual([]);
  });

  it('lets a client that follows from now miss what came before, and nothing afterwards', async () => {
    const ledger = create();
    const view = ledger.open('reader', room);
    view.skip();
    view.take(added(3));
    expect(await judged(ledger)).toEqual(['missed', 'missed']);
  });

  it('finds who was not told that the database went back', async () => {
    const ledger = create();
    const close = ledger.setBack();
    acknowledge(ledger, added(5));
    close();
    told(ledger, 2, 3, 4, 5);
    expect(await judged(ledger, LOG.with(4, { ...added(5), subject: 'another' }))).toEqual(['phantom']);
  });

  it('blames nobody for what was acknowledged before the database went back', async () => {
    const ledger = create();
    const close = ledger.setBack();
    acknowledge(ledger, added(6));
    close();
    told(ledger, 2, 3, 4, 5);
    expect(await judged(ledger)).toEqual([]);
  });
});

describe('the lots of a run', () => {
  it('are the same for the same seed', () => {
    const draw = (seed: number): number[] => createRandom(seed).shuffle([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });
});
