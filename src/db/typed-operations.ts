import { PrismaPg } from '@prisma/adapter-pg';
import type { SqlDriverAdapterFactory } from '@prisma/driver-adapter-utils';
import pg from 'pg';
import type { Prisma, PrismaClient } from './generated/prisma/client.js';
import type { Statement } from './flight.js';

/** Prisma's client within a transaction that is not Prisma's. */
export interface Typed {
  readonly client: Prisma.TransactionClient;
  /** To be called before the transaction ends. */
  readonly end: () => Promise<void>;
}

/** Sends one statement of the transaction. */
export type Send = (statement: Statement) => Promise<pg.QueryResult>;

export interface TypedOperations {
  /** The adapter for the client. */
  readonly adapter: SqlDriverAdapterFactory;
  /** Binds the client to a transaction for its typed operations. @param timeout of the transaction, in milliseconds */
  readonly within: (prisma: PrismaClient, send: Send, timeout: number) => Promise<Typed>;
}

/** Whether a statement begins or ends a transaction. */
export const isBoundary = (sql: string): boolean => /^(BEGIN|COMMIT|ROLLBACK)$/.test(sql);

const NOTHING: pg.QueryResult = { command: '', rowCount: 0, oid: 0, rows: [], fields: [] };

/** A connection, as Prisma's adapter uses it. It does not begin and end the transaction: that is done by whoever has opened it. */
const connectionTo = (send: Send): pg.PoolClient => {
  const connection = {
    query: async (statement: Statement) => (isBoundary(statement.text) ? NOTHING : await send(statement)),
    on: () => connection,
    removeListener: () => connection,
    release: () => undefined,
  };
  return connection as unknown as pg.PoolClient;
};

/** Marks the transactions that are ours: PostgreSQL has no such level, so nobody else asks for it. The first is what Prisma's client calls it. */
const OURS = { asked: 'ReadUncommitted', told: 'READ UNCOMMITTED' } as const;

/**
 * Makes the typed operations of Prisma's client usable within transactions that run over the pool without Prisma, through Prisma's own
 * adapter. For the client it is an interactive transaction; its adapter is given a connection that is in ours, so that BEGIN and COMMIT
 * are not Prisma's. That takes as long as a statement, so it is done for a transaction that asks for it.
 */
export const createTypedOperations = (pool: pg.Pool, options: ConstructorParameters<typeof PrismaPg>[1]): TypedOperations => {
  const factory = new PrismaPg(pool, options);
  /** The transaction that is being bound, one after the other, so that each gets its own. */
  let next: Send | null = null;
  let binding: Promise<unknown> = Promise.resolve();

  const bind = async (prisma: PrismaClient, send: Send, timeout: number): Promise<Typed> => {
    let finish: () => void = () => undefined;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    let ended: Promise<void> = Promise.resolve();
    next = send;
    try {
      const client = await new Promise<Prisma.TransactionClient>((resolve, reject) => {
        ended = prisma.$transaction(
          async (bound) => {
            resolve(bound);
            await finished;
          },
          // Ours has a deadline of its own, which comes first.
          { isolationLevel: OURS.asked, timeout: 2 * timeout },
        );
        ended.catch(reject);
      });
      return {
        client,
        end: async () => {
          finish();
          await ended;
        },
      };
    } finally {
      next = null;
    }
  };

  return {
    adapter: {
      provider: factory.provider,
      adapterName: factory.adapterName,
      connect: async () => {
        const adapter = await factory.connect();
        const startTransaction = adapter.startTransaction.bind(adapter);
        // Another adapter of the same kind, whose "pool" is connected to nothing: it has the connection that is to be bound.
        const desk = new pg.Pool();
        desk.connect = (async () => {
          if (next === null) throw new Error('No transaction is being bound.');
          return connectionTo(next);
        }) as typeof desk.connect;
        const bound = await new PrismaPg(desk, options).connect();
        adapter.startTransaction = (level) => ((level as string) === OURS.told ? bound.startTransaction() : startTransaction(level));
        return adapter;
      },
    },
    within: (prisma, send, timeout) => {
      const bound = binding.then(() => bind(prisma, send, timeout));
      binding = bound.catch(() => undefined);
      return bound;
    },
  };
};
