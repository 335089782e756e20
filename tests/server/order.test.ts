import { json } from 'node:stream/consumers';
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { COUNTED, startTestApp, type TestApp } from '../kit/app.js';
import { aRoom } from '../kit/factories.js';
import { graphql } from '../kit/graphql.js';

/** Budgets of an operation a second, and thirty at once. */
const ENV = {
  ...COUNTED,
  MAX_OPERATIONS_PER_ADDRESS: '1',
  MAX_OPERATIONS_PER_VIEWER: '1',
  MAX_QUERY_COMPLEXITY: '2000',
  TRUST_PROXY: 'true',
};
const MORE_THAN_AT_ONCE = 40;

const CreateCategory = graphql(`
  mutation OrderCreateCategory($name: String!) {
    createCategory(input: { name: $name }) {
      category {
        id
      }
    }
  }
`);

let app: TestApp;
let statements: string[] = [];
/** Tokens of one who may do it, and of one who may not. */
let moderator: string;
let member: string;
/** The id of a conversation of which the one who may do it is no member. */
let conversation: string;
beforeAll(async () => {
  app = await startTestApp({ env: ENV, onStatement: (sql) => statements.push(sql) });
  moderator = (await app.userWithRole('mona', 'ADMIN')).token;
  member = (await app.user('ada')).token;
  await app.data(CreateCategory, { name: 'Taken' }, { token: moderator });
  conversation = (await aRoom(app, { token: member })).id;
});
afterAll(() => app.stop());

interface Asked {
  readonly query: string;
  readonly variables: Record<string, unknown>;
  readonly token: string | null;
  /** The address that it comes from. */
  readonly ip: string;
}
interface Said {
  readonly message: string;
  readonly extensions: { readonly code: string };
}

const headersOf = ({ token, ip }: Asked): Record<string, string> => ({
  'x-forwarded-for': ip,
  ...(token === null ? {} : { authorization: `Bearer ${token}` }),
});

const firstErrorOf = async (response: Response): Promise<Said | undefined> => {
  const answer = await response.text();
  const text = /^data: (\{.*)$/m.exec(answer)?.[1] ?? answer;
  return (JSON.parse(text) as { errors?: Said[] }).errors?.[0];
};

const post = async (accept: string, asked: Asked): Promise<Said | undefined> => {
  const headers = { ...headersOf(asked), 'content-type': 'application/json', accept };
  const { query, variables } = asked;
  return await firstErrorOf(await fetch(app.url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) }));
};

const get = async (asked: Asked): Promise<Said | undefined> => {
  const url = new URL(app.url);
  url.searchParams.set('query', asked.query);
  url.searchParams.set('variables', JSON.stringify(asked.variables));
  return await firstErrorOf(await fetch(url, { headers: { ...headersOf(asked), accept: 'application/json' } }));
};

const overSocket = ({ query, variables, token, ip }: Asked): Promise<Said | undefined> =>
  new Promise((resolve, reject) => {
    const client = createClient({
      url: app.url.replace(/^http/, 'ws'),
      webSocketImpl: class extends WebSocket {
        constructor(url: string, protocol: string) {
          super(url, protocol, { headers: { 'x-forwarded-for': ip } });
          this.on('unexpected-response', (_request, response) => {
            void json(response).then((body) => {
              resolve((body as { errors: Said[] }).errors[0]);
              this.terminate();
            }, reject);
          });
        }
      },
      retryAttempts: 0,
      connectionParams: token === null ? {} : { accessToken: token },
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

type Send = (asked: Asked) => Promise<Said | undefined>;
const overPost: Send = (asked) => post('application/json', asked);
const overSSE: Send = (asked) => post('text/event-stream', asked);

/** What may be wrong with an operation, in the order in which it is told. */
const FAULTS = ['address', 'credential', 'viewer', 'aliases', 'syntax', 'validity', 'cost', 'role', 'input', 'subject'] as const;
type Fault = (typeof FAULTS)[number];

type Told = Readonly<Record<Fault, { readonly code: string; readonly message: RegExp }>>;
const ofMutation: Told = {
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
/** The address of a GET may name queries alone, none of which asks for a role: it is signing in that is missing. */
const ofQuery: Told = {
  ...ofMutation,
  role: { code: 'UNAUTHENTICATED', message: /Sign in/ },
  input: { code: 'BAD_USER_INPUT', message: /id/ },
  subject: { code: 'NOT_FOUND', message: /Conversation/ },
};

/** An operation with these faults and no others, and what is told of each. */
interface Operation {
  readonly withFaults: (faults: readonly Fault[], ip: string) => Asked;
  readonly told: Told;
}

/** @param dear what costs more than is allowed */
const documentOf = (faults: readonly Fault[], head: string, field: string, dear: string): string => {
  const has = (fault: Fault): boolean => faults.includes(fault);
  const parts = [
    field,
    ...(has('cost') ? [dear] : []),
    ...(has('aliases') ? Array.from({ length: 600 }, (_, index) => `a${index}: __typename`) : []),
    ...(has('validity') ? ['nothing'] : []),
  ];
  return `${head} { ${parts.join(' ')} ${has('syntax') ? '' : '}'}`;
};

const CREATE = 'createCategory(input: $input) { category { id } }';
const mutation: Operation = {
  told: ofMutation,
  withFaults: (faults, ip) => {
    const has = (fault: Fault): boolean => faults.includes(fault);
    return {
      query: documentOf(
        faults,
        'mutation ($input: CreateCategoryInput!)',
        CREATE,
        Array.from({ length: 95 }, (_, index) => `c${index}: ${CREATE}`).join(' '),
      ),
      variables: { input: has('input') ? { name: 1, color: ['red'] } : { name: has('subject') ? 'Taken' : `Free ${ip}` } },
      token: has('credential') ? 'no.good.token' : has('viewer') || has('role') ? member : moderator,
      ip,
    };
  },
};

const query: Operation = {
  told: ofQuery,
  withFaults: (faults, ip) => {
    const has = (fault: Fault): boolean => faults.includes(fault);
    const stranger = has('subject') ? moderator : member;
    return {
      query: documentOf(
        faults,
        'query ($id: ID!)',
        'conversationEvents(conversationId: $id) { cursor }',
        'posts(first: 100) { nodes { comments(first: 100) { nodes { id } } } }',
      ),
      variables: { id: has('input') ? { not: 'an id' } : conversation },
      token: has('credential') ? 'no.good.token' : has('viewer') ? member : has('role') ? null : stranger,
      ip,
    };
  },
};

/** Each transport, with an operation that it takes. */
const TRANSPORTS: readonly (readonly [string, Send, Operation])[] = [
  ['POST', overPost, mutation],
  ['GET', get, query],
  ['SSE', overSSE, mutation],
  ['WebSocket', overSocket, mutation],
];

let addresses = 0;
const freshAddress = (): string => `198.51.100.${(addresses += 1)}`;

/** Uses a budget up, over HTTP. */
const useUp = async (asked: () => Pick<Asked, 'ip' | 'token'>): Promise<void> => {
  await Promise.all(Array.from({ length: MORE_THAN_AT_ONCE }, () => overPost({ query: '{ __typename }', variables: {}, ...asked() })));
};

describe.each(TRANSPORTS)('over %s', (_name, send, { withFaults, told }) => {
  it.each(FAULTS.map((fault, index) => [fault, FAULTS.slice(index)] as const))(
    'of an operation with many faults the %s is told before all that come after it',
    async (fault, faults) => {
      const ask = async (): Promise<Said | undefined> => {
        const ip = freshAddress();
        // What is used up comes back by and by.
        if (fault === 'viewer') await useUp(() => ({ ip: freshAddress(), token: member }));
        const asked = withFaults(faults, ip);
        if (fault === 'address') await useUp(() => ({ ip, token: asked.token }));
        return await send(asked);
      };
      await expect.poll(async () => (await ask())?.extensions.code).toBe(told[fault].code);
      await expect.poll(async () => (await ask())?.message).toMatch(told[fault].message);
    },
  );

  it('an operation without a fault is done', async () => {
    await expect.poll(() => send(withFaults([], freshAddress()))).toBeUndefined();
  });
});

describe.each([
  ['SSE', overSSE],
  ['WebSocket', overSocket],
] as const)('over %s', (_name, send) => {
  it.each([
    ['conversationEvents(conversationId: $of)', 'ID!'],
    ['messageAdded(conversationId: $of)', 'ID!'],
    ['typingChanged(conversationId: $of)', 'ID!'],
    ['presenceChanged(conversationId: $of)', 'ID'],
    ['presenceChanged(conversationId: $of, userIds: [])', 'ID'],
    ['presenceChanged(of: { conversationId: $of })', 'ID!'],
    ['presenceChanged(of: $of)', 'PresenceOf'],
    ['notificationAdded(after: $of)', 'String'],
    ['announcementAdded(after: $of)', 'String'],
  ])('a stranger is told to sign in to %s before what is wrong with its variables', async (field, type) => {
    const variables = { of: type === 'PresenceOf' ? { conversationId: 7, userIds: 7 } : ['neither', 'an', 'id'] };
    const asked = { query: `subscription ($of: ${type}) { ${field} { __typename } }`, variables, token: null, ip: freshAddress() };
    expect((await send(asked))?.extensions.code).toBe('UNAUTHENTICATED');
  });

  it.each(['messageAdded(conversationId: "x")', 'typingChanged(conversationId: "x")', 'presenceChanged(of: { conversationId: "x" })'])(
    'a stranger is told to sign in to %s before that this is no id',
    async (field) => {
      const asked = { query: `subscription { ${field} { __typename } }`, variables: {}, token: null, ip: freshAddress() };
      expect((await send(asked))?.extensions.code).toBe('UNAUTHENTICATED');
    },
  );

  it('a stranger is told what is wrong with the variables of a subscription that is for everyone', async () => {
    const asked = {
      query: 'subscription ($ids: [ID!]) { presenceChanged(userIds: $ids) { status } }',
      variables: { ids: [[]] },
      token: null,
      ip: freshAddress(),
    };
    expect((await send(asked))?.extensions.code).toBe('BAD_USER_INPUT');
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
