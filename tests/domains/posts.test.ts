import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AddCommentInput } from '../generated/texts/graphql.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aComment, aPost } from '../kit/factories.js';
import { graphql, present } from '../kit/graphql.js';

let app: TestApp;
let ada: TestUser;
let ben: TestUser;

beforeAll(async () => {
  app = await startTestApp();
  [ada, ben] = await Promise.all([app.user('ada'), app.user('ben')]);
});
afterAll(() => app.stop());

const Create = graphql(
  `mutation PostsCreate($input: CreatePostInput!) { createPost(input: $input) { post { id body clientId createdAt author { username } } } }`,
);
const Like = graphql(`mutation PostsLike($id: ID!) { likePost(input: { postId: $id }) { likeCount post { likeCount viewerHasLiked } } }`);
const Unlike = graphql(
  `mutation PostsUnlike($id: ID!) { unlikePost(input: { postId: $id }) { likeCount post { likeCount viewerHasLiked } } }`,
);
const Comment = graphql(
  `mutation PostsComment($input: AddCommentInput!) { addComment(input: $input) { comment { id body clientId replyTo { id } post { id commentCount } } } }`,
);
const Likes = graphql(`subscription PostsLikes($id: ID!) { likeCountChanged(postId: $id) { postId count version post { likeCount } } }`);
const Comments = graphql(
  `subscription PostsComments($id: ID!, $after: String) { commentAdded(postId: $id, after: $after) { cursor postId comment { id body author { username } } } }`,
);

const post = async (author: TestUser, body = 'Hello'): Promise<string> => (await aPost(app, author, { body })).id;
const comment = async (author: TestUser, postId: string, body: string, more: Partial<AddCommentInput> = {}): Promise<string> =>
  (await aComment(app, author, postId, { body, ...more })).id;

interface LikersPage {
  readonly totalCount: number;
  readonly nodes: readonly { readonly username: string }[];
  readonly pageInfo: { readonly endCursor: string; readonly hasNextPage: boolean };
}

describe('posts', () => {
  it('shows what was written, newest first, to anyone', async () => {
    const ids = [await post(ada, 'one'), await post(ben, 'two'), await post(ada, 'three')];
    const { posts } = await app.data(graphql(`query PostsFirstThree { posts(first: 3) { edges { node { id } } } }`));
    expect(posts.edges.map(({ node }) => node.id)).toEqual([...ids].reverse());
    const mine = await app.data(graphql(`query PostsByAda { posts(author: "ADA") { edges { node { author { username } } } } }`));
    expect(new Set(mine.posts.edges.map(({ node }) => node.author.username))).toEqual(new Set(['ada']));
  });

  it.each(['nobody-here', 'not a name', '\0'])('by an author who is not there are none: %j', async (author) => {
    const query = graphql(`query PostsByAuthor($author: String!) { posts(author: $author) { totalCount edges { cursor } } }`);
    expect(await app.data(query, { author })).toEqual({ posts: { totalCount: 0, edges: [] } });
  });

  it('gives the same post for the same clientId, also at the same time, and CONFLICT for other input', async () => {
    const input = { body: 'once', clientId: 'post-1' };
    const answers = await Promise.all(Array.from({ length: 8 }, () => app.data(Create, { input }, ada)));
    expect(new Set(answers.map(({ createPost }) => createPost.post.id)).size).toBe(1);
    expect(await app.code(Create, { input: { ...input, body: 'other' } }, ada)).toBe('CONFLICT');
    // Another author's ids are their own.
    expect((await app.data(Create, { input }, ben)).createPost.post.id).not.toBe(answers[0]?.createPost.post.id);
  });

  it('names every mistake of an input at once', async () => {
    const { errors } = await app.execute(Create, { input: { body: ' ', clientId: 'a b' } }, ada);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path: 'input.body' }, { path: 'input.clientId' }] });
  });

  it('answers NOT_FOUND, not a failure, for a post that is gone, and null through node', async () => {
    const id = await post(ada);
    await app.data(`mutation ($id: ID!) { deletePost(input: { id: $id }) { postId } }`, { id }, ada);
    expect(await app.code(Like, { id }, ada)).toBe('NOT_FOUND');
    expect(await app.data(`query ($id: ID!) { node(id: $id) { id } }`, { id })).toEqual({ node: null });
    const socket = app.connect();
    const { errors } = await socket.subscribe(Likes, { id }).next();
    expect(errors?.[0]?.extensions?.['code']).toBe('NOT_FOUND');
  });

  it.each([
    ['updatePost', 'author', null],
    ['updatePost', 'other', 'FORBIDDEN'],
    ['updatePost', 'moderator', 'FORBIDDEN'],
    ['updatePost', 'anonymous', 'UNAUTHENTICATED'],
    ['deletePost', 'other', 'FORBIDDEN'],
    ['deletePost', 'anonymous', 'UNAUTHENTICATED'],
    ['deletePost', 'moderator', null],
    ['deletePost', 'author', null],
  ])('%s by %s: %s', async (mutation, who, code) => {
    const moderator = await app.userWithRole(`mod-${mutation}-${who}`, 'MODERATOR');
    const id = await post(ada);
    const as = { author: ada, other: ben, moderator, anonymous: undefined }[who];
    const query =
      mutation === 'updatePost'
        ? `mutation ($id: ID!) { updatePost(input: { id: $id, body: "edited" }) { post { body editedAt } } }`
        : `mutation ($id: ID!) { deletePost(input: { id: $id }) { postId } }`;
    expect((await app.code(query, { id }, as)) ?? null).toBe(code);
    const { data } = await app.execute(graphql(`query PostsBody($id: ID!) { post(id: $id) { body } }`), { id });
    if (code !== null) expect(data?.post?.body).toBe('Hello');
    else if (mutation === 'updatePost') expect(data?.post?.body).toBe('edited');
    else expect(data?.post).toBeNull();
  });
});

describe('likes', () => {
  it('counts a like once however often and from however many connections it comes, and takes it back', async () => {
    const id = await post(ben);
    const socket = app.connect();
    const likes = socket.subscribe(Likes, { id });
    expect((await likes.data()).likeCountChanged).toMatchObject({ count: 0, version: 0 });

    await Promise.all(Array.from({ length: 20 }, () => app.data(Like, { id }, ada)));
    expect((await likes.data()).likeCountChanged).toMatchObject({ count: 1, version: 1, post: { likeCount: 1 } });
    expect(await app.data(Like, { id }, ada)).toEqual({ likePost: { likeCount: 1, post: { likeCount: 1, viewerHasLiked: true } } });

    await Promise.all(Array.from({ length: 20 }, () => app.data(Unlike, { id }, ada)));
    expect((await likes.data()).likeCountChanged).toMatchObject({ count: 0, version: 2 });
    expect(likes.waiting()).toBe(0);
  });

  it('shows each mutation of one operation what the one before has written', async () => {
    const id = await post(ben);
    const both = graphql(
      `mutation PostsBoth($id: ID!) { a: likePost(input: { postId: $id }) { post { viewerHasLiked } } b: unlikePost(input: { postId: $id }) { post { viewerHasLiked } } }`,
    );
    expect(await app.data(both, { id }, ada)).toEqual({ a: { post: { viewerHasLiked: true } }, b: { post: { viewerHasLiked: false } } });
  });

  it('takes few transactions when many like a post at the same moment', async () => {
    const id = await post(ada);
    const users = await Promise.all(Array.from({ length: 20 }, (_, index) => app.user(`together${index}`)));
    const statements = await app.countStatements(() => Promise.all(users.map((user) => app.data(Like, { id }, user))));
    expect(statements.filter((sql) => sql.includes('INSERT INTO post_like')).length).toBeLessThan(10);
  });

  it('tells the likes of all posts of a page by one subscription, without those that are gone', async () => {
    const [one, two, gone] = [await post(ben), await post(ben), await post(ben)];
    await app.data(graphql(`mutation PostsDelete($id: ID!) { deletePost(input: { id: $id }) { postId } }`), { id: gone }, ben);
    const live = app
      .connect()
      .subscribe(graphql(`subscription PostsManyLikes($ids: [ID!]!) { likeCountsChanged(ids: $ids) { postId count } }`), {
        ids: [one, two, gone],
      });
    const told = async () => (await live.data()).likeCountsChanged;
    const first = [await told(), await told()].sort((a, b) => (a.postId < b.postId ? -1 : 1));
    expect(first).toEqual([one, two].sort().map((postId) => ({ postId, count: 0 })));
    await app.data(Like, { id: two }, ada);
    expect(await told()).toEqual({ postId: two, count: 1 });
    await app.data(Like, { id: one }, ada);
    expect(await told()).toEqual({ postId: one, count: 1 });
  });

  it('shows who likes a post, the latest first and in pages', async () => {
    const id = await post(ada);
    const fans = await Promise.all(['fan1', 'fan2', 'fan3'].map((name) => app.user(name)));
    for (const fan of fans) await app.data(Like, { id }, fan);
    const likers = graphql(
      `query PostsLikers($id: ID!, $after: String) { node(id: $id) { ... on Post { likers(first: 2, after: $after) { totalCount nodes { username } pageInfo { endCursor hasNextPage } } } } }`,
    );
    const page = async (after?: string) => (await app.data(likers, { id, after: after ?? null })).node as { likers: LikersPage } | null;
    const first = present(await page()).likers;
    expect(first).toMatchObject({ totalCount: 3, nodes: [{ username: 'fan3' }, { username: 'fan2' }], pageInfo: { hasNextPage: true } });
    const second = present(await page(first.pageInfo.endCursor)).likers;
    expect(second).toMatchObject({ nodes: [{ username: 'fan1' }], pageInfo: { hasNextPage: false } });
  });

  it('tells the true number last when many like and unlike at once', async () => {
    const id = await post(ben);
    const users = await Promise.all(Array.from({ length: 12 }, (_, index) => app.user(`liker${index}`)));
    const watchers = [app.connect(), app.connect()].map((socket) => socket.subscribe(Likes, { id }));
    await Promise.all(watchers.map((watcher) => watcher.data()));
    await Promise.all(
      users.map(async (user, index) => {
        await app.data(Like, { id }, user);
        if (index % 3 === 0) await app.data(Unlike, { id }, user);
      }),
    );
    const [{ version } = { version: 0 }] = await app.database.query<{ version: number }>(
      `SELECT last_seq AS version FROM head WHERE topic = 'likeCount' AND key = (SELECT id::text FROM post WHERE like_count = 8)`,
    );
    expect(version).toBe(16);
    for (const watcher of watchers) {
      let last = await watcher.data();
      while (last.likeCountChanged.version < version) last = await watcher.data();
      expect(last.likeCountChanged.count).toBe(8);
    }
  });
});

describe('comments', () => {
  it('are told once each, in order, and replayed from a cursor without a hole or a duplicate', async () => {
    const id = await post(ada);
    const socket = app.connect();
    const live = socket.subscribe(Comments, { id });
    // The count is a state: its first value says that the socket's earlier subscription is there too.
    await socket.subscribe(`subscription ($id: ID!) { commentCountChanged(postId: $id) { count } }`, { id }).data();
    const bodies = ['a', 'b', 'c', 'd'];
    for (const body of bodies) await comment(ben, id, body);
    const seen = await live.take(4);
    expect(seen.map(({ commentAdded }) => commentAdded.comment.body)).toEqual(bodies);
    live.stop();

    const late = app.connect().subscribe(Comments, { id, after: seen[1]?.commentAdded.cursor });
    const missed = [await late.next(), await late.next()];
    expect(missed.map(({ data }) => data?.commentAdded.comment.body)).toEqual(['c', 'd']);
    expect(missed.map(({ extensions }) => extensions?.['cursor'])).toEqual(seen.slice(2).map(({ commentAdded }) => commentAdded.cursor));
    await comment(ben, id, 'e');
    expect((await late.data()).commentAdded.comment.body).toBe('e');
  });

  it('have in a list the cursors of their events, and commentCursor is where the list ends', async () => {
    const id = await post(ada);
    const list = graphql(
      `query PostsList($id: ID!) { node(id: $id) { ... on Post { commentCursor comments(last: 5) { edges { cursor node { body } } } } } }`,
    );
    const before = await app.data(list, { id });
    await comment(ben, id, 'first');
    const { node } = await app.data(list, { id });
    expect(node.comments.edges.at(-1)?.cursor).toBe(node.commentCursor);
    // A cursor from before the first event is the beginning.
    const all = app.connect().subscribe(Comments, { id, after: before.node.commentCursor });
    expect((await all.data()).commentAdded).toMatchObject({ cursor: node.commentCursor, comment: { body: 'first' } });
  });

  it('counts them truly while they come and go', async () => {
    const id = await post(ada);
    const counts = app
      .connect()
      .subscribe(graphql(`subscription PostsCommentCountChanged($id: ID!) { commentCountChanged(postId: $id) { count version } }`), { id });
    expect((await counts.data()).commentCountChanged.count).toBe(0);
    const ids = await Promise.all(Array.from({ length: 6 }, (_, index) => comment(ben, id, `c${index}`)));
    await app.data(`mutation ($id: ID!) { deleteComment(input: { id: $id }) { commentId } }`, { id: ids[0] }, ben);
    let last = await counts.data();
    while (last.commentCountChanged.version < 7) last = await counts.data();
    expect(last.commentCountChanged.count).toBe(5);
  });

  it.each([
    [
      'a reply to a comment of another post',
      'BAD_USER_INPUT',
      async () => ({ replyToId: await comment(ada, await post(ada), 'elsewhere') }),
    ],
    ['an empty body', 'BAD_USER_INPUT', async () => ({ body: '\n ' })],
    ['a body that is too long', 'BAD_USER_INPUT', async () => ({ body: 'x'.repeat(2_001) })],
    ['control characters', 'BAD_USER_INPUT', async () => ({ body: 'a\u0000b' })],
    ['the id of another type', 'BAD_USER_INPUT', async () => ({ postId: ada.id })],
    ['no id at all', 'BAD_USER_INPUT', async () => ({ postId: 'nonsense' })],
  ])('refuses %s with %s and changes nothing', async (_what, code, wrong) => {
    const id = await post(ada);
    expect(await app.code(Comment, { input: { postId: id, body: 'fine', ...(await wrong()) } }, ben)).toBe(code);
    expect(await app.data(`query ($id: ID!) { node(id: $id) { ... on Post { commentCount comments { totalCount } } } }`, { id })).toEqual({
      node: { commentCount: 0, comments: { totalCount: 0 } },
    });
  });

  it.each([
    ['no cursor', 'nonsense', 'BAD_USER_INPUT'],
    ['a cursor of another stream', null, 'BAD_USER_INPUT'],
  ])('refuses %s to a subscriber', async (_what, given, code) => {
    const [id, other] = [await post(ada), await post(ada)];
    await comment(ben, other, 'x');
    const { node } = await app.data(graphql(`query PostsCursorAfter($id: ID!) { node(id: $id) { ... on Post { commentCursor } } }`), {
      id: other,
    });
    const { errors } = await app
      .connect()
      .subscribe(Comments, { id, after: given ?? node.commentCursor })
      .next();
    expect(errors?.[0]?.extensions?.['code']).toBe(code);
  });
});

describe('pages', () => {
  it('H26: walking any order in any page size gives every row once, while rows are inserted', async () => {
    const walker = await app.user('walker');
    // Ties on purpose: many rows of one moment.
    await app.database.query(
      `INSERT INTO post (id, body, author_id, created_at)
       SELECT gen_random_uuid(), 'row ' || n, u.id, '2026-01-01'::timestamptz + (n / 7) * interval '1 second'
       FROM generate_series(1, 60) n, "user" u WHERE u.username = 'walker'`,
    );
    for (const size of [1, 7, 100]) {
      for (const [argument, cursorArgument, more, cursor] of [
        ['first', 'after', 'hasNextPage', 'endCursor'],
        ['last', 'before', 'hasPreviousPage', 'startCursor'],
      ] as const) {
        const seen: string[] = [];
        let position: string | null = null;
        for (;;) {
          const page: { posts: { edges: { node: { body: string } }[]; pageInfo: Record<string, unknown> } } = await app.data(
            `query ($size: Int, $cursor: String) { posts(author: "walker", ${argument}: $size, ${cursorArgument}: $cursor) {
              edges { node { body } } pageInfo { ${more} ${cursor} } } }`,
            { size, cursor: position },
          );
          const bodies = page.posts.edges.map(({ node }) => node.body);
          seen.push(...(argument === 'first' ? bodies : bodies.reverse()));
          if (argument === 'first') await post(walker, 'inserted meanwhile');
          if (page.posts.pageInfo[more] !== true) break;
          position = page.posts.pageInfo[cursor] as string;
        }
        const rows = seen.filter((body) => body.startsWith('row '));
        expect(rows).toHaveLength(60);
        expect(new Set(rows).size).toBe(60);
      }
    }
  });

  it.each([
    ['first: -1', 'first'],
    ['first: 101', 'first'],
    ['last: -1', 'last'],
    ['first: 1, last: 1', 'last'],
    ['after: "WyJwb3N0cyIsMSwyXQ"', 'after'],
  ])('refuses posts(%s)', async (args, path) => {
    const { errors } = await app.execute(`{ posts(${args}) { edges { cursor } } }`);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path }] });
  });

  it.each(['0000-12-31T23:59:59.999Z', '-000001-01-01T00:00:00.000Z', '+010000-01-01T00:00:00.000Z', 'never'])(
    'refuses a cursor made up of the time %s',
    async (time) => {
      const { posts } = await app.data(graphql(`query PostsFirstCursor { posts(first: 1) { pageInfo { endCursor } } }`));
      const [order, , id] = JSON.parse(Buffer.from(present(posts.pageInfo.endCursor), 'base64url').toString()) as string[];
      const after = (at: string) => ({ after: Buffer.from(JSON.stringify([order, at, id])).toString('base64url') });
      const query = graphql(`query PostsAfterCursor($after: String) { posts(after: $after) { edges { cursor } } }`);
      expect(await app.code(query, after(time))).toBe('BAD_USER_INPUT');
      for (const year of ['0001', '9999']) expect(await app.code(query, after(`${year}-06-01T00:00:00.000Z`))).toBeUndefined();
    },
  );

  it('refuses a cursor made up of a place beyond all there can be', async () => {
    const id = await post(ada);
    await comment(ben, id, 'first');
    const { node } = await app.data(graphql(`query PostsCursorOf($id: ID!) { node(id: $id) { ... on Post { commentCursor } } }`), { id });
    const at = (seq: number) => {
      const bytes = Buffer.from(node.commentCursor, 'base64url');
      bytes.writeUInt32BE(seq, bytes.length - 4);
      return { id, after: bytes.toString('base64url') };
    };
    const query = graphql(
      `query PostsCommentsAfter($id: ID!, $after: String) { node(id: $id) { ... on Post { comments(after: $after) { edges { cursor } } } } }`,
    );
    expect(await app.code(query, at(2_147_483_647))).toBeUndefined();
    expect(await app.code(query, at(2_147_483_648))).toBe('BAD_USER_INPUT');
  });

  it('H10: a nested query costs a number of statements that does not depend on the number of rows', async () => {
    const query = graphql(`query PostsWithPeople($author: String!) { posts(author: $author, first: 50) { totalCount edges { node {
      body author { username followerCount followingCount viewerFollows posts(first: 2) { totalCount edges { node { body } } } }
      viewerHasLiked commentCursor
      comments(first: 3) { totalCount edges { node { body author { username viewerFollows } replyTo { body } } } }
      latest: comments(last: 1) { edges { node { body } } }
    } } } }`);
    const cost = async (author: TestUser, rows: number): Promise<number> => {
      for (let row = 0; row < rows; row += 1) {
        const id = await post(author, `post ${row}`);
        for (let n = 0; n < 4; n += 1) await comment(n % 2 === 0 ? ada : ben, id, `comment ${n}`);
      }
      return (await app.countStatements(() => app.data(query, { author: author.username }, ada))).length;
    };
    const few = await cost(await app.user('few'), 2);
    expect(await cost(await app.user('many'), 15)).toBe(few);
  });
});

describe('follows and the feed', () => {
  it("shows the posts of those one follows and one's own", async () => {
    const [reader, writer, stranger] = await Promise.all([app.user('reader'), app.user('writer'), app.user('stranger')]);
    const follow = graphql(
      `mutation PostsFollow($id: ID!) { followUser(input: { userId: $id }) { user { followerCount viewerFollows followers { edges { node { username } } } } } }`,
    );
    const followed = { user: { followerCount: 1, viewerFollows: true, followers: { edges: [{ node: { username: 'reader' } }] } } };
    const twice = await Promise.all([1, 2, 3].map(() => app.data(follow, { id: writer.id }, reader)));
    expect(twice).toEqual([{ followUser: followed }, { followUser: followed }, { followUser: followed }]);
    await post(stranger, 'not this');
    const expected = [await post(reader, 'mine'), await post(writer, 'theirs')].reverse();
    const feed = graphql(`query PostsFeed { feed { totalCount edges { node { id } } } }`);
    expect(await app.data(feed, {}, reader)).toEqual({ feed: { totalCount: 2, edges: expected.map((id) => ({ node: { id } })) } });
    await app.data(`mutation ($id: ID!) { unfollowUser(input: { userId: $id }) { user { id } } }`, { id: writer.id }, reader);
    expect(await app.data(`{ feed { totalCount } }`, {}, reader)).toEqual({ feed: { totalCount: 1 } });
    expect(await app.code(follow, { id: reader.id }, reader)).toBe('BAD_USER_INPUT');
    const anonymous = await app.execute(feed);
    expect(anonymous).toMatchObject({ data: { feed: null }, errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
  });
});
