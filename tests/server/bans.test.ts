import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createBans, type Bans, type Sender } from '../../src/access/bans.js';
import { createLog } from '../../src/observability/log.js';
import { COUNTED, startTestApp, type TestApp, type TestUser } from '../kit/app.js';

/** So many refusals of one sender are not too many yet. */
const AT_ONCE = 1_000;
const MINUTE_MS = 60_000;

describe('a ban', () => {
  const somebody: Sender = { ip: '10.0.0.1', viewerId: null };
  let now = 0;
  const bansAt = (time: number): Bans => {
    now = time;
    return createBans({ factor: 1, log: createLog('silent') }, () => now);
  };
  const strike = (bans: Bans, sender = somebody): void => bans.strike(sender, AT_ONCE + 1);

  it('comes with one refusal too many', () => {
    const bans = bansAt(0);
    for (let n = 0; n < AT_ONCE; n += 1) bans.strike(somebody);
    expect(bans.waitMs(somebody)).toBe(0);
    bans.strike(somebody);
    expect(bans.waitMs(somebody)).toBe(MINUTE_MS);
    expect(() => bans.assertNone(somebody)).toThrow('Nothing is answered for a while');
  });

  it('never comes for few refusals a second, however long', () => {
    const bans = bansAt(0);
    for (; now < 3_600_000; now += 1_000) for (let n = 0; n < 5; n += 1) bans.strike(somebody);
    expect(bans.waitMs(somebody)).toBe(0);
  });

  it('ends by itself, is twice as long each further time up to a quarter of an hour, and is forgotten after an hour', () => {
    const bans = bansAt(0);
    for (const minutes of [1, 2, 4, 8, 15, 15]) {
      // The first strikes are let in, in debt; the next one is too many.
      while (bans.waitMs(somebody) === 0) strike(bans);
      expect(bans.waitMs(somebody)).toBe(minutes * MINUTE_MS);
      now += minutes * MINUTE_MS;
      expect(bans.waitMs(somebody)).toBe(0);
    }
    now += 61 * MINUTE_MS;
    while (bans.waitMs(somebody) === 0) strike(bans);
    expect(bans.waitMs(somebody)).toBe(MINUTE_MS);
  });

  it('of an address is not one of those who are signed in behind it, nor the other way round', () => {
    const bans = bansAt(0);
    const viewer = { ip: somebody.ip, viewerId: 'a' };
    while (bans.waitMs(somebody) === 0) strike(bans);
    expect(bans.waitMs(viewer)).toBe(0);
    while (bans.waitMs(viewer) === 0) strike(bans, viewer);
    expect(bans.waitMs({ ...viewer, viewerId: 'b' })).toBe(0);
    expect(bans.waitMs({ ip: '10.0.0.2', viewerId: 'a' })).toBeGreaterThan(0);
  });
});

describe('whoever goes on to send what is refused', () => {
  let app: TestApp;
  let ada: TestUser;
  let ben: TestUser;
  beforeAll(async () => {
    app = await startTestApp({ env: { ...COUNTED, TRUST_PROXY: 'true' } });
    ada = await app.user('ada');
    ben = await app.user('ben');
  });
  afterAll(() => app.stop());

  const post = (ip: string, query: string, as?: TestUser, accept = 'application/json'): Promise<Response> =>
    fetch(app.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept,
        'x-forwarded-for': ip,
        ...(as ? { authorization: `Bearer ${as.token}` } : {}),
      },
      body: JSON.stringify({ query }),
    });
  /** Sends what is refused until that is too much. */
  const annoy = async (ip: string, as?: TestUser): Promise<void> => {
    await Promise.all(Array.from({ length: AT_ONCE + 100 }, async () => await (await post(ip, '{ nothing }', as)).text()));
  };
  /** The code with which the server closes a socket that asks for something. */
  const closeOf = (socket: WebSocket, payload: object = {}): Promise<number> =>
    new Promise((resolve) => {
      socket.on('error', () => undefined).once('close', resolve);
      const ask = (): void => socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload: { query: '{ __typename }' } }));
      if (socket.readyState === socket.OPEN) return ask();
      socket.once('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload })));
      socket.once('message', ask);
    });
  const open = (ip: string): WebSocket =>
    new WebSocket(app.url.replace(/^http/, 'ws'), 'graphql-transport-ws', { headers: { 'x-forwarded-for': ip } });
  const acknowledged = async (ip: string, payload: object = {}): Promise<WebSocket> => {
    const socket = open(ip);
    socket.once('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload })));
    await new Promise((resolve) => socket.once('message', resolve));
    return socket;
  };

  it('is banned with their address, on every transport, and nobody else is', async () => {
    const ip = '10.2.0.1';
    const before = await acknowledged(ip);
    await annoy(ip);
    for (const accept of ['application/json', 'text/event-stream']) {
      const response = await post(ip, '{ __typename }', undefined, accept);
      expect(await response.text()).toContain('RATE_LIMITED');
      if (accept !== 'application/json') continue;
      expect(response.status).toBe(429);
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(50);
    }
    expect(await closeOf(before)).toBe(1013);
    expect(await closeOf(open(ip))).toBe(1013);
    expect((await post('10.2.0.2', '{ __typename }')).status).toBe(200);
    const alerts = `SELECT ref FROM event WHERE topic = 'security' AND kind = 'SENDER_BANNED'`;
    await expect.poll(() => app.database.query(alerts)).toEqual([{ ref: { subject: null, detail: { ip, forMs: MINUTE_MS } } }]);
  });

  it('does not hinder who is signed in behind the same address', async () => {
    const ip = '10.2.0.3';
    const socket = await acknowledged(ip, { accessToken: ben.token });
    await annoy(ip);
    expect((await post(ip, '{ me { email } }')).status).toBe(429);
    expect((await post(ip, '{ me { email } }', ben)).status).toBe(200);
    socket.send(JSON.stringify({ type: 'ping' }));
    await new Promise((resolve) => socket.once('message', resolve));
    socket.close();
    const token = { accessToken: ben.token };
    expect(await Promise.race([closeOf(open(ip), token), acknowledged(ip, token).then((other) => (other.close(), 'open'))])).toBe('open');
  });

  it('is banned by themselves when they are signed in, wherever they come from', async () => {
    await annoy('10.2.0.4', ada);
    expect((await post('10.2.0.5', '{ me { email } }', ada)).status).toBe(429);
    expect(await closeOf(open('10.2.0.5'), { accessToken: ada.token })).toBe(1013);
    expect((await post('10.2.0.4', '{ __typename }')).status).toBe(200);
  });
});
