import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startPostgres, type TestPostgres } from '../kit/postgres.js';
import { codeOf, repeat, startProductionServer, type ProductionServer } from '../kit/production.js';

let postgres: TestPostgres;
let production: ProductionServer;
beforeAll(async () => {
  postgres = await startPostgres();
  // At the lowest level, so that whatever a library says of a fault would be seen.
  production = await startProductionServer({
    DATABASE_URL: postgres.url,
    DATABASE_TIMEOUT_MS: '2000',
    LOG_LEVEL: 'trace',
    RATE_LIMIT_FACTOR: '0',
  });
});
afterAll(async () => {
  await production.stop();
  await postgres.stop();
});

/** Has jobs run, and posts written, for as long as a fault lasts and until it is over. */
const busyWhile = async (fault: () => Promise<void>): Promise<void> => {
  let over = false;
  const work = async (): Promise<void> => {
    while (!over) {
      await Promise.allSettled([
        repeat(2, production.write),
        postgres.query(`SELECT graphile_worker.add_job('conversations.archiveEmptyRooms')`),
      ]);
    }
  };
  const working = work();
  await fault().finally(() => (over = true));
  await working;
};

const until = (check: () => unknown): Promise<unknown> => vi.waitFor(check, { timeout: 60_000, interval: 50 });
/** Resolves when a post is answered so. */
const writtenWith = (code: unknown): Promise<unknown> => until(async () => expect(codeOf(await production.write())).toBe(code));

/** How often a condition has begun and ended so far. */
const spellsOf = (condition: string) => {
  const told = production.told(condition).filter(({ msg }) => !msg.startsWith('still: '));
  return {
    begun: told.filter(({ reason }) => reason !== undefined).length,
    over: told.filter(({ reason }) => reason === undefined).length,
  };
};
const conditions = ['database', 'database-writes', 'jobs'] as const;
/** Resolves when every condition is over. */
const allOver = (): Promise<unknown> =>
  until(() => expect(conditions.filter((name) => spellsOf(name).begun > spellsOf(name).over)).toEqual([]));

describe('a PostgreSQL that is stopped in its tracks, with all of its processes', () => {
  it('is told by /readyz within a second, and serves again when it goes on', async () => {
    await postgres.pause();
    try {
      const down = { status: 503, soon: true, ready: false, components: { database: 'DOWN', bus: 'UP' } };
      expect(await repeat(3, production.readiness)).toEqual([down, down, down]);
      expect((await repeat(3, production.read)).map(codeOf)).toEqual(['UNAVAILABLE', 'UNAVAILABLE', 'UNAVAILABLE']);
    } finally {
      await postgres.resume();
    }
    await expect.poll(production.readiness).toMatchObject({ status: 200, soon: true, ready: true, components: { database: 'UP' } });
    await writtenWith(undefined);
    await allOver();
  });
});

describe('what is said of a failover while jobs run and posts are written', () => {
  const before = { database: 0, jobs: 0 };
  beforeAll(async () => {
    Object.assign(before, { database: spellsOf('database').begun, jobs: spellsOf('jobs').begun });
    await busyWhile(async () => {
      await postgres.terminateBackends();
      await postgres.setReadOnly('on');
      await writtenWith('UNAVAILABLE');
      await postgres.terminateBackends();
      await until(() => expect(spellsOf('jobs').begun).toBeGreaterThan(before.jobs));
      await postgres.end();
      await until(() => expect(spellsOf('database').begun).toBeGreaterThan(before.database));
      await postgres.begin();
      await postgres.setReadOnly('off');
      await writtenWith(undefined);
    });
    await allOver();
  });

  it('is JSON in every line of both streams', () => {
    expect(() => production.lines()).not.toThrow();
  });

  it('is one condition of the job queue, with its reason', () => {
    expect(spellsOf('jobs').begun - before.jobs).toBe(1);
    expect(production.told('jobs').at(-1)).toMatchObject({ msg: 'the job queue is back' });
  });

  it('is a condition of writing and one of the database', () => {
    expect(spellsOf('database-writes')).toEqual({ begun: 1, over: 1 });
    expect(spellsOf('database').begun - before.database).toBe(1);
  });

  it('is nothing else that an operator is warned of', () => {
    const others = production
      .lines()
      .filter(({ level, condition }) => ['warn', 'error', 'fatal'].includes(level) && condition === undefined)
      // The cluster of this test has one role for all.
      .filter(({ msg }) => !msg.startsWith('the audit is protected by a trigger alone'));
    expect(others).toEqual([]);
  });
});
