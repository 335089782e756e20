import { holderOf } from '../../access/address.js';
import { createBucket } from '../../access/buckets.js';

/** How many sockets and event streams each address has open here. */
export interface AddressLimit {
  /** @returns what to call when the connection has gone; null when the address has as many as it may */
  readonly enter: (address: string) => (() => void) | null;
}

export const createAddressLimit = (max: number): AddressLimit => {
  const counts = new Map<string, number>();
  return {
    enter: (address) => {
      const holder = holderOf(address);
      const count = counts.get(holder) ?? 0;
      if (count >= max) return null;
      counts.set(holder, count + 1);
      let here = true;
      return () => {
        if (!here) return;
        here = false;
        const left = (counts.get(holder) ?? 1) - 1;
        if (left > 0) counts.set(holder, left);
        else counts.delete(holder);
      };
    },
  };
};

export interface SubscriptionLimits {
  /** What one socket may have running at a time. */
  readonly maxSubscriptions: number;
  /** What one socket may begin in a second, in the long run. */
  readonly subscribesPerSecond: number;
}

/**
 * What may happen to one socket's next `subscribe`: it is let through, refused, or one of a flood that ends the socket.
 * @param running operations of the socket that are there, this one included
 */
export const createSubscribeLimit = ({ maxSubscriptions, subscribesPerSecond }: SubscriptionLimits) => {
  // A client that comes back subscribes to everything at once, which is no flood.
  const rate = createBucket(subscribesPerSecond, maxSubscriptions + subscribesPerSecond);
  return (running: number): 'allow' | 'refuse' | 'flood' => {
    if (!rate.take()) return 'flood';
    return running > maxSubscriptions ? 'refuse' : 'allow';
  };
};
