import pg from 'pg';
import type { Log } from '../observability/log.js';
import { connectionOptions, type ConnectionTarget } from './connection.js';

/** The connections of one process, which are replaced when they are no longer what a new one would be. */
export interface ConnectionPool {
  readonly pool: pg.Pool;
  /** Has every connection that is open now closed once it is free: those that are in use finish what they do. At most once a second. */
  readonly renew: () => void;
}

export interface ConnectionPoolOptions {
  readonly target: ConnectionTarget;
  readonly size: number;
  /** The longest wait for a connection and for one statement, in milliseconds. */
  readonly timeoutMs: number;
  readonly log: Log;
  /** Called with each new connection before anything is asked of it; one for which it rejects is not used. */
  readonly onConnect?: ((client: pg.ClientBase) => Promise<void>) | undefined;
}

const IDLE_MS = 30_000;
/** A database that goes on refusing to write must not cost every read a new connection. */
const RENEW_INTERVAL_MS = 1_000;

export const createPool = ({ target, size, timeoutMs, log, onConnect }: ConnectionPoolOptions): ConnectionPool => {
  const verify = (client: pg.ClientBase, done: (error?: Error) => void): void => {
    void onConnect?.(client).then(() => done(), done);
  };
  const pool = new pg.Pool({
    ...connectionOptions(target, timeoutMs),
    max: size,
    idleTimeoutMillis: IDLE_MS,
    ...(onConnect ? { verify } : {}),
  });
  const openedAt = new WeakMap<pg.ClientBase, number>();
  let outdatedBefore = 0;
  // Without a listener, a connection that breaks ends the process. What it means shows when the next statement is sent.
  const broke = (error: Error): void => log.debug({ err: error.message }, 'a database connection broke');
  pool.on('error', broke);
  pool.on('connect', (client) => {
    openedAt.set(client, performance.now());
    // The pool listens to idle ones alone. One that breaks right after it was taken, before Prisma listens or between two of its statements,
    // would end the process too.
    client.on('error', broke);
  });
  // It comes before the pool looks at whether the connection can be used again.
  pool.on('release', (_error, client) => {
    if ((openedAt.get(client) ?? 0) < outdatedBefore) void (client as pg.PoolClient & Pick<pg.Client, 'end'>).end();
  });
  return {
    pool,
    renew: () => {
      const now = performance.now();
      if (now - outdatedBefore >= RENEW_INTERVAL_MS) outdatedBefore = now;
    },
  };
};
