import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { createTestDatabase, type TestDatabase } from '../kit/database.js';

const LIKES = `subscription ($id: ID!) { likeCountChanged(postId: $id) { count } }`;
const MESSAGES = `subscription ($id: ID!, $after: String) { messageAdded(conversationId: $id, after: $after) { cursor message { body } } }`;
const PRESENCE = `subscription ($ids: [ID!]) { presenceChanged(userIds: $ids) { status user { username } } }`;
const SEND = `mutation ($id: ID!, $body: String!) { sendMessage(input: { conversationId: $id, body: $body }) { cursor } }`;

interface MessageEvent {
  readonly messageAdded: { readonly cursor: string; readonly message: { readonly body: string } };
}

/** What holds wherever the event was caused and whatever carries the wakes. `env` gives both apps the bus to use. */
export const describeLive = (name: string, env: () => Readonly<Record<string, string>>, apps: 1 | 2): void => {
  describe(`live events, ${name}`, () => {
    let database: TestDatabase;
    let here: TestApp;
    let there: TestApp;
    let ada: TestUser;
    let ben: TestUser;
    let room: string;

    beforeAll(async () => {
      database = await createTestDatabase();
      here = await startTestApp({ database, env: env() });
      // The same key for both, as processes that serve together have.
      there = apps === 1 ? here : await startTestApp({ database, env: { ...env(), DATA_DIR: here.services.config.dataDir } });
      [ada, ben] = await Promise.all([here.user('ada'), here.user('ben')]);
      const created = await here.data<{ createRoom: { conversation: { id: string; joinCode: string } } }>(
        `mutation { createRoom(input: { title: "Room" }) { conversation { id joinCode } } }`,
        {},
        ada,
      );
      room = created.createRoom.conversation.id;
      await here.data(
        `mutation ($code: String!) { joinRoom(input: { code: $code }) { conversation { id } } }`,
        { code: created.createRoom.conversation.joinCode },
        ben,
      );
    });
    afterAll(async () => {
      if (there !== here) await there.stop();
      await here.stop();
      await database.drop();
    });

    it('brings each message to the other member, in order, with its cursor', async () => {
      const socket = here.connect(ada);
      const { conversation } = await here.data<{ conversation: { cursor: string } }>(
        `query ($id: ID!) { conversation(id: $id) { cursor } }`,
        { id: room },
        ada,
      );
      const messages = socket.subscribe<MessageEvent>(MESSAGES, { id: room, after: conversation.cursor });
      const sent: string[] = [];
      for (let n = 0; n < 10; n += 1) {
        const { sendMessage } = await there.data<{ sendMessage: { cursor: string } }>(SEND, { id: room, body: `m${n}` }, ben);
        sent.push(sendMessage.cursor);
      }
      const received = await messages.take(10);
      expect(received.map(({ messageAdded }) => messageAdded.message.body)).toEqual(Array.from({ length: 10 }, (_, n) => `m${n}`));
      expect(received.map(({ messageAdded }) => messageAdded.cursor)).toEqual(sent);

      // Dropped, and back with the third cursor: exactly what follows it.
      socket.terminate();
      await socket.closed;
      const again = here.connect(ada).subscribe<MessageEvent>(MESSAGES, { id: room, after: sent[2] });
      expect((await again.take(7)).map(({ messageAdded }) => messageAdded.cursor)).toEqual(sent.slice(3));
      await there.data(SEND, { id: room, body: 'and live again' }, ben);
      expect((await again.data()).messageAdded.message.body).toBe('and live again');
    });

    it('brings the new count of likes', async () => {
      const { createPost } = await here.data<{ createPost: { post: { id: string } } }>(
        `mutation { createPost(input: { body: "x" }) { post { id } } }`,
        {},
        ada,
      );
      const { id } = createPost.post;
      const likes = here.connect().subscribe<{ likeCountChanged: { count: number } }>(LIKES, { id });
      expect((await likes.data()).likeCountChanged.count).toBe(0);
      await there.data(`mutation ($id: ID!) { likePost(input: { postId: $id }) { likeCount } }`, { id }, ben);
      expect((await likes.data()).likeCountChanged.count).toBe(1);
    });

    it('brings presence as users come and go', async () => {
      const carl = await here.user(`carl${apps}`);
      const presence = here.connect().subscribe<{ presenceChanged: { status: string } }>(PRESENCE, { ids: [carl.id] });
      expect((await presence.data()).presenceChanged.status).toBe('OFFLINE');
      const device = there.connect(carl);
      await device.opened;
      expect((await presence.data()).presenceChanged.status).toBe('ONLINE');
      await device.close();
      expect((await presence.data()).presenceChanged.status).toBe('OFFLINE');
    });
  });
};
