import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseId } from '../../src/graphql/ids.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { graphql, type ResultOf } from '../kit/graphql.js';
import type { TestSubscription } from '../kit/client.js';
import { createTalk, type Talk } from '../kit/talk.js';

let app: TestApp;
let talk: Talk;
let ada: TestUser;
let ben: TestUser;
let serial = 0;

beforeAll(async () => {
  app = await startTestApp({ env: { MESSAGE_RETENTION: '30d' } });
  talk = createTalk(app);
});
beforeEach(async () => {
  serial += 1;
  [ada, ben] = await Promise.all([app.user(`ada${serial}`), app.user(`ben${serial}`)]);
});
afterAll(() => app.stop());

const Me = graphql(
  `query GoneMe { me { unreadNotificationCount notificationCursor notifications { totalCount nodes { kind subject { id } } } } }`,
);
const Added = graphql(`subscription GoneAdded($after: String) { notificationAdded(after: $after) { kind isWithdrawn } }`);
const me = async (user: TestUser) => (await app.data(Me, {}, user)).me;

/** Follows what a user is told from here. */
const follow = async (user: TestUser): Promise<TestSubscription<ResultOf<typeof Added>>> =>
  app.connect(user).subscribe(Added, { after: (await me(user)).notificationCursor });
/** Resolves when as many notifications have been told as withdrawn. */
const withdrawn = async (told: TestSubscription<ResultOf<typeof Added>>, count: number) => {
  const seen: ResultOf<typeof Added>['notificationAdded'][] = [];
  while (seen.length < count) {
    const { notificationAdded } = await told.data();
    if (notificationAdded.isWithdrawn) seen.push(notificationAdded);
  }
  return seen;
};

const make = async (as: TestUser, name: string, input: object, field: string): Promise<string> => {
  const payload = await talk.act<Record<string, { id: string }>>(as, name, input, `${field} { id }`);
  return payload[field]?.id ?? '';
};
const NOTHING = { unreadNotificationCount: 0, notifications: { totalCount: 0 } };

/** Something by which ada and ben are told of something. */
interface Told {
  readonly ada: number;
  readonly ben: number;
  /** What it is about goes. */
  readonly goes: () => Promise<unknown>;
}

const CASES: Readonly<Record<string, () => Promise<Told>>> = {
  'a post is deleted': async () => {
    const post = await make(ada, 'createPost', { body: 'Hello' }, 'post');
    await talk.act(ben, 'likePost', { postId: post }, '__typename');
    const comment = await make(ben, 'addComment', { postId: post, body: 'Hi' }, 'comment');
    await make(ada, 'addComment', { postId: post, body: 'Hi yourself', replyToId: comment }, 'comment');
    return { ada: 2, ben: 1, goes: () => talk.act(ada, 'deletePost', { id: post }, '__typename') };
  },
  'an entry is deleted': async () => {
    const entry = await make(ada, 'createEntry', { title: 'Hello', content: 'World' }, 'entry');
    await talk.act(ben, 'likeEntry', { entryId: entry }, '__typename');
    return { ada: 1, ben: 0, goes: () => talk.act(ada, 'deleteEntry', { id: entry }, '__typename') };
  },
  'a comment that was answered is deleted': async () => {
    const post = await make(ada, 'createPost', { body: 'Hello' }, 'post');
    const comment = await make(ben, 'addComment', { postId: post, body: 'Hi' }, 'comment');
    await make(ada, 'addComment', { postId: post, body: 'Hi yourself', replyToId: comment }, 'comment');
    return { ada: 1, ben: 1, goes: () => talk.act(ben, 'deleteComment', { id: comment }, '__typename') };
  },
  'a message is deleted': async () => {
    const { id } = await talk.group(ada, [ben]);
    const message = await talk.send(ben, id, `Hello @${ada.username}`);
    return { ada: 1, ben: 0, goes: () => talk.act(ben, 'deleteMessage', { messageId: message.id }, '__typename') };
  },
  'one leaves the conversation': async () => {
    const { id } = await talk.group(ada, [ben]);
    await talk.send(ada, id, `Hello @${ben.username}`);
    return { ada: 0, ben: 1, goes: () => talk.act(ben, 'leaveConversation', { conversationId: id }, '__typename') };
  },
  'one is removed from the conversation': async () => {
    const { id } = await talk.group(ada, [ben]);
    await talk.send(ada, id, `Hello @${ben.username}`);
    return { ada: 0, ben: 1, goes: () => talk.act(ada, 'removeMember', { conversationId: id, userId: ben.id }, '__typename') };
  },
  'a message is no longer kept': async () => {
    const { id } = await talk.group(ada, [ben]);
    await talk.send(ada, id, `Hello @${ben.username}`);
    await app.database.query(`UPDATE event SET at = at - interval '31 days' WHERE topic = 'conversation' AND key = $1`, [parseId(id).id]);
    const goes = async (): Promise<void> => {
      await app.runTask('conversations.applyRetention');
      await app.runTask('conversations.applyRetention');
    };
    return { ada: 0, ben: 1, goes };
  },
};

describe.each(Object.entries(CASES))('when %s', (_what, prepare) => {
  it('what was told of it is withdrawn, from lists, counts and live', async () => {
    const told = await prepare();
    const users = [
      [ada, told.ada],
      [ben, told.ben],
    ] as const;
    for (const [user, count] of users) expect((await me(user)).unreadNotificationCount).toBe(count);
    const live = await Promise.all(users.map(async ([user, count]) => ({ followed: await follow(user), count })));
    await told.goes();
    for (const [user] of users) expect(await me(user)).toMatchObject(NOTHING);
    for (const { followed, count } of live) expect(await withdrawn(followed, count)).toHaveLength(count);
  });
});

describe('what has been read', () => {
  it('stays in the list when what it is about goes', async () => {
    const entry = await make(ada, 'createEntry', { title: 'Hello', content: 'World' }, 'entry');
    await talk.act(ben, 'likeEntry', { entryId: entry }, '__typename');
    await talk.act(ada, 'markNotificationsRead', { all: true }, '__typename');
    await talk.act(ada, 'deleteEntry', { id: entry }, '__typename');
    expect(await me(ada)).toMatchObject({
      unreadNotificationCount: 0,
      notifications: { totalCount: 1, nodes: [{ kind: 'LIKE', subject: null }] },
    });
  });
});
