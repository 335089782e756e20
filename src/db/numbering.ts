import { Prisma } from './generated/prisma/client.js';
import type { EmittableLog, EmittableState, Emitted, Grown } from './transact.js';

/** What was emitted. Its position is written when it is known. */
export interface Emission extends Emitted {
  readonly topic: EmittableLog<object> | EmittableState;
  readonly key: string;
  readonly kind: string;
  readonly ref: unknown;
  readonly carried: object | null;
  seq: number;
  epoch: number;
  at: Date;
}

/** What was emitted to all streams that a query names. */
export interface FanOut {
  readonly topic: EmittableLog<object>;
  /** A SELECT with the column `key`, each once. */
  readonly keys: Prisma.Sql;
  readonly kind: string;
  readonly ref: unknown;
  /** The stream whose head is locked before the keys are read, if any. */
  readonly behind: { readonly topic: string; readonly key: string } | null;
}

/** Truncated to milliseconds, the precision of the columns: a rounded time could lie in the future. */
const NOW = Prisma.sql`date_trunc('milliseconds', clock_timestamp())`;

/** A row of the result of {@link numbering}. */
export interface Numbered {
  readonly topic: string;
  readonly key: string;
  readonly seq: number;
  readonly epoch: number;
  readonly priorAt: Date | null;
  readonly at: Date;
  /** How many events or changes the stream has grown by; only where keys were found by a query. */
  readonly added?: number;
}

const isLog = ({ topic }: Emission): boolean => topic.kind === 'log';

/** A head that has grown by `excluded.last_seq`. */
const GROW = Prisma.sql`
  ON CONFLICT (topic, key) DO UPDATE
    SET last_seq = head.last_seq + excluded.last_seq, prior_at = head.last_at, last_at = greatest(head.last_at, ${NOW})
  RETURNING topic, key, last_seq, epoch, prior_at, last_at`;
const EVENT = Prisma.sql`INSERT INTO event (topic, key, seq, kind, ref, at)`;
const NUMBERED = Prisma.sql`RETURNING topic, key, seq, kind, ref, at`;

/** Those that concern the kinds of event that are numbered, as further CTEs. */
const projected = (emissions: readonly Pick<Emission, 'topic' | 'kind'>[]): Prisma.Sql => {
  const projections = new Set<Prisma.Sql>();
  for (const { topic, kind } of emissions)
    if (topic.kind === 'log') for (const { of, sql } of topic.projections ?? []) if (of.includes(kind)) projections.add(sql);
  // eslint-disable-next-line no-restricted-syntax -- a name with a number; those of CTEs are no parameters
  const parts = [...projections].map((sql, index) => Prisma.sql`, ${Prisma.raw(`projection_${index}`)} AS (${sql})`);
  return parts.length > 0 ? Prisma.join(parts, '') : Prisma.empty;
};

/**
 * The statement that locks and numbers the heads of all streams concerned and writes their events. A multi-row INSERT locks rows in the
 * order of its VALUES, so sorting the streams prevents deadlocks.
 */
export const numbering = (emissions: readonly Emission[], fanOuts: readonly FanOut[] = []): Prisma.Sql => {
  const [first] = emissions;
  const isEach = growByOne(emissions, fanOuts);
  const heads =
    isEach && first !== undefined && emissions.length === 1 && fanOuts.length === 0
      ? numberingOne(first)
      : isEach
        ? numberingEach(emissions, fanOuts)
        : numberingAll(emissions, fanOuts);
  const result = Prisma.sql`head_after.topic, head_after.key, last_seq AS seq, epoch, prior_at AS "priorAt", last_at AS at`;
  return fanOuts.length === 0
    ? Prisma.sql`WITH ${heads}${projected(emissions)} SELECT ${result} FROM head_after`
    : Prisma.sql`
        WITH ${heads}${projected([...emissions, ...fanOuts])}
        SELECT ${result}, ${isEach ? Prisma.sql`1 AS added FROM head_after` : Prisma.sql`added FROM head_after JOIN growth ON growth.topic = head_after.topic AND growth.key = head_after.key`}`;
};

/** Whether no stream gets two events: what is emitted goes to streams of its own, and the streams of each fan-out have a topic of their own. */
const growByOne = (emissions: readonly Emission[], fanOuts: readonly FanOut[]): boolean => {
  const streams = new Set(emissions.map(({ topic, key }) => `${topic.name}\0${key}`));
  const topics = new Set([...emissions, ...fanOuts].map(({ topic }) => topic.name));
  const emitted = new Set(emissions.map(({ topic }) => topic.name));
  return streams.size === emissions.length && topics.size === emitted.size + fanOuts.length;
};

/**
 * The statement before {@link numbering}, if one is needed: it locks the heads behind which keys are read. The numbering then reads them in a
 * snapshot of its own. Example: B joins a conversation while A's message waits for its head; in one statement A's message would not see B as a
 * member, although it is numbered after B's joining.
 */
export const lockingBehind = (fanOuts: readonly FanOut[]): Prisma.Sql | null => {
  const streams = fanOuts.flatMap(({ behind }) => behind ?? []);
  if (streams.length === 0) return null;
  return Prisma.sql`
    SELECT 1 FROM head
    JOIN unnest(${streams.map(({ topic }) => topic)}::text[], ${streams.map(({ key }) => key)}::text[]) AS behind(topic, key)
      ON head.topic = behind.topic AND head.key = behind.key
    ORDER BY head.topic, head.key FOR NO KEY UPDATE OF head`;
};

/** What most transactions emit is one event, which needs neither order nor counting, and takes the database a quarter less. */
const numberingOne = ({ topic, key, kind, ref }: Emission): Prisma.Sql => {
  const head = Prisma.sql`head_after AS (INSERT INTO head (topic, key, last_seq, last_at) VALUES (${topic.name}, ${key}, 1, ${NOW}) ${GROW})`;
  return topic.kind === 'state'
    ? head
    : Prisma.sql`${head}, numbered AS (
        ${EVENT} SELECT topic, key, last_seq, ${kind}::text, ${JSON.stringify(ref)}::jsonb, last_at FROM head_after ${NUMBERED}
      )`;
};

/** The rows of what was emitted. */
const rowsOf = (emissions: readonly Emission[]): Prisma.Sql => Prisma.sql`
  unnest(
    ${emissions.map(({ topic }) => topic.name)}::text[],
    ${emissions.map(({ key }) => key)}::text[],
    ${emissions.map(({ kind }) => kind)}::text[],
    ${emissions.map(({ ref }) => JSON.stringify(ref))}::text[],
    ${emissions.map(({ topic }) => topic.kind === 'log')}::boolean[]
  ) WITH ORDINALITY AS emitted(topic, key, kind, ref, is_log, ordinal)`;

/** What many others emit is one event for each of some streams, or of those that a query names, which needs order and no counting. */
const numberingEach = (emissions: readonly Emission[], fanOuts: readonly FanOut[]): Prisma.Sql => Prisma.sql`
  emission AS (
    SELECT topic, key, kind, ref, is_log, ordinal FROM ${rowsOf(emissions)} ${fannedOut(fanOuts, emissions.length)}
  ), head_after AS (
    INSERT INTO head (topic, key, last_seq, last_at) SELECT topic, key, 1, ${NOW} FROM emission ORDER BY topic, key
    ${GROW}
  ), numbered AS (
    ${EVENT}
    SELECT e.topic, e.key, h.last_seq, e.kind, e.ref::jsonb, h.last_at
    FROM emission e JOIN head_after h ON h.topic = e.topic AND h.key = e.key
    WHERE e.is_log
    ${NUMBERED}
  )`;

const numberingAll = (emissions: readonly Emission[], fanOuts: readonly FanOut[]): Prisma.Sql => Prisma.sql`
  given AS (
    SELECT topic, key, kind, ref, is_log, ordinal FROM ${rowsOf(emissions)}
    ${fannedOut(fanOuts, emissions.length)}
  ), emission AS (
    SELECT topic, key, kind, ref, is_log, row_number() OVER (PARTITION BY topic, key ORDER BY ordinal)::int AS position FROM given
  ), growth AS (
    SELECT topic, key, count(*)::int AS added FROM emission GROUP BY topic, key
  ), head_after AS (
    INSERT INTO head (topic, key, last_seq, last_at) SELECT topic, key, added, ${NOW} FROM growth ORDER BY topic, key
    ${GROW}
  ), numbered AS (
    ${EVENT}
    SELECT e.topic, e.key, h.last_seq - (count(*) OVER (PARTITION BY e.topic, e.key))::int + e.position, e.kind, e.ref::jsonb, h.last_at
    FROM emission e JOIN head_after h ON h.topic = e.topic AND h.key = e.key
    WHERE e.is_log
    ${NUMBERED}
  )`;

/** The events of fan-outs, which come behind those that were emitted to one stream. */
const fannedOut = (fanOuts: readonly FanOut[], before: number): Prisma.Sql => {
  const parts = fanOuts.map(
    ({ topic, keys, kind, ref }, index) => Prisma.sql`
      UNION ALL SELECT ${topic.name}::text, each.key, ${kind}::text, ${JSON.stringify(ref)}::text, true, ${before + index + 1}::bigint
      FROM (${keys}) each`,
  );
  return parts.length > 0 ? Prisma.join(parts, '') : Prisma.empty;
};

/** Writes the result of {@link numbering} into what was emitted. @returns the streams that have grown */
export const placed = (emissions: readonly Emission[], heads: readonly Numbered[], fanOuts: readonly FanOut[] = []): readonly Grown[] => {
  const byStream = new Map<string, Emission[]>();
  for (const emission of emissions) {
    const name = `${emission.topic.name}\0${emission.key}`;
    const emitted = byStream.get(name);
    if (emitted) emitted.push(emission);
    else byStream.set(name, [emission]);
  }
  return heads.map(({ topic, key, seq, epoch, priorAt, at, added }) => {
    const emitted = byStream.get(`${topic}\0${key}`) ?? [];
    const fanned = (added ?? emitted.length) - emitted.length;
    // The statement returns the seq of the last event of each stream; the earlier ones have the seqs just below: first what was emitted to it
    // alone, in that order.
    const first = seq - fanned - emitted.length + 1;
    emitted.forEach((emission, index) => Object.assign(emission, { epoch, at, seq: first + index }));
    const events = emitted
      .filter(isLog)
      .map((emission) => ({ seq: emission.seq, kind: emission.kind, ref: emission.ref, carried: emission.carried, at, epoch }));
    if (fanned === 0) return { topic, key, seq, priorAt, events };
    const [fanOut, ...others] = fanOuts.filter((each) => each.topic.name === topic);
    // Which of several fan-outs have reached a stream is not known here: its events are then read.
    if (fanOut === undefined || others.length > 0) return { topic, key, seq, priorAt, events: [] };
    const { kind, ref } = fanOut;
    return { topic, key, seq, priorAt, events: [...events, { seq, kind, ref, carried: null, at, epoch }] };
  });
};
