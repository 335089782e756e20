import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import type { Log } from '../log.js';
import { connectionOptions, jobSchemaOf, schemaOf, type ConnectionTarget } from './connection.js';
import { PrismaClient, type Prisma } from './generated/prisma/client.js';
import { createTransact, type Transact, type Grown } from './transact.js';
import { createTurns } from './turns.js';

export type { PrismaClient };

/** The database as the rest of the program sees it. */
export interface Database {
  /** For reads, and for writes that emit nothing. */
  readonly prisma: PrismaClient;
  /** For every write that others should hear of. */
  readonly transact: Transact;
  /** Rejects when the database does not answer within the timeout. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  readonly target: ConnectionTarget;
  readonly poolSize: number;
  /** The longest wait for a connection and for one statement, in milliseconds. */
  readonly timeoutMs: number;
  readonly log: Log;
  /** Called after each commit, once for every stream that has grown. Must not throw or wait. */
  readonly onCommit: (grown: readonly Grown[]) => void;
  /** Called with the text of every SQL statement Prisma sends; for tests that count them. */
  readonly onStatement?: ((sql: string) => void) | undefined;
}

/** Connections of the pool that no transaction takes. */
const READERS = 2;
/** How many times the timeout of one statement a transaction may wait for its turn: a database that answers gets through a crowd. */
const PATIENCE = 6;

export const openDatabase = (options: DatabaseOptions): Database => {
  const { target, timeoutMs, log } = options;
  const pool = new pg.Pool({ ...connectionOptions(target, timeoutMs), max: options.poolSize, idleTimeoutMillis: 30_000 });
  // Without a listener, an idle connection that breaks ends the process.
  pool.on('error', (error) => log.warn({ err: error.message }, 'an idle database connection broke'));
  const schema = schemaOf(target);
  const adapter = new PrismaPg(pool, { ...(schema === null ? {} : { schema }), statementNameGenerator });
  const transactionOptions: Prisma.PrismaClientOptions['transactionOptions'] = { maxWait: timeoutMs, timeout: timeoutMs * 2 };
  const { onStatement } = options;
  const prisma = new PrismaClient({
    adapter,
    transactionOptions,
    errorFormat: 'minimal',
    log: onStatement ? [{ emit: 'event', level: 'query' }] : [],
  });
  if (onStatement) prisma.$on('query' as never, (event: { query: string }) => onStatement(event.query));
  // Some connections stay for reads, or those who follow what is written would wait behind those who write.
  const inTurn = createTurns(Math.max(1, options.poolSize - READERS), timeoutMs * PATIENCE);
  return {
    prisma,
    transact: createTransact({ prisma, jobSchema: jobSchemaOf(target), onCommit: options.onCommit, inTurn }),
    ping: async () => {
      await prisma.$queryRaw`SELECT 1`;
    },
    close: async () => {
      await prisma.$disconnect();
      await pool.end();
    },
  };
};

/**
 * Names prepared statements by their text, so that each connection plans a statement once. Prisma's texts are
 * parameterised, hence few; the longest (a full multi-row insert) are left alone.
 */
const statementNameGenerator = (query: { sql: string }): string => {
  const known = names.get(query.sql);
  if (known !== undefined) return known;
  if (names.size >= MAX_NAMES || query.sql.length > MAX_NAMED_LENGTH) return '';
  const name = `s${names.size}`;
  names.set(query.sql, name);
  return name;
};
const names = new Map<string, string>();
const MAX_NAMES = 500;
const MAX_NAMED_LENGTH = 8_000;
