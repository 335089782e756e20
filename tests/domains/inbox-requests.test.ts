import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aFollow, aGroup, aMessage, aRequest } from '../kit/factories.js';
import { graphql } from '../kit/graphql.js';
import { InboxChanged, inboxOf, markRead } from '../kit/inbox.js';

const Requests = graphql(
  `query InboxRequests { me { conversations(filter: { isRequest: true }) { nodes { id isRequest peer { username } } } unreadCounts { messages mentions notifications requests } } }`,
);
const Accept = graphql(
  `mutation InboxAccept($id: ID!) { acceptRequest(input: { conversationId: $id }) { conversation { id isRequest } me { unreadCounts { messages requests } } } }`,
);
const Decline = graphql(
  `mutation InboxDecline($id: ID!) { declineRequest(input: { conversationId: $id }) { me { unreadCounts { messages requests } } } }`,
);
const Awaits = graphql(`query InboxAwaits($id: ID!) { conversation(id: $id) { awaitsAcceptance isRequest } }`);
const Archive = graphql(
  `mutation InboxArchiveRequest($id: ID!) { archiveConversation(input: { conversationId: $id }) { conversation { id } } }`,
);
const Say = graphql(`mutation InboxSay($id: ID!, $body: String!) { sendMessage(input: { conversationId: $id, body: $body }) { cursor } }`);
const Events = graphql(`query InboxRequestEvents($id: ID!) { conversationEvents(conversationId: $id, first: 100) { __typename } }`);

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.stop());

let people = 0;
const pair = async (): Promise<readonly [TestUser, TestUser]> => {
  people += 1;
  return await Promise.all([app.user(`stranger${people}`), app.user(`person${people}`)]);
};
const requestsOf = async (user: TestUser) => (await app.data(Requests, {}, user)).me;
const listOf = async (user: TestUser) => (await inboxOf(app, user)).conversations.map(({ id }) => id);

describe('a direct conversation that a stranger begins', () => {
  it('comes as a request, beside the list, and counts and notifies of nothing', async () => {
    const [stranger, person] = await pair();
    const { cursor } = await inboxOf(app, person);
    const inbox = app.connect(person).subscribe(InboxChanged, { after: cursor });
    const { id } = await aRequest(app, stranger, person);
    expect((await inbox.data()).inboxChanged).toMatchObject({ kind: 'REQUEST', conversationId: id, unread: { requests: 1, messages: 0 } });
    await aMessage(app, stranger, id, `Hello @${person.username}`);
    expect((await inbox.data()).inboxChanged).toMatchObject({
      kind: 'MESSAGE',
      unread: { requests: 1, messages: 0, mentions: 0, notifications: 0 },
    });
    expect(await listOf(person)).toEqual([]);
    expect(await requestsOf(person)).toEqual({
      conversations: { nodes: [{ id, isRequest: true, peer: { username: stranger.username } }] },
      unreadCounts: { messages: 0, mentions: 0, notifications: 0, requests: 1 },
    });
    expect(await listOf(stranger)).toEqual([id]);
  });

  it('comes into the list when it is accepted, and then counts', async () => {
    const [stranger, person] = await pair();
    const { id } = await aRequest(app, stranger, person);
    await aMessage(app, stranger, id);
    expect((await app.data(Awaits, { id }, stranger)).conversation).toEqual({ awaitsAcceptance: true, isRequest: false });
    expect((await app.data(Accept, { id }, person)).acceptRequest).toEqual({
      conversation: { id, isRequest: false },
      me: { unreadCounts: { messages: 1, requests: 0 } },
    });
    expect(await listOf(person)).toEqual([id]);
    expect((await app.data(Awaits, { id }, stranger)).conversation).toEqual({ awaitsAcceptance: false, isRequest: false });
  });

  it('is accepted by whoever writes in it, or begins it from their side', async () => {
    const [stranger, person] = await pair();
    const { id } = await aRequest(app, stranger, person);
    await aMessage(app, person, id, 'Welcome');
    expect(await listOf(person)).toEqual([id]);
    const [other, somebody] = await pair();
    const request = await aRequest(app, other, somebody);
    expect((await aRequest(app, somebody, other)).id).toBe(request.id);
    expect(await listOf(somebody)).toEqual([request.id]);
  });

  it('is in no list once it is declined, without a word to the stranger, and can be accepted after all', async () => {
    const [stranger, person] = await pair();
    const { id } = await aRequest(app, stranger, person);
    const { cursor } = await inboxOf(app, stranger);
    const inbox = app.connect(person).subscribe(InboxChanged, { after: (await inboxOf(app, person)).cursor });
    expect((await app.data(Decline, { id }, person)).declineRequest.me.unreadCounts).toEqual({ messages: 0, requests: 0 });
    expect((await inbox.data()).inboxChanged).toMatchObject({ kind: 'CONVERSATION_REMOVED', conversationId: id, conversation: null });
    expect((await requestsOf(person)).conversations.nodes).toEqual([]);
    expect((await inboxOf(app, stranger)).cursor).toBe(cursor);
    await aMessage(app, stranger, id);
    expect((await requestsOf(person)).unreadCounts).toMatchObject({ messages: 0, requests: 0 });
    await app.data(Accept, { id }, person);
    expect(await inboxOf(app, person)).toMatchObject({ conversations: [{ id, unreadCount: 1 }], unread: { messages: 1 } });
  });

  it('takes three messages until it is accepted, however many are sent at once', async () => {
    const [stranger, person] = await pair();
    const { id } = await aRequest(app, stranger, person);
    const answers = await Promise.all(Array.from({ length: 8 }, (_, n) => app.execute(Say, { id, body: `Message ${n}` }, stranger)));
    expect(answers.filter(({ errors }) => errors === undefined)).toHaveLength(3);
    expect(answers.flatMap(({ errors = [] }) => errors.map(({ extensions }) => extensions?.['code']))).toEqual(Array(5).fill('FORBIDDEN'));
    await app.data(Accept, { id }, person);
    await aMessage(app, stranger, id, 'a fourth');
  });

  it('does not tell the stranger that it was read', async () => {
    const [stranger, person] = await pair();
    const { id } = await aRequest(app, stranger, person);
    const { cursor } = await aMessage(app, stranger, id);
    await markRead(app, person, id, cursor);
    expect((await app.data(Events, { id }, stranger)).conversationEvents.map((each) => each.__typename)).not.toContain('ReadMoved');
  });

  it('is none when the other one follows whoever begins it, or is in a conversation with them', async () => {
    const [one, other] = await pair();
    await aFollow(app, other, one);
    expect(await listOf(other)).toEqual([]);
    const direct = await aRequest(app, one, other);
    expect(await listOf(other)).toEqual([direct.id]);
    const [ann, bob] = await pair();
    const group = await aGroup(app, bob, [ann]);
    const among = await aRequest(app, ann, bob);
    expect((await listOf(bob)).sort()).toEqual([among.id, group.id].sort());
    // To follow somebody makes nobody known to them.
    const [fan, star] = await pair();
    await aFollow(app, fan, star);
    await aRequest(app, fan, star);
    expect((await requestsOf(star)).unreadCounts.requests).toBe(1);
  });

  it('is not archived, before or after it is declined, since it would be in no list', async () => {
    const [stranger, person] = await pair();
    const { id } = await aRequest(app, stranger, person);
    const refusal = { code: 'BAD_USER_INPUT', fields: [expect.objectContaining({ code: 'NOT_ALLOWED' })] };
    expect((await app.execute(Archive, { id }, person)).errors?.[0]?.extensions).toMatchObject(refusal);
    expect((await requestsOf(person)).conversations.nodes).toHaveLength(1);
    await app.data(Decline, { id }, person);
    expect((await app.execute(Archive, { id }, person)).errors?.[0]?.extensions).toMatchObject(refusal);
    await app.data(Accept, { id }, person);
    expect(await listOf(person)).toEqual([id]);
    expect((await app.execute(Archive, { id }, person)).errors).toBeUndefined();
  });

  it('is accepted or declined by nobody else', async () => {
    const [stranger, person] = await pair();
    const outsider = await app.user(`outsider${people}`);
    const { id } = await aRequest(app, stranger, person);
    const codes = await Promise.all(
      [outsider, stranger].flatMap((user) => [app.execute(Accept, { id }, user), app.execute(Decline, { id }, user)]),
    );
    expect(codes.map(({ errors }) => errors?.[0]?.extensions?.['code'])).toEqual(['NOT_FOUND', 'NOT_FOUND', undefined, 'BAD_USER_INPUT']);
    expect((await requestsOf(person)).unreadCounts.requests).toBe(1);
  });
});
