import type { Attempt } from './attempts.js';
import { Prisma, type PrismaClient } from './generated/prisma/client.js';
import type { createLimiter } from './limiter.js';

/** A stream that has grown: topic, key and its new last seq. */
export interface Grown {
  readonly topic: string;
  readonly key: string;
  readonly seq: number;
  /** When the event before these was numbered; null when there was none, or when it is not known. */
  readonly priorAt: Date | null;
  /** What it has grown by, in seq order; nothing for a state. */
  readonly events: readonly {
    readonly seq: number;
    readonly kind: string;
    readonly ref: unknown;
    readonly at: Date;
    readonly epoch: number;
    /** The rows that it is about, where its transaction has them at hand. */
    readonly carried: object | null;
  }[];
}

/** What `emit` needs to know of a topic whose events are kept, each with a seq of its own. */
export interface EmittableLog<Events extends object> {
  readonly kind: 'log';
  readonly name: string;
  /**
   * Data-modifying statements over the rows of `numbered` (topic, key, seq, kind, ref, at), run with the numbering itself: they write an
   * event's seq and time, or what else follows from it, into the rows it is about, at no further round trip. The order among them is
   * not defined, so no two may write the same row. A time that readers compare with the order of events is `numbered.at`: it is taken
   * under the lock that numbers, while a time from before would say when an act began, in whatever order these have waited.
   */
  readonly projections?: readonly Prisma.Sql[] | undefined;
  /** Only a type: what each kind of event carries in `ref`. */
  readonly events?: Events;
}

/** What `emit` needs to know of a topic whose value is a row: only that it changed. */
export interface EmittableState {
  readonly kind: 'state';
  readonly name: string;
}

/** Where an event has come to stand in its stream. All are 0 until it is numbered: read them once `transact` has resolved. */
export interface Emitted {
  readonly seq: number;
  readonly epoch: number;
  /** When it was numbered. */
  readonly at: Date;
}

export interface Emit {
  /**
   * @param carried rows that the event is about, as this transaction leaves them: where a result of the event is made here in the very turn
   *   of the commit, they need not be read. They are handed on as they are, and are not kept
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

/** What `enqueue` needs to know of a task: only its name; and, as a type, what its jobs carry. */
export interface EnqueuableTask<Payload extends object> {
  readonly name: string;
  readonly payload?: Payload;
}

export interface EnqueueOptions {
  /**
   * Jobs of one task and key that wait are one: it runs at the time that was asked for first, with the payload that was given last. One
   * that runs already is no longer waited for, so another is made, which sees what this transaction writes.
   */
  readonly key?: string;
  /** Not before this time; as soon as possible when left out. */
  readonly runAt?: Date;
}

/** Asks for a job, which is there when the transaction commits and never was when it does not. Nothing is to be awaited. */
export type Enqueue = <Payload extends object>(task: EnqueuableTask<Payload>, payload: NoInfer<Payload>, options?: EnqueueOptions) => void;

/** A transaction, and the ways to say what follows from it. Both only collect: jobs, then numbers, are written just before COMMIT. */
export type Tx = Prisma.TransactionClient & { readonly emit: Emit; readonly enqueue: Enqueue };

/**
 * Runs `work` in one transaction and, after its commit, tells which streams have grown by it.
 *
 * Ordering: within a stream, commit order is seq order and seqs have no gap, because all heads concerned are locked, in
 * (topic, key) order, and numbered in the one statement that precedes COMMIT. A transaction that fails emits nothing.
 * A serialisation failure, a deadlock or a prepared statement that has become useless runs `work` again from its start (up to five
 * times), so `work` must have no effect outside of the database.
 */
export type Transact = <Result>(
  work: (tx: Tx) => Promise<Result>,
  options?: {
    readonly isolationLevel?: Prisma.TransactionIsolationLevel;
    /** How long all of it may take, in milliseconds, for what is large; twice what one statement may take when left out. */
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

/** A job as the queue's `add_jobs` takes it. */
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
  /** Has each transaction wait for its turn. */
  readonly limited: ReturnType<typeof createLimiter>;
  /** Runs a whole transaction again that the database has undone. */
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
      // Defined, not assigned: assigning would go through the proxy that `client` is, to an object that all transactions share.
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
 * Writes the jobs in one statement: those without a key together, then one after the other those with one, whose rows it locks in the
 * order of their keys: that is what keeps two transactions from a deadlock. Should a worker begin a job of the same key in the middle
 * of it, the queue leaves the new one out, so it is asked again: then it sees that the other one runs.
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

/** Of each key the last job, at the time of the first; in the order of the keys. */
const oneOfEachKey = (jobs: readonly JobSpec[]): readonly JobSpec[] => {
  const keyed = new Map<string, JobSpec>();
  for (const job of jobs) if (job.job_key !== null) keyed.set(job.job_key, { ...job, run_at: (keyed.get(job.job_key) ?? job).run_at });
  return [...keyed].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, job]) => job);
};

/** To the millisecond that the columns hold: rounded up it would lie in the future. */
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
 * Locks and numbers the heads of all streams concerned and writes their events, in one statement. A multi-row INSERT takes
 * its row locks in the order of its rows, so sorting them is what keeps two transactions from a deadlock.
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
    // A head says where its last emission stands; those before it stand right below, in the order of their emission.
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
