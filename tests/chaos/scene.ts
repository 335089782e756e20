import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { parseId } from '../../src/graphql/ids.js';
import type { Cluster } from './cluster.js';
import type { Ledger, LogStream } from './ledger.js';
import { ask } from './operations.js';
import type { Random } from './random.js';
import type { Timeline } from './timeline.js';

/** What writers and readers share. */
export interface Stage {
  readonly cluster: Cluster;
  readonly ledger: Ledger;
  readonly timeline: Timeline;
  /** Aborted when everybody is to go at once. */
  readonly leave: AbortSignal;
}

/** Who is there, and what they write to. */
export interface Scene {
  readonly streams: readonly LogStream[];
  /** Tokens of those who write. */
  readonly writers: readonly string[];
  /** The token of the one who reads, in many places. */
  readonly reader: string;
}

const ROOMS = 3;
const POSTS = 2;
const WRITERS = 6;

export const setScene = async ({ cluster, leave }: Stage): Promise<Scene> => {
  const [{ url } = { url: '' }] = cluster.servers;
  const must = async <Data>(token: string | null, query: string, variables: object = {}): Promise<Data> => {
    const response = await ask<Data>(url, token, query, variables, leave);
    if (!response?.data || response.errors) throw new Error(`The scene cannot be set: ${JSON.stringify(response)}`);
    return response.data;
  };
  const guest = async (displayName: string): Promise<string> => {
    const { joinAsGuest } = await must<{ joinAsGuest: { credentials: { accessToken: string } } }>(
      null,
      'mutation ($displayName: String!) { joinAsGuest(input: { displayName: $displayName }) { credentials { accessToken } } }',
      { displayName },
    );
    return joinAsGuest.credentials.accessToken;
  };
  const writers: string[] = [];
  while (writers.length < WRITERS) writers.push(await guest(`Writer ${writers.length + 1}`));
  const reader = await guest('Reader');
  const [owner = ''] = writers;
  const streams: LogStream[] = [];
  for (let n = 1; n <= ROOMS; n += 1) {
    const { createRoom } = await must<{ createRoom: { conversation: { id: string; joinCode: string } } }>(
      owner,
      `mutation { createRoom(input: { title: "Room ${n}" }) { conversation { id joinCode } } }`,
    );
    const { id, joinCode: code } = createRoom.conversation;
    for (const token of [...writers.slice(1), reader]) {
      await must(token, 'mutation ($code: String!) { joinRoom(input: { code: $code }) { conversation { id } } }', { code });
    }
    streams.push({ name: `room ${n}`, topic: 'conversation', key: parseId(id).id, id });
  }
  for (let n = 1; n <= POSTS; n += 1) {
    const { createPost } = await must<{ createPost: { post: { id: string } } }>(
      owner,
      `mutation { createPost(input: { body: "Post ${n}" }) { post { id } } }`,
    );
    const { id } = createPost.post;
    await must(owner, 'mutation ($id: ID!) { addComment(input: { postId: $id, body: "first" }) { comment { id } } }', { id });
    streams.push({ name: `post ${n}`, topic: 'comments', key: parseId(id).id, id });
  }
  return { streams, writers, reader };
};

/** Aborted with the first of them; any number may listen. */
export const anyOf = (...signals: readonly AbortSignal[]): AbortSignal => {
  const signal = AbortSignal.any([...signals]);
  setMaxListeners(0, signal);
  return signal;
};

/** Waits; resolves early when everybody is to go. */
export const rest = async (ms: number, leave: AbortSignal): Promise<void> => {
  await delay(ms, undefined, { signal: leave }).catch(() => undefined);
};

export const anyServer = ({ cluster }: Stage, random: Random): string => random.pick(cluster.servers).url;
