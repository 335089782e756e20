import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeOf, coded } from '../../src/errors.js';
import { createLog } from '../../src/observability/log.js';
import { createRateLimits } from '../../src/access/rate-limits.js';
import { COUNTED, PASSWORD, Register, startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { AddComment, CreatePost, JoinAsGuest, aPost } from '../kit/factories.js';
import { graphql, type TypedText } from '../kit/graphql.js';
import { startRedis, type TestRedis } from '../kit/redis.js';

/** Each address is somebody else's here, so that no test meets the limits of another. */
const ENV = { ...COUNTED, TRUST_PROXY: 'true' };
const MAILS_TO_ADDRESS = 5;
const MAILS_FROM_ADDRESS = 30;
const PASSCODES = 10;
const SIGN_UPS = 100;
const POSTS_AND_COMMENTS = 120;
const HOUR_MS = 3_600_000;

const AskForReset = graphql(`
  mutation LimitsAskForReset($email: String!) {
    requestPasswordReset(input: { email: $email }) {
      ok
    }
  }
`);

interface Outcome {
  readonly code: unknown;
  readonly retryAfterMs: unknown;
}
const SUCCESS: Outcome = { code: undefined, retryAfterMs: undefined };

const from = (app: TestApp, address: string) => {
  const ask = async <Variables>(document: TypedText<unknown, Variables>, variables: Variables): Promise<Outcome> => {
    const { errors } = await app.execute(document.toString(), variables as object, { headers: { 'x-forwarded-for': address } });
    return { code: errors?.[0]?.extensions?.['code'], retryAfterMs: errors?.[0]?.extensions?.['retryAfterMs'] };
  };
  return {
    /** Asks for a mail to an address. */
    mail: (name: string) => ask(AskForReset, { email: `${name}@example.com` }),
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
  expect(outcome.retryAfterMs).toBeLessThanOrEqual(HOUR_MS);
};

const suite = (start: () => Promise<TestApp>): void => {
  let app: TestApp;
  beforeAll(async () => {
    app = await start();
    await app.user('ada');
  });
  afterAll(() => app.stop());

  test('mails to one address are limited, whoever asks for them, and those to another are not', async () => {
    const asked = await times(MAILS_TO_ADDRESS, (n) => from(app, `10.1.0.${n}`).mail('ben'));
    expect(asked).toEqual(Array.from({ length: MAILS_TO_ADDRESS }, () => SUCCESS));
    limited(await from(app, '10.1.1.1').mail('BEN'));
    expect(await from(app, '10.1.1.1').mail('ada')).toEqual(SUCCESS);
  });

  test('those at the same time do not slip through', async () => {
    const asked = await Promise.all(Array.from({ length: 3 * MAILS_TO_ADDRESS }, (_, n) => from(app, `10.2.0.${n}`).mail('cleo')));
    expect(asked.filter(({ code }) => code === undefined)).toHaveLength(MAILS_TO_ADDRESS);
    expect(asked.filter(({ code }) => code === 'RATE_LIMITED')).toHaveLength(2 * MAILS_TO_ADDRESS);
  });

  test('mails that one address asks for are limited, whomever they go to', async () => {
    const asked = await Promise.all(Array.from({ length: MAILS_FROM_ADDRESS }, (_, n) => from(app, '10.4.0.1').mail(`to-${n}`)));
    expect(asked.filter(({ code }) => code === undefined)).toHaveLength(MAILS_FROM_ADDRESS);
    limited(await from(app, '10.4.0.1').mail('to-else'));
    expect(await from(app, '10.4.0.2').mail('to-else')).toEqual(SUCCESS);
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
    const guess = (error: Error): Promise<unknown> => limits.guess({ passcodeByUser: 'gus' }, () => Promise.reject(error)).catch(codeOf);
    for (let n = 0; n < 2 * PASSCODES; n += 1) expect(await guess(coded('UNAVAILABLE', 'Busy.'))).toBe('UNAVAILABLE');
    for (let n = 0; n < PASSCODES; n += 1) expect(await guess(coded('FORBIDDEN', 'Wrong.'))).toBe('FORBIDDEN');
    expect(await guess(coded('FORBIDDEN', 'Wrong.'))).toBe('RATE_LIMITED');
    await limits.close();
  });

  test('new accounts and guests of one address are counted by the day, too', async () => {
    const limits = createRateLimits({ redis: { url: null, prefix: '' }, rateLimits: { factor: 1 } }, createLog('silent'));
    for (let n = 0; n < 300; n += 1) await limits.consume('signUpOfDay', '10.9.0.1');
    expect(await limits.consume('signUp', '10.9.0.1').catch(codeOf)).toBe('RATE_LIMITED');
    expect(await limits.consume('signUp', '10.9.0.2').catch(codeOf)).toBeUndefined();
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
    const ask = (app: TestApp): Promise<Outcome[]> => times(2 * MAILS_TO_ADDRESS + 1, () => from(app, '10.5.0.1').mail('nobody'));
    expect((await ask(twice)).map(({ code }) => code)).toEqual([
      ...Array.from({ length: 2 * MAILS_TO_ADDRESS }, () => undefined),
      'RATE_LIMITED',
    ]);
    expect((await ask(never)).filter(({ code }) => code !== undefined)).toEqual([]);
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

  test('what was counted before Redis went away still counts', async () => {
    const app = await start({ env: { REDIS_PREFIX: 'before:' } });
    const ask = (count: number) => times(count, () => from(app, '10.8.0.1').mail('nobody'));
    await ask(MAILS_TO_ADDRESS - 1);
    redis.pause();
    expect(await ask(1)).toEqual([SUCCESS]);
    limited(await from(app, '10.8.0.2').mail('nobody'));
    redis.resume();
    await app.stop();
  });

  test('processes count together, and while Redis is away each for itself, with no request that fails or waits for it', async () => {
    const one = await start({ env: { REDIS_PREFIX: 'two:' } });
    const two = await start({ env: { REDIS_PREFIX: 'two:' }, database: one.database });
    let askers = 0;
    const ask = (app: TestApp, name: string, count: number) => times(count, () => from(app, `10.6.1.${(askers += 1)}`).mail(name));
    // Connected, both of them, once the second hears of what the first has counted.
    await expect
      .poll(async () => {
        const name = `early-${Math.random()}`;
        await ask(one, name, MAILS_TO_ADDRESS);
        return (await ask(two, name, 1))[0]?.code;
      })
      .toBe('RATE_LIMITED');

    await ask(one, 'shared', 3);
    await ask(two, 'shared', MAILS_TO_ADDRESS - 3);
    limited(await from(one, '10.6.0.2').mail('shared'));
    limited(await from(two, '10.6.0.2').mail('shared'));

    for (const [away, back] of [
      [() => redis.pause(), () => redis.resume()],
      [() => redis.kill(), () => redis.restart()],
    ] as const) {
      await away();
      const name = `away-${Math.random()}`;
      for (const app of [one, two]) {
        expect(await ask(app, name, MAILS_TO_ADDRESS)).toEqual(Array.from({ length: MAILS_TO_ADDRESS }, () => SUCCESS));
        limited(await from(app, '10.6.0.3').mail(name));
      }
      await back();
    }
    await two.stop();
    await one.stop();
  });
});
