import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { LikePost } from '../kit/acts.js';
import { createTestDatabase, type TestDatabase } from '../kit/database.js';
import { CreatePost, JoinAsGuest, aPost } from '../kit/factories.js';
import { graphql } from '../kit/graphql.js';
import { startProxy, type Proxy } from '../kit/proxy.js';
import { LikeCountChanged } from '../kit/subscriptions.js';

const TIMEOUT_MS = 1_000;
/** The server's timeout, the further second of the client's, and room for a busy machine. */
const SOON_MS = TIMEOUT_MS + 1_000 + 4_000;

let database: TestDatabase;
let proxy: Proxy;
let app: TestApp;
let ada: TestUser;
beforeAll(async () => {
  database = await createTestDatabase();
  proxy = await startProxy(database.url);
  app = await startTestApp({
    database: { ...database, url: proxy.url },
    env: { DATABASE_TIMEOUT_MS: String(TIMEOUT_MS), DATABASE_POOL_SIZE: '4' },
  });
  ada = await app.user('ada');
});
afterAll(async () => {
  await app.stop();
  await proxy.stop();
  await database.drop();
});

const NumberOfPosts = graphql(`
  query NumberOfPosts {
    posts {
      totalCount
    }
  }
`);

interface Answered {
  readonly errors?: readonly { readonly extensions?: { readonly code?: unknown } }[];
}

const codesOf = ({ errors = [] }: Answered): unknown[] => errors.map(({ extensions }) => extensions?.code);

const soon = async <Value>(promise: Promise<Value>): Promise<Value> => {
  const started = performance.now();
  const value = await promise;
  expect(performance.now() - started).toBeLessThan(SOON_MS);
  return value;
};

const overSSE = async (): Promise<Answered> => {
  const response = await fetch(app.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ query: NumberOfPosts }),
  });
  const data = /^data: (.+)$/m.exec(await response.text())?.[1] ?? '{}';
  return JSON.parse(data) as Answered;
};

/** What the faults have in common: how the database goes away. */
const faults: Readonly<Record<string, () => Promise<void> | void>> = {
  'refuses connections': () => proxy.refuse(),
  'falls silent': () => proxy.blackHole(),
};

for (const [name, away] of Object.entries(faults)) {
  describe(`a database that ${name}`, () => {
    test('is UNAVAILABLE soon, on every transport, and serves again when it is back', async () => {
      const socket = app.connect();
      await socket.opened;
      expect(await app.data(NumberOfPosts)).toBeTruthy();
      await away();
      try {
        // More at once than the pool has connections.
        const answers = await soon(
          Promise.all([
            ...Array.from({ length: 8 }, () => app.execute(NumberOfPosts)),
            ...Array.from({ length: 4 }, () => socket.execute(NumberOfPosts)),
            ...Array.from({ length: 2 }, () => overSSE()),
          ]),
        );
        expect(answers.flatMap(codesOf)).toEqual(Array.from({ length: 14 }, () => 'UNAVAILABLE'));

        // With a token it is the look-up of the viewer that fails, before any field.
        const refused = await soon(app.execute(NumberOfPosts, {}, ada));
        expect({ status: refused.status, codes: codesOf(refused), data: refused.data }).toEqual({
          status: 503,
          codes: ['UNAVAILABLE'],
          data: undefined,
        });
        expect(await soon(app.connect(ada).closed)).toBe(1013);

        const mutation = await soon(app.execute(JoinAsGuest, { displayName: 'G' }));
        expect(codesOf(mutation)).toEqual(['UNAVAILABLE']);
      } finally {
        await proxy.resume();
      }
      await expect.poll(() => app.execute(NumberOfPosts), { timeout: SOON_MS }).toMatchObject({ data: { posts: {} } });
      // The socket from before has lived through it.
      await expect.poll(() => socket.execute(NumberOfPosts), { timeout: SOON_MS }).toMatchObject({ data: { posts: {} } });
      await socket.close();
    });
  });
}

test('connections that stay silent for ever are given up', async () => {
  await Promise.all(Array.from({ length: 8 }, () => app.data(NumberOfPosts)));
  proxy.blackHole();
  await soon(Promise.all(Array.from({ length: 8 }, () => app.execute(NumberOfPosts))));
  proxy.forget();
  await expect.poll(() => app.execute(NumberOfPosts), { timeout: SOON_MS }).toMatchObject({ data: { posts: {} } });
  const answers = await Promise.all(Array.from({ length: 8 }, () => app.execute(NumberOfPosts)));
  expect(answers.flatMap(codesOf)).toEqual([]);
});

test('a mutation that is cut off in its middle is UNAVAILABLE, wholly done or not at all, and succeeds when sent again', async () => {
  const before = await app.data(NumberOfPosts);
  // Held in its middle by a lock, then cut.
  const { default: pg } = await import('pg');
  const holder = new pg.Client(database.url);
  await holder.connect();
  await holder.query('BEGIN; LOCK TABLE post IN ACCESS EXCLUSIVE MODE');
  const running = app.execute(CreatePost, { input: { body: 'cut', clientId: 'once' } }, ada);
  await expect
    .poll(
      async () =>
        (await database.query(`SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)).length,
    )
    .toBeGreaterThan(0);
  proxy.cut();
  expect(codesOf(await soon(running))).toEqual(['UNAVAILABLE']);
  await holder.query('COMMIT');
  await holder.end();

  await expect
    .poll(() => app.execute(CreatePost, { input: { body: 'cut', clientId: 'once' } }, ada), { timeout: SOON_MS })
    .toMatchObject({ data: { createPost: { post: { body: 'cut' } } } });
  const after = await app.data(NumberOfPosts);
  expect(after.posts.totalCount).toBe(before.posts.totalCount + 1);
});

test('a subscription lives through it', async () => {
  const { id } = await aPost(app, ada);
  const like = (): Promise<Answered> => app.execute(LikePost, { postId: id }, ada);
  const socket = app.connect();
  const counts = socket.subscribe(LikeCountChanged, { id });
  expect(await counts.data()).toEqual({ likeCountChanged: { count: 0 } });
  await proxy.refuse();
  expect(codesOf(await soon(like()))).toEqual(['UNAVAILABLE']);
  await proxy.resume();
  await expect.poll(like, { timeout: SOON_MS }).toMatchObject({ data: { likePost: { likeCount: 1 } } });
  expect(await counts.data()).toEqual({ likeCountChanged: { count: 1 } });
  await socket.close();
});
