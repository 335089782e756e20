import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { anEntry } from '../kit/factories.js';
import { graphql } from '../kit/graphql.js';
import { createTalk, type Talk } from '../kit/talk.js';

let app: TestApp;
let talk: Talk;
let ada: TestUser;
beforeAll(async () => {
  app = await startTestApp();
  talk = createTalk(app);
  ada = await app.user('ada');
});
afterAll(() => app.stop());

const ByUser = graphql(`query OneOfByUser($by: UserBy, $id: ID, $username: String) { user(by: $by, id: $id, username: $username) { id } }`);
const ByEntry = graphql(`query OneOfByEntry($by: EntryBy, $id: ID, $slug: String) { entry(by: $by, id: $id, slug: $slug) { id } }`);

describe('what is found by exactly one of several', () => {
  it('finds a user by each, and in the short form', async () => {
    for (const variables of [{ by: { id: ada.id } }, { by: { username: 'ADA' } }, { id: ada.id }, { username: 'ada' }]) {
      expect(await app.data(ByUser, variables)).toEqual({ user: { id: ada.id } });
    }
  });

  it('finds an entry by each, and in the short form', async () => {
    const entry = await anEntry(app, ada);
    for (const variables of [{ by: { id: entry.id } }, { by: { slug: entry.slug } }, { id: entry.id }, { slug: entry.slug }]) {
      expect(await app.data(ByEntry, variables)).toEqual({ entry: { id: entry.id } });
    }
  });

  it('marks notifications as read by each', async () => {
    for (const which of [
      { all: true },
      { upTo: (await app.data(graphql(`query OneOfMe { me { notificationCursor } }`), {}, ada)).me.notificationCursor },
    ]) {
      expect(await talk.act(ada, 'markNotificationsRead', { which }, 'unreadCount')).toEqual({ unreadCount: 0 });
    }
    expect(await talk.code(ada, 'markNotificationsRead', { which: { ids: ['nonsense'] } })).toBe('BAD_USER_INPUT');
    expect(await talk.code(ada, 'markNotificationsRead', { which: { ids: [] } })).toBe('BAD_USER_INPUT');
  });

  it('follows the presence of users and of the members of a conversation', async () => {
    const { id: conversationId } = await talk.group(ada, []);
    for (const of of [{ userIds: [ada.id] }, { conversationId }]) {
      const live = app
        .connect(ada)
        .subscribe(graphql(`subscription OneOfPresenceChanged($of: PresenceOf) { presenceChanged(of: $of) { user { username } } }`), {
          of,
        });
      expect(await live.data()).toEqual({ presenceChanged: { user: { username: 'ada' } } });
    }
  });

  it.each([
    ['none', {}],
    ['both', { by: { id: 'a', username: 'b' } }],
    ['none within', { by: {} }],
    ['null within', { by: { id: null } }],
    ['one of each form', { by: { username: 'a' }, username: 'a' }],
    ['two in the short form', { id: 'a', username: 'b' }],
  ])('refuses %s', async (_name, variables) => {
    const { errors } = await app.execute(ByUser.toString(), variables);
    expect(errors?.map(({ extensions }) => extensions?.['code'])).toEqual(['BAD_USER_INPUT']);
  });

  it('says which mistake it is', async () => {
    const { errors } = await app.execute(ByUser.toString(), { by: { id: 'a', username: 'b' } });
    expect(errors?.[0]?.extensions).toMatchObject({ fields: [{ path: 'by', code: 'EXCLUSIVE' }] });
  });
});
