/** Those who write in a benchmark, all in this process: each sends its next mutation when the one before has been answered. */
import { setTimeout as delay } from 'node:timers/promises';
import { connect, execute, type GraphQLResponse, type TestSubscription } from '../kit/client.js';
import { serve } from './child.js';
import { now } from './clock.js';
import { median, quantile } from './figures.js';
import { cpuMs } from './servers/contender.js';

export type Transport = 'http' | 'socket';
export type Act = 'like' | 'send';

export interface Gathering {
  /** Of GraphQL over HTTP. */
  readonly url: string;
  readonly transport: Transport;
  readonly users: number;
  /** How many of them write, or are members. */
  readonly writers: number;
  /** Among how many posts, or conversations, those acts are spread that are not all on one. */
  readonly places: number;
}

export interface Writing {
  readonly act: Act;
  /** All in one place. */
  readonly hot: boolean;
  readonly seconds: number;
  /** Nobody reads meanwhile. */
  readonly alone?: boolean;
}

export interface Written {
  readonly acts: number;
  readonly seconds: number;
  /** From the sending of a mutation to its answer, in milliseconds. */
  readonly median: number;
  readonly p99: number;
  /** The same of queries that were sent meanwhile. */
  readonly read: { readonly median: number; readonly p99: number };
  /** Results that a subscriber to the one place got meanwhile. */
  readonly told: number;
  readonly clientCpuMs: number;
}

const GUEST = `mutation { joinAsGuest(input: { displayName: "One of many" }) { user { id } credentials { accessToken } } }`;
const POST = `mutation { createPost(input: { body: "Plants turn light into sugar" }) { post { id } } }`;
const GROUP = `mutation ($ids: [ID!]!) { createGroup(input: { title: "Group", memberIds: $ids }) { conversation { id } } }`;
const LIKE = `mutation ($id: ID!) { likePost(input: { postId: $id }) { likeCount } }`;
const UNLIKE = `mutation ($id: ID!) { unlikePost(input: { postId: $id }) { likeCount } }`;
const SEND = `mutation ($id: ID!) { sendMessage(input: { conversationId: $id, body: "What do they do at night?" }) { cursor } }`;
const LIKES = `query ($id: ID!) { node(id: $id) { ... on Post { likeCount } } }`;
const CURSOR = `query ($id: ID!) { conversation(id: $id) { cursor } }`;
const LIKED = `subscription ($id: ID!) { likeCountChanged(postId: $id) { count } }`;
const SENT = `subscription ($id: ID!, $after: String) { messageAdded(conversationId: $id, after: $after) { cursor } }`;

/** Setting up is done by so many requests at a time. */
const CONCURRENCY = 16;
const READ_EVERY_MS = 20;

type Ask = <Data>(query: string, variables?: object) => Promise<Data>;

const succeed = async <Data>(answer: Promise<GraphQLResponse<Data>>): Promise<Data> => {
  const { data, errors } = await answer;
  if (errors || !data) throw new Error(`The server answered ${JSON.stringify(errors)}`);
  return data;
};

const user = async ({ url, transport }: Gathering): Promise<User> => {
  const { joinAsGuest } = await succeed(
    execute<{ joinAsGuest: { user: { id: string }; credentials: { accessToken: string } } }>(url, GUEST),
  );
  const { accessToken: token } = joinAsGuest.credentials;
  const socket = transport === 'socket' ? connect(url, token) : null;
  await socket?.opened;
  return {
    id: joinAsGuest.user.id,
    token,
    ask: (query, variables) => succeed(socket === null ? execute(url, query, variables, { token }) : socket.execute(query, variables)),
  };
};

interface User {
  readonly id: string;
  readonly token: string;
  readonly ask: Ask;
}

/** As many of something as are wanted, a few of them at a time. */
const many = async <Item>(count: number, make: (index: number) => Promise<Item>): Promise<Item[]> => {
  const items: Item[] = [];
  let next = 0;
  const making = async (): Promise<void> => {
    while (next < count) {
      const index = next;
      next += 1;
      items[index] = await make(index);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, making));
  return items;
};

const at = <Item>(items: readonly Item[], index: number): Item => {
  const item = items[index % items.length];
  if (item === undefined) throw new Error('There are none.');
  return item;
};

let url = '';
let users: User[] = [];
let writers: User[] = [];
let posts: string[] = [];
let conversations: string[] = [];

/** What a subscriber to the one place gets, and whether that is what it must be, by then. */
const follow = async (act: Act, id: string): Promise<(acts: number) => Promise<number>> => {
  const [reader] = writers;
  if (reader === undefined) throw new Error('Nobody is there.');
  const socket = connect(url, reader.token);
  await socket.opened;
  if (act === 'like') {
    const liked: TestSubscription<{ likeCountChanged: { count: number } }> = socket.subscribe(LIKED, { id });
    let { count } = (await liked.data()).likeCountChanged;
    return async () => {
      const { node } = await reader.ask<{ node: { likeCount: number } }>(LIKES, { id });
      let told = 0;
      while (liked.waiting() > 0 || count !== node.likeCount) {
        ({ count } = (await liked.data()).likeCountChanged);
        told += 1;
      }
      await socket.close();
      return told;
    };
  }
  const { conversation } = await reader.ask<{ conversation: { cursor: string } }>(CURSOR, { id });
  const sent = socket.subscribe(SENT, { id, after: conversation.cursor });
  return async (acts) => {
    const told = (await sent.take(acts)).length;
    await socket.close();
    return told;
  };
};

/** Sends queries, one after the other, until it is over: how long each took, in milliseconds. */
const readUntil = async (over: () => boolean): Promise<number[]> => {
  const times: number[] = [];
  while (!over()) {
    const askedAt = now();
    await at(writers, 1).ask(LIKES, { id: at(posts, times.length) });
    times.push(now() - askedAt);
    await delay(READ_EVERY_MS);
  }
  return times;
};

const handlers = {
  /** Makes the users, the posts, by others than those who write, and the conversations, all of whose members write. */
  gather: async (gathering: Gathering): Promise<void> => {
    ({ url } = gathering);
    const { users: count, writers: writing, places } = gathering;
    users = await many(count, () => user(gathering));
    writers = users.slice(0, writing);
    const authors = users.slice(writing);
    const ids = writers.slice(1).map(({ id }) => id);
    posts = await many(places, async (n) => (await at(authors, n).ask<{ createPost: { post: { id: string } } }>(POST)).createPost.post.id);
    conversations = await many(
      places,
      async () => (await at(writers, 0).ask<{ createGroup: { conversation: { id: string } } }>(GROUP, { ids })).createGroup.conversation.id,
    );
  },
  /** Everyone writes for so long. Fails when a mutation does, or when a subscriber is not told the truth. */
  write: async ({ act, hot, seconds, alone = false }: Writing): Promise<Written> => {
    const places = act === 'like' ? posts : conversations;
    const place = at(places, 0);
    const caughtUp = hot && !alone ? await follow(act, place) : () => Promise.resolve(0);
    const cpuBefore = cpuMs();
    const startedAt = now();
    const endsAt = startedAt + seconds * 1_000;
    const times: number[] = [];
    let over = alone;
    const reading = readUntil(() => over);
    await Promise.all(
      writers.map(async ({ ask }, index) => {
        // A like is taken back by the next act, the last one too: each act changes something, and nothing is left for the next round.
        for (let n = 0; now() < endsAt || (act === 'like' && n % 2 === 1); n += 1) {
          const id = hot ? place : at(places, index + (act === 'like' ? n >> 1 : n));
          const mutation = act === 'send' ? SEND : n % 2 === 0 ? LIKE : UNLIKE;
          const sentAt = now();
          await ask(mutation, { id });
          times.push(now() - sentAt);
        }
      }),
    );
    const took = (now() - startedAt) / 1_000;
    over = true;
    const reads = await reading;
    const told = await caughtUp(times.length);
    return {
      acts: times.length,
      seconds: took,
      median: median(times),
      p99: quantile(times, 0.99),
      read: { median: median(reads), p99: quantile(reads, 0.99) },
      told,
      clientCpuMs: cpuMs() - cpuBefore,
    };
  },
  /** All users like one post at once. */
  crowd: async (): Promise<Written> => {
    const id = at(posts, 1);
    const cpuBefore = cpuMs();
    const caughtUp = await follow('like', id);
    const startedAt = now();
    let over = false;
    const reading = readUntil(() => over);
    const times = await Promise.all(users.map(({ ask }) => ask(LIKE, { id }).then(() => now() - startedAt)));
    over = true;
    const reads = await reading;
    const { node } = await at(users, 0).ask<{ node: { likeCount: number } }>(LIKES, { id });
    if (node.likeCount !== users.length) throw new Error(`${node.likeCount} likes are counted of ${users.length}`);
    return {
      acts: times.length,
      seconds: quantile(times, 1) / 1_000,
      median: median(times),
      p99: quantile(times, 0.99),
      read: { median: median(reads), p99: quantile(reads, 0.99) },
      told: await caughtUp(times.length),
      clientCpuMs: cpuMs() - cpuBefore,
    };
  },
};

export type Writers = typeof handlers;
serve(handlers);
