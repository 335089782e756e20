import { request as httpRequest } from 'node:http';
import { generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ERROR_CODES } from '../../src/errors.js';
import { logOut } from '../kit/acts.js';
import { PASSWORD, startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import type { GraphQLError } from '../kit/client.js';
import { aPost, aSession } from '../kit/factories.js';
import { LikeCountChanged } from '../kit/subscriptions.js';

interface Operation {
  readonly query?: unknown;
  readonly variables?: unknown;
  readonly operationName?: unknown;
}

interface Answer {
  /** 0 on a socket. */
  readonly status: number;
  readonly data?: unknown;
  readonly errors?: readonly GraphQLError[];
}

const START = Date.parse('2026-03-01T12:00:00.000Z');
let now = START;
let app: TestApp;
let ada: TestUser;
beforeAll(async () => {
  app = await startTestApp({ clock: { now: () => now }, env: { MAX_REQUEST_BYTES: '20000' } });
  ada = await app.user('ada');
});
afterAll(() => app.stop());

const LOGIN = {
  query: 'mutation ($input: LoginInput!) { login(input: $input) { user { username } } }',
  variables: { input: { identifier: 'ada', password: PASSWORD } },
};
const login = async (): Promise<string> => (await aSession(app, ada)).token;

const authorization = (token: string | undefined): Record<string, string> =>
  token === undefined ? {} : { authorization: `Bearer ${token}` };

/** Reads a response, which must be one that a client can understand whatever has happened. */
const answerOf = async (response: Response): Promise<Answer> => {
  const text = await response.text();
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  if (response.headers.get('content-type')?.startsWith('text/event-stream') === true) {
    const events = text.split('\n\n').filter((event) => event.startsWith('event: '));
    expect(events.at(-1)).toBe('event: complete\ndata:');
    expect(events).toHaveLength(2);
    return { ...(JSON.parse(events[0]?.split('\ndata: ')[1] ?? '') as Answer), status: response.status };
  }
  expect(response.headers.get('content-type')).toMatch(/^application\/(graphql-response\+)?json; charset=utf-8$/);
  return { ...(JSON.parse(text) as Answer), status: response.status };
};

const post =
  (accept: string) =>
  async (operation: Operation, token?: string): Promise<Answer> =>
    answerOf(
      await fetch(app.url, {
        method: 'POST',
        headers: { accept, 'content-type': 'application/json', ...authorization(token) },
        body: JSON.stringify(operation),
      }),
    );

const get =
  (accept: string) =>
  async ({ variables, ...rest }: Operation, token?: string): Promise<Answer> => {
    const url = new URL(app.url);
    for (const [name, value] of Object.entries(rest)) url.searchParams.set(name, String(value));
    if (variables !== undefined) url.searchParams.set('variables', JSON.stringify(variables));
    return answerOf(await fetch(url, { headers: { accept, ...authorization(token) } }));
  };

const overSocket = async (operation: Operation): Promise<Answer> => {
  const socket = app.connect();
  await socket.opened;
  const results: Answer[] = [];
  try {
    await new Promise<void>((resolve, reject) => {
      socket.client.subscribe(operation as { query: string }, {
        next: (result) => results.push({ ...(result as Answer), status: 0 }),
        error: (error) =>
          Array.isArray(error) ? resolve(void results.push({ errors: error as GraphQLError[], status: 0 })) : reject(error as Error),
        complete: resolve,
      });
    });
    // The socket outlives the operation's failure.
    expect(await socket.execute('{ __typename }')).toMatchObject({ data: { __typename: 'Query' } });
  } finally {
    await socket.close();
  }
  expect(results).toHaveLength(1);
  return results[0] as Answer;
};

const SPECIFIED = 'application/graphql-response+json';
const transports: Readonly<Record<string, (operation: Operation, token?: string) => Promise<Answer>>> = {
  'POST application/json': post('application/json'),
  [`POST ${SPECIFIED}`]: post(SPECIFIED),
  'GET application/json': get('application/json'),
  [`GET ${SPECIFIED}`]: get(SPECIFIED),
  'POST text/event-stream': post('text/event-stream'),
  'GET text/event-stream': get('text/event-stream'),
  WebSocket: overSocket,
};

/** An error as every client sees it: coded, and with nothing of our inside. */
const expectCode = (answer: Answer, code: string): void => {
  expect(answer.errors?.[0]?.extensions?.['code'], JSON.stringify(answer)).toBe(code);
  for (const error of answer.errors ?? []) {
    expect(Object.keys(ERROR_CODES)).toContain(error.extensions?.['code']);
    expect(Object.keys(error).filter((key) => !['message', 'locations', 'path', 'extensions'].includes(key))).toEqual([]);
    expect(
      Object.keys(error.extensions ?? {}).filter((key) => !['code', 'fields', 'limit', 'price', 'reason', 'traceId'].includes(key)),
    ).toEqual([]);
    expect(error.message).not.toMatch(/node_modules|\bat .+:\d+:\d+/);
  }
};

describe('H20: a mistake in the operation', () => {
  const LIST = 'query ($first: Int!) { users(first: $first) { edges { node { id } } } }';
  /** The status where it is not 200 for all. */
  const cases: Readonly<Record<string, readonly [operation: Operation, code: string, specified: number, legacy: number]>> = {
    'a syntax error': [{ query: '{ me' }, 'GRAPHQL_PARSE_FAILED', 400, 200],
    'an unknown field': [{ query: '{ nobodyKnowsMe }' }, 'GRAPHQL_VALIDATION_FAILED', 400, 200],
    'a variable of the wrong type': [{ query: LIST, variables: { first: 'many' } }, 'BAD_USER_INPUT', 400, 200],
    'a missing variable': [{ query: LIST }, 'BAD_USER_INPUT', 400, 200],
    'an unknown operation name': [{ query: 'query A { __typename }', operationName: 'B' }, 'BAD_REQUEST', 400, 400],
    'a missing operation name': [{ query: 'query A { __typename } query B { __typename }' }, 'BAD_REQUEST', 400, 400],
    'a field that fails': [{ query: '{ feed { edges { node { id } } } }' }, 'UNAUTHENTICATED', 200, 200],
    'an id that is none': [
      { query: 'query ($id: ID!) { entry(id: $id) { id } }', variables: { id: 'garbage' } },
      'BAD_USER_INPUT',
      200,
      200,
    ],
    'a query nested too deep': [
      { query: `{ users { edges { node ${'{ posts { edges { node { author '.repeat(4)} { id } ${'} } } }'.repeat(4)} } } }` },
      'OPERATION_TOO_COMPLEX',
      400,
      200,
    ],
  };
  for (const [name, [operation, code, specified, legacy]] of Object.entries(cases)) {
    for (const [transport, ask] of Object.entries(transports)) {
      test(`${name}: ${code} by ${transport}`, async () => {
        const answer = await ask(operation);
        expectCode(answer, code);
        const status = transport === 'WebSocket' ? 0 : transport.endsWith(SPECIFIED) ? specified : legacy;
        expect(answer.status).toBe(status);
      });
    }
  }

  for (const transport of ['POST text/event-stream', 'GET text/event-stream', 'WebSocket'] as const) {
    test(`a subscription that is refused: by ${transport} a result with the error`, async () => {
      const postId = Buffer.from('Post:00000000-0000-7000-8000-000000000000').toString('base64');
      const answer = await transports[transport]?.({
        query: LikeCountChanged.toString(),
        variables: { id: postId },
      });
      expectCode(answer as Answer, 'NOT_FOUND');
      expect(answer?.status).toBe(transport === 'WebSocket' ? 0 : 200);
    });
  }
});

describe('a mistake in the request', () => {
  const JSON_BODY = { 'content-type': 'application/json' };
  const send = async (init: RequestInit, query = ''): Promise<Answer> => answerOf(await fetch(`${app.url}${query}`, init));
  const accepts = ['application/json', SPECIFIED, 'text/event-stream', '*/*'];
  const cases: Readonly<Record<string, readonly [status: number, init: RequestInit, query?: string]>> = {
    'malformed JSON': [400, { method: 'POST', headers: JSON_BODY, body: '{"query": ' }],
    'no body': [400, { method: 'POST', headers: JSON_BODY }],
    'a list of operations': [400, { method: 'POST', headers: JSON_BODY, body: '[{"query":"{ __typename }"}]' }],
    'a text for a body': [400, { method: 'POST', headers: JSON_BODY, body: '"{ __typename }"' }],
    'null for a body': [400, { method: 'POST', headers: JSON_BODY, body: 'null' }],
    'no query': [400, { method: 'POST', headers: JSON_BODY, body: '{}' }],
    'a query that is no text': [400, { method: 'POST', headers: JSON_BODY, body: '{"query":{}}' }],
    'variables that are no object': [400, { method: 'POST', headers: JSON_BODY, body: '{"query":"{ __typename }","variables":[1]}' }],
    'no query in the address': [400, { method: 'GET' }],
    'variables in the address that are no JSON': [400, { method: 'GET' }, '?query={__typename}&variables={'],
    'a mutation by GET': [
      405,
      { method: 'GET' },
      `?query=${encodeURIComponent('mutation { joinAsGuest(input: {displayName: "G"}) { user { id } } }')}`,
    ],
    'another method': [405, { method: 'PUT', headers: JSON_BODY, body: '{"query":"{ __typename }"}' }],
    'no content type': [415, { method: 'POST', body: new Uint8Array(Buffer.from('{"query":"{ __typename }"}')) }],
    'a form': [415, { method: 'POST', body: new URLSearchParams({ query: '{ __typename }' }) }],
    'plain text': [415, { method: 'POST', headers: { 'content-type': 'text/plain' }, body: '{"query":"{ __typename }"}' }],
    'compressed content': [415, { method: 'POST', headers: { ...JSON_BODY, 'content-encoding': 'gzip' }, body: 'x' }],
    'too large a body': [
      413,
      { method: 'POST', headers: JSON_BODY, body: JSON.stringify({ query: `{ __typename } # ${'x'.repeat(20_000)}` }) },
    ],
  };
  for (const [name, [status, init, query]] of Object.entries(cases)) {
    for (const accept of accepts) {
      test(`${name}, accepting ${accept}: ${status}`, async () => {
        const answer = await send({ ...init, headers: { ...(init.headers as Record<string, string>), accept } }, query);
        expectCode(answer, 'BAD_REQUEST');
        expect(answer.status).toBe(status);
        expect(answer).not.toHaveProperty('data');
      });
    }
  }

  test('a media type that we do not have is 406', async () => {
    const answer = await send({ method: 'POST', headers: { ...JSON_BODY, accept: 'image/png' }, body: '{"query":"{ __typename }"}' });
    expectCode(answer, 'BAD_REQUEST');
    expect(answer.status).toBe(406);
  });

  test('a subscription without a way to stream is 406, and leaves nothing behind', async () => {
    const { id } = await aPost(app, { token: await login() });
    const body = JSON.stringify({ query: LikeCountChanged, variables: { id } });
    const answer = await send({ method: 'POST', headers: { ...JSON_BODY, accept: 'application/json' }, body });
    expectCode(answer, 'BAD_REQUEST');
    expect(answer.status).toBe(406);
    expect(app.services.hub.stats()).toMatchObject({ streams: 0, subscribers: 0 });
  });

  test('too large a body of unknown length is 413', async () => {
    const answer = await new Promise<Answer>((resolve, reject) => {
      const request = httpRequest(app.url, { method: 'POST', headers: { ...JSON_BODY, 'transfer-encoding': 'chunked' } }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve({ ...(JSON.parse(text) as Answer), status: response.statusCode ?? 0 }));
      });
      request.on('error', reject);
      request.write(`{"query":"${'x'.repeat(15_000)}`);
      request.end(`${'x'.repeat(15_000)}"}`);
    });
    expectCode(answer, 'BAD_REQUEST');
    expect(answer.status).toBe(413);
  });

  const raw = (path: string, host: string): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const request = httpRequest(app.url, { path, headers: { host } }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve({ ...(JSON.parse(text) as Answer), status: response.statusCode ?? 0 }));
      });
      request.on('error', reject).end();
    });

  test('a Host that is none is 400', async () => {
    const answer = await raw('/graphql?query={__typename}', 'a b:c/d');
    expectCode(answer, 'BAD_REQUEST');
    expect(answer.status).toBe(400);
  });

  test('addresses that look like something else', async () => {
    expectCode(await raw('//graphql', 'localhost'), 'NOT_FOUND');
    expectCode(await raw('/__proto__', 'localhost'), 'NOT_FOUND');
    expectCode(await raw('/graphql?query=%', 'localhost'), 'GRAPHQL_PARSE_FAILED');
    expectCode(await raw('/graphql?query={__typename}/healthz', 'localhost'), 'GRAPHQL_PARSE_FAILED');
    expectCode(await raw('/graphql?query={__typename}/health', 'localhost'), 'GRAPHQL_PARSE_FAILED');
  });
});

describe('a token that is refused', () => {
  const ME = { query: '{ __typename me { email } }' };
  const claimsOf = (token: string): Record<string, unknown> =>
    JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;

  const tokens: Readonly<Record<string, readonly [make: () => Promise<string>, close: number]>> = {
    'that is none': [async () => 'garbage', 4401],
    'signed by another': [
      async () => {
        const { privateKey } = await generateKeyPair('EdDSA');
        return await new SignJWT(claimsOf(ada.token)).setProtectedHeader({ alg: 'EdDSA', typ: 'JWT' }).sign(privateKey);
      },
      4401,
    ],
    'signed by nobody': [
      async () => `${Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')}.${ada.token.split('.')[1] ?? ''}.`,
      4401,
    ],
    'of a session that has ended': [
      async () => {
        const token = await login();
        await logOut(app, { token });
        return token;
      },
      4401,
    ],
    'that has expired': [
      async () => {
        const token = await login();
        now += 16 * 60_000;
        return token;
      },
      4403,
    ],
  };
  for (const [name, [make, closeCode]] of Object.entries(tokens)) {
    test(`one ${name}: UNAUTHENTICATED by HTTP, ${closeCode} by WebSocket`, async () => {
      const token = await make();
      for (const [transport, ask] of Object.entries(transports)) {
        if (transport === 'WebSocket') continue;
        const answer = await ask(ME, token);
        expectCode(answer, 'UNAUTHENTICATED');
        expect({ transport, status: answer.status, data: answer.data }).toEqual({ transport, status: 401, data: undefined });
      }
      expect(await app.connect({ ...ada, token }).closed).toBe(closeCode);
    });

    test(`one ${name}: signing in is answered in spite of it`, async () => {
      const token = await make();
      for (const [transport, ask] of Object.entries(transports)) {
        if (!transport.startsWith('POST')) continue;
        expect(await ask(LOGIN, token)).toMatchObject({ status: 200, data: { login: { user: { username: 'ada' } } } });
      }
      const both = await post(SPECIFIED)(
        { ...LOGIN, query: LOGIN.query.replace(/}$/, ' updateProfile(input: { bio: "x" }) { __typename } }') },
        token,
      );
      expectCode(both, 'UNAUTHENTICATED');
      expect(both.status).toBe(401);
    });
  }

  for (const header of ['Basic YWRhOnB3', 'Bearer', 'Bearer ', 'x']) {
    test(`"Authorization: ${header}"`, async () => {
      const answer = await answerOf(
        await fetch(app.url, {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: header },
          body: JSON.stringify(ME),
        }),
      );
      expectCode(answer, 'UNAUTHENTICATED');
      expect(answer.status).toBe(401);
    });
  }

  test('a subscription over SSE', async () => {
    const answer = await post('text/event-stream')({ query: 'subscription { presenceChanged(userIds: ["x"]) { id } }' }, 'garbage');
    expectCode(answer, 'UNAUTHENTICATED');
    expect(answer.status).toBe(401);
  });
});

test('H20: an unexpected failure is INTERNAL with a trace id and nothing else', async () => {
  const broken = await startTestApp();
  try {
    await broken.database.query('ALTER TABLE post RENAME TO lost');
    const { errors, status } = await broken.execute('{ posts { edges { node { id } } } }');
    expectCode({ errors: errors ?? [], status }, 'INTERNAL');
    expect(errors).toEqual([
      {
        message: 'Something went wrong on our side.',
        path: ['posts'],
        locations: [{ line: 1, column: 3 }],
        extensions: { code: 'INTERNAL', traceId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
      },
    ]);
    const socket = broken.connect();
    expectCode({ ...(await socket.execute('{ posts { edges { node { id } } } }')) }, 'INTERNAL');
    expect(await socket.execute('{ __typename }')).toMatchObject({ data: { __typename: 'Query' } });
  } finally {
    await broken.stop();
  }
});
