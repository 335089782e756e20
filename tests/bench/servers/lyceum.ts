/** Lyceum as it is built, on the database of DATABASE_URL. Messages are written as rows and events of a transaction. */
import { randomBytes, randomUUID } from 'node:crypto';
import type * as AppModule from '../../../src/process/app.js';
import type * as ConfigModule from '../../../src/config.js';
import type * as AccountModule from '../../../src/domains/account/account.js';
import type * as SentRowsModule from '../../../src/domains/conversations/sent-rows.js';
import type * as TopicsModule from '../../../src/domains/conversations/topics.js';
import type * as CursorModule from '../../../src/realtime/cursor.js';
import type * as IdsModule from '../../../src/graphql/ids.js';
import type * as LogModule from '../../../src/realtime/event-log.js';
import type { OpenServices } from '../../../src/process/services.js';
import type { Subscriber } from '../load-client.js';
import { now } from '../clock.js';
import { bodyOf, SELECTION } from '../event.js';
import { contend, cpuMs, type Contending, type Published } from './contender.js';

/** The compiled server, not the sources through tsx: that is what runs in earnest. */
const built = async <Module>(path: string): Promise<Module> =>
  (await import(new URL(`../../../dist/${path}`, import.meta.url).href)) as Module;
const { startApp } = await built<typeof AppModule>('process/app.js');
const { loadConfig } = await built<typeof ConfigModule>('config.js');
const { PUBLIC_COLUMNS } = await built<typeof AccountModule>('domains/account/account.js');
const { conversationLog } = await built<typeof TopicsModule>('domains/conversations/topics.js');
const { encodeCursor } = await built<typeof CursorModule>('realtime/cursor.js');
const { encodeId } = await built<typeof IdsModule>('graphql/ids.js');
const { sentRows } = await built<typeof SentRowsModule>('domains/conversations/sent-rows.js');
const { readHead } = await built<typeof LogModule>('realtime/event-log.js');

let statements: string[] = [];
const counting = process.env['BENCH_COUNT'] === '1';
const app = await startApp(loadConfig(process.env), counting ? { onStatement: (sql) => statements.push(sql) } : {});
const { hub, db, tokens, bus } = app.services as OpenServices;

/** The conversation of every event, by a name that all processes of a run share. */
const conversationId = process.env['BENCH_CONVERSATION'] ?? randomUUID();
/** Users by the places they were made for; every process of a run makes the same ones. */
const userIdOf = (index: number): string => `00000000-0000-7000-8000-${String(index).padStart(12, '0')}`;
const sessionIdOf = (index: number): string => `00000000-0000-7000-9000-${String(index).padStart(12, '0')}`;
const CHUNK = 1_000;

let users = 0;
/** Sees to it that so many users are there and members of the conversation. */
const ensureUsers = async (count: number): Promise<void> => {
  for (; users < count; users += CHUNK) {
    const indices = Array.from({ length: CHUNK }, (_, index) => users + index);
    const { prisma } = db;
    await prisma.user.createMany({
      skipDuplicates: true,
      data: indices.map((index) => ({
        id: userIdOf(index),
        username: `user${index}`,
        usernameKey: `user${index}`,
        displayName: `User ${index}`,
      })),
    });
    await prisma.session.createMany({
      skipDuplicates: true,
      data: indices.map((index) => ({
        id: sessionIdOf(index),
        userId: userIdOf(index),
        refreshHash: randomBytes(32),
        expiresAt: new Date(Date.now() + 86_400_000),
      })),
    });
    await prisma.conversation.createMany({
      skipDuplicates: true,
      data: [{ id: conversationId, kind: 'ROOM', creatorId: userIdOf(0) }],
    });
    await prisma.conversationMember.createMany({
      skipDuplicates: true,
      data: indices.map((index) => ({ conversationId, userId: userIdOf(index) })),
    });
  }
};
await ensureUsers(1);

const tokensOf = new Map<number, string>();
const tokenOf = async (index: number): Promise<string> => {
  const known = tokensOf.get(index);
  if (known !== undefined) return known;
  const { token } = await tokens.issue({ userId: userIdOf(index), sessionId: sessionIdOf(index) });
  tokensOf.set(index, token);
  return token;
};

/** When the hub was woken, and when it had read what it was woken for, by seq. */
const woken = new Map<number, Published>();
const read = new Map<number, number>();
bus.listen(conversationLog.name, conversationId, (seq) => woken.set(seq, { at: now(), cpuMs: cpuMs() }));
// A member of the stream like any other, the first to be told.
(await hub.log(conversationLog, conversationId, { kinds: ['MessageAdded'] })).attach(
  {
    key: 'bench',
    audienceId: () => '',
    render: ({ seq }) => {
      read.set(seq, now());
      return Promise.resolve({ out: null, personal: false });
    },
  },
  () => ({ audience: null, deliver: () => undefined, end: () => undefined, room: () => Promise.resolve() }),
);
const OWN = hub.stats().subscribers;

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
};

const write = async (first: number, count: number): Promise<number> => {
  const messages = Array.from({ length: count }, (_, index) => ({
    id: randomUUID(),
    conversationId,
    authorId: userIdOf(0),
    body: bodyOf(first + index),
  }));
  const emitted = await db.transact(async (tx) => {
    const written = await tx.message.createManyAndReturn({ data: messages, include: { author: { select: PUBLIC_COLUMNS } } });
    // As `sendMessage` does, but for many at once.
    return written.map(({ author, ...message }) =>
      tx.emit(
        conversationLog,
        conversationId,
        'MessageAdded',
        { messageId: message.id },
        sentRows({ message, author }, app.services.clock),
      ),
    );
  });
  return emitted.at(-1)?.seq ?? 0;
};

const SUBSCRIBE = `subscription ($conversationId: ID!, $after: String) { messageAdded(conversationId: $conversationId, after: $after) ${SELECTION} }`;

const handlers = {
  /**
   * So many subscribers, each with a user and a cursor of its own: the one at place i is `back + i % spread` events behind.
   * @returns also how many events they will be sent at once
   */
  subscribers: async ({
    count,
    back,
    spread,
  }: {
    readonly count: number;
    readonly back: number;
    readonly spread: number;
  }): Promise<{ readonly subscribers: Subscriber[]; readonly replayed: number }> => {
    await ensureUsers(count);
    const missing = back + spread - ((await readHead(db.prisma, conversationLog.name, conversationId))?.lastSeq ?? 0);
    if (missing > 0) await write(0, missing);
    const head = await readHead(db.prisma, conversationLog.name, conversationId);
    let replayed = 0;
    const subscribers: Subscriber[] = [];
    for (let index = 0; index < count; index += 1) {
      const behind = back + (index % spread);
      replayed += behind;
      const after = encodeCursor(conversationLog.name, conversationId, { epoch: head?.epoch ?? null, seq: (head?.lastSeq ?? 0) - behind });
      subscribers.push({
        init: { accessToken: await tokenOf(index) },
        subscribe: [{ query: SUBSCRIBE, variables: { conversationId: encodeId('Conversation', conversationId), after } }],
      });
    }
    return { subscribers, replayed };
  },
  /**
   * So many sockets' worth of subscribers to `conversations` quiet conversations (0: to the one of the events), none of them behind.
   * @param users how many users the sockets are of; each of its own when it is left out
   */
  quiet: async ({
    sockets,
    subscriptions,
    conversations,
    users: owners = sockets,
  }: {
    readonly sockets: number;
    readonly subscriptions: number;
    readonly conversations: number;
    readonly users?: number;
  }): Promise<Subscriber[]> => {
    await ensureUsers(owners);
    const ids = Array.from({ length: conversations }, () => randomUUID());
    await db.prisma.conversation.createMany({ data: ids.map((id) => ({ id, kind: 'ROOM', creatorId: userIdOf(0) })) });
    const followed = (index: number, place: number): string => ids[(index * subscriptions + place) % ids.length] ?? conversationId;
    const members = new Map<string, { readonly conversationId: string; readonly userId: string }>();
    for (let index = 0; index < sockets; index += 1) {
      for (let place = 0; place < subscriptions; place += 1) {
        const member = { conversationId: followed(index, place), userId: userIdOf(index % owners) };
        members.set(`${member.conversationId}:${member.userId}`, member);
      }
    }
    await db.prisma.conversationMember.createMany({ data: [...members.values()], skipDuplicates: true });
    return await Promise.all(
      Array.from({ length: sockets }, async (_, index) => ({
        init: { accessToken: await tokenOf(index % owners) },
        subscribe: Array.from({ length: subscriptions }, (_each, place) => ({
          query: SUBSCRIBE,
          variables: { conversationId: encodeId('Conversation', followed(index, place)) },
        })),
      })),
    );
  },
  /** Writes events without waiting for anybody to be told. */
  write: async ({ first, count }: { readonly first: number; readonly count: number }): Promise<number> => {
    await write(first, count);
    return now();
  },
  /** Resolves when the database has answered everything that it was asked before. */
  answered: async (): Promise<void> => {
    // The pool serves in turn; after the first round of these nothing older waits, after the second nothing older is under way.
    const everyConnection = () =>
      Promise.all(Array.from({ length: app.services.config.database.poolSize }, () => db.prisma.$queryRaw`SELECT 1`));
    for (let round = 0; round < 3; round += 1) await everyConnection();
  },
  hub: () => ({ ...hub.stats(), subscribers: hub.stats().subscribers - OWN }),
  /** The statements sent since the last call. */
  statements: (): string[] => {
    const sent = statements;
    statements = [];
    return sent;
  },
  stop: async (): Promise<void> => {
    await app.stop();
  },
};

export type LyceumServer = Contending & typeof handlers;

contend(
  {
    url: app.url.replace('http', 'ws'),
    subscribers: () => hub.stats().subscribers - OWN,
    publish: async (first, count) => {
      const seq = await write(first, count);
      await until(() => read.has(seq));
      const at = woken.get(seq);
      const readAt = read.get(seq);
      if (!at || readAt === undefined) throw new Error('The hub has not been woken.');
      // What is counted of an event is what follows the commit. The hub of the process that commits has the event at once.
      return { ...at, at: Math.min(at.at, readAt), readAt };
    },
  },
  handlers,
);
