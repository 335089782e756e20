import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PASSWORD, type TestUser } from '../kit/app.js';
import { openEventStream } from '../kit/event-stream.js';
import { LogIn } from '../kit/factories.js';
import { graphql } from '../kit/graphql.js';
import { createWorld, Messages, startOwnRedis, type OwnRedis, type World } from './hazard-world.js';

const Connections = graphql(`
  query ConnectionsOfUser($userId: ID!) {
    connections(userId: $userId) {
      transport
      sessionId
      ip
      device
      since
      subscriptions
      queuedResults
      queuedBytes
    }
  }
`);
const Disconnect = graphql(`
  mutation DisconnectSession($userId: ID!, $sessionId: ID) {
    disconnectUser(input: { userId: $userId, sessionId: $sessionId }) {
      endedCount
    }
  }
`);

describe('what a user has open at two servers', () => {
  let redis: OwnRedis;
  let world: World;
  let admin: TestUser;
  beforeAll(async () => {
    redis = await startOwnRedis();
    world = await createWorld({ apps: 2, env: redis.env });
    admin = await world.apps[0].userWithRole('chief', 'ADMIN');
  });
  afterAll(async () => {
    await world.stop();
    await redis.stop();
  });
  const there = () => world.apps[1] ?? world.apps[0];
  const connectionsOf = async (user: TestUser) => (await world.apps[0].data(Connections, { userId: user.id }, admin)).connections;

  it('is seen by an administrator at either, with its subscriptions', async () => {
    const socket = there().connect(world.ada);
    const messages = socket.subscribe(Messages, { id: world.room });
    await socket.opened;
    await expect.poll(() => connectionsOf(world.ada)).toMatchObject([{ transport: 'SOCKET', subscriptions: 1, queuedResults: 0 }]);
    const here = world.apps[0].connect(world.ada);
    await here.opened;
    await expect.poll(async () => (await connectionsOf(world.ada)).map(({ subscriptions }) => subscriptions)).toEqual([1, 0]);
    const stream = await openEventStream(world.apps[0], world.ada, { query: String(Messages), variables: { id: world.room } });
    await expect
      .poll(async () => (await connectionsOf(world.ada)).map(({ transport }) => transport))
      .toEqual(['SOCKET', 'SOCKET', 'EVENT_STREAM']);
    stream.leave();
    await Promise.all([socket.close(), here.close(), messages.ended]);
    await expect.poll(() => connectionsOf(world.ada)).toEqual([]);
  });

  it('is ended a session at a time', async () => {
    const { login } = await world.apps[0].data(LogIn, { identifier: 'ben', password: PASSWORD });
    const other = { ...world.ben, token: login.credentials.accessToken };
    const socket = there().connect(world.ben);
    await socket.opened;
    const later = world.apps[0].connect(other);
    await later.opened;
    await expect.poll(async () => (await connectionsOf(world.ben)).length).toBe(2);
    const [first] = await connectionsOf(world.ben);
    const { disconnectUser } = await world.apps[0].data(Disconnect, { userId: world.ben.id, sessionId: first?.sessionId ?? '' }, admin);
    expect(disconnectUser).toEqual({ endedCount: 1 });
    expect(await socket.closed).toBe(4401);
    await expect.poll(async () => (await connectionsOf(world.ben)).length).toBe(1);
    await later.close();
  });

  it('is told to nobody else', async () => {
    const { errors } = await world.apps[0].execute(Connections, { userId: world.ada.id }, world.ada);
    expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
  });
});
