import { describe, expect, it } from 'vitest';
import { rightsLog } from '../../src/domains/account/topics.js';
import { logTopic } from '../../src/realtime/topic.js';

interface Events {
  readonly Added: null;
  readonly Removed: { readonly userId: string };
  readonly Closed: null;
}

describe('the kinds of a log', () => {
  it('are an error of types where one is forgotten', () => {
    // @ts-expect-error Closed is not named.
    expect(logTopic<Events>('things', { kinds: { Added: 'goes on', Removed: 'goes on' } }).kinds).toHaveLength(2);
  });

  it('each say whom they end', () => {
    const { kinds, endsFor } = logTopic<Events>('things', {
      kinds: { Added: 'goes on', Removed: ({ ref }) => ref, Closed: 'ends for everyone' },
    });
    const place = { topic: 'things', key: 'one', seq: 1, cursor: '', at: new Date(0), carried: null };
    const ends = [
      endsFor({ ...place, kind: 'Added', ref: null }),
      endsFor({ ...place, kind: 'Removed', ref: { userId: 'ada' } }),
      endsFor({ ...place, kind: 'Closed', ref: null }),
    ];
    expect([kinds, ends]).toEqual([
      ['Added', 'Removed', 'Closed'],
      [null, { userId: 'ada' }, 'everyone'],
    ]);
  });

  it('of rights are all heard of by whoever follows them', () => {
    expect(rightsLog.kinds).toEqual(expect.arrayContaining(['SessionRevoked', 'RoleChanged', 'AccessWithdrawn', 'BlocksChanged']));
  });
});
