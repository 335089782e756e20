import { setTimeout as delay } from 'node:timers/promises';
import type { ErrorCode } from '../errors.js';
import { addressKey } from './address.js';
import type { Bans, Sender } from './bans.js';
import { createBuckets } from './buckets.js';
import type { CostBudgets } from './cost-budgets.js';

/** How many refusals of one address are told at once; as many come back in a second. Nobody who types, and no page that fails as a whole, makes so many. */
const AT_ONCE = 50;
/** The longest that a refusal is held back, in milliseconds. */
const LONGEST_MS = 1_000;
/** The most refusals that are held back at a time; further ones are told at once. */
const MAX_HELD = 10_000;

/**
 * Counts a refusal, which the address of its sender pays for, before it is told.
 * @param code what it is refused with
 * @param signal aborted when nobody waits for it any more
 * @returns null when it may be told now, or a promise that is fulfilled when it may
 */
export type HoldBack = (sender: Sender, code: ErrorCode, signal?: AbortSignal) => Promise<void> | null;

export interface HoldBackOptions {
  /** Multiplies how many are told at once; 0 has none held back. */
  readonly factor: number;
  readonly costs: Pick<CostBudgets, 'chargeRefusal'>;
  readonly bans: Pick<Bans, 'strike'>;
}

/**
 * Refuses slowly. What is refused costs its sender next to nothing, so whoever asks again as soon as they are refused makes a process do little else
 * than refuse. Beyond some dozens at once, the refusals of an address, of whatever kind and on whatever transport, are told at an even pace: each waits
 * for its place, and whoever waits for answers asks at that pace, too. Whoever does not wait is stopped by the budget of cost.
 * @param now a monotonic clock in milliseconds
 */
export const createHoldBack = ({ factor, costs, bans }: HoldBackOptions, now?: () => number): HoldBack => {
  if (factor === 0) return () => null;
  const buckets = createBuckets(AT_ONCE * factor, AT_ONCE * factor, 'Too many refusals.', now);
  let held = 0;
  const hold = async (ms: number, signal: AbortSignal | undefined): Promise<void> => {
    held += 1;
    // An abort rejects the delay, and means as little.
    await delay(ms, undefined, { signal }).catch(() => undefined);
    held -= 1;
  };
  return (sender, code, signal) => {
    const { ip } = sender;
    bans.strike(sender);
    // Paying for being told that one cannot pay would never end.
    if (code !== 'RATE_LIMITED') costs.chargeRefusal(ip);
    const ms = buckets.of(addressKey(ip ?? '')).book(LONGEST_MS);
    return ms === 0 || held >= MAX_HELD ? null : hold(ms, signal);
  };
};
