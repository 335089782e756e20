import { coded } from '../errors.js';
import { putLast } from '../memory/newest.js';
import type { Log } from '../observability/log.js';
import { addressKey } from './address.js';
import { createBuckets } from './buckets.js';

/** Who has sent something: a viewer, or, without a valid credential, an address. */
export interface Sender {
  readonly ip: string | null;
  readonly viewerId: string | null;
}

/**
 * Bans those who go on to send what has to be refused. Each refusal is a strike, whatever it was refused for; some strikes are forgotten each second.
 * Whoever has too many is answered RATE_LIMITED (429 with `Retry-After`, 1013 on a socket) for a minute, and each further time for twice as long, up to
 * {@link LONGEST_MS}. Then the ban ends by itself. A viewer is banned by themselves. A ban of an address is one of all who come from it without a
 * valid credential: those who are signed in behind the same address go on.
 */
export interface Bans {
  /** Counts refusals of a sender who is not banned. */
  readonly strike: (sender: Sender, strikes?: number) => void;
  /** For how many milliseconds a sender is still banned; 0 when they are not. */
  readonly waitMs: (sender: Sender) => number;
  /** @throws RATE_LIMITED with `retryAfterMs` for a sender who is banned */
  readonly assertNone: (sender: Sender) => void;
}

/** How many refusals may come at once; nobody who types makes so many in an hour. */
const AT_ONCE = 1_000;
/** How many are forgotten in a second: a client that asks again once a second with an expired token is not banned. */
const PER_SECOND = 5;
const FIRST_MS = 60_000;
const LONGEST_MS = 900_000;
/** How long after its end a ban counts for the length of the next one, in milliseconds. */
const REMEMBERED_MS = 3_600_000;
/** The most bans that are remembered; beyond it, the one that was pronounced first is forgotten. */
const MAX_BANS = 20_000;

interface Ban {
  readonly until: number;
  readonly lengthMs: number;
}

export interface BansOptions {
  /** Multiplies how many refusals may come; 0 bans nobody. */
  readonly factor: number;
  readonly log: Pick<Log, 'warn'>;
  /** Called with each ban. */
  readonly onBan?: (sender: Sender, forMs: number) => void;
}

/**
 * Creates the bans of this process.
 * @param now a monotonic clock in milliseconds
 */
export const createBans = ({ factor, log, onBan }: BansOptions, now: () => number = () => performance.now()): Bans => {
  if (factor === 0) return { strike: () => undefined, waitMs: () => 0, assertNone: () => undefined };
  const strikes = createBuckets(PER_SECOND * factor, AT_ONCE * factor, '', now);
  const bans = new Map<string, Ban>();
  const keyOf = ({ ip, viewerId }: Sender): string => (viewerId === null ? `address ${addressKey(ip ?? '')}` : `viewer ${viewerId}`);
  const leftOf = (key: string): number => Math.max(0, Math.ceil((bans.get(key)?.until ?? 0) - now()));

  const ban = (key: string, { ip, viewerId }: Sender): void => {
    const before = bans.get(key);
    const lengthMs = before === undefined || before.until + REMEMBERED_MS < now() ? FIRST_MS : Math.min(2 * before.lengthMs, LONGEST_MS);
    putLast(bans, key, { until: now() + lengthMs, lengthMs }, MAX_BANS);
    log.warn(
      { ...(viewerId === null ? { ip } : { userId: viewerId }), forMs: lengthMs },
      'a ban: too much of what came from there had to be refused',
    );
    onBan?.({ ip, viewerId }, lengthMs);
  };

  const waitMs: Bans['waitMs'] = (sender) => (bans.size === 0 ? 0 : leftOf(keyOf(sender)));
  return {
    strike: (sender, count = 1) => {
      const key = keyOf(sender);
      if (leftOf(key) === 0 && strikes.take(key, count) > 0) ban(key, sender);
    },
    waitMs,
    assertNone: (sender) => {
      const retryAfterMs = waitMs(sender);
      if (retryAfterMs > 0)
        throw coded('RATE_LIMITED', 'Too much had to be refused of what came from you. Nothing is answered for a while.', { retryAfterMs });
    },
  };
};
