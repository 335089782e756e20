import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLog } from '../../src/observability/log.js';
import type { Bus, Wake, WakeListener } from '../../src/realtime/bus.js';
import { createMemoryBus } from '../../src/realtime/memory-bus.js';
import { createTableWrites, type Schema, type TableWrites } from '../../src/realtime/table-writes.js';

const schema: Schema = {
  tables: new Set(['post', 'comment', 'user', 'post_like']),
  dependants: new Map([
    ['user', ['post']],
    ['post', ['comment', 'post_like']],
  ]),
  triggered: new Map([['post_like', ['post']]]),
};

/** A bus between two processes that loses what it is told to lose. */
let shared: Bus;
let losing: boolean;
let gaps: (() => void)[];
let here: TableWrites;
let there: TableWrites;

const lossy = (): Bus => ({
  ...shared,
  wake: (wake: Wake) => void (losing || shared.wake(wake)),
  listen: (topic: string, key: string, listener: WakeListener) => shared.listen(topic, key, listener),
  onGap: (listener) => {
    gaps.push(() => listener(null));
    return () => undefined;
  },
});
const arrived = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

beforeEach(() => {
  shared = createMemoryBus({ log: createLog('silent') });
  losing = false;
  gaps = [];
  [here, there] = [createTableWrites(lossy()), createTableWrites(lossy())];
  for (const writes of [here, there]) {
    writes.know(schema);
    writes.listen();
  }
});
afterEach(() => shared.close());

/** There, the first wake of a process that was never heard of counts as one that followed a lost one. */
const getKnown = async (): Promise<void> => {
  here.wrote(['UPDATE "user" SET bio = 1']);
  await arrived();
};

describe('what has been written to tables', () => {
  it('is known to the writer at once', () => {
    const { now } = here;
    here.wrote(['UPDATE post SET body = 1']);
    expect([here.isUnchanged(['post'], now), here.isUnchanged(['comment'], now), here.isUnchanged(['post'], here.now)]).toEqual([
      false,
      true,
      true,
    ]);
  });

  it('reaches other processes, and only the tables concerned', async () => {
    await getKnown();
    const { now } = there;
    here.wrote(['UPDATE post SET body = 1']);
    await arrived();
    expect([there.isUnchanged(['post'], now), there.isUnchanged(['comment'], now)]).toEqual([false, true]);
  });

  it('goes with a deletion to all that the database deletes with it', () => {
    const { now } = here;
    here.wrote(['DELETE FROM "user" WHERE id = 1']);
    expect(['user', 'post', 'comment', 'post_like'].filter((table) => here.isUnchanged([table], now))).toEqual([]);
  });

  it('goes on to what a trigger writes', () => {
    const { now } = here;
    here.wrote(['INSERT INTO post_like (a) VALUES (1)']);
    expect([here.isUnchanged(['post'], now), here.isUnchanged(['comment'], now)]).toEqual([false, true]);
  });

  it('stays with the table itself when a row is only changed', () => {
    const { now } = here;
    here.wrote(['UPDATE "user" SET bio = 1']);
    expect(here.isUnchanged(['post', 'comment'], now)).toBe(true);
  });

  it('counts as unknown in every table once a wake was lost', async () => {
    await getKnown();
    losing = true;
    here.wrote(['UPDATE post SET body = 1']);
    losing = false;
    const { now } = there;
    here.wrote(['UPDATE comment SET body = 1']);
    await arrived();
    expect(there.isUnchanged(['post_like'], now)).toBe(false);
  });

  it('counts as unknown in every table when the bus says that it may have lost something', () => {
    const { now } = there;
    gaps.forEach((gap) => gap());
    expect(there.isUnchanged(['post'], now)).toBe(false);
  });
});

describe('the token of writes', () => {
  it('is known where the wake has arrived, and nowhere before', async () => {
    await getKnown();
    here.wrote(['UPDATE post SET body = 1']);
    const token = here.tokenAfter(null);
    const before = there.hasHeard(token);
    await arrived();
    expect([before, there.hasHeard(token), here.hasHeard(token)]).toEqual([false, true, true]);
  });

  it('goes on with what was not heard of, for the next process', async () => {
    await getKnown();
    const heard = here.tokenAfter(null);
    losing = true;
    here.wrote(['UPDATE post SET body = 1']);
    const unheard = here.tokenAfter(null);
    expect([there.hasHeard(heard), there.tokenAfter(heard).includes(heard), there.tokenAfter(unheard).includes(unheard)]).toEqual([
      true,
      false,
      true,
    ]);
    expect(there.hasHeard(there.tokenAfter(unheard))).toBe(false);
  });

  it.each(['', 'x', 'x.1', 'x.NaN', '.', 'x.-1', '__proto__.0'])('%j of no process is never known', (token) => {
    expect(here.hasHeard(token)).toBe(false);
  });
});

describe('the tables that a statement reads', () => {
  it('are all that it names', () => {
    expect(here.tablesRead('SELECT 1 FROM "public"."post" p JOIN LATERAL (SELECT * FROM comment) c ON true')).toEqual(['post', 'comment']);
  });

  it.each([
    'SELECT 1',
    'SELECT * FROM post WHERE created_at < now()',
    'SELECT * FROM post ORDER BY random()',
    'SELECT CURRENT_TIMESTAMP FROM post',
  ])('are not all that decides: %s', (sql) => {
    expect(here.tablesRead(sql)).toBeNull();
  });
});
