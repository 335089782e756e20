import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createCostBudgets } from '../../src/access/cost-budgets.js';
import type { RateLimits } from '../../src/access/rate-limits.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { deferred } from '../kit/deferred.js';
import { aComment, aPost } from '../kit/factories.js';
import { startRedis } from '../kit/redis.js';

/** One search costs more than 1,000 rows, of which a twentieth is there at once. */
const ENV = { RATE_LIMIT_FACTOR: '1', MAX_COST_PER_VIEWER: '100000', MAX_COST_PER_ADDRESS: '100000', TRUST_PROXY: 'true' };
const SEARCH = '{ entries(filter: { search: "zq" }) { totalCount } }';
const OFTEN = 40;

let app: TestApp;
let ada: TestUser;

beforeAll(async () => {
  app = await startTestApp({ env: ENV });
  ada = await app.user('ada');
});
afterAll(() => app.stop());

interface Answer {
  readonly data?: unknown;
  readonly errors?: readonly { readonly message: string; readonly extensions: Readonly<Record<string, unknown>> }[];
  readonly extensions?: { readonly cost?: { readonly price: number; readonly limit: number; readonly budget: { readonly left: number } } };
}
interface Asked {
  readonly ip: string;
  readonly token?: string;
  readonly extensions?: object;
}
type Ask = (query: string, asked: Asked) => Promise<Answer>;

const headersOf = ({ ip, token }: Asked): Record<string, string> => ({
  'x-forwarded-for': ip,
  ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
});
const post = (query: string, asked: Asked, accept: string): Promise<Response> =>
  fetch(app.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept, ...headersOf(asked) },
    body: JSON.stringify({ query, extensions: asked.extensions }),
  });

const transports: Readonly<Record<string, Ask>> = {
  'a POST': async (query, asked) => (await (await post(query, asked, 'application/graphql-response+json')).json()) as Answer,
  'a GET': async (query, asked) => {
    const url = `${app.url}?${new URLSearchParams({ query, extensions: JSON.stringify(asked.extensions ?? {}) }).toString()}`;
    return (await (await fetch(url, { headers: headersOf(asked) })).json()) as Answer;
  },
  'an event stream': async (query, asked) => {
    const text = await (await post(query, asked, 'text/event-stream')).text();
    return JSON.parse(/^data: (\{.*)$/m.exec(text)?.[1] ?? text) as Answer;
  },
  'a socket': async (query, { extensions, ...as }) => {
    const socket = await socketOf(as);
    const answer = new Promise<Answer>((resolve) => {
      socket.on('message', (data: Buffer) => {
        const message = JSON.parse(data.toString()) as { readonly type: string; readonly payload: Answer & Answer['errors'] };
        if (message.type === 'next') resolve(message.payload);
        if (message.type === 'error') resolve({ errors: message.payload });
      });
    });
    socket.send(JSON.stringify({ type: 'subscribe', id: randomUUID(), payload: { query, extensions } }));
    const given = await answer;
    socket.removeAllListeners('message');
    return given;
  },
};

/** The acknowledged sockets of those who have asked over one: who has spent everything is not let in again. */
const sockets = new Map<string, WebSocket>();
const socketOf = async ({ ip, token }: Asked): Promise<WebSocket> => {
  const known = sockets.get(ip);
  if (known !== undefined) return known;
  const socket = new WebSocket(app.url.replace(/^http/, 'ws'), 'graphql-transport-ws', { headers: { 'x-forwarded-for': ip } });
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'connection_init', payload: token === undefined ? {} : { accessToken: token } }));
  await once(socket, 'message');
  sockets.set(ip, socket);
  return socket;
};

let addresses = 0;
const anAddress = (): string => `10.0.0.${(addresses += 1)}`;

describe.each(Object.entries(transports))('over %s', (_name, ask) => {
  const spend = async (asked: () => Asked): Promise<Answer> => {
    for (let n = 0; n < OFTEN; n += 1) {
      const answer = await ask(SEARCH, asked());
      if (answer.errors !== undefined) return answer;
    }
    throw new Error('Nothing was refused.');
  };

  it('an address that has spent its budget is RATE_LIMITED, told for how long, and others are not', async () => {
    const ip = anAddress();
    const { errors = [], data } = await spend(() => ({ ip }));
    expect(data ?? null).toBeNull();
    expect(errors[0]?.extensions).toMatchObject({ code: 'RATE_LIMITED', limit: 100_000 });
    expect(errors[0]?.extensions['retryAfterMs']).toBeGreaterThan(0);
    expect((await ask(SEARCH, { ip: anAddress() })).errors).toBeUndefined();
  });

  it('who asks for the cost is told price and budget', async () => {
    const { extensions } = await ask(SEARCH, { ip: anAddress(), extensions: { cost: true } });
    expect(extensions?.cost).toMatchObject({ limit: 5_000, budget: { limit: 100_000 } });
    const { price = 0, budget } = extensions?.cost ?? {};
    expect(price).toBeGreaterThan(50);
    expect(budget?.left).toBeLessThanOrEqual(5_000 - price + 200);
  });

  it('who is too dear is told so beside the error', async () => {
    const query = `{ ${Array.from({ length: 90 }, (_, n) => `a${n}: ${SEARCH.slice(2, -2)}`).join(' ')} }`;
    const { errors = [] } = await ask(query, { ip: anAddress() });
    expect(errors[0]?.extensions).toMatchObject({ code: 'OPERATION_TOO_COMPLEX', limit: 5_000, price: expect.any(Number) as number });
  });

  it('nobody is told who does not ask', async () => {
    expect((await ask('{ __typename }', { ip: anAddress() })).extensions).toBeUndefined();
  });
});

it('no long message is read of an address that has sent too much: its socket is closed with 1013', async () => {
  const socket = await socketOf({ ip: anAddress() });
  const closed = once(socket, 'close');
  const payload = { query: '{ __typename }', variables: { x: 'x'.repeat(900_000) } };
  for (let n = 0; n < 10; n += 1) socket.send(JSON.stringify({ type: 'subscribe', id: String(n), payload }));
  expect((await closed)[0]).toBe(1013);
});

it('the handshake of an address that has spent its budget is answered with 429', async () => {
  // What one search costs comes back in more than a minute.
  const poor = await startTestApp({ env: { ...ENV, MAX_COST_PER_ADDRESS: '1000' } });
  const headers = { 'x-forwarded-for': anAddress() };
  await poor.execute(SEARCH, {}, { headers });
  const socket = new WebSocket(poor.url.replace(/^http/, 'ws'), 'graphql-transport-ws', { headers });
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
  expect(response.statusCode).toBe(429);
  expect(Number(response.headers['retry-after'])).toBeGreaterThan(0);
  response.destroy();
  await poor.stop();
});

it('a viewer has one budget at all addresses', async () => {
  const ask = transports['a POST'] as Ask;
  const answers = [];
  for (let n = 0; n < OFTEN; n += 1) answers.push(await ask(SEARCH, { ip: anAddress(), token: ada.token }));
  expect(answers.some(({ errors }) => errors?.[0]?.extensions['code'] === 'RATE_LIMITED')).toBe(true);
});

describe('budgets', () => {
  const payer = { viewer: { id: 'a' }, client: { ip: '10.1.1.1' } };
  const options = { factor: 1, costPerViewer: 600, costPerAddress: 6_000, eventCost: 600 };

  it('fill again within a minute, at an even rate', () => {
    let time = 0;
    const budgets = createCostBudgets(options, { spend: null }, () => time);
    expect(budgets.charge(payer, 30)).toEqual({ left: 0, limit: 600 });
    expect(() => budgets.charge(payer, 1)).toThrow(
      expect.objectContaining({ extensions: expect.objectContaining({ retryAfterMs: 100 }) as object }),
    );
    time += 1_000;
    expect(budgets.charge(payer, 5)).toEqual({ left: 5, limit: 600 });
  });

  it('of events wait until there is something again', () => {
    let time = 0;
    const budgets = createCostBudgets(options, { spend: null }, () => time);
    budgets.chargeEvent('a', 610);
    expect(budgets.eventWaitMs('a')).toBe(1_100);
    expect(budgets.eventWaitMs('b')).toBe(0);
    time += 1_100;
    expect(budgets.eventWaitMs('a')).toBe(0);
  });

  it('are those of all processes when these count together', async () => {
    const told: unknown[] = [];
    const asked = deferred<undefined>();
    const spend: RateLimits['spend'] = (...given) => {
      told.push(given.slice(0, 3));
      if (told.length === 2) setImmediate(() => asked.resolve(undefined));
      return Promise.resolve(30_000);
    };
    const budgets = createCostBudgets(options, { spend });
    budgets.charge(payer, 10);
    budgets.charge(payer, 10);
    await asked.promise;
    expect(told).toContainEqual(['viewer', 'a', 20]);
    expect(() => budgets.charge(payer, 1)).toThrow('cost more than is allowed');
    budgets.stop();
  });
});

describe('with Redis', () => {
  it('what a viewer has spent at one process counts at another, and others are not refused', async () => {
    const redis = await startRedis();
    const key = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    // One search is half of a minute's budget: a process by itself would have it paid off within 40 seconds.
    const env = { ...ENV, MAX_COST_PER_VIEWER: '2000', REDIS_URL: redis.url, JWT_PRIVATE_KEY: key };
    const one = await startTestApp({ env });
    const other = await startTestApp({ env, database: one.database });
    try {
      const [cara, dan] = [await one.user('cara'), await one.user('dan')];
      const ask = (at: TestApp, { token }: TestUser) => at.execute(SEARCH, {}, { token, headers: { 'x-forwarded-for': anAddress() } });
      expect((await ask(one, cara)).errors).toBeUndefined();
      expect((await ask(other, cara)).errors).toBeUndefined();
      // The one that tells Redis last hears that it is too much.
      const waitMs = async (at: TestApp): Promise<number> => Number((await ask(at, cara)).errors?.[0]?.extensions?.['retryAfterMs'] ?? 0);
      await expect.poll(async () => Math.max(await waitMs(one), await waitMs(other))).toBeGreaterThan(40_000);
      expect((await ask(other, dan)).errors).toBeUndefined();
    } finally {
      await other.stop();
      await one.stop();
      await redis.stop();
    }
  });
});

describe('a subscription', () => {
  const dear = `subscription ($id: ID!) { commentAdded(postId: $id) { comment { author { followers(first: 100) { nodes { followers(first: 20) { nodes { id } } } } } } } }`;

  it('whose events are too dear is refused, and told price and limit', async () => {
    const { id } = await aPost(app, await app.user('ben'));
    const { errors } = await app.connect().subscribe(dear, { id }).next();
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'OPERATION_TOO_COMPLEX', limit: 1_000, price: expect.any(Number) as number });
  });
});

describe('an operation', () => {
  let other: TestApp;
  let statements: string[] = [];
  let author: TestUser;
  let postId: string;
  const Nested = `
    query BudgetsNested { me { user { username } }
      posts(first: 2) {
        nodes {
          comments(first: 2) {
            nodes {
              body
              author {
                followers(first: 1) {
                  totalCount
                }
              }
            }
          }
        }
      }
    }
  `;
  beforeAll(async () => {
    other = await startTestApp({
      env: { OPERATION_TIMEOUT_MS: '3000', DATABASE_POOL_SIZE: '4' },
      onStatement: (sql) => statements.push(sql),
    });
    author = await other.user('cleo');
    postId = (await aPost(other, author)).id;
    await aComment(other, author, postId);
    // What nobody else may share ends with its client.
    await other.data(Nested, {}, author);
  });
  afterAll(() => other.stop());

  /** Runs `work` while nobody can read posts. */
  const whilePostsAreLocked = async (work: () => Promise<unknown>): Promise<void> => {
    const holder = new pg.Client(other.database.url);
    await holder.connect();
    try {
      await holder.query('BEGIN; LOCK TABLE post IN ACCESS EXCLUSIVE MODE');
      await work();
    } finally {
      await holder.end();
    }
  };
  const isWaiting = async (count: number): Promise<void> => {
    const waiting = `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`;
    while ((await other.database.query(waiting)).length < count) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  /** Waits until the database has nothing to do for the server, and the server has had a turn since. */
  const isQuiet = async (): Promise<void> => {
    const busy = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle' AND backend_type = 'client backend'`;
    while ((await other.database.query(busy)).length > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await other.data('{ users(first: 1) { nodes { id } } }');
  };

  it('sends no further statement after its client has gone', async () => {
    const client = new AbortController();
    await whilePostsAreLocked(async () => {
      const answer = other.execute(Nested, {}, { token: author.token, signal: client.signal }).catch(() => null);
      await isWaiting(1);
      client.abort();
      await answer;
      // The server hears of it before the lock is released.
      await other.data('{ users(first: 1) { nodes { id } } }');
      statements = [];
    });
    await isQuiet();
    expect(statements.filter((sql) => /"comment"|FROM comment/.test(sql))).toEqual([]);
  });

  it('is TIMED_OUT at its deadline, and sends no further statement', async () => {
    await whilePostsAreLocked(async () => {
      const { errors, data } = await other.execute(Nested, {}, author);
      expect([data ?? null, errors?.[0]?.extensions?.['code']]).toEqual([null, 'TIMED_OUT']);
      statements = [];
    });
    await isQuiet();
    expect(statements.filter((sql) => /"comment"|FROM comment/.test(sql))).toEqual([]);
  });

  it('that has written is answered after its deadline', async () => {
    const Comment = `
      mutation BudgetsComment($id: ID!) {
        addComment(input: { postId: $id, body: "late" }) {
          comment {
            body
            author {
              username
            }
          }
        }
      }
    `;
    const answers: Promise<unknown>[] = [];
    await whilePostsAreLocked(async () => {
      // Nothing but its own reads and writes of posts is waited for.
      answers.push(other.data(Comment, { id: postId }, author).catch((error: unknown) => error));
      await isWaiting(1);
    });
    expect(await answers[0]).toMatchObject({ addComment: { comment: { body: 'late', author: { username: 'cleo' } } } });
  });

  it('of another client is answered while one has more waiting than there are connections', async () => {
    await whilePostsAreLocked(async () => {
      const many = `{ ${Array.from({ length: 20 }, (_, n) => `a${n}: posts(first: 1) { nodes { id } }`).join(' ')} }`;
      const heavy = other.execute(many, {}, author);
      await isWaiting(2);
      expect((await other.execute('{ users(first: 1) { nodes { id } } }')).errors).toBeUndefined();
      expect((await heavy).errors?.[0]?.extensions?.['code']).toBe('TIMED_OUT');
    });
  });
});
