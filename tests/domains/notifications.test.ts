import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setRole } from '../../src/domains/admin/roles.js';
import type {
  CreateEntryInput,
  MarkNotificationsReadInput,
  NotificationsShownFragment as Shown,
  UpdateNotificationPreferencesInput,
} from '../generated/texts/graphql.js';
import { SHORT_GRACE, startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aBlock, aComment, aDirect, aGroup, aGuest, aMessage, anEntry, aPost } from '../kit/factories.js';
import { graphql, type ResultOf, type VariablesOf } from '../kit/graphql.js';
import type { TestSubscription } from '../kit/client.js';

let app: TestApp;
let serial = 0;

beforeAll(async () => {
  app = await startTestApp({ env: SHORT_GRACE });
});
afterAll(() => app.stop());

const person = (name: string): Promise<TestUser> => app.user(`${name}${(serial += 1)}`);
const people = (...names: string[]): Promise<TestUser[]> => Promise.all(names.map(person));

graphql(
  `fragment NotificationsShown on Notification { id kind text actorCount isWithdrawn cursor readAt actors { username } subject { __typename id } }`,
);
const List = graphql(`query NotificationsList($unreadOnly: Boolean, $first: Int, $after: String) { me {
  unreadNotificationCount notificationCursor
  notifications(unreadOnly: $unreadOnly, first: $first, after: $after) { totalCount edges { cursor node { ...NotificationsShown } } pageInfo { hasNextPage endCursor } }
} }`);
type Listed = NonNullable<ResultOf<typeof List>['me']>['notifications'];
const Added = graphql(`subscription NotificationsAdded($after: String) { notificationAdded(after: $after) { ...NotificationsShown } }`);
const Read = graphql(
  `mutation NotificationsRead($input: MarkNotificationsReadInput!) { markNotificationsRead(input: $input) { unreadCount notifications { id readAt } } }`,
);
const Prefer = graphql(
  `mutation NotificationsPrefer($input: UpdateNotificationPreferencesInput!) { updateNotificationPreferences(input: $input) { preferences { kind enabled } } }`,
);

const me = async (user: TestUser, variables: VariablesOf<typeof List> = {}) => (await app.data(List, variables, user)).me;
const list = async (user: TestUser, variables: VariablesOf<typeof List> = {}): Promise<Shown[]> =>
  (await me(user, variables)).notifications.edges.map(({ node }) => node);
const texts = async (user: TestUser): Promise<string[]> => (await list(user)).map(({ text }) => text);
const markRead = async (user: TestUser, input: MarkNotificationsReadInput) => (await app.data(Read, { input }, user)).markNotificationsRead;

/** Runs a mutation of one payload and gives the id that stands at a path in it. */
const act = async (as: TestUser, mutation: string, input: object, payload: string): Promise<string> => {
  const type = `${mutation.charAt(0).toUpperCase()}${mutation.slice(1)}Input`;
  const data = await app.data<Record<string, Record<string, { id?: string } | null>>>(
    `mutation ($input: ${type}!) { ${mutation}(input: $input) { ${payload} { id } } }`,
    { input },
    as,
  );
  return data[mutation]?.[payload]?.id ?? '';
};
const post = async (as: TestUser): Promise<string> => (await aPost(app, as)).id;
const like = (as: TestUser, postId: string): Promise<string> => act(as, 'likePost', { postId }, 'post');
const unlike = (as: TestUser, postId: string): Promise<string> => act(as, 'unlikePost', { postId }, 'post');
const comment = async (as: TestUser, postId: string, replyToId?: string): Promise<string> =>
  (await aComment(app, as, postId, { replyToId })).id;
const follow = (as: TestUser, user: TestUser): Promise<string> => act(as, 'followUser', { userId: user.id }, 'user');
const unfollow = (as: TestUser, user: TestUser): Promise<string> => act(as, 'unfollowUser', { userId: user.id }, 'user');
const entry = async (as: TestUser, input: Partial<CreateEntryInput>): Promise<string> => (await anEntry(app, as, input)).id;
const group = async (as: TestUser, ...others: TestUser[]): Promise<string> => (await aGroup(app, as, others)).id;
const direct = async (as: TestUser, other: TestUser): Promise<string> => (await aDirect(app, as, other)).id;
const say = async (as: TestUser, conversationId: string, body: string): Promise<string> =>
  (await aMessage(app, as, conversationId, body)).id;

/** Follows one's notifications from where they stand now. */
const live = async (user: TestUser): Promise<TestSubscription<ResultOf<typeof Added>>> =>
  app.connect(user).subscribe(Added, { after: (await me(user)).notificationCursor });
const next = async (subscription: TestSubscription<ResultOf<typeof Added>>): Promise<Shown> =>
  (await subscription.data()).notificationAdded;
/** Events until one of them is as it should be, which is the last. */
const until = async (subscription: TestSubscription<ResultOf<typeof Added>>, isSo: (shown: Shown) => boolean): Promise<Shown[]> => {
  const seen = [await next(subscription)];
  for (let last = seen[0]; last !== undefined && !isSo(last); last = seen.at(-1)) seen.push(await next(subscription));
  return seen;
};

describe('what one hears of', () => {
  it.each<[string, (ada: TestUser, ben: TestUser) => Promise<string>, object, string]>([
    [
      'a like of a post',
      async (ada, ben) => like(ben, await post(ada)),
      { kind: 'LIKE', subject: { __typename: 'Post' } },
      'liked your post',
    ],
    [
      'a like of an entry',
      async (ada, ben) => act(ben, 'likeEntry', { entryId: await entry(ada, { title: 'On {first} and {title}' }) }, 'entry'),
      { kind: 'LIKE', subject: { __typename: 'Entry' } },
      'liked your entry “On {first} and {title}”',
    ],
    [
      'a comment',
      async (ada, ben) => comment(ben, await post(ada)),
      { kind: 'COMMENT', subject: { __typename: 'Post' } },
      'commented on your post',
    ],
    [
      'an answer to a comment',
      async (ada, ben) => {
        const postId = await post(ben);
        return await comment(ben, postId, await comment(ada, postId));
      },
      { kind: 'COMMENT', subject: { __typename: 'Comment' } },
      'replied to your comment',
    ],
    ['a follow', async (ada, ben) => follow(ben, ada), { kind: 'FOLLOW', subject: { __typename: 'User' } }, 'followed you'],
    [
      'a mention',
      async (ada, ben) => say(ben, await group(ben, ada), `Look, @${ada.username.toUpperCase()}!`),
      { kind: 'MENTION', subject: { __typename: 'Message' } },
      'mentioned you in a message',
    ],
    [
      'a direct message',
      async (ada, ben) => say(ben, await direct(ben, ada), 'Hello'),
      { kind: 'MESSAGE', subject: { __typename: 'Conversation' } },
      'wrote to you',
    ],
  ])('%s', async (_what, does, shown, text) => {
    const [ada, ben] = (await people('ada', 'ben')) as [TestUser, TestUser];
    const { notificationCursor } = await me(ada);
    await does(ada, ben);
    // Not before: by her socket she would be there.
    const events = app.connect(ada).subscribe(Added, { after: notificationCursor });
    const expected = {
      ...shown,
      text: `${ben.username} ${text}`,
      actorCount: 1,
      actors: [{ username: ben.username }],
      isWithdrawn: false,
      readAt: null,
    };
    expect(await next(events)).toMatchObject(expected);
    const { unreadNotificationCount, notifications } = await me(ada);
    expect(notifications.edges.map(({ node }) => node)).toMatchObject([expected]);
    expect(unreadNotificationCount).toBe(1);
  });

  it('another role', async () => {
    const ada = await person('ada');
    const events = await live(ada);
    await setRole(app.services.db, ada.username, 'MODERATOR');
    expect(await next(events)).toMatchObject({
      kind: 'SYSTEM',
      text: 'Your role is moderator now',
      actors: [],
      actorCount: 0,
      isWithdrawn: false,
    });
    await setRole(app.services.db, ada.username, 'ADMIN');
    expect(await texts(ada)).toEqual(['Your role is admin now']);
    expect((await me(ada)).unreadNotificationCount).toBe(1);
  });

  it('is never what one does oneself', async () => {
    const [ada, ben] = (await people('ada', 'ben')) as [TestUser, TestUser];
    const postId = await post(ada);
    await like(ada, postId);
    await comment(ada, postId, await comment(ada, postId));
    await act(ada, 'likeEntry', { entryId: await entry(ada, { title: 'Mine' }) }, 'entry');
    await say(ada, await group(ada, ben), `I, @${ada.username}`);
    expect(await list(ada)).toEqual([]);
  });

  it("is an answer once, where the post is one's own too", async () => {
    const [ada, ben, eve] = (await people('ada', 'ben', 'eve')) as [TestUser, TestUser, TestUser];
    const postId = await post(ada);
    const mine = await comment(ada, postId);
    await comment(ben, postId, mine);
    expect(await texts(ada)).toEqual([`${ben.username} replied to your comment`]);
    const bens = await comment(ben, postId);
    await comment(eve, postId, bens);
    expect(await texts(ben)).toEqual([`${eve.username} replied to your comment`]);
    expect(await texts(ada)).toEqual([
      `${eve.username} and ${ben.username} commented on your post`,
      `${ben.username} replied to your comment`,
    ]);
  });

  it('is nothing of a message while one is there, and of one in a group only a mention', async () => {
    const [ada, ben] = (await people('ada', 'ben')) as [TestUser, TestUser];
    const [two, many] = [await direct(ben, ada), await group(ben, ada)];
    const socket = app.connect(ada);
    await socket.opened;
    const status = async (): Promise<unknown> =>
      (await app.data(graphql(`query NotificationsPresence($ids: [ID!]!) { presence(userIds: $ids) { status } }`), { ids: [ada.id] }))
        .presence;
    await expect.poll(status).toEqual([{ status: 'ONLINE' }]);
    await say(ben, two, 'You are there');
    await say(ben, many, 'Hello all');
    expect(await list(ada)).toEqual([]);
    await socket.close();
    await expect.poll(status).toEqual([{ status: 'OFFLINE' }]);
    await say(ben, two, 'You were there');
    await say(ben, many, 'Hello all');
    expect(await texts(ada)).toEqual([`${ben.username} wrote to you`]);
  });

  it('is nothing that somebody has said whom either has blocked', async () => {
    const [ada, ben, eve] = (await people('ada', 'ben', 'eve')) as [TestUser, TestUser, TestUser];
    const postId = await post(ada);
    const some = await group(eve, ada, ben);
    await follow(ben, ada);
    expect(await texts(ada)).toEqual([`${ben.username} followed you`]);
    await aBlock(app, ada, ben);
    await aBlock(app, eve, ada);
    for (const other of [ben, eve]) {
      await like(other, postId);
      await say(other, some, `You, @${ada.username}`);
    }
    expect(await me(ada)).toMatchObject({ unreadNotificationCount: 0, notifications: { totalCount: 0 } });
  });

  it("is nobody else's to see", async () => {
    const [ada, ben] = (await people('ada', 'ben')) as [TestUser, TestUser];
    await follow(ben, ada);
    const [{ id } = { id: '' }] = await list(ada);
    const node = graphql(`query NotificationsNode($id: ID!) { node(id: $id) { ... on Notification { text } } }`);
    expect(await app.data(node, { id }, ada)).toEqual({ node: { text: `${ben.username} followed you` } });
    expect(await app.data(node, { id }, ben)).toEqual({ node: null });
    expect(await app.data(node, { id })).toEqual({ node: null });
    const { errors } = await app.connect().subscribe(Added).next();
    expect(errors?.[0]?.extensions?.['code']).toBe('UNAUTHENTICATED');
  });

  it('shows what it is about only as long as one may see that', async () => {
    const [ada, ben] = (await people('ada', 'ben')) as [TestUser, TestUser];
    const some = await group(ben, ada);
    await say(ben, some, `You, @${ada.username}`);
    const postId = await post(ada);
    await like(ben, postId);
    expect((await list(ada)).map(({ subject }) => subject?.__typename)).toEqual(['Post', 'Message']);
    await app.data(`mutation ($id: ID!) { leaveConversation(input: { conversationId: $id }) { conversationId } }`, { id: some }, ada);
    await app.data(`mutation ($id: ID!) { deletePost(input: { id: $id }) { postId } }`, { id: postId }, ada);
    expect((await list(ada)).map(({ subject }) => subject)).toEqual([]);
  });
});

describe('preferences', () => {
  it('are on until they are switched off, and on again', async () => {
    const [ada, ben] = (await people('ada', 'ben')) as [TestUser, TestUser];
    const kinds = ['LIKE', 'COMMENT', 'FOLLOW', 'MENTION', 'MESSAGE', 'ASSIGNMENT', 'SYSTEM'];
    const preferences = async (): Promise<unknown> =>
      (await app.data(graphql(`query NotificationsMe { me { notificationPreferences { kind enabled } } }`), {}, ada)).me
        .notificationPreferences;
    expect(await preferences()).toEqual(kinds.map((kind) => ({ kind, enabled: true })));

    const off: UpdateNotificationPreferencesInput = {
      preferences: [
        { kind: 'LIKE', enabled: false },
        { kind: 'FOLLOW', enabled: false },
      ],
    };
    const chosen = kinds.map((kind) => ({ kind, enabled: kind !== 'LIKE' && kind !== 'FOLLOW' }));
    expect(await app.data(Prefer, { input: off }, ada)).toEqual({ updateNotificationPreferences: { preferences: chosen } });
    expect(await preferences()).toEqual(chosen);
    const postId = await post(ada);
    await like(ben, postId);
    await follow(ben, ada);
    await comment(ben, postId);
    expect(await texts(ada)).toEqual([`${ben.username} commented on your post`]);

    await app.data(Prefer, { input: { preferences: [{ kind: 'LIKE', enabled: true }] } }, ada);
    await unlike(ben, postId);
    await like(ben, postId);
    expect(await texts(ada)).toEqual([`${ben.username} liked your post`, `${ben.username} commented on your post`]);
  });

  it("are the viewer's, and name a kind once", async () => {
    const ada = await person('ada');
    const twice: UpdateNotificationPreferencesInput = {
      preferences: [
        { kind: 'LIKE', enabled: false },
        { kind: 'LIKE', enabled: true },
      ],
    };
    const { errors } = await app.execute(Prefer, { input: twice }, ada);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path: 'input.preferences.1.kind' }] });
    expect(await app.code(Prefer, { input: twice })).toBe('UNAUTHENTICATED');
  });
});

describe('acts that come together', () => {
  it('name one, two, and the number of the others, the latest first', async () => {
    const [ada, ben, eve, ian, joe, kim] = (await people('ada', 'ben', 'eve', 'ian', 'joe', 'kim')) as [TestUser, ...TestUser[]] &
      Record<1 | 2 | 3 | 4 | 5, TestUser>;
    const postId = await post(ada);
    await like(ben, postId);
    expect(await texts(ada)).toEqual([`${ben.username} liked your post`]);
    await like(eve, postId);
    expect(await texts(ada)).toEqual([`${eve.username} and ${ben.username} liked your post`]);
    await like(ian, postId);
    expect(await texts(ada)).toEqual([`${ian.username} and 2 others liked your post`]);
    await like(joe, postId);
    await like(kim, postId);
    const [shown, ...more] = await list(ada);
    expect(shown).toMatchObject({
      text: `${kim.username} and 4 others liked your post`,
      actorCount: 5,
      actors: [kim, joe, ian].map(({ username }) => ({ username })),
    });
    expect(more).toEqual([]);
    // Another post is another matter.
    await like(ben, await post(ada));
    expect((await me(ada)).unreadNotificationCount).toBe(2);
  });

  it('count each actor once', async () => {
    const [ada, ben] = (await people('ada', 'ben')) as [TestUser, TestUser];
    const [postId, two] = [await post(ada), await direct(ada, ben)];
    for (let count = 0; count < 3; count += 1) {
      await comment(ben, postId);
      await say(ben, two, 'again');
    }
    expect((await list(ada)).map(({ text, actorCount }) => [text, actorCount])).toEqual(
      expect.arrayContaining([
        [`${ben.username} wrote to you`, 1],
        [`${ben.username} commented on your post`, 1],
      ]),
    );
    expect((await me(ada)).unreadNotificationCount).toBe(2);
  });

  it('come together until they are read', async () => {
    const [ada, ben, eve] = (await people('ada', 'ben', 'eve')) as [TestUser, TestUser, TestUser];
    const postId = await post(ada);
    await like(ben, postId);
    await markRead(ada, { all: true });
    await like(eve, postId);
    expect(await texts(ada)).toEqual([`${eve.username} liked your post`, `${ben.username} liked your post`]);
    // What was read stays as it was.
    await unlike(ben, postId);
    await unlike(eve, postId);
    expect(await texts(ada)).toEqual([`${ben.username} liked your post`]);
  });

  it('lose who takes theirs back, and are gone without anybody', async () => {
    const [ada, ben, eve] = (await people('ada', 'ben', 'eve')) as [TestUser, TestUser, TestUser];
    const postId = await post(ada);
    const { notificationCursor } = await me(ada);
    await like(ben, postId);
    await like(eve, postId);
    await unlike(ben, postId);
    const [{ id } = { id: '' }] = await list(ada);
    expect(await texts(ada)).toEqual([`${eve.username} liked your post`]);
    await unlike(eve, postId);
    await follow(eve, ada);
    await unfollow(eve, ada);
    const written = await comment(eve, postId);
    await comment(eve, postId);
    await app.data(`mutation ($id: ID!) { deleteComment(input: { id: $id }) { commentId } }`, { id: written }, eve);
    expect(await texts(ada)).toEqual([`${eve.username} commented on your post`]);
    expect(await me(ada)).toMatchObject({ unreadNotificationCount: 1, notifications: { totalCount: 1 } });

    // The events lead to it still, and the last one says that it is gone.
    const late = app.connect(ada).subscribe(Added, { after: notificationCursor });
    expect(await next(late)).toMatchObject({
      id,
      isWithdrawn: true,
      actorCount: 0,
      actors: [],
      text: 'This was taken back',
      subject: { id: postId },
    });
    const last = (await until(late, (shown) => shown.kind === 'COMMENT')).at(-1);
    expect(last).toMatchObject({ text: `${eve.username} commented on your post` });

    // Done again, it is the same one.
    await like(ben, postId);
    expect((await list(ada)).find((shown) => shown.id === id)).toMatchObject({
      text: `${ben.username} liked your post`,
      isWithdrawn: false,
    });
  });

  it('take a mention back with its message', async () => {
    const [ada, ben] = (await people('ada', 'ben')) as [TestUser, TestUser];
    const some = await group(ben, ada);
    const [first, second] = [await say(ben, some, `@${ada.username}`), await say(ben, some, `@${ada.username} too`)];
    expect(await texts(ada)).toHaveLength(2);
    await app.data(`mutation ($id: ID!) { deleteMessage(input: { messageId: $id }) { messageId } }`, { id: first }, ben);
    expect((await list(ada)).map(({ subject }) => subject?.id)).toEqual([second]);
    const edit = graphql(
      `mutation NotificationsEdit($id: ID!, $body: String!) { editMessage(input: { messageId: $id, body: $body }) { message { id } } }`,
    );
    await app.data(edit, { id: second, body: 'nobody' }, ben);
    expect(await texts(ada)).toEqual([]);
    await app.data(edit, { id: second, body: `after all @${ada.username}` }, ben);
    expect(await texts(ada)).toEqual([`${ben.username} mentioned you in a message`]);
  });

  it('of a like cost no statement of their own', async () => {
    const [ada, ben] = (await people('ada', 'ben')) as [TestUser, TestUser];
    // The fewest of several: what else the server does now and then would count as well.
    const cost = async (author: TestUser): Promise<number> => {
      const counts: number[] = [];
      while (counts.length < 5) {
        const liked = await post(author);
        counts.push((await app.countStatements(() => like(ben, liked))).length);
      }
      return Math.min(...counts);
    };
    expect(await cost(ada)).toBe(await cost(ben));
  });

  it('are told at once at first, then seldom, and at last as they are', async () => {
    const ada = await person('ada');
    const crowd = await Promise.all(Array.from({ length: 200 }, () => aGuest(app)));
    const postId = await post(ada);
    const [here, there] = [await live(ada), await live(ada)];
    const begun = Date.now();
    const isAllTold = async (): Promise<boolean> => {
      const waiting = await app.database.query(`SELECT 1 FROM graphile_worker.jobs WHERE key LIKE 'notifications.tell:%'`);
      return waiting.length === 0;
    };
    await Promise.all(
      crowd.map(async (user, index) => {
        await like(user, postId);
        if (index % 4 === 0) await unlike(user, postId);
        if (index % 8 === 0) await like(user, postId);
      }),
    );
    const [shown, ...more] = await list(ada);
    expect(more).toEqual([]);
    expect(shown).toMatchObject({ actorCount: 175 });
    await expect.poll(isAllTold).toBe(true);
    const { notificationCursor } = await me(ada);
    for (const events of [here, there]) {
      // The very last: more than once on the way there may be as many.
      const seen = await until(events, ({ cursor }) => cursor === notificationCursor);
      // One at once, then at most one a second for as long as it took.
      expect(seen.length).toBeLessThanOrEqual(2 + (Date.now() - begun) / 1_000);
      expect(seen.at(-1)).toMatchObject({ actorCount: 175, text: shown?.text });
      expect(events.waiting()).toBe(0);
    }
  });
});

describe('reading', () => {
  const some = async (): Promise<{ readonly ada: TestUser; readonly shown: Shown[] }> => {
    const [ada, ben, eve, ian] = (await people('ada', 'ben', 'eve', 'ian')) as [TestUser, TestUser, TestUser, TestUser];
    await like(ben, await post(ada));
    await comment(eve, await post(ada));
    await follow(ian, ada);
    return { ada, shown: await list(ada) };
  };

  it('of one, of many, up to a cursor and of all', async () => {
    const { ada, shown } = await some();
    const [newest, middle, oldest] = shown as [Shown, Shown, Shown];
    const one = await markRead(ada, { ids: [middle.id] });
    expect(one).toMatchObject({ unreadCount: 2, notifications: [{ id: middle.id, readAt: expect.any(String) as string }] });
    expect((await list(ada, { unreadOnly: true })).map(({ id }) => id)).toEqual([newest.id, oldest.id]);
    // Reading again changes nothing.
    expect(await markRead(ada, { ids: [middle.id, middle.id] })).toEqual(one);
    expect(await markRead(ada, { upTo: middle.cursor })).toMatchObject({ unreadCount: 1, notifications: [{ id: oldest.id }] });
    expect(await markRead(ada, { all: true })).toMatchObject({ unreadCount: 0, notifications: [{ id: newest.id }] });
    expect((await list(ada)).map(({ readAt }) => readAt === null)).toEqual([false, false, false]);
    const again = await some();
    expect(await markRead(again.ada, { ids: again.shown.map(({ id }) => id) })).toMatchObject({
      unreadCount: 0,
      notifications: again.shown.map(({ id }) => ({ id })),
    });
  });

  it.each<[string, string, (shown: Shown, others: Shown) => object]>([
    ['nothing', 'BAD_USER_INPUT', () => ({})],
    ['all: false', 'BAD_USER_INPUT', () => ({ all: false })],
    ['two of the three', 'BAD_USER_INPUT', ({ id }) => ({ ids: [id], all: true })],
    ['no ids', 'BAD_USER_INPUT', () => ({ ids: [] })],
    ['too many ids', 'BAD_USER_INPUT', ({ id }) => ({ ids: Array.from({ length: 101 }, () => id) })],
    ['what is no id', 'BAD_USER_INPUT', () => ({ ids: ['nonsense'] })],
    ['an id of another type', 'BAD_USER_INPUT', ({ subject }) => ({ ids: [subject?.id] })],
    ["one of another user's", 'NOT_FOUND', ({ id }, other) => ({ ids: [id, other.id] })],
    ['no cursor', 'BAD_USER_INPUT', () => ({ upTo: 'nonsense' })],
    ["another user's cursor", 'BAD_USER_INPUT', (_shown, other) => ({ upTo: other.cursor })],
  ])('refuses %s with %s and changes nothing', async (_what, code, inputOf) => {
    const [{ ada, shown }, others] = await Promise.all([some(), some()]);
    expect(await app.code(Read, { input: inputOf(shown[0] as Shown, others.shown[0] as Shown) }, ada)).toBe(code);
    expect((await me(ada)).unreadNotificationCount).toBe(3);
  });

  it('is for those who are signed in', async () => {
    expect(await app.code(Read, { input: { all: true } })).toBe('UNAUTHENTICATED');
  });

  it('a direct conversation to its end reads of its messages too', async () => {
    const [ada, ben] = (await people('ada', 'ben')) as [TestUser, TestUser];
    const two = await direct(ada, ben);
    const cursors: string[] = [];
    for (const body of ['one', 'two']) {
      const sent = await app.data(
        graphql(
          `mutation NotificationsSendMessage($id: ID!, $body: String!) { sendMessage(input: { conversationId: $id, body: $body }) { cursor } }`,
        ),
        { id: two, body },
        ben,
      );
      cursors.push(sent.sendMessage.cursor);
    }
    const read = async (cursor: string | undefined): Promise<unknown> =>
      app.data(
        `mutation ($id: ID!, $cursor: String!) { markRead(input: { conversationId: $id, cursor: $cursor }) { conversation { unreadCount } } }`,
        { id: two, cursor },
        ada,
      );
    expect(await read(cursors[0])).toMatchObject({ markRead: { conversation: { unreadCount: 1 } } });
    expect((await me(ada)).unreadNotificationCount).toBe(1);
    expect(await read(cursors[1])).toMatchObject({ markRead: { conversation: { unreadCount: 0 } } });
    expect(await me(ada)).toMatchObject({ unreadNotificationCount: 0, notifications: { totalCount: 1 } });
    await say(ben, two, 'three');
    expect(await me(ada)).toMatchObject({ unreadNotificationCount: 1, notifications: { totalCount: 2 } });
  });

  it('agrees with the count while others act and the same ones are read', async () => {
    const ada = await person('ada');
    const others = await Promise.all(Array.from({ length: 8 }, () => aGuest(app)));
    const posts = await Promise.all(Array.from({ length: 4 }, () => post(ada)));
    await Promise.all([
      ...others.map(async (user) => {
        for (const postId of posts) {
          await like(user, postId);
          await comment(user, postId);
        }
        await follow(user, ada);
      }),
      (async () => {
        for (let round = 0; round < 12; round += 1) {
          const ids = (await list(ada, { unreadOnly: true })).map(({ id }) => id);
          if (ids.length > 0) await markRead(ada, round % 2 === 0 ? { ids } : { all: true });
        }
      })(),
    ]);
    const { unreadNotificationCount } = await me(ada);
    const all = await list(ada, { first: 100 });
    expect(all.filter(({ readAt }) => readAt === null)).toHaveLength(unreadNotificationCount);
    // Of each act one of them tells.
    expect(all.reduce((sum, { actorCount }) => sum + actorCount, 0)).toBe(others.length * (2 * posts.length + 1));
    expect((await markRead(ada, { all: true })).unreadCount).toBe(0);
  });
});

describe('the list and the log', () => {
  it('lists the latest first, whatever arrives while one walks through it', async () => {
    const [ada, ben] = (await people('ada', 'ben')) as [TestUser, TestUser];
    const ids = [];
    for (let count = 0; count < 7; count += 1) {
      const postId = await post(ada);
      await like(ben, postId);
      ids.unshift(postId);
    }
    const seen: (string | undefined)[] = [];
    let after: string | null = null;
    for (;;) {
      const page: Listed = (await me(ada, { first: 2, after })).notifications;
      seen.push(...page.edges.map(({ node }) => node.subject?.id));
      expect(page.edges.map(({ cursor }) => cursor)).toEqual(page.edges.map(({ node }) => node.cursor));
      await like(ben, await post(ada));
      if (!page.pageInfo.hasNextPage) break;
      after = page.pageInfo.endCursor;
    }
    expect(seen).toEqual(ids);
  });

  it('comes to all devices and is resumed from any cursor, nothing twice and nothing left out', async () => {
    const [ada, ben, eve] = (await people('ada', 'ben', 'eve')) as [TestUser, TestUser, TestUser];
    const postId = await post(ada);
    const devices = [await live(ada), await live(ada)];
    await like(ben, postId);
    await comment(ben, postId);
    await follow(ben, ada);
    const seen = await Promise.all(devices.map(async (device) => (await device.take(3)).map(({ notificationAdded }) => notificationAdded)));
    expect(seen[0]?.map(({ kind }) => kind)).toEqual(['LIKE', 'COMMENT', 'FOLLOW']);
    expect(seen[1]).toEqual(seen[0]);

    // It is told again, so its latest event is the last; the others keep their places.
    await like(eve, postId);
    const again = await until(devices[0] as TestSubscription<ResultOf<typeof Added>>, ({ actorCount }) => actorCount === 2);
    expect(again).toHaveLength(1);
    const late = app.connect(ada).subscribe(Added, { after: seen[0]?.[0]?.cursor });
    const replayed = [await late.next(), await late.next(), await late.next()];
    expect(replayed.map(({ data }) => data?.notificationAdded.kind)).toEqual(['COMMENT', 'FOLLOW', 'LIKE']);
    expect(replayed.map(({ extensions }) => extensions?.['cursor'])).toEqual(replayed.map(({ data }) => data?.notificationAdded.cursor));
    expect((await me(ada)).notificationCursor).toBe(replayed.at(-1)?.data?.notificationAdded.cursor);

    // From before: each event is its own place, whatever its notification has come to since.
    const [first] = await app
      .connect(ada)
      .subscribe(Added, { after: replayed.at(-2)?.data?.notificationAdded.cursor })
      .take(1);
    expect(first?.notificationAdded).toMatchObject({ kind: 'LIKE', actorCount: 2 });
  });
});

describe('announcements', () => {
  const Announce = graphql(
    `mutation NotificationsAnnounce($input: AnnounceInput!) { announce(input: $input) { announcement { id text cursor clientId author { username } } } }`,
  );
  const Heard = graphql(
    `subscription NotificationsHeard($after: String) { announcementAdded(after: $after) { id cursor text author { username } } }`,
  );
  const Past = graphql(
    `query NotificationsPast($first: Int, $after: String) { announcementCursor announcements(first: $first, after: $after) { totalCount edges { cursor node { id text } } pageInfo { endCursor } } }`,
  );
  it('come to everyone from one log, and are there to read afterwards', async () => {
    const speaker = await app.userWithRole('speaker', 'MODERATOR');
    const listeners = await people('ada', 'ben', 'eve');
    const before = await app.data(Past, {}, speaker);
    const heard = listeners.map((user) => app.connect(user).subscribe(Heard, { after: before.announcementCursor }));
    const announced: { readonly id: string; readonly cursor: string }[] = [];
    for (const text of ['First', 'Second']) announced.push((await app.data(Announce, { input: { text } }, speaker)).announce.announcement);
    for (const each of heard) {
      expect((await each.take(2)).map(({ announcementAdded: { id, cursor, text } }) => ({ id, cursor, text }))).toEqual([
        { id: announced[0]?.id, cursor: announced[0]?.cursor, text: 'First' },
        { id: announced[1]?.id, cursor: announced[1]?.cursor, text: 'Second' },
      ]);
    }
    const after = await app.data(Past, { first: 1 }, listeners[0]);
    expect(after.announcementCursor).toBe(announced[1]?.cursor);
    expect(after.announcements).toMatchObject({
      totalCount: before.announcements.totalCount + 2,
      edges: [{ cursor: announced[1]?.cursor, node: { text: 'Second' } }],
    });
    const rest = await app.data(Past, { first: 1, after: after.announcements.pageInfo.endCursor }, listeners[0]);
    expect(rest.announcements.edges).toMatchObject([{ node: { text: 'First' } }]);
    // It is one row for all, and nothing in anybody's own list.
    expect(await list(listeners[0] as TestUser)).toEqual([]);
  });

  it.each([
    ['a moderator', null],
    ['an administrator', null],
    ['a member', 'FORBIDDEN'],
    ['a guest', 'FORBIDDEN'],
    ['nobody', 'UNAUTHENTICATED'],
  ] as const)('by %s: %s', async (who, code) => {
    const name = `teller${(serial += 1)}`;
    const as = await {
      'a moderator': () => app.userWithRole(name, 'MODERATOR'),
      'an administrator': () => app.userWithRole(name, 'ADMIN'),
      'a member': () => app.user(name),
      'a guest': () => aGuest(app),
      nobody: () => undefined,
    }[who]();
    expect((await app.code(Announce, { input: { text: `By ${name}` } }, as)) ?? null).toBe(code);
    const reader = await person('reader');
    const { announcements } = await app.data(Past, { first: 100 }, reader);
    expect(announcements.edges.some(({ node }) => node.text === `By ${name}`)).toBe(code === null);
  });

  it('are once what is sent once, also at the same time', async () => {
    const speaker = await app.userWithRole(`speaker${(serial += 1)}`, 'ADMIN');
    const input = { text: 'Once', clientId: 'announcement-1' };
    const answers = await Promise.all(Array.from({ length: 6 }, () => app.data(Announce, { input }, speaker)));
    expect(new Set(answers.map(({ announce }) => announce.announcement.id)).size).toBe(1);
    expect(new Set(answers.map(({ announce }) => announce.announcement.cursor)).size).toBe(1);
    expect(await app.code(Announce, { input: { ...input, text: 'Twice' } }, speaker)).toBe('CONFLICT');
  });

  it.each([
    ['an empty text', { text: ' ' }, 'input.text'],
    ['a text that is too long', { text: 'x'.repeat(1_001) }, 'input.text'],
    ['control characters', { text: 'a\u0007b' }, 'input.text'],
    ['a clientId with spaces', { text: 'fine', clientId: 'a b' }, 'input.clientId'],
  ])('refuse %s', async (_what, input, path) => {
    const speaker = await app.userWithRole(`speaker${(serial += 1)}`, 'MODERATOR');
    const { errors } = await app.execute(Announce, { input }, speaker);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path }] });
  });

  it('are for those who are signed in; where they stand is for anyone', async () => {
    expect(await app.execute(Past)).toMatchObject({
      data: { announcementCursor: expect.any(String) as string, announcements: null },
      errors: [{ extensions: { code: 'UNAUTHENTICATED' } }],
    });
    const { errors } = await app.connect().subscribe(Heard).next();
    expect(errors?.[0]?.extensions?.['code']).toBe('UNAUTHENTICATED');
  });
});
