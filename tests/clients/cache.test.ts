import type { ApolloClient } from '@apollo/client';
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { parse } from 'graphql';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
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

type Document = TypedDocumentNode<Record<string, unknown>, Record<string, unknown>>;
const document = (text: string): Document => parse(text);

/** An Apollo client of somebody who has asked a query once, and follows something since. */
const openClient = async (
  user: TestUser,
  query: Document,
  id: string,
  { events, after }: { readonly events: string; readonly after: string },
): Promise<{ readonly apollo: ApolloClient; readonly shows: (expected: object) => Promise<void> }> => {
  const { apollo, close } = apolloClient(app.url, user.token);
  closing.push(close);
  await apollo.query({ query, variables: { id } });
  const following = apollo.subscribe({ query: document(events), variables: { id, after } }).subscribe({ next: () => undefined });
  closing.push(() => following.unsubscribe());
  return {
    apollo,
    shows: async (expected) => {
      await expect.poll(() => apollo.cache.readQuery({ query, variables: { id } }), { timeout: 20_000 }).toMatchObject(expected);
    },
  };
};

describe('the cache of a client that follows a post', () => {
  const THREAD = document(
    'query ($id: ID!) { post(id: $id) { id body deletedAt commentCount comments(first: 10) { nodes { id body deletedAt } } } }',
  );
  const EVENTS = `subscription ($id: ID!, $after: String) { postEvents(postId: $id, after: $after) {
    ... on CommentDeleted { comment { id body deletedAt } post { id commentCount } }
    ... on PostDeleted { post { id body deletedAt commentCount } }
  } }`;
  const open = async () => {
    const { post } = await talk.act<{ post: { id: string } }>(ada, 'createPost', { body: 'Hello' }, 'post { id }');
    const { comment } = await talk.act<{ comment: { id: string } }>(ada, 'addComment', { postId: post.id, body: 'Hi' }, 'comment { id }');
    const { post: there } = await app.data<{ post: { commentCursor: string } }>('query ($id: ID!) { post(id: $id) { commentCursor } }', {
      id: post.id,
    });
    const client = await openClient(ben, THREAD, post.id, { events: EVENTS, after: there.commentCursor });
    await client.shows({ post: { commentCount: 1, comments: { nodes: [{ body: 'Hi', deletedAt: null }] } } });
    return { ...client, postId: post.id, commentId: comment.id };
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
  const TALK = document(
    'query ($id: ID!) { conversation(id: $id) { id memberCount members(first: 10) { nodes { id role } } messages(last: 10) { nodes { id body deletedAt } } } }',
  );
  const EVENTS = `subscription ($id: ID!, $after: String) { conversationEvents(conversationId: $id, after: $after) {
    ... on MemberJoined { conversation { id memberCount } member { id role } }
    ... on MemberLeft { conversation { id memberCount } }
    ... on OwnerChanged { member { id role } }
  } }`;
  const open = async () => {
    const room = await talk.room(ada);
    await talk.act(ben, 'joinRoom', { code: room.joinCode }, '__typename');
    const message = await talk.send(ada, room.id, 'Hello');
    const client = await openClient(ben, TALK, room.id, { events: EVENTS, after: message.cursor });
    await client.shows({ conversation: { memberCount: 2, messages: { nodes: [{ body: 'Hello', deletedAt: null }] } } });
    return { ...client, room };
  };

  it('shows how many members there are when one comes and when one leaves', async () => {
    const { shows, room } = await open();
    const cleo = await app.user(`cleo${room.joinCode.toLowerCase()}`);
    await talk.act(cleo, 'joinRoom', { code: room.joinCode }, '__typename');
    await shows({ conversation: { memberCount: 3 } });
    await talk.act(cleo, 'leaveConversation', { conversationId: room.id }, '__typename');
    await shows({ conversation: { memberCount: 2 } });
  });

  it('shows who becomes the owner', async () => {
    const { shows, room } = await open();
    await talk.act(ada, 'transferOwnership', { conversationId: room.id, userId: ben.id }, '__typename');
    await shows({ conversation: { members: { nodes: [{}, { role: 'OWNER' }] } } });
  });
});

describe('the cache of a client that follows its notifications', () => {
  it('shows how many there are to read', async () => {
    const COUNT = document('{ me { id unreadNotificationCount } }');
    const { me } = await app.data<{ me: { notificationCursor: string } }>('{ me { notificationCursor } }', {}, ada);
    const { shows } = await openClient(ada, COUNT, '', {
      events: 'subscription ($after: String) { notificationAdded(after: $after) { id me { id unreadNotificationCount } } }',
      after: me.notificationCursor,
    });
    const { post } = await talk.act<{ post: { id: string } }>(ada, 'createPost', { body: 'Hello' }, 'post { id }');
    await talk.act(ben, 'likePost', { postId: post.id }, '__typename');
    // `readQuery` is asked with a variable that this query does not have.
    await shows({ me: { unreadNotificationCount: 1 } });
  });
});

describe('who was removed from a conversation', () => {
  it('is told so without what has become of it, and the others with it', async () => {
    const group = await talk.group(ada, [ben]);
    const follow = (as: TestUser) =>
      app
        .connect(as)
        .subscribe<{ conversationEvents: { __typename: string; conversation?: { title: string; memberCount: number } | null } }>(
          `subscription ($id: ID!, $after: String) { conversationEvents(conversationId: $id, after: $after) {
          __typename ... on MemberLeft { conversation { title memberCount } } } }`,
          { id: group.id, after: group.cursor },
        );
    const [adas, bens] = [follow(ada), follow(ben)];
    const said = await talk.send(ada, group.id, 'Farewell');
    for (const each of [adas, bens]) expect((await each.data()).conversationEvents.__typename).toBe('MessageAdded');
    expect(said.seq).toBeGreaterThan(0);
    await talk.act(ada, 'removeMember', { conversationId: group.id, userId: ben.id }, '__typename');
    expect((await adas.data()).conversationEvents).toEqual({ __typename: 'MemberLeft', conversation: { title: 'Group', memberCount: 1 } });
    await bens.ended;
    // Whether the word of it or the end itself was faster.
    if (bens.waiting() > 0) expect((await bens.data()).conversationEvents).toEqual({ __typename: 'MemberLeft', conversation: null });
  });
});
