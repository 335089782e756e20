import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseId } from '../../src/graphql/ids.js';
import { SHORT_GRACE, startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aComment, aDirect, aGroup, aPost } from '../kit/factories.js';
import { graphql, present, type ResultOf } from '../kit/graphql.js';

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp({ env: SHORT_GRACE });
});
afterAll(() => app.stop());

const Block = graphql(
  `mutation BlocksBlock($id: ID!) { blockUser(input: { userId: $id }) { user { username viewerBlocks viewerFollows followerCount followingCount } } }`,
);
const Unblock = graphql(`mutation BlocksUnblock($id: ID!) { unblockUser(input: { userId: $id }) { user { username viewerBlocks } } }`);
const Follow = graphql(`mutation BlocksFollow($id: ID!) { followUser(input: { userId: $id }) { user { viewerFollows followerCount } } }`);
const Direct = graphql(`mutation BlocksDirect($id: ID!) { startDirect(input: { userId: $id }) { conversation { id } } }`);
const Send = graphql(
  `mutation BlocksSend($id: ID!, $body: String!) { sendMessage(input: { conversationId: $id, body: $body }) { message { id mentions { username } } } }`,
);
const Comment = graphql(`mutation BlocksComment($input: AddCommentInput!) { addComment(input: $input) { comment { id } } }`);
const Group = graphql(
  `mutation BlocksGroup($ids: [ID!]!) { createGroup(input: { title: "Some", memberIds: $ids }) { conversation { id } } }`,
);
const Blocked = graphql(
  `query BlocksBlocked($first: Int, $after: String) { me { blockedUsers(first: $first, after: $after) { totalCount pageInfo { hasNextPage endCursor } edges { node { username } } } } }`,
);

let pairs = 0;

/** Two people who have a direct conversation and a group, and each a post with a comment of the other. */
const acquaintances = async () => {
  pairs += 1;
  const [one, other] = await Promise.all([app.user(`one${pairs}`), app.user(`other${pairs}`)]);
  const direct = (await aDirect(app, one, other)).id;
  const group = (await aGroup(app, one, [other])).id;
  const posts = new Map([
    [one, (await aPost(app, one)).id],
    [other, (await aPost(app, other)).id],
  ]);
  const comments = new Map([
    [one, (await aComment(app, one, present(posts.get(other)))).id],
    [other, (await aComment(app, other, present(posts.get(one)))).id],
  ]);
  return { one, other, direct, group, posts, comments };
};

type Acquaintances = Awaited<ReturnType<typeof acquaintances>>;
type Act = (from: TestUser, to: TestUser, known: Acquaintances) => readonly [string, object];

describe('blocking', () => {
  it('is told to the one who has blocked alone, is the same twice, and can be taken back', async () => {
    const { one, other } = await acquaintances();
    const [second, third] = await Promise.all([app.user(`second${pairs}`), app.user(`third${pairs}`)]);
    for (const each of [other, second, third, other]) {
      expect(await app.data(Block, { id: each.id }, one)).toMatchObject({
        blockUser: { user: { username: each.username, viewerBlocks: true } },
      });
    }
    const page = await app.data(Blocked, { first: 2 }, one);
    expect(page).toMatchObject({
      me: {
        blockedUsers: {
          totalCount: 3,
          pageInfo: { hasNextPage: true },
          edges: [{ node: { username: third.username } }, { node: { username: second.username } }],
        },
      },
    });
    expect(await app.data(Blocked, { after: page.me.blockedUsers.pageInfo.endCursor }, one)).toMatchObject({
      me: { blockedUsers: { edges: [{ node: { username: other.username } }] } },
    });
    expect(await app.data(Blocked, {}, other)).toMatchObject({ me: { blockedUsers: { totalCount: 0, edges: [] } } });
    const seen = graphql(`query BlocksSeen($name: String!) { user(username: $name) { viewerBlocks } }`);
    expect(await app.data(seen, { name: one.username }, other)).toEqual({ user: { viewerBlocks: false } });
    expect(await app.data(seen, { name: other.username })).toEqual({ user: { viewerBlocks: false } });

    expect(await app.data(Unblock, { id: other.id }, one)).toMatchObject({ unblockUser: { user: { viewerBlocks: false } } });
    expect(await app.data(Unblock, { id: other.id }, one)).toMatchObject({ unblockUser: { user: { viewerBlocks: false } } });
    expect(await app.data(Blocked, {}, one)).toMatchObject({ me: { blockedUsers: { totalCount: 2 } } });
  });

  it.each([
    ['oneself', 'self', 'BAD_USER_INPUT'],
    ['nobody', 'VXNlcjowMDAwMDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDA', 'NOT_FOUND'],
    ['what is no user', 'nonsense', 'BAD_USER_INPUT'],
    ['anyone when not signed in', 'anonymous', 'UNAUTHENTICATED'],
  ])('refuses to block %s', async (_what, id, code) => {
    const { one, other } = await acquaintances();
    const as = id === 'anonymous' ? undefined : one;
    expect(await app.code(Block, { id: { self: one.id, anonymous: other.id }[id] ?? id }, as)).toBe(code);
    if (id !== 'self') expect(await app.code(Unblock, { id: id === 'anonymous' ? other.id : id }, as)).toBe(code);
  });

  it('ends what each follows of the other, also what is just beginning, and nothing else', async () => {
    const { one, other } = await acquaintances();
    const fan = await app.user(`fan${pairs}`);
    for (const [from, to] of [
      [one, other],
      [other, one],
      [fan, one],
      [fan, other],
    ] as const)
      await app.data(Follow, { id: to.id }, from);
    expect(await app.data(Block, { id: other.id }, one)).toMatchObject({
      blockUser: { user: { viewerFollows: false, followerCount: 1, followingCount: 0 } },
    });
    expect(
      await app.data(
        `query ($name: String!) { user(username: $name) { followerCount followingCount followers { edges { node { username } } } } }`,
        { name: one.username },
      ),
    ).toEqual({
      user: { followerCount: 1, followingCount: 0, followers: { edges: [{ node: { username: fan.username } }] } },
    });
    // However a block and follows meet, none of these outlasts it.
    for (let round = 0; round < 5; round += 1) {
      await app.data(Unblock, { id: other.id }, one);
      await Promise.all([
        app.execute(Follow, { id: one.id }, other),
        app.execute(Follow, { id: other.id }, one),
        app.data(Block, { id: other.id }, one),
        app.execute(Follow, { id: one.id }, other),
        app.execute(Follow, { id: other.id }, one),
      ]);
      const follows = await app.database.query('SELECT 1 FROM follow WHERE follower_id = ANY($1) AND followee_id = ANY($1)', [
        [one, other].map(({ id }) => parseId(id).id),
      ]);
      expect(follows).toEqual([]);
    }
  });
});

describe('two who are kept apart', () => {
  const acts: readonly [string, Act][] = [
    ['follow', (_from, to) => [Follow.toString(), { id: to.id }]],
    ['begin to talk', (_from, to) => [Direct.toString(), { id: to.id }]],
    ['go on talking', (_from, _to, { direct }) => [Send.toString(), { id: direct, body: 'still there?' }]],
    ['be put into a group by the other', (_from, to) => [Group.toString(), { ids: [to.id] }]],
    ['comment on a post of the other', (_from, to, { posts }) => [Comment.toString(), { input: { postId: posts.get(to), body: 'But' } }]],
    [
      'answer a comment of the other',
      (from, to, { posts, comments }) => [
        Comment.toString(),
        { input: { postId: posts.get(from), body: 'But', replyToId: comments.get(to) } },
      ],
    ],
  ];

  it.each(acts.flatMap(([what, act]) => [[what, 'who has blocked', act] as const, [what, 'who is blocked', act] as const]))(
    'do not %s: %s',
    async (_what, who, act) => {
      const known = await acquaintances();
      const { one, other } = known;
      await app.data(Block, { id: other.id }, one);
      const [from, to] = who === 'who has blocked' ? [one, other] : [other, one];
      const [document, variables] = act(from, to, known);
      const socket = app.connect(from);
      const overSocket = (await socket.execute(document, variables)).errors?.[0]?.extensions?.['code'];
      expect([await app.code(document, variables, from), overSocket]).toEqual(['FORBIDDEN', 'FORBIDDEN']);
      await app.data(Unblock, { id: other.id }, one);
      expect(await app.code(document, variables, from)).toBeUndefined();
    },
  );

  it('stay apart while one of two blocks is left', async () => {
    const { one, other } = await acquaintances();
    await app.data(Block, { id: other.id }, one);
    await app.data(Block, { id: one.id }, other);
    await app.data(Unblock, { id: other.id }, one);
    expect(await app.code(Follow, { id: other.id }, one)).toBe('FORBIDDEN');
    await app.data(Unblock, { id: one.id }, other);
    expect(await app.code(Follow, { id: other.id }, one)).toBeUndefined();
  });

  it('talk on in a group they are both in, and mention nobody of the two', async () => {
    const { one, other, group } = await acquaintances();
    const body = `Ask @${other.username} and @${one.username}`;
    await app.data(Block, { id: other.id }, one);
    const mentions = async (from: TestUser): Promise<string[]> =>
      (await app.data(Send, { id: group, body }, from)).sendMessage.message.mentions.map(({ username }) => username);
    expect(await mentions(one)).not.toContain(other.username);
    expect(await mentions(other)).not.toContain(one.username);
    await app.data(Unblock, { id: other.id }, one);
    expect(await mentions(one)).toContain(other.username);
  });

  it('still read and like what the other posts', async () => {
    const { one, other, posts } = await acquaintances();
    await app.data(Block, { id: other.id }, one);
    const id = posts.get(one);
    expect(await app.data(`query ($id: ID!) { node(id: $id) { ... on Post { body } } }`, { id }, other)).toEqual({
      node: { body: 'Hello' },
    });
    expect(await app.data(`mutation ($id: ID!) { likePost(input: { postId: $id }) { likeCount } }`, { id }, other)).toEqual({
      likePost: { likeCount: 1 },
    });
  });

  it("edit and delete what they wrote under the other's posts before", async () => {
    const { one, other, comments } = await acquaintances();
    await app.data(Block, { id: other.id }, one);
    const id = comments.get(other);
    await app.data(`mutation ($id: ID!) { updateComment(input: { id: $id, body: "Oh" }) { comment { body } } }`, { id }, other);
    await app.data(`mutation ($id: ID!) { deleteComment(input: { id: $id }) { commentId } }`, { id }, other);
  });
});

describe('presence', () => {
  const Looks = graphql(`
    query BlocksLooks($ids: [ID!]!, $id: ID!, $name: String!) {
      presence(userIds: $ids) {
        ...BlocksPresence
      }
      node(id: $id) {
        ... on User {
          presence {
            ...BlocksPresence
          }
        }
      }
      user(username: $name) {
        presence {
          ...BlocksPresence
          user {
            presence {
              ...BlocksPresence
            }
          }
        }
      }
    }
    fragment BlocksPresence on Presence {
      status
      lastSeenAt
      version
    }
  `);
  const PresenceChanged = graphql(`
    subscription BlocksPresenceChanged($ids: [ID!]) {
      presenceChanged(userIds: $ids) {
        status
        lastSeenAt
        version
      }
    }
  `);
  type Presence = ResultOf<typeof PresenceChanged>['presenceChanged'];
  const NEVER: Presence = { status: 'OFFLINE', lastSeenAt: null, version: 0 };

  /** How a user looks to a viewer: to each query that shows it, and to a new subscriber. */
  const looks = async (user: TestUser, viewer?: TestUser): Promise<Presence[]> => {
    const seen = await app.data(Looks, { ids: [user.id], id: user.id, name: user.username }, viewer);
    const { user: inner, ...outer } = seen.user.presence;
    const socket = app.connect(viewer);
    const changed = await socket.subscribe(PresenceChanged, { ids: [user.id] }).data();
    await socket.close();
    const ofNode = 'presence' in seen.node ? seen.node.presence : null;
    return [seen.presence[0], ofNode, outer, inner.presence, changed.presenceChanged].map(present);
  };

  it('is hidden from each of the two, shown to everyone else, and shown again afterwards', async () => {
    const { one, other } = await acquaintances();
    const third = await app.user(`third${pairs}`);
    const here = [app.connect(one), app.connect(other)];
    await Promise.all(here.map(({ opened }) => opened));
    for (const user of [one, other]) {
      await vi.waitFor(async () => expect(new Set((await looks(user, third)).map(({ status }) => status))).toEqual(new Set(['ONLINE'])));
    }
    await app.data(Block, { id: other.id }, one);
    expect(await looks(one, other)).toEqual([NEVER, NEVER, NEVER, NEVER, NEVER]);
    expect(await looks(other, one)).toEqual([NEVER, NEVER, NEVER, NEVER, NEVER]);
    for (const user of [one, other]) {
      for (const viewer of [third, undefined, user]) {
        expect(new Set((await looks(user, viewer)).map(({ status }) => status))).toEqual(new Set(['ONLINE']));
      }
    }
    await app.data(Unblock, { id: other.id }, one);
    expect(new Set((await looks(one, other)).map(({ status }) => status))).toEqual(new Set(['ONLINE']));
  });

  it('that changes is told masked to the one, and as it is to the others who follow with the same words', async () => {
    const { one, other } = await acquaintances();
    const third = await app.user(`third${pairs}`);
    await app.data(Block, { id: other.id }, one);
    const follow = (viewer?: TestUser) => app.connect(viewer).subscribe(PresenceChanged, { ids: [one.id] });
    const [apart, friend, anyone] = [follow(other), follow(third), follow()];
    for (const each of [apart, friend, anyone]) expect((await each.data()).presenceChanged.status).toBe('OFFLINE');
    const socket = app.connect(one);
    await socket.opened;
    for (const each of [friend, anyone]) expect((await each.data()).presenceChanged.status).toBe('ONLINE');
    await socket.close();
    for (const each of [friend, anyone])
      expect((await each.data()).presenceChanged).toMatchObject({ status: 'OFFLINE', lastSeenAt: expect.any(String) as string });
    while (apart.waiting() > 0) expect((await apart.data()).presenceChanged).toEqual(NEVER);
  });

  it('hides who is here from what is open already, and shows it again when it ends', async () => {
    const { one, other } = await acquaintances();
    const socket = app.connect(one);
    await socket.opened;
    const follower = app.connect(other);
    const seen = follower.subscribe(PresenceChanged, { ids: [one.id] });
    // A user is here a moment after their socket.
    const first = (await seen.data()).presenceChanged;
    if (first.status === 'OFFLINE') expect((await seen.data()).presenceChanged.status).toBe('ONLINE');
    await app.data(Block, { id: other.id }, one);
    expect((await seen.data()).presenceChanged).toEqual(NEVER);
    await app.data(Unblock, { id: other.id }, one);
    expect((await seen.data()).presenceChanged.status).toBe('ONLINE');
    await Promise.all([socket.close(), follower.close()]);
  });
});
