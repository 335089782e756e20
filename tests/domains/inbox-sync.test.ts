import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { leaveConversation } from '../kit/acts.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aFollow, aGroup, aMessage, aPost } from '../kit/factories.js';
import { graphql } from '../kit/graphql.js';
import { InboxChanged } from '../kit/inbox.js';

const SyncSince = graphql(`
  query SyncSince($after: String, $first: Int = 100) {
    sync(after: $after) {
      cursor
      complete
      isExpired
      unread {
        messages
        version
      }
      notificationCursor
      announcementCursor
      feedCursor
      conversations(first: $first) {
        nodes {
          id
          isArchived
          unreadCount
        }
        pageInfo {
          hasNextPage
        }
      }
      removedConversationIds
    }
  }
`);
const SyncArchive = graphql(
  `mutation SyncArchive($id: ID!) { archiveConversation(input: { conversationId: $id }) { conversation { id } } }`,
);
const FeedChanged = graphql(`subscription FeedChanged($after: String) { feedEvents(after: $after) { cursor postId post { body } } }`);
const SyncNotifications = graphql(`subscription SyncNotifications($after: String) { notificationAdded(after: $after) { kind } }`);
const SyncDeletePost = graphql(`mutation SyncDeletePost($id: ID!) { deletePost(input: { id: $id }) { postId } }`);

let app: TestApp;
let ada: TestUser;
beforeAll(async () => {
  app = await startTestApp();
  ada = await app.user('ada');
});
afterAll(() => app.stop());

const sync = async (user: TestUser, after?: string) => (await app.data(SyncSince, { after: after ?? null }, user)).sync;

describe('a sync', () => {
  it('gives a new client the list and every cursor', async () => {
    const ben = await app.user('ben');
    const group = await aGroup(app, ada, [ben]);
    await aMessage(app, ada, group.id);
    const first = await sync(ben);
    expect(first).toMatchObject({ complete: false, isExpired: false, unread: { messages: 1 }, removedConversationIds: [] });
    expect(first.conversations.nodes).toEqual([{ id: group.id, isArchived: false, unreadCount: 1 }]);
    const socket = app.connect(ben);
    const inbox = socket.subscribe(InboxChanged, { after: first.cursor });
    const feed = socket.subscribe(FeedChanged, { after: first.feedCursor });
    const notifications = socket.subscribe(SyncNotifications, { after: first.notificationCursor });
    await aFollow(app, ben, ada);
    const post = await aPost(app, ada, { body: 'News' });
    await aMessage(app, ada, group.id, 'Hello @ben');
    expect((await inbox.data()).inboxChanged.kind).toBe('COUNTS');
    expect((await feed.data()).feedEvents).toMatchObject({ postId: post.id, post: { body: 'News' } });
    expect((await notifications.data()).notificationAdded.kind).toBe('MENTION');
  });

  it('gives one that comes back what has changed, and nothing else', async () => {
    const carl = await app.user('carl');
    const [same, said, left, away] = [
      await aGroup(app, ada, [carl]),
      await aGroup(app, ada, [carl]),
      await aGroup(app, ada, [carl]),
      await aGroup(app, ada, [carl]),
    ];
    const { cursor } = await sync(carl);
    await app.data(SyncArchive, { id: away.id }, carl);
    await aMessage(app, ada, said.id);
    await leaveConversation(app, carl, left.id);
    const fresh = await aGroup(app, ada, [carl]);
    const next = await sync(carl, cursor);
    expect(next).toMatchObject({ complete: true, isExpired: false, unread: { messages: 1 }, removedConversationIds: [left.id] });
    expect(next.conversations.nodes.map(({ id }) => id).sort()).toEqual([said.id, away.id, fresh.id].sort());
    expect(next.conversations.nodes.map(({ id }) => id)).not.toContain(same.id);
    expect(next.conversations.nodes).toContainEqual({ id: away.id, isArchived: true, unreadCount: 0 });
    expect(await sync(carl, next.cursor)).toMatchObject({ complete: true, conversations: { nodes: [] }, removedConversationIds: [] });
  });

  it('says that a cursor has expired, and gives the list', async () => {
    const dora = await app.user('dora');
    const { cursor } = await sync(dora);
    const group = await aGroup(app, ada, [dora]);
    await app.database.query(`UPDATE event SET at = now() - interval '100 days' WHERE topic = 'inbox'`);
    await app.runTask('inbox.pruneEvents');
    const next = await sync(dora, cursor);
    expect(next).toMatchObject({ complete: false, isExpired: true });
    expect(next.conversations.nodes.map(({ id }) => id)).toEqual([group.id]);
  });

  it('gives the list when too many conversations have changed to tell one by one', async () => {
    const eve = await app.user('eve');
    const { cursor } = await sync(eve);
    for (let groups = 0; groups < 101; groups += 1) await aGroup(app, ada, [eve]);
    const next = await sync(eve, cursor);
    expect(next).toMatchObject({ complete: false, isExpired: false, conversations: { pageInfo: { hasNextPage: true } } });
    expect(next.conversations.nodes).toHaveLength(100);
  });

  it('refuses the cursor of another user', async () => {
    const fay = await app.user('fay');
    const { errors } = await app.execute(SyncSince, { after: (await sync(ada)).cursor }, fay);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path: 'after', code: 'INVALID_CURSOR' }] });
  });
});

describe('a feed', () => {
  it('is told of the posts of those whom one follows and of one’s own, and of nobody else’s', async () => {
    const [gus, hal, ida] = await Promise.all([app.user('gus'), app.user('hal'), app.user('ida')]);
    await aFollow(app, gus, hal);
    const feed = app.connect(gus).subscribe(FeedChanged, { after: (await sync(gus)).feedCursor });
    await aPost(app, ida);
    const [theirs, own] = [await aPost(app, hal), await aPost(app, gus)];
    expect((await feed.take(2)).map(({ feedEvents }) => feedEvents.postId)).toEqual([theirs.id, own.id]);
  });

  it('shows whoever resumes it that a post has been deleted since', async () => {
    const jon = await app.user('jon');
    const { feedCursor } = await sync(jon);
    const post = await aPost(app, jon);
    await app.data(SyncDeletePost, { id: post.id }, jon);
    const feed = app.connect(jon).subscribe(FeedChanged, { after: feedCursor });
    expect((await feed.data()).feedEvents).toMatchObject({ postId: post.id, post: null });
  });

  it('of each follower of an author with many is told, once', async () => {
    const [kim, lea] = await Promise.all([app.user('kim'), app.user('lea')]);
    await aFollow(app, lea, kim);
    await app.database.query(
      `INSERT INTO "user" (id, username, username_key, display_name, role) SELECT gen_random_uuid(), 'follower' || n, 'follower' || n, 'F', 'MEMBER' FROM generate_series(1, 1200) n`,
    );
    await app.database.query(
      `INSERT INTO follow (followee_id, follower_id) SELECT kim.id, follower.id FROM "user" kim, "user" follower WHERE kim.username = 'kim' AND follower.username LIKE 'follower%'`,
    );
    const feed = app.connect(lea).subscribe(FeedChanged, { after: (await sync(lea)).feedCursor });
    const post = await aPost(app, kim);
    expect((await feed.data()).feedEvents.postId).toBe(post.id);
    const told = async () => {
      const [row] = await app.database.query<{ count: number; keys: number }>(
        `SELECT count(*)::int AS count, count(DISTINCT key)::int AS keys FROM event WHERE topic = 'feed' AND ref->>'postId' = (SELECT id::text FROM post WHERE author_id = (SELECT id FROM "user" WHERE username = 'kim'))`,
      );
      return row;
    };
    await expect.poll(told).toEqual({ count: 1_202, keys: 1_202 });
  });
});
