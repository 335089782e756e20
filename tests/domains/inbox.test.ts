import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cursorOf, leaveConversation } from '../kit/acts.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aDirect, aFollow, aGroup, aMessage, aPost } from '../kit/factories.js';
import { graphql } from '../kit/graphql.js';
import { InboxChanged, inboxOf, markRead } from '../kit/inbox.js';
import { like } from '../kit/acts.js';

const Rename = graphql(
  `mutation InboxRename($id: ID!, $title: String!) { renameConversation(input: { conversationId: $id, title: $title }) { conversation { id } } }`,
);
const Archive = graphql(
  `mutation InboxArchive($id: ID!) { archiveConversation(input: { conversationId: $id }) { conversation { isArchived } } }`,
);
const Unarchive = graphql(
  `mutation InboxUnarchive($id: ID!) { unarchiveConversation(input: { conversationId: $id }) { conversation { isArchived } } }`,
);
const Mute = graphql(
  `mutation InboxMute($id: ID!, $until: DateTime) { muteConversation(input: { conversationId: $id, until: $until }) { conversation { isMuted mutedUntil } me { unreadCounts { messages } } } }`,
);
const Unmute = graphql(
  `mutation InboxUnmute($id: ID!) { unmuteConversation(input: { conversationId: $id }) { conversation { isMuted mutedUntil } me { unreadCounts { messages } } } }`,
);
const Pin = graphql(`mutation InboxPin($id: ID!) { pinConversation(input: { conversationId: $id }) { conversation { isPinned } } }`);
const Unpin = graphql(`mutation InboxUnpin($id: ID!) { unpinConversation(input: { conversationId: $id }) { conversation { isPinned } } }`);
const MarkUnread = graphql(
  `mutation InboxMarkUnread($id: ID!) { markUnread(input: { conversationId: $id }) { conversation { isMarkedUnread unreadCount } me { unreadCounts { messages } } } }`,
);
const Filtered = graphql(
  `query InboxFiltered($filter: ConversationFilter) { me { conversations(first: 100, filter: $filter) { totalCount nodes { id } } } }`,
);
const Counts = graphql(`subscription InboxCounts { unreadCounts { version messages mentions notifications requests } }`);
const ReadNotifications = graphql(
  `mutation InboxReadNotifications { markNotificationsRead(input: { which: { all: true } }) { unreadCount } }`,
);
const DeleteMessage = graphql(`mutation InboxDelete($id: ID!) { deleteMessage(input: { messageId: $id }) { messageId } }`);
const EditMessage = graphql(
  `mutation InboxEdit($id: ID!, $body: String!) { editMessage(input: { messageId: $id, body: $body }) { message { id } } }`,
);

let app: TestApp;
let ada: TestUser;
let ben: TestUser;
beforeAll(async () => {
  app = await startTestApp();
  [ada, ben] = await Promise.all([app.user('ada'), app.user('ben')]);
  // Nobody here is a stranger.
  await Promise.all([aFollow(app, ada, ben), aFollow(app, ben, ada)]);
});
afterAll(() => app.stop());

/** Follows the inbox of somebody from now. */
const follow = async (user: TestUser) => {
  const { cursor } = await inboxOf(app, user);
  const subscription = app.connect(user).subscribe(InboxChanged, { after: cursor });
  return {
    ...subscription,
    next: async () => (await subscription.data()).inboxChanged,
  };
};
const filtered = async (user: TestUser, filter: object) =>
  (await app.data(Filtered, { filter }, user)).me.conversations.nodes.map(({ id }) => id);

describe('an inbox', () => {
  it('is told of a conversation that somebody begins, of what is said in it and of its end', async () => {
    const inbox = await follow(ben);
    const group = await aGroup(app, ada, [ben], 'Plans');
    expect(await inbox.next()).toMatchObject({
      kind: 'CONVERSATION_ADDED',
      conversation: { id: group.id, title: 'Plans', unreadCount: 0 },
    });
    await aMessage(app, ada, group.id, 'first');
    expect(await inbox.next()).toMatchObject({
      kind: 'MESSAGE',
      conversation: { id: group.id, unreadCount: 1, lastMessage: { body: 'first' } },
      unread: { messages: 1 },
    });
    await app.data(Rename, { id: group.id, title: 'Other plans' }, ada);
    expect(await inbox.next()).toMatchObject({ kind: 'CONVERSATION_CHANGED', conversation: { title: 'Other plans' } });
    await leaveConversation(app, ben, group.id);
    expect(await inbox.next()).toMatchObject({
      kind: 'CONVERSATION_REMOVED',
      conversationId: group.id,
      conversation: null,
      unread: { messages: 0 },
    });
  });

  it('tells other devices what was read, and goes on where a device has left it', async () => {
    const group = await aGroup(app, ada, [ben]);
    const { cursor } = await inboxOf(app, ben);
    const message = await aMessage(app, ada, group.id);
    await markRead(app, ben, group.id, message.cursor);
    const inbox = app.connect(ben).subscribe(InboxChanged, { after: cursor });
    const events = (await inbox.take(2)).map(({ inboxChanged }) => inboxChanged);
    expect(events.map(({ kind }) => kind)).toEqual(['MESSAGE', 'READ']);
    expect(events[1]).toMatchObject({ conversation: { unreadCount: 0 }, unread: { messages: 0 } });
    // Reading what has been read is nothing new.
    await markRead(app, ben, group.id, message.cursor);
    expect((await inboxOf(app, ben)).cursor).toBe(events[1]?.cursor);
  });

  it('tells the author too, whose list is in another order now', async () => {
    const direct = await aDirect(app, ada, ben);
    const inbox = await follow(ada);
    await aMessage(app, ada, direct.id, 'mine');
    expect(await inbox.next()).toMatchObject({ kind: 'MESSAGE', conversation: { unreadCount: 0, lastMessage: { body: 'mine' } } });
  });

  it('is told when the last message is edited and when an unread one is deleted, and of no other edit', async () => {
    const group = await aGroup(app, ada, [ben]);
    const first = await aMessage(app, ada, group.id, 'first');
    const second = await aMessage(app, ada, group.id, 'second');
    const inbox = await follow(ben);
    await app.data(EditMessage, { id: first.id, body: 'changed' }, ada);
    await app.data(EditMessage, { id: second.id, body: 'better' }, ada);
    expect(await inbox.next()).toMatchObject({ kind: 'CONVERSATION_CHANGED', conversation: { lastMessage: { body: 'better' } } });
    await app.data(DeleteMessage, { id: first.id }, ada);
    expect(await inbox.next()).toMatchObject({ kind: 'CONVERSATION_CHANGED', conversation: { unreadCount: 1 } });
  });

  it('is told of nothing that happens in conversations of others', async () => {
    const carl = await app.user('carl');
    const inbox = await follow(ben);
    const group = await aGroup(app, ada, [carl]);
    await aMessage(app, ada, group.id);
    const own = await aGroup(app, ada, [ben]);
    expect(await inbox.next()).toMatchObject({ kind: 'CONVERSATION_ADDED', conversationId: own.id });
  });

  it('is refused to whoever is not signed in, and does not go on from the cursor of another', async () => {
    const anonymous = app.connect().subscribe(InboxChanged, {});
    expect((await anonymous.next()).errors?.[0]?.extensions?.['code']).toBe('UNAUTHENTICATED');
    const other = app.connect(ada).subscribe(InboxChanged, { after: (await inboxOf(app, ben)).cursor });
    expect((await other.next()).errors?.[0]?.extensions?.['code']).toBe('BAD_USER_INPUT');
  });
});

describe('an archived conversation', () => {
  it('is listed only where it is asked for, and comes back with the next message', async () => {
    const group = await aGroup(app, ada, [ben]);
    const inbox = await follow(ben);
    expect((await app.data(Archive, { id: group.id }, ben)).archiveConversation.conversation.isArchived).toBe(true);
    expect(await inbox.next()).toMatchObject({ kind: 'CONVERSATION_CHANGED', conversation: { isArchived: true } });
    expect(await filtered(ben, {})).not.toContain(group.id);
    expect(await filtered(ben, { isArchived: true })).toEqual([group.id]);
    await aMessage(app, ada, group.id);
    expect(await inbox.next()).toMatchObject({ kind: 'MESSAGE', conversation: { isArchived: false } });
    expect(await filtered(ben, {})).toContain(group.id);
    expect(await filtered(ben, { isArchived: true })).toEqual([]);
  });

  it('stays away while it is muted, and comes back when its member says so', async () => {
    const group = await aGroup(app, ada, [ben]);
    await app.data(Archive, { id: group.id }, ben);
    await app.data(Mute, { id: group.id }, ben);
    await aMessage(app, ada, group.id);
    expect(await filtered(ben, { isArchived: true, isMuted: true })).toEqual([group.id]);
    await app.data(Unarchive, { id: group.id }, ben);
    expect(await filtered(ben, { isArchived: true })).toEqual([]);
  });
});

describe('a muted conversation', () => {
  it('does not count as unread until it is no longer muted', async () => {
    const cleo = await app.user('cleo');
    const group = await aGroup(app, ada, [cleo]);
    await aMessage(app, ada, group.id);
    expect((await app.data(Mute, { id: group.id }, cleo)).muteConversation).toEqual({
      conversation: { isMuted: true, mutedUntil: null },
      me: { unreadCounts: { messages: 0 } },
    });
    expect(await inboxOf(app, cleo)).toMatchObject({ conversations: [{ unreadCount: 1 }], unread: { messages: 0 } });
    expect((await app.data(Unmute, { id: group.id }, cleo)).unmuteConversation).toEqual({
      conversation: { isMuted: false, mutedUntil: null },
      me: { unreadCounts: { messages: 1 } },
    });
  });

  it('is muted until its time, whose coming is told', async () => {
    const group = await aGroup(app, ada, [ben]);
    await aMessage(app, ada, group.id);
    const before = (await inboxOf(app, ben)).unread.messages;
    const inbox = await follow(ben);
    const until = new Date(Date.now() + 800).toISOString();
    await app.data(Mute, { id: group.id, until }, ben);
    expect(await inbox.next()).toMatchObject({ conversation: { isMuted: true }, unread: { messages: before - 1 } });
    expect(await inbox.next()).toMatchObject({ conversation: { isMuted: false }, unread: { messages: before } });
  });

  it('is not muted until a time that has passed', async () => {
    const group = await aGroup(app, ada, [ben]);
    const { errors } = await app.execute(Mute, { id: group.id, until: '2020-01-01T00:00:00Z' }, ben);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path: 'input.until' }] });
  });
});

describe('a pinned conversation', () => {
  it('is found by a filter on every device', async () => {
    const group = await aGroup(app, ada, [ben]);
    const inbox = await follow(ben);
    await app.data(Pin, { id: group.id }, ben);
    expect(await inbox.next()).toMatchObject({ conversation: { isPinned: true } });
    expect(await filtered(ben, { isPinned: true })).toEqual([group.id]);
    await app.data(Unpin, { id: group.id }, ben);
    expect(await inbox.next()).toMatchObject({ conversation: { isPinned: false } });
    // Doing it twice is doing it once.
    await app.data(Unpin, { id: group.id }, ben);
    await app.data(Pin, { id: group.id }, ben);
    expect(await inbox.next()).toMatchObject({ conversation: { isPinned: true } });
  });
});

describe('a conversation that is marked as unread', () => {
  it('counts as one until it is marked as read', async () => {
    const dora = await app.user('dora');
    const group = await aGroup(app, ada, [dora]);
    expect((await app.data(MarkUnread, { id: group.id }, dora)).markUnread).toEqual({
      conversation: { isMarkedUnread: true, unreadCount: 0 },
      me: { unreadCounts: { messages: 1 } },
    });
    await markRead(app, dora, group.id, await cursorOf(app, dora, group.id));
    expect(await inboxOf(app, dora)).toMatchObject({ conversations: [{ isMarkedUnread: false }], unread: { messages: 0 } });
  });
});

describe('what is unread', () => {
  it('is told at once and with every change, to every device alike', async () => {
    const eve = await app.user('eve');
    const group = await aGroup(app, ada, [eve]);
    const devices = [app.connect(eve).subscribe(Counts), app.connect(eve).subscribe(Counts)];
    const shown = async (counts: object) => {
      for (const device of devices) {
        for (;;) {
          const { unreadCounts } = await device.data();
          if (Object.entries(counts).every(([name, count]) => unreadCounts[name as 'messages'] === count)) break;
        }
      }
    };
    await shown({ messages: 0, mentions: 0, notifications: 0, requests: 0 });
    const message = await aMessage(app, ada, group.id, 'Hello @eve');
    await shown({ messages: 1, mentions: 1, notifications: 1 });
    await markRead(app, eve, group.id, message.cursor);
    await shown({ messages: 0, mentions: 0, notifications: 1 });
    await app.data(ReadNotifications, {}, eve);
    await shown({ messages: 0, mentions: 0, notifications: 0 });
    const post = await aPost(app, eve);
    await like(app, ada, post.id);
    await shown({ notifications: 1 });
  });

  it('has the version of the last event that changed it', async () => {
    const { unread, cursor } = await inboxOf(app, ben);
    const inbox = app.connect(ben).subscribe(InboxChanged, { after: cursor });
    await aGroup(app, ada, [ben]);
    expect((await inbox.data()).inboxChanged.unread.version).toBe(unread.version + 1);
  });
});
