import fc from '../kit/cases.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import type { TestSocket, TestSubscription } from '../kit/client.js';
import { createTestDatabase, type TestDatabase } from '../kit/database.js';
import { aGroup, aPost, aRequest, aRoom } from '../kit/factories.js';
import { parseId } from '../../src/graphql/ids.js';
import { graphql, type ResultOf } from '../kit/graphql.js';
import { startOwnRedis, type OwnRedis } from '../realtime/hazard-world.js';

/*
 * Random acts of several people at two processes. Each has devices that come and go: a device begins with a sync, keeps its list by
 * `inboxChanged` alone, and comes back with its cursor, at whatever process, either by a sync or by the subscription. Whenever everything has been
 * told, each device shows what a fresh query shows.
 */
const RUNS = Number(process.env['INBOX_RUNS'] ?? 4);
const STEPS = { minLength: 20, maxLength: 60, size: 'max' } as const;
const PEOPLE = ['ada', 'ben', 'cleo'];

const PropertySync = graphql(`
  query PropertySync($after: String) {
    sync(after: $after) {
      cursor
      complete
      removedConversationIds
      unread {
        version
        messages
        mentions
        notifications
        requests
      }
      conversations(first: 100) {
        nodes {
          id
          title
          unreadCount
          isArchived
          isMuted
          isPinned
          isMarkedUnread
          isRequest
          isLarge
          lastMessage {
            body
          }
        }
      }
    }
  }
`);
const PropertyInbox = graphql(`
  subscription PropertyInbox($after: String) {
    inboxChanged(after: $after) {
      cursor
      kind
      conversationId
      conversation {
        id
        title
        unreadCount
        isArchived
        isMuted
        isPinned
        isMarkedUnread
        isRequest
        isLarge
        lastMessage {
          body
        }
      }
      unread {
        version
        messages
        mentions
        notifications
        requests
      }
    }
  }
`);
const PropertyList = graphql(`
  query PropertyList {
    me {
      inboxCursor
      unreadCounts {
        version
        messages
        mentions
        notifications
        requests
      }
      list: conversations(first: 100) {
        nodes {
          id
          title
          unreadCount
          isArchived
          isMuted
          isPinned
          isMarkedUnread
          isRequest
          isLarge
          lastMessage {
            body
          }
        }
      }
      archived: conversations(first: 100, filter: { isArchived: true }) {
        nodes {
          id
          title
          unreadCount
          isArchived
          isMuted
          isPinned
          isMarkedUnread
          isRequest
          isLarge
          lastMessage {
            body
          }
        }
      }
      requests: conversations(first: 100, filter: { isRequest: true }) {
        nodes {
          id
          title
          unreadCount
          isArchived
          isMuted
          isPinned
          isMarkedUnread
          isRequest
          isLarge
          lastMessage {
            body
          }
        }
      }
    }
  }
`);
const PropertyCounts = graphql(`
  subscription PropertyCounts {
    unreadCounts {
      version
      messages
      mentions
      notifications
      requests
    }
  }
`);

type Unread = ResultOf<typeof PropertyInbox>['inboxChanged']['unread'];
type Shown = NonNullable<ResultOf<typeof PropertyInbox>['inboxChanged']['conversation']>;

let redis: OwnRedis;
let database: TestDatabase;
let apps: readonly [TestApp, TestApp];

beforeAll(async () => {
  redis = await startOwnRedis();
  database = await createTestDatabase();
  const slow = { OPERATION_TIMEOUT_MS: '600000', DATABASE_TIMEOUT_MS: '60000' };
  const env = { ...redis.env, RATE_LIMIT_FACTOR: '0', MAX_COST_PER_VIEWER: '1000000000', MAX_COST_PER_ADDRESS: '1000000000', ...slow };
  const first = await startTestApp({ database, env });
  apps = [first, await startTestApp({ database, env: { ...env, DATA_DIR: first.services.config.dataDir } })];
}, 120_000);
afterAll(async () => {
  for (const app of apps.toReversed()) await app.stop();
  await database.drop();
  await redis.stop();
});

// ---------------------------------------------------------------- a device

interface Device {
  readonly user: TestUser;
  cursor: string | null;
  readonly shown: Map<string, Shown>;
  unread: Unread | null;
  badge: Unread | null;
  online: {
    readonly socket: TestSocket;
    readonly inbox: TestSubscription<ResultOf<typeof PropertyInbox>>;
    readonly counts: TestSubscription<ResultOf<typeof PropertyCounts>>;
  } | null;
}

const leave = async (device: Device): Promise<void> => {
  await device.online?.socket.close();
  device.online = null;
};

const take = (device: Device, event: ResultOf<typeof PropertyInbox>['inboxChanged']): void => {
  device.cursor = event.cursor;
  device.unread = event.unread;
  if (event.conversation) device.shown.set(event.conversation.id, event.conversation);
  else if (event.conversationId !== null) device.shown.delete(event.conversationId);
};

const come = async (device: Device, app: TestApp, by: 'sync' | 'resume'): Promise<void> => {
  if (device.online) return;
  if (by === 'sync' || device.cursor === null) {
    const { sync } = await app.data(PropertySync, { after: device.cursor }, device.user);
    if (!sync.complete) device.shown.clear();
    for (const conversation of sync.conversations.nodes) device.shown.set(conversation.id, conversation);
    for (const id of sync.removedConversationIds) device.shown.delete(id);
    Object.assign(device, { cursor: sync.cursor, unread: sync.unread });
  }
  const socket = app.connect(device.user);
  device.online = { socket, inbox: socket.subscribe(PropertyInbox, { after: device.cursor }), counts: socket.subscribe(PropertyCounts) };
};

/** Reads what has come for a device, until it has the events up to a cursor and the counts of that version. */
const catchUp = async (device: Device, cursor: string, version: number): Promise<void> => {
  if (!device.online) return;
  const { inbox, counts } = device.online;
  while (device.cursor !== cursor) take(device, (await inbox.data()).inboxChanged);
  while (device.badge === null || device.badge.version < version) device.badge = (await counts.data()).unreadCounts;
};

// ---------------------------------------------------------------- acts

type Step =
  | { readonly kind: 'come'; readonly who: number; readonly device: number; readonly app: number; readonly by: 'sync' | 'resume' }
  | { readonly kind: 'leave'; readonly who: number; readonly device: number }
  | { readonly kind: 'check' }
  | {
      readonly kind: 'act';
      readonly name: (typeof ACTS)[number];
      readonly who: number;
      readonly other: number;
      readonly app: number;
      readonly which: number;
    };

const ACTS = [
  'group',
  'room',
  'direct',
  'message',
  'message',
  'message',
  'mention',
  'edit',
  'delete',
  'read',
  'read',
  'rename',
  'leave',
  'join',
  'archive',
  'unarchive',
  'mute',
  'muteForAMoment',
  'unmute',
  'pin',
  'unpin',
  'markUnread',
  'accept',
  'decline',
  'like',
  'readNotifications',
  'grow',
] as const;

const number = fc.nat({ max: 1_000 });
const stepOf: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('act' as const),
      name: fc.constantFrom(...ACTS),
      who: number,
      other: number,
      app: number,
      which: number,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('come' as const),
      who: number,
      device: number,
      app: number,
      by: fc.constantFrom('sync' as const, 'resume' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), who: number, device: number }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'check' as const }) },
);

interface Run {
  readonly people: readonly TestUser[];
  readonly devices: readonly Device[];
  readonly conversations: { readonly id: string; readonly joinCode: string | null }[];
  readonly messages: { readonly id: string; readonly conversationId: string; readonly cursor: string }[];
  readonly posts: string[];
  readonly story: string[];
}

const pick = <Item>(items: readonly Item[], index: number): Item | undefined => items[index % Math.max(items.length, 1)];

const MUTATIONS = {
  rename: 'renameConversation',
  leave: 'leaveConversation',
  archive: 'archiveConversation',
  unarchive: 'unarchiveConversation',
  mute: 'muteConversation',
  muteForAMoment: 'muteConversation',
  unmute: 'unmuteConversation',
  pin: 'pinConversation',
  unpin: 'unpinConversation',
  markUnread: 'markUnread',
  accept: 'acceptRequest',
  decline: 'declineRequest',
} as const;

/** Refusals are part of it: whoever may not do something changes nothing. */
const attempt = async (app: TestApp, user: TestUser, mutation: string, input: object): Promise<void> => {
  const type = `${mutation.charAt(0).toUpperCase()}${mutation.slice(1)}Input`;
  const { errors } = await app.execute(`mutation ($input: ${type}!) { ${mutation}(input: $input) { __typename } }`, { input }, user);
  for (const { extensions } of errors ?? [])
    if (!['FORBIDDEN', 'BAD_USER_INPUT', 'CONFLICT', 'NOT_FOUND'].includes(String(extensions?.['code'])))
      throw new Error(JSON.stringify(errors));
};

const act = async (run: Run, { name, who, other, app: at, which }: Extract<Step, { kind: 'act' }>): Promise<void> => {
  const app = apps[at % 2] as TestApp;
  const user = pick(run.people, who) as TestUser;
  const peer = pick(run.people, who + 1 + (other % (run.people.length - 1))) as TestUser;
  const conversation = pick(run.conversations, which);
  const message = pick(run.messages, which);
  run.story.push(`${user.username} ${name} ${name === 'direct' ? peer.username : which % Math.max(run.conversations.length, 1)}`);
  if (name === 'group') run.conversations.push({ id: (await aGroup(app, user, [peer])).id, joinCode: null });
  else if (name === 'room') run.conversations.push(await aRoom(app, user));
  else if (name === 'direct') run.conversations.push({ id: (await aRequest(app, user, peer)).id, joinCode: null });
  else if (name === 'like') {
    if (run.posts.length < 3) run.posts.push((await aPost(app, user)).id);
    await attempt(app, user, which % 3 === 0 ? 'unlikePost' : 'likePost', { postId: pick(run.posts, other) });
  } else if (name === 'readNotifications') await attempt(app, user, 'markNotificationsRead', { all: true });
  else if (conversation === undefined) return;
  else if (name === 'message' || name === 'mention') {
    const input = {
      conversationId: conversation.id,
      body: name === 'mention' ? `Hello @${peer.username}` : `Message ${run.messages.length}`,
    };
    const { data, errors } = await app.execute<{ sendMessage: { cursor: string; message: { id: string } } | null }>(
      `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { cursor message { id } } }`,
      { input },
      user,
    );
    if (errors !== undefined && !['FORBIDDEN', 'NOT_FOUND'].includes(String(errors[0]?.extensions?.['code'])))
      throw new Error(JSON.stringify(errors));
    const sent = data?.sendMessage;
    if (sent) run.messages.push({ id: sent.message.id, conversationId: conversation.id, cursor: sent.cursor });
  } else if (name === 'edit') {
    if (message)
      await attempt(app, user, 'editMessage', { messageId: message.id, body: other % 2 === 0 ? `Now @${peer.username}` : 'Edited' });
  } else if (name === 'delete') {
    if (message) await attempt(app, user, 'deleteMessage', { messageId: message.id });
  } else if (name === 'read') {
    if (message) await attempt(app, user, 'markRead', { conversationId: message.conversationId, cursor: message.cursor });
  } else if (name === 'join') {
    if (conversation.joinCode !== null) await attempt(app, user, 'joinRoom', { code: conversation.joinCode });
  } else if (name === 'grow') await grow(conversation);
  else {
    const more =
      name === 'rename'
        ? { title: `Title ${which}` }
        : name === 'muteForAMoment'
          ? { until: new Date(Date.now() + 400).toISOString() }
          : {};
    await attempt(app, user, MUTATIONS[name], { conversationId: conversation.id, ...more });
  }
};

/** Fills a room with so many that the next one who joins makes it a large one. */
const grow = async ({ id, joinCode }: { readonly id: string; readonly joinCode: string | null }): Promise<void> => {
  if (joinCode === null) return;
  await database.query(
    `WITH made AS (
       INSERT INTO "user" (id, username, username_key, display_name, role)
       SELECT gen_random_uuid(), name, name, 'M', 'MEMBER' FROM (SELECT 'm' || substr(md5(random()::text), 1, 20) AS name FROM generate_series(1, 205)) names RETURNING id
     )
     INSERT INTO conversation_member (id, conversation_id, user_id, last_read_seq) SELECT gen_random_uuid(), $1::uuid, id, 1000000 FROM made`,
    [parseId(id).id],
  );
  newcomers += 1;
  await attempt(apps[0], await apps[0].user(`newcomer${newcomers}`), 'joinRoom', { code: joinCode });
};
let newcomers = 0;

// ---------------------------------------------------------------- what must hold

const isIdle = async (): Promise<boolean> =>
  (await database.query(`SELECT 1 FROM graphile_worker.jobs WHERE attempts <= 1 AND run_at < now() + interval '1 minute'`)).length === 0;

/** What must be the same everywhere: of a large conversation not its latest message, of which members are told once until they have read it. */
const told = (conversations: Iterable<Shown>): Shown[] =>
  [...conversations]
    .map((shown) => (shown.isLarge ? { ...shown, lastMessage: null } : shown))
    .sort((one, other) => (one.id < other.id ? -1 : 1));

const check = async (run: Run): Promise<void> => {
  await expect.poll(isIdle, { timeout: 20_000 }).toBe(true);
  for (const device of run.devices) {
    if (!device.online) continue;
    const { me } = await apps[0].data(PropertyList, {}, device.user);
    await catchUp(device, me.inboxCursor, me.unreadCounts.version);
    const fresh = told([...me.list.nodes, ...me.archived.nodes, ...me.requests.nodes]);
    const story = run.story.join('\n');
    expect(told(device.shown.values()), story).toEqual(fresh);
    expect(device.unread, story).toEqual(me.unreadCounts);
    expect(device.badge, story).toEqual(me.unreadCounts);
    // What the list shows is what is counted.
    const counted = me.list.nodes.filter(({ isMuted }) => !isMuted);
    const sum = counted.reduce((all, { unreadCount, isMarkedUnread }) => all + unreadCount + Number(isMarkedUnread), 0);
    expect(sum, story).toBe(me.unreadCounts.messages);
  }
};

let runs = 0;

describe('every device', () => {
  it(
    'shows what a fresh query shows, whatever was done and however often it was away',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(stepOf, STEPS), async (steps) => {
          runs += 1;
          const people = await Promise.all(PEOPLE.map((name) => apps[0].user(`${name}${runs}`)));
          const devices = people.flatMap((user) =>
            [0, 1].map((): Device => ({ user, cursor: null, shown: new Map(), unread: null, badge: null, online: null })),
          );
          const run: Run = { people, devices, conversations: [], messages: [], posts: [], story: [] };
          for (const [index, device] of devices.entries()) await come(device, apps[index % 2] as TestApp, 'sync');
          for (const step of steps) {
            if (step.kind === 'act') await act(run, step);
            else if (step.kind === 'check') await check(run);
            else {
              const device = pick(devices, step.who * 2 + (step.device % 2)) as Device;
              run.story.push(`${device.user.username} ${step.kind}`);
              if (step.kind === 'come') await come(device, apps[step.app % 2] as TestApp, step.by);
              else await leave(device);
            }
          }
          for (const device of devices) await come(device, apps[1], 'resume');
          await check(run);
          for (const device of devices) await leave(device);
        }),
        { numRuns: RUNS, endOnFailure: true },
      );
    },
    RUNS * 120_000,
  );
});
