import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../kit/database.js';
import { startProxy } from '../kit/proxy.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aComment, aPost, anEntry } from '../kit/factories.js';
import { graphql } from '../kit/graphql.js';

const CachedPosts = graphql(`
  query CachedPosts($first: Int) {
    posts(first: $first) {
      nodes {
        id
        body
        author {
          displayName
        }
        comments {
          nodes {
            body
          }
        }
      }
    }
  }
`);
const CachedMe = graphql(`
  query CachedMe {
    me {
      user {
        username
      }
    }
    posts(first: 1) {
      nodes {
        id
      }
    }
  }
`);
const CachedLikes = graphql(`
  query CachedLikes {
    posts(first: 1) {
      nodes {
        id
        viewerHasLiked
      }
    }
  }
`);
const CachedEntries = graphql(`
  query CachedEntries {
    entries(first: 5) {
      nodes {
        title
      }
    }
  }
`);
const CacheUpdateProfile = graphql(`
  mutation CacheUpdateProfile($input: UpdateProfileInput!) {
    updateProfile(input: $input) {
      user {
        displayName
      }
    }
  }
`);
const CacheDeletePost = graphql(`
  mutation CacheDeletePost($id: ID!) {
    deletePost(input: { id: $id }) {
      postId
    }
  }
`);
const CacheLike = graphql(`
  mutation CacheLike($id: ID!) {
    likePost(input: { postId: $id }) {
      likeCount
    }
  }
`);

let app: TestApp;
let ann: TestUser;
let bob: TestUser;

beforeAll(async () => {
  app = await startTestApp({ env: { QUERY_CACHE_BYTES: '1000000' } });
  [ann, bob] = [await app.user('ann'), await app.user('bob')];
  await aPost(app, ann);
});
afterAll(() => app.stop());

/** The statements of asking once more for what has been asked for before. */
const statementsOf = (work: () => Promise<unknown>): Promise<string[]> => app.countStatements(work);

/** As {@link statementsOf}, without those that find out who asks. */
const READS_OF_CREDENTIALS = /"?session"?/;

describe('a public answer', () => {
  it('is given again without a statement', async () => {
    const first = await app.data(CachedPosts, { first: 5 });
    let second;
    const statements = await statementsOf(async () => (second = await app.data(CachedPosts, { first: 5 })));
    expect(statements).toEqual([]);
    expect(second).toEqual(first);
  });

  it('is the same for whoever is signed in', async () => {
    await app.data(CachedPosts, { first: 6 }, ann);
    const statements = await statementsOf(() => app.data(CachedPosts, { first: 6 }, bob));
    expect(statements.filter((sql) => !READS_OF_CREDENTIALS.test(sql))).toEqual([]);
  });

  it('is another one with other variables', async () => {
    await app.data(CachedPosts, { first: 5 });
    expect((await app.data(CachedPosts, { first: 0 })).posts.nodes).toEqual([]);
  });

  it.each([
    ['a new row', async () => void (await aPost(app, bob, { body: 'New' })), 'New'],
    [
      'a row that a list inside of it gains',
      async () => void (await aComment(app, ann, (await aPost(app, bob)).id, { body: 'Inside' })),
      'Inside',
    ],
    ['a row that it names', async () => void (await app.data(CacheUpdateProfile, { input: { displayName: 'Annabel' } }, ann)), 'Annabel'],
  ])('is made anew after %s', async (_what, write, seen) => {
    await app.data(CachedPosts, { first: 5 });
    await write();
    expect(JSON.stringify(await app.data(CachedPosts, { first: 5 }))).toContain(seen);
  });

  it('is made anew after a row is gone', async () => {
    const { id } = await aPost(app, bob, { body: 'Soon gone' });
    expect(JSON.stringify(await app.data(CachedPosts, { first: 5 }))).toContain('Soon gone');
    await app.data(CacheDeletePost, { id }, bob);
    expect(JSON.stringify(await app.data(CachedPosts, { first: 5 }))).not.toContain('Soon gone');
  });

  it('is made anew after a trigger has written to a table it was made from', async () => {
    const tags = '{ tags }';
    await app.data(tags);
    await app.data(tags);
    expect(await statementsOf(() => app.data(tags))).toEqual([]);
    await anEntry(app, ann, { tags: ['by-a-trigger'] });
    expect(JSON.stringify(await app.data(tags))).toContain('by-a-trigger');
  });

  it('outlives writes to other tables', async () => {
    await app.data(CachedEntries);
    await aPost(app, bob);
    expect(await statementsOf(() => app.data(CachedEntries))).toEqual([]);
    await anEntry(app, ann, { title: 'An entry now' });
    expect(JSON.stringify(await app.data(CachedEntries))).toContain('An entry now');
  });
});

describe('an answer that depends on who asks', () => {
  it('is made for each of them', async () => {
    const seen = [];
    for (const user of [ann, bob, ann, bob]) seen.push((await app.data(CachedMe, {}, user)).me.user.username);
    expect(seen).toEqual(['ann', 'bob', 'ann', 'bob']);
  });

  it('is shared by those who are not signed in', async () => {
    await app.data(CachedLikes);
    await app.data(CachedLikes);
    expect(await statementsOf(() => app.data(CachedLikes))).toEqual([]);
  });

  it('is never that of somebody else, whoever asks first', async () => {
    const { id } = await aPost(app, bob);
    await app.data(CacheLike, { id }, ann);
    const likes = [];
    for (const as of [ann, undefined, bob, ann, undefined])
      likes.push((await app.data(CachedLikes, {}, as)).posts.nodes[0]?.viewerHasLiked);
    expect(likes).toEqual([true, false, false, true, false]);
  });
});

describe('equal queries at one time', () => {
  it('share one execution, and those that come while it runs the next', async () => {
    const statements = await statementsOf(async () => {
      await Promise.all(Array.from({ length: 30 }, () => app.data(CachedPosts, { first: 7 })));
      await turn();
    });
    const alone = await statementsOf(() => app.data(CachedPosts, { first: 8 }));
    expect(statements.length).toBeLessThanOrEqual(2 * alone.length);
  });
});

describe('an answer while the database is away', () => {
  /** A server whose database is reached through a proxy. RECONCILE_MS is so short that a kept answer is soon too old to be right. */
  const startBehindProxy = async (staleMs: string) => {
    const database = await createTestDatabase();
    const proxy = await startProxy(database.url);
    const env = { QUERY_CACHE_BYTES: '1000000', QUERY_STALE_MS: staleMs, RECONCILE_MS: '50', DATABASE_TIMEOUT_MS: '1000' };
    const behind = await startTestApp({ database: { ...database, url: proxy.url }, env });
    const stop = async (): Promise<void> => {
      await behind.stop();
      await proxy.stop();
      await database.drop();
    };
    return { behind, proxy, stop };
  };
  const ask = async (url: string): Promise<Response> =>
    fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ posts(first: 1) { totalCount } }' }),
    });

  it('is an older one where that is wanted, which says so', async () => {
    const { behind, proxy, stop } = await startBehindProxy('600000');
    await ask(behind.url);
    await proxy.refuse();
    // As long as it may still be right, it says nothing.
    await expect.poll(async () => (await ask(behind.url)).headers.get('age'), { timeout: 20_000 }).not.toBeNull();
    const answer = (await (await ask(behind.url)).json()) as { data: unknown; extensions: { stale: { ageMs: number } } };
    expect(answer.data).toEqual({ posts: { totalCount: 0 } });
    expect(answer.extensions.stale.ageMs).toBeGreaterThan(0);
    await stop();
  });

  it('is an error by default', async () => {
    const { behind, proxy, stop } = await startBehindProxy('0');
    await ask(behind.url);
    await proxy.refuse();
    await expect.poll(async () => (await ask(behind.url)).text(), { timeout: 20_000 }).toContain('UNAVAILABLE');
    await stop();
  });
});

describe('a public answer by GET', () => {
  const DOCUMENT = '{ posts(first: 1) { nodes { id body } } }';
  const sha256Hash = createHash('sha256').update(DOCUMENT).digest('hex');
  const get = (given: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>> = {}): Promise<Response> => {
    const extensions = JSON.stringify({ persistedQuery: { version: 1, sha256Hash } });
    return fetch(`${app.url}?${new URLSearchParams({ extensions, ...given }).toString()}`, {
      headers: { accept: 'application/json', ...headers },
    });
  };
  const controlOf = async (response: Promise<Response>): Promise<string | null> => (await response).headers.get('cache-control');

  it('may be kept on the way when its document is named by its hash', async () => {
    await get({ query: DOCUMENT });
    const first = await get({});
    expect(first.headers.get('cache-control')).toBe('public, max-age=600');
    expect(first.headers.get('vary')).toContain('Authorization');
    expect((await get({}, { 'if-none-match': first.headers.get('etag') ?? '' })).status).toBe(304);
  });

  it('must be asked for again when it came with a credential, with its text, or with a write that its client has seen', async () => {
    await get({ query: DOCUMENT });
    const ways = [get({}, { authorization: `Bearer ${ann.token}` }), get({ query: DOCUMENT }), get({}, { 'x-lyceum-commit': 'a.1' })];
    expect(await Promise.all(ways.map(controlOf))).toEqual(['private, no-cache', 'no-cache', 'no-cache']);
  });
});
