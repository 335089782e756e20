import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import { addressKey } from '../../src/access/address.js';
import { createBucket, createOperationBudgets } from '../../src/access/buckets.js';
import { loadConfig } from '../../src/config.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { like } from '../kit/acts.js';
import { deferred } from '../kit/deferred.js';
import { aPost } from '../kit/factories.js';
import { LikeCountChanged } from '../kit/subscriptions.js';

const MAX_SUBSCRIPTIONS = 3;
const PER_SECOND = 5;
const MAX_SOCKETS = 4;
const LIMITS = {
  MAX_SUBSCRIPTIONS_PER_SOCKET: String(MAX_SUBSCRIPTIONS),
  MAX_SUBSCRIBES_PER_SECOND: String(PER_SECOND),
  MAX_SOCKETS_PER_ADDRESS: String(MAX_SOCKETS),
  MAX_REQUEST_BYTES: '20000',
};

let app: TestApp;
let ada: TestUser;
let post: string;
beforeAll(async () => {
  app = await startTestApp({ env: LIMITS });
  ada = await app.user('ada');
  ({ id: post } = await aPost(app, ada));
});
afterAll(() => app.stop());

/** Resolves with the status of a refused handshake, or with the socket of one that was not. */
const knock = (url: string, headers: Readonly<Record<string, string>> = {}): Promise<number | WebSocket> => {
  const answer = deferred<number | WebSocket>();
  const socket = new WebSocket(url.replace(/^http/, 'ws'), 'graphql-transport-ws', { headers });
  socket.on('open', () => answer.resolve(socket));
  socket.on('unexpected-response', (request, response) => {
    request.destroy();
    answer.resolve(response.statusCode ?? 0);
  });
  socket.on('error', () => undefined);
  return answer.promise;
};
const close = (socket: WebSocket | number): Promise<unknown> => {
  if (typeof socket === 'number') throw new Error(`The handshake was refused with ${socket}.`);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.close();
  return closed;
};

describe('one socket', () => {
  test('H22: one subscription over the cap is refused with RATE_LIMITED, and the socket is kept', async () => {
    const socket = app.connect(ada);
    const running = Array.from({ length: MAX_SUBSCRIPTIONS }, () => socket.subscribe(LikeCountChanged, { id: post }));
    for (const likes of running) expect(await likes.data()).toEqual({ likeCountChanged: { count: 0 } });
    const over = socket.subscribe(LikeCountChanged, { id: post });
    expect(await over.ended).toMatchObject([{ extensions: { code: 'RATE_LIMITED', limit: MAX_SUBSCRIPTIONS } }]);

    await like(app, ada, post);
    for (const likes of running) expect(await likes.data()).toEqual({ likeCountChanged: { count: 1 } });
    running[0]?.stop();
    expect(await socket.subscribe(LikeCountChanged, { id: post }).data()).toEqual({ likeCountChanged: { count: 1 } });
    await socket.close();
  });

  test('H22: a flood of subscribes is closed with 4429, and nothing of it stays', async () => {
    const socket = await knock(app.url);
    if (typeof socket === 'number') throw new Error(`The handshake was refused with ${socket}.`);
    const acknowledged = new Promise((resolve) => socket.once('message', resolve));
    socket.send(JSON.stringify({ type: 'connection_init' }));
    await acknowledged;
    const answered = new Set<string>();
    socket.on('message', (data: Buffer) => answered.add((JSON.parse(data.toString()) as { id: string }).id));
    const closed = new Promise((resolve) => socket.once('close', (code, reason) => resolve([code, reason.toString()])));
    // All at once, so that no time passes in which more would be allowed.
    for (let n = 0; n < 500; n += 1)
      socket.send(JSON.stringify({ type: 'subscribe', id: `s${n}`, payload: { query: LikeCountChanged, variables: { id: post } } }));
    expect(await closed).toEqual([4429, 'Too many requests']);
    expect(answered.size).toBeLessThan(500);
    await expect.poll(() => app.services.hub.stats().subscribers).toBe(0);
    expect(await app.data('{ __typename }')).toEqual({ __typename: 'Query' });
  });

  test('H22: a message that is too large is closed with 1009', async () => {
    const socket = await knock(app.url);
    if (typeof socket === 'number') throw new Error(`The handshake was refused with ${socket}.`);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.send(JSON.stringify({ type: 'connection_init', payload: { filler: 'x'.repeat(20_000) } }));
    expect(await closed).toBe(1009);
  });
});

describe('one address', () => {
  test('H22: a socket over the cap is refused with 429 until another one leaves; HTTP goes on', async () => {
    const mine = await startTestApp({ env: LIMITS });
    try {
      const sockets = await Promise.all(Array.from({ length: MAX_SOCKETS }, () => knock(mine.url)));
      expect(sockets.filter((socket) => typeof socket === 'number')).toEqual([]);
      expect(await knock(mine.url)).toBe(429);
      // The proxy that a header speaks of is not trusted, so it is no other address.
      expect(await knock(mine.url, { 'x-forwarded-for': '192.0.2.7' })).toBe(429);
      expect(await mine.data('{ __typename }')).toEqual({ __typename: 'Query' });
      await close(sockets.pop() ?? 0);
      await expect.poll(async () => typeof (await knock(mine.url))).toBe('object');
    } finally {
      await mine.stop();
    }
  });

  const stream = (url: string, query: string, signal?: AbortSignal): Promise<Response> =>
    fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query, variables: { id: post } }),
      ...(signal && { signal }),
    });

  test('that is refused one socket after the other is told of once', async () => {
    const lines: Record<string, unknown>[] = [];
    const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) });
    const mine = await startTestApp({ env: LIMITS, database: app.database, log });
    try {
      await Promise.all(Array.from({ length: MAX_SOCKETS }, () => knock(mine.url)));
      for (let n = 0; n < 20; n += 1) expect(await knock(mine.url)).toBe(429);
      expect(lines).toMatchObject([{ condition: 'sockets-per-address', reason: `127.0.0.1 has ${MAX_SOCKETS}` }]);
    } finally {
      await mine.stop();
    }
  });

  test('H22: event streams count with the sockets: one over the cap is refused with 429 as JSON until another one leaves', async () => {
    const mine = await startTestApp({ env: LIMITS, database: app.database });
    try {
      const controllers: AbortController[] = [];
      // A response that nobody holds is disconnected by fetch when its memory is collected, which makes room for another one.
      const held: Response[] = [];
      const follow = async (): Promise<Response> => {
        const controller = new AbortController();
        controllers.push(controller);
        const response = await stream(mine.url, LikeCountChanged.toString(), controller.signal);
        held.push(response);
        return response;
      };
      const socket = await knock(mine.url);
      expect(socket).toBeInstanceOf(WebSocket);
      for (let n = 1; n < MAX_SOCKETS; n += 1) expect((await follow()).status).toBe(200);
      const over = await follow();
      expect({ status: over.status, type: over.headers.get('content-type') }).toEqual({
        status: 429,
        type: 'application/json; charset=utf-8',
      });
      expect(await over.json()).toMatchObject({ errors: [{ extensions: { code: 'RATE_LIMITED' } }] });
      // Nor has it left a subscription behind.
      await expect.poll(() => mine.services.hub.stats().subscribers).toBe(MAX_SOCKETS - 1);
      expect(await knock(mine.url)).toBe(429);
      expect(await mine.data('{ __typename }')).toEqual({ __typename: 'Query' });
      controllers[0]?.abort();
      await expect.poll(async () => (await follow()).status).toBe(200);
      await close(socket);
      await expect.poll(async () => (await follow()).status).toBe(200);
      expect(held.filter(({ ok }) => ok).length).toBe(MAX_SOCKETS + 1);
      for (const controller of controllers) controller.abort();
    } finally {
      await mine.stop();
    }
  });

  test('H22: an event stream that has ended by itself counts no more', async () => {
    const mine = await startTestApp({ env: LIMITS, database: app.database });
    const status = async (): Promise<number> => {
      const single = await stream(mine.url, '{ __typename }');
      await single.text();
      return single.status;
    };
    try {
      for (let n = 0; n < 2 * MAX_SOCKETS; n += 1) await expect.poll(status, { timeout: 60_000 }).toBe(200);
    } finally {
      await mine.stop();
    }
  });

  test('H22: behind a trusted proxy each client is counted by itself', async () => {
    const behind = await startTestApp({ env: { ...LIMITS, MAX_SOCKETS_PER_ADDRESS: '1', TRUST_PROXY: 'true' } });
    try {
      const from = (ip: string): Promise<unknown> => knock(behind.url, { 'x-forwarded-for': ip });
      expect(await from('192.0.2.1')).toBeInstanceOf(WebSocket);
      expect(await from('192.0.2.1')).toBe(429);
      expect(await from('192.0.2.2')).toBeInstanceOf(WebSocket);
      expect(await from('2001:db8::1')).toBeInstanceOf(WebSocket);
      expect(await from('2001:db8:0:0:ffff::2')).toBe(429);
    } finally {
      await behind.stop();
    }
  });

  test.each([
    ['127.0.0.1', '127.0.0.1'],
    ['::ffff:127.0.0.1', '127.0.0.1'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['2001:DB8:0001::', '2001:db8:1:0::/64'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['no address', 'no address'],
  ])('%s is counted as %s', (address, holder) => {
    expect(addressKey(address)).toBe(holder);
  });
});

test('a rate allows its burst at once, and then what time brings', () => {
  let now = 1_000;
  const limit = createBucket(10, 3, () => now);
  const taken = (count: number): number => Array.from({ length: count }, () => limit.take()).filter(Boolean).length;
  expect(taken(5)).toBe(3);
  now += 99;
  expect(taken(1)).toBe(0);
  now += 101;
  expect(taken(5)).toBe(2);
  now += 60_000;
  expect(taken(5)).toBe(3);
});

test('what costs several is let in by one, and makes what follows wait for all of them', () => {
  let now = 1_000;
  const limit = createBucket(10, 3, () => now);
  expect([limit.take(), limit.take(), limit.take(4), limit.take()]).toEqual([true, true, true, false]);
  expect(limit.waitMs()).toBe(400);
  now += 399;
  expect(limit.take()).toBe(false);
  now += 1;
  expect(limit.take()).toBe(true);
});

describe('the operations of one address', () => {
  const PER_SECOND_OF_ADDRESS = 1;
  const AT_ONCE = 30;
  let slow: TestApp;
  let addresses = 0;
  beforeAll(async () => {
    const env = { MAX_OPERATIONS_PER_ADDRESS: String(PER_SECOND_OF_ADDRESS), RATE_LIMIT_FACTOR: '1', TRUST_PROXY: 'true' };
    slow = await startTestApp({ env });
  });
  afterAll(() => slow.stop());

  const freshAddress = () => ({ 'x-forwarded-for': `198.51.100.${(addresses += 1)}` });
  const post = (headers: Readonly<Record<string, string>>) => slow.execute('{ __typename }', {}, { headers });
  /** Opens and closes sockets one after the other until one is refused. @returns how many were let in */
  const knockUntilRefused = async (headers: Readonly<Record<string, string>>): Promise<number> => {
    for (let opened = 0; ; opened += 1) {
      const socket = await knock(slow.url, headers);
      if (socket === 429) return opened;
      await close(socket);
    }
  };

  test('are used up by opening and closing sockets as by posting, two by each', async () => {
    const headers = freshAddress();
    const opened = await knockUntilRefused(headers);
    expect(opened).toBeGreaterThanOrEqual(AT_ONCE / 2);
    expect(opened).toBeLessThan(AT_ONCE);
    expect(await post(headers)).toMatchObject({ status: 429, errors: [{ extensions: { code: 'RATE_LIMITED' } }] });
    expect(await post(freshAddress())).toMatchObject({ status: 200 });
  });

  test('that are used up by posting let no socket in', async () => {
    const headers = freshAddress();
    const postAndKnock = async (): Promise<number | null> => {
      await Promise.all(Array.from({ length: 2 * AT_ONCE }, () => post(headers)));
      const socket = await knock(slow.url, headers);
      if (socket === 429) return socket;
      await close(socket);
      return null;
    };
    // One comes back each second, perhaps just before the knock.
    await expect.poll(postAndKnock).toBe(429);
  });

  test('come back: who was refused gets a socket after Retry-After', async () => {
    const headers = freshAddress();
    await knockUntilRefused(headers);
    await expect.poll(async () => typeof (await knock(slow.url, headers))).toBe('object');
  });

  test('are enough by default for all the sockets that an address may have to come back at once, with twenty subscriptions each', () => {
    const { rateLimits, sockets } = loadConfig({ NODE_ENV: 'production', DATABASE_URL: 'postgresql://localhost/lyceum' });
    const budgets = createOperationBudgets(rateLimits, () => 0);
    const refused = Array.from({ length: sockets.maxPerAddress }, () => budgets.ofHandshake('198.51.100.1')).filter((wait) => wait > 0);
    expect(refused).toEqual([]);
    for (let n = 0; n < 20 * sockets.maxPerAddress; n += 1) budgets.ofAddress('198.51.100.1');
  });

  test('are enough by default for eighteen thousand sockets that come back with a subscription each', () => {
    const { rateLimits } = loadConfig({ NODE_ENV: 'production', DATABASE_URL: 'postgresql://localhost/lyceum' });
    const budgets = createOperationBudgets(rateLimits, () => 0);
    for (let n = 0; n < 18_000; n += 1) {
      expect(budgets.ofHandshake('198.51.100.1')).toBe(0);
      budgets.ofAddress('198.51.100.1');
    }
  });
});
