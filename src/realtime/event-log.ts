import { Prisma, type PrismaClient } from '../db/generated/prisma/client.js';
import { encodeCursor, type Head } from './cursor.js';
import type { LogEvent } from './topic.js';

/** Events a single read returns at most: enough that a burst costs few reads, few enough to hold in memory for many streams. */
export const PAGE_SIZE = 500;

/** An event of any log; the topic's own types tell what `kind` and `ref` may be. */
export type AnyEvent = LogEvent<Record<string, unknown>>;

/** What a row of the log says, with the epoch of its head. */
export interface Committed {
  readonly seq: number;
  readonly kind: string;
  readonly ref: unknown;
  readonly at: Date;
  readonly epoch: number;
}

export const toEvent = (topic: string, key: string, { epoch, ...row }: Committed): AnyEvent => ({
  ...row,
  topic,
  key,
  cursor: encodeCursor(topic, key, { epoch, seq: row.seq }),
});

/** The events of one stream after `seq`, in order, without a gap; at most {@link PAGE_SIZE}. */
export const readEvents = async (prisma: PrismaClient, topic: string, key: string, seq: number): Promise<AnyEvent[]> => {
  const rows = await prisma.$queryRaw<Committed[]>`
    SELECT event.seq, event.kind, event.ref, event.at, head.epoch
    FROM event JOIN head ON head.topic = event.topic AND head.key = event.key
    WHERE event.topic = ${topic} AND event.key = ${key} AND event.seq > ${seq} ORDER BY event.seq LIMIT ${PAGE_SIZE}`;
  return rows.map((row) => toEvent(topic, key, row));
};

/** Where one stream stands; null while nothing has been emitted to it. */
export const readHead = async (prisma: PrismaClient, topic: string, key: string): Promise<Head | null> =>
  await prisma.head.findUnique({ where: { topic_key: { topic, key } }, select: { epoch: true, lastSeq: true, oldestSeq: true } });

/** The heads of many streams of one topic in one statement, by key. Streams without a head are absent. */
export const readHeads = async (prisma: PrismaClient, topic: string, keys: readonly string[]): Promise<ReadonlyMap<string, Head>> => {
  const rows = await prisma.head.findMany({
    where: { topic, key: { in: [...keys] } },
    select: { key: true, epoch: true, lastSeq: true, oldestSeq: true },
  });
  return new Map(rows.map((row) => [row.key, row]));
};

/** The last seq of every stream given that has grown beyond the seq given with it, in one statement. */
export const readGrown = async (
  prisma: PrismaClient,
  streams: readonly { readonly topic: string; readonly key: string; readonly seq: number }[],
): Promise<{ topic: string; key: string; seq: number }[]> =>
  streams.length === 0
    ? []
    : await prisma.$queryRaw`
        SELECT head.topic, head.key, head.last_seq AS seq
        FROM unnest(
          ${streams.map(({ topic }) => topic)}::text[], ${streams.map(({ key }) => key)}::text[], ${streams.map(({ seq }) => seq)}::int[]
        ) AS known(topic, key, seq)
        JOIN head ON head.topic = known.topic AND head.key = known.key
        WHERE head.last_seq > known.seq`;

/**
 * Gives every head a new epoch when this is not the database its cursors were made in: a restored backup, a clone or a
 * promoted standby may lack events that clients have seen. Call it at start, before anything is served.
 * @returns whether the database was another one
 */
export const renewEpochsAfterRestore = async (prisma: PrismaClient): Promise<boolean> =>
  await prisma.$transaction(async (tx) => {
    const [{ identity }] = await tx.$queryRaw<[{ identity: string }]>`
      SELECT concat_ws(':', (SELECT system_identifier FROM pg_control_system()), (SELECT timeline_id FROM pg_control_checkpoint()),
        (SELECT oid FROM pg_database WHERE datname = current_database())) AS identity`;
    // The insert waits for a process that does the same at the same moment; then one of them finds nothing to do.
    const [written] = await tx.$queryRaw<{ renewed: boolean }[]>`
      INSERT INTO database_identity (id, identity) VALUES (1, ${identity})
      ON CONFLICT (id) DO UPDATE SET identity = excluded.identity WHERE database_identity.identity <> excluded.identity
      RETURNING xmax <> 0 AS renewed`;
    if (written?.renewed !== true) return false;
    await tx.$executeRaw(Prisma.sql`UPDATE head SET epoch = floor(random() * 2147483647)::int`);
    return true;
  });
