import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { joinRoom, like } from '../kit/acts.js';
import { apiAt } from '../kit/api.js';
import type { TestUser } from '../kit/app.js';
import { connect, type TestSocket } from '../kit/client.js';
import { createTestDatabase } from '../kit/database.js';
import { CreatePost, aGuest, aMessage, aPost, aRoom } from '../kit/factories.js';
import { graphql } from '../kit/graphql.js';
import { startServerProcess, type ServerProcess } from '../kit/process.js';
import { startRedis } from '../kit/redis.js';
import { LikeCountChanged, MessageAdded, StatusChanged } from '../kit/subscriptions.js';

const cleanup: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo();
});

const folder = async (): Promise<string> => {
  const path = await mkdtemp(join(tmpdir(), 'lyceum-process-'));
  // The database of a killed server ends a moment after it, and writes until then.
  cleanup.push(() => rm(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
  return path;
};
const start = async (env: Record<string, string>): Promise<ServerProcess> => {
  const server = await startServerProcess(env);
  cleanup.push(() => server.end('SIGKILL'));
  return server;
};

/** The first query of the README. */
const FirstEntries = graphql(`
  query FirstEntries {
    entries(first: 10, filter: { category: "technical" }) {
      edges {
        node {
          id
          title
          author {
            username
          }
        }
      }
    }
  }
`);
const KeptPosts = graphql(`
  query KeptPosts {
    posts(first: 100) {
      nodes {
        body
      }
    }
  }
`);

describe('the server as a process', () => {
  it('answers the first query on its embedded database, says what to do next, and ends with 0', async () => {
    const server = await start({ DATA_DIR: await folder() });
    const { entries } = await apiAt(server.url).data(FirstEntries);
    expect(entries.edges).toHaveLength(10);
    expect(server.output()).toContain('login(');
    expect(server.output()).toContain('entries(');
    expect(await server.end('SIGTERM')).toBe(0);
  });

  it('keeps everything it acknowledged when it is killed, and starts again', async () => {
    const env = { DATA_DIR: await folder() };
    const first = await start(env);
    const api = apiAt(first.url);
    const author = await aGuest(api);
    const acknowledged: string[] = [];
    const write = async (): Promise<void> => {
      for (let n = 0; ; n += 1) {
        const body = `post ${n}`;
        const { data } = await api.execute(CreatePost, { input: { body } }, author);
        if (data?.createPost) acknowledged.push(body);
        if (acknowledged.length === 20) void first.end('SIGKILL');
      }
    };
    await expect(write()).rejects.toThrow();
    await first.end('SIGKILL');

    const second = await start(env);
    const { posts } = await apiAt(second.url).data(KeptPosts);
    const kept = new Set(posts.nodes.map(({ body }) => body));
    expect(acknowledged.filter((body) => !kept.has(body))).toEqual([]);
    expect(acknowledged.length).toBeGreaterThanOrEqual(20);
  });

  it('refuses a second server on the same folder and leaves the first alone', async () => {
    const env = { DATA_DIR: await folder() };
    const first = await start(env);
    await expect(startServerProcess(env)).rejects.toThrow(String(first.child.pid));
    expect(await apiAt(first.url).data('{ __typename }')).toEqual({ __typename: 'Query' });
  });

  it('says every mistake of its configuration at once and starts nothing', async () => {
    const failure = startServerProcess({ PORT: 'x', DATABASE_URL: 'mysql://y', PRESENCE_GRACE_MS: '-1', LOG_LEVEL: 'loud' });
    await expect(failure).rejects.toThrow(/ended with 78[\s\S]*PORT[\s\S]*LOG_LEVEL[\s\S]*DATABASE_URL[\s\S]*PRESENCE_GRACE_MS/);
  });
});

describe('two processes on one PostgreSQL and one Redis', () => {
  let one: ServerProcess;
  let two: ServerProcess;
  const undo: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'lyceum-process-'));
    const [database, redis] = await Promise.all([createTestDatabase(), startRedis()]);
    undo.push(
      () => rm(dataDir, { recursive: true, force: true }),
      () => database.drop(),
      () => redis.stop(),
    );
    const env = { DATA_DIR: dataDir, DATABASE_URL: database.url, REDIS_URL: redis.url, PRESENCE_GRACE_MS: '100' };
    [one, two] = await Promise.all([startServerProcess(env), startServerProcess(env)]);
    undo.push(() => Promise.all([one.end('SIGKILL'), two.end('SIGKILL')]));
  });
  afterAll(async () => {
    for (const each of undo.reverse()) await each();
  });

  const apis = () => [apiAt(one.url), apiAt(two.url)] as const;
  /** Of the first process. */
  const socketOf = (user: TestUser): TestSocket => {
    const socket = connect(one.url, user.token);
    cleanup.push(() => socket.close());
    return socket;
  };

  it('exchange messages', async () => {
    const [first, second] = apis();
    const [ada, ben] = await Promise.all([aGuest(first), aGuest(second)]);
    const { id, joinCode, cursor } = await aRoom(first, ada);
    await joinRoom(second, ben, joinCode);
    const messages = socketOf(ada).subscribe(MessageAdded, { id, after: cursor });
    await aMessage(second, ben, id, 'hello');
    expect((await messages.data()).messageAdded.message).toEqual({ body: 'hello' });
  });

  it('exchange likes', async () => {
    const [first, second] = apis();
    const [ada, ben] = await Promise.all([aGuest(first), aGuest(second)]);
    const { id } = await aPost(first, ada);
    const likes = socketOf(ada).subscribe(LikeCountChanged, { id });
    expect(await likes.data()).toEqual({ likeCountChanged: { count: 0 } });
    await like(second, ben, id);
    expect(await likes.data()).toEqual({ likeCountChanged: { count: 1 } });
  });

  it('exchange who is here', async () => {
    const [first, second] = apis();
    const [ada, ben] = await Promise.all([aGuest(first), aGuest(second)]);
    const presence = socketOf(ada).subscribe(StatusChanged, { ids: [ben.id] });
    expect(await presence.data()).toEqual({ presenceChanged: { status: 'OFFLINE' } });
    const other = connect(two.url, ben.token);
    expect(await presence.data()).toEqual({ presenceChanged: { status: 'ONLINE' } });
    await other.close();
    expect(await presence.data()).toEqual({ presenceChanged: { status: 'OFFLINE' } });
  });

  it('both end with 0', async () => {
    expect(await Promise.all([one.end('SIGTERM'), two.end('SIGTERM')])).toEqual([0, 0]);
  });
});
