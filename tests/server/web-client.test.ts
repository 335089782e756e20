import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadWebClient } from '../../src/server/http/web-client.js';
import { startTestApp, type TestApp } from '../kit/app.js';
import { plainRequest, type PlainOptions, type PlainResponse } from '../kit/plain-http.js';

const HTML = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

describe('the web client', () => {
  let app: TestApp;
  let origin: string;
  beforeAll(async () => {
    app = await startTestApp();
    ({ origin } = new URL(app.url));
  });
  afterAll(() => app.stop());
  const ask = (path: string, options?: PlainOptions): Promise<PlainResponse> => plainRequest(origin, path, options);

  /** The script that the page loads. */
  const script = async (): Promise<string> => /src="(\/assets\/[^"]+\.js)"/.exec((await ask('/')).body.toString())?.[1] ?? '';

  it('is served at / and at each of its places, to whoever takes a page', async () => {
    for (const path of ['/', '/vault', '/vault/entries/anything', '/feed?x=1', '/sign-in']) {
      for (const headers of [HTML, {}]) {
        const { status, headers: got, body } = await ask(path, { headers });
        expect({ path, status, type: got['content-type'] }).toEqual({ path, status: 200, type: 'text/html; charset=utf-8' });
        expect(body.toString()).toContain('<div id="root">');
      }
    }
  });

  it('says with the page and 404 to a browser that there is nothing, and in JSON to all others', async () => {
    for (const path of ['/nothing', '/graphql/', '/vaults', '/constructor']) {
      const page = await ask(path, { headers: HTML });
      expect({ path, status: page.status, type: page.headers['content-type'] }).toEqual({
        path,
        status: 404,
        type: 'text/html; charset=utf-8',
      });
      for (const headers of [{}, { accept: 'application/json' }, { accept: '*/*' }]) {
        const json = await ask(path, { headers });
        expect({ path, status: json.status, code: JSON.parse(json.body.toString()) as unknown }).toMatchObject({
          path,
          status: 404,
          code: { errors: [{ extensions: { code: 'NOT_FOUND' } }] },
        });
      }
    }
    expect((await ask('/vault', { headers: { accept: 'application/json' } })).status).toBe(404);
  });

  it('gives no page in the place of a file that is not there', async () => {
    for (const path of ['/assets/gone-0123abcd.js', '/assets/', '/.vite/manifest.json', '/.vite/places.json']) {
      const { status, body } = await ask(path);
      expect({ path, status }).toEqual({ path, status: 404 });
      expect(body.toString()).toContain('NOT_FOUND');
    }
  });

  it('has its files kept for ever under their hashed names, and its page looked at each time', async () => {
    expect((await ask(await script())).headers['cache-control']).toBe('public, max-age=31536000, immutable');
    for (const path of ['/', '/icon.svg', '/preferences.js']) {
      const { headers } = await ask(path);
      expect(headers['cache-control']).toBe('no-cache');
      const again = await ask(path, { headers: { 'if-none-match': headers.etag ?? '' } });
      expect({ path, status: again.status, length: again.body.length }).toEqual({ path, status: 304, length: 0 });
    }
  });

  it('is compressed as it is asked for, and the same in each form', async () => {
    const path = await script();
    const plain = await ask(path);
    const brotli = await ask(path, { headers: { 'accept-encoding': 'gzip, br' } });
    const gzip = await ask(path, { headers: { 'accept-encoding': 'gzip' } });
    expect([plain, brotli, gzip].map(({ headers }) => headers['content-encoding'])).toEqual([undefined, 'br', 'gzip']);
    expect(brotliDecompressSync(brotli.body).equals(plain.body)).toBe(true);
    expect(gunzipSync(gzip.body).equals(plain.body)).toBe(true);
    expect(brotli.body.length).toBeLessThan(plain.body.length / 3);
    expect(plain.headers.vary).toContain('Accept-Encoding');
  });

  it('answers HEAD with the headers alone', async () => {
    for (const path of ['/', '/vault', await script()]) {
      const [get, head] = [await ask(path), await ask(path, { method: 'HEAD' })];
      expect({ path, status: head.status, length: head.body.length }).toEqual({ path, status: 200, length: 0 });
      expect(head.headers['content-length']).toBe(String(get.body.length));
    }
  });

  it('takes no other methods, and says which it takes', async () => {
    for (const path of ['/', '/vault', '/icon.svg']) {
      const post = await ask(path, { method: 'POST' });
      expect({ path, status: post.status, allow: post.headers.allow }).toEqual({ path, status: 405, allow: 'GET, HEAD, OPTIONS' });
      const options = await ask(path, { method: 'OPTIONS' });
      expect({ path, status: options.status, allow: options.headers.allow }).toEqual({ path, status: 204, allow: 'GET, HEAD, OPTIONS' });
    }
  });

  it('has a policy that lets the page run and ask nothing but this server', async () => {
    const { headers } = await ask('/');
    const policy = String(headers['content-security-policy']).split('; ');
    const { host } = new URL(origin);
    expect(policy).toEqual(
      expect.arrayContaining([
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        `connect-src 'self' ws://${host} wss://${host}`,
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
      ]),
    );
    expect(policy.join()).not.toContain('unsafe');
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect((await ask('/')).body.toString()).not.toMatch(/<script>|<style|https?:\/\//);
  });

  it('puts nothing of a strange Host header into its policy', async () => {
    const { headers } = await ask('/', { headers: { host: "evil.example; script-src 'unsafe-inline'" } });
    expect(headers['content-security-policy']).not.toContain('evil');
  });
});

it('without the web client / leads to GraphQL, and nothing else is there', async () => {
  const app = await startTestApp({ env: { WEB_CLIENT: 'false' } });
  try {
    const { origin } = new URL(app.url);
    expect(await plainRequest(origin, '/')).toMatchObject({ status: 302, headers: { location: '/graphql' } });
    expect(await plainRequest(origin, '/vault', { headers: HTML })).toMatchObject({
      status: 404,
      headers: { 'content-type': 'application/json; charset=utf-8' },
    });
  } finally {
    await app.stop();
  }
});

it('a client that has not been built is none', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lyceum-web-'));
  expect(await loadWebClient(folder)).toBeNull();
  expect(await loadWebClient(join(folder, 'nowhere'))).toBeNull();
  await rm(folder, { recursive: true });
});
