import type { Context, Services } from '../../context.js';
import type { Operation } from '../../db/generated/prisma/client.js';
import type { Tx } from '../../db/transact.js';
import { codeOf, coded, notFound } from '../../errors.js';
import { batched } from '../../graphql/loaders.js';
import { viewerOf } from '../../access/viewer.js';
import { defineTask, type Task } from '../../jobs/task.js';
import { forgetStreams } from '../../realtime/log-retention.js';
import { operationTopic, type OperationValue } from './topics.js';

/*
 * An operation is work that takes longer than a request: a mutation begins it, a job does it, and whoever asked for it watches how far it is. Its row is
 * written by the transaction of the mutation, so what was acknowledged is done, also when the process dies meanwhile.
 */

/** The job of an operation has its id. */
export interface OfOperation {
  readonly operationId: string;
}

/** An operation that could not be ended for so long is given up, in milliseconds: a day. */
const GIVEN_UP_AFTER_MS = 24 * 60 * 60 * 1_000;
/** How long one is shown after its end, in milliseconds: 30 days. */
const KEPT_AFTER_END_MS = 30 * 24 * 60 * 60 * 1_000;

/**
 * Begins an operation of a user, which its task will do once this transaction has committed.
 * @param about what only one operation of the user at a time may work on; the kind itself when left out
 * @throws CONFLICT while another one does
 */
export const beginOperation = async (
  tx: Tx,
  { clock }: Pick<Services, 'clock'>,
  task: OperationTask,
  { userId, about = '' }: { readonly userId: string; readonly about?: string },
): Promise<Operation> => {
  const openKey = `${userId}:${task.kind}:${about}`;
  // Not by an exception, which would cost the transaction of a `clientId`.
  const [operation] = await tx.operation.createManyAndReturn({
    data: [{ userId, kind: task.kind, openKey, createdAt: new Date(clock.now()) }],
    skipDuplicates: true,
  });
  if (operation === undefined) throw coded('CONFLICT', 'This goes on already. Wait until it has ended.');
  tx.emit(operationTopic, operation.id);
  tx.enqueue(task, { operationId: operation.id }, { key: operation.id });
  return operation;
};

/** How the work of an operation tells how far it is. */
export interface Progress {
  readonly total: (total: number) => Promise<void>;
  /** @param detail what it is at, in a word or two */
  readonly done: (done: number, detail?: string) => Promise<void>;
}

/** What an operation has come to. */
export interface Outcome {
  readonly detail?: string;
  /** The file that it has made. */
  readonly fileId?: string;
}

export interface OperationTask extends Task<OfOperation> {
  readonly kind: string;
}

/** Changes an operation that goes on, and tells who watches. @returns whether it does go on */
const change = async (tx: Tx, id: string, data: Partial<Operation>): Promise<boolean> => {
  const { count } = await tx.operation.updateMany({ where: { id, endedAt: null }, data });
  if (count > 0) tx.emit(operationTopic, id);
  return count > 0;
};

const ending = (services: Pick<Services, 'clock'>, state: 'SUCCEEDED' | 'FAILED', further: Partial<Operation>): Partial<Operation> => ({
  ...further,
  state,
  openKey: null,
  endedAt: new Date(services.clock.now()),
});

/**
 * Defines the job of a kind of operation.
 * @param kind the name of the mutation that begins it
 * @param work does it. It may run again from its start, when a process has died or the database was away, and must bear that. What it throws with a code
 *   ends the operation as FAILED, with the message as its detail; anything else is tried again, for a day.
 */
export const operationTask = (
  kind: string,
  work: (services: Services, operation: Operation, progress: Progress) => Promise<Outcome>,
): OperationTask => {
  const task = defineTask<OfOperation>(`operations.${kind}`, async (services, { operationId: id }) => {
    const { db, clock } = services;
    const operation = await db.prisma.operation.findUnique({ where: { id } });
    if (operation === null || operation.endedAt !== null) return;
    if (clock.now() - operation.createdAt.getTime() > GIVEN_UP_AFTER_MS) {
      await giveUp(services, id);
      return;
    }
    const tell = async (data: Partial<Operation>): Promise<void> => {
      await db.transact((tx) => change(tx, id, data));
    };
    await tell({ state: 'RUNNING', done: 0 });
    const progress: Progress = { total: (total) => tell({ total }), done: (done, detail) => tell({ done, ...(detail ? { detail } : {}) }) };
    try {
      const { detail = null, fileId = null } = await work(services, operation, progress);
      await tell(ending(services, 'SUCCEEDED', { detail, fileId }));
    } catch (error) {
      const code = codeOf(error);
      if (code === null || code === 'UNAVAILABLE' || !(error instanceof Error)) throw error;
      await tell(ending(services, 'FAILED', { detail: error.message }));
    }
  });
  return { ...task, kind };
};

const giveUp = async (services: Pick<Services, 'db' | 'clock'>, id: string): Promise<void> => {
  await services.db.transact((tx) => change(tx, id, ending(services, 'FAILED', { detail: 'It could not be done within a day.' })));
};

/** So many operations are looked at by one statement. */
const AT_A_TIME = 200;

/** Gives up operations that could not be ended, and forgets those that ended long ago. */
export const sweepOperations = async (services: Pick<Services, 'db' | 'clock'>): Promise<void> => {
  const { db, clock } = services;
  const before = (ms: number): Date => new Date(clock.now() - ms);
  const late = await db.prisma.operation.findMany({
    where: { endedAt: null, createdAt: { lt: before(GIVEN_UP_AFTER_MS) } },
    select: { id: true },
    take: AT_A_TIME,
  });
  for (const { id } of late) await giveUp(services, id);
  for (let found = AT_A_TIME; found === AT_A_TIME;) {
    const old = await db.prisma.operation.findMany({
      where: { endedAt: { lt: before(KEPT_AFTER_END_MS) } },
      select: { id: true },
      take: AT_A_TIME,
    });
    const ids = old.map(({ id }) => id);
    await db.transact(async (tx) => {
      await tx.operation.deleteMany({ where: { id: { in: ids } } });
      await forgetStreams(tx, [operationTopic], ids);
    });
    found = ids.length;
  }
};

const operationOf = batched<OperationValue | null>(({ db }, ids) => operationTopic.load(db.prisma, ids), null);

/** An operation of the viewer; null for one that is not theirs. */
export const seenOperation = async (context: Context, id: string): Promise<OperationValue | null> => {
  const operation = context.viewer === null ? null : await operationOf(context, id);
  return operation?.userId === context.viewer?.id ? operation : null;
};

/** The same. @throws UNAUTHENTICATED, NOT_FOUND */
export const findOperation = async (context: Context, id: string): Promise<OperationValue> => {
  viewerOf(context);
  const operation = await seenOperation(context, id);
  if (operation === null) throw notFound('Operation');
  return operation;
};

/** The operation of a kind that the viewer has begun last; null when there is none. */
export const latestOperation = async (context: Context, kind: string): Promise<OperationValue | null> => {
  const latest = await context.db.prisma.operation.findFirst({
    where: { userId: viewerOf(context).id, kind },
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
    select: { id: true },
  });
  return latest && (await seenOperation(context, latest.id));
};
