import type pg from 'pg';
import { addJobs, type JobSpec } from './add-jobs.js';
import { auditInto } from './audit.js';
import type { Attempt } from './attempts.js';
import type { createLimiter } from './limiter.js';
import { lockingBehind, numbering, placed, type Emission, type FanOut, type Numbered } from './numbering.js';
import { rawStatement } from './raw-statements.js';
import type { Actor, Audit, Audited, EmitEach, Emitted, Enqueue, Grown, Transact, Tx } from './transact.js';
import { beginTransaction } from './transaction.js';
import { createTransactionClients, type TransactionClientOptions } from './transaction-client.js';

export interface TransactOptions extends TransactionClientOptions {
  readonly pool: pg.Pool;
  /** The longest duration of a transaction, in milliseconds. */
  readonly timeoutMs: number;
  /** The PostgreSQL schema of the job queue. */
  readonly jobSchema: string;
  /** Limits how many transactions run at a time. */
  readonly limited: ReturnType<typeof createLimiter>;
  /** Retries a whole transaction. */
  readonly attempt: Attempt;
  readonly onCommit: (grown: readonly Grown[]) => void;
}

export const createTransact = (options: TransactOptions): Transact => {
  const { prepare, limited, attempt, onCommit } = options;
  const clientOf = createTransactionClients(options);

  const run = async <Result>(work: (tx: Tx) => Promise<Result>, timeout: number, actor: Actor | null) => {
    const emissions: Emission[] = [];
    const fanOuts: FanOut[] = [];
    const jobs: JobSpec[] = [];
    const audited: Audited[] = [];
    const emit = (topic: Emission['topic'], key: string, kind = '', ref: unknown = null, carried: object | null = null): Emitted => {
      const emission: Emission = { topic, key, kind, ref, carried, seq: 0, epoch: 0, at: new Date(0) };
      emissions.push(emission);
      return emission;
    };
    const emitEach: EmitEach = (topic, keys, kind, ref, behind) => void fanOuts.push({ topic, keys, kind, ref, behind });
    const enqueue: Enqueue = ({ name }, payload, { key, runAt = null } = {}) => {
      jobs.push({ identifier: name, payload, job_key: key === undefined ? null : `${name}:${key}`, run_at: runAt });
    };
    const audit: Audit = (action, subject, detail = {}, actorId) => void audited.push({ action, subject, detail, actorId });
    const transaction = beginTransaction(options.pool, timeout);
    const { tx, end } = clientOf(transaction, timeout, { emit, emitEach, enqueue, audit });
    try {
      const value = await work(tx);
      await auditInto(tx, audited, actor);
      await addJobs(tx, options.jobSchema, jobs);
      await end();
      const locking = lockingBehind(fanOuts);
      const last = emissions.length + fanOuts.length === 0 ? [] : [...(locking === null ? [] : [locking]), numbering(emissions, fanOuts)];
      const results = await transaction.commit(last.map((sql) => prepare(rawStatement([sql]))));
      return { value, grown: placed(emissions, (results.at(-1)?.rows ?? []) as Numbered[], fanOuts) };
    } catch (error) {
      // What Prisma says of its own end no longer matters.
      await end().catch(() => undefined);
      await transaction.rollback();
      throw error;
    }
  };

  return async (work, { timeout = options.timeoutMs, actor } = {}) => {
    const { value, grown } = await attempt(
      () => limited(() => run(work, timeout, actor ?? null)),
      (result) => (result.grown.length > 0 ? 'rows' : 'nothing'),
    );
    if (grown.length > 0) onCommit(grown);
    return value;
  };
};
