import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Redis } from 'ioredis';
import { WebSocket } from 'ws';
import type { Tokens } from '../../src/domains/account/tokens.js';
import { decodeId, encodeId } from '../../src/graphql/ids.js';
import type { Bus } from '../../src/realtime/bus.js';
import { cursorOf, joinRoom } from '../kit/acts.js';
import { apiAt } from '../kit/api.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { connect } from '../kit/client.js';
import { createTestDatabase, type TestDatabase } from '../kit/database.js';
import { SendMessage, aMessage, aRoom } from '../kit/factories.js';
import { graphql, type ResultOf } from '../kit/graphql.js';
import { startRedis, type TestRedis } from '../kit/redis.js';

export const Messages = graphql(`
  subscription HazardMessages($id: ID!, $after: String) {
    messageAdded(conversationId: $id, after: $after) {
      cursor
      message {
        id
        body
        createdAt
        author {
          id
          username
        }
      }
    }
  }
`);

export type MessageEvent = ResultOf<typeof Messages>;

/** A Redis of the file's own, and settings for apps that share nothing in it with other files. */
export interface OwnRedis extends TestRedis {
  readonly env: Readonly<Record<string, string>>;
  /** The channels of streams that somebody has subscribed to. */
  readonly channels: () => Promise<string[]>;
}

export const startOwnRedis = async (): Promise<OwnRedis> => {
  const redis = await startRedis();
  const prefix = `hazards-${randomBytes(4).toString('hex')}:`;
  return {
    ...redis,
    env: { REDIS_URL: redis.url, REDIS_PREFIX: prefix },
    channels: async () => {
      const client = new Redis(redis.url, { lazyConnect: true, retryStrategy: () => null });
      try {
        await client.connect();
        const channels = (await client.pubsub('CHANNELS', `${prefix}*`)) as string[];
        // By these, processes ask each other for connections.
        return channels.filter((channel) => !channel.includes('connected-clients')).sort();
      } finally {
        client.disconnect();
      }
    },
  };
};

/** Two users in one room, on a database that several apps serve. */
export interface World {
  readonly database: TestDatabase;
  readonly apps: readonly [TestApp, ...TestApp[]];
  readonly ada: TestUser;
  readonly ben: TestUser;
  /** Global id of the room. */
  readonly room: string;
  /** With which further people come into it. */
  readonly joinCode: string;
  /** What its log is keyed by. */
  readonly key: string;
  /** Where the room's log stood when it was empty of messages. */
  readonly start: string;
  /** Where it stands now. */
  readonly cursor: () => Promise<string>;
  /** One more app on the same database and with the same settings but for those given; stopped with the world at the latest. */
  readonly addApp: (env?: Readonly<Record<string, string>>) => Promise<TestApp>;
  readonly send: (app: TestApp, body: string, as?: TestUser) => Promise<void>;
  /**
   * Commits `count` messages of `bytes` bytes each as a process does that dies before it wakes anyone: rows, events and head, and no
   * word on a bus. Their bodies begin with the numbers from `first` on. Resolves with the log's last seq.
   */
  readonly insert: (first: number, count: number, bytes?: number) => Promise<number>;
  /** Every message's body, in order, by the database. */
  readonly history: () => Promise<string[]>;
  readonly stop: () => Promise<void>;
}

export const createWorld = async (options: {
  readonly apps: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly database?: TestDatabase;
}): Promise<World> => {
  const database = options.database ?? (await createTestDatabase());
  const env = options.env ?? {};
  const first = await startTestApp({ database, env });
  const apps: [TestApp, ...TestApp[]] = [first];
  // The same key for all, as processes that serve together have.
  const addApp = async (more: Readonly<Record<string, string>> = {}): Promise<TestApp> => {
    const app = await startTestApp({ database, env: { ...env, ...more, DATA_DIR: first.services.config.dataDir } });
    apps.push(app);
    return app;
  };
  while (apps.length < options.apps) await addApp();
  const [ada, ben] = await Promise.all([first.user('ada'), first.user('ben')]);
  const { id: room, joinCode } = await aRoom(first, ada);
  await joinRoom(first, ben, joinCode);
  const cursor = (): Promise<string> => cursorOf(first, ada, room);
  const key = decodeId('Conversation', room, 'id');
  return {
    database,
    apps,
    ada,
    ben,
    room,
    joinCode,
    key,
    start: await cursor(),
    cursor,
    addApp,
    send: async (app, body, as = ben) => {
      await aMessage(app, as, room, body);
    },
    insert: async (from, count, bytes = 0) => {
      const [head] = await database.query<{ seq: number }>(
        `WITH grown AS (
           UPDATE head SET last_seq = last_seq + $2, prior_at = last_at, last_at = greatest(last_at, date_trunc('milliseconds', clock_timestamp())) WHERE topic = 'conversation' AND key = $1::text RETURNING last_seq, last_at
         ), added AS (
           INSERT INTO message (id, conversation_id, author_id, body, seq)
           SELECT gen_random_uuid(), $1::uuid, $3::uuid, rpad(($4::int + n - 1)::text, greatest($5::int, length(($4::int + n - 1)::text)), ' x'), grown.last_seq - $2 + n
           FROM grown, generate_series(1, $2::int) n
           RETURNING id, seq
         ), told AS (
           INSERT INTO event (topic, key, seq, kind, ref, at)
           SELECT 'conversation', $1::text, added.seq, 'MessageAdded', jsonb_build_object('messageId', id), grown.last_at FROM added, grown
         )
         SELECT last_seq AS seq FROM grown`,
        [key, count, decodeId('User', ben.id, 'id'), from, bytes],
      );
      if (!head) throw new Error('The room has no log.');
      return head.seq;
    },
    history: async () =>
      (await database.query<{ body: string }>('SELECT body FROM message WHERE conversation_id = $1 ORDER BY seq', [key])).map(
        ({ body }) => body,
      ),
    stop: async () => {
      for (const app of apps.toReversed()) await app.stop();
      await database.drop();
    },
  };
};

/** The bus of an app, which its services have beside what resolvers may use. */
export const busOf = (app: TestApp): Bus => (app.services as unknown as { readonly bus: Bus }).bus;

/** People who are there and signed in, as many as it takes; made without their passwords, which would take long. */
export const createCrowd = async (
  { database, apps: [{ services }] }: World,
  count: number,
): Promise<{ readonly id: string; readonly token: string }[]> => {
  const { tokens } = services as unknown as { readonly tokens: Tokens };
  const sessions = await database.query<{ userId: string; sessionId: string }>(
    `WITH made AS (
       INSERT INTO "user" (id, username, username_key, display_name)
       SELECT gen_random_uuid(), 'crowd' || n, 'crowd' || n, 'One of many' FROM generate_series(1, $1::int) n RETURNING id
     )
     INSERT INTO session (id, user_id, refresh_hash, expires_at)
     SELECT gen_random_uuid(), id, uuid_send(gen_random_uuid()), now() + interval '1 hour' FROM made RETURNING user_id AS "userId", id AS "sessionId"`,
    [count],
  );
  return await Promise.all(
    sessions.map(async (subject) => ({ id: encodeId('User', subject.userId), token: (await tokens.issue(subject)).token })),
  );
};

/** How many tries a reader takes before it gives up. */
const ATTEMPTS = 200;

/**
 * Somebody who follows messages and comes back after every end with the last cursor seen, as a client that resumes does. The server is
 * whichever `connect` named last; it may be connected as soon as it is there.
 */
export interface Reader {
  /** Bodies, as they came. */
  readonly bodies: readonly string[];
  /** Codes that subscriptions ended with. */
  readonly ends: readonly unknown[];
  readonly cursor: () => string | null;
  readonly connect: (server: { readonly url: string }) => void;
  /** Cuts the connection, for good unless `connect` is called again. */
  readonly drop: () => void;
}

export const createReader = (who: TestUser, room: string, after: string | null): Reader => {
  const bodies: string[] = [];
  const ends: unknown[] = [];
  let cursor = after;
  let current = {};
  let terminate = (): void => undefined;

  const follow = async (url: string): Promise<void> => {
    const mine = {};
    current = mine;
    for (let attempt = 1; current === mine && attempt <= ATTEMPTS; attempt += 1) {
      const socket = connect(url, who.token);
      terminate = () => socket.terminate();
      const subscription = socket.subscribe(Messages, { id: room, after: cursor });
      try {
        for (;;) {
          const { data, errors } = await subscription.next();
          if (current !== mine) break;
          if (errors || !data) throw new Error(JSON.stringify(errors));
          bodies.push(data.messageAdded.message.body);
          cursor = data.messageAdded.cursor;
          attempt = 1;
        }
      } catch (error) {
        if (current !== mine) break;
        const code = /"code":"?(\w+)/.exec(String(error))?.[1] ?? String(error);
        ends.push(code);
        socket.terminate();
        if (code === 'NOT_FOUND' || code === 'ACCESS_REVOKED') break;
        await delay(20);
      }
      socket.terminate();
    }
  };

  return {
    bodies,
    ends,
    cursor: () => cursor,
    connect: ({ url }) => {
      terminate();
      void follow(url);
    },
    drop: () => {
      current = {};
      terminate();
    },
  };
};

/** A socket whose owner decides whether anything is read from it. */
export interface RawSocket {
  readonly socket: WebSocket;
  readonly send: (message: object) => void;
  /** What has come so far, of every type, in order. */
  readonly received: readonly RawMessage[];
  readonly closed: Promise<number>;
}

export interface RawMessage {
  readonly type: string;
  readonly id?: string;
  readonly payload?: { readonly data?: MessageEvent; readonly extensions?: { readonly cursor?: string } } & readonly {
    readonly extensions?: { readonly code?: string };
  }[];
}

/** Opens a socket and waits until it may be used. */
export const openRaw = async (app: TestApp, who: TestUser | null): Promise<RawSocket> => {
  const socket = new WebSocket(app.url.replace(/^http/, 'ws'), 'graphql-transport-ws');
  const received: RawMessage[] = [];
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  const send = (message: object): void => socket.send(JSON.stringify(message));
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject);
    socket.once('close', reject);
    socket.once('open', () => send({ type: 'connection_init', payload: who ? { accessToken: who.token } : {} }));
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString('utf8')) as RawMessage;
      if (message.type === 'connection_ack') resolve();
      else received.push(message);
    });
  });
  return { socket, send, received, closed };
};

/** Bytes in use, on the heap and in buffers, after everything that can be collected has been. */
export const bytesInUse = async (): Promise<number> => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let pass = 0; pass < 3; pass += 1) {
    collect();
    // What finalizers let go of goes with the next pass.
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

/** A mutation by a server that may be dying: whether it was acknowledged. */
export const trySend = async (url: string, who: TestUser, room: string, body: string): Promise<boolean> => {
  try {
    const { data } = await apiAt(url).execute(SendMessage, { input: { conversationId: room, body } }, who);
    return (data?.sendMessage ?? null) !== null;
  } catch {
    return false;
  }
};
