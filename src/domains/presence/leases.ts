import type { Database } from '../../db/database.js';
import { isUnavailable, reasonOf } from '../../db/failures.js';
import type { Log } from '../../observability/log.js';
import { reapOne, register, release, renew, sweep, writeDevices, type Lease } from './transitions.js';

/** What one process tells the others of who is here. */
export interface Presence {
  /**
   * A socket of the user's device is here, until the returned function is called; calling that again does nothing. Sockets of one device are
   * one device, at whatever processes. Both return at once: the database hears of it within a moment, or as soon as it is back.
   */
  readonly enter: (userId: string, deviceId: string) => () => void;
  /** Gives the process's devices back and stops every timer. Waits at most five seconds for the database. Safe to call again. */
  readonly stop: () => Promise<void>;
}

export interface PresenceOptions {
  readonly db: Database;
  readonly log: Log;
  /** A uuid of this process's own. */
  readonly processId: string;
  /** How long a user whose last device has left stays ONLINE or AWAY, in milliseconds. */
  readonly graceMs: number;
  /** How long the process counts as alive after it was last heard of, in milliseconds; it says so three times as often. */
  readonly leaseMs: number;
}

/** Changes within this time are written together, in milliseconds. */
const BATCH_MS = 10;
/** Users that one transaction writes at most: it holds them locked until its commit. */
const BATCH_SIZE = 500;
/** What is due is looked for this much after its time, in milliseconds, because timers fire up to one early and dates are rounded. */
const SLACK_MS = 3;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 1_000;
const STOP_TIMEOUT_MS = 5_000;

/**
 * Registers the process and begins to renew its lease, to reap the leases of processes that have died and to turn OFFLINE whose
 * grace is over.
 * @throws when the database does not answer
 */
export const createPresence = async (options: PresenceOptions): Promise<Presence> => {
  const { db, log } = options;
  const lease: Lease = options;
  const { leaseMs, graceMs } = lease;
  /** The truth of this process: sockets by user and device. What it writes is always the present set, never a difference. */
  const devices = new Map<string, Map<string, number>>();
  /** Users whose devices may not be in the database as it is here. */
  const unwritten = new Set<string>();
  const timers = new Set<NodeJS.Timeout>();
  const running = new Set<Promise<void>>();
  let stopping: Promise<void> | null = null;

  /** What has failed for lack of the database is told there, once. */
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
    // A further tab of the same device is nothing new.
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
        await comeBack();
      }
    } catch (error) {
      // It may have been committed all the same: writing the devices again is right in either case.
      for (const userId of userIds) unwritten.add(userId);
      delayMs = retryMs;
      retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
      tell(error, 'presence could not be written; trying again');
    } finally {
      writing = false;
      scheduleWriting(delayMs);
    }
  };

  /** The process was taken for dead and its devices are gone from the database: they are written again under a new lease. */
  const comeBack = async (): Promise<void> => {
    if (stopping !== null) return;
    await register(db.prisma, lease);
    log.warn('this process had lost its presence lease and has registered again');
    for (const userId of devices.keys()) unwritten.add(userId);
    scheduleWriting(0);
  };

  // ---------------------------------------------------------------- watching

  const intervalMs = leaseMs / 3;
  let renewedAt = performance.now();
  /** Since when renewals have come in time; null while the database is away. */
  let steadySince: number | null = renewedAt;

  const sweepDue = async (): Promise<void> => {
    try {
      while (await sweep(db));
    } catch (error) {
      tell(error, 'users could not be turned offline; trying again');
    }
  };

  /** @returns when to look again, in milliseconds from now */
  const watch = async (): Promise<number> => {
    const { alive, expired, nextExpiryMs, due } = await renew(db.prisma, lease);
    const now = performance.now();
    if (steadySince === null || now - renewedAt > 2 * intervalMs) steadySince = now;
    renewedAt = now;
    if (!alive) await comeBack();
    // After an outage, or when all start at once, the others' leases have expired with nobody dead: each gets one lease's time to
    // be heard of.
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
      // A failure that took its time was itself the wait.
      delayMs = Math.max(intervalMs - (performance.now() - startedAt), FIRST_RETRY_MS);
      tell(error, 'the presence lease could not be renewed; trying again');
    }
    later(delayMs, tick);
  };

  // ---------------------------------------------------------------- stopping

  const giveBack = async (): Promise<void> => {
    try {
      // What is under way might otherwise write devices, or a lease, after these are gone.
      await Promise.all(running);
      await release(db, lease);
    } catch (error) {
      tell(error, 'presence could not be given back; its lease will run out');
    }
  };

  await register(db.prisma, lease);
  // What was due while no process was there.
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
