import { Logger, runMigrations } from 'graphile-worker';
import pg from 'pg';
import { connectionOptions, jobSchemaOf, type ConnectionTarget } from '../db/connection.js';
import type { Log } from '../observability/log.js';

/** The job queue of a database, as the library wants it. */
export interface Queue {
  readonly schema: string;
  readonly pgPool: pg.Pool;
  readonly logger: Logger;
}

export interface QueueOptions {
  readonly target: ConnectionTarget;
  /** The longest wait for a connection and for one statement, in milliseconds. */
  readonly timeoutMs: number;
  readonly maxConnections: number;
  readonly log: Log;
}

/** Opens the queue over connections of its own, so that jobs and requests never wait for each other's. End its pool when done. */
export const openQueue = ({ target, timeoutMs, maxConnections, log }: QueueOptions): Queue => {
  const pgPool = new pg.Pool({ ...connectionOptions(target, timeoutMs), max: maxConnections });
  const broke = (error: Error): void => log.debug({ err: error.message }, 'a connection of the job queue broke');
  // Idle ones tell the pool, those in use nobody but themselves; without a listener, either ends the process.
  pgPool.on('error', broke);
  pgPool.on('connect', (client) => client.on('error', broke));
  return { schema: jobSchemaOf(target), pgPool, logger: loggerOf(log) };
};

/** Brings the queue's own tables to what the library needs; those of our domains are another matter. */
export const migrateQueue = async (target: ConnectionTarget, log: Log): Promise<void> => {
  const queue = openQueue({ target, timeoutMs: MIGRATION_TIMEOUT_MS, maxConnections: 1, log });
  try {
    await runMigrations({ ...queue });
  } finally {
    await queue.pgPool.end();
  }
};
const MIGRATION_TIMEOUT_MS = 60_000;

/**
 * The library's own lines: what matters to an operator is said by us, so they are for whoever looks closely. What comes with a line may
 * hold a job's payload and is left out, and so is the line of a failed job, which we say ourselves.
 */
const loggerOf = (log: Log): Logger =>
  new Logger(() => (level, message, meta) => {
    if (meta?.['failure'] === true) return;
    log.debug({ queue: message, as: level }, 'the job queue says');
  });
