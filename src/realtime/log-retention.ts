import type { Database } from '../db/database.js';
import type { Prisma } from '../db/generated/prisma/client.js';
import type { Tx } from '../db/transact.js';

interface Log {
  readonly name: string;
}

/** Events that one transaction removes at most: their stream takes no new ones meanwhile. */
const REMOVED_AT_ONCE = 1_000;
/** Streams that are found by one statement. */
const STREAMS_AT_ONCE = 1_000;

/** Nothing is emitted to a stream by others until the transaction ends. */
export const lockHead = async (tx: Tx, { name }: Log, key: string): Promise<void> => {
  await tx.$executeRaw`SELECT 1 FROM head WHERE topic = ${name} AND key = ${key} FOR NO KEY UPDATE`;
};

/**
 * Removes the events of a log that are older than this, in all of its streams, and moves `oldest_seq` with them: a cursor below it is
 * CURSOR_EXPIRED from then on. Those who are beyond notice nothing.
 * @param ageMs in milliseconds of the database's time
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
 * What goes is what lies before the first event that is young enough, so it is a beginning of the stream, even where the clock was set
 * back between two events.
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

/** Some of the streams of a log. */
export interface StreamQuery {
  /** A condition in SQL on `head.key` and `head.oldest_seq`. */
  readonly where: Prisma.Sql;
  /** The key before them; empty for the first. */
  readonly after: string;
  readonly limit: number;
}

/** The streams of a log of which a condition is true, in the order of their keys, with the lowest seq that each still keeps. One statement. */
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
 * Gives events of one stream another kind, for those who read them from here: what they told of is no more. Their places stay.
 * @param which a condition in SQL on `topic`, `kind` and `ref`, which names the topic: a partial index is found by literals alone
 */
export const retell = async (tx: Tx, key: string, which: Prisma.Sql, kind: string): Promise<void> => {
  await tx.$executeRaw`UPDATE event SET kind = ${kind} WHERE key = ${key} AND ${which}`;
};

/** What events of one stream carry, each once. @param which as for {@link retell} */
export const readRefs = async <Ref extends object>(tx: Tx, key: string, which: Prisma.Sql): Promise<Ref[]> => {
  const rows = await tx.$queryRaw<{ readonly ref: Ref }[]>`SELECT DISTINCT ref FROM event WHERE key = ${key} AND ${which}`;
  return rows.map(({ ref }) => ref);
};
