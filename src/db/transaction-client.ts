import type { QueryResult } from 'pg';
import type { Tables } from './datamodel.js';
import type { PrismaClient } from './generated/prisma/client.js';
import { listStatement } from './list-statements.js';
import type { PlanReading } from './list-rows.js';
import { createLists } from './lists.js';
import type { Prepare } from './pooled-statements.js';
import { rawStatement, type RawStatement } from './raw-statements.js';
import type { Tx } from './transact.js';
import type { Transaction } from './transaction.js';
import type { Typed, TypedOperations } from './typed-operations.js';

export interface TransactionClientOptions {
  readonly tables: Tables;
  readonly readings: PlanReading;
  /** The client for typed operations, and how it is bound to a transaction. */
  readonly prisma: PrismaClient;
  readonly typed: TypedOperations;
  readonly prepare: Prepare;
}

/** What a domain gets of a transaction. */
interface TransactionClient {
  readonly tx: Tx;
  /** To be called before the transaction ends. */
  readonly end: () => Promise<void>;
}

type Operation = (args: unknown) => Promise<unknown>;
type Operations = Readonly<Record<string, Readonly<Record<string, Operation>>>>;

/**
 * Creates the clients of transactions: raw statements and lists go over the transaction's connection directly, and Prisma is bound to it when
 * the first typed operation is asked for.
 */
export const createTransactionClients = ({ tables, readings, prisma, typed, prepare }: TransactionClientOptions) => {
  const models = new Set([...tables.keys()].map((name) => `${name.charAt(0).toLowerCase()}${name.slice(1)}`));

  return ({ send }: Transaction, timeout: number, own: Pick<Tx, 'emit' | 'emitEach' | 'enqueue' | 'audit'>): TransactionClient => {
    let bound: Promise<Typed> | null = null;
    const operate = async (model: string, operation: string, args: unknown): Promise<unknown> => {
      const { client } = await (bound ??= typed.within(prisma, send, timeout));
      return await (client as unknown as Operations)[model]?.[operation]?.(args);
    };
    const modelOf = (model: string): object =>
      new Proxy({}, { get: (_target, operation) => (args: unknown) => operate(model, String(operation), args) });
    const raw = async (given: RawStatement): Promise<QueryResult> => await send(prepare(rawStatement(given)));

    const statements = {
      ...own,
      $queryRaw: async (...given: RawStatement) => (await raw(given)).rows as unknown[],
      $executeRaw: async (...given: RawStatement) => (await raw(given)).rowCount ?? 0,
      lists: createLists(tables, readings, async (wanted) => (await send(prepare(listStatement(wanted)))).rows as unknown[][]),
    };
    const tx = new Proxy<object>(statements, {
      get: (target, name) => (typeof name === 'string' && models.has(name) ? modelOf(name) : (Reflect.get(target, name) as unknown)),
    });
    return {
      tx: tx as Tx,
      end: async () => {
        if (bound !== null) await (await bound).end();
      },
    };
  };
};
