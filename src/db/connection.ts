import type { PoolConfig } from 'pg';
import type { PostgresAddress } from './embedded/embedded.js';

/** Where to connect to: the address of the embedded database, or DATABASE_URL. */
export type ConnectionTarget = PostgresAddress | { readonly url: string };

/**
 * The options of a connection. `?schema=` in a DATABASE_URL is Prisma's convention and becomes the search path, so that raw SQL finds the
 * same tables.
 * @param timeoutMs the longest wait for the connection and for one statement, in milliseconds
 */
export const connectionOptions = (target: ConnectionTarget, timeoutMs: number): PoolConfig => {
  const limits: PoolConfig = {
    connectionTimeoutMillis: timeoutMs,
    statement_timeout: timeoutMs,
    // `statement_timeout` of the server ends a slow statement first; this timeout is for a server that does not answer at all.
    query_timeout: timeoutMs + 1_000,
    idle_in_transaction_session_timeout: timeoutMs * 2,
    keepAlive: true,
    application_name: 'lyceum',
  };
  // Prisma's adapter sends times without a zone, which the server interprets in the zone of the session.
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
 * The PostgreSQL schema of the job queue. Installations that share a database by `?schema=` have a queue each. `public` is the default's
 * name, so naming it makes no difference.
 */
export const jobSchemaOf = (target: ConnectionTarget): string => {
  const schema = schemaOf(target);
  return schema === null || schema === 'public' ? 'graphile_worker' : `${schema}_graphile_worker`;
};
