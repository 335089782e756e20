import type { Database } from '../../db/database.js';
import { isUnavailable, reasonOf } from '../../observability/failures.js';
import type { Log } from '../../observability/log.js';
import { reapOne, register, release, renew, sweep, writeDevices, type Lease } from './transitions.js';

/** The presence of the users who are connected to this process. */
export interface Presence {
  /**
   * Registers a socket of a user's device until the returned function is called; calling it again does nothing. Several sockets of one
   * device, also on different processes, count as one device. Both functions return at once; the database is written shortly after, or as
   * soon as it is available.
   */
  readonly enter: (userId: string, deviceId: string) => () => void;
  /** Releases the process's devices and stops all timers. Waits at most five seconds for the database. It may be called again. */
  readonly stop: () => Promise<void>;
}

export interface PresenceOptions {
  readonly db: Database;
  readonly log: Log;
  /** A UUID of this process. */
  readonly processId: string;
  /** How long a user stays ONLINE or AWAY after their last device has disconnected, in milliseconds. */
  readonly graceMs: number;
  /** How long a lease lasts after its renewal, in milliseconds; it is renewed three times as often. */
  readonly leaseMs: number;
}

/** How long changes are collected to be written together, in milliseconds. */
const BATCH_MS = 10;
/** The most users in one transaction, which locks them until its commit. */
const BATCH_SIZE = 500;
/**
 * How long after its due time something is checked, in milliseconds: timers may fire up to one millisecond early, and dates are rounded.
 */
const SLACK_MS = 3;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 1_000;
const STOP_TIMEOUT_MS = 5_000;

/**
 * Registers the process and starts its timers: renewal of the lease, reaping of leases of dead processes, and turning users OFFLINE after
 * their grace.
 * @throws when the database does not answer
 */
export const createPresence = async (options: PresenceOptions): Promise<Presence> => {
  const { db, log } = options;
  const lease: Lease = options;
  const { leaseMs, graceMs } = lease;
  /** The number of sockets by user and device. The database is always written from this full state, never by differences. */
  const devices = new Map<string, Map<string, number>>();
  /** Users whose devices in the database may differ from those here. */
  const unwritten = new Set<string>();
  const timers = new Set<NodeJS.Timeout>();
  const running = new Set<Promise<void>>();
  let stopping: Promise<void> | null = null;

  /** Logs a failure; when the database is unavailable at debug level only, because its health logs the outage once. */
  const tell = (error: unknown, what: string): void => log[isUnavailable(error) ? 'debug' : 'warn']({ reason: reasonOf(error) }, what);

  const run = (work: () => Promise<void>): void => {
    const done: Promise<void> = work().finally(() => running.delete(done));
    running.add(done);
  };
  const later = (delayMs: number, work: () => Promise<void>): void => {
    if (stopping !== null) return;
    const timer = setTimeout(() => {
      timers.delete(timer);
      run(work);
    }, delayMs);
    timer.unref();
    timers.add(timer);
  };

  // ---------------------------------------------------------------- writing

  let writing = false;
  let retryMs = FIRST_RETRY_MS;

  const change = (userId: string, deviceId: string, difference: 1 | -1): void => {
    const sockets = devices.get(userId) ?? new Map<string, number>();
    const before = sockets.get(deviceId) ?? 0;
    const count = before + difference;
    if (count > 0) sockets.set(deviceId, count);
    else sockets.delete(deviceId);
    if (sockets.size > 0) devices.set(userId, sockets);
    else devices.delete(userId);
    // Another tab of the same device changes nothing.
    if (before > 0 && count > 0) return;
    unwritten.add(userId);
    scheduleWriting(BATCH_MS);
  };

  const scheduleWriting = (delayMs: number): void => {
    if (writing || unwritten.size === 0) return;
    writing = true;
    later(delayMs, write);
  };

  const write = async (): Promise<void> => {
    const userIds = [...unwritten].slice(0, BATCH_SIZE);
    for (const userId of userIds) unwritten.delete(userId);
    let delayMs = BATCH_MS;
    try {
      const outcome = await writeDevices(
        db,
        lease,
        userIds.map((userId) => ({ userId, deviceIds: [...(devices.get(userId)?.keys() ?? [])] })),
      );
      retryMs = FIRST_RETRY_MS;
      if (outcome === 'leaving') later(graceMs + SLACK_MS, sweepDue);
      if (outcome === 'reaped') {
        for (const userId of userIds) unwritten.add(userId);
        await registerAgain();
      }
    } catch (error) {
      // The transaction may have been committed nevertheless; writing the devices again is right in either case.
      for (const userId of userIds) unwritten.add(userId);
      delayMs = retryMs;
      retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
      tell(error, 'presence could not be written; trying again');
    } finally {
      writing = false;
      scheduleWriting(delayMs);
    }
  };

  /** Another process has reaped this one's lease and removed its devices: it registers again and writes them anew. */
  const registerAgain = async (): Promise<void> => {
    if (stopping !== null) return;
    await register(db.prisma, lease);
    log.warn('this process had lost its presence lease and has registered again');
    for (const userId of devices.keys()) unwritten.add(userId);
    scheduleWriting(0);
  };

  // ---------------------------------------------------------------- watching

  const intervalMs = leaseMs / 3;
  let renewedAt = performance.now();
  /** Since when renewals have succeeded without a gap; null while the database is unavailable. */
  let steadySince: number | null = renewedAt;

  const sweepDue = async (): Promise<void> => {
    try {
      while (await sweep(db));
    } catch (error) {
      tell(error, 'users could not be turned offline; trying again');
    }
  };

  /** Renews the lease and does what is due. @returns the delay until the next run, in milliseconds */
  const watch = async (): Promise<number> => {
    const { alive, expired, nextExpiryMs, due } = await renew(db.prisma, lease);
    const now = performance.now();
    if (steadySince === null || now - renewedAt > 2 * intervalMs) steadySince = now;
    renewedAt = now;
    if (!alive) await registerAgain();
    // After an outage of the database all leases have expired although nobody is dead. Each process gets one lease's time to renew its own
    // before it may be reaped.
    const reapable = steadySince + leaseMs - now;
    if (expired && reapable <= 0) {
      for (let dead = await reapOne(db, lease); dead !== null; dead = await reapOne(db, lease)) {
        log.warn({ processId: dead.processId }, 'a process has died; its devices are gone');
        if (dead.graceMs > 0) later(dead.graceMs + SLACK_MS, sweepDue);
      }
    }
    if (due || expired) await sweepDue();
    return Math.min(intervalMs, (nextExpiryMs ?? intervalMs) + SLACK_MS, expired && reapable > 0 ? reapable + SLACK_MS : intervalMs);
  };

  const tick = async (): Promise<void> => {
    const startedAt = performance.now();
    let delayMs = intervalMs;
    try {
      delayMs = await watch();
    } catch (error) {
      steadySince = null;
      // The duration of a slow failure counts as part of the delay.
      delayMs = Math.max(intervalMs - (performance.now() - startedAt), FIRST_RETRY_MS);
      tell(error, 'the presence lease could not be renewed; trying again');
    }
    later(delayMs, tick);
  };

  // ---------------------------------------------------------------- stopping

  const giveBack = async (): Promise<void> => {
    try {
      // Running transactions must end first; otherwise they could write devices or a lease after these have been removed.
      await Promise.all(running);
      await release(db, lease);
    } catch (error) {
      tell(error, 'presence could not be given back; its lease will run out');
    }
  };

  await register(db.prisma, lease);
  // Users whose grace ended while no process was running.
  await sweepDue();
  later(intervalMs, tick);

  return {
    enter: (userId, deviceId) => {
      if (stopping !== null) return () => undefined;
      change(userId, deviceId, 1);
      let here = true;
      return () => {
        if (here && stopping === null) change(userId, deviceId, -1);
        here = false;
      };
    },
    stop: () =>
      (stopping ??= (async () => {
        for (const timer of timers) clearTimeout(timer);
        timers.clear();
        let impatience: NodeJS.Timeout | undefined;
        const patience = new Promise<void>((resolve) => (impatience = setTimeout(resolve, STOP_TIMEOUT_MS)));
        await Promise.race([giveBack(), patience]);
        clearTimeout(impatience);
      })()),
  };
};
