import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useFragment } from '../generated/fragment-masking.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { apolloClient, DRIVERS, type Driver, type Outcome } from './drivers.js';
import { AddComment, CommentAdded, CreatePost, LikeCountChanged, LikePost, PostLine, Posts } from './operations.js';

let app: TestApp;
let user: TestUser;
let other: TestUser;
const closing: (() => Promise<void>)[] = [];

beforeAll(async () => {
  app = await startTestApp();
  [user, other] = await Promise.all([app.user('ada'), app.user('grace')]);
});

afterAll(async () => {
  await Promise.all(closing.map((close) => close()));
  await app.stop();
});

/** What is there: data, or a field that is null where one may not ask for it. */
const present = <Value>(value: Value): NonNullable<Value> => {
  if (value === null || value === undefined) throw new Error('There is nothing.');
  return value;
};

const dataOf = <Data>({ data, codes }: Outcome<Data>): NonNullable<Data> => {
  expect(codes).toEqual([]);
  return present(data);
};

const nextOf = async <Data>(results: AsyncIterator<Outcome<Data>, unknown>): Promise<NonNullable<Data>> => {
  const result = await results.next();
  if (result.done === true) throw new Error('The subscription has ended.');
  return dataOf(result.value);
};

describe.each(Object.entries(DRIVERS))('%s', (name, makeDriver) => {
  const open = (token?: string): Driver => {
    const driver = makeDriver(app.url, token);
    closing.push(driver.close);
    return driver;
  };
  const createPost = async (driver: Driver) =>
    present(dataOf(await driver.run(CreatePost, { input: { body: `Hello from ${name}` } })).createPost).post;

  it('runs a query and a mutation', async () => {
    const driver = open(user.token);
    const created = useFragment(PostLine, await createPost(driver));
    expect(created).toMatchObject({ body: `Hello from ${name}`, likeCount: 0, author: { username: 'ada', role: 'MEMBER' } });

    const { posts } = dataOf(await driver.run(Posts, { first: 50 }));
    const found = present(posts)
      .edges.map(({ node }) => useFragment(PostLine, node))
      .find(({ id }) => id === created.id);
    expect(created).toMatchObject(present(found));
  });

  it('follows a log from a cursor, and live', async () => {
    const driver = open(user.token);
    const post = await createPost(driver);
    const postId = useFragment(PostLine, post).id;
    const comment = async (body: string) => dataOf(await driver.run(AddComment, { input: { postId, body } }));

    await comment('one');
    const comments = driver.follow(CommentAdded, { postId, after: post.commentCursor });
    const first = await nextOf(comments);
    expect(first.commentAdded.comment).toMatchObject({ body: 'one', author: { username: 'ada' } });
    await comment('two');
    expect((await nextOf(comments)).commentAdded.comment.body).toBe('two');
    await comments.return?.();

    const resumed = driver.follow(CommentAdded, { postId, after: first.commentAdded.cursor });
    expect((await nextOf(resumed)).commentAdded.comment.body).toBe('two');
    await resumed.return?.();
  });

  it('follows a state: the present value, then what another does', async () => {
    const driver = open(user.token);
    const { id: postId } = useFragment(PostLine, await createPost(driver));
    const likes = driver.follow(LikeCountChanged, { postId });
    expect((await nextOf(likes)).likeCountChanged.count).toBe(0);
    expect(dataOf(await open(other.token).run(LikePost, { input: { postId } })).likePost?.likeCount).toBe(1);
    expect((await nextOf(likes)).likeCountChanged.count).toBe(1);
    await likes.return?.();
  });

  it('is told the code of what is refused', async () => {
    const refused = await open().run(CreatePost, { input: { body: 'Nobody wrote this' } });
    expect(refused.codes).toEqual(['UNAUTHENTICATED']);
    const unfound = open(user.token).follow(LikeCountChanged, { postId: user.id });
    expect(await unfound.next()).toMatchObject({ value: { codes: ['BAD_USER_INPUT'] } });
    await unfound.return?.();
  });
});

describe("@apollo/client's cache", () => {
  it('shows in a list what a mutation has answered, by the global id', async () => {
    const { apollo, close } = apolloClient(app.url, user.token);
    closing.push(close);
    const { data } = await apollo.mutate({ mutation: CreatePost, variables: { input: { body: 'Watch me' } } });
    const postId = useFragment(PostLine, present(data?.createPost).post).id;
    await apollo.query({ query: Posts, variables: { first: 50 } });
    await apollo.mutate({ mutation: LikePost, variables: { input: { postId } } });
    const cached = apollo.cache.readQuery({ query: Posts, variables: { first: 50 } });
    const likes = cached?.posts?.edges.map(({ node }) => useFragment(PostLine, node)).find(({ id }) => id === postId)?.likeCount;
    expect(likes).toBe(1);
  });
});
