import type { Database } from '../db/database.js';
import type { Prisma } from '../db/generated/prisma/client.js';
import type { Tx } from '../db/transact.js';

interface Log {
  readonly name: string;
}

/** The most events that one transaction removes: it blocks new events of the stream meanwhile. */
const REMOVED_AT_ONCE = 1_000;
/** The most streams that one statement returns. */
const STREAMS_AT_ONCE = 1_000;

/** Locks the head of a stream, so that other transactions cannot emit to it until this one ends. */
export const lockHead = async (tx: Tx, { name }: Log, key: string): Promise<void> => {
  await tx.$executeRaw`SELECT 1 FROM head WHERE topic = ${name} AND key = ${key} FOR NO KEY UPDATE`;
};

/**
 * Deletes the events of a log that are older than `ageMs`, in all streams, and moves `oldest_seq`: an older cursor is CURSOR_EXPIRED from
 * then on. Subscribers beyond it are not affected.
 * @param ageMs in milliseconds of the database's clock
 */
export const pruneLog = async (db: Database, log: Log, ageMs: number): Promise<void> => {
  let keys: readonly { readonly key: string }[];
  let after = '';
  do {
    keys = await db.prisma.$queryRaw`
      SELECT head.key FROM head
      JOIN event ON event.topic = head.topic AND event.key = head.key AND event.seq = head.oldest_seq
      WHERE head.topic = ${log.name} AND head.key > ${after} AND event.at < now() - ${ageMs} * interval '1 millisecond'
      ORDER BY head.key LIMIT ${STREAMS_AT_ONCE}`;
    for (const { key } of keys) {
      while ((await pruneStream(db, log, key, ageMs)) === REMOVED_AT_ONCE);
      after = key;
    }
  } while (keys.length === STREAMS_AT_ONCE);
};

/**
 * Deletes the events before the first one that is young enough. It is always a prefix of the stream, even if the clock was set back between
 * two events.
 */
const pruneStream = (db: Database, log: Log, key: string, ageMs: number): Promise<number> =>
  db.transact(async (tx) => {
    await lockHead(tx, log, key);
    return await tx.$executeRaw`
      WITH old AS (
        SELECT seq, bool_and(at < now() - ${ageMs} * interval '1 millisecond') OVER (ORDER BY seq) AS goes
        FROM (
          SELECT seq, at FROM event WHERE topic = ${log.name} AND key = ${key} ORDER BY seq LIMIT ${REMOVED_AT_ONCE}
        ) oldest
      ), moved AS (
        UPDATE head SET oldest_seq = last.seq + 1 FROM (SELECT max(seq) AS seq FROM old WHERE goes) last
        WHERE topic = ${log.name} AND key = ${key} AND last.seq IS NOT NULL
      )
      DELETE FROM event USING old WHERE event.topic = ${log.name} AND event.key = ${key} AND event.seq = old.seq AND old.goes`;
  });

/** A query for streams of a log. */
export interface StreamQuery {
  /** An SQL condition on `head.key` and `head.oldest_seq`. */
  readonly where: Prisma.Sql;
  /** The key after which the page begins; empty for the first page. */
  readonly after: string;
  readonly limit: number;
}

/** The streams of a log that match a condition, ordered by key, with the oldest seq that each keeps. One statement. */
export const findStreams = async (
  { prisma }: Database,
  log: Log,
  { where, after, limit }: StreamQuery,
): Promise<readonly { readonly key: string; readonly oldestSeq: number }[]> =>
  await prisma.$queryRaw`
    SELECT head.key, head.oldest_seq AS "oldestSeq" FROM head
    WHERE head.topic = ${log.name} AND head.key > ${after} AND ${where}
    ORDER BY head.key LIMIT ${limit}`;

/**
 * Changes the kind of events of a stream, for readers who replay them later, because what they told of no longer exists. Their seqs do not
 * change.
 * @param which an SQL condition on `topic`, `kind` and `ref` that names the topic as a literal, since a partial index matches literals only
 */
export const retell = async (tx: Tx, key: string, which: Prisma.Sql, kind: string): Promise<void> => {
  await tx.$executeRaw`UPDATE event SET kind = ${kind} WHERE key = ${key} AND ${which}`;
};

/** The distinct refs of events of a stream. @param which as for {@link retell} */
export const readRefs = async <Ref extends object>(tx: Tx, key: string, which: Prisma.Sql): Promise<Ref[]> => {
  const rows = await tx.$queryRaw<{ readonly ref: Ref }[]>`SELECT DISTINCT ref FROM event WHERE key = ${key} AND ${which}`;
  return rows.map(({ ref }) => ref);
};

/**
 * Forgets streams altogether, with their events and heads. Nobody may follow them any more: a cursor of theirs is CURSOR_EXPIRED, and a stream that began
 * again under such a key would begin anew.
 */
export const forgetStreams = async (tx: Tx, topics: readonly Log[], keys: readonly string[]): Promise<void> => {
  const names = topics.map(({ name }) => name);
  await tx.$executeRaw`DELETE FROM event WHERE topic = ANY(${names}::text[]) AND key = ANY(${[...keys]}::text[])`;
  await tx.$executeRaw`DELETE FROM head WHERE topic = ANY(${names}::text[]) AND key = ANY(${[...keys]}::text[])`;
};
