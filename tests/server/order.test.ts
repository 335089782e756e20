import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startTestApp, type TestApp } from '../kit/app.js';

/** Budgets of an operation a second, and thirty at once. */
const ENV = {
  RATE_LIMIT_FACTOR: '1',
  MAX_OPERATIONS_PER_ADDRESS: '1',
  MAX_OPERATIONS_PER_VIEWER: '1',
  MAX_QUERY_COMPLEXITY: '100',
  TRUST_PROXY: 'true',
};
const MORE_THAN_AT_ONCE = 40;

let app: TestApp;
let statements: string[] = [];
/** Tokens of one who may do it, and of one who may not. */
let moderator: string;
let member: string;
beforeAll(async () => {
  app = await startTestApp({ env: ENV, onStatement: (sql) => statements.push(sql) });
  moderator = (await app.userWithRole('mona', 'ADMIN')).token;
  member = (await app.user('ada')).token;
  await app.data('mutation { createCategory(input: { name: "Taken" }) { category { id } } }', {}, { token: moderator });
});
afterAll(() => app.stop());

interface Asked {
  readonly query: string;
  readonly variables: Record<string, unknown>;
  readonly token: string;
  /** The address that it comes from. */
  readonly ip: string;
}
interface Said {
  readonly message: string;
  readonly extensions: { readonly code: string };
}

const post = async (accept: string, { query, variables, token, ip }: Asked): Promise<Said | undefined> => {
  const headers = { 'content-type': 'application/json', accept, authorization: `Bearer ${token}`, 'x-forwarded-for': ip };
  const answer = await (await fetch(app.url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) })).text();
  const text = /^data: (\{.*)$/m.exec(answer)?.[1] ?? answer;
  return (JSON.parse(text) as { errors?: Said[] }).errors?.[0];
};

const overSocket = ({ query, variables, token, ip }: Asked): Promise<Said | undefined> =>
  new Promise((resolve, reject) => {
    const client = createClient({
      url: app.url.replace(/^http/, 'ws'),
      webSocketImpl: class extends WebSocket {
        constructor(url: string, protocol: string) {
          super(url, protocol, { headers: { 'x-forwarded-for': ip } });
        }
      },
      retryAttempts: 0,
      connectionParams: { accessToken: token },
    });
    let first: Said | undefined;
    client.subscribe(
      { query, variables },
      {
        next: ({ errors }) => (first ??= errors?.[0] as Said | undefined),
        error: (error) => {
          // A refused token closes the socket before there is an operation to answer.
          if (Array.isArray(error)) resolve(error[0] as Said);
          else if ((error as { code?: number }).code === 4401)
            resolve({ message: 'Invalid token', extensions: { code: 'UNAUTHENTICATED' } });
          else reject(new Error(`The socket was closed: ${JSON.stringify(error)}`));
        },
        complete: () => resolve(first),
      },
    );
  });

const transports: Readonly<Record<string, (asked: Asked) => Promise<Said | undefined>>> = {
  HTTP: (asked) => post('application/json', asked),
  SSE: (asked) => post('text/event-stream', asked),
  WebSocket: overSocket,
};

/** What may be wrong with an operation, in the order in which it is told. */
const FAULTS = ['address', 'credential', 'viewer', 'aliases', 'syntax', 'validity', 'cost', 'role', 'input', 'subject'] as const;
type Fault = (typeof FAULTS)[number];

const told: Readonly<Record<Fault, { readonly code: string; readonly message: RegExp }>> = {
  address: { code: 'RATE_LIMITED', message: /from your address/ },
  credential: { code: 'UNAUTHENTICATED', message: /token/ },
  viewer: { code: 'RATE_LIMITED', message: /^Too many operations\./ },
  aliases: { code: 'OPERATION_TOO_COMPLEX', message: /aliases/ },
  syntax: { code: 'GRAPHQL_PARSE_FAILED', message: /Syntax/ },
  validity: { code: 'GRAPHQL_VALIDATION_FAILED', message: /nothing/ },
  cost: { code: 'OPERATION_TOO_COMPLEX', message: /costs/ },
  role: { code: 'FORBIDDEN', message: /role/ },
  input: { code: 'BAD_USER_INPUT', message: /input/ },
  subject: { code: 'CONFLICT', message: /name/ },
};

/** An operation with these faults and no others. */
const withFaults = (faults: readonly Fault[], ip: string): Asked => {
  const has = (fault: Fault): boolean => faults.includes(fault);
  const selection = has('cost') ? Array.from({ length: 200 }, (_, index) => `c${index}: id`).join(' ') : 'id';
  const parts = [
    `createCategory(input: $input) { category { ${selection} } }`,
    ...(has('aliases') ? Array.from({ length: 600 }, (_, index) => `a${index}: __typename`) : []),
    ...(has('validity') ? ['nothing'] : []),
  ];
  return {
    query: `mutation ($input: CreateCategoryInput!) { ${parts.join(' ')} ${has('syntax') ? '' : '}'}`,
    variables: { input: has('input') ? { name: 1, color: ['red'] } : { name: has('subject') ? 'Taken' : `Free ${ip}` } },
    token: has('credential') ? 'no.good.token' : has('viewer') || has('role') ? member : moderator,
    ip,
  };
};

let addresses = 0;
const freshAddress = (): string => `198.51.100.${(addresses += 1)}`;

/** Uses a budget up, over HTTP. */
const useUp = async (asked: () => Pick<Asked, 'ip' | 'token'>): Promise<void> => {
  const query = { query: '{ __typename }', variables: {} };
  await Promise.all(Array.from({ length: MORE_THAN_AT_ONCE }, () => post('application/json', { ...query, ...asked() })));
};

describe.each(Object.entries(transports))('over %s', (_name, send) => {
  it.each(FAULTS.map((fault, index) => [fault, FAULTS.slice(index)] as const))(
    'of an operation with many faults the %s is told before all that come after it',
    async (fault, faults) => {
      const ask = async (): Promise<Said | undefined> => {
        const ip = freshAddress();
        // What is used up comes back by and by.
        if (fault === 'viewer') await useUp(() => ({ ip: freshAddress(), token: member }));
        if (fault !== 'address') return await send(withFaults(faults, ip));
        const asked = withFaults(faults, ip);
        // A refused token would close a socket in its handshake, where the address is not asked yet.
        const token = send === overSocket ? moderator : asked.token;
        await useUp(() => ({ ip, token }));
        return await send({ ...asked, token });
      };
      await expect.poll(async () => (await ask())?.extensions.code).toBe(told[fault].code);
      await expect.poll(async () => (await ask())?.message).toMatch(told[fault].message);
    },
  );

  it('an operation without a fault is done', async () => {
    expect(await send(withFaults([], freshAddress()))).toBeUndefined();
  });
});

describe('a credential', () => {
  const ofSessions = (): string[] => statements.filter((sql) => /FROM session\b/i.test(sql));

  it('is looked up once for a request', async () => {
    statements = [];
    await post('application/json', { query: '{ me { id } }', variables: {}, token: moderator, ip: freshAddress() });
    expect(ofSessions()).toHaveLength(1);
  });

  it('is looked up once for a socket, whatever it asks', async () => {
    statements = [];
    const socket = app.connect({ id: '', username: '', token: moderator, refreshToken: '' });
    for (let n = 0; n < 3; n += 1) expect(await socket.execute('{ me { id } }')).toMatchObject({ data: { me: {} } });
    expect(ofSessions()).toHaveLength(1);
    await socket.close();
  });

  it('that is refused does not keep anyone from signing in', async () => {
    const query = 'mutation { login(input: { identifier: "nobody", password: "wrong" }) { user { id } } }';
    const said = await post('application/json', { query, variables: {}, token: 'no.good.token', ip: freshAddress() });
    expect(said?.message).not.toMatch(/token/);
  });

  it('that is refused is told before a body that cannot be read', async () => {
    const headers = { 'content-type': 'application/json', authorization: 'Bearer no.good.token', 'x-forwarded-for': freshAddress() };
    const answer = await fetch(app.url, { method: 'POST', headers, body: '{' });
    expect(await answer.json()).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
  });
});
