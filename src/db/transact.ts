import type { Attempt } from './attempts.js';
import { Prisma, type PrismaClient } from './generated/prisma/client.js';
import type { createLimiter } from './limiter.js';

/** A stream that has grown: topic, key and its new last seq. */
export interface Grown {
  readonly topic: string;
  readonly key: string;
  readonly seq: number;
  /** When the event before these was numbered; null when there was none or the time is unknown. */
  readonly priorAt: Date | null;
  /** The new events in seq order; empty for a state topic. */
  readonly events: readonly {
    readonly seq: number;
    readonly kind: string;
    readonly ref: unknown;
    readonly at: Date;
    readonly epoch: number;
    /** Rows that the event is about, if its transaction had them in memory. */
    readonly carried: object | null;
  }[];
}

/** The part of a log topic that `emit` uses. */
export interface EmittableLog<Events extends object> {
  readonly kind: 'log';
  readonly name: string;
  /**
   * Data-modifying CTEs that run in the numbering statement and read its CTE `numbered` (topic, key, seq, kind, ref, at). They write the
   * seq and time of an event into the rows it is about, without a further round trip. PostgreSQL does not define the order of such CTEs, so
   * no two may write the same row. A time that is compared with the order of events must be `numbered.at`, which is taken under the lock of
   * the head. Example: A takes its time, B takes its time, B is numbered first; with times from before the lock, `createdAt` and `seq`
   * would disagree.
   */
  readonly projections?: readonly Prisma.Sql[] | undefined;
  /** For the type checker only: what each kind of event carries in `ref`. */
  readonly events?: Events;
}

/** The part of a state topic that `emit` uses: an emission only says that the row has changed. */
export interface EmittableState {
  readonly kind: 'state';
  readonly name: string;
}

/** The position of an event in its stream. The values are 0 until it is numbered: read them after `transact` has resolved. */
export interface Emitted {
  readonly seq: number;
  readonly epoch: number;
  /** When the event was numbered. */
  readonly at: Date;
}

export interface Emit {
  /**
   * @param carried rows that the event is about, as this transaction leaves them. They are passed to the hub of this process without a copy
   *   and are not kept: results that are made in the same turn of the event loop as the commit need not read them
   */
  <Events extends object, Kind extends keyof Events & string>(
    topic: EmittableLog<Events>,
    key: string,
    kind: Kind,
    ref: Events[Kind],
    carried?: object,
  ): Emitted;
  (topic: EmittableState, key: string): Emitted;
}

/** The part of a task that `enqueue` uses. */
export interface EnqueuableTask<Payload extends object> {
  readonly name: string;
  readonly payload?: Payload;
}

export interface EnqueueOptions {
  /**
   * Waiting jobs with the same task and key are merged into one, with the earliest time and the latest payload. A job that is already
   * running is not merged with: a new one is added, which sees what this transaction writes.
   */
  readonly key?: string;
  /** The earliest time of the run. Left out: as soon as possible. */
  readonly runAt?: Date;
}

/** Enqueues a job in this transaction: it exists only if the transaction commits. Nothing is to be awaited. */
export type Enqueue = <Payload extends object>(task: EnqueuableTask<Payload>, payload: NoInfer<Payload>, options?: EnqueueOptions) => void;

/** A transaction with `emit` and `enqueue`. Both only collect: the jobs and then the events are written just before COMMIT. */
export type Tx = Prisma.TransactionClient & { readonly emit: Emit; readonly enqueue: Enqueue };

/**
 * Runs `work` in one transaction and, after the commit, reports the streams that have grown.
 *
 * Ordering: within a stream, commit order is seq order and the seqs have no gaps, because all heads concerned are locked, in (topic, key)
 * order, and numbered by the one statement before COMMIT. A transaction that fails emits nothing. After a serialisation failure, a deadlock
 * or an invalid prepared statement `work` runs again from its start, up to five times, so it must have no effect outside the database.
 */
export type Transact = <Result>(
  work: (tx: Tx) => Promise<Result>,
  options?: {
    readonly isolationLevel?: Prisma.TransactionIsolationLevel;
    /** The longest duration of the transaction, in milliseconds; by default twice the statement timeout. */
    readonly timeout?: number;
  },
) => Promise<Result>;

interface Emission extends Emitted {
  readonly topic: EmittableLog<object> | EmittableState;
  readonly key: string;
  readonly kind: string;
  readonly ref: unknown;
  readonly carried: object | null;
  seq: number;
  epoch: number;
  at: Date;
}

/** A job as graphile-worker's `add_jobs` takes it. */
interface JobSpec {
  readonly identifier: string;
  readonly payload: object;
  readonly job_key: string | null;
  readonly run_at: Date | null;
}

export interface TransactOptions {
  readonly prisma: PrismaClient;
  /** The PostgreSQL schema of the job queue. */
  readonly jobSchema: string;
  /** Limits how many transactions run at a time. */
  readonly limited: ReturnType<typeof createLimiter>;
  /** Retries a whole transaction. */
  readonly attempt: Attempt;
  readonly onCommit: (grown: readonly Grown[]) => void;
}

export const createTransact =
  ({ prisma, jobSchema, limited, attempt, onCommit }: TransactOptions): Transact =>
  async (work, options = {}) => {
    const run = async (client: Prisma.TransactionClient) => {
      const emissions: Emission[] = [];
      const emit = (topic: Emission['topic'], key: string, kind = '', ref: unknown = null, carried: object | null = null): Emitted => {
        const emission: Emission = { topic, key, kind, ref, carried, seq: 0, epoch: 0, at: new Date(0) };
        emissions.push(emission);
        return emission;
      };
      const jobs: JobSpec[] = [];
      const enqueue: Enqueue = ({ name }, payload, { key, runAt = null } = {}) => {
        jobs.push({ identifier: name, payload, job_key: key === undefined ? null : `${name}:${key}`, run_at: runAt });
      };
      // The properties are defined and not assigned, because `client` is a proxy: an assignment would reach an object that all transactions
      // share.
      const tx = Object.create(client, { emit: { value: emit }, enqueue: { value: enqueue } }) as Tx;
      const value = await work(tx);
      await addJobs(client, jobSchema, jobs);
      return { value, grown: await number(client, emissions) };
    };
    const { value, grown } = await attempt(
      () => limited(() => prisma.$transaction(run, options)),
      (result) => (result.grown.length > 0 ? 'rows' : 'nothing'),
    );
    if (grown.length > 0) onCommit(grown);
    return value;
  };

/**
 * Writes the jobs in one statement: first those without a key, then those with one in the order of their keys. Keyed jobs lock rows, and
 * the fixed order prevents deadlocks. When a worker takes a job of the same key during the statement, graphile-worker does not add the new
 * job; the call is then repeated and sees the running job.
 */
const addJobs = async (client: Prisma.TransactionClient, schema: string, jobs: readonly JobSpec[]): Promise<void> => {
  if (jobs.length === 0) return;
  const queue = Prisma.raw(`"${schema}"`);
  const keyless = jobs.filter((job) => job.job_key === null);
  let batches = [...(keyless.length > 0 ? [keyless] : []), ...oneOfEachKey(jobs).map((job) => [job])];
  while (batches.length > 0) {
    const added = await client.$queryRaw<{ readonly key: string | null }[]>`
      SELECT added.key
      FROM (SELECT specs FROM json_array_elements(${JSON.stringify(batches)}::json) WITH ORDINALITY AS given(specs, ordinal) ORDER BY ordinal) batch
      CROSS JOIN LATERAL ${queue}.add_jobs(ARRAY(SELECT json_populate_recordset(null::${queue}.job_spec, specs)), job_key_preserve_run_at => true) added`;
    const keys = new Set(added.map(({ key }) => key));
    batches = batches.filter(([job]) => job !== undefined && job.job_key !== null && !keys.has(job.job_key));
  }
};

/** The last job of each key, at the earliest time of that key, in the order of the keys. */
const oneOfEachKey = (jobs: readonly JobSpec[]): readonly JobSpec[] => {
  const keyed = new Map<string, JobSpec>();
  for (const job of jobs) if (job.job_key !== null) keyed.set(job.job_key, { ...job, run_at: (keyed.get(job.job_key) ?? job).run_at });
  return [...keyed].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, job]) => job);
};

/** Truncated to milliseconds, the precision of the columns: a rounded time could lie in the future. */
const NOW = Prisma.sql`date_trunc('milliseconds', clock_timestamp())`;

interface Numbered {
  readonly topic: string;
  readonly key: string;
  readonly seq: number;
  readonly epoch: number;
  readonly priorAt: Date | null;
  readonly at: Date;
}

const isLog = ({ topic }: Emission): boolean => topic.kind === 'log';

/**
 * Locks and numbers the heads of all streams concerned and writes their events, in one statement. A multi-row INSERT locks rows in the
 * order of its VALUES, so sorting the streams prevents deadlocks.
 */
const number = async (client: Prisma.TransactionClient, emissions: readonly Emission[]): Promise<readonly Grown[]> => {
  if (emissions.length === 0) return [];
  const projections = new Map<string, readonly Prisma.Sql[]>();
  for (const { topic } of emissions)
    if (topic.kind === 'log' && topic.projections !== undefined) projections.set(topic.name, topic.projections);
  const projectionParts = [...projections.values()]
    .flat()
    .map((projection, index) => Prisma.sql`, ${Prisma.raw(`projection_${index}`)} AS (${projection})`);
  const heads = await client.$queryRaw<Numbered[]>`
    WITH emission AS (
      SELECT topic, key, kind, ref, is_log, ordinal, row_number() OVER (PARTITION BY topic, key ORDER BY ordinal)::int AS position
      FROM unnest(
        ${emissions.map(({ topic }) => topic.name)}::text[],
        ${emissions.map(({ key }) => key)}::text[],
        ${emissions.map(({ kind }) => kind)}::text[],
        ${emissions.map(({ ref }) => JSON.stringify(ref))}::text[],
        ${emissions.map(({ topic }) => topic.kind === 'log')}::boolean[]
      ) WITH ORDINALITY AS given(topic, key, kind, ref, is_log, ordinal)
    ), head_after AS (
      INSERT INTO head (topic, key, last_seq, last_at)
      SELECT topic, key, count(*)::int, ${NOW} FROM emission GROUP BY topic, key ORDER BY topic, key
      ON CONFLICT (topic, key) DO UPDATE
        SET last_seq = head.last_seq + excluded.last_seq, prior_at = head.last_at, last_at = greatest(head.last_at, ${NOW})
      RETURNING topic, key, last_seq, epoch, prior_at, last_at
    ), numbered AS (
      INSERT INTO event (topic, key, seq, kind, ref, at)
      SELECT e.topic, e.key, h.last_seq - (count(*) OVER (PARTITION BY e.topic, e.key))::int + e.position, e.kind, e.ref::jsonb, h.last_at
      FROM emission e JOIN head_after h ON h.topic = e.topic AND h.key = e.key
      WHERE e.is_log
      RETURNING topic, key, seq, kind, ref, at
    )${projectionParts.length > 0 ? Prisma.join(projectionParts, '') : Prisma.empty}
    SELECT topic, key, last_seq AS seq, epoch, prior_at AS "priorAt", last_at AS at FROM head_after`;
  const byStream = new Map<string, Emission[]>();
  for (const emission of emissions) {
    const name = `${emission.topic.name}\0${emission.key}`;
    const emitted = byStream.get(name);
    if (emitted) emitted.push(emission);
    else byStream.set(name, [emission]);
  }
  return heads.map(({ topic, key, seq, epoch, priorAt, at }) => {
    // The statement returns the seq of the last emission of each stream; the earlier ones have the seqs just below, in the order of
    // emission.
    const emitted = byStream.get(`${topic}\0${key}`) ?? [];
    emitted.forEach((emission, index) => Object.assign(emission, { epoch, at, seq: seq - emitted.length + 1 + index }));
    const events = emitted.filter(isLog).map((emission) => ({
      seq: emission.seq,
      kind: emission.kind,
      ref: emission.ref,
      carried: emission.carried,
      at,
      epoch,
    }));
    return { topic, key, seq, priorAt, events };
  });
};
