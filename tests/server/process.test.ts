import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connect, execute, type TestSubscription } from '../kit/client.js';
import { createTestDatabase } from '../kit/database.js';
import { startServerProcess, type ServerProcess } from '../kit/process.js';
import { startRedis } from '../kit/redis.js';

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

const GUEST = `mutation { joinAsGuest(input: { displayName: "Guest" }) { user { id } credentials { accessToken } } }`;
const CREATE = `mutation ($body: String!) { createPost(input: { body: $body }) { post { id } } }`;

interface Guest {
  readonly joinAsGuest: { readonly user: { readonly id: string }; readonly credentials: { readonly accessToken: string } };
}

const guest = async (url: string): Promise<{ token: string; id: string }> => {
  const { data } = await execute<Guest>(url, GUEST);
  if (!data) throw new Error('No guest could be made.');
  return { token: data.joinAsGuest.credentials.accessToken, id: data.joinAsGuest.user.id };
};

describe('the server as a process', () => {
  it('answers the first query on its embedded database, says what to do next, and ends with 0', async () => {
    const server = await start({ DATA_DIR: await folder() });
    const { data } = await execute<{ entries: { edges: { node: { title: string; author: { username: string } } }[] } }>(
      server.url,
      `{ entries(first: 10, filter: {category: "technical"}) { edges { node { id title author { username } } } } }`,
    );
    expect(data?.entries.edges).toHaveLength(10);
    expect(server.output()).toContain('login(');
    expect(server.output()).toContain('entries(');
    expect(await server.end('SIGTERM')).toBe(0);
  });

  it('keeps everything it acknowledged when it is killed, and starts again', async () => {
    const env = { DATA_DIR: await folder() };
    const first = await start(env);
    const { token } = await guest(first.url);
    const acknowledged: string[] = [];
    const write = async (): Promise<void> => {
      for (let n = 0; ; n += 1) {
        const body = `post ${n}`;
        const { data } = await execute(first.url, CREATE, { body }, { token });
        if (data?.['createPost']) acknowledged.push(body);
        if (acknowledged.length === 20) void first.end('SIGKILL');
      }
    };
    await expect(write()).rejects.toThrow();
    await first.end('SIGKILL');

    const second = await start(env);
    const { data } = await execute<{ posts: { edges: { node: { body: string } }[] } }>(
      second.url,
      `{ posts(first: 100) { edges { node { body } } } }`,
    );
    const kept = new Set(data?.posts.edges.map(({ node }) => node.body));
    expect(acknowledged.filter((body) => !kept.has(body))).toEqual([]);
    expect(acknowledged.length).toBeGreaterThanOrEqual(20);
  });

  it('refuses a second server on the same folder and leaves the first alone', async () => {
    const env = { DATA_DIR: await folder() };
    const first = await start(env);
    await expect(startServerProcess(env)).rejects.toThrow(String(first.child.pid));
    expect((await execute(first.url, '{ __typename }')).data).toEqual({ __typename: 'Query' });
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

  const data = async <Data>(url: string, query: string, variables: object, as: { readonly token: string }): Promise<Data> => {
    const response = await execute<Data>(url, query, variables, as);
    if (!response.data) throw new Error(`The operation failed: ${JSON.stringify(response)}`);
    return response.data;
  };
  const follow = <Data>(url: string, token: string, query: string, variables: object): TestSubscription<Data> => {
    const socket = connect(url, token);
    cleanup.push(() => socket.close());
    return socket.subscribe<Data>(query, variables);
  };

  it('exchange messages', async () => {
    const [ada, ben] = await Promise.all([guest(one.url), guest(two.url)]);
    const { createRoom } = await data<{ createRoom: { conversation: { id: string; joinCode: string; cursor: string } } }>(
      one.url,
      `mutation { createRoom(input: { title: "Room" }) { conversation { id joinCode cursor } } }`,
      {},
      ada,
    );
    const { id, joinCode, cursor } = createRoom.conversation;
    await data(two.url, `mutation ($code: String!) { joinRoom(input: { code: $code }) { conversation { id } } }`, { code: joinCode }, ben);
    const query = `subscription ($id: ID!, $after: String) { messageAdded(conversationId: $id, after: $after) { message { body } } }`;
    const messages = follow(one.url, ada.token, query, { id, after: cursor });
    await data(two.url, `mutation ($id: ID!) { sendMessage(input: { conversationId: $id, body: "hello" }) { cursor } }`, { id }, ben);
    expect(await messages.data()).toEqual({ messageAdded: { message: { body: 'hello' } } });
  });

  it('exchange likes', async () => {
    const [ada, ben] = await Promise.all([guest(one.url), guest(two.url)]);
    const { createPost } = await data<{ createPost: { post: { id: string } } }>(one.url, CREATE, { body: 'x' }, ada);
    const { id } = createPost.post;
    const likes = follow(one.url, ada.token, `subscription ($id: ID!) { likeCountChanged(postId: $id) { count } }`, { id });
    expect(await likes.data()).toEqual({ likeCountChanged: { count: 0 } });
    await data(two.url, `mutation ($id: ID!) { likePost(input: { postId: $id }) { likeCount } }`, { id }, ben);
    expect(await likes.data()).toEqual({ likeCountChanged: { count: 1 } });
  });

  it('exchange who is here', async () => {
    const [ada, ben] = await Promise.all([guest(one.url), guest(two.url)]);
    const query = `subscription ($ids: [ID!]) { presenceChanged(userIds: $ids) { status } }`;
    const presence = follow(one.url, ada.token, query, { ids: [ben.id] });
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
