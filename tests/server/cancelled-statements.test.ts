import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import pg from 'pg';
import { pino } from 'pino';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { CreatePost, aPost } from '../kit/factories.js';
import { openRawSocket, type RawSocket } from '../kit/raw-socket.js';

const logged: string[] = [];
const log = pino({ level: 'warn' }, { write: (line: string) => void logged.push(line) });
let app: TestApp;
let ada: TestUser;
let post: string;
/** Of whoever asks, by app. */
const tokens = new Map<TestApp, string>();
const tokenOf = (of: TestApp): string => tokens.get(of) ?? '';
beforeAll(async () => {
  // What nobody waits for would end by itself after these times, which no test takes.
  app = await startTestApp({ log, env: { DATABASE_TIMEOUT_MS: '60000', OPERATION_TIMEOUT_MS: '60000', JOB_CONCURRENCY: '0' } });
  ada = await app.user('ada');
  tokens.set(app, ada.token);
  post = (await aPost(app, ada)).id;
});
afterAll(() => app.stop());

/** The app's statements that wait for a lock, each by its process and its time, in the order in which they began. */
const stuck = async (of = app): Promise<readonly string[]> =>
  (
    await of.database.query<{ statement: string }>(
      `SELECT pid || ' ' || query_start AS statement FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = 'lyceum' AND wait_event_type = 'Lock' ORDER BY query_start`,
    )
  ).map(({ statement }) => statement);

const locked = (table: string): string => `LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`;
/** Holds up all statements that need what is locked, for as long as `work` takes. */
const whileLocked = async (lock: string, work: (unlock: () => Promise<unknown>) => Promise<void>, of = app): Promise<void> => {
  const holder = new pg.Client(of.database.url);
  await holder.connect();
  try {
    await holder.query(`BEGIN; ${lock}`);
    await work(() => holder.query('COMMIT'));
  } finally {
    await holder.end();
  }
};

/** Each connection of the pool answers the statement that it was sent. */
const expectWhole = async (of = app): Promise<void> => {
  const numbers = Array.from({ length: of.services.config.database.poolSize * 4 }, (_, n) => n);
  const { prisma } = of.services.db;
  const answers = await Promise.all(numbers.map((n) => prisma.$queryRaw<{ n: number }[]>`SELECT ${n}::int AS n FROM pg_sleep(0.01)`));
  expect(answers.map(([row]) => row?.n)).toEqual(numbers);
  expect(of.services.config.database.poolSize).toBe((await connectionsOf(of)).length);
};
/** The connections of the app that are free. */
const connectionsOf = async (of: TestApp): Promise<readonly object[]> =>
  await of.database.query(
    `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'lyceum' AND state = 'idle' AND query LIKE '%pg_sleep%'`,
  );

interface Request {
  readonly query: string;
  readonly variables?: object;
}
/** Somebody who waits for an answer, until they leave. */
interface Waiting {
  readonly leave: () => void;
  readonly answer: Promise<unknown>;
}
type Ask = (request: Request, of?: TestApp) => Promise<Waiting>;

const acknowledged = async (of: TestApp): Promise<RawSocket> => {
  const raw = await openRawSocket(of.url);
  raw.send({ type: 'connection_init', payload: { accessToken: tokenOf(of) } });
  expect(await raw.next()).toMatchObject({ type: 'connection_ack' });
  return raw;
};

const overHttp =
  (url: (of: TestApp, request: Request) => string, init: (of: TestApp, request: Request) => RequestInit): Ask =>
  async (request, of = app) => {
    const client = new AbortController();
    const answer = fetch(url(of, request), { ...init(of, request), signal: client.signal }).then(
      (response) => response.text(),
      () => 'given up',
    );
    return { leave: () => client.abort(), answer };
  };
const overSocket =
  (leave: (raw: RawSocket) => void): Ask =>
  async (request, of = app) => {
    const raw = await acknowledged(of);
    raw.send({ type: 'subscribe', id: '1', payload: request });
    return { leave: () => leave(raw), answer: raw.next().then((message) => JSON.stringify(message)) };
  };
const posted =
  (accept: string) =>
  (of: TestApp, request: Request): RequestInit => ({
    method: 'POST',
    headers: { 'content-type': 'application/json', accept, authorization: `Bearer ${tokenOf(of)}` },
    body: JSON.stringify(request),
  });
const parametersOf = ({ query, variables = {} }: Request): string =>
  new URLSearchParams({ query, variables: JSON.stringify(variables) }).toString();

const WAYS: Readonly<Record<string, Ask>> = {
  'a POST is given up': overHttp(({ url }) => url, posted('application/json')),
  'a POST for an event stream is given up': overHttp(({ url }) => url, posted('text/event-stream')),
  'a GET is given up': overHttp(
    ({ url }, request) => `${url}?${parametersOf(request)}`,
    (of) => ({ headers: { authorization: `Bearer ${tokenOf(of)}` } }),
  ),
  'a socket completes the operation': overSocket((raw) => raw.send({ type: 'complete', id: '1' })),
  'a socket is cut': overSocket((raw) => raw.socket.terminate()),
};

/** Each is sent to the database in another way. */
const READS: Readonly<Record<string, { readonly request: () => Request; readonly table: string }>> = {
  'a list': { table: 'post', request: () => ({ query: '{ posts(first: 5) { nodes { id } } }' }) },
  'a row': { table: 'post', request: () => ({ query: 'query ($id: ID!) { post(id: $id) { id body } }', variables: { id: post } }) },
  'rows beside each other': {
    table: 'post',
    request: () => ({ query: 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', variables: { ids: [post, post.replace(/.$/, 'A')] } }),
  },
  'a count': { table: 'post', request: () => ({ query: '{ feed(first: 1) { totalCount } }' }) },
  'SQL by hand': { table: 'tag', request: () => ({ query: '{ tags }' }) },
};

describe('a statement that runs is cancelled when nobody waits for it any more', () => {
  for (const [way, ask] of Object.entries(WAYS))
    for (const [what, { request, table }] of Object.entries(READS))
      it(`that reads ${what}, when ${way}`, async () => {
        await whileLocked(locked(table), async () => {
          const { leave } = await ask(request());
          await expect.poll(stuck).not.toEqual([]);
          leave();
          await expect.poll(stuck, { timeout: 5_000 }).toEqual([]);
        });
        await expectWhole();
      });

  it('that was sent to see whether one may subscribe', async () => {
    await whileLocked(locked('post'), async () => {
      const { leave } = await overSocket((raw) => raw.socket.terminate())({
        query: 'subscription ($id: ID!) { commentAdded(postId: $id) { comment { id } } }',
        variables: { id: post },
      });
      await expect.poll(stuck).toHaveLength(1);
      leave();
      await expect.poll(stuck, { timeout: 5_000 }).toEqual([]);
    });
    await expectWhole();
  });

  it('and a hundred of them leave every connection as it was', async () => {
    const asks = Object.values(WAYS);
    const requests = Object.values(READS).filter(({ table }) => table === 'post');
    await whileLocked(locked('post'), async () => {
      const waiting: Waiting[] = [];
      for (let n = 0; n < 100; n += 1) {
        const ask = asks[n % asks.length];
        const request = requests[n % requests.length]?.request() ?? { query: '' };
        if (ask !== undefined) waiting.push(await ask({ ...request, query: `${request.query} #${n}` }));
      }
      await expect.poll(async () => (await stuck()).length).toBeGreaterThan(1);
      for (const { leave } of waiting) leave();
      await expect.poll(stuck, { timeout: 10_000 }).toEqual([]);
    });
    await expectWhole();
  });

  it('which the log does not mention, and the state of the database does not either', async () => {
    expect(await app.services.db.health.state()).toBe('UP');
    expect(logged).toEqual([]);
  });
});

describe('a statement that runs goes on', () => {
  const posts = (n: number): Request => ({ query: `{ posts(first: ${n}) { nodes { id } } }` });
  /** By nobody in particular: what is the same for all who are not signed in is shared. */
  const ask = overHttp(
    ({ url }, request) => `${url}?${parametersOf(request)}`,
    () => ({}),
  );
  /** Waits until a statement that came later, and that somebody leaves, has been cancelled beside so many others. */
  const cancelledMeanwhile = async (request: Request, others: number, of = app): Promise<void> => {
    const { leave } = await ask(request, of);
    await expect.poll(() => stuck(of)).toHaveLength(others + 1);
    leave();
    await expect.poll(() => stuck(of), { timeout: 5_000 }).toHaveLength(others);
  };

  it('while one of those who share it waits', async () => {
    const sharing = await startTestApp({
      env: { DATABASE_TIMEOUT_MS: '60000', OPERATION_TIMEOUT_MS: '60000', QUERY_CACHE_BYTES: '1000000' },
    });
    try {
      await whileLocked(
        locked('post'),
        async (unlock) => {
          const first = await ask(posts(7), sharing);
          await expect.poll(() => stuck(sharing)).toHaveLength(1);
          const [executed] = await stuck(sharing);
          // Those who come while it is executed for the first share the next execution.
          const [leaver, stayer] = [await ask(posts(7), sharing), await ask(posts(7), sharing)];
          // Answered after they were heard.
          await sharing.data('{ __typename }');
          first.leave();
          await expect.poll(() => stuck(sharing), { timeout: 5_000 }).not.toContain(executed);
          await expect.poll(() => stuck(sharing)).toHaveLength(1);
          const shared = await stuck(sharing);
          leaver.leave();
          await cancelledMeanwhile(posts(8), shared.length, sharing);
          expect(await stuck(sharing)).toEqual(shared);
          await unlock();
          expect(JSON.parse(String(await stayer.answer))).toEqual({ data: { posts: { nodes: [] } } });
          expect(await leaver.answer).toBe('given up');
        },
        sharing,
      );
      await expectWhole(sharing);
    } finally {
      await sharing.stop();
    }
  });

  for (const [way, askSo] of Object.entries(WAYS).filter(([name]) => !name.includes('GET')))
    it(`when it writes and ${way}`, async () => {
      const body = `written although ${way}`;
      // Reads of posts pass.
      await whileLocked(`LOCK TABLE post IN SHARE MODE; ${locked('tag')}`, async (unlock) => {
        const { leave } = await askSo({ query: CreatePost.toString(), variables: { input: { body } } });
        await expect.poll(stuck).toHaveLength(1);
        const writing = await stuck();
        leave();
        await cancelledMeanwhile({ query: '{ tags }' }, writing.length);
        expect(await stuck()).toEqual(writing);
        await unlock();
      });
      await expect.poll(() => app.database.query('SELECT 1 FROM post WHERE body = $1', [body])).toHaveLength(1);
      await expectWhole();
    });
});

describe('a statement of a query whose time is over', () => {
  let hasty: TestApp;
  beforeAll(async () => {
    hasty = await startTestApp({
      env: { DATABASE_TIMEOUT_MS: '60000', OPERATION_TIMEOUT_MS: '1500' },
    });
    tokens.set(hasty, (await hasty.user('ben')).token);
  });
  afterAll(() => hasty.stop());

  const ways = Object.entries(WAYS).filter(([name]) => /POST|completes/.test(name));
  for (const [what, { request, table }] of Object.entries(READS).filter(([name]) => /list|row$/.test(name)))
    for (const [way, ask] of ways)
      it(`is cancelled, and the query TIMED_OUT: ${what}, where otherwise ${way}`, async () => {
        await whileLocked(
          locked(table),
          async () => {
            const { answer } = await ask(request(), hasty);
            expect(await answer).toContain('TIMED_OUT');
            await expect.poll(() => stuck(hasty), { timeout: 5_000 }).toEqual([]);
          },
          hasty,
        );
        await expectWhole(hasty);
      });
});
