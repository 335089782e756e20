import { coded } from '../errors.js';
import { addressKey } from './address.js';
import { createBuckets } from './buckets.js';
import type { RateLimits } from './rate-limits.js';

/** Who asks for an operation, and pays for it. */
export interface Payer {
  readonly viewer: { readonly id: string } | null;
  readonly client: { readonly ip: string | null };
}

/** What is left of a budget after an operation was paid. */
export interface BudgetLeft {
  /** In rows, of the one of the payer's budgets that has less. */
  readonly left: number;
  /** The whole budget, in rows; as many come back in a minute. */
  readonly limit: number;
}

/**
 * The budgets of cost, in rows a minute (see `graphql/price.ts`): of each viewer, of each address, and for the events of the subscriptions of
 * each. A budget that has something left pays for whatever is asked, and may be in debt afterwards; so no operation that is allowed at all can
 * be too dear for it, and nobody gets more than the rate in the long run.
 */
export interface CostBudgets {
  /** In how many milliseconds an address may have anything read; 0 when it may now. */
  readonly waitMs: (ip: string | null) => number;
  /** The same as an error. @throws RATE_LIMITED with `retryAfterMs` and `limit` when its budget is spent */
  readonly enter: (ip: string | null) => void;
  /** Pays for the bytes that an address has sent, whatever comes of them: else what is refused would cost nothing. */
  readonly chargeReading: (ip: string | null, bytes: number) => void;
  /** Pays for parsing, validating and pricing a document of so many characters that is not known yet, before that is done. */
  readonly chargeDocument: (ip: string | null, characters: number) => void;
  /** Pays for an operation that was refused, which is what all cost before their fields. */
  readonly chargeRefusal: (ip: string | null) => void;
  /**
   * Pays for an operation before it is executed. @returns null when there are no budgets
   * @throws RATE_LIMITED with `retryAfterMs`, `price` and `limit`
   */
  readonly charge: (payer: Payer, price: number) => BudgetLeft | null;
  /** Pays for making one result of a subscription, whose owner is a viewer's id or an address. */
  readonly chargeEvent: (owner: string, price: number) => void;
  /** In how many milliseconds an owner may have results made again; 0 when it may now. */
  readonly eventWaitMs: (owner: string) => number;
  readonly stop: () => void;
}

/** The price of parsing JSON, in rows. */
const BYTE = 1 / 500;
/** The price of a document that is not known yet, in rows: most of a short one is the walk of the rules of validation. */
const DOCUMENT = 15;
const CHARACTER = 1 / 30;
/** The price of a refusal: what every operation costs before its fields. */
const REFUSAL = 10;

export interface CostBudgetOptions {
  /** Multiplies the budgets; 0 turns them off. */
  readonly factor: number;
  /** Rows a minute. */
  readonly costPerViewer: number;
  readonly costPerAddress: number;
  readonly eventCost: number;
}

const MINUTE_SECONDS = 60;
/**
 * The part of a budget for operations that is there at once. A page of a frontend asks for a few thousand rows; a whole minute's worth would keep the process
 * from everybody else for seconds.
 */
const AT_ONCE = 0.05;
const TOO_MUCH = 'Your operations cost more than is allowed in a minute. Try again later.';
/** How often Redis is told what was spent, in milliseconds. */
const TELL_MS = 250;
/** The most keys whose spending is remembered for Redis between two times of telling. */
const MAX_UNTOLD = 20_000;

/** One kind of budget: of this process, and with Redis of all processes together. */
interface Budgets {
  readonly limit: number;
  /** The milliseconds to wait until the key may spend again; 0 for now. */
  readonly waitMs: (key: string) => number;
  readonly spend: (key: string, price: number) => number;
}

/**
 * Creates the budgets. Whether something may be spent is decided in the process at once: asking Redis before each operation would cost more than
 * most operations. What was spent is told to Redis a little later, and what it answers holds from then on: a client of many processes is
 * refused by all of them.
 * @param now a monotonic clock in milliseconds
 */
export const createCostBudgets = (
  { factor, costPerViewer, costPerAddress, eventCost }: CostBudgetOptions,
  { spend: spendEverywhere }: Pick<RateLimits, 'spend'>,
  now: () => number = () => performance.now(),
): CostBudgets => {
  if (factor === 0)
    return {
      waitMs: () => 0,
      enter: () => undefined,
      chargeReading: () => undefined,
      chargeDocument: () => undefined,
      chargeRefusal: () => undefined,
      charge: () => null,
      chargeEvent: () => undefined,
      eventWaitMs: () => 0,
      stop: () => undefined,
    };
  const untold = new Map<string, { readonly kind: 'viewer' | 'address'; readonly key: string; readonly limit: number; price: number }>();
  /** Until when Redis refuses a key. */
  const refused = new Map<string, number>();

  const budgetsOf = (kind: 'viewer' | 'address' | 'event', perMinute: number, atOnce: number): Budgets => {
    const limit = perMinute * factor;
    const buckets = createBuckets(limit / MINUTE_SECONDS, limit * atOnce, TOO_MUCH, now);
    return {
      limit,
      waitMs: (key) => Math.max(buckets.of(key).waitMs(), (refused.get(`${kind} ${key}`) ?? 0) - now()),
      spend: (key, price) => {
        const bucket = buckets.of(key);
        bucket.take(price);
        if (kind !== 'event' && spendEverywhere !== null) {
          const id = `${kind} ${key}`;
          const known = untold.get(id);
          if (known) known.price += price;
          else if (untold.size < MAX_UNTOLD) untold.set(id, { kind, key, limit, price });
        }
        return bucket.left();
      },
    };
  };
  const viewers = budgetsOf('viewer', costPerViewer, AT_ONCE);
  const addresses = budgetsOf('address', costPerAddress, AT_ONCE);
  const events = budgetsOf('event', eventCost, 1);
  const spendOfAddress = (ip: string | null, price: number): void => void addresses.spend(addressKey(ip ?? ''), price);

  const tell = async (): Promise<void> => {
    if (spendEverywhere === null) return;
    for (const [id, until] of refused) if (until <= now()) refused.delete(id);
    const spent = [...untold];
    untold.clear();
    await Promise.all(
      spent.map(async ([id, { kind, key, limit, price }]) => {
        const waitMs = await spendEverywhere(kind, key, Math.ceil(price), { points: limit, seconds: MINUTE_SECONDS });
        if (waitMs > 0) refused.set(id, now() + waitMs);
      }),
    );
  };
  const telling = spendEverywhere === null ? null : setInterval(() => void tell(), TELL_MS).unref();

  const waitMs = (ip: string | null): number => Math.ceil(addresses.waitMs(addressKey(ip ?? '')));
  return {
    waitMs,
    enter: (ip) => {
      const retryAfterMs = waitMs(ip);
      if (retryAfterMs > 0) throw coded('RATE_LIMITED', TOO_MUCH, { retryAfterMs, limit: addresses.limit });
    },
    chargeReading: (ip, bytes) => {
      // What every operation has of it is in its price.
      if (bytes * BYTE > 1) spendOfAddress(ip, bytes * BYTE);
    },
    chargeDocument: (ip, characters) => spendOfAddress(ip, DOCUMENT + characters * CHARACTER),
    chargeRefusal: (ip) => spendOfAddress(ip, REFUSAL),
    charge: ({ viewer, client }, price) => {
      const paying = [
        { budgets: addresses, key: addressKey(client.ip ?? '') },
        ...(viewer === null ? [] : [{ budgets: viewers, key: viewer.id }]),
      ];
      for (const { budgets, key } of paying) {
        const retryAfterMs = Math.ceil(budgets.waitMs(key));
        if (retryAfterMs > 0) throw coded('RATE_LIMITED', TOO_MUCH, { retryAfterMs, price, limit: budgets.limit });
      }
      return paying
        .map(({ budgets, key }) => ({ left: Math.floor(budgets.spend(key, Math.max(price, 1))), limit: budgets.limit }))
        .reduce((less, other) => (other.left < less.left ? other : less));
    },
    chargeEvent: (owner, price) => void events.spend(owner, price),
    eventWaitMs: (owner) => Math.ceil(events.waitMs(owner)),
    stop: () => clearInterval(telling ?? undefined),
  };
};
