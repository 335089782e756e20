import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { joinRoom } from '../kit/acts.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aMessage, aRoom } from '../kit/factories.js';
import { graphql } from '../kit/graphql.js';
import { InboxChanged, inboxOf, markRead } from '../kit/inbox.js';
import { parseId } from '../../src/graphql/ids.js';

const LargeArchive = graphql(
  `mutation LargeArchive($id: ID!) { archiveConversation(input: { conversationId: $id }) { conversation { id } } }`,
);
const LargeRename = graphql(
  `mutation LargeRename($id: ID!) { renameConversation(input: { conversationId: $id, title: "Large" }) { conversation { id isLarge } } }`,
);

let app: TestApp;
let ada: TestUser;
beforeAll(async () => {
  app = await startTestApp();
  ada = await app.user('ada');
});
afterAll(() => app.stop());

/** Makes so many users members, who have read everything. */
const fill = async (conversationId: string, count: number): Promise<void> => {
  await app.database.query(
    `WITH made AS (
       INSERT INTO "user" (id, username, username_key, display_name, role)
       SELECT gen_random_uuid(), name, name, 'M', 'MEMBER' FROM (SELECT 'm' || substr(md5(random()::text), 1, 20) AS name FROM generate_series(1, $2::int)) names RETURNING id
     )
     INSERT INTO conversation_member (id, conversation_id, user_id, last_read_seq) SELECT gen_random_uuid(), $1::uuid, id, 1 FROM made`,
    [parseId(conversationId).id, count],
  );
};

/** A room of so many and a reader, who joins last. */
const crowd = async (name: string, count: number) => {
  const reader = await app.user(name);
  const room = await aRoom(app, ada);
  await fill(room.id, count);
  await joinRoom(app, reader, room.joinCode);
  const { cursor } = await inboxOf(app, reader);
  const inbox = app.connect(reader).subscribe(InboxChanged, { after: cursor });
  return { reader, room, next: async () => (await inbox.data()).inboxChanged, waiting: inbox.waiting };
};

/** How many events inboxes were told about a conversation. */
const told = async (conversationId: string, kind: string): Promise<number> => {
  const [row] = await app.database.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM event WHERE topic = 'inbox' AND kind = $2 AND ref->>'conversationId' = $1`,
    [parseId(conversationId).id, kind],
  );
  return row?.count ?? 0;
};
const isIdle = async (): Promise<boolean> =>
  (
    await app.database.query(
      `SELECT 1 FROM graphile_worker.jobs WHERE task_identifier LIKE 'conversations.%' AND run_at < now() + interval '1 minute'`,
    )
  ).length === 0;

describe('a conversation of more than 200 members', () => {
  it('tells a member once until they have read it, and counts as one', async () => {
    const { reader, room, next } = await crowd('ben', 200);
    await aMessage(app, ada, room.id, 'first');
    expect(await next()).toMatchObject({ kind: 'MESSAGE', conversation: { unreadCount: 1 }, unread: { messages: 1 } });
    let last = await aMessage(app, ada, room.id, 'second');
    for (let more = 0; more < 5; more += 1) last = await aMessage(app, ada, room.id, 'more');
    await expect.poll(isIdle).toBe(true);
    expect(await inboxOf(app, reader)).toMatchObject({ conversations: [{ unreadCount: 1 }], unread: { messages: 1 } });
    await markRead(app, reader, room.id, last.cursor);
    expect(await next()).toMatchObject({ kind: 'READ', conversation: { unreadCount: 0 }, unread: { messages: 0 } });
    await aMessage(app, ada, room.id, 'another');
    expect(await next()).toMatchObject({ kind: 'MESSAGE', conversation: { unreadCount: 1 } });
    // The author hears of each of theirs, and every other member of the first one.
    await expect.poll(isIdle).toBe(true);
    expect(await told(room.id, 'MESSAGE')).toBe(201 + 8 + 1);
  });

  it('stays unread when not everything was read', async () => {
    const { reader, room, next } = await crowd('carl', 200);
    const first = await aMessage(app, ada, room.id);
    await next();
    await aMessage(app, ada, room.id);
    await markRead(app, reader, room.id, first.cursor);
    expect(await next()).toMatchObject({ kind: 'READ', conversation: { unreadCount: 1 } });
  });

  it('tells those whom it mentions each time', async () => {
    const { room, next } = await crowd('dora', 200);
    await aMessage(app, ada, room.id);
    expect(await next()).toMatchObject({ kind: 'MESSAGE', unread: { mentions: 0 } });
    await aMessage(app, ada, room.id, 'Hello @dora');
    const kinds = [await next(), await next()];
    expect(kinds.map(({ kind }) => kind).sort()).toEqual(['COUNTS', 'MESSAGE']);
    expect(kinds[1]).toMatchObject({ unread: { mentions: 1, notifications: 1 } });
  });

  it('comes back from the archive with the next message, whether it was read or not', async () => {
    const { reader, room, next } = await crowd('eve', 200);
    await aMessage(app, ada, room.id);
    await next();
    await app.data(LargeArchive, { id: room.id }, reader);
    expect(await next()).toMatchObject({ kind: 'CONVERSATION_CHANGED', conversation: { isArchived: true } });
    await aMessage(app, ada, room.id);
    expect(await next()).toMatchObject({ kind: 'MESSAGE', conversation: { isArchived: false, unreadCount: 1 } });
  });

  it('becomes a large one with the member by whom it does, and tells everyone that it counts as one now', async () => {
    const fay = await app.user('fay');
    const room = await aRoom(app, ada);
    await joinRoom(app, fay, room.joinCode);
    for (let messages = 0; messages < 3; messages += 1) await aMessage(app, ada, room.id);
    const { cursor, unread } = await inboxOf(app, fay);
    expect(unread.messages).toBe(3);
    await fill(room.id, 198);
    const inbox = app.connect(fay).subscribe(InboxChanged, { after: cursor });
    await joinRoom(app, await app.user('gus'), room.joinCode);
    expect((await inbox.data()).inboxChanged).toMatchObject({
      kind: 'CONVERSATION_CHANGED',
      conversation: { unreadCount: 1 },
      unread: { messages: 1 },
    });
  });

  it('tells all members of its new name', async () => {
    const { room, next } = await crowd('hal', 600);
    expect((await app.data(LargeRename, { id: room.id }, ada)).renameConversation.conversation.isLarge).toBe(true);
    expect(await next()).toMatchObject({ kind: 'CONVERSATION_CHANGED', conversation: { title: 'Large' } });
    await expect.poll(isIdle).toBe(true);
    // And before, when it became a large one.
    expect(await told(room.id, 'CONVERSATION_CHANGED')).toBe(602 * 2);
  });
});
