import { createCoalescer } from '../db/coalesce.js';
import type { Database } from '../db/database.js';
import { Prisma, type PrismaClient } from '../db/generated/prisma/client.js';
import { encodeCursor, type Head } from './cursor.js';
import type { LogEvent } from './topic.js';

/** The most events of a single read: enough that a burst takes few reads, few enough to be held in memory for many streams. */
export const PAGE_SIZE = 500;

/** An event of any log; the topic's types tell what `kind` and `ref` may be. `epoch` is that of its head. */
export type AnyEvent = Omit<LogEvent<Record<string, unknown>>, 'carried'> & { readonly epoch: number; carried: object | null };

/** A row of the log with the epoch of its head. */
export interface Committed {
  readonly seq: number;
  readonly kind: string;
  readonly ref: unknown;
  readonly at: Date;
  readonly epoch: number;
  /** The rows carried by an event that this process has just committed. */
  readonly carried?: object | null;
}

export const toEvent = (topic: string, key: string, { seq, kind, ref, at, epoch, carried = null }: Committed): AnyEvent => ({
  seq,
  kind,
  ref,
  at,
  epoch,
  topic,
  key,
  carried,
  cursor: encodeCursor(topic, key, { epoch, seq }),
});

/** The events of a stream after `seq`, in order and without a gap, as many as `limit` says. */
export const readEvents = async (prisma: PrismaClient, topic: string, key: string, seq: number, limit = PAGE_SIZE): Promise<AnyEvent[]> => {
  const rows = await prisma.$queryRaw<Committed[]>`
    SELECT event.seq, event.kind, event.ref, event.at, head.epoch
    FROM event JOIN head ON head.topic = event.topic AND head.key = event.key
    WHERE event.topic = ${topic} AND event.key = ${key} AND event.seq > ${seq} ORDER BY event.seq LIMIT ${limit}`;
  return rows.map((row) => toEvent(topic, key, row));
};

/** The events of a stream from a position on, including the event at that position. */
export interface Continuation {
  readonly head: Head;
  readonly events: AnyEvent[];
}

/**
 * The head and the events of a stream from `seq` on, in order and without a gap, by one statement; at most {@link PAGE_SIZE} and one. Null
 * for a stream without a head.
 */
export const readContinuation = async (prisma: PrismaClient, topic: string, key: string, seq: number): Promise<Continuation | null> => {
  const rows = await prisma.$queryRaw<(Head & (Committed | { readonly seq: null }))[]>`
    SELECT head.epoch, head.last_seq AS "lastSeq", head.oldest_seq AS "oldestSeq", event.seq, event.kind, event.ref, event.at
    FROM head LEFT JOIN LATERAL (
      SELECT seq, kind, ref, at FROM event WHERE event.topic = head.topic AND event.key = head.key AND event.seq >= ${seq} ORDER BY seq LIMIT ${PAGE_SIZE + 1}
    ) event ON true
    WHERE head.topic = ${topic} AND head.key = ${key} ORDER BY event.seq`;
  const [head] = rows;
  if (head === undefined) return null;
  return { head, events: rows.flatMap((row) => (row.seq === null ? [] : [toEvent(topic, key, row)])) };
};

/** Reads as {@link readContinuation} does. */
export type ReadOn = (topic: string, key: string, seq: number) => Promise<Continuation | null>;

/**
 * Creates a reader that answers all callers who ask for the same while it is read by the next read of it. After a restart, thousands resume a
 * stream from about the same place. What it gives is never older than the call.
 */
export const createReadOn = (prisma: PrismaClient): ReadOn => {
  const read = createCoalescer<number, Continuation | null>(async (id, [seq = 0]) => {
    const [topic = '', key = ''] = id.split('\0');
    return await readContinuation(prisma, topic, key, seq);
  }, Infinity);
  return (topic, key, seq) => read(`${idOf(topic, key)}\0${seq}`, seq);
};

/** The events behind the position from which a continuation was read. */
export const eventsBehind = (seq: number, continuation: Continuation | null): readonly AnyEvent[] => {
  const { events } = continuation ?? { events: [] };
  return events[0]?.seq === seq ? events.slice(1) : events;
};

/**
 * What the events of a stream after `seq` are about: the distinct values that their refs have under a name, the latest first, as many as `limit`
 * says.
 */
export const readSubjects = async (
  prisma: PrismaClient,
  {
    topic,
    key,
    seq,
    name,
    limit,
  }: { readonly topic: string; readonly key: string; readonly seq: number; readonly name: string; readonly limit: number },
): Promise<string[]> => {
  const rows = await prisma.$queryRaw<{ readonly value: string }[]>`
    SELECT ref->>${name}::text AS value FROM event
    WHERE topic = ${topic} AND key = ${key} AND seq > ${seq} AND ref->>${name}::text IS NOT NULL
    GROUP BY value ORDER BY max(seq) DESC LIMIT ${limit}`;
  return rows.map(({ value }) => value);
};

/** The head of a stream; null while it has no event. */
export const readHead = async (prisma: Pick<PrismaClient, '$queryRaw'>, topic: string, key: string): Promise<Head | null> => {
  const [head] = await prisma.$queryRaw<Head[]>`
    SELECT epoch, last_seq AS "lastSeq", oldest_seq AS "oldestSeq" FROM head WHERE topic = ${topic} AND key = ${key}`;
  return head ?? null;
};

/** The most heads that {@link createHeadLookup} reads by one statement. */
const MOST_TOGETHER = 1_000;

/**
 * Creates a lookup of heads like {@link readHead}, which answers all callers who ask while a statement runs by the next one. A head is never
 * older than the call.
 */
export const createHeadLookup = (prisma: PrismaClient): ((topic: string, key: string) => Promise<Head | null>) => {
  const find = createCoalescer<{ readonly topic: string; readonly key: string }, ReadonlyMap<string, Head>>(async (_all, wanted) => {
    const rows = await prisma.$queryRaw<(Head & { readonly topic: string; readonly key: string })[]>`
      SELECT head.topic, head.key, head.epoch, head.last_seq AS "lastSeq", head.oldest_seq AS "oldestSeq"
      FROM (SELECT DISTINCT topic, key FROM unnest(${wanted.map(({ topic }) => topic)}::text[], ${wanted.map(({ key }) => key)}::text[]) AS wanted(topic, key)) wanted
      JOIN head ON head.topic = wanted.topic AND head.key = wanted.key`;
    return new Map(rows.map(({ topic, key, ...head }) => [idOf(topic, key), head]));
  }, MOST_TOGETHER);
  return async (topic, key) => (await find('', { topic, key })).get(idOf(topic, key)) ?? null;
};

const idOf = (topic: string, key: string): string => `${topic}\0${key}`;

/** The heads of many streams of a topic by key, in one statement. Streams without a head are absent. */
export const readHeads = async (prisma: PrismaClient, topic: string, keys: readonly string[]): Promise<ReadonlyMap<string, Head>> => {
  const rows = await prisma.head.findMany({
    where: { topic, key: { in: [...keys] } },
    select: { key: true, epoch: true, lastSeq: true, oldestSeq: true },
  });
  return new Map(rows.map((row) => [row.key, row]));
};

/**
 * A JOIN for statements of the domains that read rows together with the heads of their streams, so that row and version are consistent. It
 * adds `head` with its columns `epoch` and `last_seq`, which are null for a stream without any event.
 * @param key the stream's key, as SQL
 */
export const joinHead = (topic: string, key: Prisma.Sql): Prisma.Sql =>
  Prisma.sql`LEFT JOIN head ON head.topic = ${topic} AND head.key = ${key}`;

/** The version of a state value, for a statement with {@link joinHead}. */
export const HEAD_VERSION = Prisma.sql`coalesce(head.last_seq, 0)`;

/** Stands for null in arrays of SQL: epochs and times are never negative. */
const UNKNOWN = -1;

/** The position up to which a stream was read, with what identifies its history; null where it is unknown. */
export interface KnownHead {
  readonly seq: number;
  readonly epoch: number | null;
  /** When the event `seq` was numbered, in milliseconds. */
  readonly at: number | null;
}

/**
 * Those of the given streams whose head differs from what is known, in one statement: streams that have grown, streams that went back (a
 * database that lost its last commits) and streams with another epoch.
 */
export const readMoved = async (
  prisma: PrismaClient,
  streams: readonly (KnownHead & { readonly topic: string; readonly key: string })[],
): Promise<{ topic: string; key: string; seq: number }[]> =>
  streams.length === 0
    ? []
    : await prisma.$queryRaw`
        SELECT known.topic, known.key, coalesce(head.last_seq, 0) AS seq
        FROM unnest(
          ${streams.map(({ topic }) => topic)}::text[], ${streams.map(({ key }) => key)}::text[], ${streams.map(({ seq }) => seq)}::int[],
          ${streams.map(({ epoch }) => epoch ?? UNKNOWN)}::int[], ${streams.map(({ at }) => at ?? UNKNOWN)}::float8[]
        ) AS known(topic, key, seq, epoch, at)
        LEFT JOIN head ON head.topic = known.topic AND head.key = known.key
        WHERE coalesce(head.last_seq, 0) <> known.seq
          OR known.epoch <> ${UNKNOWN} AND head.epoch <> known.epoch
          OR known.at <> ${UNKNOWN} AND (extract(epoch FROM head.last_at) * 1000)::float8 <> known.at`;

/**
 * Identifies the physical database: the value changes with a restore, a clone and a promotion. The timeline is taken from the current WAL,
 * because after a promotion the control file has the previous one until the next checkpoint. Null on a standby, which cannot be written.
 */
const IDENTITY = Prisma.sql`CASE WHEN NOT pg_is_in_recovery() THEN concat_ws(':', (SELECT system_identifier FROM pg_control_system()),
  ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int,
  (SELECT oid FROM pg_database WHERE datname = current_database())) END`;
const RECOGNISE = Prisma.sql`SELECT ${IDENTITY} AS present, (SELECT identity FROM database_identity WHERE id = 1) AS known`.text;

/** A new connection. */
export interface NewConnection {
  readonly query: (sql: string, values?: unknown[]) => Promise<{ readonly rows: readonly unknown[] }>;
}

/**
 * Checks which database a new connection has reached, before its first statement. A failover breaks all connections, so no statement can
 * write to another history under an old epoch.
 * @returns whether the database is another one than before; then every head has got a new epoch
 */
export const recogniseDatabase = async ({ query }: NewConnection): Promise<boolean> => {
  const { rows } = await query(RECOGNISE);
  const [{ present, known } = { present: null, known: null }] = rows as readonly { present: string | null; known: string | null }[];
  // A database without a stored identity gets it at the start of a server.
  if (present === null || known === null || present === known) return false;
  await query('BEGIN');
  try {
    const written = await query('UPDATE database_identity SET identity = $1 WHERE id = 1 AND identity <> $1 RETURNING id', [present]);
    // Another process may have renewed the epochs first.
    if (written.rows.length > 0) await query('UPDATE head SET epoch = floor(random() * 2147483647)::int');
    await query('COMMIT');
    return written.rows.length > 0;
  } catch (error) {
    await query('ROLLBACK');
    throw error;
  }
};

/**
 * Gives every head a new epoch when this is not the database in which its cursors were made: a restored backup, a clone or a promoted
 * standby may lack events that clients have seen. Call it at start, before serving.
 * @returns whether the database was another one
 */
export const renewEpochsAfterRestore = async ({ transact }: Pick<Database, 'transact'>): Promise<boolean> =>
  await transact(async (tx) => {
    const [{ identity }] = await tx.$queryRaw<[{ identity: string | null }]>`SELECT ${IDENTITY} AS identity`;
    if (identity === null) return false;
    // The INSERT waits for a process that does the same concurrently; then one of them finds nothing to do.
    const [written] = await tx.$queryRaw<{ renewed: boolean }[]>`
      INSERT INTO database_identity (id, identity) VALUES (1, ${identity})
      ON CONFLICT (id) DO UPDATE SET identity = excluded.identity WHERE database_identity.identity <> excluded.identity
      RETURNING xmax <> 0 AS renewed`;
    if (written?.renewed !== true) return false;
    await tx.$executeRaw(Prisma.sql`UPDATE head SET epoch = floor(random() * 2147483647)::int`);
    return true;
  });
