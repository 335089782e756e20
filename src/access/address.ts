import { isIPv6 } from 'node:net';

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
  return `${groups
    .slice(0, NETWORK_GROUPS)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
};
