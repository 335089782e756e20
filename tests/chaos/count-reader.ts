import { WebSocket } from 'ws';
import { createResumingClient } from '../../src/client/resuming-client.js';
import type { LogStream } from './ledger.js';
import { codeOf } from './operations.js';
import type { Random } from './random.js';
import { anyServer, type Stage } from './scene.js';

/** Follows the states of the posts: only the last value of each counts, and that none is followed by an older one. */
export interface CountReader {
  /** Compares what it was told last with what is so; the differences in words. */
  readonly differences: () => Promise<readonly string[]>;
  readonly stop: () => Promise<void>;
}

const FIELDS = { likeCountChanged: 'like_count', commentCountChanged: 'comment_count' } as const;

interface Value {
  readonly count: number;
  readonly version: number;
}

export const startCountReader = (stage: Stage, token: string, streams: readonly LogStream[], random: Random): CountReader => {
  const { cluster, ledger, timeline, leave } = stage;
  const posts = streams.filter(({ topic }) => topic === 'comments');
  const client = createResumingClient({
    url: () => anyServer(stage, random).replace(/^http/, 'ws'),
    webSocketImpl: WebSocket,
    getAccessToken: () => token,
    connectTimeoutMs: 4_000,
    pongTimeoutMs: 3_000,
    keepAlive: 4_000,
  });
  let stopping = false;
  const last = new Map<string, Value & { readonly at: number }>();
  for (const post of posts) {
    for (const field of Object.keys(FIELDS)) {
      const what = `${field} of ${post.name}`;
      const begin = (): void => {
        const began = timeline.now();
        const end = (how: string, code?: string): void => {
          if (stopping || leave.aborted) return;
          // Whoever has seen what the database lost is told so, and asks again for what is there.
          if (code === 'CURSOR_EXPIRED' && ledger.setBackBetween(began, timeline.now())) begin();
          else ledger.find('answer', `the reader of counts was left with ${how} by ${what}`);
        };
        client.subscribe<{ readonly value: Value }>(
          { query: `subscription ($id: ID!) { value: ${field}(postId: $id) { count version } }`, variables: { id: post.id } },
          {
            next: ({ data, errors }) => {
              if (!data?.value || errors) return ledger.find('answer', `the reader of counts got ${JSON.stringify(errors)} for ${what}`);
              const before = last.get(what);
              const { count, version } = data.value;
              const now = timeline.now();
              if (before && version < before.version && !ledger.setBackBetween(before.at, now)) {
                ledger.find('disorder', `version ${version} of ${what} came after ${before.version}`);
              }
              last.set(what, { count, version, at: now });
            },
            error: (error) => end(JSON.stringify(error), codeOf(error)),
            complete: () => end('complete'),
          },
        );
      };
      begin();
    }
  }
  return {
    differences: async () => {
      const found: string[] = [];
      for (const post of posts) {
        for (const [field, column] of Object.entries(FIELDS)) {
          const [row] = await cluster.postgres.query<{ count: number }>(`SELECT ${column} AS count FROM post WHERE id = $1`, [post.key]);
          const told = last.get(`${field} of ${post.name}`)?.count;
          if (told !== row?.count) found.push(`${field} of ${post.name} was told last as ${told}, and is ${row?.count}`);
        }
      }
      return found;
    },
    stop: async () => {
      stopping = true;
      await client.dispose();
    },
  };
};
