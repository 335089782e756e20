import { Logger, runMigrations } from 'graphile-worker';
import pg from 'pg';
import { connectionOptions, jobSchemaOf, type ConnectionTarget } from '../db/connection.js';
import { openClient } from '../db/sessions.js';
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

/** What lies in the queue that should not. */
export interface Backlog {
  /** How many jobs have failed for the last time. */
  readonly failed: number;
  /** The tasks of those. */
  readonly tasks: readonly string[];
  /** How many should have begun five minutes ago and have not. */
  readonly late: number;
}

export const backlogOf = async (target: ConnectionTarget, timeoutMs: number): Promise<Backlog> => {
  const client = openClient(target, timeoutMs);
  try {
    await client.connect();
    const { rows } = await client.query<Backlog>(
      // eslint-disable-next-line no-restricted-syntax -- the name of a schema, from the configuration, and escaped
      `SELECT count(*) FILTER (WHERE attempts >= max_attempts)::int AS failed,
         coalesce(array_agg(DISTINCT task_identifier) FILTER (WHERE attempts >= max_attempts), '{}') AS tasks,
         count(*) FILTER (WHERE attempts < max_attempts AND locked_at IS NULL AND run_at < now() - interval '5 minutes')::int AS late
       FROM ${pg.escapeIdentifier(jobSchemaOf(target))}.jobs`,
    );
    return rows[0] ?? { failed: 0, tasks: [], late: 0 };
  } finally {
    await client.end();
  }
};
