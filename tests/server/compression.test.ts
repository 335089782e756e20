import { request as httpRequest, type IncomingMessage } from 'node:http';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { createClient } from 'graphql-sse';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodingOf } from '../../src/server/http/encoding.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aPost } from '../kit/factories.js';

let app: TestApp;
let ada: TestUser;
beforeAll(async () => {
  app = await startTestApp();
  ada = await app.user('ada');
});
afterAll(() => app.stop());

const LONG = '{ __schema { types { name description fields { name description } } } }';
const SHORT = '{ __typename }';

interface Raw {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}
const raw = (method: 'GET' | 'POST' | 'PUT', query: string, headers: Readonly<Record<string, string>> = {}): Promise<Raw> =>
  new Promise((resolve, reject) => {
    const url = method === 'GET' ? `${app.url}?query=${encodeURIComponent(query)}` : app.url;
    const request = httpRequest(
      url,
      { method, headers: { accept: 'application/json', 'content-type': 'application/json', ...headers } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }));
      },
    );
    request.on('error', reject).end(method === 'GET' ? undefined : JSON.stringify({ query }));
  });
const decoded = ({ headers, body }: Raw): string => {
  const { 'content-encoding': encoding } = headers;
  return (encoding === 'br' ? brotliDecompressSync(body) : encoding === 'gzip' ? gunzipSync(body) : body).toString();
};

describe('an answer in JSON', () => {
  for (const method of ['GET', 'POST'] as const) {
    it(`is compressed when it is long, by ${method}`, async () => {
      const plain = await raw(method, LONG);
      expect(plain.headers['content-encoding']).toBe(undefined);
      expect(plain.headers['content-length']).toBe(String(plain.body.length));
      for (const encoding of ['br', 'gzip']) {
        const encoded = await raw(method, LONG, { 'accept-encoding': encoding });
        expect(encoded.headers).toMatchObject({ 'content-encoding': encoding, 'content-length': String(encoded.body.length) });
        expect(encoded.headers.vary).toContain('Accept-Encoding');
        expect(encoded.body.length).toBeLessThan(plain.body.length / 3);
        expect(decoded(encoded)).toBe(plain.body.toString());
      }
    });

    it(`is sent as it is when it is short, by ${method}`, async () => {
      const { headers, body } = await raw(method, SHORT, { 'accept-encoding': 'br' });
      expect([headers['content-encoding'], body.toString()]).toEqual([undefined, '{"data":{"__typename":"Query"}}']);
    });
  }

  it('is the same for all sizes', async () => {
    for (const aliases of [1, 20, 120]) {
      const query = `{ ${Array.from({ length: aliases }, (_, n) => `a${n}: __type(name: "Query") { fields { name description } }`).join(' ')} }`;
      const plain = await raw('POST', query);
      expect(decoded(await raw('POST', query, { 'accept-encoding': 'br' }))).toBe(plain.body.toString());
      expect(decoded(await raw('POST', query, { 'accept-encoding': 'gzip' }))).toBe(plain.body.toString());
    }
  });

  it('has the encoding that the client wants most', () => {
    const wanted: Readonly<Record<string, string>> = {
      'gzip, deflate, br, zstd': 'br',
      'gzip, deflate': 'gzip',
      'br;q=0.5, gzip;q=0.9': 'gzip',
      'BR;Q=1': 'br',
      'br;q=0, gzip;q=0': 'identity',
      'br;q=0.5, identity': 'identity',
      'identity;q=0.2, gzip;q=0.1': 'identity',
      '*': 'br',
      '*, br;q=0': 'gzip',
      '*;q=0': 'identity',
      zstd: 'identity',
      '': 'identity',
    };
    expect(Object.fromEntries(Object.keys(wanted).map((accept) => [accept, encodingOf(accept)]))).toEqual(wanted);
    expect(encodingOf(undefined)).toBe('identity');
  });
});

it('an event stream is not compressed', async () => {
  const { headers } = await raw('POST', LONG, { accept: 'text/event-stream', 'accept-encoding': 'br, gzip' });
  expect(headers['content-encoding']).toBe(undefined);
});

describe('the result of a GET', () => {
  it('has a tag, by which the same result is not sent again', async () => {
    const first = await raw('GET', LONG);
    expect(first.headers).toMatchObject({ 'cache-control': 'no-cache', vary: 'Accept, Accept-Encoding, Authorization, x-lyceum-commit' });
    const { etag = '' } = first.headers;
    expect(etag).toMatch(/^W\/"[\w-]{27}"$/);
    for (const known of [etag, `"other", ${etag}`, etag.slice(2), '*']) {
      const again = await raw('GET', LONG, { 'if-none-match': known, 'accept-encoding': 'br' });
      expect(again).toMatchObject({ status: 304, body: Buffer.alloc(0), headers: { etag, 'cache-control': 'no-cache' } });
    }
    for (const other of ['"other"', `x${etag.slice(3, -1)}`, ''])
      expect((await raw('GET', LONG, { 'if-none-match': other })).status).toBe(200);
  });

  it('has another tag when something has changed', async () => {
    const POSTS = '{ posts { totalCount } }';
    const { etag = '' } = (await raw('GET', POSTS)).headers;
    await aPost(app, ada);
    const after = await raw('GET', POSTS, { 'if-none-match': etag });
    expect(after.status).toBe(200);
    expect(after.headers.etag).not.toBe(etag);
  });

  it('is for its viewer alone when it was asked for with a credential', async () => {
    const { headers } = await raw('GET', '{ me { user { username } } }', { authorization: `Bearer ${ada.token}` });
    expect(headers['cache-control']).toBe('private, no-cache');
  });

  it('is not kept by anybody when it is an error; nor is the answer to a POST', async () => {
    for (const { headers } of [await raw('GET', '{ nothing }'), await raw('GET', '{ post(id: "x") { id } }'), await raw('POST', SHORT)])
      expect([headers['cache-control'], headers.etag]).toEqual(['no-store', undefined]);
  });
});

it('a client of graphql-sse that wants a single connection is told in words what to do', async () => {
  const client = createClient({ url: app.url, singleConnection: true, retryAttempts: 0 });
  const failure = await new Promise((resolve) =>
    client.subscribe({ query: SHORT }, { next: resolve, error: resolve, complete: () => resolve(null) }),
  );
  client.dispose();
  expect(failure).toMatchObject({ response: { status: 405 } });
  expect(JSON.parse((await raw('PUT', SHORT)).body.toString())).toMatchObject({
    errors: [{ message: expect.stringContaining('singleConnection: false') as string, extensions: { code: 'BAD_REQUEST' } }],
  });
});
