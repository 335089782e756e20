import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { connect, execute } from '../kit/client.js';
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

  it('two processes on one PostgreSQL and one Redis exchange all three live events', async () => {
    const [database, redis, dataDir] = await Promise.all([createTestDatabase(), startRedis(), folder()]);
    cleanup.push(
      () => database.drop(),
      () => redis.stop(),
    );
    const env = { DATA_DIR: dataDir, DATABASE_URL: database.url, REDIS_URL: redis.url, PRESENCE_GRACE_MS: '100' };
    const [one, two] = await Promise.all([start(env), start(env)]);
    const [ada, ben] = await Promise.all([guest(one.url), guest(two.url)]);

    const room = await execute<{ createRoom: { conversation: { id: string; joinCode: string; cursor: string } } }>(
      one.url,
      `mutation { createRoom(input: { title: "Room" }) { conversation { id joinCode cursor } } }`,
      {},
      ada,
    );
    const { id, joinCode, cursor } = room.data?.createRoom.conversation ?? { id: '', joinCode: '', cursor: '' };
    await execute(
      two.url,
      `mutation ($code: String!) { joinRoom(input: { code: $code }) { conversation { id } } }`,
      { code: joinCode },
      ben,
    );
    const post = await execute<{ createPost: { post: { id: string } } }>(one.url, CREATE, { body: 'x' }, ada);
    const postId = post.data?.createPost.post.id;

    const socket = connect(one.url, ada.token);
    cleanup.push(() => socket.close());
    const messages = socket.subscribe(
      `subscription ($id: ID!, $after: String) { messageAdded(conversationId: $id, after: $after) { message { body } } }`,
      { id, after: cursor },
    );
    const likes = socket.subscribe(`subscription ($id: ID!) { likeCountChanged(postId: $id) { count } }`, { id: postId });
    const presence = socket.subscribe(`subscription ($ids: [ID!]) { presenceChanged(userIds: $ids) { status } }`, { ids: [ben.id] });
    expect(await likes.data()).toEqual({ likeCountChanged: { count: 0 } });
    expect(await presence.data()).toEqual({ presenceChanged: { status: 'OFFLINE' } });

    const other = connect(two.url, ben.token);
    expect(await presence.data()).toEqual({ presenceChanged: { status: 'ONLINE' } });
    await other.execute(`mutation ($id: ID!) { sendMessage(input: { conversationId: $id, body: "hello" }) { cursor } }`, { id });
    expect(await messages.data()).toEqual({ messageAdded: { message: { body: 'hello' } } });
    await other.execute(`mutation ($id: ID!) { likePost(input: { postId: $id }) { likeCount } }`, { id: postId });
    expect(await likes.data()).toEqual({ likeCountChanged: { count: 1 } });
    await other.close();
    expect(await presence.data()).toEqual({ presenceChanged: { status: 'OFFLINE' } });
    expect(await Promise.all([one.end('SIGTERM'), two.end('SIGTERM')])).toEqual([0, 0]);
  });
});
