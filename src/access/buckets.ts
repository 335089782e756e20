import { coded } from '../errors.js';
import { addressKey } from './address.js';

export interface Bucket {
  /** Takes one token; false when the bucket is empty. */
  readonly take: () => boolean;
  /** Milliseconds until a token is available; 0 when one is. */
  readonly waitMs: () => number;
}

/**
 * A token bucket that holds at most `burst` tokens and gets `perSecond` new ones each second.
 * @param now a monotonic clock in milliseconds
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

/**
 * The size of a bucket, in seconds of its rate. It is large because after a restart of the server all clients behind one address reconnect
 * together.
 */
const BURST_SECONDS = 30;
/** How many buckets are kept. Beyond that number the least recently used is dropped; its owner starts again with a full bucket. */
const MAX_BUCKETS = 20_000;

/** Token buckets by key, such as one for each address. */
interface Buckets {
  /** @throws RATE_LIMITED with `retryAfterMs` */
  readonly spend: (key: string) => void;
}

const createBuckets = (perSecond: number, message: string, now?: () => number): Buckets => {
  // A map iterates in insertion order; each use inserts the bucket again, so the first entry is the least recently used.
  const buckets = new Map<string, Bucket>();
  return {
    spend: (key) => {
      const bucket = buckets.get(key) ?? createBucket(perSecond, perSecond * BURST_SECONDS, now);
      buckets.delete(key);
      buckets.set(key, bucket);
      const [oldest = key] = buckets.size > MAX_BUCKETS ? buckets.keys() : [];
      if (oldest !== key) buckets.delete(oldest);
      if (!bucket.take()) throw coded('RATE_LIMITED', message, { retryAfterMs: bucket.waitMs() });
    },
  };
};

/**
 * The token buckets that every operation on every transport must pass before it is parsed. They count in this process alone: their purpose
 * is to protect the process, so checking them must cost less than the work they refuse.
 */
export interface OperationBudgets {
  /**
   * Counts an operation of an address; null stands for an unknown one.
   * @throws RATE_LIMITED with `retryAfterMs`, milliseconds
   */
  readonly ofAddress: (ip: string | null) => void;
  /** Counts an operation of a user, whatever its address. @throws RATE_LIMITED with `retryAfterMs`, milliseconds */
  readonly ofViewer: (userId: string) => void;
}

export interface OperationBudgetOptions {
  /** Multiplies both rates; 0 turns the budgets off. */
  readonly factor: number;
  /** Operations per second, sustained. */
  readonly operationsPerAddress: number;
  readonly operationsPerViewer: number;
}

/** Creates the budgets. @param now a monotonic clock in milliseconds */
export const createOperationBudgets = (
  { factor, operationsPerAddress, operationsPerViewer }: OperationBudgetOptions,
  now?: () => number,
): OperationBudgets => {
  if (factor === 0) return { ofAddress: () => undefined, ofViewer: () => undefined };
  const addresses = createBuckets(operationsPerAddress * factor, 'Too many operations from your address. Try again later.', now);
  const viewers = createBuckets(operationsPerViewer * factor, 'Too many operations. Try again later.', now);
  return { ofAddress: (ip) => addresses.spend(addressKey(ip ?? '')), ofViewer: (userId) => viewers.spend(userId) };
};
