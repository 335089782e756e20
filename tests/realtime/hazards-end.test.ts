import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect } from '../kit/client.js';
import { createWorld, MESSAGES, startOwnRedis, type MessageEvent, type OwnRedis } from './hazard-world.js';

let redis: OwnRedis;
beforeAll(async () => {
  redis = await startOwnRedis();
});
afterAll(() => redis.stop());

/** What keeps a process alive: sockets, servers, timers that are not unref'd. */
const resources = (): string[] => process.getActiveResourcesInfo().sort();

for (const [bus, env] of [['memory bus', () => ({})], ['Redis', () => redis.env]] as const) {
  it(`H30: two servers that stop with every kind of stream open leave nothing behind that would keep a process alive, ${bus}`, { timeout: 60_000 }, async () => {
    const life = async (): Promise<void> => {
      const world = await createWorld({ apps: 2, env: { ...env(), RECONCILE_MS: '100', PING_INTERVAL_MS: '1000' } });
      const ended: Promise<unknown>[] = [];
      for (const { url } of world.apps) {
        const socket = connect(url, world.ada.token);
        ended.push(socket.closed);
        const messages = socket.subscribe<MessageEvent>(MESSAGES, { id: world.room, after: world.start });
        const presence = socket.subscribe(`subscription ($ids: [ID!]) { presenceChanged(userIds: $ids) { status } }`, { ids: [world.ada.id, world.ben.id] });
        const query = encodeURIComponent('subscription ($id: ID!, $after: String) { messageAdded(conversationId: $id, after: $after) { cursor } }');
        const variables = encodeURIComponent(JSON.stringify({ id: world.room, after: world.start }));
        const sse = request(`${url}?query=${query}&variables=${variables}`, { agent: false, headers: { accept: 'text/event-stream', authorization: `Bearer ${world.ada.token}` } });
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
      await world.stop();
      await Promise.all(ended);
    };
    // The first one opens what is there for good.
    await life();
    const before = resources();
    await life();
    // Sockets that were closed go in the next turns. (A poll would find its own timer here.)
    for (let turn = 0; turn < 100 && resources().join() !== before.join(); turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(resources()).toEqual(before);
  });
}
