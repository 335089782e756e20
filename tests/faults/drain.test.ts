import { connect as connectTcp } from 'node:net';
import { createClient } from 'graphql-ws';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { connect, type TestSubscription } from '../kit/client.js';
import { createTestDatabase, type TestDatabase } from '../kit/database.js';
import { deferred } from '../kit/deferred.js';
import { aMessage, aRoom } from '../kit/factories.js';
import type { ResultOf } from '../kit/graphql.js';
import { MessageAdded } from '../kit/subscriptions.js';

/** So long that whatever is seen to happen during it happens during it. */
const FOR_EVER = '600000';
type Message = ResultOf<typeof MessageAdded>;

let database: TestDatabase;
/** Where everybody goes. */
let other: TestApp;
let ada: TestUser;
let room: string;
let start: string;
beforeAll(async () => {
  database = await createTestDatabase();
  // No bus: what one server writes the other finds by itself, as it does when Redis is away.
  other = await startTestApp({ database, env: { RECONCILE_MS: '50' } });
  ada = await other.user('ada');
});
afterAll(async () => {
  await other.stop();
  await database.drop();
});
beforeEach(async () => {
  ({ id: room, cursor: start } = await aRoom(other, ada));
});

const startStopping = (drainMs: string): Promise<TestApp> =>
  startTestApp({ database, env: { RECONCILE_MS: '50', DRAIN_MS: drainMs, DATA_DIR: other.services.config.dataDir } });
const send = (body: string): Promise<unknown> => aMessage(other, ada, room, body);
const bodyOf = ({ messageAdded }: Message): string => messageAdded.message.body;
const next = async (messages: TestSubscription<Message>): Promise<string> => bodyOf(await messages.data());

/** The status that a handshake is refused with. */
const knock = (url: string): Promise<unknown> =>
  new Promise((resolve) => {
    const socket = new WebSocket(url.replace(/^http/, 'ws'), 'graphql-transport-ws');
    socket.on('open', () => resolve('open'));
    socket.on('unexpected-response', (request, response) => {
      request.destroy();
      resolve(response.statusCode);
    });
    socket.on('error', () => undefined);
  });

/** A stream of server-sent events, read as a browser without a library reads it. */
const follow = async (url: string, signal: AbortSignal = new AbortController().signal) => {
  const variables = encodeURIComponent(JSON.stringify({ id: room, after: start }));
  const response = await fetch(`${url}?query=${encodeURIComponent(MessageAdded.toString())}&variables=${variables}`, {
    headers: { accept: 'text/event-stream', authorization: `Bearer ${ada.token}` },
    signal,
  });
  let text = '';
  const arrived = deferred<undefined>();
  const ended = (async () => {
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString();
      if (text.includes('event: next')) arrived.resolve(undefined);
    }
    return text;
  })().catch(() => text);
  return { status: response.status, arrived: arrived.promise, ended };
};

test('H17: a stop closes one socket after the other with 1012; those who are still here go on receiving, and no one new is taken', async () => {
  const stopping = await startStopping(FOR_EVER);
  const sockets = Array.from({ length: 4 }, () => connect(stopping.url, ada.token));
  const followed = [];
  for (const socket of sockets) {
    await socket.opened;
    followed.push({ socket, messages: socket.subscribe(MessageAdded, { id: room, after: start }) });
  }
  await send('before');
  for (const { messages } of followed) expect(await next(messages)).toBe('before');
  const [first, ...rest] = followed;
  const stopped = stopping.stop();

  expect(await first?.socket.closed).toBe(1012);
  await send('during');
  for (const { messages } of rest) expect(await next(messages)).toBe('during');

  const ready = await fetch(new URL('/readyz', stopping.url));
  expect({ status: ready.status, ...((await ready.json()) as object) }).toMatchObject({ status: 503, ready: false, state: 'stopping' });
  expect(await knock(stopping.url)).toBe(503);
  expect((await follow(stopping.url)).status).toBe(503);
  expect(await stopping.data('{ __typename }')).toEqual({ __typename: 'Query' });

  // Once nobody is there any more, nothing is waited for.
  for (const { socket } of rest) await socket.close();
  await stopped;
});

/** A stock client that follows the room at one server, and goes to the other from its first close on. */
const followByStockClient = async (first: TestApp) => {
  const codes: number[] = [];
  const connections: string[][] = [];
  const opened = deferred<undefined>();
  const finished = deferred<undefined>();
  const client = createClient({
    url: () => (codes.length === 0 ? first : other).url.replace(/^http/, 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: { accessToken: ada.token },
    // Its own retry, with no wait before it.
    retryWait: () => Promise.resolve(),
    on: {
      connected: () => {
        connections.push([]);
        opened.resolve(undefined);
      },
      closed: (event) => codes.push((event as CloseEvent).code),
    },
  });
  client.subscribe<Message>(
    { query: MessageAdded.toString(), variables: { id: room, after: start } },
    {
      next: ({ data }) => {
        if (!data) return;
        connections.at(-1)?.push(bodyOf(data));
        if (bodyOf(data) === 'last') finished.resolve(undefined);
      },
      error: finished.reject,
      complete: () => finished.reject(new Error('It stayed away.')),
    },
  );
  await opened.promise;
  return { client, codes, connections, finished: finished.promise };
};

test('H17: when a server goes, every stock client comes back to another, and no event is lost', async () => {
  const stopping = await startStopping('500');
  const clients = await Promise.all(Array.from({ length: 10 }, () => followByStockClient(stopping)));
  const sent: string[] = [];
  let gone = false;
  const isGone = (): boolean => gone;
  const stopped = stopping.stop().then(() => (gone = true));
  for (let n = 0; !isGone() || n < 10; n += 1) {
    await send(`m${n}`);
    sent.push(`m${n}`);
  }
  await stopped;
  await send('last');
  await Promise.all(clients.map(({ finished }) => finished));
  for (const { codes, connections, client } of clients) {
    expect(codes).toEqual([1012]);
    const [before = [], after] = connections;
    // It asks again for all after the cursor that it began with; what it had seen before is the beginning of that.
    expect(after).toEqual([...sent, 'last']);
    expect(after?.slice(0, before.length)).toEqual(before);
    await client.dispose();
  }
});

test('H17: event streams are cut one after the other, without a `complete`', async () => {
  const stopping = await startStopping(FOR_EVER);
  const leaving = new AbortController();
  const one = await follow(stopping.url);
  const two = await follow(stopping.url, leaving.signal);
  const stopped = stopping.stop();
  expect(await one.ended).not.toContain('event: complete');
  await send('during');
  await two.arrived;
  leaving.abort();
  await stopped;
});

test('a peer that takes no notice of its close does not hold up a stop', async () => {
  const stopping = await startStopping('0');
  const socket = new WebSocket(stopping.url.replace(/^http/, 'ws'), 'graphql-transport-ws');
  await new Promise((resolve) => socket.once('open', resolve));
  socket.pause();
  await stopping.stop();
  socket.terminate();
});

test('a stop ends connections that have asked for nothing at once, and lets what runs finish', async () => {
  const stopping = await startStopping('0');
  const holder = new pg.Client(database.url);
  await holder.connect();
  await holder.query('BEGIN; LOCK TABLE post IN ACCESS EXCLUSIVE MODE');
  const running = stopping.execute('{ posts { totalCount } }');
  const waits = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  await expect.poll(async () => (await database.query(waits)).length).toBeGreaterThan(0);
  const { port } = new URL(stopping.url);
  const unused = connectTcp(Number(port), '127.0.0.1');
  await new Promise((resolve) => unused.once('connect', resolve));
  const cut = new Promise((resolve) => unused.once('close', resolve));
  unused.resume();

  const stopped = stopping.stop();
  await cut;
  await holder.query('COMMIT');
  await holder.end();
  expect(await running).toMatchObject({ status: 200, data: { posts: { totalCount: 0 } } });
  await stopped;
});
