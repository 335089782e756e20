import { createHash } from 'node:crypto';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { holderOf } from './address.js';
import { createCondition, type Condition } from '../observability/condition.js';
import type { Config } from '../config.js';
import { codeOf, coded } from '../errors.js';
import type { Log } from '../observability/log.js';
import { connectRedis, createRedisAway } from '../redis/connection.js';

interface RateLimit {
  /** What is counted: an address (of IPv6, its network), a user by id, or a name that somebody claims to have. */
  readonly of: 'address' | 'user' | 'name';
  /** How often, within how many seconds of the first time. */
  readonly points: number;
  readonly seconds: number;
}

/**
 * Every limit on how often something may be done. What is guessed at (passwords, codes) is only counted when it was wrong, so a limit of an
 * address is wide enough for the mistakes of the many who may share it. RATE_LIMIT_FACTOR multiplies them all.
 *
 * Every mutation is counted, by `mutation` (or by `anonymousMutation`) unless it names another rule, and each by itself.
 */
const RATE_LIMITS = {
  signUp: { of: 'address', points: 100, seconds: 3_600 },
  loginFromAddress: { of: 'address', points: 100, seconds: 900 },
  loginAsName: { of: 'name', points: 10, seconds: 900 },
  roomCodeFromAddress: { of: 'address', points: 100, seconds: 600 },
  roomCodeByUser: { of: 'user', points: 20, seconds: 600 },
  passcodeFromAddress: { of: 'address', points: 100, seconds: 600 },
  passcodeByUser: { of: 'user', points: 10, seconds: 600 },
  message: { of: 'user', points: 300, seconds: 60 },
  reaction: { of: 'user', points: 600, seconds: 60 },
  /** Comments are counted with the posts. */
  post: { of: 'user', points: 120, seconds: 60 },
  /** People type, and read on, all the time. */
  reading: { of: 'user', points: 600, seconds: 60 },
  entry: { of: 'user', points: 200, seconds: 3_600 },
  conversation: { of: 'user', points: 100, seconds: 3_600 },
  /** There are 194,481 codes for the rooms of all. */
  room: { of: 'user', points: 50, seconds: 86_400 },
  mutation: { of: 'user', points: 120, seconds: 60 },
  anonymousMutation: { of: 'address', points: 600, seconds: 60 },
} as const satisfies Record<string, RateLimit>;

export type RateLimitRule = keyof typeof RATE_LIMITS;

/** What a rule counts. */
export const countedBy = (rule: RateLimitRule): RateLimit['of'] => RATE_LIMITS[rule].of;

/** What counts by one rule: in this process, and, with Redis, over all of them. */
interface Limiters {
  readonly here: RateLimiterMemory;
  readonly everywhere: RateLimiterRedis | null;
}

export interface RateLimits {
  /**
   * Counts one act.
   * @param key whose it is, as the rule has it: an address as it came (null when unknown), an id or a name
   * @throws RATE_LIMITED with `retryAfterMs`, the milliseconds until it will be allowed again
   */
  readonly consume: (rule: RateLimitRule, key: string | null) => Promise<void>;
  /**
   * Runs something that can be guessed at. It is counted before, so that guesses at the same time do not slip through, and given back
   * unless it was wrong, that is unless `work` ends with a coded error other than UNAVAILABLE and RATE_LIMITED.
   * @throws RATE_LIMITED, before `work` has begun
   */
  readonly guess: <Result>(keys: Readonly<Partial<Record<RateLimitRule, string | null>>>, work: () => Promise<Result>) => Promise<Result>;
  readonly close: () => Promise<void>;
}

/** The longest that an act waits for Redis before it is counted here alone, in milliseconds. */
const REDIS_WAIT_MS = 250;
/** For how long Redis may owe an answer before it counts as away, and is not waited for at all. */
const REDIS_PATIENCE_MS = 1_000;
/** How long Redis must not have refused to count for it to count again, in milliseconds. */
const SETTLE_MS = 5_000;

/** Counts in this process, and with Redis over all of them; what this process has counted decides for as long as Redis is away. */
export const createRateLimits = (
  { redis, rateLimits: { factor } }: Pick<Config, 'redis'> & { readonly rateLimits: Pick<Config['rateLimits'], 'factor'> },
  log: Log,
  away: Condition = createRedisAway(log),
): RateLimits => {
  const connection =
    redis.url === null || factor === 0
      ? null
      : connectRedis({ url: redis.url, name: `${redis.prefix}limits`, patienceMs: REDIS_PATIENCE_MS, log, away, onReady: () => undefined });

  const refusing = createCondition({
    log,
    name: 'redis-limits',
    began: 'Redis does not count; each process counts its own',
    over: 'Redis counts again',
  });

  const limiterOf = (rule: RateLimitRule): Limiters => {
    const { points, seconds: duration } = RATE_LIMITS[rule];
    const counted = { points: points * factor, duration };
    const here = new RateLimiterMemory(counted);
    if (connection === null) return { here, everywhere: null };
    const everywhere = new RateLimiterRedis({
      ...counted,
      storeClient: connection.client,
      keyPrefix: `${redis.prefix}limit:${rule}`,
      rejectIfRedisNotReady: true,
    });
    return { here, everywhere };
  };
  const rules = Object.keys(RATE_LIMITS) as RateLimitRule[];
  const limiters = new Map(rules.map((rule) => [rule, limiterOf(rule)]));

  /** Counts over all processes, and tells why it cannot. While Redis is away that is told already. */
  const everywhere = async (limiter: RateLimiterRedis, change: 'consume' | 'reward', holder: string): Promise<void> => {
    try {
      await inTime(limiter[change](holder));
      refusing.clear(SETTLE_MS);
    } catch (error) {
      if (error instanceof RateLimiterRes) refusing.clear(SETTLE_MS);
      else if (connection?.ready === true) refusing.hold(error instanceof Error ? error.message : String(error));
      throw error;
    }
  };

  const count = async (change: 'consume' | 'reward', rule: RateLimitRule, key: string | null): Promise<void> => {
    const limiter = limiters.get(rule);
    if (factor === 0 || limiter === undefined) return;
    const holder = keyOf(rule, key ?? '');
    // Counted here in any case. Redis stops for a moment after nine of ten guesses: the next one is the tenth, not the first of ten more.
    const refusalHere = await limiter.here[change](holder).then(() => null, refusalOf);
    const refusal =
      limiter.everywhere === null
        ? refusalHere
        : await everywhere(limiter.everywhere, change, holder).then(
            () => null,
            (error: unknown) => (error instanceof RateLimiterRes ? error : refusalHere),
          );
    if (refusal !== null) throw coded('RATE_LIMITED', 'Too often. Try again later.', { retryAfterMs: refusal.msBeforeNext });
  };

  const consume: RateLimits['consume'] = (rule, key) => count('consume', rule, key);
  return {
    consume,
    guess: async (keys, work) => {
      const counted: [RateLimitRule, string | null][] = [];
      let wrong = false;
      try {
        for (const [rule, key] of Object.entries(keys) as [RateLimitRule, string | null][]) {
          await consume(rule, key);
          counted.push([rule, key]);
        }
        return await work();
      } catch (error) {
        wrong = isAnswer(error);
        throw error;
      } finally {
        if (!wrong) await Promise.all(counted.map(([rule, key]) => count('reward', rule, key)));
      }
    },
    close: async () => connection?.close(),
  };
};

/** @throws what is no refusal */
const refusalOf = (error: unknown): RateLimiterRes => {
  if (error instanceof RateLimiterRes) return error;
  throw error;
};

/**
 * Rejects when Redis has not answered for {@link REDIS_WAIT_MS}. Only time counts in which its answer could be read: after a second of a
 * blocked event loop the answer waits in the socket, and is read before the timer has its way.
 */
const inTime = async <Answer>(answer: Promise<Answer>): Promise<Answer> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => setImmediate(reject, new Error(`no answer for ${REDIS_WAIT_MS} ms`)), REDIS_WAIT_MS);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
};

/** Whether it says something about the guess. The database may have been away, or a limit have kept it from being looked at. */
const isAnswer = (error: unknown): boolean => {
  const code = codeOf(error);
  return code !== null && code !== 'UNAVAILABLE' && code !== 'RATE_LIMITED';
};

/** Of one length, whatever somebody claims their name to be, and nothing personal in Redis. */
const keyOf = (rule: RateLimitRule, key: string): string =>
  createHash('sha256')
    .update(RATE_LIMITS[rule].of === 'address' ? holderOf(key) : key)
    .digest('base64url');
