import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { createClient } from 'graphql-sse';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect } from '../kit/client.js';
import { graphql } from '../kit/graphql.js';
import { MessageAdded, StatusChanged } from '../kit/subscriptions.js';
import { busOf, createWorld, Messages, startOwnRedis, type OwnRedis } from './hazard-world.js';

/** What can be made unreadable, the name, without the rest of it. */
const SaidBy = graphql(`
  subscription EndSaidBy($id: ID!, $after: String) {
    messageAdded(conversationId: $id, after: $after) {
      message {
        body
        author {
          displayName
        }
      }
    }
  }
`);

let redis: OwnRedis;
beforeAll(async () => {
  redis = await startOwnRedis();
});
afterAll(() => redis.stop());

/** What keeps a process alive: sockets, servers, timers that are not unref'd. How many of each there are beyond those given. */
const resources = (known: Readonly<Record<string, number>> = {}): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
  return Object.fromEntries(
    Object.entries(counts).flatMap(([kind, count]) => (count > (known[kind] ?? 0) ? [[kind, count - (known[kind] ?? 0)]] : [])),
  );
};

/** Sockets that were closed go in the next turns. (A poll would find its own timer here.) */
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 100; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

/** Two servers that stop while each kind of stream is open on both, and has delivered. */
const liveAndStop = async (env: Readonly<Record<string, string>>): Promise<void> => {
  const world = await createWorld({ apps: 2, env: { ...env, RECONCILE_MS: '100', PING_INTERVAL_MS: '60000' } });
  const ended: Promise<unknown>[] = [];
  try {
    for (const { url } of world.apps) {
      const socket = connect(url, world.ada.token);
      ended.push(socket.closed);
      const messages = socket.subscribe(Messages, { id: world.room, after: world.start });
      const presence = socket.subscribe(StatusChanged, { ids: [world.ada.id, world.ben.id] });
      const query = encodeURIComponent(MessageAdded.toString());
      const variables = encodeURIComponent(JSON.stringify({ id: world.room, after: world.start }));
      const sse = request(`${url}?query=${query}&variables=${variables}`, {
        agent: false,
        headers: { accept: 'text/event-stream', authorization: `Bearer ${world.ada.token}` },
      });
      sse.end();
      const [response] = (await once(sse, 'response')) as [IncomingMessage];
      expect(response.statusCode).toBe(200);
      await world.send(world.apps[0], 'said');
      await messages.data();
      await presence.data();
      const [bytes] = (await once(response, 'data')) as [Buffer];
      expect(bytes.length).toBeGreaterThan(0);
      response.on('error', () => undefined);
      ended.push(new Promise((resolve) => response.resume().once('close', resolve)));
    }
  } finally {
    await world.stop();
  }
  await Promise.all(ended);
};

for (const [bus, env] of [
  ['memory bus', () => ({})],
  ['Redis', () => redis.env],
] as const) {
  it(`H30: two servers that stop with every kind of stream open leave nothing behind that would keep a process alive, ${bus}`, async () => {
    const life = () => liveAndStop(env());
    // The first one opens what is there for good.
    await life();
    await turns();
    const before = resources();
    await life();
    await turns();
    expect(resources(before)).toEqual({});
  });
}

it(
  'H20: what goes wrong in the middle ends with the same code by SSE and WebSocket, before the event; the server lives',
  { timeout: 60_000 },
  async () => {
    const world = await createWorld({ apps: 1 });
    const [app] = world.apps;
    try {
      const query = SaidBy.toString();
      const variables = { id: world.room, after: world.start };
      const bySocket = app.connect(world.ada).subscribe(query, variables);
      const byEvents = createClient({ url: app.url, retryAttempts: 0, headers: { authorization: `Bearer ${world.ada.token}` } }).iterate({
        query,
        variables,
      });
      const happens = async (n: number): Promise<void> => {
        busOf(app).wake({ topic: 'conversation', key: world.key, seq: await world.insert(n, 1) });
      };
      const said = (body: string): object => ({ data: { messageAdded: { message: { body, author: { displayName: 'ben' } } } } });
      const unavailable = [{ extensions: { code: 'UNAVAILABLE' } }];
      await happens(0);
      const [first, same] = await Promise.all([bySocket.next(), byEvents.next()]);
      expect([first, same.value]).toMatchObject([said('0'), said('0')]);

      await world.database.query('ALTER TABLE "user" RENAME COLUMN display_name TO lost');
      await happens(1);
      const [end, last] = await Promise.all([bySocket.ended, byEvents.next()]);
      expect([end, last.value]).toMatchObject([unavailable, { errors: unavailable }]);
      expect(await app.code('{ users(first: 1) { edges { node { displayName } } } }')).toBe('INTERNAL');
      await world.database.query('ALTER TABLE "user" RENAME COLUMN lost TO display_name');
      await happens(2);
      const resumed = app.connect(world.ada).subscribe(query, { ...variables, after: first.extensions?.['cursor'] });
      expect([await resumed.next(), await resumed.next()]).toMatchObject([said('1'), said('2')]);
      await byEvents.return?.();
    } finally {
      await world.stop();
    }
  },
);
