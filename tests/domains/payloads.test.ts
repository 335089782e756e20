import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { commentCursorOf } from '../kit/acts.js';
import { aComment, aFollow, aPost, anEntry } from '../kit/factories.js';
import { graphql } from '../kit/graphql.js';
import { LikeVersionChanged } from '../kit/subscriptions.js';
import { createTalk, type Talk } from '../kit/talk.js';

/* What a mutation has changed, and every count that it has moved, is in its payload: a normalised cache asks for nothing else. */

let app: TestApp;
let talk: Talk;
let ada: TestUser;
let ben: TestUser;
let mod: TestUser;
beforeAll(async () => {
  app = await startTestApp();
  talk = createTalk(app);
  [ada, ben, mod] = await Promise.all([app.user('ada'), app.user('ben'), app.userWithRole('mod', 'MODERATOR')]);
});
afterAll(() => app.stop());

const Unread = graphql(`
  query PayloadsUnread {
    me {
      unreadMessageCount
    }
  }
`);
const newPost = async (as: TestUser): Promise<string> => (await aPost(app, as, { body: 'a post' })).id;
const newComment = async (as: TestUser, postId: string): Promise<string> => (await aComment(app, as, postId, { body: 'a comment' })).id;
const deleted = { body: '', deletedAt: expect.any(String) as string };

describe('the payload of a mutation', () => {
  it('shows both ends of a follow with their counts', async () => {
    const selection = 'user { followerCount } me { user { followingCount } }';
    expect(await talk.act(ada, 'followUser', { userId: ben.id }, selection)).toEqual({
      user: { followerCount: 1 },
      me: { user: { followingCount: 1 } },
    });
    expect(await talk.act(ada, 'unfollowUser', { userId: ben.id }, selection)).toEqual({
      user: { followerCount: 0 },
      me: { user: { followingCount: 0 } },
    });
  });

  it('shows whom the viewer blocks, and what ends by it', async () => {
    const cleo = await app.user('cleo');
    await aFollow(app, cleo, ben);
    const selection = 'me { user { followingCount } blockedUsers { nodes { username } } }';
    expect(await talk.act(cleo, 'blockUser', { userId: ben.id }, selection)).toEqual({
      me: { user: { followingCount: 0 }, blockedUsers: { nodes: [{ username: 'ben' }] } },
    });
    expect(await talk.act(cleo, 'unblockUser', { userId: ben.id }, selection)).toMatchObject({ me: { blockedUsers: { nodes: [] } } });
  });

  it('shows what is left of a deleted post', async () => {
    const id = await newPost(ada);
    expect(await talk.act(ada, 'deletePost', { id }, 'postId post { id body deletedAt }')).toEqual({
      postId: id,
      post: { id, ...deleted },
    });
  });

  it('shows no comments, replies and likes of a deleted post, however they are counted', async () => {
    const id = await newPost(ada);
    const commentId = await newComment(ben, id);
    await aComment(app, ada, id, { body: 'a reply', replyToId: commentId });
    await talk.act(ada, 'likePost', { postId: id }, 'likeCount');
    const counts = `likeCount viewerHasLiked commentCount
      comments(first: 10) { totalCount nodes { id } edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }
      top: comments(last: 10, topLevelOnly: true) { totalCount nodes { replies(first: 10) { totalCount nodes { id } } } }`;
    const after = await commentCursorOf(app, id);
    const none = {
      ...{ likeCount: 0, viewerHasLiked: false, commentCount: 0 },
      comments: {
        ...{ totalCount: 0, nodes: [], edges: [] },
        pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
      },
      top: { totalCount: 0, nodes: [] },
    };
    expect(await talk.act(ada, 'deletePost', { id }, `post { ${counts} }`)).toEqual({ post: none });
    const events = app
      .connect(ada)
      .subscribe(
        `subscription ($id: ID!, $after: String) { postEvents(postId: $id, after: $after) { __typename ... on PostDeleted { post { ${counts} } } } }`,
        { id, after },
      );
    expect(await events.data()).toEqual({ postEvents: { __typename: 'PostDeleted', post: none } });
  });

  it('shows no replies to a comment whose post was deleted', async () => {
    const id = await newPost(ada);
    const commentId = await newComment(ben, id);
    await aComment(app, ada, id, { body: 'a reply', replyToId: commentId });
    const after = await commentCursorOf(app, id);
    await talk.act(ben, 'deleteComment', { id: commentId }, 'commentId');
    await talk.act(ada, 'deletePost', { id }, 'postId');
    const replayed = app.connect().subscribe(
      `subscription ($id: ID!, $after: String) { postEvents(postId: $id, after: $after) {
        ... on CommentDeleted { comment { replyCount replies(first: 10) { totalCount nodes { id } } post { commentCount comments { totalCount } } } } } }`,
      { id, after },
    );
    expect(await replayed.data()).toEqual({
      postEvents: {
        comment: { replyCount: 0, replies: { totalCount: 0, nodes: [] }, post: { commentCount: 0, comments: { totalCount: 0 } } },
      },
    });
  });

  it('shows a comment that comes or goes with the number of comments and its version', async () => {
    const postId = await newPost(ada);
    const counts = 'commentCount version post { id commentCount }';
    const { comment, ...added } = await talk.act<{ comment: { id: string } }>(
      ben,
      'addComment',
      { postId, body: 'one' },
      `comment { id } ${counts}`,
    );
    expect(added).toEqual({ commentCount: 1, version: 1, post: { id: postId, commentCount: 1 } });
    expect(await talk.act(ben, 'deleteComment', { id: comment.id }, `commentId comment { id body deletedAt } ${counts}`)).toEqual({
      ...{ commentId: comment.id, comment: { id: comment.id, ...deleted } },
      ...{ commentCount: 0, version: 2, post: { id: postId, commentCount: 0 } },
    });
  });

  it('shows a like with the number and the version that `likeCountChanged` gives, whether it was kept for its `clientId` or not', async () => {
    const postId = await newPost(ada);
    const live = app.connect(ben).subscribe(LikeVersionChanged, { id: postId });
    await live.data();
    const like = (as: TestUser, name: string, input: object = {}) =>
      talk.act<{ likeCount: number; version: number }>(as, name, { postId, ...input }, 'likeCount version');
    const first = await like(ben, 'likePost', { clientId: 'one' });
    expect((await live.data()).likeCountChanged).toEqual({ count: first.likeCount, version: first.version });
    const second = await like(ada, 'likePost');
    expect((await live.data()).likeCountChanged).toEqual({ count: second.likeCount, version: second.version });
    expect(second).toEqual({ likeCount: 2, version: first.version + 1 });
    // Nothing has changed by these: what there is now, and what the first result was.
    expect(await like(ada, 'likePost')).toEqual(second);
    expect(await like(ben, 'likePost', { clientId: 'one' })).toEqual(first);
  });

  it('shows what is left of a deleted message and its conversation, and to a moderator who is no member neither', async () => {
    const { id } = await talk.group(ada, [ben]);
    const [one, other] = [await talk.send(ada, id, 'one'), await talk.send(ada, id, 'other')];
    const selection = 'messageId message { id body deletedAt } conversation { id }';
    expect(await talk.act(ada, 'deleteMessage', { messageId: one.id }, selection)).toEqual({
      ...{ messageId: one.id, message: { id: one.id, ...deleted }, conversation: { id } },
    });
    expect(await talk.act(mod, 'deleteMessage', { messageId: other.id }, selection)).toEqual({
      messageId: other.id,
      message: null,
      conversation: null,
    });
  });

  it('shows what the viewer has left unread in all conversations when one is marked as read', async () => {
    const { id } = await talk.group(ada, [ben]);
    const { cursor, seq } = await talk.send(ada, id, 'to be read');
    const selection = 'conversation { unreadCount } member { lastReadSeq } me { unreadMessageCount unreadNotificationCount }';
    const { unreadMessageCount } = (await app.data(Unread, {}, ben)).me;
    expect(await talk.act(ben, 'markRead', { conversationId: id, cursor }, selection)).toMatchObject({
      ...{ conversation: { unreadCount: 0 }, member: { lastReadSeq: seq }, me: { unreadMessageCount: unreadMessageCount - 1 } },
    });
  });

  it('shows the count of the notifications that were read, and the choices of what to hear of', async () => {
    await newComment(ben, await newPost(ada));
    const read = await talk.act(ada, 'markNotificationsRead', { all: true }, 'unreadCount me { unreadNotificationCount }');
    expect(read).toEqual({ unreadCount: 0, me: { unreadNotificationCount: 0 } });
    const preferences = [{ kind: 'LIKE', enabled: false }];
    const chosen = await talk.act(
      ada,
      'updateNotificationPreferences',
      { preferences },
      'preferences { kind enabled } me { notificationPreferences { kind enabled } }',
    );
    expect(chosen['me']).toEqual({ notificationPreferences: chosen['preferences'] });
  });

  it('shows the members whom it has changed, with the number of members', async () => {
    const { id: conversationId } = await talk.group(ada, []);
    const counted = (memberCount: number) => ({ memberCount });
    const member = (username: string, role: string) => ({ role, user: { username } });
    expect(
      await talk.act(
        ada,
        'addMembers',
        { conversationId, memberIds: [ben.id], clientId: 'add' },
        'conversation { memberCount } members { role user { username } }',
      ),
    ).toEqual({
      ...{ conversation: counted(2), members: [member('ben', 'MEMBER')] },
    });
    expect(await talk.act(ada, 'transferOwnership', { conversationId, userId: ben.id }, 'members { role user { username } }')).toEqual({
      members: [member('ada', 'MEMBER'), member('ben', 'OWNER')],
    });
    expect(
      await talk.act(ben, 'removeMember', { conversationId, userId: ada.id }, 'conversation { memberCount } user { username }'),
    ).toEqual({
      ...{ conversation: counted(1), user: { username: 'ada' } },
    });
  });

  it('of one who was removed since, and sends the same again, shows no member', async () => {
    const { id: conversationId } = await talk.group(ada, [ben]);
    const dora = await app.user('dora');
    const add = () =>
      talk.act(ben, 'addMembers', { conversationId, memberIds: [dora.id], clientId: 'again' }, 'members { user { username } }');
    expect(await add()).toEqual({ members: [{ user: { username: 'dora' } }] });
    await talk.act(ada, 'removeMember', { conversationId, userId: ben.id }, '__typename');
    expect(await add()).toEqual({ members: [] });
  });

  it('shows the viewer as a member of the room that they have joined, and their conversations when they have left it', async () => {
    const { id: conversationId, joinCode } = await talk.room(ada);
    const eve = await app.user('eve');
    expect(await talk.act(eve, 'joinRoom', { code: joinCode }, 'member { user { username } } me { conversations { totalCount } }')).toEqual(
      {
        ...{ member: { user: { username: eve.username } }, me: { conversations: { totalCount: 1 } } },
      },
    );
    expect(await talk.act(eve, 'leaveConversation', { conversationId }, 'me { conversations { totalCount } }')).toEqual({
      me: { conversations: { totalCount: 0 } },
    });
  });

  it('shows the category whose number of entries has moved', async () => {
    const categories = await Promise.all(['one', 'other'].map((name) => talk.act(mod, 'createCategory', { name }, 'category { slug }')));
    expect(categories).toHaveLength(2);
    const entry = await anEntry(app, ada, { category: 'one' });
    const moved = await talk.act(
      ada,
      'updateEntry',
      { id: entry.id, expectedVersion: 1, category: 'other' },
      'entry { category { name entryCount } } formerCategory { name entryCount }',
    );
    expect(moved).toEqual({ entry: { category: { name: 'other', entryCount: 1 } }, formerCategory: { name: 'one', entryCount: 0 } });
    const same = await talk.act(ada, 'updateEntry', { id: entry.id, expectedVersion: 2, title: 'U' }, 'formerCategory { name }');
    expect(same).toEqual({ formerCategory: null });
    expect(await talk.act(ada, 'deleteEntry', { id: entry.id }, 'category { name entryCount }')).toEqual({
      category: { name: 'other', entryCount: 0 },
    });
  });
});
