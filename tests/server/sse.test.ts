import { createClient, type Client, type ExecutionResult, type RequestParams } from 'graphql-sse';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { SHORT_GRACE, startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { commentCursorOf, like, unlike } from '../kit/acts.js';
import { aComment, aPost } from '../kit/factories.js';
import { graphql, type ResultOf, type TypedText } from '../kit/graphql.js';
import { CommentAdded, LikeCountChanged, StatusChanged } from '../kit/subscriptions.js';

const UpdateBio = graphql(`
  mutation UpdateBio($bio: String!) {
    updateProfile(input: { bio: $bio }) {
      user {
        bio
      }
    }
  }
`);

/** As graphql-sse wants it. */
const requestOf = <Variables extends Record<string, unknown>>(
  document: TypedText<unknown, Variables>,
  variables: Variables,
): RequestParams => ({ query: document.toString(), variables });

let app: TestApp;
let ada: TestUser;
let postId: string;
const clients: Client[] = [];
beforeAll(async () => {
  app = await startTestApp({ env: SHORT_GRACE });
  ada = await app.user('ada');
  ({ id: postId } = await aPost(app, ada));
});
afterEach(() => {
  for (const client of clients.splice(0)) client.dispose();
});
afterAll(() => app.stop());

/** A graphql-sse client in distinct connections mode. */
const client = (user?: TestUser): Client => {
  const created = createClient({
    url: app.url,
    retryAttempts: 0,
    headers: (): Record<string, string> => (user ? { authorization: `Bearer ${user.token}` } : {}),
  });
  clients.push(created);
  return created;
};

const all = async (results: AsyncIterable<ExecutionResult>): Promise<ExecutionResult[]> => {
  const seen: ExecutionResult[] = [];
  for await (const result of results) seen.push(result);
  return seen;
};

const likes = () => requestOf(LikeCountChanged, { id: postId });
const nothingLeft = (): Promise<void> => expect.poll(() => app.services.hub.stats()).toMatchObject({ streams: 0, subscribers: 0 });

describe('a graphql-sse client', () => {
  test('asks a query', async () => {
    expect(await all(client().iterate({ query: '{ __typename }' }))).toEqual([{ data: { __typename: 'Query' } }]);
  });

  test('sends a mutation with its token', async () => {
    expect(await all(client(ada).iterate(requestOf(UpdateBio, { bio: 'by SSE' })))).toMatchObject([
      { data: { updateProfile: { user: { bio: 'by SSE' } } } },
    ]);
  });

  test('follows a subscription, and leaves it', async () => {
    await unlike(app, ada, postId);
    const results = client().iterate(likes());
    expect(await results.next()).toEqual({ done: false, value: { data: { likeCountChanged: { count: 0 } } } });
    await like(app, ada, postId);
    expect(await results.next()).toEqual({ done: false, value: { data: { likeCountChanged: { count: 1 } } } });
    expect(app.services.hub.stats()).toMatchObject({ streams: 1, subscribers: 1 });
    await results.return?.();
    await nothingLeft();
  });

  test('gets the cursor of each event of a log', async () => {
    const after = await commentCursorOf(app, postId);
    const results = client().iterate(requestOf(CommentAdded, { id: postId, after }));
    const next = results.next();
    await aComment(app, ada, postId, { body: 'first' });
    const event: ExecutionResult<ResultOf<typeof CommentAdded>> = (await next).value;
    expect(event.data).toMatchObject({ commentAdded: { comment: { body: 'first' } } });
    expect(event.extensions).toEqual({ cursor: event.data?.commentAdded.cursor });
    await results.return?.();
    await nothingLeft();
  });

  test('is no device: a subscription by SSE makes nobody present', async () => {
    const results = client(ada).iterate(requestOf(StatusChanged, { ids: [ada.id] }));
    expect(await results.next()).toMatchObject({ value: { data: { presenceChanged: { status: 'OFFLINE' } } } });
    expect(await app.database.query('SELECT * FROM presence_device')).toEqual([]);
    await results.return?.();
  });
});

describe('an event stream', () => {
  /** The stream as it comes, in pieces that end at an empty line. */
  const stream = async (
    init: RequestInit,
    url = app.url,
  ): Promise<{ readonly headers: Headers; readonly next: () => Promise<string>; readonly leave: () => void }> => {
    const controller = new AbortController();
    const response = await fetch(url, { ...init, signal: controller.signal });
    expect(response.status).toBe(200);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    const decoder = new TextDecoder();
    let text = '';
    return {
      headers: response.headers,
      next: async () => {
        for (;;) {
          const end = text.indexOf('\n\n');
          if (end >= 0) {
            const piece = text.slice(0, end);
            text = text.slice(end + 2);
            return piece;
          }
          const { done, value } = await reader.read();
          if (done) return 'END';
          text += decoder.decode(value, { stream: true });
        }
      },
      leave: () => controller.abort(),
    };
  };
  const addressOf = ({ query, variables }: RequestParams): string =>
    `${app.url}?query=${encodeURIComponent(query)}&variables=${encodeURIComponent(JSON.stringify(variables))}`;
  const byGet = (): string => addressOf(likes());

  test('is what an EventSource reads, by GET', async () => {
    await unlike(app, ada, postId);
    const { headers, next, leave } = await stream({ headers: { accept: 'text/event-stream' } }, byGet());
    expect(headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(headers.get('cache-control')).toContain('no-cache');
    expect(headers.get('content-encoding')).toBeNull();
    expect(await next()).toBe(':');
    expect(await next()).toBe('event: next\ndata: {"data":{"likeCountChanged":{"count":0}}}');
    await like(app, ada, postId);
    expect(await next()).toBe('event: next\ndata: {"data":{"likeCountChanged":{"count":1}}}');
    leave();
    await nothingLeft();
  });

  test('gives each event of a log its cursor as id, and goes on after Last-Event-ID', async () => {
    const { id, commentCursor: after } = await aPost(app, ada);
    for (const body of ['one', 'two']) await aComment(app, ada, id, { body });
    const address = addressOf(requestOf(CommentAdded, { id, after }));
    const first = await stream({ headers: { accept: 'text/event-stream' } }, address);
    await first.next();
    const [, lastEventId = ''] = /^id: (\S+)$/m.exec(await first.next()) ?? [];
    first.leave();
    // The same address, as an EventSource asks for it again: the header counts.
    const second = await stream({ headers: { accept: 'text/event-stream', 'last-event-id': lastEventId } }, address);
    await second.next();
    const event = await second.next();
    expect(event).toContain('"body":"two"');
    expect(event).toMatch(/^event: next\nid: \S+\ndata: /);
    second.leave();
    await nothingLeft();
  });

  test('is kept alive by comments', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const { next, leave } = await stream({ headers: { accept: 'text/event-stream' } }, byGet());
      expect(await next()).toBe(':');
      expect(await next()).toContain('event: next');
      for (let round = 0; round < 3; round += 1) {
        vi.advanceTimersByTime(12_000);
        expect(await next()).toBe(':');
      }
      leave();
      await nothingLeft();
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  test('ends with what went wrong in its middle: a result with the error, then complete', async () => {
    const { id } = await aPost(app, ada);
    const { next } = await stream({
      method: 'POST',
      headers: { accept: 'text/event-stream', 'content-type': 'application/json' },
      body: JSON.stringify(requestOf(CommentAdded, { id })),
    });
    expect(await next()).toBe(':');
    const socket = app.connect();
    const live = socket.subscribe(CommentAdded, { id });
    await expect.poll(() => app.services.hub.stats().subscribers).toBe(2);
    await aComment(app, ada, id, { body: 'one' });
    expect(await next()).toContain('"one"');
    expect((await live.data()).commentAdded.comment).toEqual({ body: 'one' });
    // Retention has gone past what these two have seen: the hub says so to whoever follows the stream.
    const [head] = await app.database.query<{ key: string }>(`SELECT key FROM event WHERE topic = 'comments' ORDER BY at DESC LIMIT 1`);
    await app.database.query(`UPDATE head SET last_seq = 3, oldest_seq = 3 WHERE topic = 'comments' AND key = $1`, [head?.key]);
    await aComment(app, ada, id, { body: 'two' });
    const failed = JSON.parse((await next()).replace('event: next\ndata: ', '')) as { errors: unknown[] };
    expect(failed).toMatchObject({ errors: [{ extensions: { code: 'CURSOR_EXPIRED' } }] });
    expect(await next()).toBe('event: complete\ndata:');
    expect(await next()).toBe('END');
    expect(await live.ended).toMatchObject([{ extensions: { code: 'CURSOR_EXPIRED' } }]);
    expect(await socket.execute('{ __typename }')).toMatchObject({ data: { __typename: 'Query' } });
    await socket.close();
    await nothingLeft();
  });

  test('that nobody waits for is not opened', async () => {
    for (let round = 0; round < 10; round += 1) {
      const controller = new AbortController();
      const gone = fetch(byGet(), { headers: { accept: 'text/event-stream' }, signal: controller.signal }).catch(() => undefined);
      await new Promise((resolve) => setImmediate(resolve));
      controller.abort();
      await gone;
    }
    await nothingLeft();
  });
});
