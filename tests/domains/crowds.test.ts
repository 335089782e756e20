import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aGuest, aPost } from '../kit/factories.js';
import { graphql } from '../kit/graphql.js';
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

const Like = graphql(`mutation CrowdsLike($id: ID!) { likePost(input: { postId: $id }) { likeCount } }`);
const Unlike = graphql(`mutation CrowdsUnlike($id: ID!) { unlikePost(input: { postId: $id }) { likeCount } }`);
const Count = graphql(`query CrowdsCount($id: ID!) { node(id: $id) { ... on Post { likeCount viewerHasLiked } } }`);
const Likes = graphql(`subscription CrowdsLikes($id: ID!) { likeCountChanged(postId: $id) { count version } }`);
const Comment = graphql(`mutation CrowdsComment($id: ID!) { addComment(input: { postId: $id, body: "So many" }) { comment { id } } }`);
const Comments = graphql(
  `subscription CrowdsComments($id: ID!, $after: String) { commentAdded(postId: $id, after: $after) { comment { id } } }`,
);
const Cursor = graphql(`query CrowdsCursor($id: ID!) { node(id: $id) { ... on Post { commentCursor } } }`);
const Added = graphql(`subscription CrowdsAdded($after: String) { notificationAdded(after: $after) { cursor actorCount text } }`);
const Group = graphql(
  `mutation CrowdsGroup($ids: [ID!]!) { createGroup(input: { title: "Group", memberIds: $ids }) { conversation { id cursor } } }`,
);
const Send = graphql(
  `mutation CrowdsSend($id: ID!, $body: String!) { sendMessage(input: { conversationId: $id, body: $body }) { message { id seq } } }`,
);
const Sent = graphql(
  `subscription CrowdsSent($id: ID!, $after: String) { messageAdded(conversationId: $id, after: $after) { message { id seq } } }`,
);
const About = graphql(
  `query CrowdsAbout { me { notificationCursor notifications(first: 100) { edges { node { kind text actorCount readAt subject { id } } } } } }`,
);

const post = async (): Promise<string> => (await aPost(app, ada)).id;
const about = async () => (await app.data(About, {}, ada)).me;
/** What ada has to see about a post. */
const heard = async (id: string): Promise<unknown[]> =>
  (await about()).notifications.edges.map(({ node }) => node).filter(({ subject }) => subject?.id === id);

beforeAll(async () => {
  // Whoever waits longer than a database may take is refused: that depends on the machine, and is tested elsewhere.
  app = await startTestApp({ env: { DATABASE_TIMEOUT_MS: '60000' } });
  ada = await app.user('ada');
  const joined: TestUser[] = [];
  while (joined.length < USERS) joined.push(...(await Promise.all(Array.from({ length: 50 }, () => aGuest(app)))));
  crowd = joined;
}, PATIENCE_MS);
afterAll(() => app.stop());

/** Everyone likes; every fourth takes it back, every eighth then likes again. @returns how many changes that was */
const act = async (index: number, send: (mutation: string) => Promise<unknown>): Promise<number> => {
  await send(Like.toString());
  if (index % 4 !== 0) return 1;
  await send(Unlike.toString());
  if (index % 8 !== 0) return 2;
  await send(Like.toString());
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
  const { node } = await app.data(Cursor, { id: elsewhere });
  const comments = app.connect(bystander).subscribe(Comments, { id: elsewhere, after: node.commentCursor });
  let times = 0;
  while (!isOver()) {
    const { addComment } = await app.data(Comment, { id: elsewhere }, bystander);
    expect((await comments.data()).commentAdded.comment.id).toBe(addComment.comment.id);
    await app.data(Count, { id: elsewhere }, bystander);
    times += 1;
  }
  return times;
};

/** Whether no job is left that would tell of a notification. */
const isAllTold = async (): Promise<boolean> =>
  (await app.database.query(`SELECT 1 FROM graphile_worker.jobs WHERE key Like 'notifications.tell:%'`)).length === 0;

describe('a thousand acts at once', () => {
  it(
    'likes of one post by a thousand users over HTTP: all count, in few events and one notification, and nobody else waits for them',
    { timeout: PATIENCE_MS },
    async () => {
      const [id, elsewhere] = [await post(), await post()];
      const likes = [undefined, crowd[1]].map((user) => app.connect(user).subscribe(Likes, { id }));
      for (const each of likes) expect((await each.data()).likeCountChanged).toEqual({ count: 0, version: 0 });
      const told = app.connect(ada).subscribe(Added, { after: (await about()).notificationCursor });

      const begun = Date.now();
      let over = false;
      const [changes, others] = await Promise.all([
        Promise.all(crowd.map((user, index) => act(index, (mutation) => app.data(mutation, { id }, user)))).finally(() => (over = true)),
        meanwhile(elsewhere, () => over),
      ]);
      expect(others).toBeGreaterThan(0);

      const [count, version] = [staying(USERS), changes.reduce((sum, each) => sum + each, 0)];
      expect(await app.data(Count, { id }, crowd[4])).toEqual({ node: { likeCount: count, viewerHasLiked: false } });
      expect(await app.data(Count, { id }, crowd[8])).toEqual({ node: { likeCount: count, viewerHasLiked: true } });
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
      expect(await app.data(Count, { id })).toEqual({ node: { likeCount: count, viewerHasLiked: false } });
      expect(await heard(id)).toMatchObject([{ kind: 'LIKE', text: `Guest and ${count - 1} others liked your post`, actorCount: count }]);
    }
  });

  it('messages to one conversation by a hundred members: all are sent and told, in one order', { timeout: PATIENCE_MS }, async () => {
    const members = crowd.slice(0, SOCKETS);
    const { createGroup } = await app.data(Group, { ids: members.map(({ id }) => id) }, ada);
    const { id, cursor } = createGroup.conversation;
    const elsewhere = await post();
    const told = app.connect(ada).subscribe(Sent, { id, after: cursor });
    let over = false;
    const send = async (member: TestUser, n: number) => (await app.data(Send, { id, body: `Message ${n}` }, member)).sendMessage.message;
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
