import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createCommits, type Commits } from '../../src/client/commits.js';
import { createResumingClient } from '../../src/client/resuming-client.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { CreatePost, aPost } from '../kit/factories.js';

/** Two processes that never hear of each other: only what a client brings along tells one what was written through the other. */
let here: TestApp;
let there: TestApp;
let ann: TestUser;
let commits: Commits;

beforeAll(async () => {
  const key = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const env = { JWT_PRIVATE_KEY: key, QUERY_CACHE_BYTES: '1000000' };
  here = await startTestApp({ env });
  there = await startTestApp({ env, database: here.database });
  ann = await here.user('ann');
});
afterAll(async () => {
  await there.stop();
  await here.stop();
});
beforeEach(() => (commits = createCommits()));

const NEWEST = '{ posts(first: 1) { nodes { body } } }';
/** Writes a post over some transport. */
const write = (send: ReturnType<(typeof over)[Way]>, body: string): Promise<unknown> => send(CreatePost.toString(), { input: { body } });

const over = {
  HTTP:
    (app: TestApp) =>
    async (query: string, variables: object = {}) => {
      const response = await commits.fetch(app.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${ann.token}` },
        body: JSON.stringify({ query, variables }),
      });
      return JSON.stringify(await response.json());
    },
  'a socket':
    (app: TestApp) =>
    async (query: string, variables: object = {}) => {
      const client = createResumingClient({
        url: app.url.replace('http', 'ws'),
        webSocketImpl: WebSocket,
        getAccessToken: () => ann.token,
        commits,
      });
      try {
        const { value } = (await client.iterate({ query, variables: { ...variables } }).next()) as { readonly value: unknown };
        return JSON.stringify(value);
      } finally {
        await client.dispose();
      }
    },
};
type Way = keyof typeof over;
const ways = Object.keys(over) as Way[];

describe('a client that brings along what it knows of', () => {
  it.each(ways.flatMap((writing) => ways.map((reading) => [writing, reading] as const)))(
    'reads what it has written over %s through another process over %s',
    async (writing, reading) => {
      const read = over[reading](there);
      await read(NEWEST);
      const body = `Written over ${writing}, read over ${reading}`;
      await write(over[writing](here), body);
      expect(await read(NEWEST)).toContain(body);
    },
  );

  it('reads what it has written through two processes at the same time', async () => {
    const third = over.HTTP(there);
    await third(NEWEST);
    await Promise.all([write(over.HTTP(here), 'By one'), write(over.HTTP(there), 'By the other')]);
    expect(await third('{ posts(first: 2) { nodes { body } } }')).toMatch(/By one.*By the other|By the other.*By one/);
  });

  it('is given what was kept once another answer has told it of nothing newer', async () => {
    await write(over.HTTP(here), 'Known');
    const read = over.HTTP(here);
    await read(NEWEST);
    const statements = await here.countStatements(() => read(NEWEST));
    expect(statements.filter((sql) => sql.includes('post'))).toEqual([]);
  });
});

describe('a client that knows of no write', () => {
  it('may be given an answer from before a write of another process', async () => {
    const read = over.HTTP(there);
    const before = await read(NEWEST);
    await aPost(here, ann, { body: 'Unheard of' });
    expect(await read(NEWEST)).toBe(before);
  });
});
