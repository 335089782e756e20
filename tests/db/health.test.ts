import { Writable } from 'node:stream';
import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { createHealth, type DatabaseHealth } from '../../src/db/health.js';
import { deferred } from '../kit/deferred.js';

const readOnlyError = Object.assign(new Error('cannot execute INSERT in a read-only transaction'), { code: '25006' });
const fullError = Object.assign(new Error('No space left on device'), { code: '53100' });
const goneError = Object.assign(new Error('connection refused'), { code: 'ECONNREFUSED' });

interface Line {
  readonly time: number;
  readonly condition: string;
  readonly forMs?: number;
  readonly refused?: number;
}

/** A health, and what it says in its log. */
const observed = (isReadOnlyNow: () => Promise<boolean>): { health: DatabaseHealth; told: (condition: string) => Line[] } => {
  const lines: Line[] = [];
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      lines.push(JSON.parse(chunk.toString()) as Line);
      done();
    },
  });
  return { health: createHealth(pino(stream), isReadOnlyNow), told: (condition) => lines.filter((line) => line.condition === condition) };
};

const writable = (): Promise<boolean> => Promise.resolve(false);

describe('the state of a database', () => {
  it.each([
    ['read-only', readOnlyError],
    ['full', fullError],
  ])('is UP again with the first write that succeeds after it was %s', async (_name, error) => {
    const { health } = observed(writable);
    // Later than the check of `state`, which finds the database writable.
    const now = performance.now() + 10_000;
    health.failed(error, now + 1);
    expect(await health.state()).toBe('READ_ONLY');
    health.worked('rows', now + 2);
    expect(await health.state()).toBe('UP');
  });

  it('is not told by a check that began before a write which has succeeded', async () => {
    const answer = deferred<boolean>();
    const { health, told } = observed(() => answer.promise);
    const state = health.state();
    health.worked('rows', performance.now() + 1);
    answer.resolve(true);
    expect(await state).toBe('UP');
    expect(told('database-writes')).toEqual([]);
  });

  it('is not told by a failure that began before a write which has succeeded, nor the other way round', async () => {
    const { health } = observed(writable);
    const now = performance.now() + 1_000;
    health.worked('rows', now + 2);
    health.failed(fullError, now + 1);
    expect(await health.state()).toBe('UP');
    health.failed(fullError, now + 4);
    health.worked('rows', now + 3);
    expect(await health.state()).toBe('READ_ONLY');
  });
});

describe('what is told of the state of a database', () => {
  it('counts for each condition the requests that it has refused', async () => {
    const { health, told } = observed(writable);
    const now = performance.now();
    health.failed(goneError, now);
    health.failed(fullError, now);
    for (const error of [fullError, goneError, goneError, goneError]) {
      health.refused(error);
      await Promise.resolve();
    }
    health.worked('rows', now + 1);
    await vi.waitFor(() => expect([...told('database'), ...told('database-room')]).toHaveLength(4), { timeout: 10_000 });
    expect(told('database')[1]).toMatchObject({ refused: 3 });
    expect(told('database-room')[1]).toMatchObject({ refused: 1 });
  });

  it('says as long as it is from the line of the beginning to the line of the end', async () => {
    const { health, told } = observed(writable);
    health.failed(fullError, performance.now());
    health.worked('rows', performance.now() + 1);
    await vi.waitFor(() => expect(told('database-room')).toHaveLength(2), { timeout: 10_000 });
    const [began, ended] = told('database-room');
    expect(Math.abs((ended?.forMs ?? 0) - ((ended?.time ?? 0) - (began?.time ?? 0)))).toBeLessThan(50);
  });
});
