/**
 * `npm run bench:inbox`: what a message costs the server when members follow their inbox, beside a subscription to its conversation for each: in a
 * room of 10,000 members with 1,000 connected, and in one of 200 who are all connected.
 * And what a post costs in the feeds of as many followers. `--members=n` and `--connected=n` take other numbers.
 * Statements and CPU are those of the server, until everybody who must be told has been.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '../../src/db/embedded/embedded.js';
import { createLog } from '../../src/observability/log.js';
import { connect, execute, type TestSubscription } from '../kit/client.js';
import { urlOf } from '../kit/postgres-address.js';
import { startChild } from './child.js';
import { now } from './clock.js';
import { short, table } from './figures.js';
import type { InboxServer } from './servers/inbox.js';
import { keepResults } from './world.js';

const option = (name: string, fallback: number): number =>
  Number(new RegExp(`--${name}=(\\d+)`).exec(process.argv.join(' '))?.[1] ?? fallback);

const SEND = `mutation ($id: ID!) { sendMessage(input: { conversationId: $id, body: "Plants turn light into sugar" }) { cursor } }`;
const READ = `mutation ($id: ID!, $cursor: String!) { markRead(input: { conversationId: $id, cursor: $cursor }) { conversation { id } } }`;
const INBOX = `subscription { inboxChanged { cursor kind conversation { id title unreadCount lastMessage { body } } unread { messages mentions notifications requests } } }`;
const FEED = `subscription { feedEvents { cursor post { id body author { username } } } }`;
const POST = `mutation { createPost(input: { body: "Plants turn light into sugar" }) { post { id } } }`;
const EVENTS = `subscription ($id: ID!) { conversationEvents(conversationId: $id) { cursor ... on MessageAdded { message { id body author { username } } } } }`;
/** How many sockets open at a time. */
const AT_ONCE = 50;
/** How many messages a mean is taken of. */
const MESSAGES = 5;

const dataDir = await mkdtemp(join(tmpdir(), 'lyceum-inbox-'));
const postgres = await startEmbeddedPostgres({ dataDir, log: createLog('silent'), durable: false });
const server = await startChild<InboxServer>('./servers/inbox.ts', {
  env: {
    DATABASE_URL: urlOf(postgres.address),
    DATA_DIR: dataDir,
    HOST: '127.0.0.1',
    PORT: '0',
    LOG_LEVEL: 'warn',
    MAX_SOCKETS_PER_ADDRESS: '100000',
    MAX_OPERATIONS_PER_ADDRESS: '1000000',
    MAX_COST_PER_VIEWER: '1000000000',
    MAX_COST_PER_ADDRESS: '1000000000',
    MAX_EVENT_COST: '1000000000',
    RATE_LIMIT_FACTOR: '0',
  },
});

interface Figures {
  readonly what: string;
  readonly rows: number;
  readonly statements: number;
  readonly cpuMs: number;
  readonly ms: number;
}

const ask = async <Data>(query: string, variables: object, token: string): Promise<Data> => {
  const { data, errors } = await execute<Data>(await server.call('url'), query, variables, { token });
  if (!data) throw new Error(JSON.stringify(errors));
  return data;
};

const untilIdle = async (): Promise<void> => {
  while (!(await server.call('isIdle'))) await delay(20);
};

/** What `act` costs until everybody has got what they must, for each of so many. */
const measure = async (what: string, times: number, act: () => Promise<unknown>): Promise<Figures> => {
  await untilIdle();
  await delay(500);
  const before = await server.call('work');
  const begun = now();
  for (let time = 0; time < times; time += 1) await act();
  const ms = now() - begun;
  await untilIdle();
  const after = await server.call('work');
  return {
    what,
    rows: (after.events - before.events) / times,
    statements: (after.statements - before.statements) / times,
    cpuMs: (after.cpuMs - before.cpuMs) / times,
    ms: ms / times,
  };
};

const follow = async (query: string, id: string, tokens: readonly string[]) => {
  const url = await server.call('url');
  const sockets: ReturnType<typeof connect>[] = [];
  const subscriptions: TestSubscription[] = [];
  for (let start = 0; start < tokens.length; start += AT_ONCE)
    await Promise.all(
      tokens.slice(start, start + AT_ONCE).map(async (token) => {
        const socket = connect(url, token);
        sockets.push(socket);
        await socket.opened;
        subscriptions.push(socket.subscribe(query, id === '' ? {} : { id }));
      }),
    );
  // A subscription without a cursor begins once the server has begun it.
  await delay(2_000);
  return {
    all: () => Promise.all(subscriptions.map((each) => each.data())),
    close: () => Promise.all(sockets.map((socket) => socket.close())),
  };
};

const figures: Figures[] = [];
const note = (figure: Figures): void => {
  figures.push(figure);
  console.log(
    `${figure.what}: ${short(figure.rows)} rows, ${short(figure.statements)} statements, ${short(figure.cpuMs)} ms of CPU, ${short(figure.ms)} ms`,
  );
};

const measureRoom = async (members: number, connected: number): Promise<void> => {
  const of = `${short(members)} members, ${short(connected)} connected`;
  const { conversationId: id, tokens } = await server.call('room', { members, connected });
  const author = tokens.at(-1) ?? '';
  const readers = tokens.slice(0, -1);
  let cursor = '';
  const send = async (): Promise<void> => {
    cursor = (await ask<{ sendMessage: { cursor: string } }>(SEND, { id }, author)).sendMessage.cursor;
  };

  const events = await follow(EVENTS, id, readers);
  await Promise.all([events.all(), send()]);
  note(
    await measure(`${of}: a subscription to the conversation for each`, MESSAGES, async () => await Promise.all([events.all(), send()])),
  );
  await events.close();
  await untilIdle();
  for (let start = 0; start < readers.length; start += AT_ONCE)
    await Promise.all(readers.slice(start, start + AT_ONCE).map((token) => ask(READ, { id, cursor }, token)));

  const inbox = await follow(INBOX, id, readers);
  // The first event of a selection finds out that it depends on its viewer.
  if (members <= 200) await Promise.all([inbox.all(), send()]);
  if (members <= 200) note(await measure(`${of}: inbox`, MESSAGES, async () => await Promise.all([inbox.all(), send()])));
  else {
    note(
      await measure(
        `${of}: inbox, the first message after all who are connected have read`,
        1,
        async () => await Promise.all([inbox.all(), send()]),
      ),
    );
    note(await measure(`${of}: inbox, each further one until they read`, MESSAGES, send));
    note(
      await measure(
        `${of}: inbox, reading, for each reader`,
        readers.length,
        (() => {
          let next = 0;
          return async () => {
            const token = readers[next] ?? '';
            next += 1;
            await ask(READ, { id, cursor }, token);
          };
        })(),
      ),
    );
  }
  await inbox.close();
};

/** A post of somebody with so many followers, of whom some follow their feed. */
const measureFeed = async (followers: number, connected: number): Promise<void> => {
  const tokens = await server.call('author', { followers, connected });
  const author = tokens.at(-1) ?? '';
  const post = (): Promise<unknown> => ask(POST, {}, author);
  note(await measure(`${short(followers)} followers, nobody connected: a post`, MESSAGES, post));
  const feeds = await follow(FEED, '', tokens.slice(0, -1));
  await Promise.all([feeds.all(), post()]);
  note(
    await measure(`${short(followers)} followers, ${short(connected)} connected: a post`, MESSAGES, () =>
      Promise.all([feeds.all(), post()]),
    ),
  );
  await feeds.close();
};

try {
  await measureFeed(200, 200);
  await measureFeed(option('members', 10_000), option('connected', 1_000));
  await measureRoom(200, 200);
  await measureRoom(option('members', 10_000), option('connected', 1_000));
  console.log(
    `\n${table([
      ['a message', 'rows', 'statements', 'CPU ms', 'ms'],
      ...figures.map(({ what, rows, statements, cpuMs, ms }) => [what, short(rows), short(statements), short(cpuMs), short(ms)]),
    ])}`,
  );
  await keepResults('inbox', figures);
} finally {
  await server.stop();
  await postgres.stop();
  await rm(dataDir, { recursive: true, force: true });
}
