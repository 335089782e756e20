import { createHash } from 'node:crypto';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { addressKey } from './address.js';
import { createCondition, type Condition } from '../observability/condition.js';
import type { Config } from '../config.js';
import { codeOf, coded } from '../errors.js';
import type { Log } from '../observability/log.js';
import { connectRedis, createRedisAway } from '../redis/connection.js';
import { inTime } from '../redis/in-time.js';

interface RateLimit {
  /** What is counted: an address (see `address.ts`), a user by id, or a name or mail address as it was typed, whether or not it exists, or whatever else. */
  readonly of: 'address' | 'user' | 'name';
  /** How many points a key has within a window of `seconds`, which begins with its first use. */
  readonly points: number;
  readonly seconds: number;
  /** A limit over a longer window, which is counted with it. */
  readonly within?: string;
}

/**
 * All rate limits of acts. Guesses of passwords and codes are counted only when they are wrong, so a limit by address leaves room for the
 * mistakes of many users who share one. RATE_LIMIT_FACTOR multiplies all of them.
 *
 * Every mutation is limited: by `mutation` (or `anonymousMutation`) with a counter of its own, unless it names another rule, or says that the budgets of
 * all operations are enough.
 */
const RATE_LIMITS = {
  signUp: { of: 'address', points: 100, seconds: 3_600, within: 'signUpOfDay' },
  signUpOfDay: { of: 'address', points: 300, seconds: 86_400 },
  /** Sign-ins by issuers that are begun: what is kept of each is gone after ten minutes, so this is half of what one address can have kept. */
  oidc: { of: 'address', points: 300, seconds: 600 },
  /** Mails that somebody asks for: from an address, by a user, and to a mail address, whoever asks. */
  mailFromAddress: { of: 'address', points: 30, seconds: 3_600 },
  mailByUser: { of: 'user', points: 10, seconds: 3_600 },
  mailToAddress: { of: 'name', points: 5, seconds: 3_600 },
  /** Guests who make an account: the password is hashed each time. */
  claim: { of: 'user', points: 20, seconds: 3_600 },
  /** Estimates of passwords, as they are typed. */
  estimate: { of: 'address', points: 120, seconds: 60 },
  /** Wrong codes and passcodes, but for the first ones of each user: see `domains/conversations/code-guesses.ts`. */
  roomCodeFromAddress: { of: 'address', points: 100, seconds: 86_400 },
  roomCodeByUser: { of: 'user', points: 20, seconds: 600 },
  firstRoomCode: { of: 'user', points: 1, seconds: 86_400 },
  passcodeFromAddress: { of: 'address', points: 100, seconds: 86_400 },
  passcodeByUser: { of: 'user', points: 10, seconds: 600 },
  firstPasscode: { of: 'user', points: 1, seconds: 86_400 },
  message: { of: 'user', points: 300, seconds: 60 },
  reaction: { of: 'user', points: 600, seconds: 60 },
  /** Posts and comments together. */
  post: { of: 'user', points: 120, seconds: 60 },
  /** Typing and read positions, which clients report all the time. */
  reading: { of: 'user', points: 600, seconds: 60 },
  entry: { of: 'user', points: 200, seconds: 3_600 },
  invitation: { of: 'user', points: 50, seconds: 86_400 },
  apiKey: { of: 'user', points: 50, seconds: 86_400 },
  conversation: { of: 'user', points: 100, seconds: 3_600 },
  room: { of: 'user', points: 50, seconds: 86_400 },
  /** New persisted documents. A release of a frontend brings its own once; what is beyond is executed, but not kept. */
  document: { of: 'address', points: 200, seconds: 3_600 },
  /** Exports of what is stored about oneself. */
  exportMyData: { of: 'user', points: 5, seconds: 86_400 },
  mutation: { of: 'user', points: 120, seconds: 60 },
  anonymousMutation: { of: 'address', points: 600, seconds: 60 },
  /** Beyond it: of one address, for what one call is about. */
  anonymousShare: { of: 'name', points: 5, seconds: 60 },
} as const satisfies Record<string, RateLimit>;

export type RateLimitRule = keyof typeof RATE_LIMITS;

/** What the keys of a rule are. */
export const countedBy = (rule: RateLimitRule): RateLimit['of'] => RATE_LIMITS[rule].of;

/** The counters of one rule: of this process, and with Redis of all processes together. */
interface Limiters {
  readonly here: RateLimiterMemory;
  readonly everywhere: RateLimiterRedis | null;
}

export interface RateLimits {
  /**
   * Counts one act.
   * @param key the address (null when unknown), user id or name, as the rule demands
   * @throws RATE_LIMITED with `retryAfterMs`, the milliseconds until it will be allowed again
   */
  readonly consume: (rule: RateLimitRule, key: string | null) => Promise<void>;
  /** Counts one act and tells whether it is allowed, for what is left undone beyond the limit and not refused. */
  readonly isAllowed: (rule: RateLimitRule, key: string | null) => Promise<boolean>;
  /** Takes back what was counted for an act that does not count after all. */
  readonly giveBack: (rule: RateLimitRule, key: string | null) => Promise<void>;
  /**
   * Runs the check of a secret that can be guessed. The attempt is counted before, so that parallel guesses cannot pass the limit together,
   * and given back afterwards unless the guess was wrong, that is unless `work` throws a coded error other than UNAVAILABLE and
   * RATE_LIMITED.
   * @throws RATE_LIMITED, before `work` has begun
   */
  readonly guess: <Result>(keys: Readonly<Partial<Record<RateLimitRule, string | null>>>, work: () => Promise<Result>) => Promise<Result>;
  /**
   * Counts what somebody has spent of a budget of all processes, which begins anew with each window; null without Redis. Never rejects: while Redis
   * is away, nothing is counted there.
   * @returns in how many milliseconds the key may spend again; 0 when it has something left
   */
  readonly spend:
    | ((
        kind: 'viewer' | 'address',
        key: string,
        points: number,
        budget: { readonly points: number; readonly seconds: number },
      ) => Promise<number>)
    | null;
  readonly close: () => Promise<void>;
}

/**
 * How long Redis may leave a command unanswered before the connection counts as lost, in milliseconds. While it is lost, Redis is not
 * asked.
 */
const REDIS_PATIENCE_MS = 1_000;
/** How long counting must succeed before the log says that Redis counts again, in milliseconds. */
const SETTLE_MS = 5_000;

/**
 * Creates the rate limits. Every act is counted in this process, and with Redis over all processes too. While Redis is away, the count of
 * this process decides.
 */
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

  /** Counts in Redis, and logs the reason when that fails. A lost connection is not logged here, because `redis/connection.ts` does it. */
  const everywhere = async (limiter: RateLimiterRedis, change: 'consume' | 'reward', counter: string, points = 1): Promise<void> => {
    try {
      await inTime(limiter[change](counter, points));
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
    const counter = keyOf(rule, key ?? '');
    // The act is counted in this process in any case. Example: nine of ten guesses are made, then Redis stops. The next guess is still the
    // tenth, not the first of ten new ones.
    const refusalHere = await limiter.here[change](counter).then(() => null, refusalOf);
    const refusal =
      limiter.everywhere === null
        ? refusalHere
        : await everywhere(limiter.everywhere, change, counter).then(
            () => null,
            (error: unknown) => (error instanceof RateLimiterRes ? error : refusalHere),
          );
    if (refusal !== null) throw coded('RATE_LIMITED', 'Too often. Try again later.', { retryAfterMs: refusal.msBeforeNext });
  };

  const consume: RateLimits['consume'] = async (rule, key) => {
    await count('consume', rule, key);
    const { within } = RATE_LIMITS[rule] as RateLimit;
    if (within !== undefined) await count('consume', within as RateLimitRule, key);
  };

  const budgets = new Map<string, RateLimiterRedis>();
  const spend: RateLimits['spend'] =
    connection === null
      ? null
      : async (kind, key, points, budget) => {
          let limiter = budgets.get(kind);
          if (limiter === undefined) {
            const keyPrefix = `${redis.prefix}budget:${kind}`;
            limiter = new RateLimiterRedis({
              points: budget.points,
              duration: budget.seconds,
              storeClient: connection.client,
              keyPrefix,
              rejectIfRedisNotReady: true,
            });
            budgets.set(kind, limiter);
          }
          const refusal = await everywhere(limiter, 'consume', digestOf(key), points).then(
            () => null,
            (error: unknown) => error,
          );
          return refusal instanceof RateLimiterRes ? refusal.msBeforeNext : 0;
        };
  return {
    consume,
    isAllowed: (rule, key) =>
      consume(rule, key).then(
        () => true,
        (error: unknown) => {
          if (codeOf(error) === 'RATE_LIMITED') return false;
          throw error;
        },
      ),
    giveBack: (rule, key) => count('reward', rule, key),
    spend,
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

/** The refusal that the limiter has thrown. @throws any other error */
const refusalOf = (error: unknown): RateLimiterRes => {
  if (error instanceof RateLimiterRes) return error;
  throw error;
};

/** Whether the error says that the guess was wrong. UNAVAILABLE and RATE_LIMITED mean that it was not checked. */
const isAnswer = (error: unknown): boolean => {
  const code = codeOf(error);
  return code !== null && code !== 'UNAVAILABLE' && code !== 'RATE_LIMITED';
};

/** The key of a counter, hashed: it has a fixed length whatever name somebody claims, and Redis stores nothing personal. */
const keyOf = (rule: RateLimitRule, key: string): string => digestOf(RATE_LIMITS[rule].of === 'address' ? addressKey(key) : key);

const digestOf = (key: string): string => createHash('sha256').update(key).digest('base64url');
