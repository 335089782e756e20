import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aComment, aPost } from '../kit/factories.js';
import { graphql } from '../kit/graphql.js';

let app: TestApp;
let ada: TestUser;
let ben: TestUser;
let moderator: TestUser;

beforeAll(async () => {
  app = await startTestApp();
  [ada, ben, moderator] = await Promise.all([app.user('ada'), app.user('ben'), app.userWithRole('mod', 'MODERATOR')]);
});
afterAll(() => app.stop());

interface PostEvent {
  readonly __typename: string;
  readonly cursor: string;
  readonly postId: string;
  readonly at: string;
  readonly post?: { readonly id: string; readonly body: string; readonly deletedAt: string | null };
  readonly comment?: { readonly id: string; readonly body: string; readonly deletedAt: string | null };
  readonly commentId?: string;
}

graphql(`fragment PostEventsEvent on PostEvent { __typename cursor postId at
  ... on PostEdited { post { id body deletedAt } }
  ... on CommentAdded { post { id body deletedAt } comment { id body deletedAt } }
  ... on CommentEdited { comment { id body deletedAt } }
  ... on CommentDeleted { commentId } }`);
const Follow = graphql(
  `subscription PostEventsFollow($id: ID!, $after: String) { postEvents(postId: $id, after: $after) { ...PostEventsEvent } }`,
);
const Poll = graphql(
  `query PostEventsPoll($id: ID!, $after: String, $first: Int) { postEvents(postId: $id, after: $after, first: $first) { ...PostEventsEvent } }`,
);
const UpdatePost = graphql(
  `mutation PostEventsUpdatePost($id: ID!, $body: String!) { updatePost(input: { id: $id, body: $body }) { post { body editedAt } } }`,
);
const DeletePost = graphql(`mutation PostEventsDeletePost($id: ID!) { deletePost(input: { id: $id }) { postId } }`);
const Comment = graphql(`mutation PostEventsComment($input: AddCommentInput!) { addComment(input: $input) { comment { id } } }`);
const UpdateComment = graphql(
  `mutation PostEventsUpdateComment($id: ID!, $body: String!) { updateComment(input: { id: $id, body: $body }) { comment { body editedAt } } }`,
);
const DeleteComment = graphql(`mutation PostEventsDeleteComment($id: ID!) { deleteComment(input: { id: $id }) { commentId } }`);
const Like = graphql(`mutation PostEventsLike($id: ID!) { likePost(input: { postId: $id }) { likeCount } }`);
const Unlike = graphql(`mutation PostEventsUnlike($id: ID!) { unlikePost(input: { postId: $id }) { likeCount } }`);
const Node = graphql(`query PostEventsNode($id: ID!) { node(id: $id) { id } }`);

const post = async (author: TestUser, body = 'Hello'): Promise<string> => (await aPost(app, author, { body })).id;

const comment = async (author: TestUser, postId: string, body: string, replyToId?: string): Promise<string> =>
  (await aComment(app, author, postId, { body, replyToId })).id;

/** The statements that a query takes: the fewest of some times, since what else the server does meanwhile only adds to them. */
const costOf = async (query: () => Promise<unknown>): Promise<number> => {
  const costs: number[] = [];
  while (costs.length < 3) costs.push((await app.countStatements(query)).length);
  return Math.min(...costs);
};

const cursorOf = async (id: string): Promise<string> =>
  (await app.data(graphql(`query PostEventsCursor($id: ID!) { node(id: $id) { ... on Post { commentCursor } } }`), { id })).node
    .commentCursor;

const poll = async (id: string, after?: string, first?: number): Promise<PostEvent[]> =>
  (await app.data(Poll, { id, after, first })).postEvents;

/** What of an event stays the same, whenever it is shown. */
const outline = ({ __typename, cursor, postId, at, comment: about, commentId }: PostEvent) => ({
  __typename,
  cursor,
  postId,
  at,
  about: about?.id ?? commentId,
});

describe('postEvents', () => {
  it('tells everything in order, live, from a cursor and by polling alike', async () => {
    const id = await post(ada);
    const start = await cursorOf(id);
    const live = app.connect().subscribe(Follow, { id, after: start });
    const first = await comment(ben, id, 'first');
    const answer = await comment(ada, id, 'answer', first);
    await app.data(UpdateComment, { id: first, body: 'First' }, ben);
    await app.data(UpdatePost, { id, body: 'Hello again' }, ada);
    await app.data(DeleteComment, { id: first }, moderator);
    const seen = (await live.take(5)).map(({ postEvents }) => postEvents);
    expect(seen.map(outline)).toMatchObject([
      { __typename: 'CommentAdded', postId: id, about: first },
      { __typename: 'CommentAdded', postId: id, about: answer },
      { __typename: 'CommentEdited', postId: id, about: first },
      { __typename: 'PostEdited', postId: id },
      { __typename: 'CommentDeleted', postId: id, about: first },
    ]);

    expect((await poll(id)).map(outline)).toEqual(seen.map(outline));
    expect((await poll(id, start, 2)).map(outline)).toEqual(seen.slice(0, 2).map(outline));
    expect((await poll(id, seen[1]?.cursor, 100)).map(outline)).toEqual(seen.slice(2).map(outline));
    expect(await poll(id, seen[4]?.cursor)).toEqual([]);
    const replayed = await app.connect().subscribe(Follow, { id, after: seen[0]?.cursor }).take(4);
    expect(replayed.map(({ postEvents }) => outline(postEvents))).toEqual(seen.slice(1).map(outline));
    // An old event shows what it is about as it is now.
    expect((await poll(id))[0]).toMatchObject({ comment: { id: first, body: '', deletedAt: expect.any(String) as string } });

    await app.data(DeletePost, { id }, ada);
    const last = (await live.data()).postEvents;
    expect(last).toMatchObject({ __typename: 'PostDeleted', postId: id });
    expect((await poll(id, seen[4]?.cursor)).map(outline)).toEqual([outline(last)]);
  });

  it('shows the new comments of the same log as commentAdded', async () => {
    const id = await post(ada);
    const added = app
      .connect()
      .subscribe(
        graphql(
          `subscription PostEventsCommentAdded($id: ID!, $after: String) { commentAdded(postId: $id, after: $after) { cursor comment { body } } }`,
        ),
        { id, after: await cursorOf(id) },
      );
    const first = await comment(ben, id, 'one');
    await app.data(UpdatePost, { id, body: 'changed' }, ada);
    await app.data(DeleteComment, { id: first }, ben);
    await comment(ben, id, 'two');
    const [one, two] = await added.take(2);
    const events = await poll(id);
    expect([one?.commentAdded.cursor, two?.commentAdded.cursor]).toEqual([events[0]?.cursor, events[3]?.cursor]);
    expect(two?.commentAdded.comment.body).toBe('two');
  });

  it('tells of no edit that changes nothing', async () => {
    const id = await post(ada, 'same');
    const commentId = await comment(ben, id, 'same');
    const before = await cursorOf(id);
    const edited = await app.data(UpdatePost, { id, body: 'same' }, ada);
    expect(edited.updatePost.post.editedAt).toBeNull();
    await app.data(UpdateComment, { id: commentId, body: '\n \nsame\n' }, ben);
    expect(await cursorOf(id)).toBe(before);
  });

  it('of a post that was deleted goes on to the deletion for who comes back, and is NOT_FOUND for everyone else', async () => {
    const id = await post(ada, 'a secret');
    const start = await cursorOf(id);
    await comment(ben, id, 'another secret');
    await app.data(DeletePost, { id }, ada);
    const socket = app.connect();
    const back = await socket.subscribe(Follow, { id, after: start }).take(2);
    expect(back.map(({ postEvents }) => postEvents)).toMatchObject([
      { __typename: 'CommentAdded', post: { body: '', deletedAt: expect.any(String) as string }, comment: { body: '' } },
      { __typename: 'PostDeleted' },
    ]);
    for (const after of [undefined, back[1]?.postEvents.cursor]) {
      expect(await app.code(Poll, { id, after })).toBe('NOT_FOUND');
      const { errors } = await socket.subscribe(Follow, { id, after }).next();
      expect(errors?.[0]?.extensions?.['code']).toBe('NOT_FOUND');
    }
  });

  it('has the deletion of the post as its last event, whatever happens at the same time', async () => {
    const id = await post(ada);
    const start = await cursorOf(id);
    const ids = await Promise.all(Array.from({ length: 4 }, (_, index) => comment(ben, id, `c${index}`)));
    await Promise.all([
      ...ids.map((each) => app.execute(UpdateComment, { id: each, body: 'edited' }, ben)),
      ...ids.map((each) => app.execute(DeleteComment, { id: each }, ben)),
      app.data(DeletePost, { id }, ada),
      ...ids.map((each) => app.execute(Comment, { input: { postId: id, body: 'late' } }, ada).then(() => each)),
      ...ids.map(() => app.execute(UpdatePost, { id, body: 'late' }, ada)),
      app.execute(Like, { id }, ben),
    ]);
    const kinds = (await poll(id, start, 100)).map(({ __typename }) => __typename);
    expect(kinds.indexOf('PostDeleted')).toBe(kinds.length - 1);
    const bodies = await app.database.query(
      `SELECT body FROM comment WHERE post_id IN (SELECT id FROM post WHERE deleted_at IS NOT NULL) AND body <> ''`,
    );
    expect(bodies).toEqual([]);
  });

  it.each([
    ['no id', { id: 'nonsense' }, 'BAD_USER_INPUT'],
    ['the id of another type', { id: 'user' }, 'BAD_USER_INPUT'],
    ['no cursor', { after: 'nonsense' }, 'BAD_USER_INPUT'],
    ['a cursor of another stream', { after: 'other' }, 'BAD_USER_INPUT'],
    ['fewer than none', { first: -1 }, 'BAD_USER_INPUT'],
    ['too many', { first: 101 }, 'BAD_USER_INPUT'],
  ])('refuses %s', async (_what, given: { id?: string; after?: string; first?: number }, code) => {
    const id = await post(ada);
    const other = await post(ada);
    await comment(ben, other, 'x');
    const variables = {
      ...given,
      id: given.id === 'user' ? ada.id : (given.id ?? id),
      after: given.after === 'other' ? await cursorOf(other) : given.after,
    };
    expect(await app.code(Poll, variables)).toBe(code);
    if (given.first === undefined) {
      const { errors } = await app.connect().subscribe(Follow, variables).next();
      expect(errors?.[0]?.extensions?.['code']).toBe(code);
    }
  });

  it('of a page costs as many statements as that of one event', async () => {
    const id = await post(ada);
    const cost = (): Promise<number> => costOf(() => poll(id));
    await comment(ben, id, 'one');
    const one = await cost();
    for (let n = 0; n < 8; n += 1) await comment(n % 2 === 0 ? ada : ben, id, `comment ${n}`);
    expect(await cost()).toBe(one);
  });
});

describe('comments', () => {
  it.each([
    ['updateComment', 'author', null],
    ['updateComment', "the post's author", 'FORBIDDEN'],
    ['updateComment', 'moderator', 'FORBIDDEN'],
    ['updateComment', 'anonymous', 'UNAUTHENTICATED'],
    ['deleteComment', 'author', null],
    ['deleteComment', "the post's author", 'FORBIDDEN'],
    ['deleteComment', 'moderator', null],
    ['deleteComment', 'anonymous', 'UNAUTHENTICATED'],
  ])('%s by %s: %s', async (mutation, who, code) => {
    const postId = await post(ada);
    const id = await comment(ben, postId, 'mine');
    const as = { author: ben, "the post's author": ada, moderator, anonymous: undefined }[who];
    const before = await cursorOf(postId);
    expect((await app.code(mutation === 'updateComment' ? UpdateComment : DeleteComment, { id, body: 'edited' }, as)) ?? null).toBe(code);
    const { node } = await app.data(
      graphql(`query PostEventsCommentBody($id: ID!) { node(id: $id) { ... on Comment { body deletedAt } } }`),
      {
        id,
      },
    );
    expect(node.body).toBe(code !== null ? 'mine' : mutation === 'updateComment' ? 'edited' : '');
    expect(node.deletedAt !== null).toBe(code === null && mutation === 'deleteComment');
    expect((await cursorOf(postId)) === before).toBe(code !== null);
  });

  const Thread = graphql(`query PostEventsThread($id: ID!) { node(id: $id) { ... on Post {
    commentCount
    comments { totalCount edges { node { id body deletedAt replyTo { id body } replyCount replies { totalCount edges { cursor node { id body } } } } } }
    top: comments(topLevelOnly: true, first: 1) { totalCount pageInfo { hasNextPage endCursor } edges { node { id } } }
  } } }`);

  /** Two comments and two replies to the first; that one and the second reply are deleted. */
  const thread = async () => {
    const id = await post(ada);
    const [one, two] = [await comment(ben, id, 'one'), await comment(ben, id, 'two')];
    const [a, b] = [await comment(ada, id, 'a', one), await comment(ben, id, 'b', one)];
    const deep = await comment(ada, id, 'deep', a);
    await app.data(DeleteComment, { id: one }, ben);
    await app.data(DeleteComment, { id: b }, ben);
    return { id, one, two, a, b, deep };
  };

  it('make a thread, in which those deleted keep their places', async () => {
    const { id, one, two, a, b, deep } = await thread();
    const { node } = await app.data(Thread, { id });
    const tombstone = { body: '', deletedAt: expect.any(String) as string };
    expect(node).toMatchObject({
      commentCount: 3,
      comments: {
        totalCount: 5,
        edges: [
          {
            node: {
              id: one,
              ...tombstone,
              replyTo: null,
              replyCount: 1,
              replies: { totalCount: 2, edges: [{ node: { id: a, body: 'a' } }, { node: { id: b, body: '' } }] },
            },
          },
          { node: { id: two, body: 'two', deletedAt: null, replyCount: 0, replies: { totalCount: 0, edges: [] } } },
          { node: { id: a, replyTo: { id: one, body: '' }, replyCount: 1, replies: { edges: [{ node: { id: deep } }] } } },
          { node: { id: b, ...tombstone } },
          { node: { id: deep, replyTo: { id: a, body: 'a' } } },
        ],
      },
      top: { totalCount: 2, pageInfo: { hasNextPage: true }, edges: [{ node: { id: one } }] },
    });
  });

  it('have replies whose cursors are those of the log too', async () => {
    const { id, one, b } = await thread();
    const Replies = graphql(
      `query PostEventsReplies($id: ID!, $after: String) { node(id: $id) { ... on Comment { replies(after: $after) { edges { cursor node { id } } } } } }`,
    );
    const replies = async (after?: string) => (await app.data(Replies, { id: one, after })).node.replies.edges;
    const events = await poll(id);
    const [first, second] = await replies();
    expect([first?.cursor, second?.cursor]).toEqual([events[2]?.cursor, events[3]?.cursor]);
    expect(await replies(first?.cursor)).toEqual([{ cursor: second?.cursor, node: { id: b } }]);
  });

  it('that were deleted are not there to be edited, deleted or answered', async () => {
    const id = await post(ada);
    const gone = await comment(ben, id, 'gone');
    await app.data(DeleteComment, { id: gone }, ben);
    const before = await cursorOf(id);
    expect(await app.code(UpdateComment, { id: gone, body: 'back' }, ben)).toBe('NOT_FOUND');
    expect(await app.code(DeleteComment, { id: gone }, ben)).toBe('NOT_FOUND');
    expect(await app.code(Comment, { input: { postId: id, body: 'to whom?', replyToId: gone } }, ada)).toBe('BAD_USER_INPUT');
    expect(await cursorOf(id)).toBe(before);
  });

  it('are deleted once and counted once, whoever does it at the same time', async () => {
    const id = await post(ada);
    const [kept, gone] = [await comment(ben, id, 'kept'), await comment(ben, id, 'gone')];
    const answers = await Promise.all([ben, moderator, ben, moderator].map((as) => app.code(DeleteComment, { id: gone }, as)));
    expect(answers.filter((code) => code === undefined)).toHaveLength(1);
    expect(new Set(answers)).toEqual(new Set([undefined, 'NOT_FOUND']));
    expect(
      await app.data(`query ($id: ID!) { node(id: $id) { ... on Post { commentCount comments(first: 1) { edges { node { id } } } } } }`, {
        id,
      }),
    ).toEqual({
      node: { commentCount: 1, comments: { edges: [{ node: { id: kept } }] } },
    });
  });

  it('H10: a thread costs a number of statements that does not depend on the number of comments', async () => {
    const id = await post(ada);
    const cost = (): Promise<number> => costOf(() => app.data(Thread, { id }));
    const grow = async (): Promise<void> => {
      const top = await comment(ben, id, 'top');
      await comment(ada, id, 'reply', top);
    };
    await grow();
    await grow();
    const few = await cost();
    for (let n = 0; n < 5; n += 1) await grow();
    expect(await cost()).toBe(few);
  });

  it.each(['\u200b', '\u200d\ufe0f\u2060', '\u3164', '\u2800 \u2800', '\u00ad'])(
    'refuses a body of nothing that can be seen: %j',
    async (body) => {
      const id = await post(ada);
      expect(await app.code(Comment, { input: { postId: id, body } }, ben)).toBe('BAD_USER_INPUT');
      expect(await app.code(UpdatePost, { id, body }, ada)).toBe('BAD_USER_INPUT');
    },
  );
});

describe('a post that was deleted', () => {
  const Create = graphql(`mutation PostEventsCreate($input: CreatePostInput!) { createPost(input: $input) { post { id } } }`);
  const input = { body: 'gone', clientId: 'erased-1' };
  let author: TestUser;
  /** Posts of one author: one that is there, and one that was commented upon, liked and deleted. */
  let kept: string;
  let id: string;
  let under: string;
  beforeAll(async () => {
    author = await app.user('eraser');
    kept = await post(author, 'kept');
    ({ id } = (await app.data(Create, { input }, author)).createPost.post);
    under = await comment(ben, id, 'under it');
    await app.data(Like, { id }, ben);
    const likes = app
      .connect()
      .subscribe(graphql(`subscription PostEventsLikeCountChanged($id: ID!) { likeCountChanged(postId: $id) { count } }`), { id });
    expect((await likes.data()).likeCountChanged.count).toBe(1);
    await app.data(DeletePost, { id }, author);
  });

  it('is in no list, count or feed, and under no node', async () => {
    const lists = graphql(
      `query PostEventsLists { posts(author: "eraser") { totalCount edges { node { id } } } user(username: "eraser") { posts { totalCount edges { node { id } } } } feed { totalCount edges { node { id } } } }`,
    );
    const only = { totalCount: 1, edges: [{ node: { id: kept } }] };
    expect(await app.data(lists, {}, author)).toEqual({ posts: only, user: { posts: only }, feed: only });
    expect(await app.data(`query ($ids: [ID!]!) { nodes(ids: $ids) { id } }`, { ids: [id, kept, under] })).toEqual({
      nodes: [null, { id: kept }, null],
    });
    expect(await app.data(Node, { id: under })).toEqual({ node: null });
  });

  it('is not there for whoever acts on it or on what is under it', async () => {
    const acts: [string, object, TestUser][] = [
      [UpdatePost.toString(), { id, body: 'back' }, author],
      [DeletePost.toString(), { id }, author],
      [DeletePost.toString(), { id }, moderator],
      [Like.toString(), { id }, ada],
      [Unlike.toString(), { id }, ben],
      [Comment.toString(), { input: { postId: id, body: 'still?' } }, ben],
      [Comment.toString(), { input: { postId: id, body: 'still?', replyToId: under } }, ben],
      [UpdateComment.toString(), { id: under, body: 'still' }, ben],
      [DeleteComment.toString(), { id: under }, ben],
      [Create.toString(), { input }, author],
    ];
    for (const [act, variables, as] of acts) expect([act, await app.code(act, variables, as)]).toEqual([act, 'NOT_FOUND']);
  });

  it.each(['likeCountChanged', 'commentCountChanged', 'commentAdded', 'postEvents'])(
    'is not there for who subscribes to %s',
    async (field) => {
      const { errors } = await app.connect().subscribe(`subscription ($id: ID!) { ${field}(postId: $id) { postId } }`, { id }).next();
      expect(errors?.[0]?.extensions?.['code']).toBe('NOT_FOUND');
    },
  );

  it('leaves no text behind, of its own or under it', async () => {
    const left = await app.database.query(
      `SELECT body FROM post WHERE client_id = 'erased-1' UNION ALL SELECT c.body FROM comment c JOIN post p ON p.id = c.post_id WHERE p.client_id = 'erased-1'`,
    );
    expect(left).toEqual([{ body: '' }, { body: '' }]);
  });
});
