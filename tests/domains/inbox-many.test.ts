import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aFollow, aGroup, aGuest, aMessage } from '../kit/factories.js';
import { InboxChanged, inboxOf, markRead } from '../kit/inbox.js';

let app: TestApp;
let ada: TestUser;
beforeAll(async () => {
  app = await startTestApp();
  ada = await app.user('ada');
});
afterAll(() => app.stop());

/** People to whom Ada is no stranger. */
const people = async (count: number): Promise<TestUser[]> => {
  const guests = await Promise.all(Array.from({ length: count }, () => aGuest(app)));
  await Promise.all(guests.map((guest) => aFollow(app, guest, ada)));
  return guests;
};

/** A group of Ada's with others, each of whom follows their inbox, and what all of these show of a message of hers. */
const aFollowedGroup = async (others: readonly TestUser[]) => {
  const { id } = await aGroup(app, ada, others);
  const inboxes = await Promise.all(
    others.map(async (other) => {
      const { cursor } = await inboxOf(app, other);
      return app.connect(other).subscribe(InboxChanged, { after: cursor });
    }),
  );
  const tell = async (body: string) => {
    const shown = Promise.all(inboxes.map(async (each) => (await each.data()).inboxChanged));
    const { cursor } = await aMessage(app, ada, id, body);
    return { cursor, shown: await shown };
  };
  return { id, tell };
};

describe('a message that many inboxes show', () => {
  it('H10: takes as many statements for twelve people as for three', async () => {
    const cost = async (size: number): Promise<string[]> => {
      const { tell } = await aFollowedGroup(await people(size));
      // The first finds out that it depends on the viewer, and where each log stands.
      await tell('first');
      const statements = await app.countStatements(() => tell('second'));
      // Others belong to what a process does now and then.
      return statements.filter((sql) => /\b(conversation|message)/.test(sql));
    };
    const few = await cost(3);
    expect(await cost(12)).toHaveLength(few.length);
  });

  it('is shown to each with their own counts', async () => {
    const others = await people(3);
    const [ben, cleo] = others as [TestUser, TestUser];
    const elsewhere = await aGroup(app, ada, [ben], 'Elsewhere');
    await aMessage(app, ada, elsewhere.id, 'For Ben alone');
    const { id, tell } = await aFollowedGroup(others);
    const { cursor } = await tell('first');
    await markRead(app, cleo, id, cursor);
    const { id: other, tell: tellOthers } = await aFollowedGroup(others);
    const { shown } = await tellOthers('second');
    expect(shown.map(({ conversation, unread }) => [conversation?.id, conversation?.unreadCount, unread.messages])).toEqual([
      [other, 1, 3],
      [other, 1, 1],
      [other, 1, 2],
    ]);
  });
});
