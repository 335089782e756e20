import { createClient } from 'graphql-sse';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
// Before the app.
import '../kit/extra-fields.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aComment, aPost, aSession } from '../kit/factories.js';

/** Selects fields that only these tests have, so its data has no generated types. */
const COMMENTS = (selection: string) => `subscription ($id: ID!) { commentAdded(postId: $id) { comment { author { ${selection} } } } }`;

interface Event {
  readonly commentAdded: { readonly comment: { readonly author: Readonly<Record<string, unknown>> } };
}

describe('the audience of a result that depends on its viewer', () => {
  let app: TestApp;
  let ada: TestUser;
  let ben: TestUser;
  let post: string;
  beforeAll(async () => {
    app = await startTestApp({ env: { LOG_LEVEL: 'silent' } });
    [ada, ben] = [await app.user('ada'), await app.user('ben')];
    ({ id: post } = await aPost(app, ben));
  });
  afterAll(() => app.stop());

  const device = (user: TestUser): Promise<TestUser> => aSession(app, user, { headers: { 'user-agent': `device of ${user.username}` } });
  const following = (count: number): Promise<void> => expect.poll(() => app.services.hub.stats().subscribers).toBeGreaterThanOrEqual(count);
  /** Whoever followed before has gone: they would be counted for those who are on the way. */
  const nobody = (): Promise<void> => expect.poll(() => app.services.hub.stats().subscribers).toBe(0);
  const comment = (): Promise<unknown> => aComment(app, ben, post);

  it('is one for all devices of one person, whatever their sessions and transports', async () => {
    const cost = async (devices: number): Promise<number> => {
      await nobody();
      const users = await Promise.all(Array.from({ length: devices }, () => device(ada)));
      const sockets = users.map((user) => app.connect(user));
      await Promise.all(sockets.map(({ opened }) => opened));
      const results = sockets.map((socket) => socket.subscribe<Event>(COMMENTS('viewerFollows'), { id: post }));
      const stream = createClient({
        url: app.url,
        retryAttempts: 0,
        headers: { authorization: `Bearer ${ada.token}`, 'user-agent': 'another' },
      }).iterate<Event>({ query: COMMENTS('viewerFollows'), variables: { id: post } });
      const first = stream.next();
      await following(devices + 2);
      const all = async (): Promise<unknown> => await Promise.all(results.map(({ data }) => data()));
      // The first finds out that it depends on the viewer.
      await Promise.all([comment(), all(), first]);
      const second = stream.next();
      const statements = await app.countStatements(async () => Promise.all([comment(), all(), second]));
      await Promise.all([stream.return?.(), ...sockets.map((socket) => socket.close())]);
      return statements.filter((sql) => /\bfollow\b/.test(sql)).length;
    };
    expect(await cost(6)).toBe(await cost(1));
  });

  it('has no address, no device and no session: a resolver that asks for them shows nothing', async () => {
    await nobody();
    const sockets = [app.connect(), app.connect(await device(ada)), app.connect(await device(ada)), app.connect(ben)];
    await Promise.all(sockets.map(({ opened }) => opened));
    const results = sockets.map((socket) => socket.subscribe<Event>(COMMENTS('seenBy seenFrom'), { id: post }));
    await following(results.length);
    await comment();
    const shown = await Promise.all(results.map(({ next }) => next()));
    expect(shown.map(({ data }) => data?.commentAdded.comment.author)).toEqual([
      { seenBy: 'ben seen by anyone as nobody', seenFrom: null },
      ...['ada', 'ada', 'ben'].map((name) => ({ seenBy: `ben seen by ${name} as MEMBER`, seenFrom: null })),
    ]);
    await Promise.all(sockets.map((socket) => socket.close()));
  });

  it('is looked up once: a stream of server-sent events reads its session one time', async () => {
    await nobody();
    const statements = await app.countStatements(async () => {
      const stream = createClient({ url: app.url, retryAttempts: 0, headers: { authorization: `Bearer ${ada.token}` } }).iterate<Event>({
        query: COMMENTS('username'),
        variables: { id: post },
      });
      const first = stream.next();
      await following(2);
      await comment();
      await first;
      await stream.return?.();
    });
    // Another one belongs to the mutation.
    expect(statements.filter((sql) => /\bsession\b/.test(sql))).toHaveLength(2);
  });
});
