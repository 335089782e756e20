import { Agent, request as httpRequest } from 'node:http';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { startTestApp, type TestApp } from '../kit/app.js';
import { aPost } from '../kit/factories.js';
import { LikeCountChanged } from '../kit/subscriptions.js';
import { deferred } from '../kit/deferred.js';
import { plainRequest, type PlainOptions, type PlainResponse } from '../kit/plain-http.js';
import { startProxy, type Proxy } from '../kit/proxy.js';
import { createTestDatabase, type TestDatabase } from '../kit/database.js';

let app: TestApp;
let origin: string;
beforeAll(async () => {
  app = await startTestApp();
  ({ origin } = new URL(app.url));
});
afterAll(() => app.stop());

const raw = (path: string, options?: PlainOptions): Promise<PlainResponse> => plainRequest(origin, path, options);

describe('beside GraphQL', () => {
  test('/healthz says that the process lives', async () => {
    const { status, headers, body } = await raw('/healthz');
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    expect(JSON.parse(body.toString())).toEqual({ status: 'ok' });
  });

  test('HEAD gives the headers alone', async () => {
    for (const path of ['/healthz', '/readyz', '/.well-known/jwks.json']) {
      const { status, headers, body } = await raw(path, { method: 'HEAD' });
      expect({ status, length: body.length, type: headers['content-type'] }).toEqual({
        status: 200,
        length: 0,
        type: 'application/json; charset=utf-8',
      });
    }
  });

  test('what is not there is 404, in JSON', async () => {
    for (const path of ['/nothing', '/graphql/', '/constructor', '/%2e%2e/etc/passwd']) {
      const { status, body } = await raw(path);
      expect(status).toBe(404);
      expect(JSON.parse(body.toString())).toMatchObject({ errors: [{ extensions: { code: 'NOT_FOUND' } }] });
    }
  });

  test('other methods are 405', async () => {
    for (const path of ['/healthz', '/.well-known/jwks.json', '/']) {
      const { status, headers, body } = await raw(path, { method: 'POST' });
      expect({ status, allow: headers.allow }).toEqual({ status: 405, allow: 'GET, HEAD, OPTIONS' });
      expect(JSON.parse(body.toString())).toMatchObject({ errors: [{ extensions: { code: 'BAD_REQUEST' } }] });
    }
  });

  test('anyone can verify an access token by the published keys', async () => {
    const { token, id } = await app.user('keys');
    const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', origin));
    const { payload } = await jwtVerify(token, keys, { issuer: 'lyceum', audience: 'lyceum' });
    expect(Buffer.from(id, 'base64').toString()).toContain(payload.sub?.slice(0, 8) ?? 'no subject');
    expect((await raw('/.well-known/jwks.json')).body.toString()).not.toContain('"d"');
  });
});

describe('/readyz', () => {
  let database: TestDatabase;
  let proxy: Proxy;
  let behind: TestApp;
  beforeAll(async () => {
    database = await createTestDatabase();
    proxy = await startProxy(database.url);
    behind = await startTestApp({
      database: { ...database, url: proxy.url },
      env: { DATABASE_TIMEOUT_MS: '500', REDIS_URL: 'redis://127.0.0.1:1' },
    });
  });
  afterAll(async () => {
    await behind.stop();
    await proxy.stop();
    await database.drop();
  });
  const ready = async (): Promise<unknown> => {
    const response = await fetch(new URL('/readyz', behind.url));
    return { status: response.status, ...((await response.json()) as object) };
  };

  test('says 503 while the database is away, and 200 with or without Redis', async () => {
    const UP = { status: 200, ready: true, components: { database: 'UP', bus: 'DOWN' } };
    expect(await ready()).toEqual(UP);
    await proxy.refuse();
    expect(await ready()).toEqual({ status: 503, ready: false, components: { database: 'DOWN', bus: 'DOWN' } });
    expect((await fetch(new URL('/healthz', behind.url))).status).toBe(200);
    await proxy.resume();
    await expect.poll(ready).toEqual(UP);
  });
});

describe('CORS', () => {
  const preflight = {
    method: 'OPTIONS',
    headers: {
      origin: 'https://app.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type',
    },
  };
  const EXPOSED = { 'access-control-expose-headers': 'Retry-After, X-Request-Id' };
  /** The headers of CORS; of `vary` only what is due to it. */
  const corsOf = ({ headers: { vary = '', ...headers } }: PlainResponse): Record<string, unknown> => {
    const origin = /\bOrigin\b/.exec(vary);
    const others = Object.entries(headers).filter(([name]) => name.startsWith('access-control'));
    return { ...Object.fromEntries(others), ...(origin ? { vary: origin[0] } : {}) };
  };
  const at = async (other: TestApp, path: string, init?: Parameters<typeof raw>[1]): Promise<PlainResponse> => {
    const before = origin;
    origin = new URL(other.url).origin;
    try {
      return await raw(path, init);
    } finally {
      origin = before;
    }
  };

  test('lets any page call in development', async () => {
    expect(await raw('/graphql', preflight)).toMatchObject({
      status: 204,
      headers: {
        'access-control-allow-origin': '*',
        'access-control-allow-methods': 'GET, POST, OPTIONS',
        'access-control-allow-headers': 'authorization,content-type',
        'access-control-max-age': '600',
      },
    });
    const answer = await raw('/graphql?query={__typename}', { headers: { origin: 'https://app.example' } });
    expect(corsOf(answer)).toEqual({ 'access-control-allow-origin': '*', ...EXPOSED });
    // A page must be able to read a refusal too.
    expect(corsOf(await raw('/graphql', { method: 'PUT', headers: { origin: 'https://app.example' } }))).toEqual({
      'access-control-allow-origin': '*',
      ...EXPOSED,
    });
  });

  test('lets a page send whatever headers it asks for, and the usual ones when it asks for none that are well-formed', async () => {
    const asking = (names: string): typeof preflight => ({
      ...preflight,
      headers: { ...preflight.headers, 'access-control-request-headers': names },
    });
    for (const names of [
      'apollographql-client-name,apollographql-client-version',
      'traceparent, tracestate',
      'sentry-trace,baggage',
      'x-request-id',
      'apollo-require-preflight',
    ]) {
      expect((await raw('/graphql', asking(names))).headers).toMatchObject({
        'access-control-allow-headers': names,
        vary: 'Access-Control-Request-Headers',
      });
    }
    for (const names of ['', 'a b', 'a,', 'a:b', '(a)', `a${'x'.repeat(3_000)}`]) {
      expect((await raw('/graphql', asking(names))).headers['access-control-allow-headers']).toBe(
        'Content-Type, Authorization, Accept, Last-Event-ID',
      );
    }
  });

  test('lets only the configured pages call', async () => {
    const strict = await startTestApp({ env: { CORS_ORIGINS: 'https://app.example, https://admin.example' } });
    try {
      for (const allowed of ['https://app.example', 'https://admin.example']) {
        expect(corsOf(await at(strict, '/graphql?query={__typename}', { headers: { origin: allowed } }))).toEqual({
          'access-control-allow-origin': allowed,
          'access-control-allow-credentials': 'true',
          ...EXPOSED,
          vary: 'Origin',
        });
      }
      expect(await at(strict, '/graphql', preflight)).toMatchObject({
        status: 204,
        headers: { 'access-control-allow-origin': 'https://app.example' },
      });
      for (const other of ['https://evil.example', 'null', 'https://app.example.evil.example', 'http://app.example']) {
        expect(corsOf(await at(strict, '/graphql', { ...preflight, headers: { ...preflight.headers, origin: other } }))).toEqual({
          vary: 'Origin',
        });
        expect(corsOf(await at(strict, '/graphql?query={__typename}', { headers: { origin: other } }))).toEqual({ vary: 'Origin' });
      }
    } finally {
      await strict.stop();
    }
  });

  test('lets no page call in production, unless it is configured', async () => {
    const production = await startTestApp({ env: { NODE_ENV: 'production', HOST: '127.0.0.1', PORT: '0', LOG_LEVEL: 'silent' } });
    try {
      expect(corsOf(await at(production, '/graphql', preflight))).toEqual({});
      expect(corsOf(await at(production, '/graphql?query={__typename}', { headers: { origin: 'https://app.example' } }))).toEqual({});
    } finally {
      await production.stop();
    }
  });
});

describe('the page of GraphiQL', () => {
  const HTML = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

  test('is compressed, and known again by its tag', async () => {
    const plain = await raw('/graphql', { headers: { accept: HTML } });
    expect(plain).toMatchObject({
      status: 200,
      headers: {
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-cache',
        vary: 'Accept, Accept-Encoding',
        'x-frame-options': 'DENY',
      },
    });
    const brotli = await raw('/graphql', { headers: { accept: HTML, 'accept-encoding': 'gzip, deflate, br, zstd' } });
    const gzip = await raw('/graphql', { headers: { accept: HTML, 'accept-encoding': 'gzip' } });
    expect(brotli.headers['content-encoding']).toBe('br');
    expect(gzip.headers['content-encoding']).toBe('gzip');
    expect(brotli.body.length).toBeLessThan(2_500_000);
    expect(gzip.body.length).toBeLessThan(3_000_000);
    expect(brotliDecompressSync(brotli.body).equals(plain.body)).toBe(true);
    expect(gunzipSync(gzip.body).equals(plain.body)).toBe(true);

    const { etag = '' } = brotli.headers;
    expect(await raw('/graphql', { headers: { accept: HTML, 'if-none-match': etag } })).toMatchObject({
      status: 304,
      body: Buffer.alloc(0),
    });
    const head = await raw('/graphql', { method: 'HEAD', headers: { accept: HTML, 'accept-encoding': 'br' } });
    expect(head).toMatchObject({ status: 200, body: Buffer.alloc(0), headers: { 'content-length': String(brotli.body.length) } });
  });

  test('is for those who prefer a page; others are answered', async () => {
    for (const accept of ['*/*', 'application/json', 'application/json, text/html;q=0.1']) {
      expect((await raw('/graphql?query={__typename}', { headers: { accept } })).body.toString()).toBe('{"data":{"__typename":"Query"}}');
    }
  });
});

describe('a stop', () => {
  /** An app that is about to stop, and a post that can be followed there. */
  const startStopping = async (): Promise<{ readonly stopping: TestApp; readonly id: string }> => {
    const stopping = await startTestApp();
    const { id } = await aPost(stopping, await stopping.user('ada'));
    return { stopping, id };
  };

  test('ends sockets with 1012', async () => {
    const { stopping, id } = await startStopping();
    const socket = new WebSocket(stopping.url.replace('http', 'ws'), 'graphql-transport-ws');
    const subscribed = deferred<undefined>();
    const closed = new Promise((resolve) => socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })));
    socket.on('open', () => socket.send('{"type":"connection_init"}'));
    socket.on('message', (data: Buffer) => {
      const { type } = JSON.parse(data.toString()) as { type: string };
      const payload = { query: LikeCountChanged, variables: { id } };
      if (type === 'connection_ack') socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload }));
      if (type === 'next') subscribed.resolve(undefined);
    });
    await subscribed.promise;
    await stopping.stop();
    expect(await closed).toEqual({ code: 1012, reason: 'Service restart' });
  });

  test('cuts event streams, without a complete', async () => {
    const { stopping, id } = await startStopping();
    const variables = encodeURIComponent(JSON.stringify({ id }));
    const response = await fetch(`${stopping.url}?query=${encodeURIComponent(LikeCountChanged.toString())}&variables=${variables}`, {
      headers: { accept: 'text/event-stream' },
    });
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    const cut = (async () => {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return 'ended';
        expect(Buffer.from(value).toString()).not.toContain('complete');
      }
    })().catch(() => 'cut');
    await stopping.stop();
    expect(await cut).toBe('cut');
  });

  test('is not held up by idle connections, and then nobody is answered', async () => {
    const { stopping } = await startStopping();
    const agent = new Agent({ keepAlive: true });
    const idle = await new Promise<number>((resolve, reject) => {
      httpRequest(`${stopping.url}?query={__typename}`, { agent }, (response) =>
        response.resume().on('end', () => resolve(response.statusCode ?? 0)),
      )
        .on('error', reject)
        .end();
    });
    expect(idle).toBe(200);
    const started = performance.now();
    await stopping.stop();
    // Far below the grace that running requests have.
    expect(performance.now() - started).toBeLessThan(5_000);
    await expect(fetch(`${stopping.url}?query={__typename}`)).rejects.toThrow();
    agent.destroy();
  });

  test('lets requests that run finish', async () => {
    const stopping = await startTestApp();
    const holder = await import('pg').then(({ default: pg }) => new pg.Client(stopping.database.url));
    await holder.connect();
    await holder.query('BEGIN; LOCK TABLE post IN ACCESS EXCLUSIVE MODE');
    const running = stopping.execute('{ posts { totalCount } }');
    await expect
      .poll(
        async () =>
          (await stopping.database.query(`SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`))
            .length,
      )
      .toBeGreaterThan(0);
    const stopped = stopping.stop();
    await holder.query('COMMIT');
    await holder.end();
    expect(await running).toMatchObject({ status: 200, data: { posts: { totalCount: 0 } } });
    await stopped;
  });
});
