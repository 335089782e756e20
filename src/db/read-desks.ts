import type { PrismaClient } from './generated/prisma/client.js';
import type { Send, Typed, TypedOperations } from './typed-operations.js';
import type { SendUnlessUnwanted, Unwanted } from './running-statements.js';

/**
 * What Prisma's client takes for a transaction of its own, and is none: each of its statements goes over the pool by itself. By it is known who asks
 * for a statement, which Prisma tells its adapter in no other way.
 */
export interface Desk {
  /** Has the client send the statements of a call by this desk. */
  readonly ask: (call: PrismaCall) => Promise<unknown>;
}

/** What a method of Prisma's client returns: a call that begins when it is told in which transaction, or somebody waits for it. */
export interface PrismaCall extends Promise<unknown> {
  requestTransaction(transaction: { readonly kind: 'itx'; readonly id: string }): Promise<unknown>;
}

interface OpenDesk extends Desk {
  unwanted: Unwanted | null;
  readonly openedAt: number;
  readonly end: Typed['end'];
}

export interface Desks {
  /** Lends a desk for as long as the work takes. @param unwanted of what is read by it */
  readonly at: <Result>(unwanted: Unwanted, work: (desk: Desk) => Promise<Result>) => Promise<Result>;
  readonly close: () => Promise<void>;
}

/** How long a desk is used, in milliseconds. Prisma ends what it takes for a transaction after twice this time. */
const LIFE_MS = 3_600_000;
/** Where a client that is bound to a transaction has the transaction's id. */
const SCOPE = Symbol.for('prisma.client.transaction.scope_context');

const transactionIdOf = (client: object): string => {
  const scope = (client as Readonly<Record<symbol, { readonly txId?: string } | undefined>>)[SCOPE];
  if (scope?.txId === undefined) throw new Error("Prisma's client does not tell the id of its transaction where it is looked for.");
  return scope.txId;
};

/**
 * Creates the desks, which are used again: opening one takes as long as a statement. There are as many as reads were under way at a time, which
 * wait for turns.
 */
export const createDesks = (prisma: PrismaClient, typed: TypedOperations, sendUnlessUnwanted: SendUnlessUnwanted): Desks => {
  const desks = new Set<OpenDesk>();
  const free: OpenDesk[] = [];

  const open = async (unwanted: Unwanted): Promise<OpenDesk> => {
    let desk: OpenDesk | null = null;
    const send: Send = (statement) => sendUnlessUnwanted({ ...statement, values: [...statement.values] }, desk?.unwanted ?? null);
    const { client, end } = await typed.within(prisma, send, LIFE_MS);
    const id = transactionIdOf(client);
    desk = { ask: (call) => call.requestTransaction({ kind: 'itx', id }), unwanted, openedAt: performance.now(), end };
    desks.add(desk);
    return desk;
  };
  const close = async (desk: OpenDesk): Promise<void> => {
    desks.delete(desk);
    await desk.end();
  };

  const lend = (unwanted: Unwanted): OpenDesk | Promise<OpenDesk> => {
    const desk = free.pop();
    if (desk === undefined) return open(unwanted);
    desk.unwanted = unwanted;
    return desk;
  };
  const giveBack = (desk: OpenDesk): void => {
    desk.unwanted = null;
    if (performance.now() - desk.openedAt < LIFE_MS) free.push(desk);
    else void close(desk).catch(() => undefined);
  };

  return {
    at: async (unwanted, work) => {
      const desk = await lend(unwanted);
      try {
        return await work(desk);
      } finally {
        giveBack(desk);
      }
    },
    close: async () => {
      await Promise.allSettled([...desks].map(close));
    },
  };
};
