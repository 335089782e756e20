import type { Database } from '../../db/database.js';
import { Prisma, type PresenceStatus, type PrismaClient } from '../../db/generated/prisma/client.js';
import type { Tx } from '../../db/transact.js';
import { usersAmong } from '../account/account.js';
import { followedKey, keysSeeing, presenceTopic } from './topics.js';
import { isForFollowed, isSameView, viewOf, type View, type Visibility } from './visibility.js';

/**
 * The SQL of presence. A user's state is decided under the lock of their row in `presence`, so concurrent writers of several processes are
 * serialised. Invariants:
 *
 * - a device is written or removed only by a transaction that holds that lock;
 * - `offline_due` is set exactly while a user who is not OFFLINE has no device;
 * - a user leaves OFFLINE only by connecting a device, and then is ONLINE; they become OFFLINE only at the end of a grace;
 * - between ONLINE and AWAY only the user decides; neither devices nor the grace change it;
 * - an event is emitted exactly when what somebody is shown changes, under the keys of those who are shown it.
 *
 * Locks are taken in the order lease, users by id, heads, which prevents deadlocks. All times are the database's, so the clocks of the
 * processes may differ.
 */

export interface Lease {
  readonly processId: string;
  /** How long a lease lasts after its renewal, in milliseconds. */
  readonly leaseMs: number;
  /** The grace: how long a user stays as they are after their last device has disconnected, in milliseconds. */
  readonly graceMs: number;
}

export interface UserDevices {
  readonly userId: string;
  /** All devices of this user that are connected to the process now. */
  readonly deviceIds: readonly string[];
}

/** The most users that one transaction turns OFFLINE: it holds the lock of a head for each. */
const SWEEP_SIZE = 500;

const milliseconds = (count: number): Prisma.Sql => Prisma.sql`(${count}::float8 * interval '1 millisecond')`;
const NOW = Prisma.sql`clock_timestamp()`;

/** Creates the lease of the process, or creates it again after it was reaped. */
export const register = async (prisma: PrismaClient, { processId, leaseMs }: Lease): Promise<void> => {
  await prisma.$executeRaw`
    INSERT INTO presence_lease (process_id, expires_at) VALUES (${processId}::uuid, ${NOW} + ${milliseconds(leaseMs)})
    ON CONFLICT (process_id) DO UPDATE SET expires_at = excluded.expires_at`;
};

export interface Renewal {
  /** Whether the lease existed; if not, another process has reaped it. */
  readonly alive: boolean;
  /** Whether leases of other processes have expired. */
  readonly expired: boolean;
  /** How long until the next lease of another process expires, in milliseconds; null when there is none. */
  readonly nextExpiryMs: number | null;
  /** Whether users are due to turn OFFLINE. */
  readonly due: boolean;
}

/** Renews the lease and checks, in the same statement, whether anything is due. */
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
 * Writes the process's devices of each user and the resulting transitions: the first device of an OFFLINE user makes them ONLINE; removing
 * the last one starts the grace; a device that connects during the grace ends it. Writing the same state again changes nothing.
 * @returns `reaped`, with nothing written, when the process has no lease; `leaving` when a grace has begun
 */
export const writeDevices = (db: Database, lease: Lease, users: readonly UserDevices[]): Promise<'reaped' | 'leaving' | 'settled'> =>
  db.transact(async (tx) => {
    // A share lock on the lease keeps it from being reaped until the commit, but not from being renewed.
    const held = await tx.$queryRaw<unknown[]>`
      SELECT 1 FROM presence_lease WHERE process_id = ${lease.processId}::uuid FOR KEY SHARE`;
    if (held.length === 0) return 'reaped';
    await lockUsers(
      tx,
      users.map(({ userId }) => userId),
    );
    // Joined with the rows just locked: a deleted user has none.
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

/** Removes the process's devices and its lease; during the grace the users can reconnect to another process. */
export const release = async (db: Database, lease: Lease): Promise<void> => {
  await db.transact(async (tx) => {
    await tx.$queryRaw`SELECT 1 FROM presence_lease WHERE process_id = ${lease.processId}::uuid FOR UPDATE`;
    await endLease(tx, lease, lease.processId, NOW);
  });
};

/** The effect of reaping a lease: how long the last of its users' graces still lasts, in milliseconds; 0 when all are over. */
export interface Reaped {
  readonly processId: string;
  readonly graceMs: number;
}

/**
 * Removes one expired lease of another process, with its devices. The grace of its users is counted from the last renewal; unless the grace
 * is longer than the lease, they are due at once. A user who had a device on another process meanwhile has the grace that began when that
 * one disconnected.
 * @returns null when no lease has expired, or when other processes are handling those that have
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
 * Turns users OFFLINE whose grace is over; each exactly once, also when several processes do it.
 * @returns whether there may be more
 */
export const sweep = (db: Database): Promise<boolean> =>
  db.transact(async (tx) => {
    // Users who have reconnected, or were handled by another process while this one waited for a lock, no longer match the condition.
    const due = await tx.$queryRaw<{ userId: string }[]>`
      SELECT user_id AS "userId" FROM presence WHERE offline_due <= ${NOW} ORDER BY user_id LIMIT ${SWEEP_SIZE} FOR UPDATE`;
    if (due.length === 0) return false;
    const userIds = due.map(({ userId }) => userId);
    const gone = await tx.$queryRaw<Changed[]>`
      UPDATE presence SET status = 'OFFLINE', offline_due = NULL WHERE user_id = ANY(${userIds}::uuid[]) RETURNING ${WHO_AND_TO_WHOM}`;
    tellOf(tx, gone);
    return due.length === SWEEP_SIZE;
  });

/**
 * Sets the status that a user has chosen. It is possible during the grace, but at its end they become OFFLINE all the same. An unchanged
 * status emits no event.
 * @returns false, with nothing written, when the user is OFFLINE
 */
export const setStatus = (db: Database, userId: string, status: Exclude<PresenceStatus, 'OFFLINE'>): Promise<boolean> =>
  db.transact(async (tx) => {
    // The lock waits for concurrent transitions, whose result then decides.
    const [present] = await tx.$queryRaw<{ status: PresenceStatus }[]>`
      SELECT status FROM presence WHERE user_id = ${userId}::uuid FOR UPDATE`;
    if (present === undefined || present.status === 'OFFLINE') return false;
    if (present.status === status) return true;
    const changed = await tx.$queryRaw<Changed[]>`
      UPDATE presence SET status = ${status}::presence_status WHERE user_id = ${userId}::uuid RETURNING ${WHO_AND_TO_WHOM}`;
    tellOf(tx, changed);
    return true;
  });

/** The setting of whoever's presence is shown or hidden; each part that is left out stays. */
export type VisibilityChange = { readonly [Name in keyof Visibility]?: Visibility[Name] | null | undefined };

/**
 * Sets what others see of a user's presence, and tells those of it for whom something changes: whoever is hidden from them looks as if they had left.
 * @returns whether anything has changed, and whether the user shows more to whom they follow than to others, and did not before, or the other way round:
 *   then those follow another key
 */
export const setVisibility = async (
  tx: Tx,
  userId: string,
  change: VisibilityChange,
): Promise<{ readonly isChanged: boolean; readonly isMoved: boolean }> => {
  await lockUsers(tx, [userId]);
  const [before] = await tx.$queryRaw<(View & Visibility)[]>`
    SELECT status::text, last_seen_at AS "lastSeenAt", ${TO_WHOM} FROM presence WHERE user_id = ${userId}::uuid`;
  if (before === undefined) return { isChanged: false, isMoved: false };
  const after = {
    ...before,
    visibleTo: change.visibleTo ?? before.visibleTo,
    lastSeenVisibleTo: change.lastSeenVisibleTo ?? before.lastSeenVisibleTo,
    appearsOffline: change.appearsOffline ?? before.appearsOffline,
  };
  await tx.$executeRaw`
    UPDATE presence SET visible_to = ${after.visibleTo}::audience, last_seen_visible_to = ${after.lastSeenVisibleTo}::audience,
      appears_offline = ${after.appearsOffline} WHERE user_id = ${userId}::uuid`;
  for (const isFollowed of [false, true]) {
    if (isFollowed && !isForFollowed(after)) continue;
    if (!isSameView(viewOf(before, isFollowed), viewOf(after, isFollowed)))
      tx.emit(presenceTopic, isFollowed ? followedKey(userId) : userId);
  }
  const isChanged =
    before.visibleTo !== after.visibleTo ||
    before.lastSeenVisibleTo !== after.lastSeenVisibleTo ||
    before.appearsOffline !== after.appearsOffline;
  return { isChanged, isMoved: isForFollowed(before) !== isForFollowed(after) };
};

/**
 * Those among users who show more to whom they follow than to others; it stays so until the transaction ends. Example: A follows B while A begins to show
 * more to whom they follow: whichever comes second knows of the other, and B is shown it.
 */
export const showingFollowedMore = async (tx: Tx, ...userIds: readonly string[]): Promise<readonly string[]> => {
  const rows = await tx.$queryRaw<Changed[]>`
    SELECT ${WHO_AND_TO_WHOM} FROM presence WHERE user_id = ANY(${userIds}::uuid[]) ORDER BY user_id FOR SHARE`;
  return rows.filter(isForFollowed).map(({ userId }) => userId);
};

const TO_WHOM = Prisma.sql`visible_to::text AS "visibleTo", last_seen_visible_to::text AS "lastSeenVisibleTo", appears_offline AS "appearsOffline"`;
const WHO_AND_TO_WHOM = Prisma.sql`user_id AS "userId", ${TO_WHOM}`;

interface Changed extends Visibility {
  readonly userId: string;
}

/** Tells of changed statuses whoever is shown them. */
const tellOf = (tx: Tx, changed: readonly Changed[]): void => {
  for (const { userId, ...visibility } of changed) for (const key of keysSeeing(userId, visibility)) tx.emit(presenceTopic, key);
};

/**
 * Locks the users' rows in the order of their ids, and creates missing ones. An upsert also locks a row that its WHERE clause leaves
 * unchanged, so creating and locking is one pass in one order.
 */
const lockUsers = async (tx: Tx, userIds: readonly string[]): Promise<void> => {
  await tx.$executeRaw`
    INSERT INTO presence (user_id, status)
    SELECT id, 'OFFLINE' FROM ${usersAmong(userIds)} known ORDER BY id
    ON CONFLICT (user_id) DO UPDATE SET status = presence.status WHERE false`;
};

/** Applies the connecting of a device to users, whose rows are locked. */
const arrive = async (tx: Tx, userIds: readonly string[]): Promise<void> => {
  if (userIds.length === 0) return;
  const arrived = await tx.$queryRaw<Changed[]>`
    UPDATE presence SET status = 'ONLINE', offline_due = NULL
    WHERE user_id = ANY(${userIds}::uuid[]) AND status = 'OFFLINE' RETURNING ${WHO_AND_TO_WHOM}`;
  tellOf(tx, arrived);
  await tx.$executeRaw`
    UPDATE presence SET offline_due = NULL WHERE user_id = ANY(${userIds}::uuid[]) AND offline_due IS NOT NULL`;
};

/**
 * Applies the disconnecting of devices to users, whose rows are locked: those without another device begin their grace. The grace counts
 * from the latest disconnecting, in whatever order they become known. Example: process A dies with a device of Ada's; then her device on B
 * disconnects; A's lease expires only after that. Her grace began when she left B. Therefore every time of disconnecting is stored, also
 * while another device is connected.
 * @returns the longest of the begun graces, in milliseconds from now; null when none has begun
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

/** Removes a lease, which is locked, with its devices. @returns as {@link depart} */
const endLease = async (tx: Tx, lease: Lease, processId: string, leftAt: Prisma.Sql): Promise<number | null> => {
  const devices = await tx.$queryRaw<{ userId: string }[]>`
    SELECT user_id AS "userId" FROM presence_device WHERE process_id = ${processId}::uuid`;
  const userIds = devices.map(({ userId }) => userId);
  await lockUsers(tx, userIds);
  await tx.$executeRaw`DELETE FROM presence_lease WHERE process_id = ${processId}::uuid`;
  return await depart(tx, lease, userIds, leftAt);
};
