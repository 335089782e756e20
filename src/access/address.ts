import { isIPv6 } from 'node:net';

/** How many 16-bit groups of an IPv6 address identify the network. */
const NETWORK_GROUPS = 4;

/**
 * The key by which limits per address count: an IPv4 address in its plain form (also when it was given as IPv4-mapped IPv6), or the /64
 * network of an IPv6 address, since one machine can use all addresses of its /64.
 */
export const addressKey = (address: string): string => {
  const [plain = ''] = address.toLowerCase().split('%', 1);
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(plain)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(plain)) return plain;
  const [front = '', back] = plain.split('::', 2);
  const before = front === '' ? [] : front.split(':');
  const after = back === undefined || back === '' ? [] : back.split(':');
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0');
  const groups = back === undefined ? before : [...before, ...zeros, ...after];
  return `${groups
    .slice(0, NETWORK_GROUPS)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
};
