import { createClient } from 'graphql-sse';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { alertAdministrators } from '../../src/domains/audit/topics.js';
import { schema } from '../../src/process/schema.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { editEntry } from '../kit/acts.js';
import { aComment, aMessage, anEntry, aPost, aRoom } from '../kit/factories.js';
import { graphql, present } from '../kit/graphql.js';

const AnnouncementCursor = graphql(`
  query AnnouncementCursor {
    announcementCursor
  }
`);
const AlertCursor = graphql(`
  query AlertCursor {
    securityAlertCursor
  }
`);
const Announce = graphql(`
  mutation Announce($text: String!) {
    announce(input: { text: $text }) {
      announcement {
        id
      }
    }
  }
`);
const CursorsOfViewer = graphql(`
  query CursorsOfViewer {
    me {
      notificationCursor
      inboxCursor
      feedCursor
    }
  }
`);
const EntryCursors = graphql(`
  query EntryCursors($id: ID!) {
    entriesCursor
    entry(id: $id) {
      changeCursor
    }
  }
`);
const DeletePost = graphql(`
  mutation DeletePost($id: ID!) {
    deletePost(input: { id: $id }) {
      postId
    }
  }
`);

/** Each subscription over a log: how it is followed, and the events of its stream. */
const FIELDS = {
  commentAdded: {
    of: 'post',
    query: 'subscription ($id: ID!, $after: String) { event: commentAdded(postId: $id, after: $after) { cursor } }',
  },
  postEvents: {
    of: 'post',
    query: 'subscription ($id: ID!, $after: String) { event: postEvents(postId: $id, after: $after) { __typename cursor } }',
  },
  messageAdded: {
    of: 'room',
    query: 'subscription ($id: ID!, $after: String) { event: messageAdded(conversationId: $id, after: $after) { cursor } }',
  },
  conversationEvents: {
    of: 'room',
    query:
      'subscription ($id: ID!, $after: String) { event: conversationEvents(conversationId: $id, after: $after) { __typename cursor } }',
  },
  notificationAdded: {
    of: 'notifications',
    query: 'subscription ($after: String) { event: notificationAdded(after: $after) { id cursor } }',
  },
  inboxChanged: { of: 'inbox', query: 'subscription ($after: String) { event: inboxChanged(after: $after) { kind cursor } }' },
  feedEvents: { of: 'feed', query: 'subscription ($after: String) { event: feedEvents(after: $after) { postId cursor } }' },
  entryChanged: {
    of: 'entry',
    query: 'subscription ($id: ID!, $after: String) { event: entryChanged(id: $id, after: $after) { kind cursor } }',
  },
  entriesChanged: { of: 'entries', query: 'subscription ($after: String) { event: entriesChanged(after: $after) { kind cursor } }' },
  securityAlertAdded: {
    of: 'security',
    query: 'subscription ($after: String) { event: securityAlertAdded(after: $after) { kind cursor } }',
  },
  announcementAdded: { of: 'everyone', query: 'subscription ($after: String) { event: announcementAdded(after: $after) { id cursor } }' },
} as const;
type Field = keyof typeof FIELDS;
const fieldNames = Object.keys(FIELDS) as Field[];

describe('H35: Last-Event-ID is answered as `after` is', () => {
  let app: TestApp;
  let ada: TestUser;
  let ben: TestUser;
  let admin: TestUser;
  let post: string;
  let gone: string;
  let room: string;
  let entry: string;
  /** Of each stream: where it began, and how many events there are behind that for the field. */
  const begins: Record<string, string> = {};

  beforeAll(async () => {
    app = await startTestApp();
    [ada, ben, admin] = [await app.user('ada'), await app.user('ben'), await app.userWithRole('chief', 'ADMIN')];
    entry = (await anEntry(app, ada)).id;
    const [stays, goes, talks] = [await aPost(app, ada), await aPost(app, ada), await aRoom(app, ada)];
    [post, gone, room] = [stays.id, goes.id, talks.id];
    const { me } = await app.data(CursorsOfViewer, {}, ada);
    const entries = await app.data(EntryCursors, { id: entry });
    Object.assign(begins, {
      post: stays.commentCursor,
      gone: goes.commentCursor,
      room: talks.cursor,
      notifications: me.notificationCursor,
      inbox: me.inboxCursor,
      feed: me.feedCursor,
      entry: present(entries.entry).changeCursor,
      entries: present(entries.entriesCursor),
      everyone: (await app.data(AnnouncementCursor)).announcementCursor,
      security: (await app.data(AlertCursor, {}, admin)).securityAlertCursor,
    });
    for (const id of [post, gone]) for (const body of ['one', 'two']) await aComment(app, ben, id, { body });
    await app.data(DeletePost, { id: gone }, ada);
    for (const [index, text] of ['one', 'two'].entries()) {
      await editEntry(app, ada, { id: entry, expectedVersion: index + 1, title: text });
      await aMessage(app, ada, room, text);
      await aPost(app, ada, { body: text });
      await app.data(Announce, { text }, admin);
      await app.services.db.transact(async (tx) => alertAdministrators(tx, 'ROLE_CHANGED'));
    }
  });
  afterAll(() => app.stop());

  /** What a stream answers: its first events, or its refusal; `complete` where it is over by then. */
  const answers = async (
    field: Field,
    user: TestUser | null,
    id: string,
    resume: { readonly after?: string; readonly lastEventId?: string },
  ): Promise<unknown[]> => {
    const headers = {
      ...(user === null ? {} : { authorization: `Bearer ${user.token}` }),
      ...(resume.lastEventId === undefined ? {} : { 'last-event-id': resume.lastEventId }),
    };
    const client = createClient({ url: app.url, retryAttempts: 0, headers });
    const { query } = FIELDS[field];
    const variables = { ...(query.includes('$id') ? { id } : {}), ...(resume.after === undefined ? {} : { after: resume.after }) };
    const seen: unknown[] = [];
    for await (const { data, errors } of client.iterate({ query, variables })) {
      seen.push(errors?.map(({ message, extensions }) => ({ message, extensions })) ?? data);
      // Of what stays open no more is asked than there is.
      if (!errors && seen.length === EVENTS[field] && id !== gone) {
        client.dispose();
        return seen;
      }
    }
    client.dispose();
    return [...seen, 'complete'];
  };
  /** How many events of the field follow the beginning. */
  const EVENTS: Readonly<Record<Field, number>> = {
    commentAdded: 2,
    postEvents: 2,
    messageAdded: 2,
    conversationEvents: 2,
    notificationAdded: 1,
    inboxChanged: 2,
    feedEvents: 2,
    announcementAdded: 2,
    securityAlertAdded: 2,
    entryChanged: 2,
    entriesChanged: 2,
  };

  const streamOf = (field: Field): { readonly id: string; readonly begin: string } => {
    const { of } = FIELDS[field];
    return { id: of === 'room' ? room : of === 'entry' ? entry : post, begin: begins[of] ?? '' };
  };

  /** Somebody who may follow it. */
  const followerOf = (field: Field): TestUser => (FIELDS[field].of === 'security' ? admin : ada);

  /** Whether anybody may follow it. */
  const isOpen = (field: Field): boolean => ['post', 'entry', 'entries'].includes(FIELDS[field].of);

  it('for every subscription that has `after`', () => {
    const fields = Object.values(schema.getSubscriptionType()?.getFields() ?? {});
    expect(
      fields
        .filter(({ args }) => args.some(({ name }) => name === 'after'))
        .map(({ name }) => name)
        .sort(),
    ).toEqual([...fieldNames].sort());
  });

  it.each(fieldNames)('%s: for one who may follow it, whatever `after` says beside it', async (field) => {
    const { id, begin } = streamOf(field);
    const user = followerOf(field);
    const expected = await answers(field, user, id, { after: begin });
    expect(expected).toHaveLength(EVENTS[field]);
    expect(await answers(field, user, id, { lastEventId: begin })).toEqual(expected);
    expect(await answers(field, user, id, { after: 'anything', lastEventId: begin })).toEqual(expected);
  });

  it.each(fieldNames)('%s: for those who may not', async (field) => {
    const { id, begin } = streamOf(field);
    for (const user of FIELDS[field].of === 'room' ? [ben, null] : isOpen(field) ? [] : [null]) {
      const expected = await answers(field, user, id, { after: begin });
      expect(expected).toMatchObject([[{ extensions: { code: user === null ? 'UNAUTHENTICATED' : 'NOT_FOUND' } }], 'complete']);
      expect(await answers(field, user, id, { lastEventId: begin })).toEqual(expected);
    }
  });

  it.each(fieldNames)('%s: for a cursor that is none, of another stream, or longer than any', async (field) => {
    const { id, begin } = streamOf(field);
    for (const cursor of ['none', begins[FIELDS[field].of === 'room' ? 'post' : 'room'] ?? '', begin.padEnd(8_000, 'A')]) {
      const expected = await answers(field, followerOf(field), id, { after: cursor });
      expect(expected).toMatchObject([[{ extensions: { code: 'BAD_USER_INPUT' } }], 'complete']);
      expect(await answers(field, followerOf(field), id, { lastEventId: cursor })).toEqual(expected);
    }
  });

  it.each(['postEvents', 'commentAdded'] as const)('%s: for a post that was deleted meanwhile', async (field) => {
    const events = await answers(field, ben, gone, { after: begins['gone'] ?? '' });
    expect(events.at(-1)).toBe('complete');
    expect(await answers(field, ben, gone, { lastEventId: begins['gone'] ?? '' })).toEqual(events);
    for (const seen of events.slice(0, -1) as { event: { cursor: string } }[]) {
      const { cursor } = seen.event;
      expect(await answers(field, ben, gone, { lastEventId: cursor })).toEqual(await answers(field, ben, gone, { after: cursor }));
    }
  });
});
