import type { Database } from '../../db/database.js';
import { Prisma, type PresenceStatus, type PrismaClient } from '../../db/generated/prisma/client.js';
import type { Tx } from '../../db/transact.js';
import { usersAmong } from '../account/account.js';
import { presenceTopic } from './topics.js';

/**
 * The SQL of presence. What is true of a user is decided under the lock of the user's row in `presence`, so that it is decided once,
 * however many processes write at the same time:
 *
 * - a device is written or removed only by a transaction that holds that lock;
 * - `offline_due` is set exactly while a user who is not OFFLINE has no device;
 * - OFFLINE is left only by a device that comes, for ONLINE, and entered only by a grace that ends;
 * - between ONLINE and AWAY the user's word alone decides, and neither devices nor their grace hear of it;
 * - an event is emitted exactly when the status changes.
 *
 * Locks are taken in the order lease, users by id, heads, so no two of these transactions block each other. All times are the
 * database's: the clocks of the processes need not agree.
 */

export interface Lease {
  readonly processId: string;
  /** How long a lease holds after its renewal, in milliseconds. */
  readonly leaseMs: number;
  /** How long a user whose last device has left may stay away, in milliseconds. */
  readonly graceMs: number;
}

export interface UserDevices {
  readonly userId: string;
  /** The devices that the process has of this user now. */
  readonly deviceIds: readonly string[];
}

/** Users that one transaction turns OFFLINE at most: each is a head that it holds locked. */
const SWEEP_SIZE = 500;

const milliseconds = (count: number): Prisma.Sql => Prisma.sql`(${count}::float8 * interval '1 millisecond')`;
const NOW = Prisma.sql`clock_timestamp()`;

/** Gives the process its lease, again if it has lost it. */
export const register = async (prisma: PrismaClient, { processId, leaseMs }: Lease): Promise<void> => {
  await prisma.$executeRaw`
    INSERT INTO presence_lease (process_id, expires_at) VALUES (${processId}::uuid, ${NOW} + ${milliseconds(leaseMs)})
    ON CONFLICT (process_id) DO UPDATE SET expires_at = excluded.expires_at`;
};

export interface Renewal {
  /** Whether the lease was still there; if not, another process has reaped it. */
  readonly alive: boolean;
  /** Whether there are leases of other processes to reap. */
  readonly expired: boolean;
  /** How long the next of the others' leases still holds, in milliseconds; null when there is none. */
  readonly nextExpiryMs: number | null;
  /** Whether there are users to turn OFFLINE. */
  readonly due: boolean;
}

/** Renews the lease and looks, in the same statement, whether there is anything to do for others. */
export const renew = async (prisma: PrismaClient, { processId, leaseMs }: Lease): Promise<Renewal> => {
  const [renewal] = await prisma.$queryRaw<[Renewal]>`
    WITH renewed AS (
      UPDATE presence_lease SET expires_at = ${NOW} + ${milliseconds(leaseMs)} WHERE process_id = ${processId}::uuid RETURNING 1
    ), other AS (
      SELECT extract(epoch FROM expires_at - ${NOW})::float8 * 1000 AS left_ms FROM presence_lease WHERE process_id <> ${processId}::uuid
    )
    SELECT EXISTS (SELECT FROM renewed) AS alive,
      EXISTS (SELECT FROM other WHERE left_ms <= 0) AS expired,
      (SELECT min(left_ms) FROM other WHERE left_ms > 0) AS "nextExpiryMs",
      EXISTS (SELECT FROM presence WHERE offline_due <= ${NOW}) AS due`;
  return renewal;
};

/**
 * Writes which devices the process has of each user, and what follows from it: the first device of an OFFLINE user anywhere makes
 * them ONLINE, the last one anywhere that leaves starts their grace, one that comes within it ends the grace. Writing the same again
 * changes nothing.
 * @returns `reaped`, with nothing written, when the process has no lease; `leaving` when a grace has begun
 */
export const writeDevices = (db: Database, lease: Lease, users: readonly UserDevices[]): Promise<'reaped' | 'leaving' | 'settled'> =>
  db.transact(async (tx) => {
    // It keeps the lease from being reaped until the commit, but not from being renewed.
    const held = await tx.$queryRaw<unknown[]>`
      SELECT 1 FROM presence_lease WHERE process_id = ${lease.processId}::uuid FOR KEY SHARE`;
    if (held.length === 0) return 'reaped';
    await lockUsers(
      tx,
      users.map(({ userId }) => userId),
    );
    // Joined with the rows just locked: a user who has been deleted has none.
    await tx.$executeRaw`
      WITH given AS (
        SELECT user_id, device_ids
        FROM jsonb_to_recordset(${JSON.stringify(users.map(({ userId, deviceIds }) => ({ user_id: userId, device_ids: deviceIds })))}::jsonb)
          AS given(user_id uuid, device_ids text[])
        JOIN presence USING (user_id)
      ), gone AS (
        DELETE FROM presence_device USING given
        WHERE presence_device.process_id = ${lease.processId}::uuid AND presence_device.user_id = given.user_id AND given.device_ids = '{}'
      )
      INSERT INTO presence_device (process_id, user_id, device_ids, devices)
      SELECT ${lease.processId}::uuid, user_id, device_ids, cardinality(device_ids) FROM given WHERE device_ids <> '{}'
      ON CONFLICT (process_id, user_id) DO UPDATE SET device_ids = excluded.device_ids, devices = excluded.devices`;
    await arrive(
      tx,
      users.filter(({ deviceIds }) => deviceIds.length > 0).map(({ userId }) => userId),
    );
    const leaving = await depart(
      tx,
      lease,
      users.filter(({ deviceIds }) => deviceIds.length === 0).map(({ userId }) => userId),
      NOW,
    );
    return leaving === null ? 'settled' : 'leaving';
  });

/** Gives the process's devices back and ends its lease; the grace lets their users come back to another process. */
export const release = async (db: Database, lease: Lease): Promise<void> => {
  await db.transact(async (tx) => {
    await tx.$queryRaw`SELECT 1 FROM presence_lease WHERE process_id = ${lease.processId}::uuid FOR UPDATE`;
    await endLease(tx, lease, lease.processId, NOW);
  });
};

/** A process whose lease has ended, and how long the grace of the last of its users still lasts, in milliseconds; 0 when it is over. */
export interface Reaped {
  readonly processId: string;
  readonly graceMs: number;
}

/**
 * Ends the lease of one process that has not renewed it, with its devices. Its users' grace counts from the last sign of life, so
 * unless the grace is longer than the lease they are due at once: the lease was the wait. A user who had a device elsewhere meanwhile
 * has the grace that began when that one left.
 * @returns null when no lease has expired or others are dealing with them
 */
export const reapOne = (db: Database, lease: Lease): Promise<Reaped | null> =>
  db.transact(async (tx) => {
    const [dead] = await tx.$queryRaw<{ processId: string; expiresAt: Date }[]>`
      SELECT process_id AS "processId", expires_at AS "expiresAt" FROM presence_lease
      WHERE expires_at <= ${NOW} AND process_id <> ${lease.processId}::uuid
      ORDER BY expires_at LIMIT 1 FOR UPDATE SKIP LOCKED`;
    if (!dead) return null;
    const graceMs = await endLease(
      tx,
      lease,
      dead.processId,
      Prisma.sql`(${dead.expiresAt}::timestamptz - ${milliseconds(lease.leaseMs)})`,
    );
    return { processId: dead.processId, graceMs: graceMs ?? 0 };
  });

/**
 * Turns users OFFLINE whose grace is over, each exactly once whoever else does the same at the same time.
 * @returns whether there may be more of them
 */
export const sweep = (db: Database): Promise<boolean> =>
  db.transact(async (tx) => {
    // Whoever has come back, or was swept by another process, while this waits for a lock is not due any more and left out.
    const due = await tx.$queryRaw<{ userId: string }[]>`
      SELECT user_id AS "userId" FROM presence WHERE offline_due <= ${NOW} ORDER BY user_id LIMIT ${SWEEP_SIZE} FOR UPDATE`;
    if (due.length === 0) return false;
    const userIds = due.map(({ userId }) => userId);
    await tx.$executeRaw`UPDATE presence SET status = 'OFFLINE', offline_due = NULL WHERE user_id = ANY(${userIds}::uuid[])`;
    for (const userId of userIds) tx.emit(presenceTopic, userId);
    return due.length === SWEEP_SIZE;
  });

/**
 * Writes what a user says of themselves. Within the grace they are still here for everyone, so their word counts; when it ends they
 * turn OFFLINE all the same. Saying the same again changes nothing.
 * @returns false, with nothing written, when the user is OFFLINE
 */
export const declare = (db: Database, userId: string, status: Exclude<PresenceStatus, 'OFFLINE'>): Promise<boolean> =>
  db.transact(async (tx) => {
    // Whoever turns the user OFFLINE or ONLINE at this moment is waited for: what they leave behind decides.
    const [present] = await tx.$queryRaw<{ status: PresenceStatus }[]>`
      SELECT status FROM presence WHERE user_id = ${userId}::uuid FOR UPDATE`;
    if (present === undefined || present.status === 'OFFLINE') return false;
    if (present.status === status) return true;
    await tx.$executeRaw`UPDATE presence SET status = ${status}::presence_status WHERE user_id = ${userId}::uuid`;
    tx.emit(presenceTopic, userId);
    return true;
  });

/**
 * Locks the users' rows in the order of their ids, making those that are missing. A row that an upsert's condition rejects is left
 * as it is, but locked: so making and locking are one pass in one order.
 */
const lockUsers = async (tx: Tx, userIds: readonly string[]): Promise<void> => {
  await tx.$executeRaw`
    INSERT INTO presence (user_id, status)
    SELECT id, 'OFFLINE' FROM ${usersAmong(userIds)} known ORDER BY id
    ON CONFLICT (user_id) DO UPDATE SET status = presence.status WHERE false`;
};

/** The users, locked before, have a device. */
const arrive = async (tx: Tx, userIds: readonly string[]): Promise<void> => {
  if (userIds.length === 0) return;
  const arrived = await tx.$queryRaw<{ userId: string }[]>`
    UPDATE presence SET status = 'ONLINE', offline_due = NULL
    WHERE user_id = ANY(${userIds}::uuid[]) AND status = 'OFFLINE' RETURNING user_id AS "userId"`;
  for (const { userId } of arrived) tx.emit(presenceTopic, userId);
  await tx.$executeRaw`
    UPDATE presence SET offline_due = NULL WHERE user_id = ANY(${userIds}::uuid[]) AND offline_due IS NOT NULL`;
};

/**
 * Devices of the users, locked before, have been removed: those without any other begin their grace. It counts from the later of all
 * ends, whichever is heard of first: A dies with a device of Ada's, her next one leaves B, and only then does A's lease run out: her grace
 * began when she left B. So each end is written down, also while another device is counted.
 * @returns how long the longest of the graces that have begun lasts from now, in milliseconds; null when none has
 */
const depart = async (tx: Tx, { graceMs }: Lease, userIds: readonly string[], leftAt: Prisma.Sql): Promise<number | null> => {
  if (userIds.length === 0) return null;
  const rows = await tx.$queryRaw<{ leftMs: number | null }[]>`
    WITH departed AS (
      SELECT user_id, greatest(${leftAt}, CASE WHEN last_seen_at < ${NOW} THEN last_seen_at END) AS left_at,
        EXISTS (SELECT FROM presence_device WHERE presence_device.user_id = presence.user_id) AS is_here
      FROM presence
      WHERE user_id = ANY(${userIds}::uuid[]) AND status <> 'OFFLINE' AND offline_due IS NULL
    )
    UPDATE presence SET last_seen_at = left_at, offline_due = CASE WHEN NOT is_here THEN left_at + ${milliseconds(graceMs)} END
    FROM departed WHERE presence.user_id = departed.user_id
    RETURNING extract(epoch FROM presence.offline_due - ${NOW})::float8 * 1000 AS "leftMs"`;
  const graces = rows.flatMap(({ leftMs }) => (leftMs === null ? [] : [Math.max(0, leftMs)]));
  return graces.length === 0 ? null : Math.max(...graces);
};

/** Ends a lease, locked before, with its devices. @returns what {@link depart} does */
const endLease = async (tx: Tx, lease: Lease, processId: string, leftAt: Prisma.Sql): Promise<number | null> => {
  const devices = await tx.$queryRaw<{ userId: string }[]>`
    SELECT user_id AS "userId" FROM presence_device WHERE process_id = ${processId}::uuid`;
  const userIds = devices.map(({ userId }) => userId);
  await lockUsers(tx, userIds);
  await tx.$executeRaw`DELETE FROM presence_lease WHERE process_id = ${processId}::uuid`;
  return await depart(tx, lease, userIds, leftAt);
};
