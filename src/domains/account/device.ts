import { addressKey } from '../../access/address.js';

/** What a user agent calls itself, the more particular before what they all say. */
const BROWSERS: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/Edg(e|A|iOS)?\//, 'Edge'],
  [/OPR\//, 'Opera'],
  [/Firefox\/|FxiOS\//, 'Firefox'],
  [/Chrome\/|CriOS\//, 'Chrome'],
  [/Safari\//, 'Safari'],
];
const SYSTEMS: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/iPhone|iPad/, 'iOS'],
  [/Android/, 'Android'],
  [/CrOS/, 'ChromeOS'],
  [/Windows/, 'Windows'],
  [/Mac OS X/, 'macOS'],
  [/Linux/, 'Linux'],
];

const nameIn = (table: typeof BROWSERS, userAgent: string): string | undefined => table.find(([pattern]) => pattern.test(userAgent))?.[1];

/** What a person would call the client that a user agent belongs to, such as `Firefox, Linux`; what is no browser says it itself. */
export const deviceOf = (userAgent: string): string => {
  const names = [nameIn(BROWSERS, userAgent), nameIn(SYSTEMS, userAgent)].filter((name) => name !== undefined);
  return names.length > 0 ? names.join(', ') : userAgent;
};

/** Of IPv4, so much of an address is taken for the same network: providers change the rest from day to day. */
const NETWORK_OF_V4 = /^(\d+\.\d+\.\d+)\.\d+$/;

/** What two sessions of one device have in common: the kind of client, and the network that it is in. */
export const deviceKey = ({ userAgent, ip }: { readonly userAgent: string | null; readonly ip: string | null }): string =>
  `${deviceOf(userAgent ?? '')} ${addressKey(ip ?? '').replace(NETWORK_OF_V4, '$1')}`;
