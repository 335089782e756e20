import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { isErrorCode } from '../../src/errors.js';
import { startTestApp, type TestApp } from '../kit/app.js';
import { askRaw, openRaw, type RawResponse } from '../kit/raw-http.js';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({
    env: {
      CORS_ORIGINS: 'https://app.example',
      HTTP_HEADERS_TIMEOUT_MS: '300',
      HTTP_REQUEST_TIMEOUT_MS: '600',
      HTTP_CHECK_INTERVAL_MS: '20',
      HTTP_KEEP_ALIVE_MS: '1000',
      MAX_REQUEST_BYTES: '20000',
    },
  });
});
afterAll(() => app.stop());

const KEY = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n';
const handshake = (path: string, more = KEY): string =>
  `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${more}\r\n`;
const query = (more = ''): string => `GET /graphql?query={__typename} HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\n${more}\r\n`;
const mutation = (more: string, body = JSON.stringify({ query: '{ __typename }' })): string =>
  `POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n${more}\r\n${body}`;
const ANSWER = '{"data":{"__typename":"Query"}}';

/** What every refusal must be. */
const codeOf = ({ headers, body }: RawResponse): unknown => {
  expect(headers).toMatchObject({
    'content-type': 'application/json; charset=utf-8',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  });
  expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  const { errors } = JSON.parse(body) as { errors: { message: string; extensions: { code: string } }[] };
  expect(errors).toHaveLength(1);
  expect(isErrorCode(errors[0]?.extensions.code)).toBe(true);
  return errors[0]?.extensions.code;
};

describe('whatever is refused is JSON with a code', () => {
  const refused: Readonly<Record<string, readonly [number, string, string]>> = {
    'what is no HTTP': [400, 'BAD_REQUEST', 'garbage\r\n\r\n'],
    'the preface of HTTP/2': [400, 'BAD_REQUEST', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    'a header without a colon': [400, 'BAD_REQUEST', 'GET / HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n'],
    'two lengths': [400, 'BAD_REQUEST', 'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
    'no Host': [400, 'BAD_REQUEST', 'GET /healthz HTTP/1.1\r\n\r\n'],
    'two Hosts': [400, 'BAD_REQUEST', 'GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n'],
    'headers of 20,000 bytes': [431, 'BAD_REQUEST', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`],
    'an unknown path': [404, 'NOT_FOUND', 'GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n'],
    'another method': [405, 'BAD_REQUEST', 'DELETE /graphql HTTP/1.1\r\nHost: x\r\n\r\n'],
    'the use as a proxy': [405, 'BAD_REQUEST', 'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n'],
    'too large a body': [413, 'BAD_REQUEST', mutation('', JSON.stringify({ query: `{ __typename } # ${'x'.repeat(20_000)}` }))],
    'a body that is no JSON': [
      415,
      'BAD_REQUEST',
      'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\nx',
    ],
    'an expectation': [417, 'BAD_REQUEST', mutation('Expect: the-unexpected\r\n')],
    'a handshake without its key': [400, 'BAD_REQUEST', handshake('/graphql', 'Sec-WebSocket-Version: 13\r\n')],
    'a handshake elsewhere': [404, 'NOT_FOUND', handshake('/elsewhere')],
    'a handshake of another version': [426, 'BAD_REQUEST', handshake('/graphql', KEY.replace('13', '7'))],
    'a handshake with a wrong extension': [400, 'BAD_REQUEST', handshake('/graphql', `${KEY}Sec-WebSocket-Protocol: ,,\r\n`)],
    'a handshake from a page of another origin': [403, 'FORBIDDEN', handshake('/graphql', `${KEY}Origin: https://evil.example\r\n`)],
  };
  for (const [what, [status, code, text]] of Object.entries(refused)) {
    it(`${what}: ${status}`, async () => {
      const response = await askRaw(app.url, text);
      expect(response.status).toBe(status);
      expect(codeOf(response)).toBe(code);
      if (status === 405) expect(response.headers['allow']).toMatch(/GET/);
      if (status === 426) expect(response.headers).toMatchObject({ upgrade: 'websocket', 'sec-websocket-version': '13' });
    });
  }

  it('a request that comes too slowly: 408, for its headers and for its body', async () => {
    for (const text of [
      'GET /healthz HTTP/1.1\r\nHost:',
      'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 3000\r\n\r\n{',
    ]) {
      const slow = await openRaw(app.url);
      slow.send(text);
      const dripping = setInterval(() => slow.send(' '), 20);
      const response = await slow.response();
      clearInterval(dripping);
      expect({ status: response.status, code: codeOf(response) }).toEqual({ status: 408, code: 'BAD_REQUEST' });
      await slow.closed;
    }
  });
});

it('requests that do not wait for each other are answered in their order', async () => {
  const connection = await openRaw(app.url);
  connection.send(mutation('') + 'GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n' + query() + mutation(''));
  const statuses = [];
  for (let n = 0; n < 4; n += 1) statuses.push((await connection.response()).status);
  expect(statuses).toEqual([200, 404, 200, 200]);
  connection.socket.destroy();
});

describe('an upgrade to anything but a WebSocket', () => {
  const H2C = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n';
  for (const [name, more] of Object.entries({
    'h2c, as curl and Java offer it': H2C,
    'TLS/1.0': 'Connection: upgrade\r\nUpgrade: TLS/1.0\r\n',
    several: 'Connection: upgrade\r\nUpgrade: h2c, irc/6.9\r\n',
  })) {
    it(`${name}: the request is answered, with a body or without one`, async () => {
      for (const text of [query(more), mutation(more)]) expect(await askRaw(app.url, text)).toMatchObject({ status: 200, body: ANSWER });
    });
  }

  it('leaves the connection as it is: the next requests are answered on it', async () => {
    const connection = await openRaw(app.url);
    for (const text of [mutation(H2C), query(), query(H2C), mutation('')]) {
      connection.send(text);
      expect(await connection.response()).toMatchObject({ status: 200, body: ANSWER });
    }
    connection.socket.destroy();
  });

  it('has a body that comes later, and in pieces', async () => {
    const text = mutation(H2C);
    const connection = await openRaw(app.url);
    const body = text.indexOf('{');
    connection.send(text.slice(0, body));
    await new Promise((resolve) => setImmediate(resolve));
    for (const character of text.slice(body)) connection.send(character);
    expect(await connection.response()).toMatchObject({ status: 200, body: ANSWER });
    connection.socket.destroy();
  });

  it('is not taken where a WebSocket is offered as well', async () => {
    expect(await askRaw(app.url, handshake('/graphql').replace('Upgrade: websocket', 'Upgrade: h2c, websocket'))).toMatchObject({
      status: 101,
    });
  });

  it('is not taken for a POST that names WebSocket: it is answered', async () => {
    expect(await askRaw(app.url, mutation('Connection: Upgrade\r\nUpgrade: websocket\r\n'))).toMatchObject({ status: 200, body: ANSWER });
  });
});

describe('the id of a request', () => {
  it('is the one that the client gave, on every response', async () => {
    for (const text of [query(), 'GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n', handshake('/graphql'), handshake('/elsewhere')]) {
      const { headers } = await askRaw(app.url, text.replace('Host: x', 'Host: x\r\nX-Request-Id: Root=1-67891233-abcdef'));
      expect(headers['x-request-id']).toBe('Root=1-67891233-abcdef');
    }
  });

  it('is a new one when the given one is none', async () => {
    for (const given of ['', 'a b', 'x'.repeat(129), 'é', '<script>']) {
      const { headers } = await askRaw(app.url, query(`X-Request-Id: ${given}\r\n`));
      expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    }
  });
});

describe('sockets and origins', () => {
  const open = (origin: string, url = app.url): Promise<unknown> =>
    new Promise((resolve) => {
      const socket = new WebSocket(url.replace(/^http/, 'ws'), 'graphql-transport-ws', { origin });
      socket.on('open', () => {
        socket.close();
        resolve('open');
      });
      socket.on('unexpected-response', (request, response) => {
        request.destroy();
        resolve(response.statusCode);
      });
      socket.on('error', () => undefined);
    });

  it('are open to the configured pages and to the own ones', async () => {
    expect(await open('https://app.example')).toBe('open');
    expect(await open(new URL(app.url).origin)).toBe('open');
  });

  it('are closed to every other page', async () => {
    for (const origin of [
      'https://evil.example',
      'http://app.example',
      'https://app.example:8443',
      'https://app.example.evil.example',
      'null',
      'file://',
    ]) {
      expect(await open(origin)).toBe(403);
    }
  });

  it('are open to any page where any may call', async () => {
    const any = await startTestApp({ database: app.database });
    try {
      expect(await open('https://evil.example', any.url)).toBe('open');
    } finally {
      await any.stop();
    }
  });
});

describe('a connection that is kept', () => {
  it('says for how long, unless it ends with its answer', async () => {
    expect((await askRaw(app.url, query())).headers).toMatchObject({ connection: 'keep-alive', 'keep-alive': 'timeout=1' });
    for (const text of [query('Connection: close\r\n'), 'GET /healthz HTTP/1.1\r\n\r\n']) {
      const { headers } = await askRaw(app.url, text);
      expect(headers).toMatchObject({ connection: 'close' });
      expect(headers).not.toHaveProperty('keep-alive');
    }
  });

  it('is not closed upon a request that came in time, though the server was too busy to read it', async () => {
    const connection = await openRaw(app.url);
    connection.send(query());
    await connection.response();
    connection.send(query());
    // Node itself would give a second more than it says.
    for (const end = performance.now() + 2_500; performance.now() < end;);
    expect(await connection.response()).toMatchObject({ status: 200, body: ANSWER });
    connection.socket.destroy();
  });
});

describe('connections of one address', () => {
  const LIMIT = 5;
  const start = (env: Readonly<Record<string, string>> = {}): Promise<TestApp> =>
    startTestApp({ database: app.database, env: { MAX_CONNECTIONS_PER_ADDRESS: String(LIMIT), ...env } });

  it('with half-sent headers are no more than may be: one more gets 429, until one has gone', async () => {
    const capped = await start();
    try {
      const half = await Promise.all(Array.from({ length: LIMIT }, () => openRaw(capped.url)));
      for (const connection of half) connection.send('GET /healthz HTTP/1.1\r\nHost:');
      const over = await openRaw(capped.url);
      over.send('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
      const response = await over.response();
      expect({
        status: response.status,
        code: (JSON.parse(response.body) as { errors: { extensions: unknown }[] }).errors[0]?.extensions,
      }).toEqual({ status: 429, code: { code: 'RATE_LIMITED' } });
      expect(response.headers['retry-after']).toBe('1');
      half[0]?.socket.destroy();
      await expect
        .poll(async () => (await askRaw(capped.url, 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n').catch(() => null))?.status, {
          timeout: 20_000,
        })
        .toBe(200);
      for (const { socket } of half) socket.destroy();
    } finally {
      await capped.stop();
    }
  });

  it('are not counted once they are sockets', async () => {
    const capped = await start();
    try {
      const sockets = [];
      for (let n = 0; n < 3 * LIMIT; n += 1) {
        const socket = await openRaw(capped.url);
        socket.send(handshake('/graphql'));
        expect(await socket.response()).toMatchObject({ status: 101 });
        sockets.push(socket);
      }
      for (const { socket } of sockets) socket.destroy();
    } finally {
      await capped.stop();
    }
  });

  it('are not counted behind a trusted proxy, from which they all come', async () => {
    const behind = await start({ TRUST_PROXY: 'true' });
    try {
      const half = await Promise.all(Array.from({ length: 3 * LIMIT }, () => openRaw(behind.url)));
      for (const connection of half) connection.send('GET /healthz HTTP/1.1\r\nHost:');
      expect(await askRaw(behind.url, 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')).toMatchObject({ status: 200 });
      for (const { socket } of half) socket.destroy();
    } finally {
      await behind.stop();
    }
  });
});
