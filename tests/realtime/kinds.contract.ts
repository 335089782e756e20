import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import '../kit/extra-fields.js';
import { joinRoom, leaveConversation } from '../kit/acts.js';
import { createWorld, Messages, type World } from './hazard-world.js';

// Fields that only these tests have, so their data has no generated types.
const SAID = `subscription ($id: ID!) { saidAloud(conversationId: $id) { what } }`;
const SAY = `mutation ($id: ID!, $what: String!) { sayAloud(conversationId: $id, what: $what) }`;
const ENDING = `subscription ($id: ID!, $after: String) { messageUntilGoodbye(conversationId: $id, after: $after) { message { body } } }`;
const MEMBERS = `subscription ($id: ID!) { memberPresence(conversationId: $id) { user { username } } }`;

interface Said {
  readonly saidAloud: { readonly what: string };
}
interface Until {
  readonly messageUntilGoodbye: { readonly message: { readonly body: string } };
}
interface Here {
  readonly memberPresence: { readonly user: { readonly username: string } };
}

/** What a topic's kind and a field's options promise, wherever something happens and whatever carries the wakes. */
export const describeKinds = (name: string, env: () => Readonly<Record<string, string>>, apps: 1 | 2): void => {
  describe(`H31: kinds of topics, ${name}`, () => {
    let world: World;
    beforeAll(async () => {
      world = await createWorld({ apps, env: env() });
    });
    afterAll(() => world.stop());
    const there = () => world.apps[apps - 1] ?? world.apps[0];

    it('a signal reaches whoever listens, once, and not the one who says it', async () => {
      const [here] = world.apps;
      const { data } = there();
      const sockets = [here.connect(world.ada), here.connect(world.ben)] as const;
      const [ada, ben] = [sockets[0].subscribe<Said>(SAID, { id: world.room }), sockets[1].subscribe<Said>(SAID, { id: world.room })];
      /** Until the first has come through to each: other processes hear from their own confirmation on, and sockets open in any order. */
      const heardBy = async (listener: typeof ada, speaker: typeof world.ada): Promise<void> => {
        let heard = 0;
        const first = listener.data().then(() => (heard += 1));
        await expect.poll(async () => (await data(SAY, { id: world.room, what: 'hello' }, speaker), heard)).toBe(1);
        await first;
      };
      await heardBy(ada, world.ben);
      await heardBy(ben, world.ada);
      for (const what of ['a', 'b', 'end']) await data(SAY, { id: world.room, what }, world.ben);
      for (const what of ['from ada', 'end']) await data(SAY, { id: world.room, what }, world.ada);
      const heardUntilEnd = async (listener: typeof ada): Promise<readonly string[]> => {
        const heard: string[] = [];
        while (heard.at(-1) !== 'end') heard.push((await listener.data()).saidAloud.what);
        return heard.filter((what) => what !== 'hello');
      };
      expect(await heardUntilEnd(ada)).toEqual(['a', 'b', 'end']);
      expect(await heardUntilEnd(ben)).toEqual(['from ada', 'end']);
      for (const socket of sockets) await socket.close();
    });

    it('a signal is kept for nobody: who comes later begins with what is said later', async () => {
      const [here] = world.apps;
      const { data } = there();
      await data(SAY, { id: world.room, what: 'before anybody listens' }, world.ben);
      const late = here.connect(world.ada);
      const after = late.subscribe<Said>(SAID, { id: world.room });
      let answers = 0;
      const came = after.data().then((said) => ((answers += 1), said));
      await expect.poll(async () => (await data(SAY, { id: world.room, what: 'later' }, world.ben), answers)).toBe(1);
      expect((await came).saidAloud.what).toBe('later');
      await late.close();
    });

    it('a stream that an event ends completes for everyone after it, also for one who replays', async () => {
      const [here] = world.apps;
      const socket = here.connect(world.ada);
      const live = socket.subscribe<Until>(ENDING, { id: world.room, after: world.start });
      for (const body of ['one', 'goodbye', 'after the end']) await world.send(there(), body, world.ben);
      expect((await live.take(2)).map(({ messageUntilGoodbye }) => messageUntilGoodbye.message.body)).toEqual(['one', 'goodbye']);
      await live.ended;
      const replayed = socket.subscribe<Until>(ENDING, { id: world.room, after: world.start });
      expect((await replayed.take(2)).at(-1)?.messageUntilGoodbye.message.body).toBe('goodbye');
      await replayed.ended;
      await socket.close();
      await expect.poll(() => here.services.hub.stats().subscribers).toBe(0);
    });

    it('who leaves gets what was said before and ACCESS_REVOKED, however fast others go on; coming back, they read on', async () => {
      const [here] = world.apps;
      const after = await world.cursor();
      const socket = here.connect(world.ben);
      const messages = socket.subscribe(Messages, { id: world.room, after });
      await world.send(there(), 'before', world.ada);
      await leaveConversation(there(), world.ben, world.room);
      await world.send(there(), 'behind their back', world.ada);
      expect(await messages.ended).toMatchObject([{ extensions: { code: 'ACCESS_REVOKED' } }]);
      // What was queued for them when they lost the right is theirs no more.
      const waiting = await messages.take(messages.waiting());
      expect(waiting.map(({ messageAdded }) => messageAdded.message.body)).not.toContain('behind their back');
      await joinRoom(there(), world.ben, world.joinCode);
      const again = socket.subscribe(Messages, { id: world.room, after });
      await world.send(there(), 'back', world.ada);
      expect((await again.take(3)).map(({ messageAdded }) => messageAdded.message.body)).toEqual(['before', 'behind their back', 'back']);
      await socket.close();
    });

    it('keys that change are followed as they come and go, the present value of each first', async () => {
      const [here] = world.apps;
      const socket = here.connect(world.ada);
      const present = socket.subscribe<Here>(MEMBERS, { id: world.room });
      const seen = new Set<string>();
      /** Reads on until somebody has been told of; those who come and go meanwhile are told of too. */
      const see = async (username: string): Promise<void> => {
        while (!seen.has(username)) seen.add((await present.data()).memberPresence.user.username);
      };
      await see('ada');
      await see('ben');
      const carl = await here.user(`carl${apps}${name.length}`);
      await joinRoom(there(), carl, world.joinCode);
      await see(carl.username);
      const { streams } = here.services.hub.stats();
      await leaveConversation(there(), carl, world.room);
      await expect.poll(() => here.services.hub.stats().streams).toBe(streams - 1);
      await socket.close();
      await expect.poll(() => here.services.hub.stats().subscribers).toBe(0);
    });
  });
};
