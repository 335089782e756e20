import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'graphql';
import { MessageType, type Client, type Message } from 'graphql-ws';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { RefreshSession } from '../kit/acts.js';
import { WebSocket } from 'ws';
import { soonDelayOf } from '../../src/client/backoff.js';
import { createResumingClient, type ResumingClientOptions } from '../../src/client/resuming-client.js';
import { decodeId } from '../../src/graphql/ids.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aComment, aPost, aSession } from '../kit/factories.js';
import { present, type ResultOf } from '../kit/graphql.js';
import { CommentAdded as Comments, LikeCountChanged } from '../kit/subscriptions.js';
import { createTestDatabase, type TestDatabase } from '../kit/database.js';
import { deferred } from '../kit/deferred.js';
import { startProxy, type Proxy } from '../kit/proxy.js';
import { SOCKET_DRIVERS, type Driver, type Outcome } from './drivers.js';
import { CommentAdded } from './operations.js';

let database: TestDatabase;
let keys: string;
let app: TestApp;
let ada: TestUser;
beforeAll(async () => {
  [database, keys] = await Promise.all([createTestDatabase(), mkdtemp(join(tmpdir(), 'lyceum-keys-'))]);
  // A small queue, so that what a stopped reader would have to be kept for it is soon too much.
  app = await startTestApp({ database, env: { DATA_DIR: keys, RECONCILE_MS: '100', SOCKET_QUEUE_BYTES: '262144' } });
  ada = await app.user('ada');
});
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(async () => {
  await app.stop();
  await database.drop();
  await rm(keys, { recursive: true, force: true });
});

/** What a client does, seen from its socket. */
interface Seen {
  readonly client: Client;
  readonly connections: () => number;
  /** Results that have come, whether they were passed on or not. */
  readonly results: () => number;
  readonly closed: readonly unknown[];
  readonly errors: readonly unknown[];
  /** Resolves with the first message that fits, among those still to come. */
  readonly message: (fits: (message: Message) => boolean) => Promise<Message>;
}

const resuming = (url: string, options: Partial<ResumingClientOptions> = {}): Seen => {
  let connections = 0;
  let results = 0;
  const closed: unknown[] = [];
  const errors: unknown[] = [];
  const client = createResumingClient({
    url: url.replace(/^http/, 'ws'),
    webSocketImpl: WebSocket,
    backoff: { firstMs: 20, maxMs: 200 },
    getAccessToken: () => ada.token,
    ...options,
  });
  client.on('connected', () => (connections += 1));
  client.on('closed', (event) => closed.push((event as { readonly code?: unknown }).code));
  client.on('message', (message) => {
    if (message.type === MessageType.Next) results += 1;
    for (const error of message.type === MessageType.Error ? message.payload : []) errors.push(error.extensions?.['code']);
  });
  closing.push(async () => client.dispose());
  return {
    client,
    closed,
    errors,
    connections: () => connections,
    results: () => results,
    message: (fits) => {
      const found = deferred<Message>();
      const stop = client.on('message', (message) => {
        if (!fits(message)) return;
        stop();
        found.resolve(message);
      });
      return found.promise;
    },
  };
};

const drive = (name: string, url: string, client: Client): Driver => {
  const make = SOCKET_DRIVERS[name];
  if (!make) throw new Error(`There is no driver of ${name}.`);
  const driver = make(url, undefined, client);
  closing.push(() => driver.close());
  return driver;
};

const proxied = async (url = app.url): Promise<Proxy> => {
  const proxy = await startProxy(url);
  closing.push(() => proxy.stop());
  return proxy;
};

interface Post {
  readonly id: string;
  readonly commentCursor: string;
}

const createPost = (): Promise<Post> => aPost(app, ada);

const comment = async ({ id }: Post, ...bodies: readonly string[]): Promise<void> => {
  for (const body of bodies) await aComment(app, ada, id, { body });
};

const numbered = (count: number): string[] => Array.from({ length: count }, (_, n) => `comment ${n}`);

type Follow = AsyncIterator<Outcome<{ readonly commentAdded: { readonly comment: { readonly body: string } } }>, unknown>;

const take = async (follow: Follow, count: number): Promise<string[]> => {
  const bodies: string[] = [];
  while (bodies.length < count) {
    const result = await follow.next();
    if (result.done === true) throw new Error('The subscription has ended.');
    const { data, codes } = result.value;
    if (!data) throw new Error(`There is no data: ${codes.join()}`);
    bodies.push(data.commentAdded.comment.body);
  }
  return bodies;
};

describe.each(Object.keys(SOCKET_DRIVERS))('%s over a client that resumes', (name) => {
  const follow = (client: Client, post: Post): Follow =>
    drive(name, app.url, client).follow(CommentAdded, { postId: post.id, after: post.commentCursor });

  it('H06: gets every event once and in order, however often its connection is cut', async () => {
    const [proxy, post] = await Promise.all([proxied(), createPost()]);
    const { client, connections, results } = resuming(proxy.url);
    const comments = follow(client, post);
    const sent = numbered(120);
    const received: string[] = [];
    for (let from = 0; from < sent.length; from += 10) {
      const sending = comment(post, ...sent.slice(from, from + 10));
      received.push(...(await take(comments, 3)));
      proxy.cut();
      received.push(...(await take(comments, 7)));
      await sending;
    }
    await comment(post, 'the last');
    expect(received).toEqual(sent);
    expect(await take(comments, 1)).toEqual(['the last']);
    expect(connections()).toBeGreaterThan(sent.length / 10);
    // Nor was anything sent again.
    expect(results()).toBe(sent.length + 1);
  });

  it('H08: comes back after SLOW_CONSUMER and has missed nothing', async () => {
    const subscribers = () => app.services.hub.stats().subscribers;
    // Those of the test before have left.
    await expect.poll(subscribers).toBe(0);
    const [proxy, post] = await Promise.all([proxied(), createPost()]);
    const { client, errors, message } = resuming(proxy.url, { keepAlive: 0 });
    const large = Array.from({ length: 100 }, (_, n) => `b${n}: body`).join(' ');
    const operation = parse(
      `subscription Large($postId: ID!, $after: String) { commentAdded(postId: $postId, after: $after) { comment { id body ${large} } } }`,
    );
    const comments: Follow = drive(name, app.url, client).follow(operation, { postId: post.id, after: post.commentCursor });
    await comment(post, 'the first');
    await take(comments, 1);
    const following = subscribers();

    const slow = message(({ type }) => type === MessageType.Error);
    proxy.blackHole();
    // Each is 100 KB as it travels. How much the connection itself holds is the system's affair.
    const sent: string[] = [];
    while (subscribers() >= following) {
      const batch = numbered(20).map((body) => `${sent.length} ${body}`.padEnd(1_000, '.'));
      await comment(post, ...batch);
      sent.push(...batch);
    }
    await proxy.resume();
    expect(await take(comments, sent.length)).toEqual(sent);
    await slow;
    expect(errors).toContain('SLOW_CONSUMER');
    await comment(post, 'the last');
    expect(await take(comments, 1)).toEqual(['the last']);
  });

  it('goes on after a restart of the server on the same port', async () => {
    const env = { DATA_DIR: keys, RECONCILE_MS: '100' };
    const [first, post] = await Promise.all([startTestApp({ database, env }), createPost()]);
    const { client, closed, connections } = resuming(first.url);
    const comments = follow(client, post);
    await comment(post, 'before');
    expect(await take(comments, 1)).toEqual(['before']);
    await first.stop();
    await comment(post, ...numbered(20));
    const second = await startTestApp({ database, env: { ...env, PORT: new URL(first.url).port } });
    closing.unshift(() => second.stop());
    await comment(post, 'after');
    expect(await take(comments, 21)).toEqual([...numbered(20), 'after']);
    expect(closed).toContain(1012);
    expect(connections()).toBe(2);
  });

  describe('with tokens that soon expire', () => {
    let issuer: TestApp;
    beforeAll(async () => {
      issuer = await startTestApp({ database, env: { DATA_DIR: keys, JWT_ACCESS_TTL_SECONDS: '2' } });
    });
    afterAll(() => issuer.stop());

    /** Someone whose tokens are exchanged as an application would do it. */
    const login = async () => {
      let { token, refreshToken } = await aSession(issuer, ada);
      return {
        present: () => token,
        refresh: async (): Promise<string> => {
          const { credentials } = (await issuer.data(RefreshSession, { refreshToken })).refreshSession;
          [token, refreshToken] = [credentials.accessToken, present(credentials.refreshToken)];
          return token;
        },
      };
    };

    it('H04: renews its session in the open socket', async () => {
      const [post, session] = await Promise.all([createPost(), login()]);
      const { client, closed, connections, message } = resuming(app.url, {
        getAccessToken: (reason) => (reason === 'initial' ? session.present() : session.refresh()),
      });
      const renewal = () => message((sent) => sent.type === MessageType.Pong && sent.payload?.['accessTokenExpiresAt'] !== undefined);
      const comments = follow(client, post);
      await renewal();
      await comment(post, 'with the second token');
      await renewal();
      await comment(post, 'with the third');
      expect(await take(comments, 2)).toEqual(['with the second token', 'with the third']);
      expect(closed).toEqual([]);
      expect(connections()).toBe(1);
    });

    it('H04: brings a fresh token when the one it had has expired', async () => {
      const [post, session] = await Promise.all([createPost(), login()]);
      const expired = deferred<undefined>();
      let away = true;
      const { client, closed } = resuming(app.url, {
        getAccessToken: async (reason) => {
          if (reason === 'initial') return session.present();
          if (away) throw new Error('There is no way to whoever gives tokens.');
          return await session.refresh();
        },
        on: { closed: () => expired.resolve(undefined) },
      });
      const comments = follow(client, post);
      await comment(post, 'before');
      expect(await take(comments, 1)).toEqual(['before']);
      await expired.promise;
      expect(closed).toEqual([4403]);
      const past = session.present();
      await comment(post, 'meanwhile');
      away = false;
      expect(await take(comments, 1)).toEqual(['meanwhile']);
      await comments.return?.();

      // The token at hand is that of the past when another client begins.
      const late = resuming(app.url, { getAccessToken: (reason) => (reason === 'initial' ? past : session.refresh()) });
      const again = follow(late.client, post);
      expect(await take(again, 2)).toEqual(['before', 'meanwhile']);
      expect(late.closed).toEqual([4403]);
    });
  });
});

describe('a client that resumes', () => {
  const follow = (client: Client, post: Post) =>
    client.iterate<ResultOf<typeof Comments>>({
      query: Comments.toString(),
      variables: { id: post.id, after: post.commentCursor },
    });
  const next = async (results: ReturnType<typeof follow>) => {
    const { done, value } = await results.next();
    return done === true ? 'ended' : (value.data?.commentAdded.comment.body ?? value.errors?.[0]?.extensions?.['code']);
  };

  it('H19: gives up a connection that has gone silent, and resumes', async () => {
    const [proxy, post] = await Promise.all([proxied(), createPost()]);
    const { client, closed } = resuming(proxy.url, { keepAlive: 50, pongTimeoutMs: 200 });
    const comments = follow(client, post);
    await comment(post, 'before');
    expect(await next(comments)).toBe('before');
    proxy.blackHole();
    await comment(post, 'meanwhile');
    proxy.forget();
    expect(await next(comments)).toBe('meanwhile');
    expect(closed).toContain(4499);
  });

  it('gives up a connection that is never made', async () => {
    const [proxy, post] = await Promise.all([proxied(), createPost()]);
    proxy.blackHole();
    const failed = deferred<undefined>();
    const { client } = resuming(proxy.url, { connectTimeoutMs: 100, on: { error: () => failed.resolve(undefined) } });
    const comments = follow(client, post);
    await failed.promise;
    proxy.forget();
    await comment(post, 'at last');
    expect(await next(comments)).toBe('at last');
  });

  it('delivers nothing twice where the cursor is written into the operation', async () => {
    const [proxy, post] = await Promise.all([proxied(), createPost()]);
    const { client, connections } = resuming(proxy.url);
    const comments: ReturnType<typeof follow> = client.iterate({
      query: `subscription { commentAdded(postId: "${post.id}", after: "${post.commentCursor}") { comment { body } } }`,
    });
    await comment(post, 'one', 'two');
    expect([await next(comments), await next(comments)]).toEqual(['one', 'two']);
    proxy.cut();
    await comment(post, 'three');
    expect(await next(comments)).toBe('three');
    expect(connections()).toBe(2);
  });

  it('ends with CURSOR_EXPIRED when what it has missed is no longer kept', async () => {
    const [proxy, post] = await Promise.all([proxied(), createPost()]);
    const { client } = resuming(proxy.url);
    const comments = follow(client, post);
    await comment(post, 'before');
    expect(await next(comments)).toBe('before');
    await proxy.refuse();
    await comment(post, 'lost', 'kept');
    await database.query('UPDATE head SET oldest_seq = last_seq WHERE topic = $1 AND key = $2', [
      'comments',
      decodeId('Post', post.id, 'id'),
    ]);
    await proxy.resume();
    expect([await next(comments), await next(comments)]).toEqual(['CURSOR_EXPIRED', 'ended']);
  });

  it('comes back when the database was away as it subscribed', async () => {
    const databaseProxy = await startProxy(database.url);
    const other = await startTestApp({
      database: { ...database, url: databaseProxy.url },
      env: { DATA_DIR: keys, RECONCILE_MS: '100', DATABASE_TIMEOUT_MS: '500' },
    });
    closing.push(async () => {
      await other.stop();
      await databaseProxy.stop();
    });
    const post = await createPost();
    // A guest, so that the handshake itself asks no database.
    const { client, message } = resuming(other.url, { getAccessToken: () => null });
    const unavailable = message((sent) => JSON.stringify(sent).includes('UNAVAILABLE'));
    await databaseProxy.refuse();
    const comments = follow(client, post);
    const likes = client.iterate({
      query: LikeCountChanged.toString(),
      variables: { id: post.id },
    });
    await unavailable;
    await databaseProxy.resume();
    await comment(post, 'at last');
    expect(await next(comments)).toBe('at last');
    expect((await likes.next()).value).toMatchObject({ data: { likeCountChanged: { count: 0 } } });
  });

  it('ends with a token that can never be valid', async () => {
    const post = await createPost();
    const { client } = resuming(app.url, { getAccessToken: () => 'no token' });
    await expect(follow(client, post).next()).rejects.toMatchObject({ code: 4401 });
  });

  it('ends with an expired token when it has no way to another', async () => {
    const issuer = await startTestApp({ database, env: { DATA_DIR: keys, JWT_ACCESS_TTL_SECONDS: '1' } });
    closing.push(() => issuer.stop());
    const { token: accessToken } = await aSession(issuer, ada);
    const client = createResumingClient({
      url: app.url.replace(/^http/, 'ws'),
      webSocketImpl: WebSocket,
      connectionParams: { accessToken },
    });
    closing.push(async () => client.dispose());
    const post = await createPost();
    await expect(follow(client, post).next()).rejects.toMatchObject({ code: 4403 });
  });

  it('runs queries and mutations as the stock client does', async () => {
    const { client } = resuming(app.url);
    const results = client.iterate({ query: '{ me { user { username } } }' });
    expect(await results.next()).toMatchObject({ value: { data: { me: { user: { username: 'ada' } } } } });
    expect(await results.next()).toMatchObject({ done: true });
    const refused = client.iterate({ query: '{ nothing }' });
    await expect(refused.next()).rejects.toMatchObject([{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }]);
  });

  it('leaves an operation upon its result without ending the others of the socket', async () => {
    const post = await createPost();
    const { client, closed } = resuming(app.url);
    const comments = follow(client, post);
    await comment(post, 'one');
    expect(await next(comments)).toBe('one');
    // The result and the `complete` behind it come together, so the server's and the client's end of the operation cross.
    for (let times = 0; times < 3; times += 1) {
      const completed = deferred<undefined>();
      const leave = client.subscribe(
        { query: '{ __typename }' },
        { next: () => leave(), error: completed.reject, complete: () => completed.resolve(undefined) },
      );
      await completed.promise;
    }
    await comment(post, 'two');
    expect([await next(comments), closed]).toEqual(['two', []]);
  });

  it('keeps one failing reader from ending the others', async () => {
    const post = await createPost();
    const { client } = resuming(app.url);
    const comments = follow(client, post);
    const failed = deferred<unknown>();
    client.subscribe(
      { query: Comments.toString(), variables: { id: post.id, after: post.commentCursor } },
      {
        next: () => {
          throw new Error('A mistake of the application.');
        },
        error: failed.resolve,
        complete: () => undefined,
      },
    );
    await comment(post, 'one', 'two');
    expect([await next(comments), await next(comments)]).toEqual(['one', 'two']);
    expect(await failed.promise).toMatchObject({ message: 'A mistake of the application.' });
  });

  it.each(['refuses', 'is silent'])('is disposed of at once while the server %s', async (how) => {
    const [proxy, post] = await Promise.all([proxied(), createPost()]);
    if (how === 'refuses') await proxy.refuse();
    else proxy.blackHole();
    const { client } = resuming(proxy.url, { backoff: { firstMs: 600_000, maxMs: 600_000 } });
    const failed = deferred<undefined>();
    client.on('error', () => failed.resolve(undefined));
    const opened = deferred<undefined>();
    client.on('connecting', () => opened.resolve(undefined));
    const comments = follow(client, post);
    await (how === 'refuses' ? failed : opened).promise;
    await client.dispose();
    expect(await next(comments)).toBe('ended');
  });

  describe('whose connection was of use comes back soon, whatever its backoff:', () => {
    const SLOW = { firstMs: 600_000, maxMs: 600_000 };
    /** How often a client has tried to connect that would wait for five minutes at least by its own backoff. */
    const trying = (url: string, ofUseMs?: number): { readonly seen: Seen; readonly tries: () => number } => {
      let tries = 0;
      class Tried extends WebSocket {
        constructor(...given: ConstructorParameters<typeof WebSocket>) {
          super(...given);
          tries += 1;
        }
      }
      const options = { webSocketImpl: Tried, backoff: SLOW, ...(ofUseMs === undefined ? {} : { ofUseMs }) };
      return { seen: resuming(url, options), tries: () => tries };
    };
    const follow = async ({ client, connections }: Seen): Promise<void> => {
      client.subscribe(
        { query: 'subscription { announcementAdded { id } }' },
        { next: () => undefined, error: () => undefined, complete: () => undefined },
      );
      await expect.poll(connections).toBe(1);
    };
    it('the pauses before the first five tries are shorter than a second', () => {
      for (let failures = 0; failures < 5; failures += 1) expect(soonDelayOf(SLOW, failures)).toBeLessThan(1_000);
      expect(soonDelayOf(SLOW, 5)).toBeGreaterThan(1_000);
    });

    it('after a 1012 it tries five times without it', async () => {
      const mine = await startTestApp({ database, env: { DATA_DIR: keys } });
      const proxy = await startProxy(mine.url);
      closing.push(proxy.stop);
      const { seen, tries } = trying(proxy.url);
      await follow(seen);
      await mine.stop();
      expect(seen.closed).toEqual([1012]);
      await expect.poll(tries, { timeout: 30_000 }).toBe(6);
    });

    it('after a connection that lasted it tries five times without it', async () => {
      const proxy = await startProxy(app.url);
      closing.push(proxy.stop);
      const { seen, tries } = trying(proxy.url, 1);
      await follow(seen);
      await proxy.refuse();
      await expect.poll(tries, { timeout: 30_000 }).toBe(6);
    });
  });
});
