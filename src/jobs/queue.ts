import { Logger, runMigrations } from 'graphile-worker';
import pg from 'pg';
import { connectionOptions, jobSchemaOf, type ConnectionTarget } from '../db/connection.js';
import type { Log } from '../observability/log.js';

/** The job queue of a database, opened for graphile-worker. */
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
  // A lost connection is an `error` event: of the pool while it is idle, of the client while it is in use. Without a listener either one would
  // end the process.
  pgPool.on('error', broke);
  pgPool.on('connect', (client) => client.on('error', broke));
  return { schema: jobSchemaOf(target), pgPool, logger: loggerOf(log) };
};

/** Migrates the queue's own tables to what graphile-worker needs; the tables of the domains are migrated by Prisma. */
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
 * The lines that graphile-worker logs by itself, at debug level: what an operator has to know is logged by us. The metadata of a line is left
 * out because it may hold a job's payload, and so is the line of a failed job, which we log ourselves.
 */
const loggerOf = (log: Log): Logger =>
  new Logger(() => (level, message, meta) => {
    if (meta?.['failure'] === true) return;
    log.debug({ queue: message, as: level }, 'the job queue says');
  });
