import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cursorOf, joinRoom, like } from '../kit/acts.js';
import { SHORT_GRACE, startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { createTestDatabase, type TestDatabase } from '../kit/database.js';
import { aMessage, aPost, aRoom } from '../kit/factories.js';
import type { ResultOf } from '../kit/graphql.js';
import { LikeCountChanged, MessageAdded, StatusChanged } from '../kit/subscriptions.js';

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
      here = await startTestApp({ database, env: { ...SHORT_GRACE, ...env() } });
      // The same key for both, as processes that serve together have.
      there =
        apps === 1 ? here : await startTestApp({ database, env: { ...SHORT_GRACE, ...env(), DATA_DIR: here.services.config.dataDir } });
      [ada, ben] = await Promise.all([here.user('ada'), here.user('ben')]);
      const { id, joinCode } = await aRoom(here, ada);
      room = id;
      await joinRoom(here, ben, joinCode);
    });
    afterAll(async () => {
      if (there !== here) await there.stop();
      await here.stop();
      await database.drop();
    });

    const bodyOf = ({ messageAdded }: ResultOf<typeof MessageAdded>): string => messageAdded.message.body;
    /** Somebody who follows the room from here on, and ten messages that are sent to it: their cursors. */
    const followTen = async () => {
      const socket = here.connect(ada);
      const messages = socket.subscribe(MessageAdded, { id: room, after: await cursorOf(here, ada, room) });
      const sent: string[] = [];
      for (let n = 0; n < 10; n += 1) sent.push((await aMessage(there, ben, room, `m${n}`)).cursor);
      return { socket, sent, received: await messages.take(10) };
    };

    it('brings each message to the other member, in order, with its cursor', async () => {
      const { sent, received } = await followTen();
      expect(received.map(bodyOf)).toEqual(Array.from({ length: 10 }, (_, n) => `m${n}`));
      expect(received.map(({ messageAdded }) => messageAdded.cursor)).toEqual(sent);
    });

    it('brings whoever was cut off, and comes back with a cursor, exactly what follows it, and then what is new', async () => {
      const { socket, sent } = await followTen();
      socket.terminate();
      await socket.closed;
      const again = here.connect(ada).subscribe(MessageAdded, { id: room, after: sent[2] });
      expect((await again.take(7)).map(({ messageAdded }) => messageAdded.cursor)).toEqual(sent.slice(3));
      await aMessage(there, ben, room, 'and live again');
      expect(bodyOf(await again.data())).toBe('and live again');
    });

    it('brings the new count of likes', async () => {
      const { id } = await aPost(here, ada);
      const likes = here.connect().subscribe(LikeCountChanged, { id });
      expect((await likes.data()).likeCountChanged.count).toBe(0);
      await like(there, ben, id);
      expect((await likes.data()).likeCountChanged.count).toBe(1);
    });

    it('brings presence as users come and go', async () => {
      const carl = await here.user(`carl${apps}`);
      const presence = here.connect().subscribe(StatusChanged, { ids: [carl.id] });
      expect((await presence.data()).presenceChanged.status).toBe('OFFLINE');
      const device = there.connect(carl);
      await device.opened;
      expect((await presence.data()).presenceChanged.status).toBe('ONLINE');
      await device.close();
      expect((await presence.data()).presenceChanged.status).toBe('OFFLINE');
    });
  });
};
