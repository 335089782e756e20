import fc from '../kit/cases.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { notificationCursorOf, statusOf } from '../kit/acts.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { createTestDatabase, type TestDatabase } from '../kit/database.js';
import { graphql, type ResultOf } from '../kit/graphql.js';
import { LikeCountChanged } from '../kit/subscriptions.js';
import { startOwnRedis, type OwnRedis } from '../realtime/hazard-world.js';
import { called, createModel, isMember, notificationName, orderMembers, play, type Act, type Conversation, type Model } from './model.js';
import { actOf, step, type Step } from './model-acts.js';
import { createDevice, type Device } from './model-device.js';
import { answerInWords, createNames, inIds, NOTIFICATION, viewOf, viewQuery, type Names } from './model-view.js';

/** Random acts of four users at two servers, against the rules in `model.ts`. */
const RUNS = 6;
const STEPS = { minLength: 1, maxLength: 80, size: 'max' } as const;
const USERS = ['ada', 'ben', 'carl', 'dora'];

let redis: OwnRedis;
let database: TestDatabase;
let apps: readonly [TestApp, TestApp];

beforeAll(async () => {
  redis = await startOwnRedis();
  database = await createTestDatabase();
  // Nothing comes by a reconcile: each wake has to arrive. What shows much at once is dear, and slow on a busy machine, and not what this is about.
  const dear = { MAX_QUERY_COMPLEXITY: '10000000', MAX_EVENT_COMPLEXITY: '10000000', RATE_LIMIT_FACTOR: '0' };
  const slow = { OPERATION_TIMEOUT_MS: '600000', DATABASE_TIMEOUT_MS: '60000' };
  const env = { ...redis.env, PRESENCE_GRACE_MS: '0', ...dear, ...slow };
  const first = await startTestApp({ database, env });
  apps = [first, await startTestApp({ database, env: { ...env, DATA_DIR: first.services.config.dataDir } })];
});
afterAll(async () => {
  for (const app of apps.toReversed()) await app.stop();
  await database.drop();
  await redis.stop();
});

// ---------------------------------------------------------------- one run

interface Run {
  readonly model: Model;
  readonly names: Names;
  readonly people: ReadonlyMap<string, TestUser>;
  readonly devices: ReadonlyMap<string, Device>;
  /** What was done, for who reads of a failure. */
  readonly story: string[];
}

let runs = 0;

/** People whom nobody knows yet. */
const begin = async (): Promise<Run> => {
  runs += 1;
  const people = await Promise.all(USERS.map((name) => apps[0].user(`${name}${runs}`)));
  const names = createNames();
  for (const { id, username } of people) names.set(username, id);
  const run: Run = {
    model: createModel(people.map(({ username }) => username)),
    names,
    people: new Map(people.map((user) => [user.username, user])),
    devices: new Map(people.map((user) => [user.username, createDevice(user)])),
    story: [],
  };
  for (const [username, device] of run.devices) {
    device.follow('notifications', {
      query: NOTIFICATIONS,
      variables: (after) => ({ after }),
      after: await notificationCursorOf(apps[0], person(run, username)),
      isAllowed: () => true,
    });
  }
  return run;
};

const person = ({ people }: Run, username: string): TestUser => {
  const user = people.get(username);
  if (!user) throw new Error(`There is no ${username}.`);
  return user;
};

const other = (app: TestApp): TestApp => (app === apps[0] ? apps[1] : apps[0]);

// ---------------------------------------------------------------- acts

const ModelAccept = graphql(`
  mutation ModelAccept($id: ID!) {
    acceptRequest(input: { conversationId: $id }) {
      conversation {
        id
      }
    }
  }
`);

/** What the payloads of acts that begin something, or bring somebody into it, show. */
const CONVERSATION = 'conversation { id joinCode members(first: 100) { edges { node { user { id } } } } }';
const PAYLOADS: Partial<Readonly<Record<Act['name'], string>>> = {
  startDirect: CONVERSATION,
  createGroup: CONVERSATION,
  createRoom: CONVERSATION,
  addMembers: CONVERSATION,
  sendMessage: 'message { id } cursor',
  createPost: 'post { id }',
  addComment: 'comment { id }',
};

interface Payload {
  readonly conversation?: {
    readonly id: string;
    readonly joinCode: string | null;
    readonly members: { readonly edges: readonly { readonly node: { readonly user: { readonly id: string } } }[] };
  };
  readonly message?: { readonly id: string };
  readonly cursor?: string;
  readonly post?: { readonly id: string };
  readonly comment?: { readonly id: string };
}

/** Does an act in the model and at a server, which have to agree about it. */
const act = async (run: Run, app: TestApp, done: Act): Promise<void> => {
  const { model, names } = run;
  const { by, name, input } = done;
  const outcome = play(model, done);
  run.story.push(`${by} ${name} ${JSON.stringify(input)}${outcome.refused === null ? '' : ` -> ${outcome.refused}`}`);
  const mutation = `mutation ($input: ${name.charAt(0).toUpperCase()}${name.slice(1)}Input!) { ${name}(input: $input) { ${PAYLOADS[name] ?? '__typename'} } }`;
  const { data, errors } = await app.execute<Partial<Record<string, Payload>>>(mutation, { input: inIds(names, input) }, person(run, by));
  expect(errors?.[0]?.extensions?.['code'] ?? null).toBe(outcome.refused);
  if (outcome.refused !== null || outcome.shown === null) return;
  const { conversation, message, cursor, post, comment } = data?.[name] ?? {};
  const id = (conversation ?? message ?? post ?? comment)?.id ?? '';
  // What was there already is shown again; what is new has an id that nothing had before.
  if (names.idOf(outcome.shown) === outcome.shown) {
    expect(names.nameOf(id)).toBe(id);
    names.set(outcome.shown, id);
    if (cursor) names.set(`cursorOf_${outcome.shown}`, cursor);
    if (conversation?.joinCode) names.set(`codeOf_${outcome.shown}`, conversation.joinCode);
  }
  expect(names.nameOf(id)).toBe(outcome.shown);
  // Requests are a matter of `inbox.test.ts`: here nobody is a stranger.
  if (name === 'startDirect')
    for (const { user } of called(model.conversations, outcome.shown).members) await app.execute(ModelAccept, { id }, person(run, user));
  if (conversation)
    orderMembers(
      called(model.conversations, outcome.shown),
      conversation.members.edges.map(({ node }) => names.nameOf(node.user.id)),
    );
};

/** Connects somebody's device or drops its connection, and waits until that is known. */
const move = async (run: Run, app: TestApp, username: string, isHere: boolean): Promise<void> => {
  run.story.push(`${username} ${isHere ? 'comes' : 'goes'}`);
  const device = run.devices.get(username);
  if (isHere) {
    // Who changes the server goes first: whether somebody is here shall be sure at any time.
    if (run.model.here.has(username)) await move(run, app, username, false);
    await device?.connect(app);
    run.model.here.add(username);
  } else {
    device?.drop();
    run.model.here.delete(username);
  }
  const { id } = person(run, username);
  await expect.poll(() => statusOf(app, id), { interval: 5 }).toEqual([isHere ? 'ONLINE' : 'OFFLINE']);
};

const take = async (run: Run, { what, by, at, numbers }: Step): Promise<void> => {
  const app = apps[at % 2] ?? apps[0];
  if (what === 'come' || what === 'go') {
    await move(run, app, run.model.users[by] ?? '', what === 'come');
    return;
  }
  const done = actOf(run.model, { what, by, at, numbers });
  if (done === null) return;
  await act(run, app, done);
  await look(run, other(app));
  await follow(run, app);
};

/** What every run begins with, so that there is something to do. */
const FIRST: readonly Step[] = [
  { what: 'come', by: 0, at: 0, numbers: [0, 0, 0] },
  { what: 'come', by: 1, at: 1, numbers: [0, 0, 0] },
  { what: 'startDirect', by: 2, at: 1, numbers: [0, 0, 0] },
  { what: 'createGroup', by: 0, at: 0, numbers: [0b1110, 0, 0] },
  { what: 'createRoom', by: 1, at: 1, numbers: [0, 0, 0] },
  { what: 'createPost', by: 0, at: 0, numbers: [0, 0, 0] },
];

/** What every run ends with: somebody reads each conversation to its end, faster than that is told. */
const readOn = async (run: Run): Promise<void> => {
  for (const { id, members, messages } of run.model.conversations) {
    const [member] = members;
    for (const message of member ? messages.slice(-2) : []) {
      await act(run, apps[0], {
        by: member?.user ?? '',
        name: 'markRead',
        input: { conversationId: id, cursor: `cursorOf_${message.id}` },
      });
    }
  }
  await look(run, apps[1]);
};

// ---------------------------------------------------------------- state

/** What everybody is shown is what the model says. */
const look = async (run: Run, app: TestApp): Promise<void> => {
  const { model, names } = run;
  const query = viewQuery(model, names.idOf);
  await Promise.all(
    model.users.map(async (viewer) => {
      const { data, errors = [] } = await app.execute(query, {}, person(run, viewer));
      const { view, notifications } = answerInWords(model, names, data, errors);
      expect(view, `what ${viewer} is shown`).toEqual(viewOf(model, viewer));
      for (const { id, kind, subject, readAt } of notifications) {
        if (!readAt && subject) names.set(notificationName({ user: viewer, kind: kind as 'LIKE', subject }), names.idOf(id));
      }
    }),
  );
};

// ---------------------------------------------------------------- live

const NOTIFICATIONS = `subscription ($after: String) { notificationAdded(after: $after) { ${NOTIFICATION} } }`;
graphql(`
  fragment ModelEvent on ConversationEvent {
    __typename
    cursor
    ... on MessageAdded {
      message {
        id
        seq
      }
    }
    ... on MessageEdited {
      message {
        id
      }
    }
    ... on ReactionsChanged {
      message {
        id
      }
    }
    ... on MessageDeleted {
      messageId
    }
    ... on MemberJoined {
      user {
        id
      }
    }
    ... on MemberLeft {
      user {
        id
      }
    }
    ... on OwnerChanged {
      user {
        id
      }
    }
    ... on ConversationRenamed {
      user {
        id
      }
    }
    ... on ReadMoved {
      user {
        id
      }
      readUpToSeq
    }
  }
`);
const Events = graphql(`
  subscription ModelEvents($id: ID!, $after: String) {
    conversationEvents(conversationId: $id, after: $after) {
      ...ModelEvent
    }
  }
`);
const Log = graphql(`
  query ModelLog($id: ID!, $after: String, $first: Int) {
    conversationEvents(conversationId: $id, after: $after, first: $first) {
      ...ModelEvent
    }
  }
`);

type Event = ResultOf<typeof Events>['conversationEvents'];

/** Everybody follows each post, and each conversation that they are in, from the second event of its log. */
const follow = async (run: Run, app: TestApp): Promise<void> => {
  const { model, names, devices } = run;
  for (const conversation of model.conversations) {
    const { id } = conversation;
    const start = `startOf_${id}`;
    const [member] = conversation.members;
    if (names.idOf(start) === start && member) {
      const [first] = await poll(run, app, conversation, member.user, { after: null, first: 1 });
      names.set(start, first?.cursor ?? '');
    }
    for (const [username, device] of devices) {
      const isAllowed = (): boolean => isMember(conversation, username);
      const variables = (after: string | null): object => ({ id: names.idOf(id), after });
      if (isAllowed()) device.follow(id, { query: Events.toString(), variables, after: names.idOf(start), isAllowed });
    }
  }
  for (const { id } of model.posts) {
    for (const device of devices.values()) {
      device.follow(id, {
        query: LikeCountChanged.toString(),
        variables: () => ({ id: names.idOf(id) }),
        after: null,
        isAllowed: () => true,
      });
    }
  }
};

const poll = async (
  run: Run,
  app: TestApp,
  { id }: Conversation,
  by: string,
  page: { readonly after: string | null; readonly first: number },
): Promise<Event[]> => (await app.data(Log, { id: run.names.idOf(id), ...page }, person(run, by))).conversationEvents;

/** Few enough that the end of one page and the start of the next are met. */
const PAGE = 7;

/** The whole log, as one of the members polls it. */
const pollAll = async (run: Run, app: TestApp, conversation: Conversation, by: string): Promise<Event[]> => {
  const log: Event[] = [];
  for (;;) {
    const page = await poll(run, app, conversation, by, { after: log.at(-1)?.cursor ?? null, first: PAGE });
    log.push(...page);
    if (page.length < PAGE) return log;
  }
};

const subjectOf = (event: Event): string => {
  if ('message' in event) return event.message.id;
  return 'messageId' in event ? event.messageId : event.user.id;
};
const inModelsWords = (names: Names, event: Event): string => `${event.__typename} ${names.nameOf(subjectOf(event))}`;

const isReading = ({ __typename }: Event): boolean => __typename === 'ReadMoved';

/** How many of its messages each member has read, as the log tells it; of somebody who is none it must tell nothing. */
const readingIn = (names: Names, log: readonly Event[]): object => {
  const seqs: number[] = [];
  const read = new Map<string, number>();
  for (const event of log) {
    if (event.__typename === 'MessageAdded') seqs.push(event.message.seq);
    if (event.__typename === 'MemberJoined') read.set(names.nameOf(event.user.id), seqs.length);
    if (event.__typename === 'MemberLeft') read.delete(names.nameOf(event.user.id));
    if (event.__typename !== 'ReadMoved') continue;
    const username = names.nameOf(event.user.id);
    const count = seqs.filter((seq) => seq <= event.readUpToSeq).length;
    expect(count, `how far ${username} has read`).toBeGreaterThan(read.get(username) ?? Infinity);
    read.set(username, count);
  }
  return Object.fromEntries(read);
};

/** Everybody comes back; then each has been told of everything, once and in order. */
const expectHistories = async (run: Run): Promise<void> => {
  const { model, names, devices } = run;
  await Promise.all([...devices.values()].map((device, index) => device.connect(apps[index % 2] ?? apps[0])));
  for (const conversation of model.conversations) {
    const { id, members, events } = conversation;
    const [member] = members;
    // What one of two reads who are kept apart is not told to the other, not even later; it may be on its way when they come to be.
    const together = conversation.kind !== 'DIRECT' || !model.pastBlocks.some((pair) => pair.every((user) => isMember(conversation, user)));
    if (member && together) {
      const reading = Object.fromEntries(members.map(({ user, read }) => [user, read]));
      await expect
        .poll(async () => readingIn(names, await pollAll(run, apps[0], conversation, member.user)), { message: `reading in ${id}` })
        .toEqual(reading);
    }
    const log = member ? await pollAll(run, apps[1], conversation, member.user) : null;
    if (log)
      expect(
        log.filter((event) => !isReading(event)).map((event) => inModelsWords(names, event)),
        `the log of ${id}`,
      ).toEqual(events);
    for (const [username, device] of devices) {
      const { results, ends } = device.followed<ResultOf<typeof Events>>(id);
      const seen = (): Event[] => results.map(({ data }) => data.conversationEvents);
      const left = events.lastIndexOf(`MemberLeft ${username}`);
      if (log && isMember(conversation, username))
        await expect.poll(seen, { message: `${id} as ${username} follows it` }).toEqual(log.slice(1));
      else if (left >= 0) {
        await expect.poll(() => ends.length, { message: `ends of ${id} for ${username}` }).toBeGreaterThan(0);
        const words = seen()
          .filter((event) => !isReading(event))
          .map((event) => inModelsWords(names, event));
        expect(words, `${id} as ${username} followed it`).toEqual(events.slice(1, words.length + 1));
        expect(words.length, `events of ${id} for ${username}, who has left`).toBeLessThanOrEqual(left);
      }
      expect(
        left >= 0 ? ends.filter((code) => !['NOT_FOUND', 'ACCESS_REVOKED'].includes(code)) : ends,
        `ends of ${id} for ${username}`,
      ).toEqual([]);
    }
  }
  for (const { id, likes } of model.posts) {
    for (const [username, device] of devices) {
      const { results } = device.followed<ResultOf<typeof LikeCountChanged>>(id);
      await expect
        .poll(() => results.at(-1)?.data.likeCountChanged.count, { message: `likes of ${id} for ${username}` })
        .toBe(likes.length);
    }
  }
  for (const [username, device] of devices) await expectNotifications(run, username, device);
};

const NotificationReadAt = graphql(`
  query ModelNotificationReadAt($id: ID!) {
    node(id: $id) {
      ... on Notification {
        readAt
      }
    }
  }
`);

/** Of what is unread the last that was told is how it stands, and none of it was kept back. */
const expectNotifications = async (run: Run, username: string, device: Device): Promise<void> => {
  const app = apps[0];
  const user = person(run, username);
  const { results } = device.followed<{ notificationAdded: Identified }>('notifications');
  const told = (): Map<string, Identified> =>
    new Map(results.map(({ data: { notificationAdded } }) => [notificationAdded.id, notificationAdded]));
  const LIST = `{ me { notifications(first: 100, unreadOnly: true) { edges { node { ${NOTIFICATION} } } } } }`;
  const { me } = await app.data<{ me: { notifications: { edges: readonly { node: Identified }[] } } }>(LIST, {}, user);
  const unread = me.notifications.edges.map(({ node }) => node);
  await expect.poll(() => unread.map(({ id }) => told().get(id)), { message: `unread for ${username}` }).toEqual(unread);
  // What was told and is in no list has been read, or has been taken back.
  for (const id of told().keys()) {
    if (unread.some((each) => each.id === id)) continue;
    const { node } = await app.data(NotificationReadAt, { id }, user);
    if ('readAt' in node && node.readAt === null)
      await expect.poll(() => told().get(id), { message: `taken back from ${username}` }).toMatchObject({ isWithdrawn: true });
  }
  const cursors = results.map(({ cursor }) => cursor);
  expect(cursors, `notifications told to ${username}`).toEqual([...new Set(cursors)]);
};

interface Identified {
  readonly id: string;
}

describe('what people do', () => {
  it('leads to what the rules say, for whoever asks or follows, at two servers', { timeout: 420_000 }, async () => {
    const property = fc.asyncProperty(fc.array(step, STEPS), async (steps) => {
      const run = await begin();
      try {
        for (const each of [...FIRST, ...steps]) await take(run, each);
        await readOn(run);
        await expectHistories(run);
      } catch (error) {
        throw new Error([...run.story, String(error)].join('\n'), { cause: error });
      } finally {
        for (const device of run.devices.values()) device.drop();
      }
    });
    await fc.assert(property, { numRuns: RUNS, interruptAfterTimeLimit: 360_000, markInterruptAsFailure: true, endOnFailure: true });
  });
});
