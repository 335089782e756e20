import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeOf, coded } from '../../src/errors.js';
import { createLog } from '../../src/observability/log.js';
import { createRateLimits } from '../../src/access/rate-limits.js';
import { COUNTED, PASSWORD, Register, startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { AddComment, CreatePost, JoinAsGuest, LogIn, aPost } from '../kit/factories.js';
import type { TypedText } from '../kit/graphql.js';
import { startRedis, type TestRedis } from '../kit/redis.js';

/** Each address is somebody else's here, so that no test meets the limits of another. */
const ENV = { ...COUNTED, TRUST_PROXY: 'true' };
const LOGINS_AS_NAME = 10;
const LOGINS_FROM_ADDRESS = 100;
const SIGN_UPS = 100;
const POSTS_AND_COMMENTS = 120;
const FIFTEEN_MINUTES_MS = 900_000;

interface Outcome {
  readonly code: unknown;
  readonly retryAfterMs: unknown;
}
const SUCCESS: Outcome = { code: undefined, retryAfterMs: undefined };
const WRONG: Outcome = { code: 'UNAUTHENTICATED', retryAfterMs: undefined };

const from = (app: TestApp, address: string) => {
  const ask = async <Variables>(document: TypedText<unknown, Variables>, variables: Variables): Promise<Outcome> => {
    const { errors } = await app.execute(document.toString(), variables as object, { headers: { 'x-forwarded-for': address } });
    return { code: errors?.[0]?.extensions?.['code'], retryAfterMs: errors?.[0]?.extensions?.['retryAfterMs'] };
  };
  return {
    login: (as: string, password: string) => ask(LogIn, { identifier: as, password }),
    join: () => ask(JoinAsGuest, { displayName: 'G' }),
    register: (username: string) => ask(Register, { input: { username, email: `${username}@example.com`, password: PASSWORD } }),
  };
};

const times = async (count: number, work: (n: number) => Promise<Outcome>): Promise<Outcome[]> => {
  const outcomes: Outcome[] = [];
  for (let n = 0; n < count; n += 1) outcomes.push(await work(n));
  return outcomes;
};
const limited = (outcome: Outcome): void => {
  expect(outcome.code).toBe('RATE_LIMITED');
  expect(outcome.retryAfterMs).toBeGreaterThan(0);
  expect(outcome.retryAfterMs).toBeLessThanOrEqual(FIFTEEN_MINUTES_MS);
};

const suite = (start: () => Promise<TestApp>): void => {
  let app: TestApp;
  beforeAll(async () => {
    app = await start();
    await app.user('ada');
  });
  afterAll(() => app.stop());

  test('wrong passwords for one name end in RATE_LIMITED, from wherever they come, and the right one is then no better', async () => {
    await app.user('ben');
    const guesses = await times(LOGINS_AS_NAME, (n) => from(app, `10.1.0.${n}`).login('ben', 'wrong'));
    expect(guesses).toEqual(Array.from({ length: LOGINS_AS_NAME }, () => WRONG));
    limited(await from(app, '10.1.1.1').login(' BEN ', 'wrong'));
    limited(await from(app, '10.1.1.2').login('ben', PASSWORD));
    expect(await from(app, '10.1.1.2').login('ada', PASSWORD)).toEqual(SUCCESS);
  });

  test('guesses at the same time do not slip through', async () => {
    const guesses = await Promise.all(
      Array.from({ length: 3 * LOGINS_AS_NAME }, (_, n) => from(app, `10.2.0.${n}`).login('nobody', 'wrong')),
    );
    expect(guesses.filter(({ code }) => code === 'UNAUTHENTICATED')).toHaveLength(LOGINS_AS_NAME);
    expect(guesses.filter(({ code }) => code === 'RATE_LIMITED')).toHaveLength(2 * LOGINS_AS_NAME);
  });

  test('who gives the right password is not counted', async () => {
    const logins = await times(2 * LOGINS_AS_NAME, () => from(app, '10.3.0.1').login('ada', PASSWORD));
    expect(logins).toEqual(Array.from({ length: 2 * LOGINS_AS_NAME }, () => SUCCESS));
  });

  test('wrong passwords of one address end in RATE_LIMITED, whatever the names', async () => {
    const guesses = await Promise.all(
      Array.from({ length: LOGINS_FROM_ADDRESS }, (_, n) => from(app, '10.4.0.1').login(`nobody-${n}`, 'wrong')),
    );
    expect(guesses.filter(({ code }) => code === 'UNAUTHENTICATED')).toHaveLength(LOGINS_FROM_ADDRESS);
    limited(await from(app, '10.4.0.1').login('nobody-else', 'wrong'));
    expect(await from(app, '10.4.0.2').login('nobody-else', 'wrong')).toEqual(WRONG);
  });

  test('what the limit of a name refuses is not counted for the address', async () => {
    await times(LOGINS_AS_NAME, (n) => from(app, `10.7.0.${n}`).login('dee', 'wrong'));
    const refused = await Promise.all(Array.from({ length: LOGINS_FROM_ADDRESS }, () => from(app, '10.7.1.1').login('dee', 'wrong')));
    expect(refused.filter(({ code }) => code === 'RATE_LIMITED')).toHaveLength(LOGINS_FROM_ADDRESS);
    expect(await from(app, '10.7.1.1').login('nobody-else', 'wrong')).toEqual(WRONG);
  });

  test('new accounts and guests of one address are counted together; a network of IPv6 is one address', async () => {
    const joined = await Promise.all(Array.from({ length: SIGN_UPS - 1 }, (_, n) => from(app, `2001:db8::${n.toString(16)}`).join()));
    expect(joined.filter(({ code }) => code !== undefined)).toEqual([]);
    expect((await from(app, '2001:db8::ffff').register('cid')).code).toBeUndefined();
    expect((await from(app, '2001:db8::1').join()).code).toBe('RATE_LIMITED');
    expect((await from(app, '2001:db8::1').register('dan')).code).toBe('RATE_LIMITED');
    expect((await from(app, '2001:db8:0:1::1').join()).code).toBeUndefined();
  });
};

describe('in the process', () => {
  suite(() => startTestApp({ env: ENV }));

  test('a guess that nobody looked at is not counted', async () => {
    const limits = createRateLimits({ redis: { url: null, prefix: '' }, rateLimits: { factor: 1 } }, createLog('silent'));
    const guess = (error: Error): Promise<unknown> => limits.guess({ loginAsName: 'gus' }, () => Promise.reject(error)).catch(codeOf);
    for (let n = 0; n < 2 * LOGINS_AS_NAME; n += 1) expect(await guess(coded('UNAVAILABLE', 'Busy.'))).toBe('UNAVAILABLE');
    for (let n = 0; n < LOGINS_AS_NAME; n += 1) expect(await guess(coded('UNAUTHENTICATED', 'Wrong.'))).toBe('UNAUTHENTICATED');
    expect(await guess(coded('UNAUTHENTICATED', 'Wrong.'))).toBe('RATE_LIMITED');
    await limits.close();
  });

  test('what one user writes is counted, posts and comments together, and nobody else is held up by it', async () => {
    const app = await startTestApp({ env: ENV });
    const [eve, fay] = await Promise.all([app.user('eve'), app.user('fay')]);
    const { id: postId } = await aPost(app, eve);
    const post = (as: TestUser): Promise<unknown> => app.code(CreatePost, { input: { body: 'x' } }, as);
    const comment = (as: TestUser): Promise<unknown> => app.code(AddComment, { input: { postId, body: 'x' } }, as);
    const codes = await Promise.all(Array.from({ length: POSTS_AND_COMMENTS }, (_, n) => (n % 2 === 0 ? post(eve) : comment(eve))));
    expect(codes.filter((code) => code === undefined)).toHaveLength(POSTS_AND_COMMENTS - 1);
    expect(codes.filter((code) => code === 'RATE_LIMITED')).toHaveLength(1);
    expect(await comment(fay)).toBeUndefined();
    await app.stop();
  });

  test('RATE_LIMIT_FACTOR multiplies the limits, and 0 takes them away', async () => {
    const [twice, never] = await Promise.all([
      startTestApp({ env: { ...ENV, RATE_LIMIT_FACTOR: '2' } }),
      startTestApp({ env: { ...ENV, RATE_LIMIT_FACTOR: '0' } }),
    ]);
    const guess = (app: TestApp): Promise<Outcome[]> => times(2 * LOGINS_AS_NAME + 1, () => from(app, '10.5.0.1').login('nobody', 'wrong'));
    expect((await guess(twice)).map(({ code }) => code)).toEqual([
      ...Array.from({ length: 2 * LOGINS_AS_NAME }, () => 'UNAUTHENTICATED'),
      'RATE_LIMITED',
    ]);
    expect((await guess(never)).filter(({ code }) => code !== 'UNAUTHENTICATED')).toEqual([]);
    await Promise.all([twice.stop(), never.stop()]);
  });
});

describe('in Redis', () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());
  const start = (options: Parameters<typeof startTestApp>[0] = {}): Promise<TestApp> =>
    startTestApp({ ...options, env: { ...ENV, REDIS_URL: redis.url, REDIS_PREFIX: 'limits-test:', ...options.env } });

  suite(start);

  test('guesses that were counted before Redis went away still count', async () => {
    const app = await start({ env: { REDIS_PREFIX: 'before:' } });
    const guess = (count: number) => times(count, () => from(app, '10.8.0.1').login('nobody', 'wrong'));
    await guess(LOGINS_AS_NAME - 1);
    redis.pause();
    expect(await guess(1)).toEqual([WRONG]);
    limited(await from(app, '10.8.0.2').login('nobody', 'wrong'));
    redis.resume();
    await app.stop();
  });

  test('processes count together, and while Redis is away each for itself, with no request that fails or waits for it', async () => {
    const one = await start({ env: { REDIS_PREFIX: 'two:' } });
    const two = await start({ env: { REDIS_PREFIX: 'two:' }, database: one.database });
    const guess = (app: TestApp, name: string, count: number) => times(count, () => from(app, '10.6.0.1').login(name, 'wrong'));
    // Connected, both of them, once the second hears of what the first has counted.
    await expect
      .poll(async () => {
        const name = `early-${Math.random()}`;
        await guess(one, name, LOGINS_AS_NAME);
        return (await from(two, '10.6.0.2').login(name, 'wrong')).code;
      })
      .toBe('RATE_LIMITED');

    await guess(one, 'shared', LOGINS_AS_NAME / 2);
    await guess(two, 'shared', LOGINS_AS_NAME / 2);
    limited(await from(one, '10.6.0.2').login('shared', 'wrong'));
    limited(await from(two, '10.6.0.2').login('shared', 'wrong'));

    for (const [away, back] of [
      [() => redis.pause(), () => redis.resume()],
      [() => redis.kill(), () => redis.restart()],
    ] as const) {
      await away();
      const name = `away-${Math.random()}`;
      for (const app of [one, two]) {
        expect(await guess(app, name, LOGINS_AS_NAME)).toEqual(Array.from({ length: LOGINS_AS_NAME }, () => WRONG));
        limited(await from(app, '10.6.0.3').login(name, 'wrong'));
      }
      await back();
    }
    await two.stop();
    await one.stop();
  });
});
