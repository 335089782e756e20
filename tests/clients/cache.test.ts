import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { commentCursorOf, joinRoom, leaveConversation, like, notificationCursorOf } from '../kit/acts.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aComment, aGroup, aMessage, aPost, aRoom } from '../kit/factories.js';
import { graphql, parsed, type TypedText } from '../kit/graphql.js';
import { createTalk, type Talk } from '../kit/talk.js';
import { apolloClient } from './drivers.js';

/*
 * A normalised cache knows what it was told of an object by its id, and nothing else: what has changed has to be in the payload or in the
 * event itself.
 */

let app: TestApp;
let talk: Talk;
let ada: TestUser;
let ben: TestUser;
beforeAll(async () => {
  app = await startTestApp();
  talk = createTalk(app);
  [ada, ben] = await Promise.all([app.user('ada'), app.user('ben')]);
});
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(() => app.stop());

/** An Apollo client of somebody who has asked a query once, and follows something since. */
const openClient = async <Data, Variables extends Record<string, unknown>, Following extends Record<string, unknown>>(
  user: TestUser,
  asked: { readonly query: TypedText<Data, Variables>; readonly variables: Variables },
  followed: { readonly events: TypedText<unknown, Following>; readonly variables: Following },
): Promise<{ readonly shows: (expected: object) => Promise<void> }> => {
  const { apollo, close } = apolloClient(app.url, user.token);
  closing.push(close);
  const query = parsed(asked.query) as TypedDocumentNode<Data, Record<string, unknown>>;
  const { variables } = asked;
  await apollo.query({ query, variables });
  const events = { query: parsed(followed.events) as TypedDocumentNode<unknown, Record<string, unknown>>, variables: followed.variables };
  const following = apollo.subscribe(events).subscribe({ next: () => undefined });
  closing.push(() => following.unsubscribe());
  return {
    shows: async (expected) => {
      await expect.poll(() => apollo.cache.readQuery({ query, variables }), { timeout: 20_000 }).toMatchObject(expected);
    },
  };
};

describe('the cache of a client that follows a post', () => {
  const Thread = graphql(`
    query CacheThread($id: ID!) {
      post(id: $id) {
        id
        body
        deletedAt
        commentCount
        comments(first: 10) {
          nodes {
            id
            body
            deletedAt
          }
        }
      }
    }
  `);
  const PostEvents = graphql(`
    subscription CachePostEvents($id: ID!, $after: String) {
      postEvents(postId: $id, after: $after) {
        ... on CommentDeleted {
          comment {
            id
            body
            deletedAt
          }
          post {
            id
            commentCount
          }
        }
        ... on PostDeleted {
          post {
            id
            body
            deletedAt
            commentCount
          }
        }
      }
    }
  `);
  const open = async () => {
    const { id } = await aPost(app, ada);
    const comment = await aComment(app, ada, id, { body: 'Hi' });
    const after = await commentCursorOf(app, id);
    const client = await openClient(ben, { query: Thread, variables: { id } }, { events: PostEvents, variables: { id, after } });
    await client.shows({ post: { commentCount: 1, comments: { nodes: [{ body: 'Hi', deletedAt: null }] } } });
    return { ...client, postId: id, commentId: comment.id };
  };

  it('shows that a comment was deleted, and the count', async () => {
    const { shows, commentId } = await open();
    await talk.act(ada, 'deleteComment', { id: commentId }, '__typename');
    await shows({ post: { commentCount: 0, comments: { nodes: [{ body: '', deletedAt: expect.any(String) }] } } });
  });

  it('shows that the post was deleted', async () => {
    const { shows, postId } = await open();
    await talk.act(ada, 'deletePost', { id: postId }, '__typename');
    await shows({ post: { body: '', deletedAt: expect.any(String), commentCount: 0 } });
  });
});

describe('the cache of a client that follows a conversation', () => {
  const Conversation = graphql(`
    query CacheConversation($id: ID!) {
      conversation(id: $id) {
        id
        memberCount
        members(first: 10) {
          nodes {
            id
            role
          }
        }
        messages(last: 10) {
          nodes {
            id
            body
            deletedAt
          }
        }
      }
    }
  `);
  const ConversationEvents = graphql(`
    subscription CacheConversationEvents($id: ID!, $after: String) {
      conversationEvents(conversationId: $id, after: $after) {
        ... on MemberJoined {
          conversation {
            id
            memberCount
          }
          member {
            id
            role
          }
        }
        ... on MemberLeft {
          conversation {
            id
            memberCount
          }
        }
        ... on OwnerChanged {
          member {
            id
            role
          }
        }
      }
    }
  `);
  const open = async () => {
    const room = await aRoom(app, ada);
    const { id } = room;
    await joinRoom(app, ben, room.joinCode);
    const { cursor: after } = await aMessage(app, ada, id);
    const followed = { events: ConversationEvents, variables: { id, after } };
    const client = await openClient(ben, { query: Conversation, variables: { id } }, followed);
    await client.shows({ conversation: { memberCount: 2, messages: { nodes: [{ body: 'Hello', deletedAt: null }] } } });
    return { ...client, room };
  };

  it('shows how many members there are when one comes and when one leaves', async () => {
    const { shows, room } = await open();
    const cleo = await app.user(`cleo${room.joinCode.toLowerCase()}`);
    await joinRoom(app, cleo, room.joinCode);
    await shows({ conversation: { memberCount: 3 } });
    await leaveConversation(app, cleo, room.id);
    await shows({ conversation: { memberCount: 2 } });
  });

  it('shows who becomes the owner', async () => {
    const { shows, room } = await open();
    await talk.act(ada, 'transferOwnership', { conversationId: room.id, userId: ben.id }, '__typename');
    await shows({ conversation: { members: { nodes: [{}, { role: 'OWNER' }] } } });
  });
});

describe('the cache of a client that follows its notifications', () => {
  const Unread = graphql(`
    query CacheUnread {
      me {
        id
        unreadNotificationCount
      }
    }
  `);
  const Notified = graphql(`
    subscription CacheNotified($after: String) {
      notificationAdded(after: $after) {
        id
        me {
          id
          unreadNotificationCount
        }
      }
    }
  `);

  it('shows how many there are to read', async () => {
    const asked = { query: Unread, variables: {} };
    const { shows } = await openClient(ada, asked, { events: Notified, variables: { after: await notificationCursorOf(app, ada) } });
    await like(app, ben, (await aPost(app, ada)).id);
    await shows({ me: { unreadNotificationCount: 1 } });
  });
});

describe('who was removed from a conversation', () => {
  const Left = graphql(`
    subscription CacheLeft($id: ID!, $after: String) {
      conversationEvents(conversationId: $id, after: $after) {
        __typename
        ... on MemberLeft {
          conversation {
            title
            memberCount
          }
        }
      }
    }
  `);

  it('is told so without what has become of it, and the others with it', async () => {
    const group = await aGroup(app, ada, [ben]);
    const follow = (as: TestUser) => app.connect(as).subscribe(Left, { id: group.id, after: group.cursor });
    const [adas, bens] = [follow(ada), follow(ben)];
    const said = await aMessage(app, ada, group.id, 'Farewell');
    for (const each of [adas, bens]) expect((await each.data()).conversationEvents.__typename).toBe('MessageAdded');
    expect(said.seq).toBeGreaterThan(0);
    await talk.act(ada, 'removeMember', { conversationId: group.id, userId: ben.id }, '__typename');
    expect((await adas.data()).conversationEvents).toEqual({ __typename: 'MemberLeft', conversation: { title: 'Group', memberCount: 1 } });
    await bens.ended;
    // Whether the word of it or the end itself was faster.
    if (bens.waiting() > 0) expect((await bens.data()).conversationEvents).toEqual({ __typename: 'MemberLeft', conversation: null });
  });
});
