import { PrismaPg } from '@prisma/adapter-pg';
import type pg from 'pg';
import type { Log } from '../observability/log.js';
import { createAttempt, type Attempt } from './attempts.js';
import { jobSchemaOf, schemaOf, type ConnectionTarget } from './connection.js';
import { PrismaClient, type Prisma } from './generated/prisma/client.js';
import { createHealth, type DatabaseHealth, type Wrote } from './health.js';
import { createPool } from './pool.js';
import { createStatementNames } from './statements.js';
import { createTransact, type Transact, type Grown, type Tx } from './transact.js';
import { createLimiter } from './limiter.js';

export type { PrismaClient };

/** The database as the rest of the program sees it. */
export interface Database {
  /** For reads, and for writes that emit nothing. */
  readonly prisma: PrismaClient;
  /** The same for reads that are many at once: they take a part of the connections at the most. */
  readonly modest: PrismaClient;
  /** For every write that others should hear of. */
  readonly transact: Transact;
  readonly health: Pick<DatabaseHealth, 'state' | 'refused'>;
  close(): Promise<void>;
}

/** The database as it is seen from within a transaction: what reads and writes by it is part of that transaction. */
export const within = (db: Database, tx: Tx): Database => ({
  ...db,
  // It has all of a client but the ways to begin and end a transaction.
  prisma: tx as unknown as PrismaClient,
  transact: (work) => work(tx),
});

export interface DatabaseOptions {
  readonly target: ConnectionTarget;
  readonly poolSize: number;
  /** The longest wait for a connection and for one statement, in milliseconds. */
  readonly timeoutMs: number;
  readonly log: Log;
  /** Called after each commit, once for every stream that has grown. Must not throw or wait. */
  readonly onCommit: (grown: readonly Grown[]) => void;
  /** Called with each new connection before anything is asked of it; one for which it rejects is not used. */
  readonly onConnect?: ((client: pg.ClientBase) => Promise<void>) | undefined;
  /** Called with the text of every SQL statement Prisma sends, and its parameters in JSON; for tests that count them or ask for their plans. */
  readonly onStatement?: ((sql: string, params: string) => void) | undefined;
}

/** Connections of the pool that no transaction takes. */
const READERS = 2;
/** How many times the timeout of one statement a transaction may wait for its turn: a database that answers gets through a crowd. */
const PATIENCE = 6;

export const openDatabase = (options: DatabaseOptions): Database => {
  const { target, timeoutMs, log } = options;
  const connections = createPool({ target, size: options.poolSize, timeoutMs, log, onConnect: options.onConnect });
  const names = createStatementNames();
  const schema = schemaOf(target);
  const adapter = new PrismaPg(connections.pool, { ...(schema === null ? {} : { schema }), statementNameGenerator: names.nameOf });
  const transactionOptions: Prisma.PrismaClientOptions['transactionOptions'] = { maxWait: timeoutMs, timeout: timeoutMs * 2 };
  const { onStatement } = options;
  const prisma = new PrismaClient({
    adapter,
    transactionOptions,
    errorFormat: 'minimal',
    log: onStatement ? [{ emit: 'event', level: 'query' }] : [],
  });
  if (onStatement) prisma.$on('query' as never, (event: { query: string; params: string }) => onStatement(event.query, event.params));
  const health = createHealth(log, () => isReadOnlyNow(prisma));
  const attempt = createAttempt({ names, pool: connections, health });
  // Some connections stay for reads, or those who follow what is written would wait behind those who write.
  const limited = createLimiter(Math.max(1, options.poolSize - READERS), timeoutMs * PATIENCE);
  // Many at once wait among themselves, and not in the line that all others stand in.
  const few = createLimiter(Math.max(1, Math.floor(options.poolSize / 2) - 1), timeoutMs * PATIENCE);
  const client = withAttempts(prisma, attempt);
  const modest = client.$extends({ query: { $allOperations: ({ args, query }) => few(() => query(args)) } }) as unknown as PrismaClient;
  return {
    prisma: client,
    modest,
    transact: createTransact({ prisma, jobSchema: jobSchemaOf(target), onCommit: options.onCommit, limited, attempt }),
    health,
    close: async () => {
      await prisma.$disconnect();
      await connections.pool.end();
    },
  };
};

/**
 * The client with every call tried again as {@link createAttempt} says. A call that Prisma makes a transaction of (a nested write) is tried
 * again as a whole. What runs inside of a transaction is not: the server has given that up with its first failure.
 */
const withAttempts = (prisma: PrismaClient, attempt: Attempt): PrismaClient => {
  const extended = prisma.$extends({
    query: {
      $allOperations: ({ operation, args, query }) =>
        attempt(
          () => query(args),
          () => wroteOf(operation, args),
        ),
    },
    client: {
      $transaction: <Result>(
        work: (tx: Prisma.TransactionClient) => Promise<Result>,
        options?: { isolationLevel?: Prisma.TransactionIsolationLevel },
      ) =>
        attempt(
          () => prisma.$transaction(work, options),
          () => 'nothing',
        ),
    },
  });
  // It has everything that is used of a client; only the type of an extended one is another.
  return extended as unknown as PrismaClient;
};

/** What a call of the client has written. */
const wroteOf = (operation: string, args: unknown): Wrote => {
  if (operation === '$queryRaw' || operation === '$executeRaw') {
    const text = (args as { readonly strings: readonly string[] }).strings.join('?');
    return /\bINSERT INTO\b/.test(text) ? 'rows' : /\b(UPDATE|DELETE FROM)\b/.test(text) ? 'changes' : 'nothing';
  }
  return /^(create|upsert)/.test(operation) ? 'rows' : /^(update|delete)/.test(operation) ? 'changes' : 'nothing';
};

const isReadOnlyNow = async (prisma: PrismaClient): Promise<boolean> => {
  const [row] = await prisma.$queryRaw<{ readonly isReadOnly: boolean }[]>`
    SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean AS "isReadOnly"`;
  return row?.isReadOnly === true;
};
