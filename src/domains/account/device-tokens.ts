import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Services } from '../../context.js';

/*
 * A device token tells a device again, after its sessions have ended. It is the id of the device, and for each account that has signed in there a keyed
 * digest, by which the server knows it without keeping anything. It gives no access: what it is good for is that nobody else can hinder its holder
 * from signing in.
 */

/** The bytes of an id in base64url. */
const ID = /^[A-Za-z0-9_-]{22}$/;
/** 128 bits in hexadecimal: nobody can try that many. */
const DIGEST_LENGTH = 32;
/** One device tells so many accounts apart; with one more, the first is forgotten. */
const MAX_ACCOUNTS = 5;

/** The longest device token, in characters. */
export const MAX_DEVICE_TOKEN = 22 + MAX_ACCOUNTS * (1 + DIGEST_LENGTH);

type Digests = Pick<Services, 'secretDigest'>;

const digestFor = ({ secretDigest }: Digests, id: string, userId: string): string =>
  secretDigest(`device ${id} ${userId}`).slice(0, DIGEST_LENGTH);

interface Device {
  readonly id: string;
  readonly digests: readonly string[];
}

/** The parts of a device token, of which nothing has been verified; null for what is none. */
const read = (token: string | null | undefined): Device | null => {
  if (typeof token !== 'string' || token.length > MAX_DEVICE_TOKEN) return null;
  const [id = '', ...digests] = token.split('.');
  return ID.test(id) && digests.every((digest) => digest.length === DIGEST_LENGTH) ? { id, digests } : null;
};

const isEqual = (one: string, other: string): boolean => {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
};

/** The id of a device on which this account has signed in before, by its token; null for any other. */
export const knownDevice = (context: Digests, userId: string, token: string | null | undefined): string | null => {
  const device = read(token);
  if (device === null) return null;
  const expected = digestFor(context, device.id, userId);
  return device.digests.some((digest) => isEqual(digest, expected)) ? device.id : null;
};

/** Whether an account has signed in before on the device that has this token. */
export const isKnownDevice = (context: Digests, userId: string, token: string | null | undefined): boolean =>
  knownDevice(context, userId, token) !== null;

/** The token of a device on which an account has just signed in. @param token the one that it had, of whatever accounts */
export const deviceTokenFor = (context: Digests, userId: string, token: string | null | undefined): string => {
  const { id, digests } = read(token) ?? { id: randomBytes(16).toString('base64url'), digests: [] };
  const own = digestFor(context, id, userId);
  return [id, own, ...digests.filter((digest) => digest !== own).slice(0, MAX_ACCOUNTS - 1)].join('.');
};
