import { connect as connectTcp } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { SHORT_GRACE, startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { statusOf } from '../kit/acts.js';
import { openRawSocket, type RawSocket } from '../kit/raw-socket.js';
import { StatusChanged } from '../kit/subscriptions.js';

let app: TestApp;
let ada: TestUser;
let wsUrl: string;
beforeAll(async () => {
  app = await startTestApp({ env: { ...SHORT_GRACE, MAX_REQUEST_BYTES: '20000' } });
  ada = await app.user('ada');
  wsUrl = app.url.replace(/^http/, 'ws');
});
afterAll(() => app.stop());

const open = (): Promise<RawSocket> => openRawSocket(app.url);

const acknowledged = async (payload?: object): Promise<RawSocket> => {
  const raw = await open();
  raw.send({ type: 'connection_init', ...(payload ? { payload } : {}) });
  expect(await raw.next()).toMatchObject({ type: 'connection_ack' });
  return raw;
};

/** A subscription that says at once whether somebody is here, and goes on. */
const presenceOf = ({ id }: TestUser) => ({ query: StatusChanged, variables: { ids: [id] } });

describe('the handshake', () => {
  test('is acknowledged with the connection, the time and the viewer', async () => {
    for (const [payload, viewer] of [
      [undefined, null],
      [{}, null],
      [{ accessToken: null }, null],
      [{ accessToken: ada.token }, { id: ada.id, username: 'ada' }],
      [{ Authorization: `Bearer ${ada.token}` }, { id: ada.id, username: 'ada' }],
      [
        { authorization: `bearer ${ada.token}`, 'x-other': '1' },
        { id: ada.id, username: 'ada' },
      ],
    ] as const) {
      const raw = await open();
      raw.send({ type: 'connection_init', ...(payload ? { payload } : {}) });
      expect(await raw.next()).toEqual({
        type: 'connection_ack',
        payload: {
          connectionId: expect.stringMatching(/^[0-9a-f-]{36}$/),
          serverTime: expect.stringMatching(/^\d{4}-.+Z$/),
          viewer,
          accessTokenExpiresAt: viewer && expect.stringMatching(/^\d{4}-.+Z$/),
        },
      });
      raw.socket.close();
    }
  });

  for (const payload of [
    { accessToken: '' },
    { accessToken: 1 },
    { accessToken: {} },
    { accessToken: 'x' },
    { Authorization: 'Basic x' },
    { Authorization: 1 },
  ]) {
    test(`with ${JSON.stringify(payload)} is closed with 4401`, async () => {
      const raw = await open();
      raw.send({ type: 'connection_init', payload });
      expect(await raw.closed).toEqual({ code: 4401, reason: 'Invalid token' });
    });
  }

  test('a second one is closed with 4429', async () => {
    const raw = await acknowledged();
    raw.send({ type: 'connection_init' });
    expect(await raw.closed).toMatchObject({ code: 4429 });
  });

  test('subscribing before the acknowledgement is closed with 4401', async () => {
    const raw = await open();
    raw.send({ type: 'subscribe', id: '1', payload: { query: '{ __typename }' } });
    expect(await raw.closed).toEqual({ code: 4401, reason: 'Unauthorized' });
  });

  test('none within three seconds is closed with 4408', async () => {
    const raw = await open();
    expect(await raw.closed).toMatchObject({ code: 4408 });
  });

  for (const protocols of [[], ['graphql-ws'], ['mqtt', 'soap']]) {
    test(`with the subprotocols [${protocols.join()}] is closed with 4406`, async () => {
      const socket = new WebSocket(wsUrl, protocols);
      // A client that offered some is told none was chosen, which ws takes for an error.
      socket.on('error', () => undefined);
      const code = await new Promise((resolve) => socket.on('close', resolve));
      expect(code).toBe(protocols.length === 0 ? 4406 : 1006);
    });
  }

  test('a peer that goes away while its token is looked up is not present', async () => {
    const ben = await app.user('ben');
    const watcher = app.connect(ada);
    const presence = watcher.subscribe(StatusChanged, { ids: [ben.id] });
    expect(await presence.data()).toEqual({ presenceChanged: { status: 'OFFLINE' } });
    for (let round = 0; round < 20; round += 1) {
      const raw = await open();
      raw.send({ type: 'connection_init', payload: { accessToken: ben.token } });
      if (round % 2 === 0) raw.socket.terminate();
      else raw.socket.close();
      await raw.closed;
    }
    // Whatever was seen of them meanwhile, nothing stays.
    for (;;) {
      const [status] = await statusOf(app, ben.id);
      const [row] = await app.database.query<{ devices: number }>(
        'SELECT count(*)::int AS devices FROM presence_device JOIN "user" u ON u.id = user_id WHERE username = $1',
        ['ben'],
      );
      if (status === 'OFFLINE' && row?.devices === 0) break;
      await presence.next();
    }
    await watcher.close();
  });
});

describe('messages', () => {
  const bad: Readonly<Record<string, unknown>> = {
    'no JSON': 'hello',
    'no object': '[]',
    'an unknown type': { type: 'hello' },
    'a type that is a number': { type: 1 },
    'no id': { type: 'subscribe', payload: { query: '{ __typename }' } },
    'an empty id': { type: 'subscribe', id: '', payload: { query: '{ __typename }' } },
    'an id that is a number': { type: 'subscribe', id: 1, payload: { query: '{ __typename }' } },
    'an id of 257 characters': { type: 'subscribe', id: 'x'.repeat(257), payload: { query: '{ __typename }' } },
    'completing an id of 257 characters': { type: 'complete', id: 'x'.repeat(257) },
    'a ping with a payload that would fill memory': { type: 'ping', payload: { x: 'x'.repeat(17_000) } },
    'one that only servers send': { type: 'connection_ack' },
    'a binary frame': Buffer.from('{"type":"ping"}'),
  };
  for (const [name, message] of Object.entries(bad)) {
    test(`${name}: closed with 4400`, async () => {
      const raw = await acknowledged();
      raw.send(message);
      expect(await raw.closed).toMatchObject({ code: 4400 });
    });
  }

  const wrong: Readonly<Record<string, unknown>> = {
    'no payload': undefined,
    'a payload that is null': null,
    'a payload that is a list': [],
    'a payload that is text': '{ __typename }',
    'no query': {},
    'a query that is null': { query: null },
    'a query that is a number': { query: 1 },
    'a query that is an object': { query: { __typename: true } },
    'variables that are a list': { query: '{ __typename }', variables: [] },
    'variables that are text': { query: '{ __typename }', variables: '{}' },
    'a name that is a number': { query: '{ __typename }', operationName: 1 },
    'a name of 257 characters': { query: '{ __typename }', operationName: 'x'.repeat(257) },
    'extensions that are a list': { query: '{ __typename }', extensions: [] },
  };
  for (const [name, payload] of Object.entries(wrong)) {
    test(`a subscribe with ${name}: an error for its id, and the socket goes on`, async () => {
      const raw = await acknowledged();
      raw.send({ type: 'subscribe', id: '1', payload });
      expect(await raw.next()).toEqual({
        type: 'error',
        id: '1',
        payload: [{ message: expect.any(String) as string, extensions: { code: 'BAD_REQUEST' } }],
      });
      raw.send({ type: 'subscribe', id: '1', payload: { query: '{ __typename }' } });
      expect(await raw.next()).toMatchObject({ type: 'next', id: '1', payload: { data: { __typename: 'Query' } } });
      raw.socket.close();
    });
  }

  test('a wrong payload before the acknowledgement: closed with 4401 like any other subscribe', async () => {
    const raw = await open();
    raw.send({ type: 'subscribe', id: '1', payload: {} });
    expect(await raw.closed).toMatchObject({ code: 4401 });
  });

  test('a wrong payload for an id that is in use: closed with 4409 like any other subscribe', async () => {
    const raw = await acknowledged();
    raw.send({ type: 'subscribe', id: '1', payload: presenceOf(ada) });
    expect(await raw.next()).toMatchObject({ type: 'next', id: '1' });
    raw.send({ type: 'subscribe', id: '1', payload: {} });
    expect(await raw.closed).toMatchObject({ code: 4409 });
  });

  test('one that is too large: closed with 1009', async () => {
    const raw = await acknowledged();
    raw.send({ type: 'subscribe', id: '1', payload: { query: `{ __typename } # ${'x'.repeat(20_000)}` } });
    expect(await raw.closed).toMatchObject({ code: 1009 });
  });

  test('a ping is answered with its payload', async () => {
    const raw = await acknowledged();
    raw.send({ type: 'ping', payload: { a: 1 } });
    expect(await raw.next()).toEqual({ type: 'pong', payload: { a: 1 } });
    raw.socket.close();
  });

  test('ids that objects have names for are ids like others', async () => {
    const raw = await acknowledged();
    for (const id of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      raw.send({ type: 'subscribe', id, payload: { query: '{ __typename }' } });
      expect(await raw.next()).toEqual({ type: 'next', id, payload: { data: { __typename: 'Query' } } });
      expect(await raw.next()).toEqual({ type: 'complete', id });
      raw.send({ type: 'subscribe', id, payload: presenceOf(ada) });
      expect(await raw.next()).toMatchObject({ type: 'next', id });
      raw.send({ type: 'complete', id });
    }
    raw.send(
      '{"type":"subscribe","id":"1","payload":{"query":"query ($a: Boolean = true) { __typename @include(if: $a) }","variables":{"__proto__":{"a":false}},"__proto__":1}}',
    );
    expect(await raw.next()).toEqual({ type: 'next', id: '1', payload: { data: { __typename: 'Query' } } });
    raw.socket.close();
    await raw.closed;
  });

  test('an id that is in use: closed with 4409', async () => {
    const raw = await acknowledged();
    raw.send({ type: 'subscribe', id: '1', payload: presenceOf(ada) });
    expect(await raw.next()).toMatchObject({ type: 'next', id: '1' });
    raw.send({ type: 'subscribe', id: '1', payload: presenceOf(ada) });
    expect(await raw.closed).toMatchObject({ code: 4409 });
  });

  test('completing what is not there does nothing', async () => {
    const raw = await acknowledged();
    raw.send({ type: 'complete', id: 'nothing' });
    raw.send({ type: 'ping' });
    expect(await raw.next()).toEqual({ type: 'pong' });
    raw.socket.close();
  });
});

test('a socket that closes leaves no subscription behind', async () => {
  // Sockets of the tests before close when they close; and of a user who never comes, each subscription says one thing, and that once.
  await expect.poll(() => app.services.hub.stats()).toMatchObject({ streams: 0, subscribers: 0 });
  const absent = await app.user('absent');
  const raw = await acknowledged();
  for (const id of ['1', '2', '3']) raw.send({ type: 'subscribe', id, payload: presenceOf(absent) });
  for (let seen = 0; seen < 3; seen += 1) expect(await raw.next()).toMatchObject({ type: 'next' });
  expect(app.services.hub.stats().subscribers).toBe(3);
  raw.socket.terminate();
  await expect.poll(() => app.services.hub.stats()).toMatchObject({ streams: 0, subscribers: 0 });
});

describe('what is no handshake at all', () => {
  const ask = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const { port } = new URL(app.url);
      let answer = '';
      const socket = connectTcp(Number(port), '127.0.0.1', () => socket.write(text));
      socket.on('data', (chunk) => {
        answer += chunk.toString();
        if (answer.includes('\r\n\r\n')) socket.end();
      });
      socket.on('error', reject).on('close', () => resolve(answer));
    });
  const upgrade = (path: string, more = ''): string =>
    `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${more}\r\n`;
  const KEY = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

  test('is refused, and the server lives', async () => {
    expect(await ask(upgrade('/graphql'))).toMatch(/^HTTP\/1\.1 400 /);
    expect(await ask(upgrade('/elsewhere', KEY))).toMatch(/^HTTP\/1\.1 404 /);
    expect(await ask(upgrade('//', KEY))).toMatch(/^HTTP\/1\.1 404 /);
    expect(await ask(upgrade('/graphql?x', KEY))).toMatch(/^HTTP\/1\.1 101 /);
    expect(await ask('garbage\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    expect(await app.data('{ __typename }')).toEqual({ __typename: 'Query' });
  });
});
