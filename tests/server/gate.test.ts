import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { loadConfig } from '../../src/config.js';
import { DEMO_PASSWORD } from '../../src/demo/users.js';
import { hashPassword } from '../../src/access/passwords.js';
import { startTestApp, type TestApp } from '../kit/app.js';
import { plainRequest, type PlainResponse } from '../kit/plain-http.js';

const HTML = 'text/html,application/xhtml+xml,*/*;q=0.8';
const BY_TLS = { 'x-forwarded-proto': 'https' };

let app: TestApp;
let origin: string;
beforeAll(async () => {
  app = await startTestApp({
    env: {
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      PORT: '0',
      LOG_LEVEL: 'silent',
      PASSWORD_MIN_SCORE: '0',
      TRUST_PROXY: 'true',
      REQUIRE_TLS: 'true',
      ALLOWED_HOSTS: 'lyceum.example, bücher.example, other.example:8443',
      PUBLIC_URL: 'https://lyceum.example',
    },
  });
  ({ origin } = new URL(app.url));
});
afterAll(() => app.stop());

type Headers = Readonly<Record<string, string>>;
const HOST = { host: 'lyceum.example' };
const get = (path: string, headers: Headers = {}): Promise<PlainResponse> =>
  plainRequest(origin, path, { headers: { ...HOST, ...headers } });
const ask = async (query: string): Promise<{ readonly errors?: readonly { readonly message: string; readonly extensions: object }[] }> => {
  const headers = { ...HOST, ...BY_TLS, 'content-type': 'application/json' };
  const { body } = await plainRequest(origin, '/graphql', { method: 'POST', headers, body: JSON.stringify({ query }) });
  return JSON.parse(body.toString()) as never;
};
/** The status with which a handshake is refused; 101 when it is not. */
const handshake = (headers: Headers): Promise<number> =>
  new Promise((resolve) => {
    const socket = new WebSocket(app.url.replace(/^http/, 'ws'), 'graphql-transport-ws', { headers });
    socket.on('error', () => undefined);
    socket.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
    socket.once('open', () => {
      socket.close();
      resolve(101);
    });
  });

describe('a server with ALLOWED_HOSTS', () => {
  it.each(['lyceum.example', 'LYCEUM.example:443', 'xn--bcher-kva.example', 'other.example:8443'])('answers as %s', async (host) => {
    expect((await get('/graphql?query={__typename}', { host, ...BY_TLS })).status).toBe(200);
    expect(await handshake({ host, ...BY_TLS })).toBe(101);
  });

  it.each(['evil.example', 'lyceum.example.evil.example', 'other.example', '127.0.0.1', 'lyceum.example@evil.example'])(
    'does not answer as %s',
    async (host) => {
      const { status, body } = await get('/graphql?query={__typename}', { host, ...BY_TLS });
      expect(status).toBe(421);
      expect(JSON.parse(body.toString())).toMatchObject({ errors: [{ extensions: { code: 'BAD_REQUEST' } }] });
      expect(await handshake({ host, ...BY_TLS })).toBe(421);
    },
  );

  it('tells of its health by any name', async () => {
    for (const path of ['/healthz', '/readyz']) expect((await get(path, { host: '10.0.0.7:4000' })).status).toBe(200);
  });

  it('does not start with something that is no host', () => {
    for (const hosts of ['https://lyceum.example', 'a b', 'lyceum.example/x', '*'])
      expect(() => loadConfig({ NODE_ENV: 'test', ALLOWED_HOSTS: hosts })).toThrow('ALLOWED_HOSTS');
  });
});

describe('a server with REQUIRE_TLS', () => {
  it('sends a page to https, with its path', async () => {
    const { status, headers } = await get('/vault?category=technical', { accept: HTML });
    expect({ status, location: headers['location'] }).toEqual({ status: 308, location: 'https://lyceum.example/vault?category=technical' });
  });

  it('sends nobody to another host', async () => {
    const { headers } = await get('//evil.example/x', { accept: HTML });
    expect(new URL(String(headers['location'])).host).toBe('lyceum.example');
  });

  it('refuses operations and sockets without it', async () => {
    const { status, body } = await get('/graphql?query={__typename}', { accept: 'application/json' });
    expect(status).toBe(403);
    expect(JSON.parse(body.toString())).toMatchObject({ errors: [{ extensions: { code: 'FORBIDDEN' } }] });
    expect(await handshake(HOST)).toBe(403);
    expect(await handshake({ ...HOST, 'x-forwarded-proto': 'https, http' })).toBe(403);
  });

  it('has browsers stay with TLS, and says so to nobody else', async () => {
    expect((await get('/', { accept: HTML, ...BY_TLS })).headers['strict-transport-security']).toBe('max-age=31536000');
    expect((await get('/healthz')).headers['strict-transport-security']).toBeUndefined();
  });

  it('does not start without a proxy that it believes', () => {
    expect(() => loadConfig({ NODE_ENV: 'test', REQUIRE_TLS: 'true' })).toThrow('REQUIRE_TLS: needs TRUST_PROXY');
  });
});

describe('in production, unless it is switched on', () => {
  it('there is no GraphiQL', async () => {
    const { status, body } = await get('/graphql', { accept: HTML, ...BY_TLS });
    expect(status).toBe(404);
    expect(body.toString()).toContain('GRAPHIQL');
  });

  it('the schema cannot be read', async () => {
    for (const query of ['{ __schema { types { name } } }', '{ __type(name: "User") { name } }'])
      expect((await ask(query)).errors?.[0]?.extensions).toEqual({ code: 'GRAPHQL_VALIDATION_FAILED' });
    expect(await ask('{ __typename }')).toEqual({ data: { __typename: 'Query' } });
  });

  it('a wrong name is not set right', async () => {
    for (const query of ['{ entrie { id } }', '{ entries(firs: 1) { nodes { id } } }', 'query ($a: Ido) { me { email } }']) {
      const { errors = [] } = await ask(query);
      expect(errors.length).toBeGreaterThan(0);
      expect(errors.map(({ message }) => message).join()).not.toContain('Did you mean');
    }
  });

  it('the password of the demo data is good for nobody', async () => {
    await app.database.query(
      `INSERT INTO "user" (id, username, username_key, display_name, password_hash) VALUES ($1, 'ada', 'ada', 'Ada', $2)`,
      ['0191d1c0-0000-7000-8000-000000000001', await hashPassword(DEMO_PASSWORD)],
    );
    const { errors } = await ask(`mutation { login(input: { identifier: "ada", password: "${DEMO_PASSWORD}" }) { user { id } } }`);
    expect(errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
  });
});

describe('every page', () => {
  let open: TestApp;
  beforeAll(async () => {
    open = await startTestApp();
  });
  afterAll(() => open.stop());

  it.each(['/', '/graphql'])('%s runs no script but its own, and asks for no camera', async (path) => {
    const { status, headers } = await plainRequest(new URL(open.url).origin, path, { headers: { accept: HTML } });
    expect(status).toBe(200);
    const policy = new Map(
      String(headers['content-security-policy'])
        .split('; ')
        .map((part) => [part.split(' ')[0], part]),
    );
    expect(policy.get('default-src')).toBe("default-src 'none'");
    expect(policy.get('script-src')).not.toMatch(/unsafe-inline|unsafe-eval|\*|https?:/);
    expect(headers).toMatchObject({ 'x-frame-options': 'DENY', 'cross-origin-opener-policy': 'same-origin' });
    expect(headers['permissions-policy']).toContain('camera=()');
  });
});
