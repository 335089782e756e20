import { coded } from '../errors.js';
import { holderOf } from './address.js';

export interface Bucket {
  /** Takes one; false when none is left. */
  readonly take: () => boolean;
  /** In how many milliseconds there will be one; 0 when there is. */
  readonly waitMs: () => number;
}

/**
 * A token bucket: `burst` at once, and `perSecond` in the long run.
 * @param now milliseconds that never go back
 */
export const createBucket = (perSecond: number, burst: number, now: () => number = () => performance.now()): Bucket => {
  let left = burst;
  let at = now();
  const fill = (): void => {
    const time = now();
    left = Math.min(burst, left + ((time - at) * perSecond) / 1_000);
    at = time;
  };
  return {
    take: () => {
      fill();
      if (left < 1) return false;
      left -= 1;
      return true;
    },
    waitMs: () => {
      fill();
      return Math.max(0, Math.ceil(((1 - left) * 1_000) / perSecond));
    },
  };
};

/** How many seconds' worth may be used at once: when a server restarts, all who share an address come back together. */
const BURST_SECONDS = 30;
/** Buckets that are kept; of more, those that were not used for longest are forgotten, which gives them a full one. */
const MAX_BUCKETS = 20_000;

/** A bucket for each of many. */
interface Buckets {
  /** @throws RATE_LIMITED with `retryAfterMs` */
  readonly spend: (key: string) => void;
}

const createBuckets = (perSecond: number, said: string, now?: () => number): Buckets => {
  // In the order of their last use, which a map keeps.
  const buckets = new Map<string, Bucket>();
  return {
    spend: (key) => {
      const bucket = buckets.get(key) ?? createBucket(perSecond, perSecond * BURST_SECONDS, now);
      buckets.delete(key);
      buckets.set(key, bucket);
      const [oldest = key] = buckets.size > MAX_BUCKETS ? buckets.keys() : [];
      if (oldest !== key) buckets.delete(oldest);
      if (!bucket.take()) throw coded('RATE_LIMITED', said, { retryAfterMs: bucket.waitMs() });
    },
  };
};

/**
 * How many operations may be begun, whatever they are, on every transport, before anything of them is looked at. It is counted in this process
 * alone: the count protects the process, and must cost no more than what it refuses.
 */
export interface OperationBudgets {
  /**
   * Counts an operation of an address; null when it is unknown.
   * @throws RATE_LIMITED with `retryAfterMs`, milliseconds
   */
  readonly ofAddress: (ip: string | null) => void;
  /** Counts an operation of a user, from wherever. @throws RATE_LIMITED with `retryAfterMs`, milliseconds */
  readonly ofViewer: (userId: string) => void;
}

export interface OperationBudgetOptions {
  /** What both others are multiplied by; 0: nothing is counted. */
  readonly factor: number;
  /** In a second, in the long run. */
  readonly operationsPerAddress: number;
  readonly operationsPerViewer: number;
}

/** @param now milliseconds that never go back */
export const createOperationBudgets = (
  { factor, operationsPerAddress, operationsPerViewer }: OperationBudgetOptions,
  now?: () => number,
): OperationBudgets => {
  if (factor === 0) return { ofAddress: () => undefined, ofViewer: () => undefined };
  const addresses = createBuckets(operationsPerAddress * factor, 'Too many operations from your address. Try again later.', now);
  const viewers = createBuckets(operationsPerViewer * factor, 'Too many operations. Try again later.', now);
  return { ofAddress: (ip) => addresses.spend(holderOf(ip ?? '')), ofViewer: (userId) => viewers.spend(userId) };
};
