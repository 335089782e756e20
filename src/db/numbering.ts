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
const projected = (emissions: readonly Emission[]): Prisma.Sql => {
  const projections = new Set<Prisma.Sql>();
  for (const { topic, kind } of emissions)
    if (topic.kind === 'log') for (const { of, sql } of topic.projections ?? []) if (of.includes(kind)) projections.add(sql);
  const parts = [...projections].map((sql, index) => Prisma.sql`, ${Prisma.raw(`projection_${index}`)} AS (${sql})`);
  return parts.length > 0 ? Prisma.join(parts, '') : Prisma.empty;
};

/**
 * The statement that locks and numbers the heads of all streams concerned and writes their events. A multi-row INSERT locks rows in the
 * order of its VALUES, so sorting the streams prevents deadlocks.
 */
export const numbering = (emissions: readonly Emission[]): Prisma.Sql => {
  const [first] = emissions;
  const heads = first !== undefined && emissions.length === 1 ? numberingOne(first) : numberingAll(emissions);
  return Prisma.sql`
    WITH ${heads}${projected(emissions)}
    SELECT topic, key, last_seq AS seq, epoch, prior_at AS "priorAt", last_at AS at FROM head_after`;
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

const numberingAll = (emissions: readonly Emission[]): Prisma.Sql => Prisma.sql`
  emission AS (
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
    ${GROW}
  ), numbered AS (
    ${EVENT}
    SELECT e.topic, e.key, h.last_seq - (count(*) OVER (PARTITION BY e.topic, e.key))::int + e.position, e.kind, e.ref::jsonb, h.last_at
    FROM emission e JOIN head_after h ON h.topic = e.topic AND h.key = e.key
    WHERE e.is_log
    ${NUMBERED}
  )`;

/** Writes the result of {@link numbering} into what was emitted. @returns the streams that have grown */
export const placed = (emissions: readonly Emission[], heads: readonly Numbered[]): readonly Grown[] => {
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
