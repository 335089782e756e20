import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { commentLog } from '../../src/domains/posts/topics.js';
import { decodeId } from '../../src/graphql/ids.js';
import { createFairTurns } from '../../src/db/fair-turns.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { deferred } from '../kit/deferred.js';

const COMMENT = 'mutation ($id: ID!, $body: String!) { addComment(input: { postId: $id, body: $body }) { comment { id } } }';
const LIGHT = 'subscription ($id: ID!) { commentAdded(postId: $id) { cursor comment { body } } }';
/** Selections that differ, each of a dozen lists. */
const heavy = (n: number): string => {
  const lists = Array.from(
    { length: 12 },
    (_, alias) => `l${n}_${alias}: comments(first: 100) { edges { node { body author { username } } } }`,
  );
  return `subscription ($id: ID!) { commentAdded(postId: $id) { comment { post { ${lists.join(' ')} } } } }`;
};
const tagged = (n: number): string => `subscription ($id: ID!) { commentAdded(postId: $id) { cursor tag${n}: cursor } }`;

let app: TestApp;
let ada: TestUser;
beforeAll(async () => {
  app = await startTestApp({ env: { DATABASE_POOL_SIZE: '8', MAX_EVENT_COMPLEXITY: '5000' } });
  ada = await app.user('ada');
});
afterAll(() => app.stop());

const createPost = async (): Promise<string> =>
  (await app.data<{ createPost: { post: { id: string } } }>('mutation { createPost(input: { body: "p" }) { post { id } } }', {}, ada))
    .createPost.post.id;
const subscribersAre = (count: number) => expect.poll(() => app.services.hub.stats().subscribers, { timeout: 20_000 }).toBe(count);

it(
  'H32: while the heavy selections of one socket are held up at the first event, a light one gets all that come',
  { timeout: 60_000 },
  async () => {
    const id = await createPost();
    const { addComment } = await app.data<{ addComment: { comment: { id: string } } }>(COMMENT, { id, body: 'c' }, ada);
    const commentId = decodeId('Comment', addComment.comment.id, 'id');
    const [greedy, modest] = [app.connect(), app.connect(ada)];
    await Promise.all([greedy.opened, modest.opened]);
    const standing = app.services.hub.stats().subscribers;
    const heavies = Array.from({ length: 10 }, (_, n) => greedy.subscribe(heavy(n), { id }));
    const light = modest.subscribe(LIGHT, { id });
    await subscribersAre(standing + 11);
    const holder = new pg.Client(app.database.url);
    await holder.connect();
    try {
      // What only the heavy ones read.
      await holder.query('BEGIN; LOCK TABLE "user" IN ACCESS EXCLUSIVE MODE');
      // Written past the mutation, which needs the users itself.
      for (let n = 0; n < 5; n += 1) {
        await app.services.db.transact((tx) =>
          Promise.resolve(tx.emit(commentLog, decodeId('Post', id, 'id'), 'CommentAdded', { commentId })),
        );
      }
      await light.take(5);
      expect(heavies.map((each) => each.waiting())).toEqual(heavies.map(() => 0));
    } finally {
      await holder.query('ROLLBACK');
      await holder.end();
    }
    await Promise.all([greedy.close(), modest.close()]);
    await subscribersAre(0);
  },
);

it('one over the number of different selections that one may have of a stream is refused with RATE_LIMITED, the others go on', async () => {
  const id = await createPost();
  const [socket, adas] = [app.connect(), app.connect(ada)];
  await Promise.all([socket.opened, adas.opened]);
  const standing = app.services.hub.stats().subscribers;
  const held = Array.from({ length: 10 }, (_, n) => socket.subscribe(tagged(n), { id }));
  await subscribersAre(standing + 10);
  const refused = app.connect().subscribe(tagged(10), { id });
  expect(await refused.ended).toMatchObject([{ extensions: { code: 'RATE_LIMITED', limit: 10 } }]);
  // The same selection once more is no other one, and somebody else has a number of their own.
  const same = socket.subscribe(tagged(0), { id });
  const other = adas.subscribe(tagged(10), { id });
  await subscribersAre(standing + 12);
  await app.data(COMMENT, { id, body: 'c' }, ada);
  await Promise.all([...held, same, other].map((each) => each.data()));
  // What one has given up is free again.
  held[3]?.stop();
  await subscribersAre(standing + 11);
  const instead = socket.subscribe(tagged(11), { id });
  await subscribersAre(standing + 12);
  await app.data(COMMENT, { id, body: 'c' }, ada);
  await instead.data();
  await socket.close();
});

it('turns go round among owners: one who wants much is not served before one who wants little', async () => {
  const turns = createFairTurns(1);
  const gate = deferred<undefined>();
  const done: string[] = [];
  const run = (owner: string, name: string) =>
    turns.run(owner, async () => {
      await gate.promise;
      done.push(name);
    });
  const all = Promise.all([run('a', 'a1'), run('a', 'a2'), run('a', 'a3'), run('b', 'b1'), run('a', 'a4'), run('c', 'c1')]);
  gate.resolve(undefined);
  await all;
  expect(done).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'a4']);
});
