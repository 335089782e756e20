import type pg from 'pg';
import type { Log } from '../observability/log.js';
import { createAsking } from './asking.js';
import { createAttempt, type Attempt } from './attempts.js';
import { jobSchemaOf, schemaOf, type ConnectionTarget } from './connection.js';
import { PrismaClient } from './generated/prisma/client.js';
import { createFairTurns } from './fair-turns.js';
import { readTables } from './datamodel.js';
import { createHealth, type DatabaseHealth, type Wrote } from './health.js';
import { createReadings } from './list-rows.js';
import { listStatement } from './list-statements.js';
import { createLists, type Lists, type SendList } from './lists.js';
import { createPool } from './pool.js';
import { createPooledStatements, createPrepare } from './pooled-statements.js';
import { createDesks } from './read-desks.js';
import { rawStatement, statementOf, type RawStatement } from './raw-statements.js';
import { forRequester, type Requester } from './requester.js';
import { createRunningStatements } from './running-statements.js';
import { createStatementNames } from './statements.js';
import type { Grown, Transact, Tx } from './transact.js';
import { createLimiter } from './limiter.js';
import { createTransact } from './create-transact.js';
import { createTypedOperations, isBoundary } from './typed-operations.js';
import type { OnWritten } from './written.js';

export type { PrismaClient };

/** The database, as the domains use it. */
export interface Database {
  /** For reads, and for writes that emit no event. */
  readonly prisma: PrismaClient;
  /** The same for work that sends many statements at once: a limit keeps it from taking all connections of the pool. */
  readonly bulk: Pick<Database, 'prisma' | 'lists'>;
  /** The same, with a limit of its own, for what is made for each of many viewers at once. */
  readonly personal: Pick<Database, 'prisma' | 'lists'>;
  /** For the lists that are read most. */
  readonly lists: Lists;
  /** The same for somebody who is told of each statement before it is sent. */
  readonly listsSeenBy: (see: (sql: string) => void) => Lists;
  /** For writes with events or jobs. */
  readonly transact: Transact;
  /** Says that something is written for this operation, by a transaction that it shares with others. */
  readonly beginWrite: () => void;
  /** Whether all of it belongs to one transaction: see {@link within}. */
  readonly isTransaction: boolean;
  /** Then the database outside of that transaction, for what must stay when the transaction does not. */
  readonly outer?: Database;
  /** The database for the statements of one operation: see {@link forRequester}. */
  readonly of: (requester: Requester, view?: Database) => Database;
  readonly health: Pick<DatabaseHealth, 'state' | 'refused'>;
  close(): Promise<void>;
}

/** A view of the database whose reads and writes all belong to the transaction `tx`. */
export const within = (db: Database, tx: Tx): Database => ({
  ...db,
  // A transaction client lacks only the methods that begin and end transactions.
  prisma: tx as unknown as PrismaClient,
  lists: tx.lists,
  transact: (work) => work(tx),
  beginWrite: () => undefined,
  isTransaction: true,
  outer: db.outer ?? db,
});

export interface DatabaseOptions {
  readonly target: ConnectionTarget;
  readonly poolSize: number;
  /** The longest wait for a connection and for one statement, in milliseconds. */
  readonly timeoutMs: number;
  readonly log: Log;
  /** Called after each commit that has emitted events, with the streams that have grown. It must neither throw nor wait. */
  readonly onCommit: (grown: readonly Grown[]) => void;
  /** Called with what has been written, before the writer hears of it; see {@link OnWritten}. */
  readonly onWritten?: OnWritten | undefined;
  /** Called with each new connection before its first statement; when it rejects, the connection is closed. */
  readonly onConnect?: ((client: pg.ClientBase) => Promise<void>) | undefined;
  /** Called with every SQL statement that Prisma, `$queryRaw` or {@link Database.lists} sends and its parameters as JSON, for tests that count statements or check their plans; BEGIN and COMMIT are left out. */
  readonly onStatement?: ((sql: string, params: string) => void) | undefined;
}

/** The part of the pool that one owner's statements may take at a time. */
const SHARE = 0.5;
/** How many connections of the pool transactions leave free for reads. */
const READERS = 2;
/**
 * The longest wait of a transaction for its turn, as a multiple of the statement timeout: enough for a burst of writes to be worked off.
 */
const TURN_TIMEOUTS = 6;

export const openDatabase = (options: DatabaseOptions): Database => {
  const { target, timeoutMs, log, onConnect, onWritten } = options;
  const connections = createPool({ target, size: options.poolSize, timeoutMs, log, onConnect, onWritten });
  const names = createStatementNames(connections.renew);
  const schema = schemaOf(target);
  const typed = createTypedOperations(connections.pool, { ...(schema === null ? {} : { schema }), statementNameGenerator: names.nameOf });
  const { onStatement } = options;
  const prisma = new PrismaClient({
    adapter: typed.adapter,
    transactionOptions: { maxWait: timeoutMs, timeout: timeoutMs * 2 },
    errorFormat: 'minimal',
    log: onStatement ? [{ emit: 'event', level: 'query' }] : [],
  });
  if (onStatement)
    prisma.$on('query' as never, ({ query, params }: { query: string; params: string }) => {
      if (!isBoundary(query)) onStatement(query, params);
    });
  const health = createHealth(log, async () => {
    const isReadOnly = await isReadOnlyNow(prisma);
    // What a connection says of itself may be as old as the connection.
    if (isReadOnly) connections.renew();
    return isReadOnly;
  });
  const tables = readTables(prisma);
  const readings = createReadings(tables);
  const attempt = createAttempt({ names, pool: connections, health });
  // Transactions are limited so that reads keep some connections; otherwise subscribers would wait behind a burst of writes.
  const limited = createLimiter(Math.max(1, options.poolSize - READERS), timeoutMs * TURN_TIMEOUTS);
  const prepare = createPrepare(names, onStatement);
  const sendUnlessUnwanted = createRunningStatements(connections.pool);
  const desks = createDesks(prisma, typed, sendUnlessUnwanted);
  const asking = createAsking();
  const send = createPooledStatements(sendUnlessUnwanted, asking, prepare, attempt);
  const sendList: SendList = (statement) => send<unknown[]>(listStatement(statement), 'nothing');
  const queryRaw = (...given: RawStatement): Promise<unknown[]> =>
    send(rawStatement(given), wroteOf('$queryRaw', { strings: statementOf(given).strings }));
  const client = withAttempts(prisma, attempt, queryRaw);
  const createBulk = (): Database['bulk'] => {
    // The statements wait here instead of in the pool's own queue, where they would delay everybody else's.
    const inTurn = createLimiter(Math.max(1, Math.floor(options.poolSize / 2) - 1), timeoutMs * TURN_TIMEOUTS);
    return {
      prisma: client.$extends({
        query: { $allOperations: ({ args, query }) => inTurn(() => query(args)) },
        client: { $queryRaw: (...given: RawStatement) => inTurn(() => queryRaw(...given)) },
      }) as unknown as PrismaClient,
      lists: createLists(tables, readings, (statement) => inTurn(() => sendList(statement))),
    };
  };
  const turns = createFairTurns(options.poolSize, Math.max(1, Math.floor(options.poolSize * SHARE)), timeoutMs);
  const db: Database = {
    prisma: client,
    beginWrite: () => undefined,
    isTransaction: false,
    of: (requester, view = db) => forRequester(view, requester, turns, asking, desks),
    bulk: createBulk(),
    personal: createBulk(),
    lists: createLists(tables, readings, sendList),
    listsSeenBy: (see) =>
      createLists(tables, readings, (statement) => {
        see(statement.sql);
        return sendList(statement);
      }),
    transact: createTransact({
      pool: connections.pool,
      tables,
      readings,
      prisma,
      typed,
      prepare,
      timeoutMs: timeoutMs * 2,
      jobSchema: jobSchemaOf(target),
      limited,
      attempt,
      onCommit: options.onCommit,
    }),
    health,
    close: async () => {
      await desks.close();
      await prisma.$disconnect();
      await connections.pool.end();
    },
  };
  return db;
};

/**
 * The client with retries as {@link createAttempt} describes them. A call that Prisma turns into a transaction (a nested write) is retried
 * as a whole, and {@link rawStatement} takes the place of `$queryRaw`. Statements inside a transaction are not retried by themselves, because PostgreSQL aborts the transaction at its first error.
 */
const withAttempts = (prisma: PrismaClient, attempt: Attempt, queryRaw: (...given: RawStatement) => Promise<unknown[]>): PrismaClient => {
  const extended = prisma.$extends({
    query: {
      $allOperations: ({ operation, args, query }) =>
        attempt(
          () => query(args),
          () => wroteOf(operation, args),
        ),
    },
    client: {
      $queryRaw: queryRaw,
    },
  });
  // Only the type of an extended client differs.
  return extended as unknown as PrismaClient;
};

/** What a call of this operation has written. */
const wroteOf = (operation: string, args: unknown): Wrote => {
  if (operation === '$queryRaw' || operation === '$executeRaw') {
    const { strings } = args as { readonly strings: readonly string[] };
    if (strings.some((text) => /\bINSERT INTO\b/.test(text))) return 'rows';
    return strings.some((text) => /\b(UPDATE|DELETE FROM)\b/.test(text)) ? 'changes' : 'nothing';
  }
  return /^(create|upsert)/.test(operation) ? 'rows' : /^(update|delete)/.test(operation) ? 'changes' : 'nothing';
};

const isReadOnlyNow = async (prisma: PrismaClient): Promise<boolean> => {
  const [row] = await prisma.$queryRaw<{ readonly isReadOnly: boolean }[]>`
    SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean AS "isReadOnly"`;
  return row?.isReadOnly === true;
};
