import pg from 'pg';
import type { Log } from '../observability/log.js';
import { connectionOptions, type ConnectionTarget } from './connection.js';
import { createWriteObserver, type OnWritten } from './written.js';

/** The connection pool of a process. */
export interface ConnectionPool {
  readonly pool: pg.Pool;
  /** Closes all connections that are open now, each as soon as it is released. Takes effect at most once a second. */
  readonly renew: () => void;
}

export interface ConnectionPoolOptions {
  readonly target: ConnectionTarget;
  readonly size: number;
  /** The longest wait for a connection and for one statement, in milliseconds. */
  readonly timeoutMs: number;
  readonly log: Log;
  /** Called with each new connection before its first statement; when it rejects, the connection is closed. */
  readonly onConnect?: ((client: pg.ClientBase) => Promise<void>) | undefined;
  /** Called with what the connections write, whoever uses them. */
  readonly onWritten?: OnWritten | undefined;
}

const IDLE_MS = 30_000;
/**
 * The shortest interval between two renewals, in milliseconds: while a database keeps refusing writes, reads must not need a new connection
 * each.
 */
const RENEW_INTERVAL_MS = 1_000;

export const createPool = ({ target, size, timeoutMs, log, onConnect, onWritten }: ConnectionPoolOptions): ConnectionPool => {
  const verify = (client: pg.ClientBase, done: (error?: Error) => void): void => {
    void onConnect?.(client).then(() => done(), done);
  };
  const pool = new pg.Pool({
    ...connectionOptions(target, timeoutMs),
    max: size,
    idleTimeoutMillis: IDLE_MS,
    ...(onConnect ? { verify } : {}),
  });
  const observe = onWritten && createWriteObserver(onWritten);
  const openedAt = new WeakMap<pg.ClientBase, number>();
  let outdatedBefore = 0;
  // Without a listener, an `error` event would end the process. The next statement on the connection reports the failure.
  const broke = (error: Error): void => log.debug({ err: error.message }, 'a database connection broke');
  pool.on('error', broke);
  pool.on('connect', (client) => {
    openedAt.set(client, performance.now());
    observe?.(client);
    // The pool listens to idle connections only. A connection that breaks just after it was taken, before Prisma listens, or between two of
    // its statements, would end the process too.
    client.on('error', broke);
  });
  // The event is emitted before the pool checks whether the connection can be reused, so an ended one is discarded.
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
