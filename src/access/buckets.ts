import { coded } from '../errors.js';
import { putLast } from '../memory/newest.js';
import { addressKey } from './address.js';

export interface Bucket {
  /**
   * Takes `cost` tokens, one by default; false when the bucket is empty. What costs several is let in by a single one and leaves a debt: else
   * it would never find enough while something cheaper takes each token as it comes.
   */
  readonly take: (cost?: number) => boolean;
  /**
   * Takes a token that may not be there yet.
   * @returns in how many milliseconds it is; where that would be later than `longestMs`, it takes none and returns that
   */
  readonly book: (longestMs: number) => number;
  /** Milliseconds until a token is available; 0 when one is. */
  readonly waitMs: () => number;
  /** The tokens that are there; less than none after a debt. */
  readonly left: () => number;
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
  const waitMs = (): number => {
    fill();
    return Math.max(0, Math.ceil(((1 - left) * 1_000) / perSecond));
  };
  return {
    take: (cost = 1) => {
      fill();
      if (left < 1) return false;
      left -= cost;
      return true;
    },
    book: (longestMs) => {
      const ms = waitMs();
      if (ms >= longestMs) return longestMs;
      left -= 1;
      return ms;
    },
    waitMs,
    left: () => {
      fill();
      return left;
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
export interface Buckets {
  /** The bucket of a key. */
  readonly of: (key: string) => Bucket;
  /** Takes from the bucket of a key. @returns 0, or in how many milliseconds to try again when it is empty */
  readonly take: (key: string, cost?: number) => number;
  /** Takes one. @throws RATE_LIMITED with `retryAfterMs` */
  readonly spend: (key: string) => void;
}

/** @param burst the size of a bucket, in tokens */
export const createBuckets = (perSecond: number, burst: number, message: string, now?: () => number): Buckets => {
  // A map iterates in insertion order; each use inserts the bucket again, so the first entry is the least recently used.
  const buckets = new Map<string, Bucket>();
  const of: Buckets['of'] = (key) => {
    const bucket = buckets.get(key) ?? createBucket(perSecond, burst, now);
    putLast(buckets, key, bucket, MAX_BUCKETS);
    return bucket;
  };
  const take: Buckets['take'] = (key, cost) => {
    const bucket = of(key);
    return bucket.take(cost) ? 0 : Math.max(1, bucket.waitMs());
  };
  return {
    of,
    take,
    spend: (key) => {
      const retryAfterMs = take(key);
      if (retryAfterMs > 0) throw coded('RATE_LIMITED', message, { retryAfterMs });
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
  /**
   * Counts the handshake of a WebSocket of an address, as {@link HANDSHAKE_COST} operations.
   * @returns 0, or in how many milliseconds to try again when it is refused
   */
  readonly ofHandshake: (ip: string | null) => number;
  /** Counts an operation of a user, whatever its address. @throws RATE_LIMITED with `retryAfterMs`, milliseconds */
  readonly ofViewer: (userId: string) => void;
}

/**
 * The cost of a handshake, in operations: its upgrade, and the `connection_init` that follows, which looks a token up. Paid in advance, so that
 * whoever is let in is not refused half way. The thousand sockets that one address may have, coming back together with twenty subscriptions
 * each, take a third of the default burst.
 */
const HANDSHAKE_COST = 2;

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
  if (factor === 0) return { ofAddress: () => undefined, ofHandshake: () => 0, ofViewer: () => undefined };
  const bucketsOf = (perSecond: number, message: string): Buckets =>
    createBuckets(perSecond * factor, perSecond * factor * BURST_SECONDS, message, now);
  const addresses = bucketsOf(operationsPerAddress, 'Too many operations from your address. Try again later.');
  const viewers = bucketsOf(operationsPerViewer, 'Too many operations. Try again later.');
  return {
    ofAddress: (ip) => addresses.spend(addressKey(ip ?? '')),
    ofHandshake: (ip) => addresses.take(addressKey(ip ?? ''), HANDSHAKE_COST),
    ofViewer: (userId) => viewers.spend(userId),
  };
};
