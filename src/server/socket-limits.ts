import { isIPv6 } from 'node:net';

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

/** The groups of 16 bits in the part of an IPv6 address that says whose network it is. */
const NETWORK_GROUPS = 4;

/** Who is counted: an IPv4 address, however it is written, or the /64 of an IPv6 address, of which one machine may use all. */
export const holderOf = (address: string): string => {
  const [plain = ''] = address.toLowerCase().split('%', 1);
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(plain)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(plain)) return plain;
  const [front = '', back] = plain.split('::', 2);
  const before = front === '' ? [] : front.split(':');
  const after = back === undefined || back === '' ? [] : back.split(':');
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0');
  const groups = back === undefined ? before : [...before, ...zeros, ...after];
  return `${groups.slice(0, NETWORK_GROUPS).map((group) => group.replace(/^0+(?=.)/, '')).join(':')}::/64`;
};

export interface RateLimit {
  /** Takes one; false when none is left. */
  readonly take: () => boolean;
}

/**
 * A token bucket: `burst` at once, and `perSecond` in the long run.
 * @param now milliseconds that never go back
 */
export const createRateLimit = (perSecond: number, burst: number, now: () => number = () => performance.now()): RateLimit => {
  let left = burst;
  let at = now();
  return {
    take: () => {
      const time = now();
      left = Math.min(burst, left + ((time - at) * perSecond) / 1_000);
      at = time;
      if (left < 1) return false;
      left -= 1;
      return true;
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
  const rate = createRateLimit(subscribesPerSecond, maxSubscriptions + subscribesPerSecond);
  return (running: number): 'allow' | 'refuse' | 'flood' => {
    if (!rate.take()) return 'flood';
    return running > maxSubscriptions ? 'refuse' : 'allow';
  };
};
