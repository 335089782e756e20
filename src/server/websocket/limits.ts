import { addressKey } from '../../access/address.js';
import { createBucket } from '../../access/buckets.js';
import type { Condition } from '../../observability/condition.js';

/** Limits the open sockets and event streams of each address. */
export interface AddressLimit {
  /** Adds a connection. @returns the function that removes it; null when the address has its maximum */
  readonly enter: (address: string) => (() => void) | null;
}

/** How long no connection must have been refused for the addresses to count as in order again, in milliseconds. */
const SETTLE_MS = 60_000;

/** @param full told when an address has its maximum */
export const createAddressLimit = (max: number, full: Condition): AddressLimit => {
  const counts = new Map<string, number>();
  return {
    enter: (address) => {
      const key = addressKey(address);
      const count = counts.get(key) ?? 0;
      if (count >= max) {
        full.hold(`${key} has ${max}`);
        full.refuse();
        full.clear(SETTLE_MS);
        return null;
      }
      counts.set(key, count + 1);
      let here = true;
      return () => {
        if (!here) return;
        here = false;
        const left = (counts.get(key) ?? 1) - 1;
        if (left > 0) counts.set(key, left);
        else counts.delete(key);
      };
    },
  };
};

export interface SubscriptionLimits {
  /** The most subscriptions of a socket at a time. */
  readonly maxSubscriptions: number;
  /** The sustained rate of `subscribe` messages of a socket. */
  readonly subscribesPerSecond: number;
}

/**
 * Decides about each `subscribe` of a socket: accept it, refuse it, or close the socket because of a flood.
 * @param running the operations of the socket, including this one
 */
export const createSubscribeLimit = ({ maxSubscriptions, subscribesPerSecond }: SubscriptionLimits) => {
  // The burst is large because a reconnecting client subscribes to everything at once.
  const rate = createBucket(subscribesPerSecond, maxSubscriptions + subscribesPerSecond);
  return (running: number): 'allow' | 'refuse' | 'flood' => {
    if (!rate.take()) return 'flood';
    return running > maxSubscriptions ? 'refuse' : 'allow';
  };
};
