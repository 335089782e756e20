import { createCoalescer } from '../db/coalesce.js';
import { Prisma, type PrismaClient } from '../db/generated/prisma/client.js';
import { encodeCursor, type Head } from './cursor.js';
import type { LogEvent } from './topic.js';

/** Events a single read returns at most: enough that a burst costs few reads, few enough to hold in memory for many streams. */
export const PAGE_SIZE = 500;

/** An event of any log; the topic's own types tell what `kind` and `ref` may be. `epoch` is its head's. */
export type AnyEvent = Omit<LogEvent<Record<string, unknown>>, 'carried'> & { readonly epoch: number; carried: object | null };

/** What a row of the log says, with the epoch of its head. */
export interface Committed {
  readonly seq: number;
  readonly kind: string;
  readonly ref: unknown;
  readonly at: Date;
  readonly epoch: number;
  /** Of an event that was committed just now, here. */
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

/** The events of one stream after `seq`, in order, without a gap; at most {@link PAGE_SIZE}. */
export const readEvents = async (prisma: PrismaClient, topic: string, key: string, seq: number): Promise<AnyEvent[]> => {
  const rows = await prisma.$queryRaw<Committed[]>`
    SELECT event.seq, event.kind, event.ref, event.at, head.epoch
    FROM event JOIN head ON head.topic = event.topic AND head.key = event.key
    WHERE event.topic = ${topic} AND event.key = ${key} AND event.seq > ${seq} ORDER BY event.seq LIMIT ${PAGE_SIZE}`;
  return rows.map((row) => toEvent(topic, key, row));
};

/** What a stream has from a place on, that place's own event included. */
export interface Continuation {
  readonly head: Head;
  readonly events: AnyEvent[];
}

/**
 * The head and the events of one stream from `seq` on, in order, without a gap, by one statement; at most one more than {@link PAGE_SIZE}.
 * Null for a stream without a head.
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

/** Where one stream stands; null while nothing has been emitted to it. */
export const readHead = async (prisma: Pick<PrismaClient, 'head'>, topic: string, key: string): Promise<Head | null> =>
  await prisma.head.findUnique({ where: { topic_key: { topic, key } }, select: { epoch: true, lastSeq: true, oldestSeq: true } });

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

/** The heads of many streams of one topic in one statement, by key. Streams without a head are absent. */
export const readHeads = async (prisma: PrismaClient, topic: string, keys: readonly string[]): Promise<ReadonlyMap<string, Head>> => {
  const rows = await prisma.head.findMany({
    where: { topic, key: { in: [...keys] } },
    select: { key: true, epoch: true, lastSeq: true, oldestSeq: true },
  });
  return new Map(rows.map((row) => [row.key, row]));
};

/**
 * For a statement of a domain's own that reads rows together with the heads of their streams, so that what is read and where the stream stands
 * belong together. It adds `head`, with its `epoch` and `last_seq`: nulls for a stream without any event.
 * @param key the stream's key, as SQL
 */
export const joinHead = (topic: string, key: Prisma.Sql): Prisma.Sql =>
  Prisma.sql`LEFT JOIN head ON head.topic = ${topic} AND head.key = ${key}`;

/** The version of a state value whose head is joined. */
export const HEAD_VERSION = Prisma.sql`coalesce(head.last_seq, 0)`;

/** No epoch and no time is below 0. */
const UNKNOWN = -1;

/** Where a stream has been read up to, and by what one tells that this is still its history; null for what is not known. */
export interface KnownHead {
  readonly seq: number;
  readonly epoch: number | null;
  /** When the event of `seq` was numbered, in milliseconds. */
  readonly at: number | null;
}

/**
 * Every stream given whose head is not where it is said to stand, in one statement: one that has grown, one that has gone back, as a
 * database does that lost its last commits, and one that has another history.
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
 * Which physical database this is: it changes with a restore, a clone and a promotion. The timeline is that of what is written now: after a
 * promotion the control file names the one before until the next checkpoint. Null on a standby, where nothing can be written.
 */
const IDENTITY = `CASE WHEN NOT pg_is_in_recovery() THEN concat_ws(':', (SELECT system_identifier FROM pg_control_system()),
  ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int,
  (SELECT oid FROM pg_database WHERE datname = current_database())) END`;

/** A connection that has just been made. */
export interface NewConnection {
  readonly query: (sql: string, values?: unknown[]) => Promise<{ readonly rows: readonly unknown[] }>;
}

/**
 * Looks which database a new connection has come to, before anything else is asked of it: a failover breaks all connections, so nothing is
 * written to another history under an old epoch.
 * @returns whether it is another database than before; then every head has a new epoch
 */
export const recogniseDatabase = async ({ query }: NewConnection): Promise<boolean> => {
  const { rows } = await query(`SELECT ${IDENTITY} AS present, (SELECT identity FROM database_identity WHERE id = 1) AS known`);
  const [{ present, known } = { present: null, known: null }] = rows as readonly { present: string | null; known: string | null }[];
  // What has no identity yet gets it at a server's start.
  if (present === null || known === null || present === known) return false;
  await query('BEGIN');
  try {
    const written = await query('UPDATE database_identity SET identity = $1 WHERE id = 1 AND identity <> $1 RETURNING id', [present]);
    // Another process may have been faster.
    if (written.rows.length > 0) await query('UPDATE head SET epoch = floor(random() * 2147483647)::int');
    await query('COMMIT');
    return written.rows.length > 0;
  } catch (error) {
    await query('ROLLBACK');
    throw error;
  }
};

/**
 * Gives every head a new epoch when this is not the database its cursors were made in: a restored backup, a clone or a
 * promoted standby may lack events that clients have seen. Call it at start, before anything is served.
 * @returns whether the database was another one
 */
export const renewEpochsAfterRestore = async (prisma: PrismaClient): Promise<boolean> =>
  await prisma.$transaction(async (tx) => {
    const [{ identity }] = await tx.$queryRaw<[{ identity: string | null }]>`SELECT ${Prisma.raw(IDENTITY)} AS identity`;
    if (identity === null) return false;
    // The insert waits for a process that does the same at the same moment; then one of them finds nothing to do.
    const [written] = await tx.$queryRaw<{ renewed: boolean }[]>`
      INSERT INTO database_identity (id, identity) VALUES (1, ${identity})
      ON CONFLICT (id) DO UPDATE SET identity = excluded.identity WHERE database_identity.identity <> excluded.identity
      RETURNING xmax <> 0 AS renewed`;
    if (written?.renewed !== true) return false;
    await tx.$executeRaw(Prisma.sql`UPDATE head SET epoch = floor(random() * 2147483647)::int`);
    return true;
  });
