import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { conversationLog } from '../../src/domains/conversations/topics.js';
import { decodeId } from '../../src/graphql/ids.js';
import { deferred } from '../kit/deferred.js';
import { graphql } from '../kit/graphql.js';
import { createWorld, type World } from './hazard-world.js';

const SendWhen = graphql(`
  mutation TimeSendWhen($id: ID!) {
    sendMessage(input: { conversationId: $id, body: "when" }) {
      message {
        createdAt
      }
    }
  }
`);

let world: World;
beforeAll(async () => {
  world = await createWorld({ apps: 1 });
});
afterAll(() => world.stop());

interface Row {
  readonly body: string;
  readonly at: Date;
  readonly createdAt: Date;
}

const rows = (): Promise<Row[]> =>
  world.database.query(
    `SELECT message.body, event.at, message.created_at AS "createdAt"
     FROM event JOIN message ON message.id = (event.ref->>'messageId')::uuid
     WHERE event.topic = 'conversation' AND event.key = $1 AND event.kind = 'MessageAdded' ORDER BY event.seq`,
    [world.key],
  );

it('H45: a message that was begun first and numbered last has the later time, as its seq says, in row and event alike', async () => {
  const [{ services }] = world.apps;
  const written = deferred<undefined>();
  const overtaken = deferred<undefined>();
  const slow = services.db.transact(async (tx) => {
    const id = randomUUID();
    await tx.$executeRaw`
      INSERT INTO message (id, conversation_id, author_id, body)
      VALUES (${id}::uuid, ${world.key}::uuid, ${decodeId('User', world.ada.id, 'id')}::uuid, 'begun first')`;
    written.resolve(undefined);
    await overtaken.promise;
    tx.emit(conversationLog, world.key, 'MessageAdded', { messageId: id });
  });
  await written.promise;
  await world.send(world.apps[0], 'begun last');
  overtaken.resolve(undefined);
  await slow;

  const [first, last] = await rows();
  expect([first?.body, last?.body]).toEqual(['begun last', 'begun first']);
  expect(first?.createdAt.getTime()).toBeLessThanOrEqual(last?.createdAt.getTime() ?? 0);
  expect([first?.createdAt, last?.createdAt]).toEqual([first?.at, last?.at]);
});

it('H45: the answer to a mutation shows the time that its event has', async () => {
  const [app] = world.apps;
  const { sendMessage } = await app.data(SendWhen, { id: world.room }, world.ben);
  const last = (await rows()).at(-1);
  expect(sendMessage.message.createdAt).toBe(last?.at.toISOString());
});

it('H45: times do not go back where the clock was set back between two events', async () => {
  await world.database.query(`UPDATE head SET last_at = last_at + interval '1 hour' WHERE topic = 'conversation' AND key = $1`, [
    world.key,
  ]);
  const before = (await rows()).at(-1);
  await world.send(world.apps[0], 'after the clock was set back');
  await world.send(world.apps[0], 'and on');
  const [one, two] = (await rows()).slice(-2);
  expect(one?.createdAt.getTime()).toBeGreaterThanOrEqual((before?.createdAt.getTime() ?? 0) + 3_600_000);
  expect(two?.createdAt.getTime()).toBeGreaterThanOrEqual(one?.createdAt.getTime() ?? Infinity);
});
