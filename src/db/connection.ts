import type { PoolConfig } from 'pg';
import type { PostgresAddress } from './embedded/embedded.js';

/** How one connection is made: an address of ours, or the DATABASE_URL. */
export type ConnectionTarget = PostgresAddress | { readonly url: string };

/**
 * The options of a connection. `?schema=` in a DATABASE_URL is Prisma's convention and becomes the search path, so that
 * hand-written SQL meets the same tables.
 * @param timeoutMs the longest wait for the connection and for one statement, in milliseconds
 */
export const connectionOptions = (target: ConnectionTarget, timeoutMs: number): PoolConfig => {
  const limits: PoolConfig = {
    connectionTimeoutMillis: timeoutMs,
    statement_timeout: timeoutMs,
    // The server's own limit answers first; this one is for a server that has fallen silent.
    query_timeout: timeoutMs + 1_000,
    idle_in_transaction_session_timeout: timeoutMs * 2,
    keepAlive: true,
    application_name: 'lyceum',
  };
  // Prisma's adapter sends times without their zone, which the server would otherwise read in its own.
  const options = '-c TimeZone=UTC';
  if (!('url' in target)) return { ...limits, ...target, options };
  const schema = schemaOf(target);
  const url = new URL(target.url);
  url.searchParams.delete('schema');
  return { ...limits, connectionString: url.href, options: schema === null ? options : `${options} -c search_path="${schema}"` };
};

/** The PostgreSQL schema that a DATABASE_URL names, or null for the connection's default. */
export const schemaOf = (target: ConnectionTarget): string | null => {
  const schema = 'url' in target ? new URL(target.url).searchParams.get('schema') : null;
  if (schema !== null && !/^[A-Za-z_][A-Za-z0-9_]*$/.test(schema)) throw new Error(`DATABASE_URL: "${schema}" cannot be a schema's name.`);
  return schema;
};

/**
 * The PostgreSQL schema of the job queue. Who shares a database by `?schema=` shares no jobs; `public` is what the default is called, so
 * naming it changes nothing.
 */
export const jobSchemaOf = (target: ConnectionTarget): string => {
  const schema = schemaOf(target);
  return schema === null || schema === 'public' ? 'graphile_worker' : `${schema}_graphile_worker`;
};
