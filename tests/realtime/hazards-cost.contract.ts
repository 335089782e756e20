import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestSubscription } from '../kit/client.js';
import { graphql } from '../kit/graphql.js';
import { busOf, createWorld, Messages, type MessageEvent, type World } from './hazard-world.js';

const SELECTION = 'cursor message { id body createdAt author { id username } }';
/** The same, as different clients write it. */
const WRITINGS = [
  `subscription ($id: ID!, $after: String) { messageAdded(conversationId: $id, after: $after) { ${SELECTION} } }`,
  `fragment Said on Message { id body createdAt author { ...Who } } fragment Who on User { id username }
   subscription Mine($after: String, $id: ID!) { messageAdded(after: $after, conversationId: $id) { ...Told } }
   fragment Told on MessageAdded { cursor message { ...Said } }`,
  `subscription Yours($id: ID!, $after: String = null) { messageAdded(after: $after, conversationId: $id) { ... on MessageAdded { ${SELECTION} } } }`,
] as const;

const MessageNode = graphql(`
  query HazardMessageNode($id: ID!) {
    node(id: $id) {
      ... on Message {
        body
      }
    }
  }
`);
const LastMessages = graphql(`
  query HazardLastMessages($id: ID!) {
    conversation(id: $id) {
      messages(last: 100) {
        nodes {
          id
        }
      }
    }
  }
`);

/** What an event costs, and what is there when it comes. */
export const describeCost = (name: string, env: () => Readonly<Record<string, string>>, apps: 1 | 2): void => {
  describe(`H31: what an event costs, ${name}`, () => {
    let world: World;
    let sent = 0;
    beforeAll(async () => {
      world = await createWorld({ apps, env: env() });
    });
    afterAll(() => world.stop());

    const send = async (): Promise<void> => {
      const [app] = world.apps;
      sent += 1;
      busOf(app).wake({ topic: 'conversation', key: world.key, seq: await world.insert(sent, 1) });
    };

    /** The SQL of one event for `count` subscribers who came from different places and have had everything before it. */
    const cost = async (count: number): Promise<string[]> => {
      const [app] = world.apps;
      const cursors: string[] = [];
      for (let n = 0; n < 3; n += 1) {
        await send();
        cursors.push(await world.cursor());
      }
      const sockets = Array.from({ length: 5 }, (_, n) => app.connect(n % 2 === 0 ? world.ada : world.ben));
      const following: TestSubscription<MessageEvent>[] = [];
      for (let n = 0; n < count; n += 1) {
        const missed = n % cursors.length;
        const variables = { id: world.room, after: cursors.at(-1 - missed) };
        const subscription = sockets[n % sockets.length]?.subscribe<MessageEvent>(WRITINGS[n % WRITINGS.length] ?? '', variables);
        if (!subscription) throw new Error('There is a socket for everyone.');
        await subscription.take(missed);
        following.push(subscription);
      }
      const heard = async (): Promise<void> => {
        await send();
        const bodies = (await Promise.all(following.map(({ data }) => data()))).map(({ messageAdded }) => messageAdded.message.body);
        expect(bodies).toEqual(following.map(() => String(sent)));
      };
      // That both of them are here has been written down: further sockets of a device write nothing.
      await expect.poll(() => world.database.query(`SELECT sum(devices)::int AS devices FROM presence_device`)).toEqual([{ devices: 2 }]);
      // Once everybody has heard of one, nobody is still on the way; then one is counted.
      await heard();
      const statements = await app.countStatements(heard);
      await Promise.all(sockets.map((socket) => socket.close()));
      return statements;
    };

    it('H10: an event costs at most three statements, for 5 subscribers as for 50, whatever their ids, cursors and texts', async () => {
      const [few, many] = [await cost(5), await cost(50)];
      expect(many).toEqual(few);
      expect(few.length).toBeLessThanOrEqual(3);
    });

    it('H24: whoever refetches upon an event sees the row, on whatever server', async () => {
      const [here, there = here] = world.apps;
      const events = here.connect(world.ada).subscribe(Messages, { id: world.room, after: world.start });
      await events.take(sent);
      const writing = (async () => {
        for (let n = 0; n < 30; n += 1) await world.send(n % 2 === 0 ? here : there, `row ${n}`);
      })();
      for (let n = 0; n < 30; n += 1) {
        const { message } = (await events.data()).messageAdded;
        const [node, page] = await Promise.all([
          there.data(MessageNode, { id: message.id }, world.ada),
          here.data(LastMessages, { id: world.room }, world.ben),
        ]);
        expect(node).toEqual({ node: { body: `row ${n}` } });
        expect(page.conversation.messages?.nodes.map(({ id }) => id)).toContain(message.id);
      }
      await writing;
    });
  });
};
