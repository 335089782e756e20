import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { commentLog } from '../../src/domains/posts/topics.js';
import { decodeId } from '../../src/graphql/ids.js';
import { createFairTurns } from '../../src/db/fair-turns.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { deferred } from '../kit/deferred.js';
import { aComment, aPost } from '../kit/factories.js';
import { CommentAdded } from '../kit/subscriptions.js';

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

const subscribersAre = (count: number) => expect.poll(() => app.services.hub.stats().subscribers, { timeout: 20_000 }).toBe(count);

it(
  'H32: while the heavy selections of one socket are held up at the first event, a light one gets all that come',
  { timeout: 60_000 },
  async () => {
    const { id } = await aPost(app, ada);
    const commentId = decodeId('Comment', (await aComment(app, ada, id)).id, 'id');
    const [greedy, modest] = [app.connect(), app.connect(ada)];
    await Promise.all([greedy.opened, modest.opened]);
    const standing = app.services.hub.stats().subscribers;
    const heavies = Array.from({ length: 10 }, (_, n) => greedy.subscribe(heavy(n), { id }));
    const light = modest.subscribe(CommentAdded, { id });
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

/** One who has as many different selections of a stream as one may. */
const holdTen = async () => {
  const { id } = await aPost(app, ada);
  const [socket, adas] = [app.connect(), app.connect(ada)];
  await Promise.all([socket.opened, adas.opened]);
  const standing = app.services.hub.stats().subscribers;
  const held = Array.from({ length: 10 }, (_, n) => socket.subscribe(tagged(n), { id }));
  await subscribersAre(standing + 10);
  return { id, socket, adas, standing, held };
};

it('one over the number of different selections that one may have of a stream is refused with RATE_LIMITED, the others go on', async () => {
  const { id, socket, adas, standing, held } = await holdTen();
  const refused = app.connect().subscribe(tagged(10), { id });
  expect(await refused.ended).toMatchObject([{ extensions: { code: 'RATE_LIMITED', limit: 10 } }]);
  // The same selection once more is no other one, and somebody else has a number of their own.
  const same = socket.subscribe(tagged(0), { id });
  const other = adas.subscribe(tagged(10), { id });
  await subscribersAre(standing + 12);
  await aComment(app, ada, id);
  await Promise.all([...held, same, other].map((each) => each.data()));
  await Promise.all([socket.close(), adas.close()]);
  await subscribersAre(0);
});

it('a selection that one has given up makes room for another one', async () => {
  const { id, socket, adas, standing, held } = await holdTen();
  held[3]?.stop();
  await subscribersAre(standing + 9);
  const instead = socket.subscribe(tagged(11), { id });
  await subscribersAre(standing + 10);
  await aComment(app, ada, id);
  await instead.data();
  await Promise.all([socket.close(), adas.close()]);
  await subscribersAre(0);
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
