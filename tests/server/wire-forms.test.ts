import { createYoga } from 'graphql-yoga';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GraphQLServer } from '../../src/server/execution/graphql.js';
import { createGraphQLHandler } from '../../src/server/http/graphql-http.js';
import { startTestApp, type TestApp } from '../kit/app.js';
import { askRaw, type RawResponse } from '../kit/raw-http.js';
import { openRawSocket, type RawSocket } from '../kit/raw-socket.js';

let app: TestApp;
let host: string;
beforeAll(async () => {
  app = await startTestApp({ env: { LOG_LEVEL: 'silent' } });
  ({ host } = new URL(app.url));
});
afterAll(() => app.stop());

const ANSWER = '{"data":{"__typename":"Query"}}';
const OPERATION = { query: '{ __typename }' };

const post = (contentType: string, body: unknown = OPERATION, accept = 'application/json'): Promise<RawResponse> => {
  const text = JSON.stringify(body);
  return askRaw(
    app.url,
    `POST /graphql HTTP/1.1\r\nHost: ${host}\r\nContent-Type: ${contentType}\r\nAccept: ${accept}\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
  );
};
const request = (line: string, more = 'Accept: application/json\r\n'): Promise<RawResponse> =>
  askRaw(app.url, `${line} HTTP/1.1\r\nHost: ${host}\r\n${more}Connection: close\r\n\r\n`);

interface Failure {
  readonly message: string;
  readonly extensions: { readonly code: string };
}
/** The first error of a response, of JSON or of a stream's first event. */
const errorIn = ({ body }: RawResponse): Failure | undefined => {
  const text = /\{"errors".*\}/.exec(body)?.[0] ?? '{}';
  return (JSON.parse(text) as { readonly errors?: readonly Failure[] }).errors?.[0];
};

const acknowledged = async (payload?: object): Promise<RawSocket> => {
  const raw = await openRawSocket(app.url);
  raw.send({ type: 'connection_init', ...(payload ? { payload } : {}) });
  expect(await raw.next()).toMatchObject({ type: 'connection_ack' });
  return raw;
};
const overSocket = async (payload: unknown): Promise<unknown> => {
  const raw = await acknowledged();
  raw.send({ type: 'subscribe', id: '1', payload });
  const message = await raw.next();
  raw.socket.close();
  return message.payload;
};

describe('a media type', () => {
  for (const type of [
    'Application/json',
    'APPLICATION/JSON',
    'application/json ; charset=utf-8',
    'APPLICATION/JSON;CHARSET=UTF-8',
    'application/json; charset="UTF-8"',
    'application/json;',
  ]) {
    it(`is accepted as ${type}`, async () => {
      expect(await post(type)).toMatchObject({ status: 200, body: ANSWER });
    });
  }

  for (const charset of ['utf-16', '"utf-16le"', 'ISO-8859-1']) {
    it(`of the charset ${charset} is refused, since the body would be read as another text`, async () => {
      const response = await post(`application/json; charset=${charset}`);
      expect({ status: response.status, code: errorIn(response)?.extensions.code }).toEqual({ status: 415, code: 'BAD_REQUEST' });
    });
  }

  for (const [accept, type] of [
    ['APPLICATION/GRAPHQL-RESPONSE+JSON', 'application/graphql-response+json; charset=utf-8'],
    ['Text/Event-Stream', 'text/event-stream; charset=utf-8'],
  ] as const) {
    it(`may be asked for as ${accept}`, async () => {
      expect((await post('application/json', OPERATION, accept)).headers['content-type']).toBe(type);
    });
  }
});

it('an answer for which Yoga has no body is JSON with a code', async () => {
  const bare = createYoga({
    plugins: [{ onRequest: (hook) => hook.endResponse(new hook.fetchAPI.Response(null, { status: 415 })) }],
  }) as unknown as GraphQLServer;
  const unused = { send: () => Promise.reject(new Error('There is no page and no stream here.')) };
  const streams = { connections: { add: () => () => undefined, stopping: () => false, size: () => 0 }, events: unused, enter: () => null };
  const handle = createGraphQLHandler(
    { direct: () => Promise.reject(new Error('There is no POST here.')), yoga: bare },
    unused,
    streams as unknown as Parameters<typeof createGraphQLHandler>[2],
    () => null,
    () => Promise.reject(new Error('Nothing is refused here.')),
    () => null,
  );
  const server = createServer((incoming, response) => void handle(incoming, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql?query={__typename}`);
    expect(response.status).toBe(415);
    expect(await response.json()).toEqual({ errors: [{ message: 'Unsupported Media Type.', extensions: { code: 'BAD_REQUEST' } }] });
  } finally {
    server.close();
  }
});

describe('a request target in absolute form', () => {
  for (const target of ['http://$/graphql?query={__typename}', 'HTTP://elsewhere.example/graphql?query={__typename}']) {
    it(`${target} is answered like its path`, async () => {
      expect(await request(`GET ${target.replace('$', host)}`)).toMatchObject({ status: 200, body: ANSWER });
    });
  }

  it('reaches every path', async () => {
    expect(await request(`GET http://${host}/healthz`)).toMatchObject({ status: 200 });
  });

  it('without a path is the root', async () => {
    expect(await request(`GET http://${host}`)).toMatchObject({ status: 200 });
  });

  it('without a host is refused', async () => {
    expect((await request('GET http:///graphql?query={__typename}')).status).toBe(400);
  });

  it('opens a WebSocket', async () => {
    const key = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
    const handshake = `GET http://${host}/graphql HTTP/1.1\r\nHost: ${host}\r\n${key}Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n`;
    expect((await askRaw(app.url, handshake)).status).toBe(101);
  });
});

describe('HEAD', () => {
  /** The response to a HEAD, whose length is that of the body that GET would have. */
  const head = async (target: string, accept = 'application/json'): Promise<string> => {
    const response = await fetch(`${new URL(app.url).origin}${target}`, { method: 'HEAD', headers: { accept } });
    return `${response.status} ${response.headers.get('content-type') ?? ''} ${await response.text()}`;
  };

  it('of a query is the answer to GET without its body', async () => {
    expect(await head('/graphql?query={__typename}')).toBe('200 application/json; charset=utf-8 ');
  });

  it('of a mutation is refused like GET', async () => {
    expect(await head('/graphql?query=mutation{__typename}')).toMatch(/^405 /);
  });

  it('of a subscription opens no stream', async () => {
    const query = encodeURIComponent('subscription { announcementAdded { __typename } }');
    expect(await head(`/graphql?query=${query}`, 'text/event-stream')).toBe('200 text/event-stream; charset=utf-8 ');
    expect(app.services.hub.stats().subscribers).toBe(0);
  });
});

/** The same request over all transports: the error of each. */
const everywhere = async (operation: Readonly<Record<string, unknown>>): Promise<readonly (Failure | undefined)[]> => {
  const parameters = new URLSearchParams(
    Object.entries(operation).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
  const socket = await overSocket(operation);
  return [
    errorIn(await post('application/json', operation)),
    errorIn(await post('application/json', operation, 'application/graphql-response+json')),
    errorIn(await request(`GET /graphql?${parameters}`)),
    errorIn(await post('application/json', operation, 'text/event-stream')),
    errorIn(await request(`GET /graphql?${parameters}`, 'Accept: text/event-stream\r\n')),
    (socket as Failure[])[0],
  ].map((error) => error && { message: error.message, extensions: { code: error.extensions.code } });
};

describe('on every transport', () => {
  const DEEP = JSON.parse(`${'['.repeat(1_000)}${']'.repeat(1_000)}`) as unknown;
  const same: Readonly<Record<string, readonly [object, string, string]>> = {
    'a name of no operation': [{ ...OPERATION, operationName: 'hunter2' }, 'BAD_REQUEST', 'Could not determine what operation to execute.'],
    'several operations and no name': [
      { query: 'query A { __typename } query B { __typename }' },
      'BAD_REQUEST',
      'Could not determine what operation to execute.',
    ],
    'no query': [{ variables: {} }, 'BAD_REQUEST', 'The request must have a "query" that is a string.'],
    'variables that are a list': [{ ...OPERATION, variables: ['hunter2'] }, 'BAD_REQUEST', 'The "variables" must be an object.'],
    'extensions that are a list': [{ ...OPERATION, extensions: ['hunter2'] }, 'BAD_REQUEST', 'The "extensions" must be an object.'],
    'a document named by its hash alone': [
      { extensions: { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(64) } } },
      'PERSISTED_QUERY_NOT_FOUND',
      'PersistedQueryNotFound',
    ],
  };
  for (const [name, [operation, code, message]] of Object.entries(same)) {
    it(`${name}: the same error, which repeats nothing`, async () => {
      const errors = await everywhere(operation as Record<string, unknown>);
      expect(errors).toEqual(errors.map(() => ({ message, extensions: { code } })));
    });
  }

  it('variables that nest too deep are refused', async () => {
    const operation = { ...OPERATION, variables: { a: DEEP } };
    const error = { message: 'The "variables" may nest 100 levels deep.', extensions: { code: 'BAD_REQUEST' } };
    expect(errorIn(await post('application/json', operation))).toEqual(error);
    expect(await overSocket(operation)).toEqual([error]);
  });

  it('a member that is unknown is ignored', async () => {
    const operation = { ...OPERATION, hunter2: 1 };
    expect((await post('application/json', operation)).body).toBe(ANSWER);
    expect((await request('GET /graphql?query={__typename}&hunter2=1')).body).toBe(ANSWER);
    expect((await post('application/json', operation, 'text/event-stream')).body).toContain(ANSWER);
    expect(await overSocket(operation)).toEqual(JSON.parse(ANSWER));
  });

  it('a hash alone is answered with status 200, without which clients do not send the text', async () => {
    const operation = { extensions: { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(64) } } };
    for (const accept of ['application/json', 'application/graphql-response+json', 'text/event-stream'])
      expect((await post('application/json', operation, accept)).status).toBe(200);
  });
});

describe('a message of a socket', () => {
  const DEEP = `${'['.repeat(5_000)}${']'.repeat(5_000)}`;
  for (const type of ['ping', 'pong', 'connection_init']) {
    it(`that nests too deep closes it with 4400: ${type}`, async () => {
      const raw = type === 'connection_init' ? await openRawSocket(app.url) : await acknowledged();
      raw.send(`{"type":"${type}","payload":{"a":${DEEP}}}`);
      expect(await raw.closed).toMatchObject({ code: 4400 });
    });
  }

  it('may have an id of 256 emoji', async () => {
    const raw = await acknowledged();
    raw.send({ type: 'subscribe', id: '🦊'.repeat(256), payload: OPERATION });
    expect(await raw.next()).toMatchObject({ type: 'next', id: '🦊'.repeat(256) });
    raw.socket.close();
  });

  it('may have no id of 257 emoji', async () => {
    const raw = await acknowledged();
    raw.send({ type: 'subscribe', id: '🦊'.repeat(257), payload: OPERATION });
    expect(await raw.closed).toMatchObject({ code: 4400 });
  });
});
