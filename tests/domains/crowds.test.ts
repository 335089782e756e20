import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import type { TestSubscription } from '../kit/client.js';

const USERS = 1_000;
const SOCKETS = 100;
const POSTS = 10;
/** Signing a thousand people up takes its time too. */
const PATIENCE_MS = 180_000;
/** The shortest times between two events: of a state, as the server is set, and of one notification. */
const STATE_MIN_INTERVAL_MS = 100;
const TELLING_MS = 1_000;

let app: TestApp;
let ada: TestUser;
let crowd: readonly TestUser[];

const GUEST = `mutation { joinAsGuest(input: { displayName: "Guest" }) { user { id username } credentials { accessToken refreshToken } } }`;
const CREATE = `mutation { createPost(input: { body: "Hello" }) { post { id } } }`;
const LIKE = `mutation ($id: ID!) { likePost(input: { postId: $id }) { likeCount } }`;
const UNLIKE = `mutation ($id: ID!) { unlikePost(input: { postId: $id }) { likeCount } }`;
const COUNT = `query ($id: ID!) { node(id: $id) { ... on Post { likeCount viewerHasLiked } } }`;
const LIKES = `subscription ($id: ID!) { likeCountChanged(postId: $id) { count version } }`;
const COMMENT = `mutation ($id: ID!) { addComment(input: { postId: $id, body: "So many" }) { comment { id } } }`;
const COMMENTS = `subscription ($id: ID!, $after: String) { commentAdded(postId: $id, after: $after) { comment { id } } }`;
const CURSOR = `query ($id: ID!) { node(id: $id) { ... on Post { commentCursor } } }`;
const ADDED = `subscription ($after: String) { notificationAdded(after: $after) { cursor actorCount text } }`;
const GROUP = `mutation ($ids: [ID!]!) { createGroup(input: { title: "Group", memberIds: $ids }) { conversation { id cursor } } }`;
const SEND = `mutation ($id: ID!, $body: String!) { sendMessage(input: { conversationId: $id, body: $body }) { message { id seq } } }`;
const SENT = `subscription ($id: ID!, $after: String) { messageAdded(conversationId: $id, after: $after) { message { id seq } } }`;
const ABOUT = `{ me { notificationCursor notifications(first: 100) { edges { node { kind text actorCount readAt subject { id } } } } } }`;

interface Guest {
  readonly joinAsGuest: {
    readonly user: { readonly id: string; readonly username: string };
    readonly credentials: { readonly accessToken: string; readonly refreshToken: string };
  };
}
interface Likes {
  readonly likeCountChanged: { readonly count: number; readonly version: number };
}
interface Added {
  readonly notificationAdded: { readonly cursor: string; readonly actorCount: number; readonly text: string };
}
interface About {
  readonly me: {
    readonly notificationCursor: string;
    readonly notifications: { readonly edges: readonly { readonly node: { readonly subject: { readonly id: string } } }[] };
  };
}

interface Sent {
  readonly message: { readonly id: string; readonly seq: number };
}

const guest = async (): Promise<TestUser> => {
  const { user, credentials } = (await app.data<Guest>(GUEST)).joinAsGuest;
  return { ...user, token: credentials.accessToken, refreshToken: credentials.refreshToken };
};
const post = async (): Promise<string> => (await app.data<{ createPost: { post: { id: string } } }>(CREATE, {}, ada)).createPost.post.id;
const about = async (): Promise<About['me']> => (await app.data<About>(ABOUT, {}, ada)).me;
/** What ada has to see about a post. */
const heard = async (id: string): Promise<unknown[]> =>
  (await about()).notifications.edges.map(({ node }) => node).filter(({ subject }) => subject.id === id);

beforeAll(async () => {
  // Whoever waits longer than a database may take is refused: that depends on the machine, and is tested elsewhere.
  app = await startTestApp({ env: { DATABASE_TIMEOUT_MS: '60000' } });
  ada = await app.user('ada');
  const joined: TestUser[] = [];
  while (joined.length < USERS) joined.push(...(await Promise.all(Array.from({ length: 50 }, guest))));
  crowd = joined;
}, PATIENCE_MS);
afterAll(() => app.stop());

/** Everyone likes; every fourth takes it back, every eighth then likes again. @returns how many changes that was */
const act = async (index: number, send: (mutation: string) => Promise<unknown>): Promise<number> => {
  await send(LIKE);
  if (index % 4 !== 0) return 1;
  await send(UNLIKE);
  if (index % 8 !== 0) return 2;
  await send(LIKE);
  return 3;
};
/** How many of the first so many like it in the end. */
const staying = (count: number): number => Array.from({ length: count }, (_, index) => index).filter((index) => index % 8 !== 4).length;

/** Events until one of them is as it should be, which is the last. */
const until = async <Data>(subscription: TestSubscription<Data>, isSo: (data: Data) => boolean): Promise<Data[]> => {
  const seen = [await subscription.data()];
  for (let last = seen[0]; last !== undefined && !isSo(last); last = seen.at(-1)) seen.push(await subscription.data());
  return seen;
};

/** Reads, writes and live delivery of somebody else, elsewhere, until it is over: how often all of it went through. */
const meanwhile = async (elsewhere: string, isOver: () => boolean): Promise<number> => {
  const [bystander] = crowd;
  const { node } = await app.data<{ node: { commentCursor: string } }>(CURSOR, { id: elsewhere });
  const comments = app
    .connect(bystander)
    .subscribe<{ commentAdded: { comment: { id: string } } }>(COMMENTS, { id: elsewhere, after: node.commentCursor });
  let times = 0;
  while (!isOver()) {
    const { addComment } = await app.data<{ addComment: { comment: { id: string } } }>(COMMENT, { id: elsewhere }, bystander);
    expect((await comments.data()).commentAdded.comment.id).toBe(addComment.comment.id);
    await app.data(COUNT, { id: elsewhere }, bystander);
    times += 1;
  }
  return times;
};

/** Whether no job is left that would tell of a notification. */
const isAllTold = async (): Promise<boolean> =>
  (await app.database.query(`SELECT 1 FROM graphile_worker.jobs WHERE key LIKE 'notifications.tell:%'`)).length === 0;

describe('a thousand acts at once', () => {
  it(
    'likes of one post by a thousand users over HTTP: all count, in few events and one notification, and nobody else waits for them',
    { timeout: PATIENCE_MS },
    async () => {
      const [id, elsewhere] = [await post(), await post()];
      const likes = [undefined, crowd[1]].map((user) => app.connect(user).subscribe<Likes>(LIKES, { id }));
      for (const each of likes) expect((await each.data()).likeCountChanged).toEqual({ count: 0, version: 0 });
      const told = app.connect(ada).subscribe<Added>(ADDED, { after: (await about()).notificationCursor });

      const begun = Date.now();
      let over = false;
      const [changes, others] = await Promise.all([
        Promise.all(crowd.map((user, index) => act(index, (mutation) => app.data(mutation, { id }, user)))).finally(() => (over = true)),
        meanwhile(elsewhere, () => over),
      ]);
      expect(others).toBeGreaterThan(0);

      const [count, version] = [staying(USERS), changes.reduce((sum, each) => sum + each, 0)];
      expect(await app.data(COUNT, { id }, crowd[4])).toEqual({ node: { likeCount: count, viewerHasLiked: false } });
      expect(await app.data(COUNT, { id }, crowd[8])).toEqual({ node: { likeCount: count, viewerHasLiked: true } });
      for (const each of likes) {
        const seen = await until(each, ({ likeCountChanged }) => likeCountChanged.version === version);
        expect(seen.at(-1)?.likeCountChanged.count).toBe(count);
        expect(seen.length).toBeLessThanOrEqual(2 + (Date.now() - begun) / STATE_MIN_INTERVAL_MS);
        expect(each.waiting()).toBe(0);
      }
      const text = `Guest and ${count - 1} others liked your post`;
      expect(await heard(id)).toEqual([{ kind: 'LIKE', text, actorCount: count, readAt: null, subject: { id } }]);
      await expect.poll(isAllTold).toBe(true);
      const { notificationCursor } = await about();
      // Of the comments elsewhere there is one more, told as seldom.
      const events = (await until(told, ({ notificationAdded }) => notificationAdded.cursor === notificationCursor)).map(
        (each) => each.notificationAdded,
      );
      const ofLikes = events.filter((each) => each.text.includes('liked'));
      expect(ofLikes.at(-1)).toMatchObject({ actorCount: count, text });
      expect(ofLikes.length).toBeLessThanOrEqual(2 + (Date.now() - begun) / TELLING_MS);
    },
  );

  it('likes of ten posts by a hundred users, over a socket each: all count, for each post', { timeout: PATIENCE_MS }, async () => {
    const [posts, elsewhere] = [await Promise.all(Array.from({ length: POSTS }, post)), await post()];
    const sockets = crowd.slice(0, SOCKETS).map((user) => app.connect(user));
    await Promise.all(sockets.map(({ opened }) => opened));
    let over = false;
    const [, others] = await Promise.all([
      Promise.all(
        sockets.flatMap((socket, index) =>
          posts.map((id) => act(index, async (mutation) => expect(await socket.execute(mutation, { id })).not.toHaveProperty('errors'))),
        ),
      ).finally(() => (over = true)),
      meanwhile(elsewhere, () => over),
    ]);
    expect(others).toBeGreaterThan(0);

    const count = staying(SOCKETS);
    for (const id of posts) {
      expect(await app.data(COUNT, { id })).toEqual({ node: { likeCount: count, viewerHasLiked: false } });
      expect(await heard(id)).toMatchObject([{ kind: 'LIKE', text: `Guest and ${count - 1} others liked your post`, actorCount: count }]);
    }
  });

  it('messages to one conversation by a hundred members: all are sent and told, in one order', { timeout: PATIENCE_MS }, async () => {
    const members = crowd.slice(0, SOCKETS);
    const { createGroup } = await app.data<{ createGroup: { conversation: { id: string; cursor: string } } }>(
      GROUP,
      { ids: members.map(({ id }) => id) },
      ada,
    );
    const { id, cursor } = createGroup.conversation;
    const elsewhere = await post();
    const told = app.connect(ada).subscribe<{ messageAdded: Sent }>(SENT, { id, after: cursor });
    let over = false;
    const send = async (member: TestUser, n: number): Promise<Sent['message']> =>
      (await app.data<{ sendMessage: Sent }>(SEND, { id, body: `Message ${n}` }, member)).sendMessage.message;
    const [sent, others] = await Promise.all([
      Promise.all(members.flatMap((member) => Array.from({ length: USERS / SOCKETS }, (_, n) => send(member, n)))).finally(
        () => (over = true),
      ),
      meanwhile(elsewhere, () => over),
    ]);
    expect(others).toBeGreaterThan(0);
    const inOrder = sent.sort((one, other) => one.seq - other.seq);
    expect((await told.take(sent.length)).map(({ messageAdded }) => messageAdded.message)).toEqual(inOrder);
    expect(inOrder.map(({ seq }) => seq - (inOrder[0]?.seq ?? 0))).toEqual(inOrder.map((_, index) => index));
  });
});
