import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createArrivals, type Arrivals } from '../../src/server/websocket/arrivals.js';

const MANY = 100;

describe('operations of sockets that come at once', () => {
  let waiting: number;
  let arrivals: Arrivals;
  let begun: number[];
  /** Lets the handshakes under way end. */
  let end: () => void;
  let handshakes: Promise<unknown>;
  beforeEach(() => {
    [waiting, begun] = [0, []];
    arrivals = createArrivals(() => waiting);
    const ended = new Promise<void>((resolve) => (end = resolve));
    handshakes = Promise.all(Array.from({ length: MANY }, () => arrivals.handshake(() => ended)));
  });
  afterEach(async () => {
    end();
    waiting = 0;
    await handshakes;
  });

  const subscribe = async (index: number, acknowledgedAt = performance.now()): Promise<void> => {
    await arrivals.turnOf(acknowledgedAt);
    begun.push(index);
  };
  const many = (): Promise<unknown> => Promise.all(Array.from({ length: MANY }, (_, index) => subscribe(index)));
  const turns = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setTimeout(resolve, 1));
  };

  it('begin when no handshake is under way any more, in the order in which they came', async () => {
    const operations = many();
    await turns();
    expect(begun).toEqual([]);
    end();
    await operations;
    expect(begun).toEqual(Array.from({ length: MANY }, (_, index) => index));
  });

  it('wait for connections that nobody has served yet, too', async () => {
    end();
    await handshakes;
    waiting = MANY;
    const operations = many();
    await turns();
    expect(begun).toEqual([]);
    waiting = 0;
    await operations;
  });

  it('wait for ten seconds after the acknowledgement at the longest', async () => {
    // All but a moment of them has passed.
    await subscribe(1, performance.now() - 9_980);
    expect(begun).toEqual([1]);
  });

  it('do not wait when their socket has been there for long', () => {
    expect(arrivals.turnOf(performance.now() - 60_000)).toBeNull();
  });

  it('do not wait when few come', async () => {
    end();
    await handshakes;
    expect(arrivals.turnOf(performance.now())).toBeNull();
  });
});
